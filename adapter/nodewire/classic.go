// SPDX-License-Identifier: MIT

// This file reads and writes the classic format. Broadcasts without acknowledgements are
// the array [uid, packet, opts] in MessagePack; requests and answers are objects, whose
// types have numbers of their own.

package nodewire

import (
	"bytes"
	"strconv"

	"socketio/internal/jsontext"
)

// classicTypes are the types of requests and answers.
var classicTypes = map[Kind]int{
	KindAllIDs: 0, KindAllRooms: 1, KindSocketsJoin: 2, KindSocketsLeave: 3, KindDisconnect: 4, KindFetchSockets: 5, KindServerSideEmit: 6,
	KindSockets:          -1, // has none
	KindServerSideAnswer: 6, KindBroadcast: 7, KindClientCount: 8, KindClientAnswer: 9,
	KindDone:          -1,
	KindNoMoreAnswers: int(KindNoMoreAnswers), KindHello: 100 + int(KindHello), KindHeartbeat: 100 + int(KindHeartbeat), KindBye: 100 + int(KindBye),
}

// classicRequests are the kinds of requests by their types.
var classicRequests = map[int]Kind{
	0: KindAllIDs, 1: KindAllRooms, 2: KindSocketsJoin, 3: KindSocketsLeave, 4: KindDisconnect, 5: KindFetchSockets, 6: KindServerSideEmit, 7: KindBroadcast,
	100 + int(KindHello): KindHello, 100 + int(KindHeartbeat): KindHeartbeat, 100 + int(KindBye): KindBye,
}

// AppendClassic appends m in the classic format and returns the result. A Broadcast
// without Ask belongs on a channel of broadcasts, an answer on one of answers, each other
// message on that of requests. It returns an error that wraps ErrFormat if Node.js can't
// read m, or ErrKind.
func AppendClassic(dst []byte, m *Message) ([]byte, error) {
	kind, ok := classicTypes[m.Kind]
	if !ok {
		return dst, ErrKind
	}
	if m.Kind == KindBroadcast || m.Kind == KindServerSideEmit {
		if err := checkEvent(&m.Event); err != nil {
			return dst, err
		}
	}
	if m.Kind == KindBroadcast || m.Kind == KindClientAnswer || len(m.Event.Attachments) > 0 {
		raw := make([]byte, 0, len(m.Event.JSON)+200)
		return packed(dst, appendClassic(raw, m, kind), m.Event.Attachments), nil
	}
	return appendClassic(dst, m, kind), nil
}

func appendClassic(dst []byte, m *Message, kind int) []byte {
	switch m.Kind {
	case KindBroadcast:
		if !m.Ask {
			return appendClassicBroadcast(dst, m)
		}
	case KindSockets:
		dst = appendRequestID(append(dst, '{'), m)
		dst = appendSockets(append(dst, `,"sockets":`...), m.Sockets)
		return append(appendGo(dst, m, true), '}')
	case KindDone:
		return append(appendGo(appendRequestID(append(dst, '{'), m), m, true), '}')
	case KindServerSideAnswer, KindClientCount, KindClientAnswer, KindNoMoreAnswers:
		return appendClassicAnswer(dst, m, kind)
	case KindAllIDs, KindAllRooms:
		if !m.Ask {
			dst = appendRequestID(append(dst, '{'), m)
			if m.Kind == KindAllIDs {
				dst = appendNames(append(dst, `,"sockets":`...), m.IDs...)
			} else {
				dst = appendNames(append(dst, `,"rooms":`...), m.Rooms...)
			}
			return append(appendGo(dst, m, true), '}')
		}
	}
	return appendClassicRequest(dst, m, kind)
}

func appendClassicBroadcast(dst []byte, m *Message) []byte {
	dst = jsontext.AppendString(append(dst, '['), m.From)
	dst = appendPacket(append(dst, ','), m, true)
	dst = appendOptions(append(dst, ','), m, true)
	if m.Go { // inside the options: an array can't be extended
		dst = append(appendGo(dst[:len(dst)-1], m, false), '}')
	}
	return append(dst, ']')
}

func appendClassicAnswer(dst []byte, m *Message, kind int) []byte {
	dst = strconv.AppendInt(append(dst, `{"type":`...), int64(kind), 10)
	dst = appendMember(dst, "requestId", m.RequestID)
	switch m.Kind {
	case KindServerSideAnswer:
		dst = appendAnswer(dst, "data", m)
	case KindClientAnswer:
		dst = appendAnswer(dst, "packet", m)
	case KindClientCount:
		dst = strconv.AppendInt(append(dst, `,"clientCount":`...), int64(m.Count), 10)
	}
	return append(appendGo(dst, m, true), '}')
}

