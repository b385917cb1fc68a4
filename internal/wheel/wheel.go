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

// maxAhead is how many ticks a timer may be away: with a tick of 1 ms 24 days.
const maxAhead = math.MaxInt32

// A Task is a pointer to what has a Timer, which wakes it.
type Task[T any] interface {
	// Timer returns the timer in the memory of the task. It must be the same each time.
	Timer() *Timer[T]

	// Wake is called once for each Schedule that was neither replaced nor
	// stopped before its time. now is a time at or after the one asked for. It
	// runs on the Wheel's goroutine, without a lock, so all other timers wait
	// for it: it must not block. It may schedule and stop any timer, its own
	// included, but must not call Close. A panic in it is not recovered.
	//
	// It returns whether Finish is to be called, as Wake is, after the Wake of the tasks
	// that are due at the same time, or of some of them.
	Wake(now time.Time) (unfinished bool)
	Finish()
}

// A Timer is one deadline. Its owner has it as a field; the zero value is ready. It must
// not be copied while it is scheduled, and belongs to the first Wheel that it is
// used with.
type Timer[T any] struct {
	next, prev T      // in the ring of its list; zero when it is on none
	tick       uint32 // the low bits of the first tick not before its time
	on         place
}

// A place is the list that a timer is on.
type place uint8

const (
	onNone place = iota
	onSlot       // that of its tick
	onDue
)

// A Wheel drives the timers of tasks of one type. Its methods may be called from any goroutine.
//
// A timer never wakes early, and the Wheel gets to it at most one tick late,
// plus what the tasks before it take. Ticks are counted from New, and are
// numbered by their end: tick k ends k ticks later.
type Wheel[T Task[T]] struct {
	// Immutable after New.
	tick  time.Duration
	start time.Time
	kick  chan struct{} // holds one: look at wakeAt again
	done  chan struct{} // closed by Close
	ended chan struct{} // closed when the goroutine has ended

	mu       lock.Mutex // guards the fields below; never held while waiting or in a Task
	closed   bool
	running  bool    // the goroutine was started
	passed   int64   // all ticks up to this one have been collected
	wakeAt   int64   // the tick the goroutine sleeps for; never: parked; 0: awake
	count    int     // timers scheduled
	due      list[T] // timers collected and not yet woken
	occupied [slots / 64]uint64
	// Invariant: bit s of occupied is set exactly when slot[s] is not empty, and
	// a timer with tick k is in slot k%slots or in due.
	slot [slots]list[T]

	unfinished []T // owned by the goroutine
}

// never is a tick that does not come.
const never = math.MaxInt64

// New returns an empty wheel. Its goroutine starts with the first Schedule, is
// parked without a timer while the wheel is empty (once it has noticed: Stop
// does not wake it), and ends with Close. A tick
// of zero or less panics.
func New[T Task[T]](tick time.Duration) *Wheel[T] {
	if tick <= 0 {
		panic("wheel: tick must be positive")
	}
	return &Wheel[T]{
		tick:   tick,
		start:  time.Now(),
		kick:   make(chan struct{}, 1),
		done:   make(chan struct{}),
		ended:  make(chan struct{}),
		wakeAt: never,
	}
}

// Schedule sets the timer of a task to the given time; it wakes then or at most one tick
// later. If it was scheduled before, the new time replaces the old one. A time in the past
// wakes by the next tick, one that is 2^31 ticks away or more at the end of those. After
// Close, Schedule does nothing. It does not allocate.
func (w *Wheel[T]) Schedule(task T, at time.Time) {
	t, tick := task.Timer(), w.tickOf(at)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	if t.on != onNone {
		w.unlinkLocked(task)
	}
	tick = min(max(tick, w.passed+1), w.passed+maxAhead)
	s := tick % slots
	t.tick, t.on = uint32(tick), onSlot
	w.slot[s].push(task)
	w.occupied[s/64] |= 1 << (s % 64)
	w.count++
	kick := tick < w.wakeAt
	if kick {
		w.wakeAt = tick
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

// Stop removes the timer of a task and reports whether it was scheduled and will not wake
// now. After false its Wake may be running, or its Finish be about to run.
func (w *Wheel[T]) Stop(task T) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if task.Timer().on == onNone {
		return false
	}
	w.unlinkLocked(task)
	return true
}

// Len returns how many timers are scheduled.
func (w *Wheel[T]) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// Close drops all timers and waits until a running Wake has returned. No timer wakes
// afterwards. It may be called more than once, but not from a Task.
func (w *Wheel[T]) Close() {
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
func (w *Wheel[T]) tickOf(at time.Time) int64 {
	d := at.Sub(w.start)
	tick := int64(d / w.tick)
	if d%w.tick > 0 {
		tick++
	}
	return tick
}

// unlinkLocked takes a task off its list.
func (w *Wheel[T]) unlinkLocked(task T) {
	t := task.Timer()
	w.count--
	if t.on == onDue {
		w.due.remove(task)
	} else {
		s := t.tick % slots // 2^32 is a multiple of slots
		w.slot[s].remove(task)
		if w.slot[s].n == 0 {
			w.occupied[s/64] &^= 1 << (s % 64)
		}
	}
	t.on = onNone
}

// tickLocked returns the tick of a timer that is on a list.
func (w *Wheel[T]) tickLocked(t *Timer[T]) int64 {
	return w.passed + int64(int32(t.tick-uint32(w.passed)))
}

func (w *Wheel[T]) dropLocked() {
	for w.due.n > 0 {
		w.unlinkLocked(w.due.head)
	}
	for s := range w.slot {
		for w.slot[s].n > 0 {
			w.unlinkLocked(w.slot[s].head)
		}
	}
}
