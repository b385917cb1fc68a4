// SPDX-License-Identifier: MIT

// This file sends entries to the stream, and learns what has become of them.

package natsadapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter/cluster"
)

const (
	// mostFlying is the number of entries that are sent before JetStream has answered.
	mostFlying = 1024
	// landsIn is how long an answer is awaited.
	landsIn = 4 * time.Second
	// quietFor is how long no answer may come to a question about entries that were sent, or
	// to some that are sent again. A leader that has gone does not answer; the next one does.
	quietFor = time.Second
	// mostAgain is the number of entries that are sent again before JetStream has answered.
	mostAgain = 256
	// waitsFor is how long an entry waits to be sent while NATS is down.
	waitsFor = 5 * time.Second
	// trustsFor is how long after an entry was sent it can be sent again without being stored
	// twice.
	trustsFor = repeatsWithin - 30*time.Second
	// looksEvery is the time between two looks at what waits.
	looksEvery = landsIn / 4
	// frozen is how late a look must be for the process to have been frozen.
	frozen = time.Second
)

var (
	errLate   = errors.New("natsadapter: JetStream does not confirm what is sent")
	errBefore = errors.New("natsadapter: it is not known yet which of the entries before are stored")
)

// An appender sends entries in order. When the connection is lost, or an answer is late, it
// asks which of those without an answer are stored. JetStream knows by their Nats-Msg-Id.
// One that is missing before one that is stored is lost: a leader that leaves loses some.
// The others are sent again, some at a time, before any new ones. So the entries of one server
// are in the stream in the order of Append. The time in which the process was frozen does not
// count: the answers may have come, and wait to be read.
type appender struct {
	link   *link
	state  *state
	stream *stream
	inbox  string
	most   int // bytes
	ctx    context.Context
	wake   chan struct{}
	lost   atomic.Uint64 // entries that were taken and are not in the stream

	mu      sync.Mutex // guards the fields below
	queue   []*flight  // waiting
	sent    []*flight  // flying, doubted, or ended and not removed yet; in order
	flights map[string]*flight
	number  uint64
	bytes   int
	closed  bool
	looked  time.Time     // the latest look
	epoch   int           // the connection by which the flying were sent
	answer  chan struct{} // a doubted flight was answered
	empty   chan struct{} // closed when nothing is on its way after close
}

func newAppender(s *stream, st *state, most int) *appender {
	return &appender{
		link: s.link, state: st, stream: s, most: most, ctx: s.ctx, wake: make(chan struct{}, 1), looked: time.Now(),
		flights: make(map[string]*flight), answer: make(chan struct{}, 1), empty: make(chan struct{}),
	}
}

// put adds an entry, also to those of its log.
func (a *appender) put(of *tokens, token uint64, m *nats.Msg) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := sizeOf(m)
	switch {
	case a.closed:
		return cluster.ErrClosed
	case a.bytes > 0 && a.bytes+size > a.most:
		return ErrQueueFull
	}
	a.number++
	f := &flight{of: of, token: token, number: strconv.FormatUint(a.number, 36), m: m, since: time.Now()}
	m.Reply = a.inbox + ".a" + f.number
	a.flights[f.number] = f
	a.queue, a.bytes = append(a.queue, f), a.bytes+size
	of.add(f)
	poke(a.wake)
	return nil
}

// run sends entries until ctx ends.
func (a *appender) run() {
	timer := time.NewTimer(landsIn)
	defer timer.Stop()
	for {
		a.thaw()
		a.step()
		timer.Reset(looksEvery)
		select {
		case <-a.wake:
		case <-timer.C:
		case <-a.ctx.Done():
			return
		}
	}
}

// thaw is called for each look. It reports whether the process was frozen before: what waits
// then begins to wait again.
func (a *appender) thaw() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	was := now.Sub(a.looked) > looksEvery+frozen
	a.looked = now
	if !was {
		return false
	}
	for _, all := range [][]*flight{a.sent, a.queue} {
		for _, f := range all {
			f.since = now
		}
	}
	return true
}

// step sends what can be sent.
func (a *appender) step() {
	nc, epoch := a.link.current()
	if epoch == 0 || a.doubt(epoch) && !a.recover() || a.state.err(causeLog) != nil {
		a.giveUp()
		return
	}
	for {
		f := a.next(epoch)
		if f == nil {
			return
		}
		if err := nc.PublishMsg(f.m); err != nil {
			switch {
			case isNetwork(err):
				a.link.end(err)
			case !refusedNow(err):
				a.end(f, failed, 0) // such as one that is too large
				continue
			}
			return // it counts as flying: the next connection finds out
		}
	}
}