func appendClassicRequest(dst []byte, m *Message, kind int) []byte {
	dst = append(dst, '{')
	if m.From != "" {
		dst = append(jsontext.AppendString(append(dst, `"uid":`...), m.From), ',')
	}
	if m.Ask {
		dst = append(appendRequestID(dst, m), ',')
	}
	dst = strconv.AppendInt(append(dst, `"type":`...), int64(kind), 10)
	switch m.Kind {
	case KindBroadcast:
		dst = appendPacket(append(dst, `,"packet":`...), m, true)
		dst = appendOptions(append(dst, `,"opts":`...), m, true)
	case KindSocketsJoin, KindSocketsLeave:
		dst = appendOptions(append(dst, `,"opts":`...), m, false)
		dst = appendNames(append(dst, `,"rooms":`...), m.Rooms...)
	case KindDisconnect:
		dst = appendOptions(append(dst, `,"opts":`...), m, false)
		dst = strconv.AppendBool(append(dst, `,"close":`...), m.Close)
	case KindFetchSockets:
		dst = appendOptions(append(dst, `,"opts":`...), m, false)
	case KindAllIDs:
		dst = appendNames(append(dst, `,"rooms":`...), m.Rooms...)
	case KindServerSideEmit:
		dst = append(append(dst, `,"data":`...), m.Event.JSON...)
	}
	return append(appendGo(dst, m, false), '}')
}

// DecodeClassicBroadcast reads a message of a channel of broadcasts. The result keeps
// parts of data, which must not be changed. The error wraps ErrFormat.
func DecodeClassicBroadcast(data []byte) (*Message, error) {
	raw, attachments, err := textOf(data)
	if err != nil {
		return nil, err
	}
	const three = 3
	all := make([][]byte, 0, three)
	elements(raw, func(value []byte) bool {
		all = append(all, value)
		return len(all) < three
	})
	if len(all) < three {
		return nil, malformed("not an array of three")
	}
	m := &Message{Kind: KindBroadcast}
	if err := optional(all[0], &m.From, "uid"); err != nil {
		return nil, err
	}
	p := parts{opts: all[2]}
	if err := p.target(m); err != nil {
		return nil, err
	}
	if err := m.packetOf(all[1], attachments); err != nil {
		return nil, err
	}
	if err := p.golangOf(m, attachments); err != nil {
		return nil, err
	}
	return m, nil
}

