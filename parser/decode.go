// SPDX-License-Identifier: MIT

// This file holds Decoder, which reads the header of a packet, validates the payload, and
// collects the attachments.

package parser

import (
	"bytes"
	"unicode/utf8"

	"socketio/internal/jsontext"
)

// A Decoder turns the Engine.IO messages of one connection into packets. The
// zero value is ready. It is not safe for concurrent use.
//
// It is either idle or waiting for the attachments of one packet. An idle Decoder keeps
// no memory of messages.
type Decoder struct {
	pending   *incomplete // nil exactly when idle
	namespace string      // the last one other than "/", so that repeats don't allocate
}

// incomplete is a packet that waits for attachments.
type incomplete struct {
	packet Packet
	count  int // attachments the header announced
	size   int // bytes kept so far
}

// Add takes one Engine.IO message. It returns a packet and true when one is
// complete, or false and no error when attachments are awaited. Nil limits mean
// the defaults.
//
// For the binary types, the caller owns the Data and the Attachments of the packet. For
// all other types, Data aliases data and is valid until the caller changes data. The
// Decoder itself never keeps data. Namespace may always be kept.
//
// A non-nil error is a *[DecodeError]. The connection must then be closed. The Decoder is
// idle.
func (d *Decoder) Add(l *Limits, binary bool, data []byte) (p Packet, ok bool, err error) {
	return d.add(l, binary, data, false)
}

// AddOwned is Add for data that the caller gives away: the packet may have it as an
// attachment, which Add would copy.
func (d *Decoder) AddOwned(l *Limits, binary bool, data []byte) (p Packet, ok bool, err error) {
	return d.add(l, binary, data, true)
}

func (d *Decoder) add(l *Limits, binary bool, data []byte, own bool) (p Packet, ok bool, err error) {
	if d.pending != nil {
		return d.addPending(l, binary, data, own)
	}
	if binary {
		return Packet{}, false, &DecodeError{Kind: KindStrayBinary}
	}
	count, e := d.decodeText(l, data, &p)
	if e != nil {
		return Packet{}, false, e
	}
	if count == 0 {
		return p, true, nil
	}
	if len(data) > l.maxIncompleteBytes() {
		return Packet{}, false, &DecodeError{Kind: KindIncompleteTooLarge}
	}
	p.Data = bytes.Clone(p.Data)
	p.Attachments = make([][]byte, 0, count)
	d.pending = &incomplete{packet: p, count: count, size: len(data)}
	return Packet{}, false, nil
}

// addPending takes a message while attachments are awaited.
func (d *Decoder) addPending(l *Limits, binary bool, data []byte, own bool) (Packet, bool, error) {
	w := d.pending
	if !binary {
		d.pending = nil
		return Packet{}, false, &DecodeError{Kind: KindStrayText}
	}
	if len(data) > l.maxIncompleteBytes()-w.size {
		d.pending = nil
		return Packet{}, false, &DecodeError{Kind: KindIncompleteTooLarge}
	}
	w.size += len(data)
	attachment := data
	if !own {
		attachment = make([]byte, len(data))
		copy(attachment, data)
	}
	w.packet.Attachments = append(w.packet.Attachments, attachment)
	if len(w.packet.Attachments) < w.count {
		return Packet{}, false, nil
	}
	d.pending = nil
	return w.packet, true, nil
}

// Pending reports whether attachments are awaited. The connection should give up
// on a peer that leaves a packet incomplete for long; the Decoder has no clock.
func (d *Decoder) Pending() bool { return d.pending != nil }

// Awaited returns the type and the namespace of the packet whose attachments are awaited.
// ok is false if the Decoder is idle. A caller that will drop the packet need not wait
// for the rest of it.
func (d *Decoder) Awaited() (t Type, namespace string, ok bool) {
	if d.pending == nil {
		return 0, "", false
	}
	return d.pending.packet.Type, d.pending.packet.Namespace, true
}

// Buffered returns how many bytes of an incomplete packet are kept.
func (d *Decoder) Buffered() int {
	if d.pending == nil {
		return 0
	}
	return d.pending.size
}

// Reset drops an incomplete packet. The Decoder is idle afterwards.
func (d *Decoder) Reset() { *d = Decoder{} }

// decodeText reads a text message into p and returns how many attachments follow.
func (d *Decoder) decodeText(l *Limits, data []byte, p *Packet) (int, *DecodeError) {
	if len(data) == 0 || data[0] < '0' || data[0] > '6' {
		e := &DecodeError{Kind: KindPacketType}
		if len(data) > 0 && jsontext.IsDigit(data[0]) {
			e.digit = data[0]
		}
		return 0, e
	}
	p.Type = Type(data[0] - '0')
	i, count := 1, 0
	var err *DecodeError
	if p.Type.Binary() {
		if count, i, err = decodeCount(l, data, i); err != nil {
			return 0, err
		}
	}
	p.Namespace = "/"
	if i < len(data) && data[i] == '/' {
		if i, err = d.decodeNamespace(l, data, i, p); err != nil {
			return 0, err
		}
	}
	// The grammar allows an id on every type. It only has a meaning for events and
	// acknowledgements.
	if p.ID, i, err = decodeID(data, i); err != nil {
		return 0, err
	}
	return count, checkPayload(l, data, i, count, p)
}

