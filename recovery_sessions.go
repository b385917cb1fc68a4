// SPDX-License-Identifier: MIT

// This file holds what the namespaces of a server with recovery share: the store, and the
// sessions that it keeps.

package socketio

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/once"
	"socketio/internal/recovery"
	"socketio/internal/telemetry"
)

// A recoverer makes the keepers of a server.
type recoverer struct {
	// Immutable after newRecoverer.
	Recovery
	server  *Server
	store   adapter.Store
	shared  adapter.SharedStore // the store, if other servers have it too; otherwise nil
	adds    adapter.ReplyStore  // the store, if it can add replies to a session; otherwise nil
	durable bool
	tag     string          // the beginning of the secrets of this server's sessions, or ""
	ctx     context.Context // of the work that no client waits for; ends with end
	end     context.CancelFunc
	later   *recovery.Later[*Socket] // saves sessions
	parked  *once.Budget             // of the windows in the journals

	mu       sync.Mutex // guards the fields below; nothing is called while it is held
	timer    *time.Timer
	armed    bool      // the timer runs, or sweep does
	again    bool      // sweepLater was called meanwhile
	quiet    time.Time // when quiet sessions were saved
	closed   bool
	journals map[*journal]struct{}
}

// newRecoverer opens the store. It returns nil if that fails.
func newRecoverer(s *Server) keeperMaker {
	o := s.opts.Recovery
	r := &recoverer{Recovery: *o, server: s, store: o.Store, parked: once.NewBudget(o.MaxBytes), journals: make(map[*journal]struct{})}
	retention := adapter.Retention{Window: o.Window, MaxBytes: o.MaxBytes, MaxSessions: o.MaxSessions}
	r.ctx, r.end = context.WithCancel(context.Background())
	r.later = recovery.NewLater(laterSaves, func(run func()) {
		s.workers.Begin() // it ends when the store has answered
		go func() {
			defer s.workers.End()
			run()
		}()
	}, func(s *Socket) {
		s.kept().due.Store(false) // a change from now on is saved again
		s.changed()
	})
	if err := r.store.Open(adapter.Node{ID: s.node, Logger: s.opts.Logger}, retention); err != nil {
		r.end()
		s.opts.Logger.Error("the store of Options.Recovery did not open: no client is recovered until the server is restarted", "error", telemetry.Error(err))
		return nil
	}
	r.durable = r.store.Durable()
	r.adds, _ = r.store.(adapter.ReplyStore)
	if r.shared, _ = r.store.(adapter.SharedStore); r.shared != nil {
		r.shared.Serve(holder{r})
		s.gate = r.shared
	}
	if o.LocalOnly {
		r.tag = s.node[:min(len(s.node), tagLength)] + secretTag
	}
	if r.durable {
		r.sweepLater()
	}
	return r
}

// A secret of a session that only one server keeps begins with a tag of the server, which
// is not secret, and secretTag.
const (
	tagLength = 6
	secretTag = "."
)

// newSecret returns the secret of a new session.
func (r *recoverer) newSecret() string { return r.tag + newID() }

// ownSecret reports whether a secret may be that of a session of this server.
func (r *recoverer) ownSecret(secret string) bool {
	tag, _, tagged := strings.Cut(secret, secretTag)
	return r.tag == "" || !tagged || tag+secretTag == r.tag
}

func (r *recoverer) makeKeeper(ns *Namespace) keeper {
	l, err := r.store.Log(ns.name)
	if err != nil {
		r.failed("the log of a namespace did not open: its clients are not recovered", ns.name, err)
		return nil
	}
	j := &journal{ns: ns, owner: r, events: l, epoch: l.Epoch(), order: recovery.NewOrder(l)}
	if log, ok := l.(adapter.SharedLog); ok {
		j.follow(log)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.journals[j] = struct{}{}
	return j
}

// forget forgets the journal of a namespace that has ended.
func (r *recoverer) forget(j *journal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.journals, j)
}

func (r *recoverer) closeStore(ctx context.Context) {
	defer r.end()
	r.mu.Lock()
	r.closed = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	if err := r.store.Close(ctx); err != nil {
		r.server.opts.Logger.Error("the store of Options.Recovery did not close", "error", telemetry.Error(err))
	}
}

// failed logs an error of the store.
func (r *recoverer) failed(what, namespace string, err error) {
	r.server.sampled.Warn(what, "nsp", telemetry.Text(namespace), "error", telemetry.Error(err))
}

// storeTimeout bounds how long the store is waited for.
const storeTimeout = 10 * time.Second

// save saves a session. It returns the error of the store.
func (r *recoverer) save(ctx context.Context, namespace string, s *adapter.Session) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := r.store.Save(ctx, namespace, s)
	r.notSaved(namespace, err)
	r.sweepLater()
	return err
}

// notSaved logs the error of the store, if there is one.
func (r *recoverer) notSaved(namespace string, err error) {
	if err != nil && !errors.Is(err, adapter.ErrStoreClosed) && !errors.Is(err, adapter.ErrTaken) {
		r.failed("a session was not saved: its client may not be recovered; see the error of the store", namespace, err)
	}
}

