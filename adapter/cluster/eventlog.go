// SPDX-License-Identifier: MIT

// This file holds the log of a namespace on this node: what is appended to it, and how far
// it was read.

package cluster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// An eventLog is the log of a namespace on this node. With recovery, a server follows it.
type eventLog struct {
	core     logCore
	bus      LogBus
	nsp      string
	node     string            // adapter.Node.ID
	foreign  entryHandler      // set before the log is opened, as follower
	follower adapter.LogReader // nil without recovery
	reads    *sharedReads

	mu      sync.Mutex // guards the fields below; held while the bus takes an entry
	epoch   string     // "" before the log was opened
	last    uint64     // the log was read up to it
	token   uint64     // of the latest entry that the bus has taken
	came    uint64     // up to this token, entries have come back or never will
	changed chan struct{}
	held    heldMessages
	closed  bool
}

// A logCore is what the logs of a node share.
type logCore interface {
	encode(c Channel, m *nodewire.Message) ([]byte, error)
	decode(c Channel, data []byte) (m *nodewire.Message, reason string)
	drop(reason string, c Channel, from string)
	// skipped counts entries of a log that can't be read.
	skipped(namespace string)
	// nextToken returns a greater token than before.
	nextToken() uint64
	// published counts an entry.
	published(err error)
	// over is closed when the node ends.
	over() <-chan struct{}
	degraded() bool
}

// An entryHandler handles the entries of other nodes.
type entryHandler interface {
	entry(l *eventLog, e *Entry, m *nodewire.Message, b *adapter.Batch)
}

var _ adapter.SharedLog = (*eventLog)(nil)

// errNoShare is returned by eventLog.Append.
var errNoShare = errors.New("cluster: events get into a shared log by Share")

// errLogClosed is returned when the namespace has ended.
var errLogClosed = fmt.Errorf("%w: %w", ErrClosed, adapter.ErrStoreClosed)

// errNoLog is returned by logOf.
var errNoLog = errors.New("cluster: the bus has no logs")

// append adds a message to the log. queued, if not nil, is called before with the token.
func (l *eventLog) append(m *nodewire.Message, queued func(token uint64)) error {
	data, err := l.core.encode(Channel{Class: ClassLog, Namespace: l.nsp}, m)
	if err == nil {
		err = l.put(data, queued)
	}
	l.core.published(err)
	return err
}

func (l *eventLog) put(data []byte, queued func(token uint64)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errLogClosed
	}
	token := l.core.nextToken()
	if queued != nil {
		queued(token)
	}
	if err := l.bus.Append(l.nsp, token, data); err != nil {
		return err
	}
	l.token = token
	return nil
}

// opened is called when the bus has found the end of the log.
func (l *eventLog) opened(epoch string, last uint64) {
	l.mu.Lock()
	l.epoch, l.last = epoch, last
	l.wakeLocked()
	l.mu.Unlock()
	if l.follower != nil {
		l.follower.Opened(epoch, last)
	}
}

// own handles an entry of this node. It needs no decoding.
func (l *eventLog) own(token, number uint64) {
	l.mu.Lock() // put has returned
	follower := l.follower
	l.mu.Unlock()
	if follower != nil {
		follower.Own(token, number)
	}
	l.read(number, token)
}

// read records that the log was read up to a number, and that entries of this node up to a
// token have come.
func (l *eventLog) read(number, token uint64) {
	l.mu.Lock()
	l.last, l.came = max(l.last, number), max(l.came, token)
	l.wakeLocked()
	due := l.held.upTo(l.last)
	l.mu.Unlock()
	for _, handle := range due {
		handle()
	}
}

func (l *eventLog) settled(token uint64) {
	if l.follower != nil {
		l.follower.Settled(token)
	}
	l.read(0, token)
}

// gap is called when entries up to a number can't be read.
func (l *eventLog) gap(upTo uint64) {
	l.core.skipped(l.nsp)
	if l.follower != nil {
		l.follower.Gap(upTo)
	}
	l.read(upTo, 0)
}

