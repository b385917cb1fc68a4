// SPDX-License-Identifier: MIT

// This file inflates compressed messages, off the goroutine that reads.

package engineio

import (
	"bytes"
	"fmt"
	"runtime/debug"

	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// OnCompressed implements ws.CompressedReceiver. Inflating takes too long for an event
// loop, so a goroutine does it. It owns the read side of t meanwhile; nothing else is read,
// which keeps the order.
func (t *wsTransport) OnCompressed(op ws.Opcode, data []byte) bool {
	t.messageEnds()
	msg := data
	if !t.parser.Take() {
		msg = bytes.Clone(data)
	}
	t.unlockRead()
	t.flags.set(isInflating, true)
	// One per connection at a time; ends when the message is handed up;
	// Server.Close waits for it.
	t.c.svc.background.Go(func() {
		t.inflate(op, msg)
		t.flags.set(isInflating, false)
		t.nc.Resume()
	})
	return false
}

func (t *wsTransport) inflate(op ws.Opcode, msg []byte) {
	defer t.guardInflate()
	defer t.unlockRead()
	limit := limitsOf(t.c).maxPayload
	if h, ok := t.c.handler.(interface{ MaxInflated() int }); ok {
		limit = min(limit, h.MaxInflated())
	}
	out, err := t.c.svc.deflate.Inflate(nil, op, msg, limit)
	if err != nil {
		var ce *ws.CloseError
		if limit < limitsOf(t.c).maxPayload && asCloseError(err, &ce) && ce.Code == ws.CodeTooBig && !t.flags.has(isProbing) {
			t.inflatesTooEarly(limit)
			return
		}
		t.fail(err)
		return
	}
	t.messageEnds()
	t.message(op, out, worthKeeping(out, cap(out)))
	if !t.flags.has(isProbing) {
		t.readEnd()
	}
}

// inflatesTooEarly closes the connection because of a message that its Handler would accept
// only later.
func (t *wsTransport) inflatesTooEarly(limit int) {
	t.dead = true
	t.c.svc.sampled.Warn("closed: a compressed message is too large for a client that has joined nothing; a client must not send it before it is connected",
		"conn", t.c.number, "max", limit)
	text := fmt.Sprintf("message too big: at most %d bytes, inflated, before something is joined", limit)
	t.c.finish(ReasonTransportError, fmt.Errorf("%w: %s", ErrTooLarge, text), ending{code: ws.CodeTooBig, text: text})
}

// guardInflate keeps a panic in a Handler from reaching other connections, as a
// driver does for what it feeds.
func (t *wsTransport) guardInflate() {
	if v := recover(); v != nil {
		t.dead = true
		t.c.svc.log.Error("panic in a handler of messages", "error", telemetry.Error(v), "stack", string(debug.Stack()))
		t.nc.Close()
	}
}
