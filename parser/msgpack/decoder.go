// SPDX-License-Identifier: MIT

// This file holds Decoder: the envelope of a packet, and the checks of its members.

package msgpack

import (
	"bytes"

	"socketio/internal/mpack"
	"socketio/parser"
)

const (
	ceilingDepth = 1024      // as in package parser
	maxID        = 1<<53 - 1 // the largest integer that JavaScript counts exactly
	longestName  = len("removeListener")
)

// A Decoder turns the messages of one connection into packets. The zero value is
// ready. It is not safe for concurrent use. It keeps no message memory.
type Decoder struct {
	namespace string // the last one other than "/", so that repeats don't allocate
}

// An envelope locates the members of a packet in a message. The last of repeated keys
// counts, as in JavaScript.
type envelope struct {
	typ, nsp, id, data member
}

// A member is a value of the envelope: its head, the position after the head, and the
// whole value. The zero member is nil, meaning absent.
type member struct {
	mpack.Head
	rest       int
	start, end int
}

// Add decodes one message, which is one packet. Data of the packet is the raw MessagePack
// value, and aliases data; it is nil when absent. The packet has no attachments: ok is
// true exactly when err is nil.
//
// Add checks all of the message: it is well formed, its strings are UTF-8, its keys
// strings or integers, its nesting within l.MaxDepth, its arrays and maps within
// l.MaxElements, its namespace within l.MaxNamespace. Nil limits mean the defaults. It
// allocates memory only for a namespace other than the previous one.
//
// A non-nil error is a *[DecodeError]. The connection must then be closed.
func (d *Decoder) Add(l *parser.Limits, binary bool, data []byte) (p parser.Packet, ok bool, err error) {
	if !binary {
		return p, false, &DecodeError{Kind: KindText}
	}
	e, fault := readEnvelope(data, maxDepth(l), maxElements(l))
	if fault != nil {
		return p, false, fault
	}
	typ, big, ok := e.typ.Integer()
	if !ok || big || typ < int64(parser.TypeConnect) || typ > int64(parser.TypeConnectError) {
		return p, false, &DecodeError{Kind: KindPacketType}
	}
	p.Type = parser.Type(typ)
	if p.Namespace, ok = d.readNamespace(l, data, e.nsp); !ok {
		return parser.Packet{}, false, &DecodeError{Kind: KindNamespace}
	}
	if !payloadOK(p.Type, data, e.data) {
		return parser.Packet{}, false, &DecodeError{Kind: KindPayload}
	}
	if !e.data.IsNull() {
		p.Data = data[e.data.start:e.data.end:e.data.end]
	}
	p.ID = parser.NoID
	if !e.id.IsNull() {
		id, big, ok := e.id.Integer()
		if !ok || big || id < 0 || id > maxID {
			return parser.Packet{}, false, &DecodeError{Kind: KindPacketID}
		}
		p.ID = id
	}
	return p, true, nil
}

func maxDepth(l *parser.Limits) int {
	if l == nil || l.MaxDepth <= 0 {
		return parser.DefaultMaxDepth
	}
	return min(l.MaxDepth, ceilingDepth)
}

func maxElements(l *parser.Limits) int {
	if l == nil || l.MaxElements <= 0 {
		return parser.DefaultMaxElements
	}
	return l.MaxElements
}

// readEnvelope checks the whole message and finds the members.
func readEnvelope(data []byte, depth, most int) (e envelope, err *DecodeError) {
	h, i, ok := mpack.ReadHead(data, 0)
	if !ok {
		return e, &DecodeError{Kind: KindFormat}
	}
	check := checker{data: data, maxDepth: depth, strict: true, most: most}
	if h.Kind != mpack.Map {
		end, ok := check.rest(h, i, 0)
		return e, endError(data, end, ok, KindPacketType) // it has no type
	}
	for range h.N {
		start := i
		if i, ok = check.key(i); !ok {
			return e, &DecodeError{Kind: KindFormat}
		}
		m := e.member(data[start:i])
		if m == nil {
			i, ok = check.skip(i, 0)
		} else {
			m.start = i
			if m.Head, m.rest, ok = mpack.ReadHead(data, i); ok {
				i, ok = check.rest(m.Head, m.rest, 0)
				m.end = i
			}
		}
		if !ok {
			return e, &DecodeError{Kind: KindFormat}
		}
	}
	return e, endError(data, i, true, 0)
}

// endError returns the error for a value that ends at end, or kind if the message ends
// there.
func endError(data []byte, end int, ok bool, kind ErrorKind) *DecodeError {
	switch {
	case !ok:
		return &DecodeError{Kind: KindFormat}
	case end < len(data):
		return &DecodeError{Kind: KindTrailing, Trailing: len(data) - end}
	case kind != 0:
		return &DecodeError{Kind: kind}
	}
	return nil
}

// member returns the member named by the encoded key.
func (e *envelope) member(key []byte) *member {
	h, i, _ := mpack.ReadHead(key, 0)
	if h.Kind != mpack.String {
		return nil
	}
	switch string(key[i:]) {
	case "type":
		return &e.typ
	case "nsp":
		return &e.nsp
	case "id":
		return &e.id
	case "data":
		return &e.data
	}
	return nil
}

func (d *Decoder) readNamespace(l *parser.Limits, data []byte, m member) (string, bool) {
	if m.Kind != mpack.String || m.N == 0 {
		return "", false
	}
	raw := data[m.rest:m.end]
	longest := parser.DefaultMaxNamespace
	if l != nil && l.MaxNamespace > 0 {
		longest = l.MaxNamespace
	}
	switch {
	case raw[0] != '/':
		return "", false
	case len(raw) == 1:
		return "/", true
	case string(raw) == d.namespace:
		return d.namespace, true
	case len(raw) > longest || bytes.ContainsFunc(raw, foreign):
		return "", false
	}
	namespace := string(raw)
	if len(raw) <= parser.DefaultMaxNamespace { // longer ones can't be joined
		d.namespace = namespace
	}
	return namespace, true
}

// foreign reports whether r can't stand in a namespace: it is a control character,
// or the comma that ends a namespace in the default format.
func foreign(r rune) bool {
	return r < ' ' || r == ',' || r >= 0x7f && r < 0xa0
}

// payloadOK reports whether the data member m is valid for the packet type. Clients in
// other languages write nil where JavaScript has undefined.
func payloadOK(t parser.Type, data []byte, m member) bool {
	switch t {
	case parser.TypeConnect:
		return m.IsNull() || m.Kind == mpack.Map
	case parser.TypeDisconnect:
		return m.IsNull()
	case parser.TypeConnectError:
		return m.Kind == mpack.String || m.Kind == mpack.Map
	case parser.TypeEvent:
		return m.Kind == mpack.Array && m.N > 0 && eventNameOK(data, m.rest)
	}
	return m.Kind == mpack.Array
}

// eventNameOK reports whether the value at i can name an event: a number, or a
// string that is not reserved.
func eventNameOK(data []byte, i int) bool {
	h, i, _ := mpack.ReadHead(data, i)
	if h.Kind != mpack.String {
		return h.IsNumber() && isFinite(h.Float())
	}
	return h.N > longestName || !parser.IsReserved(string(data[i:i+h.N]))
}
