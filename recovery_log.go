// SPDX-License-Identifier: MIT

// This file holds the publish step of a namespace whose log other servers share: an event
// is delivered when it has come back from the log, in the order of the log.

package socketio

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/lock"
	"socketio/internal/recovery"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// The bounds of the events of a namespace that wait for their positions, and of what waits
// behind them.
const (
	patience        = 10 * time.Second // then an event is delivered without a position; as storeTimeout
	maxWaiting      = 16384
	maxWaitingBytes = 32 << 20
)

var (
	// errGap is why connections end whose clients have missed events.
	errGap = errors.New("socketio: events were removed from the log of the cluster before this server has read them")
	// errReplaced is why connections end whose positions have become void.
	errReplaced = errors.New("socketio: the log of the cluster was replaced by another")
)

// A sharedLog is what a journal has if other servers share its log.
type sharedLog struct {
	events adapter.SharedLog
	line   *recovery.Line
	opened bool // guarded by the order of the journal

	mu      lock.Mutex                 // guards the field below
	awaited map[*session]chan struct{} // closed when early is 0
}

// follow makes the journal follow a log that other servers share.
func (j *journal) follow(l adapter.SharedLog) {
	j.shared = &sharedLog{events: l}
	j.shared.line = recovery.NewLine(patience, maxWaiting, maxWaitingBytes, j.mark)
	l.Follow((*follower)(j))
}

// currentEpoch identifies the log. It is "" before a shared log was opened.
func (j *journal) currentEpoch() string {
	if j.shared != nil {
		return j.shared.events.Epoch()
	}
	return j.epoch
}

// numberOf is the reverse of position.
func (j *journal) numberOf(position string) (number uint64, ok bool) {
	if j.shared != nil {
		return j.shared.events.Number(position)
	}
	epoch, number, ok := adapter.ParsePosition(position)
	return number, ok && epoch == j.epoch
}

// positions are those of the log of a journal.
type positions journal

// Epoch implements recovery.Positions.
func (p *positions) Epoch() string { return (*journal)(p).currentEpoch() }

// Number implements recovery.Positions.
func (p *positions) Number(position string) (uint64, bool) { return (*journal)(p).numberOf(position) }

// find returns the number after which a client has missed events.
func (j *journal) find(ctx context.Context, s *Socket, final *adapter.Session) (after uint64, reason recovery.Reason) {
	if j.shared != nil && (final.Epoch == "" || final.Epoch == j.currentEpoch()) {
		if j.shared.events.CatchUp(ctx, max(final.Last, final.Checked)) != nil {
			return 0, recovery.BusLost // this server would send again what another has sent
		}
		if n, ok := j.numberOf(s.kept().offset); ok {
			_ = j.shared.events.CatchUp(ctx, n) // otherwise the position is unknown here
		}
	}
	after, reason = recovery.Find(final, s.kept().offset, (*positions)(j), j.order)
	if reason == recovery.StoreFailed && j.shared != nil {
		reason = recovery.BusLost
	}
	return after, reason
}

// awaitLog waits until positions are known.
func (j *journal) awaitLog(ctx context.Context) {
	if j.shared != nil && j.shared.events.Epoch() == "" {
		_ = j.shared.events.CatchUp(ctx, 0) // the session can't be continued then
	}
}

// lostMark returns Session.Lost for the sessions of now.
func (j *journal) lostMark(k *session) uint64 {
	switch {
	case j.shared == nil:
		return 0
	case k.epoch == "", k.early.Load() > 0:
		return math.MaxUint64
	}
	return max(j.order.LostMark(), k.lost.Load())
}