// decodeCount reads the number of attachments and the dash after it.
func decodeCount(l *Limits, data []byte, i int) (count, next int, err *DecodeError) {
	end := jsontext.SkipDigits(data, i)
	if end == i || end == len(data) || data[end] != '-' || data[i] == '0' {
		return 0, 0, &DecodeError{Kind: KindAttachmentCount, Offset: end, Detail: "want a count from 1 and a dash"}
	}
	count, digits := jsontext.TwoDigits(data, i)
	if digits == 0 || count > l.maxAttachments() {
		return 0, 0, &DecodeError{Kind: KindTooManyAttachments, Offset: i}
	}
	return count, end + 1, nil
}

// decodeNamespace reads the namespace at i, up to a comma or the end.
func (d *Decoder) decodeNamespace(l *Limits, data []byte, i int, p *Packet) (int, *DecodeError) {
	raw, next := data[i:], len(data)
	if n := bytes.IndexByte(raw, ','); n >= 0 {
		raw, next = raw[:n], i+n+1
	}
	switch {
	case len(raw) == 1:
		return next, nil
	case string(raw) == d.namespace:
		p.Namespace = d.namespace
		return next, nil
	case len(raw) > l.maxNamespace():
		return 0, &DecodeError{Kind: KindNamespace, Offset: i, Detail: "too long"}
	case !utf8.Valid(raw):
		return 0, &DecodeError{Kind: KindNamespace, Offset: i, Detail: "not UTF-8"}
	case hasControl(raw):
		return 0, &DecodeError{Kind: KindNamespace, Offset: i, Detail: "control character"}
	}
	p.Namespace = string(raw)
	if len(raw) <= DefaultMaxNamespace { // longer ones can't be joined
		d.namespace = p.Namespace
	}
	return next, nil
}

// hasControl reports whether valid UTF-8 holds a control character (Unicode
// class Cc: below U+0020, and U+007F to U+009F).
func hasControl(s []byte) bool {
	for i, c := range s {
		if c < ' ' || c == 0x7F || c == 0xC2 && s[i+1] < 0xA0 {
			return true
		}
	}
	return false
}

// decodeID reads the acknowledgement id, if there is one.
func decodeID(data []byte, i int) (id int64, next int, err *DecodeError) {
	next = jsontext.SkipDigits(data, i)
	n := next - i
	if n == 0 {
		return NoID, i, nil
	}
	if n > 16 || n > 1 && data[i] == '0' {
		return 0, 0, badPayload(i, "acknowledgement id")
	}
	for _, c := range data[i:next] {
		id = id*10 + int64(c-'0')
	}
	if id > maxID {
		return 0, 0, badPayload(i, "acknowledgement id over 2^53-1")
	}
	return id, next, nil
}

// checkPayload checks that data[i:] is a valid payload for the type of p, and stores it.
func checkPayload(l *Limits, data []byte, i, count int, p *Packet) *DecodeError {
	if i == len(data) {
		if p.Type == TypeConnect || p.Type == TypeDisconnect {
			return nil
		}
		return badPayload(i, "no payload")
	}
	first := data[i]
	switch p.Type {
	case TypeConnect:
		if first != '{' {
			return badPayload(i, "want an object")
		}
	case TypeDisconnect:
		return badPayload(i, "want no payload")
	case TypeConnectError:
		if first != '{' && first != '"' {
			return badPayload(i, "want an object or a string")
		}
	case TypeEvent, TypeBinaryEvent:
		if first != '[' {
			return badPayload(i, "want an array")
		}
		if err := checkEventName(data, jsontext.SkipSpace(data, i+1)); err != nil {
			return err
		}
	default: // TypeAck, TypeBinaryAck
		if first != '[' {
			return badPayload(i, "want an array")
		}
	}
	v := validator{data: data, maxDepth: l.maxDepth(), attachments: count, maxElements: l.maxElements()}
	if !v.run(i) {
		return badPayload(v.pos, "not JSON, nested too deep, or too many arrays and objects")
	}
	if count > 0 && !v.placeholdersOK() {
		return &DecodeError{Kind: KindPlaceholder, Offset: i, Detail: "want each attachment named once"}
	}
	p.Data = data[i:]
	return nil
}

// checkEventName checks the first element of an event's array, which starts at i. The
// validator checks that it is well-formed.
func checkEventName(data []byte, i int) *DecodeError {
	if i >= len(data) || data[i] != '"' && data[i] != '-' && !jsontext.IsDigit(data[i]) {
		return badPayload(i, "want an event name")
	}
	if startsReserved(data[i:]) {
		return badPayload(i, "reserved event name")
	}
	return nil
}

func badPayload(offset int, detail string) *DecodeError {
	return &DecodeError{Kind: KindPayload, Offset: offset, Detail: detail}
}
