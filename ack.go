// SPDX-License-Identifier: MIT

// This file holds acknowledgements that are awaited from a client. What awaits
// those of many is in broadcast_ack.go.

package socketio

import (
	"bytes"

	"socketio/internal/lock"
	"socketio/parser"
)

// An ackTable holds the acknowledgements awaited from one socket. Each ends once:
// answered, or failed.
type ackTable struct {
	mu      lock.Mutex // guards the fields below
	waiting map[int64]ackWaiter
	late    int // given up here, and may yet be answered
}

// An ackWaiter awaits acknowledgements. For each, one of its methods is called
// once, by who took it out of the table. They do not block.
type ackWaiter interface {
	answered(s *Socket, args Args)
	failed(s *Socket, err error)
}

func (t *ackTable) add(id int64, w ackWaiter, limit int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) >= limit {
		return ErrTooManyPendingAcks
	}
	if t.waiting == nil {
		t.waiting = make(map[int64]ackWaiter)
	}
	t.waiting[id] = w
	return nil
}

// take removes a wait, so that its taker alone may end it. If there is none, asked
// tells whether there can have been one: some were given up.
func (t *ackTable) take(id int64) (w ackWaiter, asked bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, asked = t.waiting[id]
	delete(t.waiting, id)
	if !asked && t.late > 0 {
		t.late--
		asked = true
	}
	return w, asked
}

// giveUp removes a wait whose answer nobody wants any more. It reports whether it
// was there; its taker then ends it.
func (t *ackTable) giveUp(id int64) (taken bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, taken = t.waiting[id]
	if taken {
		delete(t.waiting, id)
		t.late++
	}
	return taken
}

// fail ends all waits with err. It returns how many of them nobody takes off the
// count of the connection: the caller does; see conn.awaitFailed.
func (t *ackTable) fail(s *Socket, err error) (uncounted int) {
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = nil
	t.late += len(waiting)
	t.mu.Unlock()
	for _, w := range waiting {
		w.failed(s, err)
		uncounted++
	}
	return uncounted
}

// handleAck ends a wait. It does not go through the inbox: a handler may be
// waiting for it. An id that nobody awaits is ignored; handleAck reports false for
// one that nobody gave out.
func (s *Socket) handleAck(p parser.Packet) (asked bool) {
	w, asked := s.acks.take(p.ID)
	if w == nil {
		return asked
	}
	data := p.Data
	if !p.Type.Binary() {
		data = bytes.Clone(data)
	}
	args := Args{codec: s.ns.server.format.Codec(), attachments: p.Attachments}
	args.raw = args.codec.SplitArray(nil, data)
	w.answered(s, args)
	return true
}