// giveUp ends entries that have waited too long.
func (a *appender) giveUp() {
	for {
		a.mu.Lock()
		var f *flight
		if len(a.queue) > 0 && time.Since(a.queue[0].since) > waitsFor {
			f = a.queue[0]
			a.queue = a.queue[1:]
		}
		a.mu.Unlock()
		if f == nil {
			return
		}
		a.end(f, failed, 0)
	}
}

// next returns the next entry to be sent, or nil.
func (a *appender) next(epoch int) *flight {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tidyLocked()
	if len(a.queue) == 0 || len(a.sent) >= mostFlying || len(a.sent) > 0 && a.epoch != epoch {
		return nil
	}
	f := a.queue[0]
	if a.queue = a.queue[1:]; len(a.queue) == 0 {
		a.queue = nil
	}
	a.sent, a.epoch = append(a.sent, f), epoch
	f.state, f.since = flying, time.Now()
	f.sent = f.since
	return f
}

// tidyLocked removes what has ended.
func (a *appender) tidyLocked() {
	n := 0
	for n < len(a.sent) && (a.sent[n].state == landed || a.sent[n].state == failed) {
		n++
	}
	if a.sent = a.sent[n:]; len(a.sent) == 0 {
		a.sent = nil
	}
	if a.closed && len(a.sent)+len(a.queue) == 0 && a.empty != nil {
		close(a.empty)
		a.empty = nil
	}
}

// doubt reports whether it is not known what has become of entries that were sent.
func (a *appender) doubt(epoch int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tidyLocked()
	if len(a.sent) == 0 {
		a.state.set(causeAppends, nil) // late answers may have ended the last doubts
		return false
	}
	first := a.sent[0]
	if first.state == flying && (a.epoch != epoch || time.Since(first.since) > landsIn) {
		for _, f := range a.sent {
			if f.state == flying {
				f.state = doubted
			}
		}
	}
	if first.state != doubted {
		return false
	}
	err := errBefore
	if a.epoch == epoch {
		err = errLate
	}
	a.state.set(causeAppends, down(err))
	return true
}

// condition returns a header with a condition that never holds. JetStream must look whether
// it has an entry before it looks at the condition. Streams with replicas do so for the
// latest number, those without for the latest Nats-Msg-Id.
func (a *appender) condition() (name, never string) {
	if snap := a.stream.latest.Load(); snap != nil && snap.config.Replicas > 1 {
		return jetstream.ExpectedLastSeqHeader, "9223372036854775807"
	}
	return jetstream.ExpectedLastMsgIDHeader, "-"
}

// wrongLast are the errors of JetStream for such a condition.
var wrongLast = []jetstream.ErrorCode{jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant, 10070}

// ask asks which of the doubted entries are stored: each is sent again, without its data and
// with a condition that never holds. JetStream answers with the number of one that it has
// stored, and refuses the others. ask reports false if answers are missing.
func (a *appender) ask() bool {
	a.mu.Lock()
	var asked []*flight
	for _, f := range a.sent {
		if f.state == doubted && time.Since(f.sent) <= trustsFor {
			f.absent = false
			asked = append(asked, f)
		}
	}
	alone := len(a.sent) == 1
	a.mu.Unlock()
	if alone {
		return true // it is sent again in any case
	}
	nc, epoch := a.link.current()
	if epoch == 0 {
		return false
	}
	name, never := a.condition()
	for _, f := range asked {
		header := maps.Clone(f.m.Header)
		header[name] = []string{never}
		if err := nc.PublishMsg(&nats.Msg{Subject: f.m.Subject, Reply: f.m.Reply, Header: header}); err != nil {
			return false
		}
	}
	return a.await(func() bool { return a.told(asked) })
}

