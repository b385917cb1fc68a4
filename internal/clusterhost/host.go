// SPDX-License-Identifier: MIT

// This file holds a host: its events, and what package adapter asks of a server.

package clusterhost

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// A Host is a server with one socket, in the rooms of all streams. Heard and Lost may be
// called from any goroutine, the other methods from one at a time.
type Host struct {
	*cluster.Cluster
	Name  string
	Space adapter.Adapter // of its namespace
	Sent  map[string]int  // the last number of each stream; "" is for all sockets, the others are rooms

	t         testing.TB
	namespace string // "" is "/"

	mu      sync.Mutex           // guards the fields below
	last    map[string]int       // the last number that was received, by sender and stream
	came    map[string]time.Time // when that was
	gaps    int                  // numbers that were left out
	holes   []Hole               // without Lacking
	refused map[string][]int     // the numbers for which Emit has returned an error, by stream

	outageMu sync.Mutex // guards the field below; Hold does not hold it
	outages  []outage
}

// New starts a server with the namespace "/". It ends with the test.
func New(t testing.TB, name string, c *cluster.Cluster, rooms ...string) *Host {
	return NewIn(t, name, "", c, rooms...)
}

// NewIn is New for another namespace.
func NewIn(t testing.TB, name, namespace string, c *cluster.Cluster, rooms ...string) *Host {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), nil)).With("host", name)
	h := newHost(t, name, namespace, c)
	if err := c.Open(adapter.Node{ID: name, Logger: logger, Changed: h.changed}); err != nil {
		t.Fatal(err)
	}
	h.enter(rooms)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = h.Space.Close()
		if err := c.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return h
}

// On returns a host in a namespace of a cluster that is open. The caller closes both. The host
// does not know when the cluster was degraded.
func On(t testing.TB, name, namespace string, c *cluster.Cluster, rooms ...string) *Host {
	h := newHost(t, name, namespace, c)
	h.enter(rooms)
	return h
}

func newHost(t testing.TB, name, namespace string, c *cluster.Cluster) *Host {
	return &Host{
		t: t, Cluster: c, Name: name, namespace: namespace, Sent: map[string]int{"": 0},
		last: make(map[string]int), came: make(map[string]time.Time), refused: make(map[string][]int),
	}
}

// enter adds the socket of the host to its namespace and to rooms.
func (h *Host) enter(rooms []string) {
	h.Space = h.Cluster.Adapter(h)
	h.Space.Add(h, rooms)
	for _, room := range rooms {
		h.Sent[room] = 0
	}
}

// Emit sends the next event of a stream. The socket of this host must receive it at once.
func (h *Host) Emit(stream string) (number int, err error) {
	h.Sent[stream]++
	number = h.Sent[stream]
	target := adapter.Target{}
	if stream != "" {
		target.Rooms = []string{stream}
	}
	_, err = h.Space.Broadcast(&adapter.Packet{Message: fmt.Sprintf("%s/%s/%d", h.Name, stream, number)}, target)
	if got := h.Heard(h.Name, stream); got != number {
		h.t.Errorf("%s got its own event %d, want %d", h.Name, got, number)
	}
	if err != nil {
		h.mu.Lock()
		h.refused[stream] = append(h.refused[stream], number)
		h.mu.Unlock()
	}
	return number, err
}

// Heard returns the number of the last event that came from a host in a stream.
func (h *Host) Heard(from, stream string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last[from+"/"+stream]
}

// Lost returns how many events have not come, between others that have.
func (h *Host) Lost() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gaps
}

// Hold makes the socket of the host wait with what it receives, until release is called.
func (h *Host) Hold() (release func()) {
	h.mu.Lock()
	return h.mu.Unlock
}

// Deliver implements adapter.Member. The message is "sender/stream/number", after spaces
// that make it long. Numbers must grow: events come in order, and once.
func (h *Host) Deliver(p *adapter.Packet) {
	text := strings.TrimLeft(p.Message.(string), " ")
	i := strings.LastIndexByte(text, '/')
	number, _ := strconv.Atoi(text[i+1:])
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.last[text[:i]]
	if number <= last {
		h.t.Errorf("%s got event %d of %q after event %d", h.Name, number, text[:i], last)
	}
	h.noteLocked(text[:i], last, number, time.Now())
	h.last[text[:i]] = number
}

// ID implements adapter.Member.
func (h *Host) ID() string { return "socket of " + h.Name }

// Join implements adapter.Member.
func (h *Host) Join(rooms ...string) error { h.Space.Join(h, rooms); return nil }

// Leave implements adapter.Member.
func (h *Host) Leave(room string) { h.Space.Leave(h, room) }

// Disconnect implements adapter.Member.
func (h *Host) Disconnect(bool) { h.Space.Remove(h) }

// Namespace implements adapter.Local, as the methods below do.
func (h *Host) Namespace() string { return cmp.Or(h.namespace, "/") }

// End ends a call.
func (*Host) End(p *adapter.Packet) { p.Call.Close() }

// DecodeArgs knows no values.
func (*Host) DecodeArgs(adapter.Payload) any { return nil }

// EncodeArgs knows no values.
func (*Host) EncodeArgs(any) (adapter.Payload, error) {
	return adapter.Payload{JSON: []byte("[]")}, nil
}

// Payload encodes an event.
func (*Host) Payload(p *adapter.Packet) (adapter.Payload, error) {
	text, err := json.Marshal([]string{p.Message.(string)})
	return adapter.Payload{JSON: text, Meta: p.Meta}, err
}

// Packet decodes an event.
func (*Host) Packet(e adapter.Payload, f adapter.Flags, c *adapter.Call) (*adapter.Packet, error) {
	var args []string
	if err := json.Unmarshal(e.JSON, &args); err != nil || len(args) != 1 {
		return nil, fmt.Errorf("an event of another form: %s", e.JSON)
	}
	return &adapter.Packet{Message: args[0], Flags: f, Call: c, Meta: e.Meta}, nil
}

// Describe tells the id of a socket, and its own room.
func (*Host) Describe(m adapter.Member) adapter.MemberInfo {
	return adapter.MemberInfo{ID: m.ID(), Rooms: []string{m.ID()}}
}

// HandleServerSideEmit ignores events for servers.
func (*Host) HandleServerSideEmit(context.Context, adapter.Payload, func(adapter.Payload)) {}
