// SPDX-License-Identifier: MIT

// This file tests the order of messages whose slot moves.

package redisadapter

import (
	"slices"
	"testing"
	"time"

	"socketio/adapter/cluster"
)

// A movingTable has one topic. Its servers are a, b and c.
type movingTable struct {
	*table
	p       topic
	a, b, c *carrier
	got     []string
}

func newMovingTable() *movingTable {
	m := &movingTable{table: newTable(), p: topic{name: "room"}, a: newCarrier(), b: newCarrier(), c: newCarrier()}
	m.holder.pass = func(_ topic, _, data string) { m.got = append(m.got, data) }
	for _, c := range []*carrier{m.a, m.b, m.c} {
		c.heard.Store(time.Now().UnixNano())
	}
	m.move(m.a)
	m.add([]cluster.Channel{{Name: "room"}}, func(cluster.Channel) topic { return m.p }, func(error) {})
	m.work(m.a)
	return m
}

// move gives the slot to a server.
func (m *movingTable) move(to *carrier) { m.reassign(func(topic) *carrier { return to }) }

// work subscribes and unsubscribes. Confirmations of UNSUBSCRIBE do not arrive.
func (m *movingTable) work(c *carrier) {
	add, _ := m.next(c)
	m.confirm(c, add)
}

func (m *movingTable) message(c *carrier, data string) {
	if m.arrived(c, m.p, m.p.name, data) {
		m.got = append(m.got, data)
	}
}

func (m *movingTable) check(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(m.got, want) {
		t.Errorf("%s: got %q, want %q", what, m.got, want)
	}
}

// Messages from the new server wait for those from the old one.
func TestOrderOfMovedSlot(t *testing.T) {
	ends := map[string]func(m *movingTable){
		"it unsubscribes": func(m *movingTable) { m.work(m.a); m.left(m.a, m.p) },
		"it has lost the slot": func(m *movingTable) {
			if m.left(m.a, m.p); len(m.a.has) > 0 {
				t.Error("the topic is still subscribed")
			}
		},
		"its connection ends":    func(m *movingTable) { m.forget(m.a) },
		"it refuses":             func(m *movingTable) { m.again(m.a, []topic{m.p}) },
		"it no longer takes any": func(m *movingTable) { m.refuse(m.a, []topic{m.p}, ErrDown) },
	}
	for what, end := range ends {
		m := newMovingTable()
		m.message(m.a, "1")
		m.move(m.b)
		m.work(m.b)
		m.message(m.b, "4")
		m.message(m.a, "2")
		m.message(m.b, "5")
		m.message(m.a, "3")
		m.check(t, what, "1", "2", "3")
		end(m)
		m.check(t, what, "1", "2", "3", "4", "5")
		m.message(m.b, "6")
		m.message(m.a, "late")
		m.check(t, what, "1", "2", "3", "4", "5", "6")
		if m.holder.bytes != 0 || m.holder.lost.Load() != 1 {
			t.Errorf("%s: %d bytes wait, %d messages are lost; want 0 and 1", what, m.holder.bytes, m.holder.lost.Load())
		}
	}
}

// Nothing waits if the old server has ended the subscription before the new one is known.
func TestOrderAfterUnsubscribe(t *testing.T) {
	m := newMovingTable()
	m.message(m.a, "1")
	m.left(m.a, m.p)
	m.move(m.b)
	m.work(m.b)
	m.message(m.b, "2")
	m.check(t, "after the end", "1", "2")
}

// A slot moves again before everything from the first server has come.
func TestOrderOfSlotThatMovesTwice(t *testing.T) {
	m := newMovingTable()
	m.move(m.b)
	m.work(m.b)
	m.message(m.b, "2")
	m.move(m.c)
	m.work(m.c)
	m.message(m.c, "4")
	m.message(m.a, "1")
	m.forget(m.a)
	m.message(m.b, "3")
	m.check(t, "the second has more", "1", "2", "3")
	m.left(m.b, m.p)
	m.check(t, "all", "1", "2", "3", "4")
}

// A slot comes back: what another server has sent meanwhile would be out of order.
func TestOrderOfSlotThatComesBack(t *testing.T) {
	m := newMovingTable()
	m.move(m.b)
	m.work(m.b)
	m.message(m.b, "lost")
	m.move(m.a)
	m.message(m.b, "lost")
	m.message(m.a, "1")
	m.check(t, "back", "1")
	if m.holder.bytes != 0 || m.holder.lost.Load() != 2 {
		t.Errorf("%d bytes wait, %d messages are lost; want 0 and 2", m.holder.bytes, m.holder.lost.Load())
	}
}

// What waits is bounded, in bytes and in time, and ends with the subscription.
func TestOrderBounds(t *testing.T) {
	m := newMovingTable()
	m.move(m.b)
	big := string(make([]byte, maxHeld/2))
	m.message(m.b, big)
	m.message(m.b, big)
	if m.holder.lost.Load() != 1 {
		t.Errorf("%d messages are lost, want 1", m.holder.lost.Load())
	}
	m.a.heard.Store(time.Now().Add(-2 * heldFor).UnixNano())
	m.message(m.b, "next")
	if len(m.got) != 2 || m.got[1] != "next" {
		t.Errorf("the first server is silent: got %d messages, want the first and the last", len(m.got))
	}
	m.move(m.c)
	m.message(m.c, "waits")
	m.remove([]cluster.Channel{{Name: "room"}}, func(cluster.Channel) topic { return m.p })
	if m.holder.bytes != 0 {
		t.Errorf("%d bytes wait after the end", m.holder.bytes)
	}
}
