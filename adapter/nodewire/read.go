// SPDX-License-Identifier: MIT

// This file reads the parts that both formats have in common.

package nodewire

import (
	"bytes"
	"strconv"
	"time"

	"socketio/adapter"
	"socketio/internal/jsontext"
	"socketio/parser"
)

// unpack returns a message as JSON text. A message that starts with "{" is JSON, each
// other is MessagePack. The attachments alias data.
func unpack(data []byte) (raw []byte, attachments [][]byte, err error) {
	if len(data) == 0 || data[0] != '{' {
		return textOf(data)
	}
	if !checkText(data) {
		return nil, nil, malformed("not JSON")
	}
	return bytes.TrimRight(data, " \t\r\n"), nil, nil
}

// parts are the members of a message, or of its data, as JSON text. Those that are absent
// are nil.
type parts struct {
	kind, uid, nsp, requestID         []byte
	data, packet, opts, rooms, closes []byte
	sockets, count, golang            []byte
	sid, room                         []byte // of old versions of the classic format
}

// collect sets the parts that are members of the object raw.
func (p *parts) collect(raw []byte) bool {
	return members(raw, func(name, value []byte) bool {
		switch string(name) {
		case "type":
			p.kind = value
		case "uid":
			p.uid = value
		case "nsp":
			p.nsp = value
		case "requestId":
			p.requestID = value
		case "data":
			p.data = value
		case "packet":
			p.packet = value
		case "opts":
			p.opts = value
		case "rooms":
			p.rooms = value
		case "close":
			p.closes = value
		case "sockets":
			p.sockets = value
		case "clientCount":
			p.count = value
		case "sid":
			p.sid = value
		case "room":
			p.room = value
		case "go":
			p.golang = value
		}
		return true
	})
}

// optional sets s to a text, if it is there.
func optional(raw []byte, s *string, what string) (err error) {
	if raw == nil {
		return nil
	}
	var ok bool
	if *s, ok = text(raw); !ok {
		return malformed("%s is not a text", what)
	}
	return nil
}

// request reads the id of a request. null counts as absent.
func (p *parts) request(m *Message) error {
	if p.requestID == nil || isNull(p.requestID) {
		return nil
	}
	m.Ask = true
	return optional(p.requestID, &m.RequestID, "requestId")
}

// target reads the options of a message, which must be there.
func (p *parts) target(m *Message) error {
	var roomsOK, exceptOK, flagsOK = true, true, true
	ok := members(p.opts, func(name, value []byte) bool {
		switch string(name) {
		case "rooms":
			m.Target.Rooms, roomsOK = names(value)
		case "except":
			m.Target.Except, exceptOK = names(value)
		case "flags":
			flagsOK = isNull(value) || members(value, func(name, value []byte) bool { return m.flag(name, value) })
		case "go":
			p.golang = value
		}
		return true
	})
	if !ok || !roomsOK || !exceptOK || !flagsOK {
		return malformed("opts")
	}
	return nil
}

// maxTimeout bounds Message.Timeout.
const maxTimeout = 24 * time.Hour

// flag sets one flag. Those of other types are ignored, as in Node.js.
func (m *Message) flag(name, value []byte) bool {
	switch string(name) {
	case "volatile":
		m.Flags.Volatile, _ = boolean(value)
	case "compress":
		if compress, ok := boolean(value); ok {
			m.Flags.Uncompressed = !compress
		}
	case "timeout":
		if ms, ok := number(value); ok && ms > 0 {
			m.Timeout = time.Duration(min(ms, float64(maxTimeout.Milliseconds())) * float64(time.Millisecond))
		}
	case "overflow":
		if n, ok := integer(value); ok && n >= 0 && n <= int(adapter.OverflowDropOldest) {
			m.Flags.Overflow = adapter.OverflowPolicy(n)
		}
	case "conflate":
		m.Flags.Conflate, _ = text(value)
	}
	return true
}

// event reads an event: an array that starts with its name.
func (m *Message) event(raw []byte, attachments [][]byte) error {
	var first []byte
	if elements(raw, func(value []byte) bool { first = value; return false }) || first == nil {
		return malformed("the event is not an array with a name")
	}
	if name, ok := text(first); ok {
		if parser.IsReserved(name) {
			return malformed("a reserved name of an event")
		}
	} else if _, ok := number(first); !ok {
		return malformed("the name of an event is not a text")
	}
	return m.payload(raw, attachments)
}

// packetOf reads the packet of a Broadcast.
func (m *Message) packetOf(raw []byte, attachments [][]byte) error {
	var kind, data, nsp []byte
	if !members(raw, func(name, value []byte) bool {
		switch string(name) {
		case "type":
			kind = value
		case "data":
			data = value
		case "nsp":
			nsp = value
		}
		return true
	}) {
		return malformed("packet")
	}
	const binaryEvent = 5
	if n, ok := integer(kind); !ok || n != eventType && n != binaryEvent {
		return malformed("the packet is not an event")
	}
	if m.Namespace == "" {
		if err := optional(nsp, &m.Namespace, "nsp"); err != nil {
			return err
		}
	}
	return m.event(data, attachments)
}

