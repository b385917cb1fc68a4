// SPDX-License-Identifier: MIT

// This file holds acknowledgements that are awaited from many.

package socketio

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"socketio/adapter"
	"socketio/engineio"
)

// A Reply is one answer to a question that went to many.
type Reply struct {
	// SocketID is the id of the socket whose client answered. It is "" for the
	// answer of a server; also for that of a client of another server, if the
	// adapter does not tell.
	SocketID string
	// Node is the adapter's name of the server that the answer came from, "" for
	// this one.
	Node string
	// Args are what was answered.
	Args
}

// A PartialError tells who did not answer; see EmitWithAck and FetchSockets. It
// wraps why: most often context.DeadlineExceeded, or ErrClosed if all of them have
// gone.
type PartialError = adapter.PartialError

// EmitWithAck sends an event to the chosen sockets and ranges over their
// acknowledgements, in the order in which they come:
//
//	for reply, err := range io.To("room").EmitWithAck(ctx, "ready?") {
//		if err != nil {
//			log.Print(err) // the last one: it names who did not answer
//			break
//		}
//		log.Print(reply.SocketID, reply)
//	}
//
// The event is sent when the range starts, again for each range. The range ends
// when all have answered, at once if nobody was chosen. Otherwise its last step
// has an error and no reply: a *PartialError, when ctx has ended or all who have not
// answered have gone; or an error of Emit, when nothing was sent. Breaking off
// forgets the answers to come. Without a deadline, here or by Timeout, it waits
// 20 s.
//
// It may be ranged over inside a handler: acknowledgements do not wait behind
// events. A socket that MaxPendingAcks acknowledgements are awaited from, and one
// that a volatile event was dropped for, is not asked and counts as silent.
// Answers that the loop has not come to are kept, one for each client.
func (b audience) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return func(yield func(Reply, error) bool) {
		ctx, cancel := b.deadline(ctx)
		defer cancel()
		b.question(ctx, event, args).each(yield)
	}
}

// Ask is EmitWithAck that returns at once: the event is in the queues then, before what is
// emitted next. The result waits for the acknowledgements, until ctx ends or, without a
// deadline, for 20 s.
func (b audience) Ask(ctx context.Context, event string, args ...any) *Answers {
	ctx, cancel := b.deadline(ctx)
	return b.question(ctx, event, args).detach(cancel)
}

// question sends an event whose acknowledgements are awaited. The caller must see that
// finish is called.
func (b *audience) question(ctx context.Context, event string, args []any) *Answers {
	a := &Answers{ctx: ctx}
	if b.server().closed.Load() {
		a.err = ErrClosed
		return a
	}
	if a.err = cmp.Or(ctx.Err(), checkEvent(event)); a.err != nil {
		return a
	}
	call, namespaces := adapter.NewCall(), b.namespaces()
	packets := make([]*adapter.Packet, len(namespaces))
	for i, ns := range namespaces { // what can't be encoded is sent to nobody
		id := ns.ackIDs.Next()
		m, err := ns.encode(nil, &b.flags, id, event, args)
		if err != nil {
			a.err = err
			return a
		}
		packets[i] = &adapter.Packet{Message: m, Flags: b.flags, Call: call, AckID: id}
		ns.share(packets[i], event, args)
	}
	watch := b.server().watch
	a.ended = watch.acksAsked(ctx, b.namespaceName(), event)
	a.call = call
	a.ids = func(s *Socket) int64 { return packets[slices.Index(namespaces, s.ns)].AckID }
	asked := 0
	for i, ns := range namespaces {
		if err := ns.adapter.BroadcastWithAck(ctx, packets[i], b.target); err != nil && a.published == nil {
			a.published = err
		}
		if watch.hearsEvents() {
			all := len(call.Asked())
			watch.broadcastOut(ns.name, event, packets[i].Message.(*engineio.Message), all-asked)
			asked = all
		}
	}
	call.Seal()
	return a
}

// rangeOver yields the answers to a call that is sealed, then what went wrong.
func rangeOver(ctx context.Context, call *adapter.Call, published error, yield func(Reply, error) bool) {
	for {
		a, ok := call.Next(ctx)
		if !ok {
			break
		}
		args, _ := a.Args.(Args)
		if !yield(Reply{SocketID: a.Socket, Node: a.Node, Args: args}, nil) {
			return
		}
	}
	if err := errors.Join(published, call.Err(ctx.Err())); err != nil {
		yield(Reply{}, unjoined(err))
	}
}

// unjoined returns the one error in err, if there is only one.
func unjoined(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) == 1 {
		return many.Unwrap()[0]
	}
	return err
}

// ask sends a broadcast whose acknowledgement is awaited. It is registered before
// it is sent.
func ask(s *Socket, p *adapter.Packet) {
	if !p.Call.Expect(s.member()) {
		return
	}
	err := await(s, p.AckID, (*manyWait)(p.Call))
	if err == nil {
		if s.state.Load() == stateGone { // after await, so that endLocked finds the wait
			err = ErrClosed
		} else {
			err = s.post(p.Message.(*engineio.Message), p.Volatile)
		}
		if err == nil {
			s.conn.eio.Flush()   // the handler that waits may be one of a burst
			if p.Call.Closed() { // endCall may have come before await
				giveUp(s, p.AckID)
			}
			return
		}
		if !giveUp(s, p.AckID) {
			return // it has ended meanwhile
		}
	}
	p.Call.Fail(s.member(), err)
}

// endCall forgets the acknowledgements that a call still awaits. id is that which a
// socket was asked with.
func endCall(call *adapter.Call, id func(*Socket) int64) {
	for _, m := range call.Close() {
		s := socketOf(m)
		giveUp(s, id(s))
	}
}

// A manyWait is a Call as the sockets that were asked see it.
type manyWait adapter.Call

// Answered implements ackWaiter.
func (w *manyWait) Answered(s *Socket, args Args) { (*adapter.Call)(w).Answer(s.member(), args) }

// Failed implements ackWaiter.
func (w *manyWait) Failed(s *Socket, err error) { (*adapter.Call)(w).Fail(s.member(), err) }
