// SPDX-License-Identifier: MIT

// This file reads the log of a namespace.

package natsadapter

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter/cluster"
)

// A logReader passes the entries of a log on, in order. It receives what the stream
// publishes again. When it has missed something, it reads that from the stream.
type logReader struct {
	bus       *bus
	stream    *stream
	appender  *appender
	receiver  cluster.LogReceiver
	namespace string
	subject   string // in the stream
	id        string // begins the ids of the entries of this server
	tokens    tokens
	ctx       context.Context
	cancel    context.CancelFunc
	wake      chan struct{} // that of tokens, too

	// Used by run only.
	epoch   string // "" before LogOpened
	created time.Time
	cursor  uint64    // the last entry that was passed on
	last    string    // its id
	checked uint64    // there is no other up to this number, which is at least the cursor
	at      time.Time // when the cursor was stored
	conn    int       // the connection for which the end was checked
	seen    *snapshot // of the latest checkEnd
	unread  uint64    // the end of the stream then
	nextEnd time.Time // when the stream may be read without a reason

	mu         sync.Mutex // guards the fields below
	live       []*nats.Msg
	bytes      int
	subscribed bool
	refused    error    // NATS has refused the subscription
	suspect    bool     // the log may have been replaced
	shown      string   // the epoch
	waiting    []func() // see afterwards
}

// A reader that is busy reading from the stream keeps at most so much of what comes
// meanwhile. It reads the rest from the stream later.
const (
	mostLive      = 4096
	mostLiveBytes = 8 << 20
)

// newLogReader returns a reader that is still to be subscribed. id is that of the reader; no
// other has it, on any server.
func newLogReader(b *bus, s *stream, a *appender, receiver cluster.LogReceiver, namespace, id string) *logReader {
	subject, _ := s.subjects.logSubject(namespace)
	wake := make(chan struct{}, 1)
	r := &logReader{
		bus: b, stream: s, appender: a, receiver: receiver, namespace: namespace, subject: subject, id: id + "-",
		tokens: tokens{wake: wake}, wake: wake,
	}
	r.ctx, r.cancel = context.WithCancel(b.ctx)
	return r
}

// subscribe subscribes to what the stream publishes again. run tries again if NATS refuses.
func (r *logReader) subscribe() {
	r.bus.Subscribe([]cluster.Channel{{Class: cluster.ClassLog, Namespace: r.namespace}}, func(err error) {
		r.mu.Lock()
		r.subscribed, r.refused = err == nil, err
		r.mu.Unlock()
		if err != nil {
			r.bus.state.set(causeLog, down(err)) // until the next look
		}
		poke(r.wake)
	})
}

// heard takes what the stream has published again.
func (r *logReader) heard(m *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.live) < mostLive && r.bytes < mostLiveBytes {
		r.live, r.bytes = append(r.live, m), r.bytes+len(m.Data)
	}
	poke(r.wake)
}

// takeLive returns what has come.
func (r *logReader) takeLive() []*nats.Msg {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.live
	r.live, r.bytes = nil, 0
	return all
}

// afterwards calls fn when the log is open, or can't be opened.
func (r *logReader) afterwards(fn func()) {
	r.mu.Lock()
	opened := r.shown != "" || r.ctx.Err() != nil
	if !opened {
		r.waiting = append(r.waiting, fn)
	}
	r.mu.Unlock()
	if opened {
		fn()
	}
}

// free calls the functions that were given to afterwards.
func (r *logReader) free() {
	r.mu.Lock()
	all := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	for _, fn := range all {
		fn()
	}
}

// run passes entries on until its context ends.
func (r *logReader) run() {
	defer r.free()
	pause := firstPause
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for r.ctx.Err() == nil {
		wait := time.Hour
		if err := r.step(); err != nil {
			wait, pause = pause, min(2*pause, longPause)
		} else {
			pause = firstPause
		}
		timer.Reset(wait)
		select {
		case <-r.wake:
			if wait < time.Hour { // an error does not become rarer by messages
				select {
				case <-timer.C:
				case <-r.ctx.Done():
				}
			}
		case <-timer.C:
		case <-r.ctx.Done():
		}
	}
}

