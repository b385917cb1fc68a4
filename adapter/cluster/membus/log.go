// SPDX-License-Identifier: MIT

// This file holds the logs of namespaces, and their faults.

package membus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// ErrFull is returned by Append if too many appends are under way; see
// Network.BoundAppends.
var ErrFull = errors.New("membus: too many appends are under way")

// A logged is an entry of a log and the append that has made it.
type logged struct {
	cluster.Entry // without Token
	from          *Node
	token         uint64
}

// An eventLog is the log of a namespace, at the broker. Its numbers are those of Redis:
// milliseconds and a counter.
type eventLog struct {
	epoch   string
	entries []logged
	last    uint64           // number of the latest entry
	trimmed uint64           // number of the latest entry that was removed
	settled map[*Node]uint64 // tokens of entries that were removed
}

// counterBits are those of a number that count within a millisecond.
const counterBits = 20

// A reading is how far a node has read a log. Another takes its place when the log is
// opened again, or replaced.
type reading struct {
	opened bool
	put    uint64    // the latest entry that is in the inbox
	handed uint64    // the latest entry that the receiver was given
	began  uint64    // the end of the log when OpenLog was called
	settle uint64    // the token of the latest append that was lost before the opening
	due    time.Time // of the latest item
}

// A flight is an append on its way to the broker.
type flight struct {
	namespace string
	token     uint64
	data      []byte
	due       time.Time
}

// WithLog is a Node that is a cluster.LogBus. The broker that has the logs is reached by
// the nodes of the first island of a Partition; the others wait until they reach it. Logs
// lose nothing by Lose, and have nothing twice by Duplicate.
type WithLog struct{ *Node }

// OpenLog implements cluster.LogBus.
func (n WithLog) OpenLog(namespace string) {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.gone {
		return
	}
	r := &reading{began: w.logLocked(namespace).last}
	n.log.readings[namespace] = r
	if n.broken == nil && !w.stalledLocked(n.Node) {
		w.openLocked(n.Node, namespace, r)
	}
}

// openLocked finds the end of a log for a node.
func (w *Network) openLocked(n *Node, namespace string, r *reading) {
	w.putCallLocked(n, r, w.confirm, func() {
		w.mu.Lock()
		if n.gone || n.log.readings[namespace] != r || r.opened || n.broken != nil || w.stalledLocked(n) {
			w.mu.Unlock()
			return // Mend, or the end of a partition, tries again
		}
		l := w.logLocked(namespace)
		epoch, last, token := l.epoch, l.last, max(r.settle, l.settled[n])
		for _, e := range l.entries {
			if e.from == n && e.Number > r.began { // it comes
				last = e.Number - 1
				break
			}
		}
		r.opened, r.put, r.handed = true, last, last
		w.mu.Unlock()
		n.logReceiver().LogOpened(namespace, epoch, last)
		if token > 0 {
			n.logReceiver().Settled(namespace, token)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if n.log.readings[namespace] == r {
			w.syncLocked(n, namespace)
		}
	})
}

// CloseLog implements cluster.LogBus.
func (n WithLog) CloseLog(namespace string) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	delete(n.log.readings, namespace)
}

// Append implements cluster.LogBus. While the node is paused, it waits.
func (n WithLog) Append(namespace string, token uint64, data []byte) error {
	if !n.awake() {
		return ErrKilled
	}
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case n.gone:
		return ErrKilled
	case n.broken != nil:
		return n.broken
	case w.appends > 0 && len(n.log.flights) >= w.appends:
		return ErrFull
	}
	delay := w.logDelayLocked(n.Node)
	due := time.Now().Add(delay)
	if len(n.log.flights) > 0 && due.Before(n.log.flights[len(n.log.flights)-1].due) {
		due = n.log.flights[len(n.log.flights)-1].due
	}
	n.log.tokens[namespace] = token
	n.log.flights = append(n.log.flights, flight{namespace, token, data, due})
	if delay == 0 && len(n.log.flights) == 1 {
		w.landLocked(n.Node)
		return nil
	}
	time.AfterFunc(time.Until(due), func() { // it ends by itself
		w.mu.Lock()
		defer w.mu.Unlock()
		w.landLocked(n.Node)
	})
	return nil
}