// wakeLocked wakes those who wait for a change.
func (l *eventLog) wakeLocked() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// wait waits until a condition of the fields holds, for a time at most.
func (l *eventLog) wait(ctx context.Context, most time.Duration, holds func() bool) bool {
	var limit *time.Timer
	for {
		l.mu.Lock()
		if holds() {
			l.mu.Unlock()
			return true
		}
		if l.closed {
			l.mu.Unlock()
			return false
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if limit == nil {
			limit = time.NewTimer(most)
			defer limit.Stop()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		case <-l.core.over():
			return false
		case <-limit.C:
			return false
		}
	}
}

// settle waits until what this node has appended so far has come back: a request that is
// published then does not overtake it, see services.publish. l may be nil.
func (l *eventLog) settle(ctx context.Context) {
	if l == nil || l.core.degraded() {
		return
	}
	l.mu.Lock()
	token := l.token
	l.mu.Unlock()
	l.wait(ctx, logWait, func() bool { return l.came >= token })
}

// waitOpened waits until this node gets what others append from now on. It returns false if
// timeout has passed before. l may be nil.
func (l *eventLog) waitOpened(ctx context.Context, timeout time.Duration) bool {
	return l == nil || l.wait(ctx, timeout, func() bool { return l.epoch != "" || l.closed })
}

// close ends the log on this node.
func (l *eventLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.held.stop()
	l.wakeLocked()
}

// Follow implements adapter.SharedLog.
func (l *eventLog) Follow(r adapter.LogReader) { l.follower = r }

// Share implements adapter.SharedLog.
func (l *eventLog) Share(e *adapter.KeptEvent, queued func(token uint64)) error {
	m := &nodewire.Message{Kind: nodewire.KindBroadcast, Event: e.Event, Target: e.Target, Flags: e.Flags, Socket: e.Socket}
	if e.Socket != "" {
		m.Target = adapter.Target{Rooms: []string{e.Socket}}
	}
	if m.Event.Origin == l.node {
		m.Event.Origin = "" // the nodes know it
	}
	return l.append(m, queued)
}

// keptEvent is the reverse of Share.
func keptEvent(e *Entry, m *nodewire.Message) *adapter.KeptEvent {
	k := &adapter.KeptEvent{Number: e.Number, Time: e.Time, Event: m.Event, Target: m.Target, Flags: m.Flags, Socket: m.Socket}
	k.Event.Position = ""
	if k.Socket != "" {
		k.Target = adapter.Target{}
	}
	return k
}

// CatchUp implements adapter.SharedLog.
func (l *eventLog) CatchUp(ctx context.Context, number uint64) error {
	if l.wait(ctx, catchUpWait, func() bool { return l.epoch != "" && l.last >= number }) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return adapter.ErrBehind
}

// Position implements adapter.SharedLog.
func (l *eventLog) Position(number uint64) string { return l.bus.Position(l.nsp, number) }

// Number implements adapter.SharedLog.
func (l *eventLog) Number(position string) (number uint64, ok bool) {
	return l.bus.Number(l.nsp, position)
}

// Epoch implements adapter.Log.
func (l *eventLog) Epoch() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch
}

// Last implements adapter.Log.
func (l *eventLog) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Append implements adapter.Log.
func (l *eventLog) Append(*adapter.Record) error { return errNoShare }

// Since implements adapter.Log. Volatile events and those with acknowledgements are left
// out.
func (l *eventLog) Since(ctx context.Context, after, upTo uint64) iter.Seq2[adapter.KeptEvent, error] {
	return func(yield func(adapter.KeptEvent, error) bool) {
		for r, err := range l.reads.read(ctx, after, upTo) {
			switch {
			case err != nil:
			case r.event != nil:
				if yield(*r.event, nil) {
					continue
				}
				return
			case r.after >= after:
				err = adapter.ErrLost
			default:
				continue
			}
			yield(adapter.KeptEvent{}, err)
			return
		}
	}
}

// records ranges over what clients may have missed, after one number up to another.
func (l *eventLog) records(ctx context.Context, after, upTo uint64) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		for e, err := range l.bus.Read(ctx, l.nsp, after, upTo) {
			if err != nil {
				yield(record{}, err)
				return
			}
			m, reason := l.core.decode(Channel{Class: ClassLog, Namespace: l.nsp}, e.Data)
			r := record{number: e.Number}
			switch {
			case reason != "" || m.Namespace != "" && m.Namespace != l.nsp:
				continue // it was reported when it came
			case m.Kind == nodewire.KindLost:
				r.after = m.After
			case m.Kind != nodewire.KindBroadcast || m.Ask || m.Flags.Volatile || m.Event.Version > adapter.Version:
				continue
			default:
				r.event = keptEvent(&e, m)
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// MarkLost implements adapter.Log: all nodes learn of it.
func (l *eventLog) MarkLost(after uint64) error {
	return l.append(&nodewire.Message{Kind: nodewire.KindLost, After: after}, nil)
}

// Lost implements adapter.Log. What was lost before this node has opened the log is found
// by Since.
func (l *eventLog) Lost() (after uint64, ok bool) { return 0, false }

// Close implements adapter.Log. The space has ended before.
func (l *eventLog) Close() error {
	l.close()
	return nil
}

// passed tells who follows the log that an entry is no event.
func (l *eventLog) passed(number uint64) {
	if l.follower != nil {
		l.follower.Passed(number)
	}
}

// hold keeps a message that has overtaken entries of the log, up to the one with the number
// after. It reports false if the message is to be handled now. l may be nil.
func (l *eventLog) hold(after uint64, handle func()) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return after > l.last && l.epoch != "" && !l.closed && l.held.add(after, handle, l.releaseOld)
}

// releaseOld handles the messages that have waited for too long.
func (l *eventLog) releaseOld() {
	l.mu.Lock()
	due := l.held.old()
	l.mu.Unlock()
	for _, handle := range due {
		handle()
	}
}
