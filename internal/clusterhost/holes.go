// SPDX-License-Identifier: MIT

// This file says which events a host lacks, and why.

package clusterhost

import (
	"slices"
	"strings"
	"time"

	"socketio/adapter"
)

// A Hole is events of one stream of one host that another has not received, between two that
// it has received.
type Hole struct {
	From, Stream  string
	After, Before int       // the numbers of the two
	Since, Until  time.Time // when the two were received
	Lacking       int       // how many between them Emit has taken
}

// An outage is a time in which a host was degraded.
type outage struct {
	why          error
	since, until time.Time // until is zero while it lasts
}

// changed records the health of a host.
func (h *Host) changed(now adapter.Health) {
	h.outageMu.Lock()
	defer h.outageMu.Unlock()
	if n := len(h.outages); n > 0 && h.outages[n-1].until.IsZero() {
		h.outages[n-1].until = now.Since
	}
	if now.Degraded != nil {
		h.outages = append(h.outages, outage{why: now.Degraded, since: now.Since})
	}
}

// Degraded reports whether the host was degraded, for a reason that why accepts, at some time
// between the two events of a hole.
func (h *Host) Degraded(gap Hole, why func(error) bool) bool {
	h.outageMu.Lock()
	defer h.outageMu.Unlock()
	return slices.ContainsFunc(h.outages, func(o outage) bool {
		return !gap.Until.Before(o.since) && (o.until.IsZero() || !gap.Since.After(o.until)) && why(o.why)
	})
}

// Holes returns the holes in what the host has received from hosts that have events for
// which Emit has returned nil, and how many events it lacks for which Emit has returned an
// error.
func (h *Host) Holes(hosts []*Host) (holes []Hole, refused int) {
	h.mu.Lock()
	all := slices.Clone(h.holes)
	h.mu.Unlock()
	for _, gap := range all {
		i := slices.IndexFunc(hosts, func(from *Host) bool { return from.Name == gap.From })
		lacks := gap.Before - gap.After - 1
		if i >= 0 {
			n := hosts[i].refusedBetween(gap.Stream, gap.After, gap.Before)
			refused += n
			lacks -= n
		}
		if gap.Lacking = lacks; lacks > 0 {
			holes = append(holes, gap)
		}
	}
	return holes, refused
}

// refusedBetween returns for how many events between two of a stream Emit has returned an
// error.
func (h *Host) refusedBetween(stream string, after, before int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.refused[stream]
	from, _ := slices.BinarySearch(all, after+1)
	to, _ := slices.BinarySearch(all, before)
	return to - from
}

// noteLocked records that an event has come after another.
func (h *Host) noteLocked(key string, last, number int, now time.Time) {
	if last > 0 && number > last+1 {
		from, stream, _ := strings.Cut(key, "/")
		h.gaps += number - last - 1
		h.holes = append(h.holes, Hole{From: from, Stream: stream, After: last, Before: number, Since: h.came[key], Until: now})
	}
	h.came[key] = now
}
