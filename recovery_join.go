// SPDX-License-Identifier: MIT

// This file holds how a socket joins a namespace with recovery: with a session of its own,
// or with that of an earlier connection.

package socketio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/recovery"
	"socketio/internal/telemetry"
)

var (
	errTakenOver = errors.New("socketio: the client has come back over another connection")
	errOverflow  = errors.New("socketio: too many events while the client was answered")
	errLost      = errors.New("socketio: the log lost events while the client was answered")
)

// A redemption is the attempt of a client to continue a session.
type redemption struct {
	lineage *recovery.Lineage // claimed; nil if there is none
	reason  recovery.Reason   // why it has failed; "" so far
	old     *adapter.Session  // continued; nil until then
	filter  *recovery.Filter  // of old
	after   uint64            // the client has received the events up to it
	read    uint64            // the log was read up to it
	distant bool              // the session is not this server's yet; see adapter.SharedStore
	bytes   int               // of missed
	missed  []heldEvent
}

// presented takes "pid" and "offset" out of the auth of a client.
func (j *journal) presented(k *session, auth []byte) []byte {
	if !bytes.Contains(auth, []byte("pid")) && !bytes.Contains(auth, []byte("offset")) {
		return auth
	}
	return without(j.ns.server.format, auth, func(name string, value json.RawMessage) bool {
		switch name {
		case "pid":
			k.pid = shortString(value)
		case "offset":
			k.offset = shortString(value)
		default:
			return false
		}
		return true
	})
}

// join runs the middlewares and, if they let the socket in, continues the session that the
// client asks for or begins a new one. Nothing of an old session is visible, to the client
// or to the middlewares, before they have accepted the client.
func (j *journal) join(a *admission) {
	s := a.socket
	ctx, ok := a.present()
	if !ok {
		return
	}
	j.awaitLog(ctx)
	r := j.claim(ctx, s)
	release := sync.OnceFunc(func() { j.release(r) })
	defer release()
	skip := j.owner.SkipMiddleware && j.adopt(ctx, a, r)
	if skip {
		s.conn.awaitTurn(a)
	} else {
		// A middleware may go on although the client has gone. Its goroutine ends when the
		// store has answered; release waits for it.
		stop := context.AfterFunc(ctx, release)
		if passed := a.passes(); !stop() || !passed {
			return
		}
		if !j.owner.SkipMiddleware {
			j.adopt(ctx, a, r)
		}
	}
	s.member().reserveRoom()
	if (r.old != nil || j.owner.durable) && !j.hold(ctx, a, r) {
		return
	}
	news, err, ok := j.enter(a, r)
	if !ok {
		if release(); r.old == nil && j.owner.durable { // hold has saved a session that no client knows
			j.owner.drop(j.ns.name, s.kept().secret)
		}
		return
	}
	if s.kept().pid != "" {
		j.tell(s, r)
	}
	a.entered(news, err)
}

// claim claims the session that a client asks for. ctx ends with the socket. A client that
// polls must have a poll waiting: one that has gone would keep others from the session, or
// take it from the socket with which the client goes on.
func (j *journal) claim(ctx context.Context, s *Socket) *redemption {
	r := new(redemption)
	pid := s.kept().pid
	if pid == "" {
		return r
	}
	if !j.owner.ownSecret(pid) {
		r.reason = recovery.OtherNode
		return r
	}
	if s.conn.eio.WaitReader(ctx) != nil {
		r.reason = recovery.Unknown // nobody is told
		return r
	}
	l, known := j.claimSoon(ctx, pid)
	if l == nil {
		r.reason = recovery.InUse
		return r
	}
	if !known {
		look := j.owner.take
		if j.owner.shared != nil {
			look, r.distant = j.owner.find, true
		}
		old, err := look(ctx, j.ns.name, pid)
		if err != nil {
			j.lineages.Drop(l)
			r.reason = recovery.Unknown
			if !errors.Is(err, adapter.ErrNoSession) {
				r.reason = j.notTaken(ctx, err)
			}
			return r
		}
		j.lineages.Found(l, old)
	}
	r.lineage = l
	return r
}

// yieldsIn is how long a client waits for another that continues its session. That may be an
// earlier attempt of its own, whose connection has ended: it gives the session back.
const yieldsIn = time.Second

// claimSoon claims a session, if need be when another client has given it back. If that
// client is connected by then, or does not give it back in time, l is nil.
func (j *journal) claimSoon(ctx context.Context, secret string) (l *recovery.Lineage, known bool) {
	l, known, next := j.lineages.Claim(secret)
	if l != nil {
		return l, known
	}
	ctx, cancel := context.WithTimeout(ctx, yieldsIn)
	defer cancel()
	for l == nil {
		select {
		case come := <-next:
			if !come {
				return nil, true
			}
		case <-ctx.Done():
			return nil, true
		}
		l, known, next = j.lineages.Claim(secret)
	}
	return l, known
}

