// SPDX-License-Identifier: MIT

// This file reads and writes the envelope: {"type", "data", "uid", "nsp"}.

package nodewire

import (
	"strconv"

	"socketio/internal/jsontext"
)

// AppendEnvelope appends m as an envelope and returns the result: JSON, or MessagePack if
// the event has attachments or always is set. It returns an error that wraps ErrFormat if
// Node.js can't read m, or ErrKind.
func AppendEnvelope(dst []byte, m *Message, always bool) ([]byte, error) {
	size := len(m.Event.JSON) + 160
	raw := dst
	if always || len(m.Event.Attachments) > 0 {
		raw = make([]byte, 0, size)
	}
	raw = strconv.AppendInt(append(raw, `{"type":`...), int64(m.Kind), 10)
	raw, err := appendData(raw, m)
	if err != nil {
		return dst, err
	}
	raw = appendMember(raw, "uid", m.From)
	raw = appendMember(raw, "nsp", m.Namespace)
	raw = append(appendGo(raw, m, false), '}')
	if always || len(m.Event.Attachments) > 0 {
		return packed(dst, raw, m.Event.Attachments), nil
	}
	return raw, nil
}

// appendData appends the member data, if the kind has one.
func appendData(dst []byte, m *Message) ([]byte, error) {
	switch m.Kind {
	case KindHello, KindHeartbeat, KindBye, KindLost:
		return dst, nil
	}
	dst = append(dst, `,"data":{`...)
	switch m.Kind {
	case KindBroadcast:
		if err := checkEvent(&m.Event); err != nil {
			return dst, err
		}
		dst = appendPacket(append(dst, `"packet":`...), m, false)
		if m.Ask {
			dst = appendMember(dst, "requestId", m.RequestID)
		}
		dst = appendOptions(append(dst, `,"opts":`...), m, true)
	case KindSocketsJoin, KindSocketsLeave:
		dst = appendOptions(append(dst, `"opts":`...), m, true)
		dst = appendNames(append(dst, `,"rooms":`...), m.Rooms...)
	case KindDisconnect:
		dst = appendOptions(append(dst, `"opts":`...), m, true)
		dst = strconv.AppendBool(append(dst, `,"close":`...), m.Close)
	case KindFetchSockets:
		dst = appendOptions(append(dst, `"opts":`...), m, true)
		dst = appendMember(dst, "requestId", m.RequestID)
	case KindServerSideEmit:
		if err := checkEvent(&m.Event); err != nil {
			return dst, err
		}
		if m.Ask {
			dst = append(appendRequestID(dst, m), ',')
		}
		dst = append(append(dst, `"packet":`...), m.Event.JSON...)
	case KindSockets:
		dst = appendSockets(append(appendRequestID(dst, m), `,"sockets":`...), m.Sockets)
	case KindServerSideAnswer, KindClientAnswer:
		dst = appendAnswer(appendRequestID(dst, m), "packet", m)
	case KindClientCount:
		dst = strconv.AppendInt(append(appendRequestID(dst, m), `,"clientCount":`...), int64(m.Count), 10)
	case KindNoMoreAnswers:
		dst = appendRequestID(dst, m)
	case KindHandOver:
		if m.Ask {
			dst = appendRequestID(dst, m)
		}
	case KindHandedOver:
		dst = strconv.AppendInt(append(appendRequestID(dst, m), `,"clientCount":`...), int64(m.Count), 10)
	default:
		return dst, ErrKind
	}
	return append(dst, '}'), nil
}

// appendRequestID appends the id of a request, as a first member.
func appendRequestID(dst []byte, m *Message) []byte {
	return jsontext.AppendString(append(dst, `"requestId":`...), m.RequestID)
}

// DecodeEnvelope reads an envelope in JSON or MessagePack. The result keeps parts of
// data, which must not be changed. The error wraps ErrFormat, or is ErrKind.
func DecodeEnvelope(data []byte) (*Message, error) {
	raw, attachments, err := unpack(data)
	if err != nil {
		return nil, err
	}
	var p parts
	if !p.collect(raw) {
		return nil, malformed("not an object")
	}
	kind, ok := integer(p.kind)
	if !ok {
		return nil, malformed("type is not a number")
	}
	m := &Message{Kind: Kind(kind)}
	if err := optional(p.uid, &m.From, "uid"); err != nil {
		return nil, err
	}
	if err := optional(p.nsp, &m.Namespace, "nsp"); err != nil {
		return nil, err
	}
	if err := decodeData(m, &p, attachments); err != nil {
		return nil, err
	}
	if err := p.golangOf(m, attachments); err != nil {
		return nil, err
	}
	return m, nil
}

// decodeData reads the member data, if the kind has one.
func decodeData(m *Message, p *parts, attachments [][]byte) error {
	switch m.Kind {
	case KindHello, KindHeartbeat, KindBye, KindLost:
		return nil
	}
	if m.Kind < KindHello || m.Kind > KindBye && (m.Kind < KindNoMoreAnswers || m.Kind > KindHandedOver) {
		return ErrKind
	}
	golang := p.golang
	if !p.collect(p.data) {
		return malformed("data is not an object")
	}
	p.golang = golang
	if err := p.request(m); err != nil {
		return err
	}
	switch m.Kind {
	case KindBroadcast:
		if err := p.target(m); err != nil {
			return err
		}
		return m.packetOf(p.packet, attachments)
	case KindSocketsJoin, KindSocketsLeave, KindDisconnect, KindFetchSockets:
		if err := p.target(m); err != nil {
			return err
		}
		return p.operation(m)
	case KindServerSideEmit:
		return m.event(p.packet, attachments)
	case KindHandOver:
		return nil
	}
	return p.reply(m, p.packet, attachments)
}