// add adds replies to a session. It returns the error of the store.
func (r *recoverer) add(ctx context.Context, namespace, secret string, replies []byte) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := r.adds.AddReplies(ctx, namespace, secret, replies)
	if !errors.Is(err, adapter.ErrNoSession) {
		r.notSaved(namespace, err)
	}
	return err
}

// take takes a session out of the store.
func (r *recoverer) take(ctx context.Context, namespace, secret string) (*adapter.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return r.store.Take(ctx, namespace, secret)
}

// drop removes a session that can't be continued.
func (r *recoverer) drop(namespace, secret string) {
	ctx, cancel := context.WithTimeout(r.ctx, storeTimeout)
	defer cancel()
	if err := r.store.Drop(ctx, namespace, secret); err != nil && !errors.Is(err, adapter.ErrStoreClosed) {
		r.failed("a session that was ended is still in the store: after a restart its client may continue it", namespace, err)
	}
}

// sameIdentity asks the application whether a client may continue a session.
func (r *recoverer) sameIdentity(ns *Namespace, old *adapter.Session, s *Socket) (same bool) {
	if r.SameIdentity == nil {
		return true
	}
	r.server.guard("SameIdentity", func() {
		current := SessionInfo{ID: s.ID(), Namespace: ns.name, Rooms: s.Rooms(), data: valuesOf(s)}
		same = r.SameIdentity(sessionInfo(ns.name, old), current)
	})
	return same
}

// A sweep drops what is too old. There is one at most at a time, this long apart.
func (r *recoverer) period() time.Duration {
	return min(max(r.Window/8, time.Millisecond), 10*time.Second)
}

// sweepLater makes sweep run when there may be something to drop.
func (r *recoverer) sweepLater() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.again = true; !r.armed {
		r.armLocked()
	}
}

// armLocked starts the timer of sweep.
func (r *recoverer) armLocked() {
	if r.armed = !r.closed; r.closed {
		return
	}
	if r.timer == nil {
		// Its goroutine ends with sweep; stopped by closeStore.
		r.timer = time.AfterFunc(r.period(), r.sweep)
		return
	}
	r.timer.Reset(r.period())
}

// sweep drops events and sessions that are too old, and tells the application of the
// sessions.
func (r *recoverer) sweep() {
	r.mu.Lock()
	r.again = r.durable
	closed := r.closed
	r.mu.Unlock()
	if closed {
		return
	}
	left := true // if OnSessionExpired ends the goroutine
	defer func() { r.swept(left) }()
	before := time.Now().Add(-r.Window)
	ctx, cancel := context.WithTimeout(r.ctx, time.Minute) // OnSessionExpired may take its time
	defer cancel()
	some, err := r.store.Expire(ctx, before, func(namespace string, s *adapter.Session) {
		if r.OnSessionExpired != nil {
			r.server.guard("OnSessionExpired", func() { r.OnSessionExpired(sessionInfo(namespace, s)) })
		}
	})
	if err != nil && !r.server.closed.Load() {
		r.failed("the store of Options.Recovery could not drop what is too old", "", err)
	}
	quiet := r.durable && r.quietDue()
	for _, j := range r.all() {
		j.unfinished.Drop(before)
		if quiet {
			j.saveQuiet()
		}
	}
	left = some || err != nil
}

// swept arms the timer again, if something is left or was added meanwhile.
func (r *recoverer) swept(left bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.armed = false; left || r.again {
		r.armLocked()
	}
}

// quietDue reports whether quiet sessions must be saved. A store that servers share is a
// broker: it is spared.
func (r *recoverer) quietDue() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shared != nil && time.Since(r.quiet) < r.Window/quietPart {
		return false
	}
	r.quiet = time.Now()
	return true
}

// quietPart is the part of Recovery.Window between two times when quiet sessions are saved
// in a shared store.
const quietPart = 3

// all returns the journals.
func (r *recoverer) all() []*journal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.journals))
}

// saveQuiet saves the sessions of sockets that have not been sent the events since they
// were saved: after a crash these need not be looked through, or be there.
func (j *journal) saveQuiet() {
	j.mark()
	var saves sync.WaitGroup
	places := make(chan struct{}, quietSaves)
	for _, s := range j.lineages.Sockets() {
		if j.owner.ctx.Err() == nil && s.kept().savedAt.Load() != j.order.Last() {
			places <- struct{}{}
			saves.Go(func() { j.changed(s); <-places }) // ends when the store has answered
		}
	}
	saves.Wait()
}

// changedLater is changed, and does not wait for the store. A socket waits at most once.
func (j *journal) changedLater(s *Socket) {
	if j.owner.durable && s.kept().due.CompareAndSwap(false, true) {
		j.owner.later.Add(s)
	}
}

// laterSaves is how many sessions are saved at once while nobody waits for that.
const laterSaves = 16

// quietSaves is how many sessions saveQuiet saves at once, so that they share what a store
// does for several.
const quietSaves = 16