// step does what there is to do.
func (r *logReader) step() error {
	r.mu.Lock()
	ready, suspect, refused := r.subscribed, r.suspect, r.refused
	r.suspect, r.refused = false, nil
	r.mu.Unlock()
	if refused != nil {
		r.subscribe()
		return refused
	}
	_, conn := r.bus.link.current()
	if !ready || conn == 0 || r.stream.latest.Load() == nil {
		return nil // somebody wakes it
	}
	ctx, cancel := context.WithTimeout(r.ctx, answersIn)
	defer cancel()
	ctx, end := r.bus.link.asking(ctx)
	defer end()
	if err := r.check(ctx, conn, suspect); err != nil {
		r.mu.Lock()
		r.suspect = r.suspect || suspect
		r.mu.Unlock()
		return err
	}
	if r.epoch == "" {
		return nil // the answer to an entry of this server wakes it
	}
	for _, m := range r.takeLive() {
		if err := r.pass(ctx, m); err != nil {
			r.settle()
			return err // the rest is read from the stream
		}
	}
	if err := r.checkEnd(ctx, conn); err != nil {
		return err
	}
	r.conn = conn
	r.settle()
	return nil
}

// check opens the log, and finds out whether it is still the same one.
func (r *logReader) check(ctx context.Context, conn int, suspect bool) error {
	snap := r.stream.latest.Load()
	if r.epoch != "" && snap.epoch == r.epoch && r.conn == conn && !suspect {
		return nil
	}
	snap, err := r.stream.look(ctx)
	if err != nil {
		return err
	}
	if r.epoch == snap.epoch {
		same, err := r.sameEnd(ctx, snap)
		if err != nil || same {
			return err
		}
		if err := r.stream.renew(ctx, snap.epoch); err != nil {
			return err
		}
		snap = r.stream.latest.Load()
	}
	last, replaced := snap.last, r.epoch != ""
	switch {
	case !replaced:
		number, known := r.firstOwn()
		if !known {
			return nil
		}
		if number > 0 {
			last = min(last, number-1)
		}
	case !r.created.Equal(snap.created):
		last = 0 // all that is in the new log was appended since
	}
	r.epoch, r.created, r.cursor, r.checked, r.last, r.at = snap.epoch, snap.created, last, last, "", time.Time{}
	r.mu.Lock()
	r.shown = r.epoch
	r.mu.Unlock()
	if replaced {
		r.lose(snap.last)
	}
	r.receiver.LogOpened(r.namespace, r.epoch, last)
	r.free()
	r.settle()
	return nil
}

// firstOwn returns the number of the first entry that this server has appended, or 0 if none
// is in the stream. known is false if that is not known yet.
func (r *logReader) firstOwn() (number uint64, known bool) {
	for _, f := range r.tokens.list() {
		switch s, number := r.appender.status(f); s {
		case landed:
			return number, true
		case waiting:
			return 0, true
		case flying, doubted:
			return 0, false
		}
	}
	return 0, true
}

// lose gives up entries that were in the log of before, beyond the end of this one.
func (r *logReader) lose(end uint64) {
	for _, f := range r.tokens.list() {
		r.appender.lose(f, end)
	}
}

// sameEnd reports whether the stream still has the entry that was passed on last.
func (r *logReader) sameEnd(ctx context.Context, snap *snapshot) (bool, error) {
	if snap.last < r.cursor {
		return false, nil
	}
	if r.last == "" || r.cursor < snap.first {
		return true, nil
	}
	nc, _ := r.bus.link.current()
	m, ok, err := next(ctx, nc, r.stream.api(), r.stream.name, &request{Seq: r.cursor, Next: r.subject})
	if err != nil {
		return false, err
	}
	if !ok {
		return true, nil // it was removed since
	}
	e, _ := readStored(m)
	return e.number > r.cursor || e.id == r.last, nil
}

