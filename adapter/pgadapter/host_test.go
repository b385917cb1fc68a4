// SPDX-License-Identifier: MIT

// This file holds what the tests of faults share: servers that send each other numbered
// events, and check what they receive.

package pgadapter_test

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

// A host is a server with one socket, in the rooms of all streams.
type host struct {
	testing.TB
	*cluster.Cluster
	name  string
	nsp   string // "" is "/"
	space adapter.Adapter
	sent  map[string]int // in each stream; "" is for all sockets, the others are rooms

	mu   sync.Mutex
	last map[string]int // the last number that was received, by sender and stream
	gaps int            // numbers that were left out
}

// newHost starts a server. It ends with the test.
func newHost(t testing.TB, name string, c *cluster.Cluster, rooms ...string) *host {
	h := new(host)
	h.open(t, name, c, rooms...)
	return h
}

// open starts the server of a host, whose namespace is set.
func (h *host) open(t testing.TB, name string, c *cluster.Cluster, rooms ...string) {
	h.TB, h.Cluster, h.name = t, c, name
	h.sent, h.last = make(map[string]int), make(map[string]int)
	if err := c.Open(adapter.Node{ID: name, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)).With("host", name)}); err != nil {
		t.Fatal(err)
	}
	h.space = c.Adapter(h)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = h.space.Close()
		if err := c.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	h.space.Add(h, rooms)
	for _, room := range rooms {
		h.sent[room] = 0
	}
	h.sent[""] = 0
}

// emit sends the next event of a stream. The socket of this host must receive it at once.
func (h *host) emit(stream string) (number int, err error) {
	h.sent[stream]++
	number = h.sent[stream]
	target := adapter.Target{}
	if stream != "" {
		target.Rooms = []string{stream}
	}
	_, err = h.space.Broadcast(&adapter.Packet{Message: fmt.Sprintf("%s/%s/%d", h.name, stream, number)}, target)
	if got := h.heard(h.name, stream); got != number {
		h.Errorf("%s got its own event %d, want %d", h.name, got, number)
	}
	return number, err
}

// heard returns the number of the last event that came from a host in a stream.
func (h *host) heard(from, stream string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last[from+"/"+stream]
}

// Deliver implements adapter.Member. Numbers must grow: events come in order, and once.
func (h *host) Deliver(p *adapter.Packet) {
	text := strings.TrimLeft(p.Message.(string), " ")
	i := strings.LastIndexByte(text, '/')
	number, _ := strconv.Atoi(text[i+1:])
	h.mu.Lock()
	defer h.mu.Unlock()
	if number <= h.last[text[:i]] {
		h.Errorf("%s got event %d of %q after event %d", h.name, number, text[:i], h.last[text[:i]])
	}
	if last := h.last[text[:i]]; last > 0 {
		h.gaps += number - last - 1
	}
	h.last[text[:i]] = number
}

// lost returns how many events have not come, between others that have.
func (h *host) lost() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gaps
}

func (h *host) ID() string                   { return "socket of " + h.name }
func (h *host) Join(rooms ...string) error   { h.space.Join(h, rooms); return nil }
func (h *host) Leave(room string)            { h.space.Leave(h, room) }
func (h *host) Disconnect(bool)              { h.space.Remove(h) }
func (h *host) Namespace() string            { return cmp.Or(h.nsp, "/") }
func (*host) End(p *adapter.Packet)          { p.Call.Close() }
func (*host) DecodeArgs(adapter.Payload) any { return nil }

func (*host) Payload(p *adapter.Packet) (adapter.Payload, error) {
	text, err := json.Marshal([]string{p.Message.(string)})
	return adapter.Payload{JSON: text, Meta: p.Meta}, err
}

func (*host) Packet(e adapter.Payload, f adapter.Flags, c *adapter.Call) (*adapter.Packet, error) {
	var args []string
	if err := json.Unmarshal(e.JSON, &args); err != nil || len(args) != 1 {
		return nil, fmt.Errorf("an event of another form: %s", e.JSON)
	}
	return &adapter.Packet{Message: args[0], Flags: f, Call: c, Meta: e.Meta}, nil
}

func (*host) EncodeArgs(any) (adapter.Payload, error) {
	return adapter.Payload{JSON: []byte("[]")}, nil
}

func (*host) Describe(m adapter.Member) adapter.MemberInfo {
	return adapter.MemberInfo{ID: m.ID(), Rooms: []string{m.ID()}}
}

func (*host) HandleServerSideEmit(context.Context, adapter.Payload, func(adapter.Payload)) {}

// worksIn is the most that a cluster may need after a fault.
const worksIn = 60 * time.Second

// eventually waits until a condition holds, and returns how long that took.
func eventually(t testing.TB, what string, holds func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	if !holdsWithin(worksIn, holds) {
		t.Fatalf("%s: not after %v", what, worksIn)
	}
	return time.Since(start)
}

// holdsWithin looks until a condition holds: what is told by other processes has no event to
// wait for.
func holdsWithin(limit time.Duration, holds func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(limit); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			return holds()
		}
	}
	return true
}

// exchange sends events until each host has received one of each stream from each other
// host, which was sent after the call. It returns how long that took.
func exchange(t testing.TB, hosts []*host) time.Duration {
	t.Helper()
	type stream struct {
		from, to *host
		name     string
	}
	first := make(map[stream]int)
	for _, from := range hosts {
		for name := range from.sent {
			for _, to := range hosts {
				first[stream{from, to, name}] = from.sent[name] + 1
			}
		}
	}
	return eventually(t, "events of all hosts at all hosts", func() bool {
		for _, h := range hosts {
			for name := range h.sent {
				_, _ = h.emit(name)
			}
		}
		for s, number := range first {
			if s.to.heard(s.from.name, s.name) < number {
				return false
			}
		}
		return true
	})
}

// settled waits until all hosts know each other and are healthy.
func settled(t testing.TB, hosts []*host) {
	t.Helper()
	exchange(t, hosts)
	for _, h := range hosts {
		eventually(t, "the health of "+h.name, func() bool { return h.Health().Degraded == nil })
		eventually(t, "the nodes that "+h.name+" knows", func() bool { return h.Nodes() == len(hosts) })
	}
}
