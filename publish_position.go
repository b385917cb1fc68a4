// SPDX-License-Identifier: MIT

// This file holds the publish step of a namespace with recovery: an event gets a position,
// is stored, and is put into the queues of its recipients in the order of the positions. The
// number in the position comes from the log: see adapter.Log.

package socketio

import (
	"cmp"
	"errors"
	"fmt"
	"sync/atomic"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/format"
	"socketio/internal/recovery"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// A journal is the keeper of a namespace.
type journal struct {
	// Immutable.
	ns     *Namespace
	owner  *recoverer
	events adapter.Log
	epoch  string // of a log that is not shared
	order  *recovery.Order
	shared *sharedLog // nil if no other server has the log

	lineages   recovery.Lineages[Socket]
	unfinished unfinished
	overdue    atomic.Int32 // events that a durable store has not taken in time
}

func (j *journal) begin() (last uint64) { return j.order.Begin() }

func (j *journal) end() { j.order.End() }

func (j *journal) last() uint64 { return j.order.Last() }

func (j *journal) position(number uint64) string {
	if j.shared != nil {
		return j.shared.events.Position(number)
	}
	return adapter.Position(j.epoch, number)
}

func (j *journal) close() {
	j.owner.forget(j)
	if j.shared != nil {
		j.shared.line.Close()
	}
	j.mark()
	j.ns.server.guard("Log.Close", func() {
		if err := j.events.Close(); err != nil {
			j.ns.server.opts.Logger.Error("the log of a namespace did not close", "nsp", j.ns.name, "error", telemetry.Error(err))
		}
	})
}

// emit stores an event and queues it, and returns its number. Volatile events, and those to a
// socket that has not joined yet, are not stored. They get the position of the event before
// if their last argument is a string, since clients take that for a position.
func (j *journal) emit(s *Socket, f adapter.Flags, t adapter.Target, event string, args []any) (number uint64, err error) {
	d, err := j.newDelivery(s, f, t, event, args)
	if err != nil {
		return 0, err
	}
	if j.shared != nil {
		return 0, j.share(d)
	}
	var shared error
	if s == nil && j.ns.shared && !t.Local {
		shared = j.shareOthers(&adapter.Packet{Event: event, Args: args, Meta: d.Event.Meta, Flags: f}, t)
	}
	number, err = d.run()
	if shared != nil {
		err = errors.Join(err, shared)
	}
	return number, err
}

// emitAt is emit, and waits for the number of the event.
func (j *journal) emitAt(f adapter.Flags, t adapter.Target, event string, args []any) (number uint64, err error) {
	if j.shared == nil {
		return j.emit(nil, f, t, event, args)
	}
	d, err := j.newDelivery(nil, f, t, event, args)
	if err != nil {
		return 0, err
	}
	d.done = make(chan struct{})
	if err = j.share(d); err != nil {
		return 0, err
	}
	<-d.done // a Line ends each wait
	if d.Number == 0 && d.logged {
		return 0, ErrNotStored
	}
	return d.Number, nil
}

// newDelivery encodes an event of this server.
func (j *journal) newDelivery(s *Socket, f adapter.Flags, t adapter.Target, event string, args []any) (*delivery, error) {
	if err := checkEvent(event); err != nil {
		return nil, err
	}
	if s != nil && s.state.Load() == stateGone {
		return nil, ErrClosed
	}
	e, err := j.ns.server.format.payload(&event, args)
	if err != nil {
		err = fmt.Errorf("socketio: emit %q: %w", event, err)
		j.ns.reportUnencoded(s, event, err)
		return nil, &reportedError{err}
	}
	e.Meta = j.ns.meta()
	return &delivery{journal: j, socket: s, event: event, KeptEvent: adapter.KeptEvent{Event: e, Flags: f, Target: t}}, nil
}

// shareOthers sends an event to other servers.
func (j *journal) shareOthers(p *adapter.Packet, t adapter.Target) error {
	if others, ok := j.ns.adapter.(adapter.Sharer); ok {
		return others.Share(p, t)
	}
	return errNoSharer
}

// errNoSharer is returned by Emit with a cluster that does not fit.
var errNoSharer = errors.New("socketio: other servers do not get the event: Options.Recovery is set, and the adapter of Options.Cluster is no adapter.Sharer")

// keep stores and delivers an event of another server.
func (j *journal) keep(e adapter.Payload, f adapter.Flags, t adapter.Target, members func(adapter.Target) []adapter.Member) int {
	e.Position = ""
	d := &delivery{journal: j, foreign: members, event: string(parser.EventName(e.JSON)), KeptEvent: adapter.KeptEvent{Event: e, Flags: f, Target: t}}
	if j.shared != nil {
		j.shared.deliver(d) // it was published beside the log
		return d.count
	}
	_, _ = d.run() // it has been reported
	return d.count
}

// run stores and delivers an event.
func (d *delivery) run() (number uint64, err error) {
	j, s := d.journal, d.socket
	if err = d.encode(); err != nil {
		return 0, err
	}
	if d.Flags.Volatile || s != nil && (s.kept() == nil || s.settledState() == stateJoining) {
		last := j.order.Begin()
		d.deliver(j.stamp(s, d.Event.JSON, last))
		j.order.End()
		return 0, d.flush(false)
	}
	if s != nil {
		d.Socket = s.ID()
	}
	err = j.append(d.KeptEvent, func(number uint64) {
		d.Number = number
		j.order.Begin()
		d.deliver(j.position(number))
		j.order.Delivered(number)
		j.order.End()
	})
	if err == nil {
		j.owner.sweepLater()
		err = d.flush(true)
		j.mark()
		return d.Number, err
	}
	last := j.order.Begin()
	d.deliver(j.stamp(s, d.Event.JSON, last))
	switch closed := errors.Is(err, adapter.ErrStoreClosed); {
	case closed && j.ns.server.closed.Load(): // the sockets have ended, even if they are still in rooms
		j.order.End()
		return 0, ErrClosed
	case closed && d.count == 0: // the namespace has ended
		j.order.End()
		return 0, nil
	}
	j.order.Lost()
	j.order.End()
	j.warnUnstored(err)
	err = errors.Join(fmt.Errorf("%w: %w", ErrNotStored, err), d.flush(false))
	j.mark()
	return 0, err
}

// encode prepares the packet, in which the position is still missing. An error was reported.
func (d *delivery) encode() (err error) {
	if d.draft, err = d.ns.server.format.Draft(d.ns.name, d.Event.JSON, d.Event.Attachments); err != nil {
		d.ns.reportUnencoded(d.socket, d.event, err)
		return &reportedError{err}
	}
	return nil
}

// warnUnstored logs that an event was delivered without a position.
func (j *journal) warnUnstored(err error) {
	j.ns.server.sampled.Warn("an event was not stored: clients that lose their connection now are not recovered; see the error of the store", "nsp", j.ns.name, "error", telemetry.Error(err))
}

// stamp returns the position for an event that is not stored, or "" if it needs none. A
// client that is joining has its own, and would miss what lies between the two.
func (j *journal) stamp(s *Socket, list []byte, last uint64) string {
	switch {
	case s != nil && s.kept() == nil, len(list) < 2, list[len(list)-2] != '"':
		return ""
	case s != nil && s.kept().offset != "" && s.settledState() == stateJoining:
		return s.kept().offset
	}
	return j.position(last)
}

// A delivery is an event on its way into the queues.
type delivery struct {
	*journal
	adapter.KeptEvent         // Number is 0 if it is not stored
	socket            *Socket // the only recipient, or nil
	// foreign returns the recipients of an event of another server; otherwise it is nil.
	foreign func(adapter.Target) []adapter.Member
	event   string
	draft   *format.Draft
	// These are for shared logs.
	logged bool                 // it should get a number
	token  uint64               // of the event in the Line; 0 if it gets no number
	batch  *adapter.Batch       // writes, if it is not nil
	fixed  map[*Socket]decision // changed by Line.Ahead while it waits, and when it has its turn
	done   chan struct{}        // closed when it was delivered; nil if nobody waits

	m     *engineio.Message
	sent  []*Socket // those in whose queue it is
	count int       // recipients
	err   error     // of the only recipient, or of the encoding
}

// deliver queues the event, in a step of the order. An event of another server that has no
// recipients here is not encoded.
func (d *delivery) deliver(position string) {
	var members []adapter.Member
	if d.foreign != nil {
		if members = d.foreign(d.Target); len(members) == 0 {
			return
		}
		if d.draft == nil {
			if d.draft, d.err = d.ns.server.format.Draft(d.ns.name, d.Event.JSON, d.Event.Attachments); d.err != nil {
				return
			}
		}
	}
	if d.m, d.err = d.draft.Message(position); d.err != nil {
		return
	}
	d.ns.applyFlags(d.m, &d.Flags)
	if d.socket != nil {
		if d.count = 1; d.fixed[d.socket] == 0 {
			d.err = d.queue(d.recipient())
		}
		return
	}
	if d.foreign == nil {
		members = d.ns.adapter.Members(d.Target)
	}
	d.count = len(members)
	d.sent = make([]*Socket, 0, len(members))
	for _, m := range members {
		if s := socketOf(m); d.fixed[s] == 0 && !d.overtaken(s) {
			d.queueMember(s)
		}
	}
	for s, of := range d.fixed {
		if of == keeps {
			d.queueMember(s)
		}
	}
}

// recipient returns the socket that gets an event to d.socket. If that has ended while the
// event was on its way into the log, its client may have come back, and have read the log
// before the event was in it: the socket that continues the session gets it.
func (d *delivery) recipient() *Socket {
	if d.Number > 0 && d.socket.state.Load() == stateGone {
		if m, ok := d.ns.adapter.Member(d.Socket); ok {
			return socketOf(m)
		}
	}
	return d.socket
}

func (d *delivery) queueMember(s *Socket) {
	if s.settledState() == stateConnected || s.kept() != nil && s.kept().holding {
		_ = d.queue(s) // the connection notifies its sockets when it closes
	}
}

// queue puts the event into the queue of a socket, or holds it. A socket that has ended while
// the event was on its way may have left its connection to another.
func (d *delivery) queue(s *Socket) error {
	k, gone := s.kept(), s.state.Load() == stateGone
	if k != nil && k.holding {
		if d.Number == 0 && d.Flags.Volatile {
			return ErrDropped
		}
		k.hold(s, heldEvent{d.m, d.Number})
		return nil
	}
	if d.Flags.Volatile {
		if gone || !s.conn.eio.EnqueueVolatile(d.m) {
			return ErrDropped
		}
		d.sent = append(d.sent, s)
		return nil
	}
	err := engineio.ErrClosed
	if !gone {
		err = s.conn.eio.Enqueue(d.m)
	}
	if k != nil && d.Number > 0 {
		switch {
		case err == nil:
			k.track.Queued(d.Number)
		case errors.Is(err, engineio.ErrClosed), errors.Is(err, ErrSlowConsumer):
			k.track.Cut(d.Number)
		}
	}
	if err == nil {
		d.sent = append(d.sent, s)
	}
	return queueError(err)
}

// hold keeps an event for a socket whose client is not answered yet. What the send queue
// would not take is not kept; the connection is closed then.
func (k *session) hold(s *Socket, e heldEvent) {
	o := &s.conn.server.opts.Engine
	k.bytes += e.m.Size()
	if k.overflow || len(k.held) >= cmp.Or(o.MaxQueueMessages, 16384) || k.bytes > cmp.Or(o.MaxQueueBytes, 4<<20) {
		k.overflow, k.held = true, nil
		return
	}
	k.held = append(k.held, e)
}

// flush writes what deliver has queued. It is called without locks. stored reports whether
// the event is in the log.
func (d *delivery) flush(stored bool) error {
	for _, s := range d.sent {
		if d.batch != nil && !d.Flags.Volatile && d.ns.server.batches {
			d.batch.Hold(s.member(), d.m.Size())
		} else {
			s.conn.eio.Write()
		}
	}
	for _, s := range d.sent {
		reportSent(s, d.m)
	}
	watch := d.ns.server.watch
	switch {
	case d.m == nil && d.err == nil: // nobody gets it
		return nil
	case d.m == nil:
		d.ns.reportUnencoded(d.socket, d.event, d.err)
		return &reportedError{d.err}
	case d.foreign != nil: // its server has reported it
		return nil
	case d.socket == nil:
		watch.broadcastOut(d.ns.name, d.event, d.m, d.count)
		return nil
	case d.err == nil:
		watch.eventOut(d.socket, d.event, d.m)
		return nil
	case d.Flags.Volatile && d.err == ErrDropped:
		return nil // as requested
	case stored && (errors.Is(d.err, ErrClosed) || errors.Is(d.err, ErrSlowConsumer)):
		return nil // the client gets it when it comes back
	}
	return d.err
}