// share adds an event to the log. It is delivered when it comes back. Events that are not
// stored are delivered after those before.
func (j *journal) share(d *delivery) (err error) {
	s, line := d.socket, j.shared.line
	if line.Full() {
		return fmt.Errorf("%w: at most %d", ErrTooManyWaiting, maxWaiting)
	}
	if err = d.encode(); err != nil {
		return err
	}
	size := d.Size()
	if d.Target.Local || s != nil && (d.Flags.Volatile || s.kept() == nil || s.settledState() == stateJoining) {
		line.Follow(d, size)
		return nil
	}
	if s != nil {
		d.Socket = s.ID()
	}
	d.logged = true
	var token uint64
	err = j.shared.events.Share(&d.KeptEvent, func(t uint64) {
		token, d.token = t, t
		line.Add(d, t, size)
	})
	if err == nil {
		j.owner.sweepLater()
		return nil
	}
	closed := errors.Is(err, adapter.ErrStoreClosed)
	switch {
	case closed && j.ns.server.closed.Load():
		return ErrClosed
	case token > 0:
		line.Fail(token)
	default:
		d.logged = !closed
		line.Follow(d, size)
	}
	if closed { // the namespace has ended
		return nil
	}
	return fmt.Errorf("%w: %w", ErrNotStored, err)
}

// deliver delivers an event that is not stored, without waiting for others.
func (l *sharedLog) deliver(d *delivery) {
	if d.encode() != nil {
		return
	}
	d.Deliver(0)
	d.Flush()
}

// Deliver implements recovery.Item.
func (d *delivery) Deliver(number uint64) {
	last := d.order.Begin()
	defer d.order.End()
	switch {
	case number > 0:
		d.Number = number
		d.deliver(d.position(number))
		d.order.Delivered(number)
	default:
		d.deliver(d.stamp(d.socket, d.Event.JSON, last))
		if d.logged {
			d.order.Lost()
		}
	}
	for s, of := range d.fixed {
		if k := s.kept(); k != nil && d.logged {
			d.remember(k, of, number)
			if k.early.Add(-1) == 0 {
				d.shared.decided(k)
			}
		}
	}
}

// Flush implements recovery.Item.
func (d *delivery) Flush() {
	_ = d.flush(d.Number > 0) // Emit has returned
	if d.done != nil {
		close(d.done)
	}
	for s := range d.fixed {
		if k := s.kept(); k != nil && d.logged && k.early.Load() == 0 && d.owner.durable {
			d.changedLater(s) // what is saved says that all is lost
		}
	}
	if d.logged && d.Number == 0 && d.count > 0 {
		d.warnUnstored(errNoPosition)
	}
}

// errNoPosition is logged when an event is delivered without a position.
var errNoPosition = errors.New("socketio: the log of the cluster was not reached, or has not answered in time")

// selects reports whether an event is meant for a socket in rooms.
func (d *delivery) selects(s *Socket, rooms []string) bool {
	if d.socket != nil {
		return d.socket == s
	}
	in := func(room string) bool { return slices.Contains(rooms, room) }
	if d.Target.Sender == s.ID() || slices.ContainsFunc(d.Target.Except, in) {
		return false
	}
	return d.Target.Rooms == nil || slices.ContainsFunc(d.Target.Rooms, in)
}

// A follow is a packet to one socket that must not overtake the events before it.
type follow struct {
	socket   *Socket
	m        *engineio.Message
	volatile bool
	early    bool // it was sent before its turn
}

// Deliver implements recovery.Item.
func (f *follow) Deliver(uint64) {
	s := f.socket
	switch {
	case f.early, s.state.Load() == stateGone:
	case f.volatile:
		_ = s.conn.eio.EnqueueVolatile(f.m)
	default:
		_ = s.conn.eio.Enqueue(f.m) // the connection notifies its sockets when it closes
	}
}

// Flush implements recovery.Item.
func (f *follow) Flush() { f.socket.conn.eio.Write() }

// behind makes a packet to a socket wait for the events to it that wait for their
// positions. It reports false if there are none: the caller sends the packet. What waits
// for others then never reaches the socket.
func (j *journal) behind(s *Socket, m *engineio.Message, volatile bool) bool {
	if j.shared == nil || j.shared.line.Empty() {
		return false
	}
	rooms := j.ns.adapter.Rooms(s.member())
	behind, last := j.shared.line.Behind(func(i recovery.Item) bool {
		if f, ok := i.(*follow); ok {
			return f.socket == s
		}
		return i.(*delivery).awaits(s, rooms)
	})
	if !behind {
		if k := s.kept(); k != nil {
			k.overtakes(last)
		}
		return false
	}
	j.shared.line.Follow(&follow{socket: s, m: m, volatile: volatile}, m.Size())
	return true
}

