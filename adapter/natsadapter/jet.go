// SPDX-License-Identifier: MIT

// This file holds the bus with a log.

package natsadapter

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// A jet is the cluster.LogBus of one server.
type jet struct {
	*bus
	id       string // of this server, in the ids of its entries
	stream   *stream
	appender *appender
	sessions *sessions
	receiver cluster.LogReceiver // constant after Open
	reads    chan struct{}       // one token for each Read at work
	opened   atomic.Uint64       // number of readers

	mu      sync.Mutex // guards the fields below
	readers map[string]*logReader
	closed  bool
}

var (
	_ cluster.LogBus      = (*jet)(nil)
	_ cluster.LossCounter = (*jet)(nil)
)

const (
	// lookEvery is the time between two looks at the stream.
	lookEvery = 2 * time.Second
	// looksAgain is that after one that has failed.
	looksAgain = 300 * time.Millisecond
	// mostReads is the maximum number of calls of Read that ask NATS at once.
	mostReads = 16
)

func newJet(urls string, o *Options) *jet {
	b := newBus(urls, o)
	j := &jet{bus: b, id: rand.Text()[:16], reads: make(chan struct{}, mostReads), readers: make(map[string]*logReader)}
	b.log = j
	j.stream = &stream{name: o.Prefix + "_log", subjects: b.subjects, options: &o.Log, link: b.link, ctx: b.ctx}
	j.stream.init()
	kept := newBucket(o.Prefix+"_sessions", &o.Log, j.stream)
	j.sessions = &sessions{bucket: kept, expiry: expiry{bucket: kept}}
	j.appender = newAppender(j.stream, b.state, o.MaxQueue)
	b.state.errs[causeLog] = down(errFirst)
	return j
}

// connected implements logTaker.
func (j *jet) connected() {
	poke(j.stream.asked)
	poke(j.appender.wake)
}

// answered implements logTaker.
func (j *jet) answered(number string, m *nats.Msg) { j.appender.answered(number, m) }

// Open implements cluster.Bus.
func (j *jet) Open(r cluster.Receiver) error {
	j.receiver, _ = r.(cluster.LogReceiver) // otherwise it opens no logs
	if err := j.bus.Open(r); err != nil {
		return err
	}
	j.appender.inbox = j.subs.inbox
	j.work.Go(j.run)
	j.work.Go(j.appender.run)
	return nil
}

// Close implements cluster.Bus.
func (j *jet) Close(ctx context.Context) error {
	var err error
	if j.appender.inbox != "" {
		err = j.appender.close(ctx)
	}
	j.mu.Lock()
	all := j.readers
	j.readers, j.closed = nil, true
	j.mu.Unlock()
	for _, r := range all {
		r.cancel()
	}
	return errors.Join(err, j.bus.Close(ctx))
}

// run looks at the stream from time to time, and makes it.
func (j *jet) run() {
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	for {
		wait := lookEvery
		if j.link.wait(j.ctx) == nil {
			return
		}
		if err := j.look(); err != nil {
			j.state.set(causeLog, down(err))
			wait = looksAgain
			for _, r := range j.all() {
				r.free()
			}
		} else {
			j.state.set(causeLog, nil)
			poke(j.appender.wake)
			j.wakeAll()
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-j.stream.asked:
		case <-j.ctx.Done():
			return
		}
	}
}

// look looks at the stream, and again if the process was frozen before the answer was read.
func (j *jet) look() error {
	began := time.Now()
	_, err := j.stream.look(j.ctx)
	if err != nil && time.Since(began) > asksFor+frozen {
		_, err = j.stream.look(j.ctx)
	}
	return err
}

func (j *jet) wakeAll() {
	for _, r := range j.all() {
		poke(r.wake)
	}
}

// all returns the readers.
func (j *jet) all() (all []*logReader) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.readers {
		all = append(all, r)
	}
	return all
}

// Subscribe implements cluster.Bus. A namespace is subscribed when its log is open, too:
// other servers know then that this one gets what they append. If JetStream does not work,
// it does not wait for that.
func (j *jet) Subscribe(channels []cluster.Channel, done func(error)) {
	var r *logReader
	for _, c := range channels {
		if c.Class == cluster.ClassRequests {
			r = j.reader(c.Namespace)
		}
	}
	if r == nil {
		j.bus.Subscribe(channels, done)
		return
	}
	j.bus.Subscribe(channels, func(err error) {
		if err != nil || j.state.err(causeLog) != nil && !errors.Is(j.state.err(causeLog), errFirst) {
			done(err)
			return
		}
		r.afterwards(func() { done(nil) })
	})
}

// heard implements logTaker.
func (j *jet) heard(namespace string, m *nats.Msg) {
	if r := j.reader(namespace); r != nil {
		r.heard(m)
	}
}

func (j *jet) reader(namespace string) *logReader {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.readers[namespace]
}