// release gives a claimed session back, unless it was continued.
func (j *journal) release(r *redemption) {
	if r.lineage == nil {
		return
	}
	_ = j.giveBack(r.lineage, r.distant)
}

// giveBack gives a claimed session back. If it has ended in the meantime, it is saved,
// unless the store has it.
func (j *journal) giveBack(l *recovery.Lineage, stored bool) (err error) {
	final, ended := j.lineages.Release(l)
	if !ended {
		return nil
	}
	if final != nil && !stored {
		if _, _, stored = j.lineages.State(l); !stored {
			err = j.owner.save(j.owner.ctx, j.ns.name, final)
		}
	}
	j.lineages.Drop(l)
	return err
}

// adopt makes the socket the successor of the one whose session its client has claimed: it
// takes over its id, its rooms and its data. It reports whether it did; otherwise the
// socket begins a new session.
func (j *journal) adopt(ctx context.Context, a *admission, r *redemption) bool {
	s := a.socket
	if r.lineage == nil || r.reason != "" {
		return false
	}
	if r.reason = j.examine(ctx, s, r); r.reason != "" {
		return false
	}
	j.succeed(a, r.old)
	return true
}

// examine looks whether the client may continue the session, ends the earlier connection
// if it still stands, and reads what the client has missed.
func (j *journal) examine(ctx context.Context, s *Socket, r *redemption) recovery.Reason {
	live, final, _ := j.lineages.State(r.lineage)
	switch {
	case live != nil:
		final = j.snapshot(live)
	case final == nil:
		return recovery.Unknown // it was ended on purpose a moment ago
	case final.Ended.IsZero() && !r.distant:
		return recovery.StoreFailed // its end was not saved
	case !final.Ended.IsZero() && time.Since(final.Ended) > j.owner.Window:
		return recovery.Expired
	}
	if !j.owner.sameIdentity(j.ns, final, s) {
		return recovery.Identity
	}
	if _, reason := j.find(ctx, s, undecided(final)); reason != "" {
		return reason
	}
	if live != nil {
		if reason := j.takeOver(ctx, live, r); reason != "" {
			return reason
		}
	}
	if r.distant {
		if reason := j.fetch(ctx, s, r); reason != "" {
			return reason
		}
	}
	_, final, stored := j.lineages.State(r.lineage)
	if final == nil {
		return recovery.Unknown
	}
	if stored {
		_, err := j.owner.take(ctx, j.ns.name, final.Secret)
		switch {
		case errors.Is(err, adapter.ErrTaken):
			return recovery.InUse
		case errors.Is(err, adapter.ErrNoSession):
			return recovery.Expired
		case err != nil:
			return j.notTaken(ctx, err)
		}
		j.lineages.Taken(r.lineage)
	}
	after, reason := j.find(ctx, s, final)
	if reason != "" {
		return reason
	}
	r.after, r.read, r.filter = after, after, recovery.NewFilter(final)
	if reason = j.readMissed(ctx, r, j.order.Last()); reason != "" {
		r.missed = nil // they are those of a session that ends here
		return reason
	}
	r.old = final
	return ""
}

// undecided is a session of a socket that has not ended as it may be at its end. What it says
// of events that wait for their positions is known only then; see awaitDecisions.
func undecided(session *adapter.Session) *adapter.Session {
	if session.Lost != math.MaxUint64 || !session.Ended.IsZero() {
		return session
	}
	later := *session
	later.Lost = 0
	return &later
}

// takeOver ends the connection of a socket whose client has come back, and waits until the
// last handler of the socket has returned.
func (j *journal) takeOver(ctx context.Context, live *Socket, r *redemption) recovery.Reason {
	ctx, cancel := context.WithTimeout(ctx, j.ns.server.opts.MiddlewareTimeout)
	defer cancel()
	if !j.evict(ctx, live, r.lineage) {
		return recovery.InUse
	}
	return ""
}

// evict ends the connection of a socket, whose session is claimed, and waits until the
// last handler of the socket has returned. It reports false if ctx ends before. If only the
// handlers are left, the connection is another's: perhaps that of the client that asks.
func (j *journal) evict(ctx context.Context, live *Socket, l *recovery.Lineage) bool {
	if ctx.Err() != nil {
		return false
	}
	if live.state.Load() != stateGone {
		live.conn.eio.Abort(engineio.ReasonForcedClose, errTakenOver, closePolicy, "")
	}
	select {
	case <-j.lineages.Over(l):
		return true
	case <-ctx.Done():
		return false
	}
}