// landLocked adds the appends of a node that have arrived to their logs.
func (w *Network) landLocked(n *Node) {
	for len(n.log.flights) > 0 && !n.log.flights[0].due.After(time.Now()) && !w.stalledLocked(n) {
		f := n.log.flights[0]
		n.log.flights = n.log.flights[1:]
		w.arriveLocked(n, f)
	}
}

func (w *Network) arriveLocked(n *Node, f flight) {
	l, now := w.logLocked(f.namespace), time.Now()
	l.last = max(l.last+1, uint64(now.UnixMilli())<<counterBits)
	l.entries = append(l.entries, logged{cluster.Entry{Number: l.last, Time: now, Data: f.data}, n, f.token})
	for _, to := range w.nodes {
		w.syncLocked(to, f.namespace)
	}
}

// syncLocked puts what a node has not read yet into its inbox.
func (w *Network) syncLocked(n *Node, namespace string) {
	r, l := n.log.readings[namespace], w.logLocked(namespace)
	if r == nil || !r.opened || n.broken != nil || w.stalledLocked(n) {
		return
	}
	hand := func(number uint64, do func(to cluster.LogReceiver)) {
		w.putEntryLocked(n, r, func() {
			w.mu.Lock()
			old := n.gone || n.log.readings[namespace] != r || number <= r.handed
			r.handed = max(r.handed, number)
			w.mu.Unlock()
			if !old {
				do(n.logReceiver())
			}
		})
	}
	if r.put < l.trimmed {
		trimmed, token := l.trimmed, l.settled[n]
		hand(trimmed, func(to cluster.LogReceiver) {
			to.Gap(namespace, trimmed)
			if token > 0 {
				to.Settled(namespace, token)
			}
		})
		r.put = trimmed
	}
	for _, e := range l.entries {
		if e.Number <= r.put {
			continue
		}
		entry := e.Entry
		if e.from == n {
			entry.Token = e.token
		}
		hand(e.Number, func(to cluster.LogReceiver) { to.Entry(namespace, entry) })
		r.put = e.Number
	}
}

// putEntryLocked puts an item into the inbox that comes after those of the same log. It is
// lost if the connection breaks.
func (w *Network) putEntryLocked(n *Node, r *reading, call func()) {
	r.due = later(r.due, time.Now().Add(w.logDelayLocked(n)+n.log.lag))
	n.inbox.put(item{due: r.due, call: call, entry: true})
}

