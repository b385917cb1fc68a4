// SPDX-License-Identifier: MIT

// This file holds what the tests share: a node with a server's side, members and a log.

package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A testNode is a node with the namespace "/".
type testNode struct {
	testing.TB
	*cluster.Cluster
	bus   *recorder
	local *local
	space adapter.Adapter
	log   *logText

	mu      sync.Mutex // guards the field below
	changes []string   // of its health
}

// newNode opens a node. It is closed at the end of the test, or of the bubble.
func newNode(t testing.TB, network *membus.Network, name string, o *cluster.Options) *testNode {
	r := &recorder{Node: network.Node(name)}
	return openNode(t, name, r, r, o)
}

// newCountingNode is newNode with a bus that counts subscribers.
func newCountingNode(t testing.TB, network *membus.Network, name string, o cluster.Options) *testNode {
	r := &recorder{Node: network.Node(name)}
	return openNode(t, name, r, struct {
		*recorder
		cluster.PeerCounter
	}{r, membus.Counting{Node: r.Node}}, &o)
}

func openNode(t testing.TB, name string, r *recorder, bus cluster.Bus, o *cluster.Options) *testNode {
	n := &testNode{TB: t, bus: r, log: new(logText), local: &local{nsp: "/"}}
	n.Cluster = cluster.New(bus, o)
	if err := n.Open(adapter.Node{ID: name, Logger: slog.New(slog.NewTextHandler(n.log, nil)), Changed: n.changed}); err != nil {
		t.Fatal(err)
	}
	n.space = n.Adapter(n.local)
	t.Cleanup(func() {
		_ = n.space.Close()
		_ = n.Close(context.Background())
	})
	return n
}

func (n *testNode) changed(h adapter.Health) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.changes = append(n.changes, fmt.Sprint(h.Degraded))
}

func (n *testNode) health() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.changes, "; ")
}

// join adds a member in rooms.
func (n *testNode) join(id string, rooms ...string) *member {
	m := &member{id: id, space: n.space}
	n.space.Add(m, rooms)
	return m
}

func (n *testNode) emit(text string, rooms ...string) error {
	_, err := n.space.Broadcast(&adapter.Packet{Message: text}, adapter.Target{Rooms: rooms})
	return err
}

func (n *testNode) count(space adapter.Adapter) int {
	count, err := space.ServerCount(context.Background())
	if err != nil {
		n.Errorf("ServerCount: %v", err)
	}
	return count
}

func want[T comparable](t testing.TB, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

// A recorder is a bus that records the calls of the node.
type recorder struct {
	*membus.Node

	mu           sync.Mutex // guards the fields below
	published    []published
	subscribed   [][]cluster.Channel
	unsubscribed [][]cluster.Channel
}

type published struct {
	channel cluster.Channel
	data    string
}

func (r *recorder) Publish(c cluster.Channel, data []byte) error {
	r.mu.Lock()
	r.published = append(r.published, published{c, string(data)})
	r.mu.Unlock()
	return r.Node.Publish(c, data)
}

func (r *recorder) Subscribe(channels []cluster.Channel, done func(error)) {
	r.mu.Lock()
	r.subscribed = append(r.subscribed, slices.Clone(channels))
	r.mu.Unlock()
	r.Node.Subscribe(channels, done)
}

func (r *recorder) Unsubscribe(channels []cluster.Channel) {
	r.mu.Lock()
	r.unsubscribed = append(r.unsubscribed, slices.Clone(channels))
	r.mu.Unlock()
	r.Node.Unsubscribe(channels)
}

// calls returns the numbers of calls of Subscribe and Unsubscribe.
func (r *recorder) calls() (subscribe, unsubscribe int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.subscribed), len(r.unsubscribed)
}

// since returns what was published after the first n messages.
func (r *recorder) since(n int) []published {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.published[n:])
}

// A member is a socket that remembers texts.
type member struct {
	id    string
	space adapter.Adapter

	answers bool // its id

	mu  sync.Mutex // guards the field below
	got []string
}

func (m *member) ID() string { return m.id }

func (m *member) Deliver(p *adapter.Packet) {
	if p.Call != nil {
		p.Call.Expect(m)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, p.Message.(string))
	if p.Call != nil && m.answers {
		p.Call.Answer(m, m.id)
	}
}

func (m *member) Join(rooms ...string) error { m.space.Join(m, rooms); return nil }
func (m *member) Leave(room string)          { m.space.Leave(m, room) }
func (m *member) Disconnect(bool)            { m.space.Remove(m) }

func (m *member) heard() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.got, " ")
}

// A local is a server whose messages are texts.
type local struct {
	nsp   string
	block chan struct{} // if not nil, handlers of server events wait for it
}

func (l *local) Namespace() string { return l.nsp }

func (*local) Payload(p *adapter.Packet) (adapter.Payload, error) {
	return adapter.Payload{JSON: []byte(`["` + p.Message.(string) + `"]`), Meta: p.Meta}, nil
}

func (*local) Packet(e adapter.Payload, f adapter.Flags, c *adapter.Call) (*adapter.Packet, error) {
	text := strings.Trim(string(e.JSON), `["]`)
	if text == "unreadable" {
		return nil, fmt.Errorf("unreadable")
	}
	return &adapter.Packet{Message: text, Flags: f, Call: c, Meta: e.Meta}, nil
}

func (*local) End(p *adapter.Packet) { p.Call.Close() }

func (*local) EncodeArgs(args any) (adapter.Payload, error) {
	return adapter.Payload{JSON: []byte(`["` + args.(string) + `"]`)}, nil
}

func (*local) DecodeArgs(p adapter.Payload) any { return string(p.JSON) }

func (*local) Describe(m adapter.Member) adapter.MemberInfo {
	return adapter.MemberInfo{ID: m.ID(), Rooms: []string{m.ID()}}
}

func (l *local) HandleServerSideEmit(ctx context.Context, _ adapter.Payload, reply func(adapter.Payload)) {
	if l.block != nil {
		select {
		case <-l.block:
		case <-ctx.Done():
		}
	}
	if reply != nil {
		reply(adapter.Payload{JSON: []byte(`["pong"]`)})
	}
}

// A logText is a log. It may be written from any goroutine.
type logText struct {
	mu   sync.Mutex // guards the field below
	text bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// lines returns the lines with a text.
func (l *logText) lines(text string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// settled waits until introductions are over. Time is virtual.
func settled() { time.Sleep(500 * time.Millisecond) }
