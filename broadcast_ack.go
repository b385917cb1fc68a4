// SPDX-License-Identifier: MIT

// This file holds broadcasts with acknowledgements.

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

// A Reply is the acknowledgement of one recipient of an event.
type Reply struct {
	// SocketID is the id of the socket whose client answered. It is "" if a server
	// answered, or if the adapter does not report the ids of sockets of other servers.
	SocketID string
	// Node is the adapter's name for the server that the answer came from, or "" for this
	// server.
	Node string
	// Args are the arguments of the acknowledgement.
	Args
}

// A PartialError reports the sockets and servers that did not answer; see EmitWithAck and
// FetchSockets. It wraps the reason: usually context.DeadlineExceeded, or ErrClosed if
// all of them have disconnected.
type PartialError = adapter.PartialError

// EmitWithAck sends an event to the selected sockets and ranges over their
// acknowledgements in the order of arrival:
//
//	for reply, err := range io.To("room").EmitWithAck(ctx, "ready?") {
//		if err != nil {
//			log.Print(err) // the last step: it names the silent sockets
//			break
//		}
//		log.Print(reply.SocketID, reply)
//	}
//
// The event is sent each time a range starts. The range ends when all clients have
// answered, immediately if no socket is selected. Otherwise its last step has an error
// and no reply: a *PartialError if ctx has ended or all remaining clients have
// disconnected, or an error of Emit if nothing was sent. Breaking out of the range
// discards later answers. Without a deadline of ctx or a Timeout, it waits 20 s.
//
// A handler may range over it: acknowledgements are processed ahead of waiting events. A
// socket counts as silent if it already has MaxPendingAcks acknowledgements pending, or
// if a volatile event was dropped for it. Answers are kept until the loop reads them, one
// for each client.
func (b audience) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return func(yield func(Reply, error) bool) {
		ctx, cancel := b.deadline(ctx)
		defer cancel()
		b.question(ctx, event, args).each(yield)
	}
}

// Ask is like EmitWithAck but returns at once: the event is in the queues when it
// returns, ahead of later events. The result waits for the acknowledgements until ctx
// ends or, without a deadline, for 20 s.
func (b audience) Ask(ctx context.Context, event string, args ...any) *Answers {
	ctx, cancel := b.deadline(ctx)
	return b.question(ctx, event, args).detach(cancel)
}

// question sends an event with acknowledgements. The caller must ensure that finish is
// called.
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
	for i, ns := range namespaces { // if it can't be encoded, nothing is sent
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

// rangeOver yields the answers to a sealed call, then its error.
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

// unjoined unwraps err if it joins a single error.
func unjoined(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) == 1 {
		return many.Unwrap()[0]
	}
	return err
}

// ask sends a broadcast with an acknowledgement to this socket. It registers the wait
// before it sends.
func ask(s *Socket, p *adapter.Packet) {
	if !p.Call.Expect(s.member()) {
		return
	}
	err := await(s, p.AckID, (*manyWait)(p.Call))
	if err == nil {
		if s.state.Load() == stateGone { // after await, so that endLocked finds the wait
			err = ErrClosed
		} else if m := p.Message.(*engineio.Message); !waits(s, m, p.Volatile) {
			err = s.post(m, p.Volatile)
		}
		if err == nil {
			s.conn.eio.Flush()   // the waiting handler may be one of a burst
			if p.Call.Closed() { // endCall may have run before await
				giveUp(s, p.AckID)
			}
			return
		}
		if !giveUp(s, p.AckID) {
			return // it has ended in the meantime
		}
	}
	p.Call.Fail(s.member(), err)
}

// endCall forgets the acknowledgements that a call still awaits. id is their
// acknowledgement id.
func endCall(call *adapter.Call, id func(*Socket) int64) {
	for _, m := range call.Close() {
		s := socketOf(m)
		giveUp(s, id(s))
	}
}

// A manyWait is a Call as the ackWaiter of its recipients.
type manyWait adapter.Call

// Answered implements ackWaiter.
func (w *manyWait) Answered(s *Socket, args Args) { (*adapter.Call)(w).Answer(s.member(), args) }

// Failed implements ackWaiter.
func (w *manyWait) Failed(s *Socket, err error) { (*adapter.Call)(w).Fail(s.member(), err) }
