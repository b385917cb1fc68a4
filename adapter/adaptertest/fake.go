// SPDX-License-Identifier: MIT

// This file holds fakes that record calls: a member, a server's side and an observer.

package adaptertest

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"socketio/adapter"
)

// A member is a fake socket.
type member struct {
	id      string
	adapter adapter.Adapter
	refuses error // returned by Join

	mu        sync.Mutex // guards the fields below
	gone      string     // how it was disconnected
	onDeliver func(*member, *adapter.Packet)
	got       []any
	metas     []adapter.Meta // of got
}

func (m *member) ID() string { return m.id }

func (m *member) Deliver(p *adapter.Packet) {
	if p.Call != nil {
		p.Call.Expect(m)
	}
	got := p.Message
	if e, ok := got.(*event); ok {
		got = e.text()
	}
	m.mu.Lock()
	m.got, m.metas = append(m.got, got), append(m.metas, p.Meta)
	react := m.onDeliver
	m.mu.Unlock()
	if react != nil {
		react(m, p)
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
	m.mu.Lock()
	m.gone = "leave"
	if close {
		m.gone = "close"
	}
	m.mu.Unlock()
	m.adapter.Remove(m)
}

// on sets what the member does with a packet, or nothing.
func (m *member) on(fn func(*member, *adapter.Packet)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onDeliver = fn
}

// end returns how the member was disconnected.
func (m *member) end() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gone
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

// An event is a Message with values of any kind. Others are texts.
type event struct {
	json        string // an array
	attachments [][]byte
}

// text is how a member remembers the event.
func (e *event) text() string {
	text := e.json
	for _, a := range e.attachments {
		text += " " + hex.EncodeToString(a)
	}
	return text
}

// textOf is the reverse of payloadOf, as a text.
func textOf(p adapter.Payload) string {
	e := event{string(p.JSON), p.Attachments}
	if inner := strings.Trim(e.json, `["]`); len(e.attachments) == 0 && !strings.Contains(inner, `"`) && `["`+inner+`"]` == e.json {
		return inner
	}
	return e.text()
}

var errNotText = errors.New("adaptertest: not a text")

func payloadOf(message any) (adapter.Payload, error) {
	switch m := message.(type) {
	case string:
		return adapter.Payload{JSON: []byte(`["` + m + `"]`)}, nil
	case *event:
		return adapter.Payload{JSON: []byte(m.json), Attachments: m.attachments}, nil
	}
	return adapter.Payload{}, errNotText
}

// A local is a server whose messages are texts and events.
type local struct {
	events atomic.Int32

	mu    sync.Mutex // guards the field below
	heard []string   // the events of servers
}

func (*local) Namespace() string { return "/" }

func (*local) Payload(p *adapter.Packet) (adapter.Payload, error) {
	e, err := payloadOf(p.Message)
	e.Meta = p.Meta
	return e, err
}

func (*local) Packet(e adapter.Payload, f adapter.Flags, c *adapter.Call) (*adapter.Packet, error) {
	return &adapter.Packet{Message: textOf(e), Flags: f, Call: c, Meta: e.Meta}, nil
}

func (*local) End(p *adapter.Packet) { p.Call.Close() }

func (*local) EncodeArgs(args any) (adapter.Payload, error) { return payloadOf(args) }

func (*local) DecodeArgs(p adapter.Payload) any { return textOf(p) }

// Describe describes a member with values of all kinds.
func (*local) Describe(m adapter.Member) adapter.MemberInfo {
	return adapter.MemberInfo{
		ID: m.ID(), Rooms: m.(*member).adapter.Rooms(m), Data: []byte(`{"name":"é"}`),
		Handshake: adapter.HandshakeInfo{URL: "/socket.io/?a=b", Host: "example.org", Header: http.Header{"User-Agent": {"x"}}, Auth: []byte(`{"token":"t"}`)},
	}
}

// HandleServerSideEmit answers with what it gets.
func (l *local) HandleServerSideEmit(_ context.Context, e adapter.Payload, reply func(adapter.Payload)) {
	l.events.Add(1)
	l.mu.Lock()
	l.heard = append(l.heard, textOf(e))
	l.mu.Unlock()
	if reply != nil {
		e.Meta = adapter.Meta{}
		reply(e)
	}
}

// servers returns the events of servers, in order.
func (l *local) servers() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard)
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