// pass passes on what the stream has published again.
func (r *logReader) pass(ctx context.Context, m *nats.Msg) error {
	e, ok := readStored(m)
	if !ok || !e.sameNamespace(r.namespace) {
		return nil
	}
	before, _ := strconv.ParseUint(m.Header.Get(jetstream.LastSequenceHeader), 10, 64)
	if e.number <= r.cursor {
		if e.time.After(r.at) && !(e.number == r.cursor && e.id == r.last) {
			r.doubt()
		}
		return nil
	}
	if before > r.cursor {
		if err := r.fill(ctx, before); err != nil {
			return err
		}
	}
	r.entry(e)
	return nil
}

// doubt has the log checked.
func (r *logReader) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.suspect = true
	poke(r.wake)
}

// same returns an error unless the stream is still the one that is read.
func (r *logReader) same(ctx context.Context) error {
	snap, err := r.stream.look(ctx)
	if err != nil {
		return err
	}
	if snap.epoch != r.epoch {
		r.doubt()
		return errReplaced
	}
	return nil
}

// fill reads up to an entry that was missed.
func (r *logReader) fill(ctx context.Context, upTo uint64) error {
	for r.cursor < upTo {
		if err := r.read(ctx, upTo); err != nil {
			return err
		}
		if r.cursor >= upTo {
			break
		}
		// The server that has answered lags behind, or the entry was removed meanwhile.
		nc, _ := r.bus.link.current()
		if err := r.askLeader(ctx, nc, upTo); err != nil {
			return err
		}
		if r.cursor >= upTo {
			break
		}
		m, ok, err := next(ctx, nc, r.stream.api(), r.stream.name, &request{Seq: r.cursor + 1, Next: r.subject})
		if err != nil {
			return err
		}
		if ok {
			if e, valid := readStored(m); valid && e.number <= upTo {
				r.entry(e)
				continue
			}
		}
		if err := r.same(ctx); err != nil {
			return err
		}
		r.gap(upTo)
	}
	return nil
}

// asksAtOnce is how many entries the leader is asked for at once.
const asksAtOnce = 64

// askLeader reads entries that the leader has, up to a number, of this and other namespaces. It
// ends before one that is not there. A server that lags behind may do so for long while much is
// appended; the entries are read as fast as that then.
func (r *logReader) askLeader(ctx context.Context, nc *nats.Conn, upTo uint64) error {
	for from := r.cursor + 1; from <= upTo; {
		count := int(min(asksAtOnce, upTo-from+1))
		answers, errs := make([]*nats.Msg, count), make([]error, count)
		var asking sync.WaitGroup
		for i := range count {
			number := from + uint64(i) //nolint:gosec // it is positive
			asking.Go(func() {         // ends with the answer, or ctx
				answers[i], _, errs[i] = next(ctx, nc, r.stream.api(), r.stream.name, &request{Seq: number})
			})
		}
		asking.Wait()
		from += uint64(count) //nolint:gosec // as above
		if err := r.same(ctx); err != nil {
			return err
		}
		for i, m := range answers {
			switch {
			case errs[i] != nil:
				return errs[i]
			case m == nil:
				return nil
			case m.Subject != r.subject:
				continue
			}
			if e, ok := readStored(m); ok && e.number > r.cursor && e.sameNamespace(r.namespace) {
				r.entry(e)
			}
		}
	}
	return nil
}

