// SPDX-License-Identifier: MIT

// This file holds fakes that record calls: a member, a server's side and an observer.

package adaptertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"socketio/adapter"
)

// A member is a fake socket.
type member struct {
	id        string
	adapter   adapter.Adapter
	onDeliver func(*member, *adapter.Packet)
	refuses   error  // returned by Join
	gone      string // how it was disconnected

	mu    sync.Mutex // guards the field below
	got   []any
	metas []adapter.Meta // of got
}

func (m *member) ID() string { return m.id }

func (m *member) Deliver(p *adapter.Packet) {
	if p.Call != nil {
		p.Call.Expect(m)
	}
	m.mu.Lock()
	m.got, m.metas = append(m.got, p.Message), append(m.metas, p.Meta)
	m.mu.Unlock()
	if m.onDeliver != nil {
		m.onDeliver(m, p)
	}
}

func (m *member) Join(rooms ...string) error {
	if m.refuses == nil {
		m.adapter.Join(m, rooms)
	}
	return m.refuses
}

func (m *member) Leave(room string) { m.adapter.Leave(m, room) }

func (m *member) Disconnect(close bool) {
	m.gone = "leave"
	if close {
		m.gone = "close"
	}
	m.adapter.Remove(m)
}

// heard returns how often the member got a message.
func (m *member) heard(message any) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, got := range m.got {
		if got == message {
			n++
		}
	}
	return n
}

// meta returns the Meta of a message.
func (m *member) meta(message any) (meta adapter.Meta, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.got, message)
	if i < 0 {
		return meta, false
	}
	return m.metas[i], true
}

// all returns the received messages, in order.
func (m *member) all() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.got)
}

// letters returns the letters of a name, in upper case.
func letters(name string) []string { return strings.Split(strings.ToUpper(name), "") }

func names(members []adapter.Member) string {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.ID()
	}
	return sorted(ids)
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(names, " ")
}

// A local is a server that holds text: its packets are their messages.
type local struct{ events atomic.Int32 }

var errNotText = errors.New("adaptertest: not a text")

func (*local) Namespace() string { return "/" }

func (*local) Payload(p *adapter.Packet) (adapter.Payload, error) {
	text, ok := p.Message.(string)
	if !ok {
		return adapter.Payload{}, errNotText
	}
	return adapter.Payload{JSON: []byte(`["` + text + `"]`), Meta: p.Meta}, nil
}

func (*local) Packet(e adapter.Payload, f adapter.Flags, c *adapter.Call) (*adapter.Packet, error) {
	return &adapter.Packet{Message: strings.Trim(string(e.JSON), `["]`), Flags: f, Call: c, Meta: e.Meta}, nil
}

func (*local) End(p *adapter.Packet) { p.Call.Close() }

func (*local) EncodeArgs(args any) (adapter.Payload, error) {
	text, ok := args.(string)
	if !ok {
		return adapter.Payload{}, errNotText
	}
	return adapter.Payload{JSON: []byte(`["` + text + `"]`)}, nil
}

func (*local) DecodeArgs(p adapter.Payload) any { return strings.Trim(string(p.JSON), `["]`) }

func (*local) Describe(m adapter.Member) adapter.MemberInfo {
	return adapter.MemberInfo{ID: m.ID(), Rooms: m.(*member).adapter.Rooms(m), Data: []byte("{}")}
}

func (l *local) HandleServerSideEmit(context.Context, adapter.Payload, func(adapter.Payload)) {
	l.events.Add(1)
}

// A diary records the calls of an observer.
type diary []string

func (d *diary) RoomCreated(room string, own bool) {
	if own {
		room += " (own)"
	}
	*d = append(*d, "+"+room)
}
func (d *diary) RoomJoined(room string, m adapter.Member) { *d = append(*d, m.ID()+" in "+room) }
func (d *diary) RoomLeft(room string, m adapter.Member)   { *d = append(*d, m.ID()+" out of "+room) }
func (d *diary) RoomDeleted(room string)                  { *d = append(*d, "-"+room) }