// hurry sends a socket at once what waits for its turn, since it leaves the namespace: it
// would not be a recipient any longer.
func (j *journal) hurry(s *Socket) {
	if j.shared == nil || j.shared.line.Empty() {
		return
	}
	rooms := j.ns.adapter.Rooms(s.member())
	j.shared.line.Ahead(func(i recovery.Item) bool {
		switch i := i.(type) {
		case *follow:
			return i.socket == s && !i.early
		case *delivery:
			if !i.awaits(s, rooms) {
				return false
			}
			i.fix(s, has)
		}
		return true
	}, func(i recovery.Item) {
		switch i := i.(type) {
		case *follow:
			i.Deliver(0)
			i.early = true
		case *delivery:
			i.sendEarly(s)
		}
	})
	s.conn.eio.Write()
}

// leaves is called before a socket leaves rooms. It gets what waits for its turn and was
// for it when it was emitted.
func (j *journal) leaves(s *Socket, rooms []string) {
	if j.shared == nil || j.shared.line.Empty() {
		return
	}
	before := j.ns.adapter.Rooms(s.member())
	after := slices.DeleteFunc(slices.Clone(before), func(room string) bool { return slices.Contains(rooms, room) })
	left := func(room string) bool { return slices.Contains(rooms, room) }
	j.shared.line.Ahead(func(i recovery.Item) bool {
		d, ok := i.(*delivery)
		if ok && slices.ContainsFunc(d.Target.Rooms, left) && d.fixed[s] == 0 && d.selects(s, before) && !d.selects(s, after) {
			d.fix(s, keeps)
		}
		return false
	}, nil)
}

// A decision is what becomes of an event that waits for its turn, for a socket of which
// something has changed meanwhile.
type decision uint8

const (
	keeps  decision = iota + 1 // it gets the event, although it has left the rooms
	misses                     // it does not get the event, although it has joined the rooms
	has                        // it was sent the event before its turn
)

// fix decides. It is called by a function that Line.Ahead calls, or in the turn of the event.
func (d *delivery) fix(s *Socket, of decision) {
	if d.fixed == nil {
		d.fixed = make(map[*Socket]decision)
	}
	d.fixed[s] = of
	if k := s.kept(); k != nil && d.logged {
		k.early.Add(1)
	}
}

// remember makes the session of a socket know of a decision, in a step of the order. number
// is that of the event, or 0.
func (d *delivery) remember(k *session, of decision, number uint64) {
	switch {
	case number == 0: // all sessions learn of it
	case of == keeps:
		k.track.Gets(number, &d.Target)
	case of == misses:
		k.track.Misses(number, &d.Target)
	case of == has: // the client does not know this position
		k.lost.Store(number)
	}
}

// decided ends the wait of awaitDecisions.
func (l *sharedLog) decided(k *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.awaited[k]; c != nil {
		close(c)
		delete(l.awaited, k)
	}
}

// decidesIn is how long the end of a session waits for the numbers of events about which
// something was decided: without them its client is not recovered. Mostly the log answers
// within milliseconds.
const decidesIn = time.Second

// awaitDecisions waits until the numbers of the events are known about which something was
// decided for a session. It returns false if the log does not answer.
func (l *sharedLog) awaitDecisions(k *session) bool {
	if k.early.Load() == 0 {
		return true
	}
	done := make(chan struct{})
	l.mu.Lock()
	if l.awaited == nil {
		l.awaited = make(map[*session]chan struct{})
	}
	l.awaited[k] = done
	l.mu.Unlock()
	if k.early.Load() == 0 {
		l.decided(k)
	}
	timer := time.NewTimer(decidesIn)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		l.mu.Lock()
		delete(l.awaited, k)
		l.mu.Unlock()
		return false
	}
}