// DecodeClassicRequest reads a message of the channel of requests. The result keeps parts
// of data, which must not be changed. The error wraps ErrFormat, or is ErrKind.
func DecodeClassicRequest(data []byte) (*Message, error) {
	m, p, attachments, err := decodeClassic(data)
	if err != nil {
		return nil, err
	}
	number, ok := integer(p.kind)
	if !ok {
		return nil, malformed("type is not a number")
	}
	if m.Kind, ok = classicRequests[number]; !ok {
		return nil, ErrKind
	}
	if err := p.request(m); err != nil {
		return nil, err
	}
	switch m.Kind {
	case KindBroadcast:
		if !m.Ask {
			return nil, malformed("a request without requestId")
		}
		if err = p.target(m); err == nil {
			err = m.packetOf(p.packet, attachments)
		}
	case KindSocketsJoin, KindSocketsLeave, KindDisconnect, KindFetchSockets:
		if p.sid != nil && p.opts == nil {
			err = p.single(m)
		} else if err = p.target(m); err == nil {
			err = p.operation(m)
		}
	case KindServerSideEmit:
		err = m.event(p.data, attachments)
	case KindAllIDs:
		if m.Rooms, ok = names(p.rooms); !ok && p.rooms != nil {
			err = malformed("rooms")
		}
	}
	if err == nil {
		err = p.golangOf(m, attachments)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// single reads an operation of an old version on one socket.
func (p *parts) single(m *Message) error {
	var sid, room string
	if err := optional(p.sid, &sid, "sid"); err != nil {
		return err
	}
	m.Target.Rooms = []string{sid}
	switch m.Kind {
	case KindSocketsJoin, KindSocketsLeave:
		if p.room == nil {
			return malformed("room")
		}
		if err := optional(p.room, &room, "room"); err != nil {
			return err
		}
		m.Rooms = []string{room}
	case KindDisconnect:
		m.Close, _ = boolean(p.closes)
	default:
		return malformed("opts")
	}
	return nil
}

// DecodeClassicAnswer reads a message of a channel of answers, to which nodes in Go also
// send a KindHeartbeat. The result keeps parts of
// data, which must not be changed. The error wraps ErrFormat, or is ErrKind.
func DecodeClassicAnswer(data []byte) (*Message, error) {
	m, p, attachments, err := decodeClassic(data)
	if err != nil {
		return nil, err
	}
	if err := p.request(m); err != nil {
		return nil, err
	}
	value := p.packet
	switch number, ok := integer(p.kind); {
	case ok && number == classicTypes[KindServerSideAnswer]:
		m.Kind, value = KindServerSideAnswer, p.data
	case ok && number == classicTypes[KindClientCount]:
		m.Kind = KindClientCount
	case ok && number == classicTypes[KindClientAnswer]:
		m.Kind = KindClientAnswer
	case ok && number == classicTypes[KindNoMoreAnswers]:
		m.Kind = KindNoMoreAnswers
	case ok && number == classicTypes[KindHeartbeat]:
		m.Kind = KindHeartbeat
		return p.heartbeat(m)
	case p.kind != nil:
		return nil, ErrKind
	case p.sockets != nil:
		m.Kind = KindSockets
	case p.rooms != nil:
		return p.allRooms(m)
	default:
		return nil, malformed("an answer without contents")
	}
	if err := p.reply(m, value, attachments); err != nil {
		return nil, err
	}
	if err := p.golangOf(m, attachments); err != nil {
		return nil, err
	}
	return m, nil
}

// heartbeat reads what a node in Go says about itself.
func (p *parts) heartbeat(m *Message) (*Message, error) {
	if err := p.golangOf(m, nil); err != nil {
		return nil, err
	}
	return m, nil
}

// allRooms reads the answer to KindAllRooms.
func (p *parts) allRooms(m *Message) (*Message, error) {
	var ok bool
	m.Kind, m.Ask = KindAllRooms, false
	if m.Rooms, ok = names(p.rooms); !ok {
		return nil, malformed("rooms")
	}
	return m, nil
}

func decodeClassic(data []byte) (*Message, *parts, [][]byte, error) {
	raw, attachments, err := unpack(data)
	if err != nil {
		return nil, nil, nil, err
	}
	p := new(parts)
	if !p.collect(raw) {
		return nil, nil, nil, malformed("not an object")
	}
	m := new(Message)
	if err := optional(p.uid, &m.From, "uid"); err != nil {
		return nil, nil, nil, err
	}
	if p.kind != nil && len(attachments) == 0 {
		if n, ok := integer(p.kind); ok && n == classicTypes[KindServerSideEmit] && p.data != nil {
			p.data, attachments, err = reviveBytes(p.data)
		}
	}
	return m, p, attachments, err
}

// reviveBytes replaces the objects that JSON.stringify writes for a Buffer by
// placeholders.
func reviveBytes(raw []byte) (_ []byte, attachments [][]byte, err error) {
	const before, after = `{"type":"Buffer","data":[`, `]}`
	if !bytes.Contains(raw, []byte(before)) {
		return raw, nil, nil
	}
	var dst []byte
	for i := 0; i < len(raw); {
		switch {
		case raw[i] == '"':
			end := jsontext.SkipString(raw, i)
			dst = append(dst, raw[i:end]...)
			i = end
		case raw[i] == '{' && jsontext.HasPrefixAt(raw, i, before):
			b, n, ok := byteNumbers(raw[i+len(before):])
			end := i + len(before) + n
			if !ok || !jsontext.HasPrefixAt(raw, end, after) {
				dst = append(dst, raw[i])
				i++
				continue
			}
			if len(attachments) == maxAttachments {
				return nil, nil, malformed("more than %d attachments", maxAttachments)
			}
			dst = jsontext.AppendPlaceholder(dst, len(attachments))
			attachments = append(attachments, b)
			i = end + len(after)
		default:
			dst = append(dst, raw[i])
			i++
		}
	}
	return dst, attachments, nil
}

// byteNumbers reads numbers up to 255, separated by commas, up to a bracket.
func byteNumbers(raw []byte) (b []byte, n int, ok bool) {
	b = []byte{}
	for n < len(raw) && raw[n] != ']' {
		value, digits := 0, 0
		for n < len(raw) && jsontext.IsDigit(raw[n]) && digits < 3 {
			value, digits, n = value*10+int(raw[n]-'0'), digits+1, n+1
		}
		if digits == 0 || value > 0xff {
			return nil, n, false
		}
		b = append(b, byte(value))
		if n < len(raw) && raw[n] == ',' {
			n++
		} else if n >= len(raw) || raw[n] != ']' {
			return nil, n, false
		}
	}
	return b, n, true
}
