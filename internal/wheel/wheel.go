// SPDX-License-Identifier: MIT

// Wheel and Timer: scheduling, stopping, closing.

package wheel

import (
	"math"
	"time"

	"socketio/internal/lock"
)

// slots is the number of slots of a wheel. With a tick of 50 ms it goes round
// in 51 s; timers further away stay in their slot for several rounds.
const slots = 1024

// A Task is what a Timer wakes.
type Task interface {
	// Wake is called once for each Schedule that was neither replaced nor
	// stopped before its time. now is a time at or after the one asked for. It
	// runs on the Wheel's goroutine, without a lock, so all other timers wait
	// for it: it must not block. It may schedule and stop any timer, its own
	// included, but must not call Close. A panic in it is not recovered.
	Wake(now time.Time)
}

// A Timer is one deadline. Its owner embeds it; the zero value is ready. It must
// not be copied while it is scheduled, and belongs to the first Wheel that it is
// used with.
type Timer struct {
	next, prev *Timer // in the ring of in; nil when in is nil
	in         *list  // the list it is on; nil when it is not scheduled
	task       Task
	tick       int64 // the first tick not before its time
}

// A Wheel drives timers. Its methods may be called from any goroutine.
//
// A timer never wakes early, and the Wheel gets to it at most one tick late,
// plus what the tasks before it take. Ticks are counted from New, and are
// numbered by their end: tick k ends k ticks later.
type Wheel struct {
	// Immutable after New.
	tick  time.Duration
	start time.Time
	kick  chan struct{} // holds one: look at wakeAt again
	done  chan struct{} // closed by Close
	ended chan struct{} // closed when the goroutine has ended

	mu       lock.Mutex // guards the fields below; never held while waiting or in a Task
	closed   bool
	running  bool  // the goroutine was started
	passed   int64 // all ticks up to this one have been collected
	wakeAt   int64 // the tick the goroutine sleeps for; never: parked; 0: awake
	count    int   // timers scheduled
	due      list  // timers collected and not yet woken
	occupied [slots / 64]uint64
	// Invariant: bit s of occupied is set exactly when slot[s] is not empty, and
	// a timer with tick k is in slot k%slots or in due.
	slot [slots]list
}

// never is a tick that does not come.
const never = math.MaxInt64

// New returns an empty wheel. Its goroutine starts with the first Schedule, is
// parked without a timer while the wheel is empty (once it has noticed: Stop
// does not wake it), and ends with Close. A tick
// of zero or less panics.
func New(tick time.Duration) *Wheel {
	if tick <= 0 {
		panic("wheel: tick must be positive")
	}
	return &Wheel{
		tick:   tick,
		start:  time.Now(),
		kick:   make(chan struct{}, 1),
		done:   make(chan struct{}),
		ended:  make(chan struct{}),
		wakeAt: never,
	}
}

// Schedule sets t to wake task at the given time, or at most one tick later. If
// t was scheduled before, the new time replaces the old one. A time in the past wakes by the
// next tick. After Close, Schedule does nothing. It does not allocate.
func (w *Wheel) Schedule(t *Timer, task Task, at time.Time) {
	tick := w.tickOf(at)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	if t.in != nil {
		w.unlinkLocked(t)
	}
	t.task, t.tick = task, max(tick, w.passed+1)
	s := t.tick % slots
	w.slot[s].push(t)
	w.occupied[s/64] |= 1 << (s % 64)
	w.count++
	kick := t.tick < w.wakeAt
	if kick {
		w.wakeAt = t.tick
	}
	if !w.running {
		w.running = true
		// run: one per Wheel, started by its first Schedule, owned by w, ends
		// with Close, which waits for it.
		go w.run()
	}
	w.mu.Unlock()
	if kick {
		select {
		case w.kick <- struct{}{}:
		default:
		}
	}
}

// Stop removes t from the wheel and reports whether it was scheduled and will not wake now.
// After false its Wake may be running.
func (w *Wheel) Stop(t *Timer) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.in == nil {
		return false
	}
	w.unlinkLocked(t)
	return true
}

// Len returns how many timers are scheduled.
func (w *Wheel) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// Close drops all timers and waits until a running Wake has returned. No timer wakes
// afterwards. It may be called more than once, but not from a Task.
func (w *Wheel) Close() {
	w.mu.Lock()
	running := w.running
	if !w.closed {
		w.closed = true
		close(w.done)
		w.dropLocked()
	}
	w.mu.Unlock()
	if running {
		<-w.ended
	}
}

// tickOf returns the first tick that ends at or after at.
func (w *Wheel) tickOf(at time.Time) int64 {
	d := at.Sub(w.start)
	tick := int64(d / w.tick)
	if d%w.tick > 0 {
		tick++
	}
	return tick
}

// unlinkLocked takes t off its list.
func (w *Wheel) unlinkLocked(t *Timer) {
	from := t.in
	from.remove(t)
	w.count--
	if from.head == nil && from != &w.due {
		s := t.tick % slots
		w.occupied[s/64] &^= 1 << (s % 64)
	}
	t.task = nil
}

func (w *Wheel) dropLocked() {
	for t := w.due.head; t != nil; t = w.due.head {
		w.unlinkLocked(t)
	}
	for s := range w.slot {
		for t := w.slot[s].head; t != nil; t = w.slot[s].head {
			w.unlinkLocked(t)
		}
	}
}