// OpenLog implements cluster.LogBus.
func (j *jet) OpenLog(namespace string) {
	r := newLogReader(j.bus, j.stream, j.appender, j.receiver, namespace, j.id+"-"+strconv.FormatUint(j.opened.Add(1), 36))
	j.mu.Lock()
	if j.closed || j.readers[namespace] != nil {
		j.mu.Unlock()
		r.cancel()
		return
	}
	j.readers[namespace] = r
	j.mu.Unlock()
	j.work.Go(r.run) // ends with CloseLog or Close
	r.subscribe()
}

// CloseLog implements cluster.LogBus.
func (j *jet) CloseLog(namespace string) {
	j.mu.Lock()
	r := j.readers[namespace]
	delete(j.readers, namespace)
	j.mu.Unlock()
	if r == nil {
		return
	}
	r.cancel() // without waiting: the reader itself may have called
	j.Unsubscribe([]cluster.Channel{{Class: cluster.ClassLog, Namespace: namespace}})
}

// Append implements cluster.LogBus.
func (j *jet) Append(namespace string, token uint64, data []byte) error {
	for _, c := range []cause{causeConnection, causeLog, causeAppends} {
		if err := j.state.err(c); err != nil && !errors.Is(err, errFirst) { // at the beginning it waits
			return err
		}
	}
	r := j.reader(namespace)
	if r == nil {
		return cluster.ErrClosed
	}
	subject, exact := j.subjects.logSubject(namespace)
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		jetstream.MsgIDHeader:          {r.messageID(token)},
		jetstream.ExpectedStreamHeader: {j.stream.name},
	}}
	if !exact {
		m.Header[headerChannel] = []string{fullName(cluster.Channel{Namespace: namespace})}
	}
	if err := j.link.fits(m); err != nil {
		return err
	}
	return j.appender.put(&r.tokens, token, m)
}

// Lost implements cluster.LossCounter.
func (j *jet) Lost() uint64 { return j.bus.Lost() + j.appender.lost.Load() }

// Position implements cluster.LogBus: the epoch, a dot and the number.
func (j *jet) Position(namespace string, number uint64) string {
	return j.epoch(namespace) + "." + strconv.FormatUint(number, 10)
}

// Number implements cluster.LogBus.
func (j *jet) Number(namespace, position string) (number uint64, ok bool) {
	_, digits, _ := strings.Cut(position, ".")
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && j.Position(namespace, number) == position
}

// epoch returns the epoch of the log of a namespace, or that of the stream.
func (j *jet) epoch(namespace string) string {
	if r := j.reader(namespace); r != nil {
		if epoch := r.now(); epoch != "" {
			return epoch
		}
	}
	if snap := j.stream.latest.Load(); snap != nil {
		return snap.epoch
	}
	return "none"
}

// Read implements cluster.LogBus.
func (j *jet) Read(ctx context.Context, namespace string, after, upTo uint64) iter.Seq2[cluster.Entry, error] {
	return func(yield func(cluster.Entry, error) bool) {
		if upTo <= after {
			return
		}
		select {
		case j.reads <- struct{}{}:
			defer func() { <-j.reads }()
		case <-ctx.Done():
			yield(cluster.Entry{}, ctx.Err())
			return
		case <-j.ctx.Done():
			yield(cluster.Entry{}, cluster.ErrClosed)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(j.ctx, cancel)()
		stopped, err := j.readRange(ctx, namespace, after, upTo, yield)
		if err != nil && !stopped {
			yield(cluster.Entry{}, err)
		}
	}
}

// readRange reads the entries of a range. It reports whether yield has stopped it.
func (j *jet) readRange(ctx context.Context, namespace string, after, upTo uint64, yield func(cluster.Entry, error) bool) (stopped bool, err error) {
	subject, _ := j.subjects.logSubject(namespace)
	last := after
	give := func(m *nats.Msg) (done bool) {
		e, ok := readStored(m)
		switch {
		case !ok || e.number <= last || !e.sameNamespace(namespace):
			return false
		case e.number > upTo:
			return true
		}
		last = e.number
		stopped = !yield(cluster.Entry{Number: e.number, Time: e.time, Data: e.data}, nil)
		return stopped || last == upTo
	}
	whole := ctx
	ctx, end := j.link.asking(ctx)
	defer end()
	for done := false; !done; {
		nc, epoch := j.link.current()
		if epoch == 0 {
			return false, down(errFirst)
		}
		all, more, err := batch(ctx, nc, j.stream.api(), j.stream.name, subject, last+1)
		if err != nil {
			return false, err
		}
		for _, m := range all {
			if done = done || give(m); stopped {
				return true, nil
			}
		}
		if done || more {
			continue
		}
		// The server that has answered may lag behind: the leader knows whether that is all.
		m, ok, err := next(ctx, nc, j.stream.api(), j.stream.name, &request{Seq: last + 1, Next: subject})
		if err != nil {
			return false, err
		}
		if done = !ok || give(m); stopped {
			return true, nil
		}
	}
	snap, err := j.stream.look(whole)
	if err == nil && (snap.first > after+1 || snap.epoch != j.epoch(namespace)) {
		err = adapter.ErrTrimmed
	}
	return false, err
}

// Sessions implements cluster.LogBus.
func (j *jet) Sessions() cluster.Sessions { return j.sessions }
