// SPDX-License-Identifier: MIT

// This file holds permessage-deflate: messages that are compressed once for all,
// and inflated off the goroutine that reads.

package engineio

import (
	"bytes"
	"fmt"
	"runtime/debug"

	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// PerMessageDeflate compresses WebSocket messages (RFC 7692) for clients that
// offer it. Neither end refers to earlier messages, so a connection keeps no
// compressor. Compression tells something about a message by its size: leave it
// off where secrets stand beside text that others choose.
type PerMessageDeflate struct {
	// Threshold is the size in bytes of the smallest message that is
	// compressed. If zero, 1024. If negative, there is none.
	Threshold int
	// Concurrency bounds how many messages are compressed or inflated at the
	// same time; more have to wait. If zero, 64.
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

// OnCompressed implements ws.CompressedReceiver. Inflating takes too long for an
// event loop: a goroutine does it, and nothing more is read meanwhile, so the
// order stays. The read side of t is that goroutine's until then.
func (t *wsTransport) OnCompressed(op ws.Opcode, data []byte) bool {
	t.messageEnds()
	msg := bytes.Clone(data)
	t.inflating.Store(true)
	// One per connection at a time; ends when the message is handed up;
	// Server.Close waits for it.
	t.c.srv.background.Go(func() {
		t.inflate(op, msg)
		t.inflating.Store(false)
		t.nc.Resume()
	})
	return false
}

func (t *wsTransport) inflate(op ws.Opcode, msg []byte) {
	defer t.guardInflate()
	limit := t.c.srv.cfg.MaxPayload
	if h, ok := t.c.handler.(interface{ MaxInflated() int }); ok {
		limit = min(limit, h.MaxInflated())
	}
	out, err := t.c.srv.deflate.Inflate(nil, op, msg, limit)
	if err != nil {
		var ce *ws.CloseError
		if limit < t.c.srv.cfg.MaxPayload && asCloseError(err, &ce) && ce.Code == ws.CodeTooBig && !t.probing {
			t.inflatesTooEarly(limit)
			return
		}
		t.fail(err)
		return
	}
	t.OnMessage(op, out)
	if !t.probing {
		t.c.readEnd()
	}
}

// inflatesTooEarly ends the connection for a message that its Handler would take later.
func (t *wsTransport) inflatesTooEarly(limit int) {
	t.dead = true
	t.c.srv.sampled.Warn("closed: a compressed message is too large for a client that has joined nothing; a client must not send it before it is connected",
		"conn", t.c.number, "max", limit)
	text := fmt.Sprintf("message too big: at most %d bytes, inflated, before something is joined", limit)
	t.c.finish(ReasonTransportError, fmt.Errorf("%w: %s", ErrTooLarge, text), ending{code: ws.CodeTooBig, text: text})
}

// guardInflate keeps a panic in a Handler from reaching other connections, as a
// driver does for what it feeds.
func (t *wsTransport) guardInflate() {
	if v := recover(); v != nil {
		t.dead = true
		t.c.srv.cfg.Logger.Error("panic in a handler of messages", "error", telemetry.Error(v), "stack", string(debug.Stack()))
		t.nc.Close()
	}
}
