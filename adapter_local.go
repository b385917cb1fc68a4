// SPDX-License-Identifier: MIT

// This file holds what a namespace offers to an adapter that joins several
// servers: adapter.Local.

package socketio

import (
	"context"
	"errors"

	"socketio/adapter"
	"socketio/parser"
)

// A localSide is a Namespace as its adapter sees it.
type localSide Namespace

var _ adapter.Local = (*localSide)(nil)

func (l *localSide) Namespace() string { return l.name }

func (l *localSide) Payload(p *adapter.Packet) (adapter.Payload, error) {
	e, err := l.server.payload(&p.Event, p.Args)
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
	return adapter.MemberInfo{ID: s.id, Handshake: s.handshakeInfo(), Rooms: s.Rooms(), Data: s.dataNow().json()}
}

func (l *localSide) HandleServerSideEmit(ctx context.Context, e adapter.Payload, reply func(adapter.Payload)) {
	(*Namespace)(l).handleServerSide(ctx, e, reply)
}

// payload encodes values that travel to other servers; see format.Format.Payload.
func (s *Server) payload(event *string, args []any) (adapter.Payload, error) {
	text, attachments, err := s.format.Payload(event, args)
	return adapter.Payload{JSON: text, Attachments: attachments}, err
}
