// SPDX-License-Identifier: MIT

// This file holds the interfaces Emitter and Asker, and Answers: the acknowledgements of
// an event sent to one or several sockets.

package socketio

import (
	"context"
	"iter"
	"sync/atomic"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/lock"
)

// An Emitter sends events: a *Socket, Unicast, Broadcast, RemoteSocket, *Namespace,
// *ParentNamespace or *Server.
type Emitter interface {
	// Emit sends an event without waiting for any client.
	Emit(event string, args ...any) error
}

// An Asker sends events with acknowledgements. All Emitters of this package are Askers.
type Asker interface {
	// Ask sends an event without waiting for any client. Events emitted later arrive
	// later. The result waits for the acknowledgements until ctx ends.
	Ask(ctx context.Context, event string, args ...any) *Answers
}

// Answers are the acknowledgements of an event sent by Ask. Call either One or All, once;
// if neither is called, the acknowledgements are ignored. Resources are released when all
// acknowledgements have arrived or the context passed to Ask ends.
type Answers struct {
	ctx   context.Context
	ended func(error)        // notifies observers; nil without observers
	stop  func() bool        // of context.AfterFunc; may be nil
	free  context.CancelFunc // of ctx; nil if ctx is the caller's
	over  atomic.Bool        // finish has been called

	mu      lock.Mutex // guards the fields below; only call.Next is called with it held
	read    bool       // One or All was called
	expired bool       // ctx ended before that; only late and err remain
	late    []Reply
	err     error // set at once, and for good, if nothing was sent

	// Of one socket.
	socket *Socket
	id     int64
	done   chan struct{} // closed when the fields below are set; nil if no answer is awaited
	args   Args
	cause  error

	// Of several.
	call      *adapter.Call
	ids       func(*Socket) int64
	published error
}

// One waits for an acknowledgement and returns its arguments. For several sockets it
// returns the first acknowledgement. Errors are those of Socket.EmitWithAck; for several
// sockets, if none answers, those of Broadcast.EmitWithAck, and ErrClosed if no socket
// was selected.
func (a *Answers) One() (args Args, err error) {
	for reply, err := range a.All() {
		return reply.Args, err
	}
	return Args{}, ErrClosed
}

// All ranges over the acknowledgements in the order of arrival; see
// Broadcast.EmitWithAck. For one socket there is one step.
func (a *Answers) All() iter.Seq2[Reply, error] { return a.each }

func (a *Answers) each(yield func(Reply, error) bool) {
	a.mu.Lock()
	a.read = true
	late, err := a.late, a.err
	settled := a.expired || err != nil
	a.mu.Unlock()
	defer func() { a.finish(err) }()
	if !settled {
		a.wait(func(r Reply, e error) bool {
			err = e
			return yield(r, e)
		})
		return
	}
	for _, r := range late {
		if !yield(r, nil) {
			return
		}
	}
	if err != nil {
		yield(Reply{}, err)
	}
}

// wait yields the answers as they arrive.
func (a *Answers) wait(yield func(Reply, error) bool) {
	if a.socket == nil {
		rangeOver(a.ctx, a.call, a.published, yield)
		return
	}
	select {
	case <-a.done:
	case <-a.ctx.Done():
	}
	if reply, ok := a.answer(); ok {
		yield(reply, a.cause)
		return
	}
	yield(Reply{}, a.socket.endOf(a.ctx))
}

// answer returns the answer of a single socket, or its error, if the wait has ended.
func (a *Answers) answer() (r Reply, ok bool) {
	select {
	case <-a.done:
	default:
		return Reply{}, false
	}
	if a.cause == nil {
		r = Reply{SocketID: a.socket.ID(), Args: a.args}
	}
	return r, true
}

// finish releases the resources of a, once.
func (a *Answers) finish(err error) {
	if a.over.Swap(true) {
		return
	}
	if a.stop != nil {
		a.stop()
	}
	if a.call != nil {
		endCall(a.call, a.ids)
	} else if a.done != nil {
		giveUp(a.socket, a.id)
	}
	if a.ended != nil {
		a.ended(err)
	}
	if a.free != nil {
		a.free()
	}
}

// detach makes a finish when its context ends, even if the answers are never read. free,
// if not nil, is called last.
func (a *Answers) detach(free context.CancelFunc) *Answers {
	a.free = free
	if a.err != nil {
		a.finish(a.err)
	} else if a.ctx.Done() != nil {
		a.stop = context.AfterFunc(a.ctx, a.expire)
	}
	return a
}

// expire ends the wait when the context ends, unless the answers are being read.
func (a *Answers) expire() {
	a.mu.Lock()
	if a.read {
		a.mu.Unlock()
		return
	}
	a.expired = true
	if a.socket == nil {
		rangeOver(a.ctx, a.call, a.published, func(r Reply, err error) bool {
			if a.err = err; err == nil {
				a.late = append(a.late, r)
			}
			return true
		})
	} else if reply, ok := a.answer(); !ok {
		a.err = a.socket.endOf(a.ctx)
	} else if a.err = a.cause; a.err == nil {
		a.late = []Reply{reply}
	}
	err := a.err
	a.mu.Unlock()
	a.finish(err)
}

// question sends an event with an acknowledgement to this socket. The caller must ensure
// that finish is called.
func (s *Socket) question(ctx context.Context, f *adapter.Flags, event string, args []any) *Answers {
	a := &Answers{ctx: ctx, socket: s}
	if ctx.Err() != nil {
		a.err = s.endOf(ctx)
		return a
	}
	a.id = s.ns.ackIDs.Next()
	m, err := s.ns.encode(s, f, a.id, event, args)
	if err == nil {
		err = a.send(m, f, event)
	}
	a.err = err
	return a
}

// send registers the wait, then sends its event.
func (a *Answers) send(m *engineio.Message, f *adapter.Flags, event string) error {
	s := a.socket
	a.done = make(chan struct{})
	if err := await(s, a.id, (*soleWait)(a)); err != nil {
		a.done = nil
		return err
	}
	a.ended = s.watch().ackAsked(a.ctx, s, event)
	if s.state.Load() == stateGone { // after await, so that endLocked finds the wait
		return ErrClosed
	}
	if waits(s, m, f.Volatile) {
		m.Keep()
	} else if err := s.post(m, f.Volatile); err != nil {
		return err
	}
	s.watch().eventOut(s, event, m)
	m.Release()
	s.conn.eio.Flush() // the waiting handler may be one of a burst
	return nil
}

// A soleWait is the Answers of one socket as an ackWaiter.
type soleWait Answers

// Answered implements ackWaiter.
func (w *soleWait) Answered(_ *Socket, args Args) {
	w.args = args
	close(w.done)
}

// Failed implements ackWaiter.
func (w *soleWait) Failed(_ *Socket, err error) {
	w.cause = err
	close(w.done)
}

// endOf returns the reason why a wait ended with its context, which is ErrClosed if the
// context is the socket's and the client has disconnected.
func (s *Socket) endOf(ctx context.Context) error {
	if s.state.Load() == stateGone {
		return ErrClosed
	}
	return ctx.Err()
}
