// SPDX-License-Identifier: MIT

// The goroutine of a Wheel: sleep, collect what is due, wake it.

package wheel

import (
	"math/bits"
	"time"
)

func (w *Wheel) run() {
	defer close(w.ended)
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		wait, ok := w.wakeDue()
		switch {
		case !ok:
			return
		case wait < 0: // empty: no timer runs
			alarm.Stop()
			select {
			case <-w.kick:
			case <-w.done:
				return
			}
		default:
			alarm.Reset(wait)
			select {
			case <-alarm.C:
			case <-w.kick:
			case <-w.done:
				return
			}
		}
	}
}

// wakeDue wakes all due timers and returns how long to sleep afterwards; a negative wait
// means indefinitely. ok is false once the Wheel is closed.
func (w *Wheel) wakeDue() (wait time.Duration, ok bool) {
	// No deferred Unlock: it would hide a panic of a Task behind one of its own.
	w.mu.Lock()
	w.wakeAt = 0 // awake: kick is not needed
	for !w.closed {
		now := time.Now()
		w.collectLocked(int64(now.Sub(w.start) / w.tick))
		if w.due.head == nil {
			w.wakeAt = w.nextLocked()
			wait = -1
			if w.wakeAt != never {
				wait = max(w.timeOf(w.wakeAt).Sub(now), 0)
			}
			w.mu.Unlock()
			return wait, true
		}
		for t := w.due.head; t != nil; t = w.due.head {
			task := t.task
			w.unlinkLocked(t)
			w.mu.Unlock()
			task.Wake(now)
			w.mu.Lock()
		}
	}
	w.mu.Unlock()
	return 0, false
}

// collectLocked moves the timers of all ticks up to tick to due, in the order
// of their ticks if that is less than a round.
func (w *Wheel) collectLocked(tick int64) {
	if tick <= w.passed {
		return
	}
	// After more than a round, each slot is looked at once.
	from := max(w.passed+1, tick-slots+1)
	for k := w.occupiedFrom(from, tick); k <= tick; k = w.occupiedFrom(k+1, tick) {
		w.collectSlotLocked(k%slots, tick)
	}
	w.passed = tick
}

func (w *Wheel) collectSlotLocked(s, tick int64) {
	l := &w.slot[s]
	for t, last := l.head, l.head.prev; ; {
		next, end := t.next, t == last
		if t.tick <= tick {
			l.remove(t)
			w.due.push(t)
		}
		if end {
			break
		}
		t = next
	}
	if l.head == nil {
		w.occupied[s/64] &^= 1 << (s % 64)
	}
}

// nextLocked returns the first tick after passed whose slot is not empty, or
// never. Its timers may be for a later round; then the Wheel wakes once per round in
// vain.
func (w *Wheel) nextLocked() int64 {
	last := w.passed + slots
	if k := w.occupiedFrom(w.passed+1, last); k <= last {
		return k
	}
	return never
}

// occupiedFrom returns the first tick from k to last whose slot is not empty, or
// a later tick if there is none.
func (w *Wheel) occupiedFrom(k, last int64) int64 {
	for k <= last {
		bit := k % slots
		if word := w.occupied[bit/64] >> (bit % 64); word != 0 {
			return k + int64(bits.TrailingZeros64(word))
		}
		k += 64 - bit%64
	}
	return k
}

func (w *Wheel) timeOf(tick int64) time.Time {
	return w.start.Add(time.Duration(tick) * w.tick)
}
