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
	AllIDs: 0, AllRooms: 1, SocketsJoin: 2, SocketsLeave: 3, Disconnect: 4, FetchSockets: 5, ServerSideEmit: 6,
	Sockets:          -1, // has none
	ServerSideAnswer: 6, Broadcast: 7, ClientCount: 8, ClientAnswer: 9,
	NoMoreAnswers: int(NoMoreAnswers), Hello: 100 + int(Hello), Heartbeat: 100 + int(Heartbeat), Bye: 100 + int(Bye),
}

// classicRequests are the kinds of requests by their types.
var classicRequests = map[int]Kind{
	0: AllIDs, 1: AllRooms, 2: SocketsJoin, 3: SocketsLeave, 4: Disconnect, 5: FetchSockets, 6: ServerSideEmit, 7: Broadcast,
	100 + int(Hello): Hello, 100 + int(Heartbeat): Heartbeat, 100 + int(Bye): Bye,
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
	if m.Kind == Broadcast || m.Kind == ServerSideEmit {
		if err := checkEvent(&m.Event); err != nil {
			return dst, err
		}
	}
	if m.Kind == Broadcast || m.Kind == ClientAnswer || len(m.Event.Attachments) > 0 {
		raw := make([]byte, 0, len(m.Event.JSON)+200)
		return packed(dst, appendClassic(raw, m, kind), m.Event.Attachments), nil
	}
	return appendClassic(dst, m, kind), nil
}

func appendClassic(dst []byte, m *Message, kind int) []byte {
	switch m.Kind {
	case Broadcast:
		if !m.Ask {
			return appendClassicBroadcast(dst, m)
		}
	case Sockets:
		dst = appendRequestID(append(dst, '{'), m)
		dst = appendSockets(append(dst, `,"sockets":`...), m.Sockets)
		return append(appendGo(dst, m, true), '}')
	case ServerSideAnswer, ClientCount, ClientAnswer, NoMoreAnswers:
		return appendClassicAnswer(dst, m, kind)
	case AllIDs, AllRooms:
		if !m.Ask {
			dst = appendRequestID(append(dst, '{'), m)
			if m.Kind == AllIDs {
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
	case ServerSideAnswer:
		dst = appendAnswer(dst, "data", m)
	case ClientAnswer:
		dst = appendAnswer(dst, "packet", m)
	case ClientCount:
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
	case Broadcast:
		dst = appendPacket(append(dst, `,"packet":`...), m, true)
		dst = appendOptions(append(dst, `,"opts":`...), m, true)
	case SocketsJoin, SocketsLeave:
		dst = appendOptions(append(dst, `,"opts":`...), m, false)
		dst = appendNames(append(dst, `,"rooms":`...), m.Rooms...)
	case Disconnect:
		dst = appendOptions(append(dst, `,"opts":`...), m, false)
		dst = strconv.AppendBool(append(dst, `,"close":`...), m.Close)
	case FetchSockets:
		dst = appendOptions(append(dst, `,"opts":`...), m, false)
	case AllIDs:
		dst = appendNames(append(dst, `,"rooms":`...), m.Rooms...)
	case ServerSideEmit:
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
	m := &Message{Kind: Broadcast}
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
	case Broadcast:
		if !m.Ask {
			return nil, malformed("a request without requestId")
		}
		if err = p.target(m); err == nil {
			err = m.packetOf(p.packet, attachments)
		}
	case SocketsJoin, SocketsLeave, Disconnect, FetchSockets:
		if err = p.target(m); err == nil {
			err = p.operation(m)
		}
	case ServerSideEmit:
		err = m.event(p.data, attachments)
	case AllIDs:
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

// DecodeClassicAnswer reads a message of a channel of answers. The result keeps parts of
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
	case ok && number == classicTypes[ServerSideAnswer]:
		m.Kind, value = ServerSideAnswer, p.data
	case ok && number == classicTypes[ClientCount]:
		m.Kind = ClientCount
	case ok && number == classicTypes[ClientAnswer]:
		m.Kind = ClientAnswer
	case ok && number == classicTypes[NoMoreAnswers]:
		m.Kind = NoMoreAnswers
	case p.kind != nil:
		return nil, ErrKind
	case p.sockets != nil:
		m.Kind = Sockets
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

// allRooms reads the answer to AllRooms.
func (p *parts) allRooms(m *Message) (*Message, error) {
	var ok bool
	m.Kind, m.Ask = AllRooms, false
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
		if n, ok := integer(p.kind); ok && n == classicTypes[ServerSideEmit] && p.data != nil {
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
