// SPDX-License-Identifier: MIT

// This file holds permessage-deflate for what is sent: a message is compressed once for
// all connections.

package engineio

import "socketio/internal/ws"

// PerMessageDeflate compresses WebSocket messages (RFC 7692) for clients that
// offer it. Neither end refers to earlier messages, so a connection keeps no
// compressor. The compressed size reveals something about a message: leave compression
// off where a message holds secrets beside text chosen by others.
type PerMessageDeflate struct {
	// Threshold is the size in bytes of the smallest message that is
	// compressed. Defaults to 1024; negative compresses all.
	Threshold int
	// Concurrency bounds the number of messages that are compressed or inflated at the
	// same time; others wait. Defaults to 64.
	Concurrency int
}

func newDeflate(o *PerMessageDeflate) *ws.Deflate {
	if o == nil {
		return nil
	}
	return ws.NewDeflate(&ws.DeflateOptions{Threshold: o.Threshold, Concurrency: o.Concurrency})
}

// pack prepares the compressed form of a message, once. The form has the same
// parts in other frames; it is m itself if nothing got smaller.
func (m *Message) pack(d *ws.Deflate) {
	if m.plain || m.packed.Load() != nil {
		return
	}
	p := &Message{rest: make([]frame, len(m.rest)), key: m.key, overflow: m.overflow}
	for i := range m.frames() {
		f := m.frame(i)
		op := ws.Text
		if f.binary {
			op = ws.Binary
		}
		*p.frame(i) = frame{wire: d.AppendCompressed(nil, op, f.wire[f.body:]), binary: f.binary}
		p.size += len(p.frame(i).wire)
	}
	if p.size >= m.size {
		p = m
	}
	m.packed.CompareAndSwap(nil, p)
}

// packedFor returns the compressed form if it is there and all of it may go to a
// client with these parameters.
func (m *Message) packedFor(params ws.DeflateParams) *Message {
	p := m.packed.Load()
	if p == nil {
		return m
	}
	for i := range m.frames() {
		if f := m.frame(i); !params.Allows(len(f.wire) - int(f.body)) {
			return m
		}
	}
	return p
}
