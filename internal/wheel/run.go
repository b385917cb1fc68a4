// SPDX-License-Identifier: MIT

// The goroutine of a Wheel: sleep, collect what is due, wake it.

package wheel

import (
	"math/bits"
	"time"
)

func (w *Wheel[T]) run() {
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
func (w *Wheel[T]) wakeDue() (wait time.Duration, ok bool) {
	// No deferred Unlock: it would hide a panic of a Task behind one of its own.
	w.mu.Lock()
	w.wakeAt = 0 // awake: kick is not needed
	for !w.closed {
		now := time.Now()
		w.collectLocked(int64(now.Sub(w.start) / w.tick))
		if w.due.n == 0 {
			w.wakeAt = w.nextLocked()
			wait = -1
			if w.wakeAt != never {
				wait = max(w.timeOf(w.wakeAt).Sub(now), 0)
			}
			w.mu.Unlock()
			return wait, true
		}
		for w.due.n > 0 {
			task := w.due.head
			w.unlinkLocked(task)
			last := w.due.n == 0
			w.mu.Unlock()
			w.wake(task, now, last)
			w.mu.Lock()
		}
	}
	w.mu.Unlock()
	return 0, false
}

// chunk is how many tasks are woken before they finish: few enough for their memory to
// stay in the processor's caches.
const chunk = 32

// wake wakes a task. The last one of those that are due, and the last one of a chunk,
// is followed by Finish of all that need it.
func (w *Wheel[T]) wake(task T, now time.Time, last bool) {
	if task.Wake(now) {
		w.unfinished = append(w.unfinished, task)
	}
	if !last && len(w.unfinished) < chunk {
		return
	}
	for _, task := range w.unfinished {
		task.Finish()
	}
	clear(w.unfinished)
	w.unfinished = w.unfinished[:0]
}

// collectLocked moves the timers of all ticks up to tick to due, in the order
// of their ticks if that is less than a round.
func (w *Wheel[T]) collectLocked(tick int64) {
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

func (w *Wheel[T]) collectSlotLocked(s, tick int64) {
	l := &w.slot[s]
	for task, n := l.head, l.n; n > 0; n-- {
		t := task.Timer()
		next := t.next
		if w.tickLocked(t) <= tick {
			l.remove(task)
			t.on = onDue
			w.due.push(task)
		}
		task = next
	}
	if l.n == 0 {
		w.occupied[s/64] &^= 1 << (s % 64)
	}
}

// nextLocked returns the first tick after passed whose slot is not empty, or
// never. Its timers may be for a later round; then the Wheel wakes once per round in
// vain.
func (w *Wheel[T]) nextLocked() int64 {
	last := w.passed + slots
	if k := w.occupiedFrom(w.passed+1, last); k <= last {
		return k
	}
	return never
}

// occupiedFrom returns the first tick from k to last whose slot is not empty, or
// a later tick if there is none.
func (w *Wheel[T]) occupiedFrom(k, last int64) int64 {
	for k <= last {
		bit := k % slots
		if word := w.occupied[bit/64] >> (bit % 64); word != 0 {
			return k + int64(bits.TrailingZeros64(word))
		}
		k += 64 - bit%64
	}
	return k
}

func (w *Wheel[T]) timeOf(tick int64) time.Time {
	return w.start.Add(time.Duration(tick) * w.tick)
}
