// SPDX-License-Identifier: MIT

// This file holds acknowledgements that are awaited from a client.

package socketio

import (
	"bytes"
	"context"
	"sync"

	"socketio/parser"
)

// An ackTable holds the acknowledgements awaited from one socket. Each ends once:
// answered, or failed.
type ackTable struct {
	mu      sync.Mutex // guards the fields below
	waiting map[int64]*ackWait
	late    int // given up here, and may yet be answered
}

// An ackWait is one awaited acknowledgement.
type ackWait struct {
	done chan struct{} // closed when the fields below are set
	args Args
	err  error
}

func (t *ackTable) add(id int64, limit int) (*ackWait, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) >= limit {
		return nil, ErrTooManyPendingAcks
	}
	if t.waiting == nil {
		t.waiting = make(map[int64]*ackWait)
	}
	w := &ackWait{done: make(chan struct{})}
	t.waiting[id] = w
	return w, nil
}

// take removes a wait, so that its taker alone may end it. If there is none, asked
// tells whether there can have been one: some were given up.
func (t *ackTable) take(id int64) (w *ackWait, asked bool) {
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

// giveUp removes a wait whose answer nobody wants any more.
func (t *ackTable) giveUp(id int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.waiting[id]; ok {
		delete(t.waiting, id)
		t.late++
	}
}

// fail ends all waits with err.
func (t *ackTable) fail(err error) {
	t.mu.Lock()
	waiting := t.waiting
	t.waiting = nil
	t.late += len(waiting)
	t.mu.Unlock()
	for _, w := range waiting {
		w.err = err
		close(w.done)
	}
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
	w.args = Args{codec: s.ns.server.codec, attachments: p.Attachments}
	w.args.raw = w.args.codec.SplitArray(nil, data)
	close(w.done)
	return true
}

// EmitWithAck sends an event and waits for the client's acknowledgement. It
// returns what the client answered, or the error of ctx, or ErrClosed when the
// client goes, ErrInboxFull when the client's other events can't be taken any
// more, or an error of Emit. It may be called inside a handler: acknowledgements
// do not wait behind events. A ctx without a deadline waits as long as the client
// is there.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (answer Args, err error) {
	if err := ctx.Err(); err != nil {
		return Args{}, err
	}
	id := s.ns.lastAck.Add(1)
	m, err := s.ns.server.encodeEvent(s.ns.name, id, event, args)
	if err != nil {
		return Args{}, err
	}
	w, err := s.acks.add(id, s.ns.server.opts.MaxPendingAcks)
	if err != nil {
		return Args{}, err
	}
	defer s.acks.giveUp(id)
	if obs := s.obs(); obs.acks.Any() {
		ended := obs.tellAsked(ctx, s.info(), event)
		defer func() { ended(err) }()
	}
	if s.state.Load() == stateGone { // after add, so that endLocked finds the wait
		return Args{}, ErrClosed
	}
	s.conn.awaitBegins()
	defer s.conn.awaitEnds()
	if err := s.conn.send(m); err != nil {
		return Args{}, err
	}
	s.tellOut(event, m)
	s.conn.eio.Flush() // the handler that waits may be one of a burst
	select {
	case <-w.done:
		return w.args, w.err
	case <-ctx.Done():
		return Args{}, ctx.Err()
	}
}
