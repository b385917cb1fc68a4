// SPDX-License-Identifier: MIT

// This file holds what a namespace offers to an adapter that joins several
// servers: adapter.Local.

package socketio

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/parser"
)

// A localSide is a Namespace as its adapter sees it.
type localSide Namespace

var _ adapter.Local = (*localSide)(nil)

func (l *localSide) Namespace() string { return l.name }

func (l *localSide) Payload(p *adapter.Packet) (adapter.Payload, error) {
	m, ok := p.Message.(*engineio.Message)
	if !ok {
		return adapter.Payload{}, errors.New("socketio: not a packet of this server")
	}
	if l.server.json != nil {
		list, attachments, err := l.server.listOf(l.name, m)
		return adapter.Payload{JSON: list, Attachments: attachments}, err
	}
	event, args, err := l.server.eventOf(l.name, m)
	if err != nil {
		return adapter.Payload{}, err
	}
	values, err := args.Values()
	if err != nil {
		return adapter.Payload{}, err
	}
	return l.server.payload(&event, values)
}

func (l *localSide) Packet(e adapter.Payload, f adapter.Flags, c *adapter.Call) (*adapter.Packet, error) {
	p := &adapter.Packet{Flags: f, Call: c, AckID: noAck}
	if c != nil {
		p.AckID = l.lastAck.Add(1)
	}
	m, err := l.server.encodePayload(l.name, p.AckID, e)
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
	if a.codec == parser.Codec(l.server.wire) || len(a.raw) == 0 {
		return adapter.Payload{JSON: []byte(a.String()), Attachments: a.attachments}, nil
	}
	values, err := a.Values()
	if err != nil {
		return adapter.Payload{}, err
	}
	return l.server.payload(nil, values)
}

func (l *localSide) DecodeArgs(p adapter.Payload) any {
	return Args{raw: parser.SplitArray(nil, p.JSON), attachments: p.Attachments, codec: l.server.wire}
}

func (l *localSide) Describe(m adapter.Member) adapter.SocketInfo {
	s := socketOf(m)
	return adapter.SocketInfo{ID: s.id, Handshake: s.handshakeInfo(), Rooms: s.Rooms(), Data: s.dataNow().json()}
}

func (l *localSide) HandleServerSideEmit(ctx context.Context, e adapter.Payload, reply func(adapter.Payload)) {
	(*Namespace)(l).handleServerSide(ctx, e, reply)
}

// payload encodes a list of values, which may begin with the name of an event, in
// the form that travels between servers. It owns what it returns.
func (s *Server) payload(event *string, args []any) (adapter.Payload, error) {
	text := []byte{'['}
	if event != nil {
		text = parser.AppendString(text, *event)
		if len(args) > 0 {
			text = append(text, ',')
		}
	}
	text, attachments, err := s.wire.AppendArgs(text, nil, args...)
	if err != nil {
		return adapter.Payload{}, err
	}
	for i, a := range attachments {
		attachments[i] = bytes.Clone(a)
	}
	return adapter.Payload{JSON: append(text, ']'), Attachments: attachments}, nil
}

// encodePayload encodes an event of another server for clients. What no client
// could decode is refused.
func (s *Server) encodePayload(namespace string, id int64, e adapter.Payload) (*engineio.Message, error) {
	head := parser.Packet{Type: parser.Event, Namespace: namespace, ID: id, Data: e.JSON, Attachments: e.Attachments}
	if len(e.Attachments) > 0 {
		head.Type = parser.BinaryEvent
	}
	text := parser.AppendPacket(make([]byte, engineio.HeaderRoom, engineio.HeaderRoom+len(e.JSON)+bufferSize), &head)
	limits := s.limits
	limits.MaxAttachments, limits.MaxIncompleteBytes = max(len(e.Attachments), 1), math.MaxInt
	var d parser.Decoder
	_, ok, err := d.Add(&limits, false, text[engineio.HeaderRoom:])
	for _, a := range e.Attachments {
		if err == nil && !ok {
			_, ok, err = d.Add(&limits, true, a)
		}
	}
	if err != nil {
		return nil, err
	}
	if s.json != nil {
		return s.message(parser.Encoded{Data: text, Attachments: e.Attachments}, nil)
	}
	args := Args{raw: parser.SplitArray(nil, e.JSON), attachments: e.Attachments, codec: s.wire}
	values, err := args.Values()
	if err != nil {
		return nil, err
	}
	return s.encodeList(parser.Event, namespace, id, string(parser.EventName(e.JSON)), slices.Clone(values[1:]))
}
