// SPDX-License-Identifier: MIT

// This file holds counters, and the reports of messages that were dropped.

package cluster

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Stats counts messages since the node was created.
type Stats struct {
	Published uint64 // messages that the bus has taken
	Failed    uint64 // messages that the bus has not taken, or that were too large
	// Lost counts messages that the bus had taken, and then lost with its connection, that the
	// broker has refused, or that came and found no room. Some of them may have arrived. It is 0
	// if the bus is no LossCounter.
	Lost     uint64
	Received uint64 // messages that were received, except this node's own
	Own      uint64 // this node's own messages that came back
	// Useful counts the received broadcasts that had a member here, and all other kinds
	// of messages that were handled.
	Useful uint64
	// Heartbeats counts the received heartbeats, which are Useful too.
	Heartbeats uint64
	// Repeated counts the received messages that had come before and were ignored.
	Repeated uint64
	// Dropped counts the received messages that were not handled: malformed, too large,
	// of an unknown kind, or over a bound.
	Dropped uint64
	// Gaps counts how often entries of a log were removed before this node had read them.
	// With recovery, the clients of the namespace are disconnected, and not recovered if they
	// have missed something.
	Gaps uint64
}

// A counter counts for Stats.
type counter struct {
	published, failed, received, own, useful, heartbeats, repeated, dropped, gaps atomic.Uint64
}

func (c *counter) stats() Stats {
	return Stats{
		Published: c.published.Load(), Failed: c.failed.Load(), Received: c.received.Load(), Own: c.own.Load(),
		Useful: c.useful.Load(), Heartbeats: c.heartbeats.Load(), Repeated: c.repeated.Load(), Dropped: c.dropped.Load(), Gaps: c.gaps.Load(),
	}
}

// A reporter logs messages that were dropped, at most once in reportEvery for each reason.
type reporter struct {
	log *slog.Logger

	mu   sync.Mutex // guards the field below
	last map[string]*report
}

type report struct {
	at    time.Time
	count uint64 // since the last line
}

const (
	reportEvery = time.Minute
	maxReasons  = 64
)

// dropped counts a message that was dropped for a reason, one of a fixed set, and logs it.
func (r *reporter) dropped(c *counter, reason string, channel Channel, from string) {
	c.dropped.Add(1)
	if count := r.due(reason); count > 0 {
		const most = 64
		r.log.Warn("a message of another node was dropped", "reason", reason, "nsp", channel.Namespace, "from", from[:min(len(from), most)], "count", count)
	}
}

// skipped counts and logs that entries of a log were removed before they were read.
func (r *reporter) skipped(c *counter, space string) {
	c.gaps.Add(1)
	if count := r.due("a log was trimmed"); count > 0 {
		r.log.Warn("entries of the log were removed before this server had read them: let the log keep more, or find out why this server reads slowly", "nsp", space, "count", count)
	}
}

// notSubscribed logs that rooms of a namespace could not be subscribed.
func (r *reporter) notSubscribed(space string, err error) {
	if count := r.due("rooms are not subscribed"); count > 0 {
		r.log.Warn("rooms are not subscribed and are tried again: they get no events of other nodes", "nsp", space, "error", err, "count", count)
	}
}

// due counts an occurrence. It returns 0, or how many must be logged now.
func (r *reporter) due(reason string) (count uint64) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.last[reason]
	if one == nil {
		if len(r.last) >= maxReasons {
			return 0
		}
		one = new(report)
		r.last[reason] = one
	}
	one.count++
	if !one.at.IsZero() && now.Sub(one.at) < reportEvery {
		return 0
	}
	count = one.count
	one.at, one.count = now, 0
	return count
}
