// SPDX-License-Identifier: MIT

// This file holds the health of the bus.

package cluster

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"socketio/adapter"
)

// A health knows whether the bus works. It notifies of changes without locks, in order.
type health struct {
	received atomic.Int64 // when the latest message was received, in nanoseconds since 1970

	mu      sync.Mutex // guards the fields below
	log     *slog.Logger
	changed func(adapter.Health) // may be nil
	now     adapter.Health
	down    error // of the bus
	deaf    bool
	failing int        // subscriptions that are tried again
	why     error      // of the first of them
	sent    []sentBeat // that have not come back, at most maxSent
	thawed  time.Time  // when the node has last run again after it was frozen
	seq     uint64     // of the latest heartbeat

	news      []change // that nobody was notified of
	notifying bool
}

// A sentBeat is a heartbeat of this node.
type sentBeat struct {
	seq uint64
	at  time.Time
}

const maxSent = 32

// A change is one of which the log and the server are notified.
type change struct {
	health adapter.Health
	lasted time.Duration // of the state before
}

// maxNews bounds the changes that wait while the server handles an earlier one. Those
// above are dropped in pairs, so the last state is always notified.
const maxNews = 16

// open sets who is notified.
func (h *health) open(log *slog.Logger, changed func(adapter.Health)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log, h.changed = log, changed
}

// get returns the current state.
func (h *health) get() adapter.Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// err returns why the cluster is degraded, or nil.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now.Degraded
}

// setDown records that the bus is down, or up again if err is nil.
func (h *health) setDown(err error) {
	h.change(func() {
		h.down = err
		h.sent = nil // heartbeats do not come back while it is down
	})
}

// setFailing records that a subscription fails, or does not any longer.
func (h *health) setFailing(change int, err error) {
	h.change(func() {
		if h.failing += change; err != nil && h.failing == 1 {
			h.why = err
		}
	})
}

// sending records a heartbeat and returns its number.
func (h *health) sending() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	if h.down == nil && len(h.sent) < maxSent {
		h.sent = append(h.sent, sentBeat{h.seq, time.Now()})
	}
	return h.seq
}

// heard records that a heartbeat has come back. It returns when that was sent, or zero if
// that was before the bus was down.
func (h *health) heard(seq uint64) (sent time.Time) {
	h.change(func() {
		for len(h.sent) > 0 && h.sent[0].seq <= seq {
			sent = h.sent[0].at
			h.now.Lag = time.Since(h.sent[0].at)
			h.sent = h.sent[1:]
		}
		h.deaf = false
	})
	return sent
}

// patience is how many times as long a heartbeat may take while other messages arrive: the
// bus is slow then, and a new connection would lose what is on the way.
const patience = 4

// overdue reports whether a heartbeat has not come back in time. If the node was frozen
// until now, its heartbeats get as much time again: they may have come, and wait to be read.
func (h *health) overdue(timeout time.Duration, frozen bool) (yes bool) {
	h.change(func() {
		if frozen {
			h.thawed = time.Now()
		}
		if time.Since(time.Unix(0, h.received.Load())) < timeout {
			timeout *= patience
		}
		since := h.thawed
		if len(h.sent) > 0 && h.sent[0].at.After(since) {
			since = h.sent[0].at
		}
		if yes = len(h.sent) > 0 && time.Since(since) >= timeout; yes {
			h.deaf = true
			h.sent = []sentBeat{{h.seq, time.Now()}} // the next report is after another timeout
		}
	})
	return yes
}

// change changes the state, and notifies if the cluster has become degraded, or works
// again.
func (h *health) change(fn func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fn()
	var cause error
	switch {
	case h.down != nil:
		cause = h.down
	case h.failing > 0:
		cause = h.why
	case h.deaf:
		cause = errDeaf
	}
	same := (cause == nil) == (h.now.Degraded == nil)
	h.now.Degraded = cause
	if same {
		return
	}
	before := h.now.Since
	h.now.Since = time.Now()
	h.news = append(h.news, change{h.now, h.now.Since.Sub(before)})
	if len(h.news) > maxNews {
		h.news = append(h.news[:maxNews-2], h.news[maxNews])
	}
	if h.notifying {
		return
	}
	h.notifying = true
	for len(h.news) > 0 {
		next := h.news[0]
		h.news = h.news[1:]
		h.mu.Unlock()
		h.notify(next)
		h.mu.Lock()
	}
	h.notifying = false
}

func (h *health) notify(c change) {
	if err := c.health.Degraded; err != nil {
		h.log.Warn("the cluster is degraded: other nodes do not get this node's events, or this node does not get theirs", "error", err)
	} else {
		h.log.Info("the cluster works again", "lasted", c.lasted)
	}
	if h.changed != nil {
		h.changed(c.health)
	}
}
