// SPDX-License-Identifier: MIT

// This file holds acknowledgements that are awaited from a client. What awaits
// those of many is in broadcast_ack.go.

package socketio

import (
	"bytes"
	"context"

	"socketio/adapter"
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

// An ackWait is one awaited acknowledgement.
type ackWait struct {
	done chan struct{} // closed when the fields below are set
	args Args
	err  error
}

func (w *ackWait) answered(_ *Socket, args Args) {
	w.args = args
	close(w.done)
}

func (w *ackWait) failed(_ *Socket, err error) {
	w.err = err
	close(w.done)
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
		if _, many := w.(*manyWait); many {
			uncounted++
		}
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

// EmitWithAck sends an event and waits for the client's acknowledgement. It
// returns what the client answered, or the error of ctx, or ErrClosed when the
// client goes, ErrInboxFull when the client's other events can't be taken any
// more, ErrDropped if it found the client's queue full and may be dropped, or an error
// of Emit. It may be called inside a handler: acknowledgements
// do not wait behind events. A ctx without a deadline waits as long as the client
// is there.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (answer Args, err error) {
	if ctx.Err() != nil {
		return Args{}, s.endOf(ctx)
	}
	id := s.ns.lastAck.Add(1)
	m, err := s.ns.server.encodeEvent(s.ns.name, id, event, args)
	if err != nil {
		return Args{}, err
	}
	s.ns.applyFlags(m, new(adapter.Flags))
	w := &ackWait{done: make(chan struct{})}
	if err := s.acks.add(id, w, s.ns.server.opts.MaxPendingAcks); err != nil {
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
	s.sent(m)
	s.conn.eio.Flush() // the handler that waits may be one of a burst
	select {
	case <-w.done:
		return w.args, w.err
	case <-ctx.Done():
		return Args{}, s.endOf(ctx)
	}
}

// endOf is why nobody waits any more: the context has ended, maybe because it is that
// of the socket and the client has gone.
func (s *Socket) endOf(ctx context.Context) error {
	if s.state.Load() == stateGone {
		return ErrClosed
	}
	return ctx.Err()
}
