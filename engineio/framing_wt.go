// SPDX-License-Identifier: MIT

// This file holds the framing of WebTransport: a header with a length before each
// packet, both ways.

package engineio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"socketio/internal/ws"
)

// The first byte of a frame: a bit that is set for bytes and clear for text, and the
// length of the payload, or the number of length bytes that follow, big endian.
const (
	streamBinary = 1 << 7
	stream16     = 126
	stream64     = 127

	maxStreamHeader = 9
	maxStreamLength = 1<<53 - 1 // what a number of JavaScript can be
)

var (
	errFrameEmpty = errors.New("engineio: an empty frame of text")
	errFrameLarge = fmt.Errorf("%w: a frame", ErrTooLarge)
)

// A streamReceiver receives the frames of a streamParser. data is valid until the method
// returns and may be modified in place. Returning false makes feed stop after this frame.
type streamReceiver interface {
	OnMessage(op ws.Opcode, data []byte) (more bool)
}

// A streamParser splits a stream into frames. It is fed and never reads. The zero value is
// ready. A length is checked against the limit before memory is allocated, and memory grows
// with the bytes that have arrived. An empty frame of bytes is accepted, although the
// reference implementation rejects it: its client sends them for empty attachments.
type streamParser struct {
	head   [maxStreamHeader]byte // part of a header
	held   uint8                 // how much of head is set
	inside bool                  // the header is complete, the payload is not
	op     ws.Opcode             // Text or Binary
	left   uint64                // payload bytes that have not come yet
	msg    []byte                // payload so far
}

// feed parses the next bytes and returns how many it consumed: all, unless r asked to stop.
// A payload over limit bytes is an error; a negative limit means no limit. An error is
// final: the parser must not be fed again.
func (p *streamParser) feed(limit int, r streamReceiver, b []byte) (n int, err error) {
	for n < len(b) {
		if !p.inside {
			took, err := p.takeHeader(limit, b[n:])
			if n += took; err != nil || !p.inside {
				return n, err
			}
		}
		chunk := b[n:]
		if p.left < uint64(len(chunk)) {
			chunk = chunk[:p.left]
		}
		n += len(chunk)
		p.left -= uint64(len(chunk))
		if p.left > 0 || p.msg != nil {
			p.keep(chunk)
			chunk = p.msg
		}
		if p.left > 0 {
			break
		}
		p.inside, p.msg = false, nil
		if p.op == ws.Text && len(chunk) <= MaxInlineUTF8 && !utf8.Valid(chunk) {
			return n, errInvalidUTF8
		}
		if !r.OnMessage(p.op, chunk) {
			break
		}
	}
	return n, nil
}

// takeHeader consumes a header, or the available part of it. It sets inside when the header
// is complete.
func (p *streamParser) takeHeader(limit int, b []byte) (took int, err error) {
	for took < len(b) && !p.headed() {
		p.head[p.held] = b[took]
		p.held++
		took++
	}
	if !p.headed() {
		return took, nil
	}
	length := uint64(p.head[0] &^ streamBinary)
	switch length {
	case stream16:
		length = uint64(binary.BigEndian.Uint16(p.head[1:]))
	case stream64:
		length = binary.BigEndian.Uint64(p.head[1:])
	}
	p.op = ws.Text
	if p.head[0]&streamBinary != 0 {
		p.op = ws.Binary
	}
	switch {
	case length == 0 && p.op == ws.Text:
		return took, errFrameEmpty
	case length > maxStreamLength, limit >= 0 && length > uint64(limit):
		return took, oversize{errFrameLarge, length}
	}
	p.left, p.inside, p.held = length, true, 0
	return took, nil
}

// headed reports whether head has a whole header.
func (p *streamParser) headed() bool {
	switch p.head[0] &^ streamBinary { // the rest of the last header there has no effect
	case stream16:
		return p.held == 3
	case stream64:
		return p.held == maxStreamHeader
	}
	return p.held == 1
}

// keep appends a copy of chunk to msg. It allocates at most twice the bytes that have
// arrived, and no more than the payload needs.
func (p *streamParser) keep(chunk []byte) {
	if need := len(p.msg) + len(chunk); need > cap(p.msg) {
		size := min(uint64(need)+p.left, 2*uint64(need), math.MaxInt)
		p.msg = append(make([]byte, 0, size), p.msg...)
	}
	p.msg = append(p.msg, chunk...)
}

// partial reports whether the stream ends inside a frame so far.
func (p *streamParser) partial() bool { return p.held > 0 || p.inside }

// streamForm is the message in frames of WebTransport. It is made once and shared,
// like the message. Nothing is copied: the header of a text frame is that of
// WebSocket without its first byte, and bytes get a header of their own before
// them.
func (m *Message) streamForm() *Message {
	if form := m.streamed.Load(); form != nil {
		return form
	}
	var parts []frame
	form := &Message{key: m.key, overflow: m.overflow}
	for i := range m.frames() {
		f := m.frame(i)
		if !f.binary {
			parts = append(parts, frame{wire: f.wire[1:]})
			continue
		}
		data := f.wire[f.body:]
		if len(data) == 0 { // no client takes a frame of length 0: base64 of nothing
			parts = append(parts, frame{wire: []byte{1, 'b'}})
			continue
		}
		header := append([]byte(nil), f.wire[1:f.body]...)
		header[0] |= streamBinary
		parts = append(parts, frame{wire: header}, frame{wire: data})
	}
	form.first, form.rest = parts[0], parts[1:]
	for _, f := range parts {
		form.size += len(f.wire)
	}
	m.streamed.CompareAndSwap(nil, form)
	return form
}