// read reads entries from the stream, at most up to a number.
func (r *logReader) read(ctx context.Context, upTo uint64) error {
	for {
		nc, epoch := r.bus.link.current()
		if epoch == 0 {
			return down(errFirst)
		}
		all, more, err := batch(ctx, nc, r.stream.api(), r.stream.name, r.subject, r.cursor+1)
		if err != nil {
			return err
		}
		snap, err := r.stream.look(ctx) // after the messages: what was removed before is known
		if err != nil {
			return err
		}
		if snap.epoch != r.epoch {
			r.doubt()
			return errReplaced
		}
		lost := snap.first - 1
		if len(all) > 0 {
			if e, ok := readStored(all[0]); ok {
				lost = min(lost, e.number-1)
			}
		}
		if lost = min(lost, upTo); lost > r.checked {
			r.gap(lost)
		}
		for _, m := range all {
			e, ok := readStored(m)
			if !ok || e.number <= r.cursor || !e.sameNamespace(r.namespace) {
				continue
			}
			if e.number > upTo {
				return nil
			}
			r.entry(e)
		}
		if !more || r.cursor >= upTo {
			return nil
		}
	}
}

// endEvery is the least time between two readings of the end without a new connection.
const endEvery = 5 * time.Second

// checkEnd reads what the stream has and nothing has come of: after a new connection, and
// if it has it already for a while. Usually there is nothing, since the stream has the
// entries of other namespaces too.
func (r *logReader) checkEnd(ctx context.Context, conn int) error {
	snap, read := r.stream.latest.Load(), max(r.checked, r.cursor)
	if snap.epoch != r.epoch || snap == r.seen && r.conn == conn {
		return nil
	}
	missing := r.unread > read && time.Now().After(r.nextEnd)
	r.seen, r.unread = snap, snap.last
	if snap.last <= read || r.conn == conn && !missing {
		return nil
	}
	r.nextEnd = time.Now().Add(endEvery)
	if err := r.read(ctx, snap.last); err != nil {
		r.seen, r.nextEnd = nil, time.Time{}
		return err
	}
	r.checked = max(r.checked, snap.last)
	return nil
}

// entry passes an entry on.
func (r *logReader) entry(e stored) {
	if r.ctx.Err() != nil {
		return
	}
	r.cursor, r.last, r.at = e.number, e.id, e.time
	r.checked = max(r.checked, e.number)
	out := cluster.Entry{Number: e.number, Time: e.time, Data: e.data}
	if token, own := r.own(e.id); own {
		skipped, known := r.tokens.came(token)
		if skipped > 0 {
			r.receiver.Settled(r.namespace, skipped)
		}
		if !known {
			return // it was settled before
		}
		out.Token = token
	}
	r.receiver.Entry(r.namespace, out)
}

// gap reports that entries were removed before they were read.
func (r *logReader) gap(upTo uint64) {
	if upTo <= r.cursor || r.ctx.Err() != nil {
		return
	}
	r.cursor, r.checked, r.last = upTo, max(r.checked, upTo), ""
	r.receiver.Gap(r.namespace, upTo)
	r.settle()
}

// settle tells which entries of this server never come.
func (r *logReader) settle() {
	if r.epoch == "" || r.ctx.Err() != nil {
		return
	}
	var token uint64
	for {
		f := r.tokens.first()
		if f == nil {
			break
		}
		s, number := r.appender.status(f)
		if s != failed && !(s == landed && number <= max(r.cursor, r.checked)) {
			break
		}
		token = f.token
		r.tokens.remove(f)
	}
	if token > 0 {
		r.receiver.Settled(r.namespace, token)
	}
}

// messageID returns the Nats-Msg-Id of an entry.
func (r *logReader) messageID(token uint64) string {
	return r.id + strconv.FormatUint(token, 36)
}

// own is the reverse of messageID. own is false for entries of others.
func (r *logReader) own(id string) (token uint64, own bool) {
	text, ok := strings.CutPrefix(id, r.id)
	if !ok {
		return 0, false
	}
	token, err := strconv.ParseUint(text, 36, 64)
	return token, err == nil
}

// now returns the epoch of the log, or "" before it is open. It may be called from any
// goroutine.
func (r *logReader) now() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shown
}