// await waits until a condition holds, which answers make true. It reports false if the
// connection was lost, or no answer has come for a while.
func (a *appender) await(holds func() bool) bool {
	ctx, end := a.link.asking(a.ctx)
	defer end()
	quiet := time.NewTimer(quietFor)
	defer quiet.Stop()
	for !holds() {
		select {
		case <-a.answer:
			a.thaw()
			quiet.Reset(quietFor)
		case <-quiet.C:
			if !a.thaw() {
				return holds()
			}
			quiet.Reset(quietFor)
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// told reports whether it is known of all entries whether they are stored.
func (a *appender) told(asked []*flight) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !slices.ContainsFunc(asked, func(f *flight) bool { return f.state == doubted && !f.absent })
}

// dropOvertaken ends the entries that are missing before one that is stored.
func (a *appender) dropOvertaken() {
	a.mu.Lock()
	var lost, missing []*flight
	for _, f := range a.sent {
		switch {
		case f.state == landed:
			lost, missing = append(lost, missing...), nil
		case f.state == doubted && f.absent:
			missing = append(missing, f)
		}
	}
	a.mu.Unlock()
	for _, f := range lost {
		a.end(f, failed, 0)
	}
}

// recover finds out what has become of the doubted entries. It reports false if the
// connection was lost meanwhile.
func (a *appender) recover() bool {
	if !a.ask() {
		return false
	}
	a.dropOvertaken()
	for {
		some := a.doubted()
		switch {
		case len(some) == 0:
			a.state.set(causeAppends, nil)
			return true
		case time.Since(some[0].sent) > trustsFor:
			if !a.tooOld(some[0]) {
				return false
			}
		case !a.again(some):
			return false
		}
	}
}

// doubted returns the next doubted entries: one that can't be sent again, or some that can.
func (a *appender) doubted() (some []*flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tidyLocked()
	for _, f := range a.sent {
		old := time.Since(f.sent) > trustsFor
		if f.state != doubted || len(some) == mostAgain || old && len(some) > 0 {
			break
		}
		if some = append(some, f); old {
			break
		}
	}
	return some
}

// tooOld ends an entry that could be stored twice if it were sent again. If it is not found
// below the end, it is not stored.
func (a *appender) tooOld(f *flight) bool {
	ctx, cancel := context.WithTimeout(a.ctx, landsIn)
	defer cancel()
	snap, err := a.stream.look(ctx)
	if err == nil {
		a.end(f, landed, snap.last)
	}
	return err == nil
}

// again sends doubted entries again, and waits for the answers. If one of them is refused for
// now and a later one is stored, the next recover finds that it was overtaken.
func (a *appender) again(some []*flight) bool {
	nc, epoch := a.link.current()
	if epoch == 0 {
		return false
	}
	for _, f := range some {
		if err := nc.PublishMsg(f.m); err != nil {
			return false
		}
	}
	return a.await(func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return !slices.ContainsFunc(some, func(f *flight) bool { return f.state == doubted })
	})
}

// answered takes an answer of JetStream.
func (a *appender) answered(number string, m *nats.Msg) {
	a.mu.Lock()
	f := a.flights[number]
	a.mu.Unlock()
	if f == nil {
		return
	}
	var ack struct {
		Error  *jetstream.APIError `json:"error"`
		Number uint64              `json:"seq"`
	}
	err := json.Unmarshal(m.Data, &ack)
	switch {
	case m.Header.Get("Status") == "503":
		err = nats.ErrNoResponders
	case err == nil && ack.Error != nil:
		err = ack.Error
	case err == nil && ack.Number == 0:
		err = errors.New("natsadapter: an answer without a number")
	}
	if err == nil {
		a.end(f, landed, ack.Number)
		return
	}
	var refused *jetstream.APIError
	final := errors.As(err, &refused) && refused.Code == 400
	a.mu.Lock()
	doubts := f.state == doubted
	absent := final && slices.Contains(wrongLast, refused.ErrorCode)
	f.absent = f.absent || absent
	a.mu.Unlock()
	if absent {
		poke(a.answer)
		return
	}
	if doubts && !final {
		return // it is sent again later
	}
	a.end(f, failed, 0)
	if !final {
		a.state.set(causeLog, down(fmt.Errorf("the stream %s: %w", a.stream.name, err))) // until the next look
		poke(a.stream.asked)
	}
}

// end records what has become of an entry.
func (a *appender) end(f *flight, s flightState, number uint64) {
	a.mu.Lock()
	if a.flights[f.number] != f {
		a.mu.Unlock()
		return
	}
	delete(a.flights, f.number)
	if f.state, f.stored = s, number; s == failed {
		a.lost.Add(1)
	}
	a.bytes -= sizeOf(f.m)
	a.tidyLocked()
	a.mu.Unlock()
	poke(a.answer)
	poke(a.wake)
	poke(f.of.wake)
}

// close refuses further entries and waits until those before have landed.
func (a *appender) close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	empty := a.empty
	a.tidyLocked()
	a.mu.Unlock()
	if empty == nil {
		return nil
	}
	poke(a.wake)
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lose records that an entry was stored beyond the end of a stream, which was lost.
func (a *appender) lose(f *flight, end uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.state == landed && f.stored > end {
		f.state = failed
		a.lost.Add(1)
	}
}

// status returns what has become of an entry.
func (a *appender) status(f *flight) (s flightState, number uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return f.state, f.stored
}