// readMissed reads the missed events up to a number. The log is waited for as long as it
// gives some.
func (j *journal) readMissed(ctx context.Context, r *redemption, upTo uint64) recovery.Reason {
	reading, stall := recovery.WithStall(ctx, storeTimeout)
	defer stall.Stop()
	for e, err := range j.events.Since(reading, r.read, upTo) {
		stall.Progress()
		switch {
		case errors.Is(err, adapter.ErrTrimmed):
			return recovery.LogTrimmed
		case errors.Is(err, adapter.ErrLost):
			return recovery.BusLost
		case err != nil:
			if ctx.Err() == nil { // otherwise the client has gone
				j.owner.failed("missed events could not be read", j.ns.name, errors.Join(err, context.Cause(reading)))
			}
			return recovery.StoreFailed
		}
		r.read = e.Number
		if !r.filter.Missed(&e) {
			continue
		}
		if r.bytes += e.Size(); r.bytes > j.owner.MaxSessionBytes {
			return recovery.TooMany
		}
		e.Event.Position = j.position(e.Number)
		m, err := j.ns.message(e.Event, noAck)
		if err != nil {
			j.owner.failed("a missed event could not be encoded", j.ns.name, err)
			return recovery.StoreFailed
		}
		r.missed = append(r.missed, heldEvent{j.ns.applyFlags(m, &e.Flags), e.Number})
	}
	r.read = max(r.read, upTo)
	return ""
}

