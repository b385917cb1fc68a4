// SPDX-License-Identifier: MIT

// This file implements adapter.Local, the interface that a namespace offers to its
// adapter.

package socketio

import (
	"context"
	"errors"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/parser"
)

// clusterAdapters makes the adapters of namespaces.
type clusterAdapters struct{ adapter.Cluster }

func (c clusterAdapters) makeAdapter(ns *Namespace) adapter.Adapter {
	return c.Adapter((*localSide)(ns))
}

func (c clusterAdapters) checkNamespace(name string) error {
	if checker, ok := c.Cluster.(adapter.NamespaceChecker); ok {
		return checker.CheckNamespace(name)
	}
	return nil
}

// A localSide is a Namespace as an adapter.Local.
type localSide Namespace

var (
	_ adapter.Local  = (*localSide)(nil)
	_ adapter.Keeper = (*localSide)(nil)
)

func (l *localSide) Namespace() string { return l.name }

func (l *localSide) Payload(p *adapter.Packet) (adapter.Payload, error) {
	e, err := l.server.format.payload(&p.Event, p.Args)
	e.Meta = p.Meta
	return e, err
}

func (l *localSide) Packet(e adapter.Payload, f adapter.Flags, c *adapter.Call) (*adapter.Packet, error) {
	p := &adapter.Packet{Flags: f, Call: c, AckID: noAck, Meta: e.Meta}
	if c != nil {
		p.AckID = l.ackIDs.Next()
	}
	m, err := (*Namespace)(l).message(e, p.AckID)
	if err != nil {
		return nil, err
	}
	p.Message = (*Namespace)(l).applyFlags(m, &f)
	return p, nil
}

func (l *localSide) End(p *adapter.Packet) {
	endCall(p.Call, func(*Socket) int64 { return p.AckID })
}

func (l *localSide) EncodeArgs(args any) (adapter.Payload, error) {
	a, ok := args.(Args)
	if !ok {
		return adapter.Payload{}, errors.New("socketio: not the arguments of an answer")
	}
	text, attachments, err := l.server.format.Answer(a.codec, a.raw, a.attachments)
	return adapter.Payload{JSON: text, Attachments: attachments}, err
}

func (l *localSide) DecodeArgs(p adapter.Payload) any {
	return Args{raw: parser.SplitArray(nil, p.JSON), attachments: p.Attachments, codec: l.server.format.Wire()}
}

func (l *localSide) Describe(m adapter.Member) adapter.MemberInfo {
	s := socketOf(m)
	return adapter.MemberInfo{ID: s.ID(), Handshake: handshakeInfo(s), Rooms: s.Rooms(), Data: valuesOf(s).json()}
}

func (l *localSide) HandleServerSideEmit(ctx context.Context, e adapter.Payload, reply func(adapter.Payload)) {
	(*Namespace)(l).handleServerSide(ctx, e, reply)
}

// Keep implements adapter.Keeper.
func (l *localSide) Keep(e adapter.Payload, f adapter.Flags, t adapter.Target, members func(adapter.Target) []adapter.Member) (count int, kept bool) {
	if l.keeper == nil {
		return 0, false
	}
	return l.keeper.keep(e, f, t, members), true
}

// ID implements adapter.Member, as the methods below do.
func (m *member) ID() string { return (*Socket)(m).ID() }

// Deliver queues a broadcast for the client.
func (m *member) Deliver(p *adapter.Packet) {
	s := (*Socket)(m)
	if s.settledState() != stateConnected {
		return
	}
	if p.Call != nil {
		ask(s, p)
		return
	}
	msg := p.Message.(*engineio.Message)
	if b := p.Batch; b != nil && !p.Volatile && s.ns.server.batches {
		if s.conn.eio.Enqueue(msg) == nil {
			b.Hold(m, msg.Size())
			reportSent(s, msg)
		}
		return
	}
	_ = s.post(msg, p.Volatile) // the connection notifies its sockets when it closes
}

// Write implements adapter.Queued.
func (m *member) Write() { (*Socket)(m).conn.eio.Write() }

// Join does not wait for other servers: the adapter does, if at all.
func (m *member) Join(rooms ...string) error {
	_, _, err := m.join(rooms, (*Socket)(m).changed)
	return err
}

func (m *member) Leave(room string) { (*Socket)(m).Leave(room) }

// Move implements adapter.Mover.
func (m *member) Move(joins bool, rooms []string) {
	if joins {
		_, _, _ = m.join(rooms, m.changedLater) // its own server would report the error
		return
	}
	m.leave(rooms, m.changedLater)
}

// changedLater is Socket.changed, and does not wait for the store.
func (m *member) changedLater() {
	if s := (*Socket)(m); s.ns.keeper != nil && s.Connected() && s.kept() != nil {
		s.ns.keeper.changedLater(s)
	}
}

func (m *member) Disconnect(close bool) {
	if close {
		(*Socket)(m).CloseConn()
		return
	}
	(*Socket)(m).Disconnect()
}

// handshakeInfo returns the handshake for other servers.
func handshakeInfo(s *Socket) adapter.HandshakeInfo {
	h := s.Handshake()
	return adapter.HandshakeInfo{
		URL: h.URL, RemoteAddr: h.RemoteAddr, Host: h.Host, Header: h.Header(),
		Time: h.Time, Secure: h.Secure, Auth: h.Auth,
	}
}