// mark tells the log about events that it lost, if it does not know.
func (j *journal) mark() {
	if err := j.order.Mark(j.events); err != nil && !errors.Is(err, adapter.ErrStoreClosed) {
		j.owner.failed("the log does not know of a lost event: see the error of the store", j.ns.name, err)
	}
}

// changed saves the session of a connected socket, if it is to outlive the process.
func (j *journal) changed(s *Socket) {
	if j.owner.durable {
		s.kept().dirty.Store(true)
		j.saveChanges(s)
	}
}

// replied saves the reply to an event, as changed does.
func (j *journal) replied(s *Socket, id int64, m *engineio.Message) {
	switch {
	case !j.owner.durable:
		return
	case j.owner.adds != nil:
		repeatsOf(s).stored.finished(id, m)
	default:
		s.kept().dirty.Store(true)
	}
	j.saveChanges(s)
}

// saveChanges saves what has changed of the session of a connected socket.
func (j *journal) saveChanges(s *Socket) {
	k := s.kept()
	k.saves.Do(func() {
		if !s.Connected() {
			return
		}
		err := adapter.ErrNoSession
		if !k.dirty.Swap(false) {
			err = j.addNews(s)
		}
		if errors.Is(err, adapter.ErrNoSession) {
			err = j.owner.save(j.owner.ctx, j.ns.name, j.snapshot(s))
		}
		if err != nil {
			k.dirty.Store(true)
			k.savedAt.Store(math.MaxUint64) // saveQuiet tries again
		}
		if errors.Is(err, adapter.ErrTaken) {
			j.lose(s)
		}
	})
}

// addNews adds the latest replies to a session in the store. It returns ErrNoSession if the
// session must be saved instead.
func (j *journal) addNews(s *Socket) error {
	r := repeatsOf(s)
	if r == nil {
		return nil // another call has saved what changed
	}
	replies, ok := r.stored.add(j.owner.MaxSessionBytes)
	switch {
	case !ok:
		return adapter.ErrNoSession
	case len(replies) == 0:
		return nil // others have
	}
	return j.owner.add(j.owner.ctx, j.ns.name, s.kept().secret, replies)
}

// snapshot returns the session of a socket that is connected or holding.
func (j *journal) snapshot(s *Socket) *adapter.Session {
	last := j.order.Last()
	k := s.kept()
	k.savedAt.Store(last)
	final := &adapter.Session{ID: s.ID(), Secret: k.secret, Data: valuesOf(s).json(), Epoch: k.epoch, Lost: j.lostMark(k), Stale: k.stale}
	k.track.Fill(final, last)
	j.addReplies(s, final)
	return final
}

// addReplies adds the replies that the client may ask for again to a session, as far as
// they fit into it. running reports whether events are still handled.
func (j *journal) addReplies(s *Socket, final *adapter.Session) (running bool) {
	r := repeatsOf(s)
	if r == nil {
		return false
	}
	final.Nonce, final.Replies = r.nonce, nil
	r.stored.begin()
	final.Replies, running = r.save(j.owner.MaxSessionBytes - final.Size())
	r.stored.set(len(final.Replies))
	return running
}

// ended notes the last state of a socket. If its client can't come back, there is none.
func (j *journal) ended(s *Socket) {
	s.mu.Lock()
	reason, last := rareOf(s).reason, s.kept().atEnd
	s.mu.Unlock()
	if reason == ReasonClientDisconnect || reason == ReasonServerDisconnect {
		return
	}
	final := j.snapshot(s)
	s.kept().track.Fill(final, last)
	final.Ended, final.Replies = time.Now(), nil
	if final.Size() > j.owner.MaxSessionBytes {
		j.ns.server.sampled.Warn("a session is larger than Options.Recovery.MaxSessionBytes: its client is not recovered", "nsp", telemetry.Text(j.ns.name))
		return
	}
	if j.addReplies(s, final) {
		j.unfinished.Put(final.Secret, repeatsOf(s).window, final.Ended, maxUnfinished, j.owner.parked)
	}
	s.kept().final = final
}

// settled hands the session of a socket over, to the store or to the client that has come
// back.
func (j *journal) settled(s *Socket) {
	k := s.kept()
	if k.lineage == nil {
		return
	}
	if j.owner.durable {
		k.saves.Do(func() {}) // one that is under way would undo what is stored from now on
	}
	if k.final == nil && j.owner.durable {
		j.owner.drop(j.ns.name, k.secret) // before Close: another server would find a session without a socket
	}
	if k.final != nil && k.final.Lost == math.MaxUint64 && j.shared.awaitDecisions(k) {
		j.ended(s)
	}
	stored := false
	for {
		if k.final != nil && !stored && !j.lineages.Claimed(k.lineage) {
			for !stored { // another call of Do may save for this one, but not the final state
				k.saves.Do(func() {
					_ = j.owner.save(j.owner.ctx, j.ns.name, k.final) // it is logged
					stored = true
				})
			}
		}
		if j.lineages.Close(k.lineage, k.final, stored) {
			return
		}
	}
}
