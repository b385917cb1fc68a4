// SPDX-License-Identifier: MIT

// This file tests what a bus with a log promises when its connection breaks, and when the
// log loses entries.

package adaptertest

import (
	"errors"
	"fmt"
	"strings"

	"socketio/adapter"
)

// A node that has lost its connection says so, and reads on afterwards without a hole. It
// learns which of its appends are in the log.
func testLogOutage(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	b.mustAdd(logSpace, 20)
	for i := range 300 {
		_, _ = a.add(logSpace, fmt.Sprint(i))
		_, _ = b.add(logSpace, fmt.Sprint(i))
	}
	x.world.Break(b.bus)
	for i := range 20 {
		_, _ = b.add(logSpace, fmt.Sprint(i))
	}
	x.eventually("an error of Append", func() bool { _, err := b.add(logSpace, `"probe"`); return err != nil })
	x.eventually("Down", func() bool { return b.downs() > 0 })
	a.mustAdd(logSpace, 50)
	x.world.Mend(b.bus)
	x.eventually("Up", func() bool { return b.ups() > 0 })
	var token uint64
	x.eventually("an append after the outage", func() (ok bool) {
		var err error
		token, err = b.add(logSpace, `"again"`)
		return err == nil
	})
	x.eventually("its entry", func() bool {
		r := b.look(logSpace)
		return len(r.entries) > 0 && r.entries[len(r.entries)-1].Token == token || r.settled >= token
	})
	came := uint64(0)
	for _, e := range b.look(logSpace).entries {
		came = max(came, e.Token)
	}
	check(x, "the last entry", came, token)
	r := b.look(logSpace)
	check(x, "gaps", len(r.gaps), 0)
	x.eventually("the other node", func() bool { return a.look(logSpace).last >= r.last })
	there, err := a.read(logSpace, r.start, r.last)
	if err != nil {
		x.Errorf("Read: %v", err)
	}
	check(x, "whether b has read all that is in the log", x.summary(logSpace, r.entries) == x.summary(logSpace, there), true)
	have := make(map[uint64]bool)
	for _, e := range r.entries {
		have[e.Token] = true
	}
	for token := uint64(1); token < came; token++ {
		if !have[token] && token > r.settled && b.accepted(token) {
			x.Errorf("token %d was appended; it has not come, and is not settled", token)
			break
		}
	}
}

func (n *logNode) downs() int { n.mu.Lock(); defer n.mu.Unlock(); return n.down }
func (n *logNode) ups() int   { n.mu.Lock(); defer n.mu.Unlock(); return n.up }

// accepted reports whether Append returned no error for a token.
func (n *logNode) accepted(token uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.refused[token]
}

// Read tells that entries are no longer stored, and returns the others.
func testTrimmed(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	a.mustAdd(logSpace, 50)
	x.eventually("all entries", func() bool { return a.count(logSpace) == 50 && b.count(logSpace) == 50 })
	all := a.look(logSpace)
	x.world.Trim(logSpace, 5)
	if _, err := a.read(logSpace, all.start, all.last); !errors.Is(err, adapter.ErrTrimmed) {
		x.Errorf("Read of entries that were removed: %v", err)
	}
	if _, err := a.read(logSpace, all.entries[10].Number, all.entries[47].Number); !errors.Is(err, adapter.ErrTrimmed) {
		x.Errorf("Read of entries of which some were removed: %v", err)
	}
	got, err := a.read(logSpace, all.entries[44].Number, all.last)
	if err != nil {
		x.Errorf("Read of what is left: %v", err)
	}
	check(x, "what is left", x.summary(logSpace, got), x.summary(logSpace, all.entries[45:]))
	a.mustAdd(logSpace, 1)
	x.eventually("another entry", func() bool { return b.count(logSpace) == 51 })
	check(x, "gaps of a node that has read them", len(b.look(logSpace).gaps), 0)
}

// A node that was away while entries were removed is told, and reads on.
func testGap(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	a.mustAdd(logSpace, 10)
	x.eventually("the first entries", func() bool { return b.count(logSpace) == 10 })
	x.world.Break(b.bus)
	x.eventually("Down", func() bool { return b.downs() > 0 })
	a.mustAdd(logSpace, 50)
	x.eventually("all entries", func() bool { return a.count(logSpace) == 60 })
	x.world.Trim(logSpace, 5)
	x.world.Mend(b.bus)
	x.eventually("the latest entry", func() bool { return b.look(logSpace).last >= a.look(logSpace).last })
	r := b.look(logSpace)
	check(x, "the number of gaps", len(r.gaps), 1)
	check(x, "the entries", len(r.entries), 15)
	if all := a.look(logSpace).entries; len(r.gaps) == 1 {
		check(x, "where the gap ends", r.gaps[0] >= all[54].Number && r.gaps[0] < all[55].Number, true)
		check(x, "what follows", x.summary(logSpace, r.entries[len(r.entries)-5:]), x.summary(logSpace, all[55:]))
	}
}

// When the log was lost, all nodes are told, and go on with the new one.
func testReplaced(x *logExam) {
	a := x.nodes[0]
	a.mustAdd(logSpace, 10)
	x.eventually("the first entries", func() bool { return x.nodes[2].count(logSpace) == 10 })
	old := a.epoch(logSpace)
	x.world.Replace()
	n := 0
	x.eventually("the new log", func() bool {
		n++
		_, _ = a.add(logSpace, fmt.Sprintf(`"probe%d"`, n)) // some engines notice by an entry
		for _, n := range x.nodes {
			if e := n.epoch(logSpace); e == old {
				return false
			}
		}
		return true
	})
	for _, n := range x.nodes {
		check(x, "the epoch at "+n.name, n.epoch(logSpace), a.epoch(logSpace))
	}
	var token uint64
	x.eventually("an append", func() (ok bool) {
		var err error
		token, err = a.add(logSpace, `"after"`)
		return err == nil
	})
	for _, n := range x.nodes {
		x.eventually("an entry of the new log at "+n.name, func() bool {
			all := n.look(logSpace).entries
			return strings.HasSuffix(x.summary(logSpace, all), `:"after" `)
		})
	}
	r := a.look(logSpace)
	check(x, "its token", r.entries[len(r.entries)-1].Token, token)
}

// A node that can't send accepts only so much.
func testAppendsBound(x *logExam) {
	a, b := x.nodes[0], x.nodes[1]
	const most = 64 << 20
	x.world.Stall(b.bus)
	data := x.entry(logSpace, `"`+strings.Repeat("x", 1<<16)+`"`)
	var err error
	accepted := 0
	for size := 0; err == nil && size < most; size += len(data) {
		if _, err = b.addData(logSpace, data); err == nil {
			accepted++
		}
	}
	if err == nil {
		x.Errorf("Append has accepted %d entries that can't be sent", accepted)
	}
	a.mustAdd(logSpace, 10) // others are not held up
	x.world.Resume(b.bus)
	var token uint64
	x.eventually("an append afterwards", func() bool {
		var err error
		token, err = b.add(logSpace, `"again"`)
		return err == nil
	})
	x.eventually("its entry", func() bool {
		r := b.look(logSpace)
		return len(r.entries) > 0 && r.entries[len(r.entries)-1].Token == token
	})
	r := b.look(logSpace)
	own := 0
	for _, e := range r.entries {
		if e.Token > 0 {
			own++
		}
	}
	if r.settled == 0 {
		check(x, "the accepted entries that have come", own-1, accepted)
	}
}