// awaits reports whether a socket in rooms gets an event that waits for its turn.
func (d *delivery) awaits(s *Socket, rooms []string) bool {
	if of := d.fixed[s]; of != 0 {
		return of == keeps
	}
	return d.selects(s, rooms)
}

// overtaken reports whether the socket was sent something later while the event waited for
// others. It has joined one of their rooms since.
func (d *delivery) overtaken(s *Socket) bool {
	k := s.kept()
	if k == nil || d.token == 0 || d.token > k.overtook.Load() {
		return false
	}
	d.fix(s, misses)
	return true
}

// sendEarly queues an event for a socket before its turn.
func (d *delivery) sendEarly(s *Socket) {
	draft, err := d.ns.server.format.Draft(d.ns.name, d.Event.JSON, d.Event.Attachments)
	if err != nil {
		return // it is reported when the event has its turn
	}
	last := d.order.Begin()
	defer d.order.End()
	if s.state.Load() == stateGone {
		return
	}
	m, err := draft.Message(d.stamp(s, d.Event.JSON, last))
	if err != nil {
		return
	}
	if d.ns.applyFlags(m, &d.Flags); d.Flags.Volatile {
		s.conn.eio.EnqueueVolatile(m)
		return
	}
	_ = s.conn.eio.Enqueue(m) // the connection notifies its sockets when it closes
}

// A follower is a journal as it reads its log.
type follower journal

// Opened implements adapter.LogReader.
func (r *follower) Opened(_ string, last uint64) {
	r.order.Begin()
	again := r.shared.opened
	r.shared.opened = true
	r.order.Reset(last)
	r.order.End()
	if again {
		(*journal)(r).cut(errReplaced)
	}
}

// cut closes the connections of all sockets that have sessions: their clients come back,
// and learn that they were not recovered.
func (j *journal) cut(cause error) {
	sockets := j.lineages.Sockets()
	if len(sockets) > 0 {
		j.ns.server.opts.Logger.Warn("clients are disconnected, because they may have missed events", "nsp", j.ns.name, "error", telemetry.Error(cause))
	}
	for _, s := range sockets {
		s.conn.eio.Abort(engineio.ReasonForcedClose, cause, closePolicy, "")
	}
}

// Own implements adapter.LogReader.
func (r *follower) Own(token, number uint64) {
	if r.shared.line.Own(token, number) { // it was delivered without this number
		r.order.Begin()
		r.order.LostUpTo(number)
		r.order.End()
	}
	r.Passed(number)
	(*journal)(r).mark()
}

// Foreign implements adapter.LogReader.
func (r *follower) Foreign(e *adapter.KeptEvent, members func(adapter.Target) []adapter.Member, b *adapter.Batch) int {
	d := &delivery{journal: (*journal)(r), foreign: members, batch: b, event: string(parser.EventName(e.Event.JSON)), KeptEvent: *e}
	if e.Socket != "" {
		d.Target = adapter.Target{Rooms: []string{e.Socket}}
	}
	d.Deliver(e.Number)
	_ = d.flush(true) // it has been reported
	return d.count
}

// Passed implements adapter.LogReader.
func (r *follower) Passed(number uint64) {
	r.order.Begin()
	defer r.order.End()
	r.order.Passed(number)
}

// Settled implements adapter.LogReader.
func (r *follower) Settled(token uint64) {
	r.shared.line.Settled(token)
	(*journal)(r).mark()
}

// Gap implements adapter.LogReader.
func (r *follower) Gap(upTo uint64) {
	last := r.order.Begin()
	for _, s := range r.lineages.Sockets() {
		s.kept().track.Cut(last + 1)
	}
	r.order.Passed(upTo)
	r.order.End()
	(*journal)(r).cut(errGap)
}

// Lost implements adapter.LogReader.
func (r *follower) Lost(after uint64) {
	r.order.Begin()
	defer r.order.End()
	r.order.LostUpTo(after + 1)
}