// succeed gives the socket the id, the rooms and the data of an earlier one. Values that
// the middlewares have set stay.
func (j *journal) succeed(a *admission, old *adapter.Session) {
	s := a.socket
	if server := j.ns.server; server.opts.ReserveSocketIDs {
		server.socketIDs.add(old.ID, 1)
		server.socketIDs.add(s.firstID, -1)
	}
	s.kept().id.Store(&old.ID)
	window := j.unfinished.Get(old.Secret) // it stays there for the next attempt, if this one fails
	if r := repeatsOf(s); r != nil && r.nonce == old.Nonce {
		if window != nil {
			r.window = window
		} else {
			r.restore(old.Replies)
		}
	}
	if values := parseData(old.Data); len(values) > 0 {
		rareOf(s).data.change(func(m dataMap) {
			for name, v := range values {
				if _, set := m[name]; !set {
					m[name] = v
				}
			}
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != stateJoining {
		return
	}
	for _, room := range recovery.Rooms(old) {
		if room != old.ID && !slices.Contains(a.rooms, room) {
			a.rooms = append(a.rooms, room)
		}
	}
	s.joins = int32(len(a.rooms))
}

// hold makes the socket a member before its client is answered, since the answer may have
// to wait for the store. What is sent to it from now on is held. It reports false if the
// socket has ended.
func (j *journal) hold(ctx context.Context, a *admission, r *redemption) bool {
	s := a.socket
	k := s.kept()
	last := j.order.Begin()
	s.mu.Lock()
	if s.state.Load() != stateJoining {
		s.mu.Unlock()
		j.order.End()
		return false
	}
	j.begins(a, r, last)
	k.news = a.addLocked()
	k.rooms, k.holding = slices.Clone(a.rooms), true
	s.mu.Unlock()
	j.order.End()
	if j.owner.durable {
		session := j.snapshot(s)
		if r.old != nil { // the client has yet to be sent what it has missed
			k.track.Fill(session, r.after)
			k.savedAt.Store(r.after)
		}
		err := j.owner.save(s.conn.eio.Context(), j.ns.name, session)
		if j.owner.shared != nil && err == nil && j.owner.shared.Lapsed() { // the process was frozen meanwhile
			err = j.owner.save(s.conn.eio.Context(), j.ns.name, session)
		}
		if errors.Is(err, adapter.ErrTaken) {
			s.conn.eio.Abort(engineio.ReasonForcedClose, errTakenOver, closePolicy, "")
			j.leaveHold(s)
			return false
		}
		if err != nil {
			k.savedAt.Store(math.MaxUint64) // saveQuiet tries again
		}
	}
	if r.old != nil && (j.readMissed(ctx, r, last) != "" || j.shared != nil && j.order.LostAfter(r.after)) {
		// The log has lost them since examine. The client is told when it tries again.
		s.conn.eio.Abort(engineio.ReasonForcedClose, errLost, closePolicy, "")
		j.leaveHold(s)
		return false
	}
	return true
}

// begins makes the Track of the socket. s.mu is held, in a step of the order.
func (j *journal) begins(a *admission, r *redemption, last uint64) {
	s := a.socket
	k := s.kept()
	if r.old != nil {
		k.track = recovery.Continue(r.old, r.after)
		k.secret, k.stale = r.old.Secret, r.old.Stale
	} else {
		k.track = recovery.NewTrack(last)
		k.secret = j.owner.newSecret()
		if n, ok := j.numberOf(k.offset); !ok || n > last {
			k.stale = k.offset
		}
	}
	k.epoch = j.currentEpoch()
	k.track.Join(last, s.ID())
	k.track.Join(last, a.rooms...)
}

// leaveHold takes a holding socket out of the namespace: its client has gone.
func (j *journal) leaveHold(s *Socket) {
	j.order.Begin()
	s.kept().holding, s.kept().held = false, nil
	j.order.End()
	j.ns.adapter.Remove(s.member())
}

// enter answers the client: CONNECT, what it has missed, what was held. ok is false if the
// socket has ended. An error is one of enterLocked.
func (j *journal) enter(a *admission, r *redemption) (news []string, err error, ok bool) {
	s := a.socket
	k := s.kept()
	last := j.order.Begin()
	s.mu.Lock()
	held := k.holding
	if k.overflow || s.state.Load() != stateJoining {
		s.mu.Unlock()
		j.order.End()
		if held {
			if k.overflow {
				s.conn.eio.Abort(engineio.ReasonForcedClose, errOverflow, closePolicy, "")
			}
			j.leaveHold(s)
		}
		return nil, nil, false
	}
	if held {
		news = k.news
		j.moveRoomsLocked(a, last)
	} else {
		j.begins(a, r, last)
		news = a.addLocked()
	}
	reply := binding.Admission{SID: s.ID(), PID: k.secret}
	if r.old == nil {
		reply.NotRecovered = string(r.reason)
	}
	m, err := connectReply(s, reply)
	if err != nil {
		s.mu.Unlock()
		j.order.End()
		j.leaveHold(s)
		a.refuse(err)
		return nil, nil, false
	}
	events := append(r.missed, k.held...)
	ms := make([]*engineio.Message, 0, len(events)+1)
	for _, e := range events {
		ms = append(ms, e.m)
	}
	if j.owner.MissedFirst {
		ms = slices.Insert(ms, len(r.missed), m)
	} else {
		ms = slices.Insert(ms, 0, m)
	}
	if r.old != nil {
		k.lineage = r.lineage
		j.lineages.Resume(k.lineage, s)
		j.unfinished.Remove(k.secret)
		r.lineage = nil
		k.recovered.Store(true)
	} else {
		k.lineage = j.lineages.Begin(k.secret, s)
	}
	if err = a.enterLocked(ms...); err != nil {
		k.track.Cut(r.after + 1)
	} else {
		for _, e := range events {
			if e.number > 0 {
				k.track.Queued(e.number)
			}
		}
	}
	k.holding, k.held = false, nil
	s.mu.Unlock()
	j.order.End()
	return news, err, true
}

// moveRoomsLocked applies the changes of rooms that others have made since hold.
func (j *journal) moveRoomsLocked(a *admission, last uint64) {
	s := a.socket
	k := s.kept()
	for _, room := range a.rooms {
		if !slices.Contains(k.rooms, room) {
			j.ns.adapter.Join(s.member(), []string{room})
			k.track.Join(last, room)
		}
	}
	for _, room := range k.rooms {
		if !slices.Contains(a.rooms, room) {
			j.ns.adapter.Leave(s.member(), room)
			k.track.Leave(last, room)
		}
	}
}

// tell informs observers and the log about the outcome.
func (j *journal) tell(s *Socket, r *redemption) {
	reason := r.reason
	if r.old != nil {
		reason = ""
	}
	s.watch().recoveryAsked(s, len(r.missed), string(reason))
	if log := j.ns.server.opts.Logger; reason != "" && log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("a client was not recovered: "+remedy(reason), "nsp", telemetry.Text(j.ns.name), "sid", s.publicID(), "reason", string(reason))
	}
}

// remedy says what can be done about a reason.
func remedy(r recovery.Reason) string {
	switch r {
	case recovery.Unknown:
		return "there is no such session: it was ended on purpose, dropped for a bound of Options.Recovery, or kept by another process; a durable Store outlives the process"
	case recovery.OtherNode:
		return "another server keeps the session, or an earlier process of this one: Options.Recovery.LocalOnly is set; let the balancer send a client to the same server"
	case recovery.Expired:
		return "it came back after Options.Recovery.Window"
	case recovery.BadOffset:
		return "its position is not one of this namespace"
	case recovery.LogTrimmed:
		return "the log no longer has the events that it has missed; raise Options.Recovery.MaxBytes, or use a durable Store"
	case recovery.TooMany:
		return "it has missed more than Options.Recovery.MaxSessionBytes"
	case recovery.BusLost:
		return "events were sent while the log of the cluster was not reached: whether the client has them is not known"
	case recovery.InUse:
		return "another client continues the session at this moment, handlers of its earlier socket do not return, or the server that has it does not answer"
	case recovery.Identity:
		return "Options.Recovery.SameIdentity says that it is another user"
	}
	return "the store could not keep or return what is needed; see its error"
}