// putCallLocked is putEntryLocked for what is not lost.
func (w *Network) putCallLocked(n *Node, r *reading, delay time.Duration, call func()) {
	r.due = later(r.due, time.Now().Add(delay))
	n.inbox.put(item{due: r.due, call: call})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// breakLogsLocked loses what is on the way from and to a node, except the first arrive of
// its appends.
func (w *Network) breakLogsLocked(n *Node, arrive int) {
	flights := n.log.flights
	n.log.flights = nil
	for i, f := range flights {
		if i < arrive {
			w.arriveLocked(n, f)
		}
	}
	for _, r := range n.log.readings {
		r.put = r.handed
	}
}

// mendLogsLocked makes a node read on.
func (w *Network) mendLogsLocked(n *Node) {
	for namespace, r := range n.log.readings {
		if !r.opened {
			w.openLocked(n, namespace, r)
			continue
		}
		w.syncLocked(n, namespace)
		if token := n.log.tokens[namespace]; token > 0 {
			w.settleLocked(n, namespace, r, token)
		}
	}
}

func (w *Network) settleLocked(n *Node, namespace string, r *reading, token uint64) {
	w.putCallLocked(n, r, 0, func() {
		w.mu.Lock()
		old := n.gone || n.log.readings[namespace] != r
		w.mu.Unlock()
		if !old {
			n.logReceiver().Settled(namespace, token)
		}
	})
}

// stalledLocked reports whether a partition keeps a node from the broker.
func (w *Network) stalledLocked(n *Node) bool { return w.divided && n.island != 1 }

// resumeLogsLocked makes all nodes go on after the end of a partition.
func (w *Network) resumeLogsLocked() {
	for _, n := range w.nodes {
		w.landLocked(n)
		for namespace, r := range n.log.readings {
			if !r.opened && n.broken == nil {
				w.openLocked(n, namespace, r)
			}
			w.syncLocked(n, namespace)
		}
	}
}

func (n *Node) logReceiver() cluster.LogReceiver { return n.receiver.(cluster.LogReceiver) }

func (w *Network) logLocked(namespace string) *eventLog {
	l := w.logs[namespace]
	if l == nil {
		l = &eventLog{epoch: fmt.Sprintf("log-%d", w.replaced), settled: make(map[*Node]uint64)}
		w.logs[namespace] = l
	}
	return l
}

// Read implements cluster.LogBus.
func (n WithLog) Read(ctx context.Context, namespace string, after, upTo uint64) iter.Seq2[cluster.Entry, error] {
	return func(yield func(cluster.Entry, error) bool) {
		entries, err := n.stored(namespace, after, upTo)
		for err == errStalled && ctx.Err() == nil {
			pause := time.NewTimer(10 * time.Millisecond)
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
			pause.Stop()
			entries, err = n.stored(namespace, after, upTo)
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(cluster.Entry{}, err)
			return
		}
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

var errStalled = errors.New("membus: the broker is not reached")

// stored returns entries of a log.
func (n WithLog) stored(namespace string, after, upTo uint64) (entries []cluster.Entry, err error) {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logLocked(namespace)
	switch {
	case n.gone:
		return nil, ErrKilled
	case n.broken != nil:
		return nil, n.broken
	case w.stalledLocked(n.Node):
		return nil, errStalled
	case after < l.trimmed:
		return nil, adapter.ErrTrimmed
	}
	for _, e := range l.entries {
		if e.Number > after && e.Number <= upTo {
			entries = append(entries, e.Entry)
		}
	}
	return entries, nil
}

// Position implements cluster.LogBus.
func (WithLog) Position(_ string, number uint64) string {
	return fmt.Sprintf("%d-%d", number>>counterBits, number&(1<<counterBits-1))
}

// Number implements cluster.LogBus.
func (n WithLog) Number(namespace, position string) (number uint64, ok bool) {
	ms, counter, _ := strings.Cut(position, "-")
	high, err := strconv.ParseUint(ms, 10, 64-counterBits)
	low, err2 := strconv.ParseUint(counter, 10, counterBits)
	number = high<<counterBits | low
	return number, err == nil && err2 == nil && n.Position(namespace, number) == position
}

// Trim removes all entries of a log but the latest keep.
func (w *Network) Trim(namespace string, keep int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logLocked(namespace)
	for len(l.entries) > keep {
		e := l.entries[0]
		l.trimmed, l.entries = e.Number, l.entries[1:]
		l.settled[e.from] = e.token
	}
}

// ReplaceLogs makes the broker forget all logs: it was restarted without its data. Appends
// under way are lost.
func (w *Network) ReplaceLogs() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replaced++
	clear(w.logs)
	for _, n := range w.nodes {
		n.log.flights = nil
		for namespace := range n.log.readings {
			r := &reading{settle: n.log.tokens[namespace]}
			n.log.readings[namespace] = r
			if n.broken == nil && !w.stalledLocked(n) {
				w.openLocked(n, namespace, r)
			}
		}
	}
}

// Lag makes entries of logs take so much longer to the node.
func (n *Node) Lag(d time.Duration) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.log.lag = d
}

// BoundAppends sets how many appends of a node may be under way; 0 means any number.
func (w *Network) BoundAppends(most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.appends = most
}