// answer reads the argument of an answer, if it has one.
func (m *Message) answer(value []byte, attachments [][]byte) error {
	if value == nil {
		m.Event.JSON = []byte("[]")
		return nil
	}
	raw := append(append(make([]byte, 0, len(value)+2), '['), value...)
	return m.payload(append(raw, ']'), attachments)
}

// payload sets the Event of m. The attachments are those of the whole message; those of
// raw are numbered again if there are others.
func (m *Message) payload(raw []byte, attachments [][]byte) error {
	m.Event.JSON, m.Event.Attachments = raw, attachments
	if len(attachments) == 0 {
		return nil
	}
	next := 0
	for i := 0; ; next++ {
		start, end, num := jsontext.NextPlaceholder(raw, i)
		if start < 0 && next == len(attachments) {
			return nil
		}
		if start < 0 || num != next {
			break
		}
		i = end
	}
	return m.renumber(raw, attachments)
}

func (m *Message) renumber(raw []byte, attachments [][]byte) error {
	var dst []byte
	var kept [][]byte
	from := 0
	for {
		start, end, num := jsontext.NextPlaceholder(raw, from)
		if start < 0 {
			break
		}
		if num >= len(attachments) || len(kept) == maxAttachments {
			return malformed("a placeholder without an attachment")
		}
		dst = jsontext.AppendPlaceholder(append(dst, raw[from:start]...), len(kept))
		kept = append(kept, attachments[num])
		from = end
	}
	m.Event.JSON, m.Event.Attachments = append(dst, raw[from:]...), kept
	return nil
}

// golangOf reads the member for nodes in Go, if it is there.
func (p *parts) golangOf(m *Message, attachments [][]byte) error {
	if p.golang == nil {
		return nil
	}
	m.Go, m.Event.Version = true, adapter.Version
	failed := "the member for nodes in Go"
	ok := members(p.golang, func(name, value []byte) (ok bool) {
		ok = true
		switch string(name) {
		case "uid":
			m.From, ok = text(value)
		case "origin":
			m.Event.Origin, ok = text(value)
		case "position":
			m.Event.Position, ok = text(value)
		case "socket":
			m.Socket, ok = text(value)
		case "after":
			var digits string
			if digits, ok = text(value); ok {
				n, err := strconv.ParseUint(digits, 10, 64)
				m.After, ok = n, err == nil
			}
		case "n":
			const most = 1 << 53 // integers above are not exact
			n, isNumber := number(value)
			ok = isNumber && n >= 0 && n <= most
			m.Number = uint64(max(0, min(n, most)))
		case "version":
			m.Event.Version, ok = integer(value)
		case "sockets":
			m.IDs, ok = names(value)
		case "part":
			m.Part, ok = integer(value)
		case "more":
			m.More, ok = boolean(value)
		case "member":
			m.Member = value
		case "rest":
			ok = m.rest(value, attachments)
		}
		return ok
	})
	if !ok || m.Part < 0 {
		return malformed("%s", failed)
	}
	return nil
}

// rest appends the arguments of an answer after the first.
func (m *Message) rest(raw []byte, attachments [][]byte) bool {
	if !isList(raw) || m.Kind != KindServerSideAnswer && m.Kind != KindClientAnswer || len(m.Event.JSON) <= len("[]") {
		return false
	}
	// The placeholders of the first argument have been numbered again, if at all, from 0.
	joined := bytes.Clone(m.Event.JSON[:len(m.Event.JSON)-1])
	own := m.Event.Attachments
	if err := m.payload(raw, attachments); err != nil {
		return false
	}
	others := m.Event.JSON
	if len(own)+len(m.Event.Attachments) > maxAttachments {
		return false
	}
	kept := append(own[:len(own):len(own)], m.Event.Attachments...)
	joined = append(joined, ',')
	from := 1 // after the bracket
	for {
		start, end, num := jsontext.NextPlaceholder(others, from)
		if start < 0 {
			break
		}
		joined = jsontext.AppendPlaceholder(append(joined, others[from:start]...), num+len(own))
		from = end
	}
	m.Event.JSON, m.Event.Attachments = append(joined, others[from:]...), kept
	return true
}

// operation reads what an operation on many sockets does.
func (p *parts) operation(m *Message) (err error) {
	ok := true
	switch m.Kind {
	case KindSocketsJoin, KindSocketsLeave:
		if m.Rooms, ok = names(p.rooms); !ok || len(m.Rooms) == 0 {
			return malformed("rooms")
		}
	case KindDisconnect:
		m.Close, _ = boolean(p.closes)
	case KindFetchSockets:
		if !m.Ask {
			return malformed("a request without requestId")
		}
	}
	return nil
}

// reply reads an answer to a request, whose value is that of an acknowledgement.
func (p *parts) reply(m *Message, value []byte, attachments [][]byte) (err error) {
	if !m.Ask {
		return malformed("an answer without requestId")
	}
	m.Ask = false
	switch m.Kind {
	case KindSockets:
		m.Sockets, err = readSockets(p.sockets, attachments)
	case KindClientCount, KindHandedOver:
		var ok bool
		if m.Count, ok = integer(p.count); !ok || m.Count < 0 {
			return malformed("clientCount")
		}
	case KindServerSideAnswer, KindClientAnswer:
		err = m.answer(value, attachments)
	}
	return err
}
