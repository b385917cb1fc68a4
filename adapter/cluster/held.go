// SPDX-License-Identifier: MIT

// This file holds messages that have overtaken entries of a log.

package cluster

import "time"

// logWait bounds how long a request waits for entries that were appended before it, and a
// message for entries that its sender had read. catchUpWait bounds how long a client that
// comes back waits for what its last node has delivered.
const (
	logWait     = 2 * time.Second
	catchUpWait = 5 * time.Second
)

// heldMessages wait until a log was read up to the entry that their sender had read. The
// lock of the log guards them.
type heldMessages struct {
	waiting []heldMessage
	timer   *time.Timer // nil before the first
}

// A heldMessage is one that waits.
type heldMessage struct {
	after  uint64
	until  time.Time
	handle func()
}

// maxHeld bounds the messages that wait. Those above are handled at once.
const maxHeld = 1024

// add adds a message. It reports false if too many wait. expired is called when one has
// waited for logWait.
func (h *heldMessages) add(after uint64, handle func(), expired func()) bool {
	if len(h.waiting) >= maxHeld {
		return false
	}
	h.waiting = append(h.waiting, heldMessage{after, time.Now().Add(logWait), handle})
	switch {
	case h.timer == nil:
		h.timer = time.AfterFunc(logWait, expired) // stopped by stop
	case len(h.waiting) == 1:
		h.timer.Reset(logWait)
	}
	return true
}

// old removes the messages that have waited for logWait.
func (h *heldMessages) old() (due []func()) {
	now := time.Now()
	for len(h.waiting) > 0 && !h.waiting[0].until.After(now) {
		due = append(due, h.waiting[0].handle)
		h.waiting = h.waiting[1:]
	}
	if len(h.waiting) > 0 {
		h.timer.Reset(time.Until(h.waiting[0].until))
	}
	return due
}

// upTo removes the messages that may be handled, in the order of their arrival.
func (h *heldMessages) upTo(last uint64) (due []func()) {
	if len(h.waiting) == 0 {
		return nil
	}
	rest := h.waiting[:0]
	for _, m := range h.waiting {
		if m.after <= last {
			due = append(due, m.handle)
		} else {
			rest = append(rest, m)
		}
	}
	clear(h.waiting[len(rest):])
	h.waiting = rest
	return due
}

// stop drops what waits.
func (h *heldMessages) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
	h.waiting = nil
}
