// SPDX-License-Identifier: MIT

// This file tests broadcasts of other servers that leave in one write.

package socketio_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"

	"socketio"
	"socketio/adapter"
	"socketio/engineio"
)

// A handed adapter is the one of "/", with what the server offers it.
type handed struct {
	once  sync.Once
	local adapter.Local
	*adapter.Memory
}

func handedServer(t *testing.T, o *socketio.Options, test func(w *world, h *handed)) {
	h := &handed{Memory: adapter.NewMemory()}
	o.Cluster = adapter.Each(func(l adapter.Local) adapter.Adapter {
		h.once.Do(func() { h.local = l })
		return h.Memory
	})
	memory(t, o, func(w *world) { test(w, h) })
}

// receive passes on an event of another server.
func (h *handed) receive(t *testing.T, b *adapter.Batch, json string, f adapter.Flags) {
	t.Helper()
	p, err := h.local.Packet(adapter.Payload{JSON: []byte(json), Meta: adapter.Meta{Version: adapter.Version}}, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Batch = b
	if _, err := h.Broadcast(p, adapter.Target{}); err != nil {
		t.Fatal(err)
	}
}

func TestEventsOfABatchLeaveTogether(t *testing.T) {
	handedServer(t, &socketio.Options{}, func(w *world, h *handed) {
		c := newCrowd(w, websocket, "a", "b")
		var b adapter.Batch
		h.receive(t, &b, `["one"]`, adapter.Flags{})
		h.receive(t, &b, `["two"]`, adapter.Flags{})
		w.settle()
		for name, s := range c.sockets {
			if packets, _ := s.Buffered(); packets != 2 {
				t.Errorf("%s: %d packets wait for the end of the batch, want 2", name, packets)
			}
		}
		b.Flush()
		for _, p := range c.peers {
			p.hears(`2["one"]`)
			p.hears(`2["two"]`)
		}

		for _, s := range c.sockets {
			_ = s.WaitDrained(context.Background())
		}
		// A volatile event is not dropped for what waits in the batch, and takes it along.
		h.receive(t, &b, `["three"]`, adapter.Flags{})
		h.receive(t, &b, `["now"]`, adapter.Flags{Volatile: true})
		for _, p := range c.peers {
			p.hears(`2["three"]`)
			p.hears(`2["now"]`)
		}
		// A full batch is written.
		for range adapter.MaxBatch/2 + 1 {
			h.receive(t, &b, `["many"]`, adapter.Flags{})
		}
		for _, p := range c.peers {
			for range adapter.MaxBatch / 2 {
				p.hears(`2["many"]`)
			}
		}
		b.Flush()
		for _, p := range c.peers {
			p.hears(`2["many"]`)
		}
	})
}

// A queue with little room is not filled by a batch.
func TestShortQueuesAreNotBatched(t *testing.T) {
	handedServer(t, &socketio.Options{Engine: engineio.Options{MaxQueueMessages: 8}}, func(w *world, h *handed) {
		c := newCrowd(w, websocket, "a")
		var b adapter.Batch
		for range 20 {
			h.receive(t, &b, `["one"]`, adapter.Flags{})
			c.peers["a"].hears(`2["one"]`)
		}
	})
}

// A broadcast to many members is shared by goroutines, which do not share the batch.
func TestABatchIsUsedByOneGoroutine(t *testing.T) {
	m := adapter.NewMemory()
	var members []*batchMember
	for range 2000 {
		one := &batchMember{id: string(rune('0' + len(members)))}
		members = append(members, one)
		m.Add(one, nil)
	}
	if _, err := m.Broadcast(&adapter.Packet{Batch: new(adapter.Batch)}, adapter.Target{}); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(members, func(m *batchMember) bool { return m.batched != (runtime.GOMAXPROCS(0) == 1) || !m.got }) {
		t.Error("a member of many got the batch, or nothing")
	}
}

type batchMember struct {
	adapter.Member
	id           string
	got, batched bool
}

func (m *batchMember) ID() string { return m.id }

func (m *batchMember) Deliver(p *adapter.Packet) { m.got, m.batched = true, p.Batch != nil }
