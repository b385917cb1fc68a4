// SPDX-License-Identifier: MIT

// Tests of the promises of a Wheel, in simulated time.

package wheel_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"socketio/internal/leakcheck"
	"socketio/internal/wheel"
)

const tick = 50 * time.Millisecond

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A task is a deadline that records when it was woken.
type task struct {
	timer  wheel.Timer[*task]
	at     time.Time
	woken  []time.Time
	then   func(now time.Time)
	finish func()
}

func (k *task) Timer() *wheel.Timer[*task] { return &k.timer }

func (k *task) Wake(now time.Time) (unfinished bool) {
	k.woken = append(k.woken, time.Now())
	if k.then != nil {
		k.then(now)
	}
	return k.finish != nil
}

func (k *task) Finish() { k.finish() }

func (k *task) schedule(w *wheel.Wheel[*task], after time.Duration) {
	k.at = time.Now().Add(after)
	w.Schedule(k, k.at)
}

// check checks that k woke once, not early and at most one tick late.
func (k *task) check(t *testing.T) {
	t.Helper()
	if len(k.woken) != 1 {
		t.Fatalf("woken %d times, want once", len(k.woken))
	}
	if late := k.woken[0].Sub(k.at); late < 0 || late > tick {
		t.Fatalf("woken %v after its time, want 0 to %v", late, tick)
	}
}

func TestTimerIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(wheel.Timer[*task]{}); size > 24 {
		t.Errorf("a Timer has %d bytes, want at most 24", size)
	}
}

func TestNeverEarlyAtMostOneTickLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		rnd := rand.New(rand.NewPCG(1, 2))
		tasks := make([]*task, 10_000)
		for i := range tasks {
			tasks[i] = new(task)
			// Over six rounds of the wheel, from different moments.
			tasks[i].schedule(w, time.Duration(rnd.Int64N(int64(5*time.Minute))))
			if i%100 == 0 {
				time.Sleep(time.Duration(rnd.Int64N(int64(time.Second))))
			}
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		for _, k := range tasks {
			k.check(t)
		}
		if n := w.Len(); n != 0 {
			t.Errorf("%d timers left", n)
		}
	})
}

func TestExactTickBoundaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		var tasks []*task
		for n := range 3 {
			for _, rest := range []time.Duration{-1, 0, 1} {
				for _, ticks := range []int{1, 63, 64, 65, 1023, 1024, 1025, 2048} {
					k := new(task)
					k.schedule(w, time.Duration(ticks+n)*tick+rest)
					tasks = append(tasks, k)
				}
			}
			time.Sleep(7 * tick)
		}
		time.Sleep(3000 * tick)
		synctest.Wait()
		for _, k := range tasks {
			k.check(t)
		}
	})
}

func TestAfterALongRestTheClockIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		for range 3 {
			time.Sleep(time.Hour + 13*time.Millisecond) // the wheel is parked
			k := new(task)
			k.schedule(w, time.Second)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			k.check(t)
		}
	})
}

func TestATimeThatHasPassedWakesByTheNextTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		for _, after := range []time.Duration{0, -1, -time.Second, -24 * time.Hour, -100 * 365 * 24 * time.Hour} {
			k := new(task)
			now := time.Now()
			k.schedule(w, after)
			time.Sleep(tick)
			synctest.Wait()
			if len(k.woken) != 1 || k.woken[0].Sub(now) > tick {
				t.Errorf("after %v: woken at %v", after, k.woken)
			}
			time.Sleep(3 * time.Second)
		}
	})
}

func TestTheFarFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](time.Millisecond)
		defer w.Close()
		k := new(task)
		w.Schedule(k, time.Now().AddDate(5000, 0, 0))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(k.woken) != 0 || w.Len() != 1 {
			t.Errorf("woken %v, %d left", k.woken, w.Len())
		}
	})
}

func TestScheduleAgainMovesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		k := new(task)
		for range 100 {
			k.schedule(w, time.Second)
			time.Sleep(900 * time.Millisecond)
		}
		k.schedule(w, 10*time.Second) // later
		k.schedule(w, 2*time.Second)  // and earlier again
		if w.Len() != 1 {
			t.Errorf("Len is %d, want 1", w.Len())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		k.check(t)
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		var a, b task
		if w.Stop(&a) {
			t.Error("stopped a timer that was never scheduled")
		}
		a.schedule(w, time.Second)
		b.schedule(w, time.Second)
		if !w.Stop(&a) || w.Stop(&a) {
			t.Error("want the first Stop to be true and the second false")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(a.woken) != 0 {
			t.Error("a stopped timer woke")
		}
		b.check(t)
		if w.Stop(&b) {
			t.Error("stopped a timer that has woken")
		}
	})
}

func TestWakeMayScheduleAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		var pinger, victim task
		start := time.Now()
		pinger.then = func(now time.Time) {
			w.Stop(&victim)
			pinger.schedule(w, -time.Hour) // must not spin
		}
		pinger.schedule(w, tick)
		victim.schedule(w, tick) // due in the same tick, after pinger
		time.Sleep(10 * tick)
		w.Close()
		if len(victim.woken) != 0 {
			t.Error("a timer woke that was stopped in the same tick")
		}
		if n := len(pinger.woken); n < 9 || n > 10 {
			t.Errorf("%d wakes in ten ticks", n)
		}
		for i, at := range pinger.woken {
			if want := start.Add(time.Duration(i+1) * tick); !at.Equal(want) {
				t.Fatalf("wake %d at %v, want %v", i, at.Sub(start), want.Sub(start))
			}
		}
	})
}

func TestOrderOfOneTickIsThatOfScheduling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		var got []int
		tasks := make([]task, 100)
		for i := range tasks {
			tasks[i].then = func(time.Time) { got = append(got, i) }
			tasks[i].schedule(w, time.Second)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(got) != len(tasks) || !slices.IsSorted(got) {
			t.Errorf("order %v", got)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		var a, b task
		a.schedule(w, time.Second)
		w.Close()
		w.Close()
		b.schedule(w, time.Second)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(a.woken)+len(b.woken) != 0 {
			t.Error("a timer woke after Close")
		}
		if w.Len() != 0 || w.Stop(&a) || w.Stop(&b) {
			t.Error("a closed wheel holds timers")
		}
		wheel.New[*task](tick).Close() // never started
	})
}

func TestCloseWaitsForWake(t *testing.T) {
	w := wheel.New[*task](time.Millisecond)
	var k task
	inside, release := make(chan struct{}), make(chan struct{})
	var returned atomic.Bool
	k.then = func(time.Time) {
		close(inside)
		<-release
		returned.Store(true)
	}
	k.schedule(w, 0)
	<-inside
	go close(release)
	w.Close()
	if !returned.Load() {
		t.Error("Close returned before Wake did")
	}
}

// In every interleaving, a timer that was scheduled and that Stop no longer finds has
// woken or is about to.
func TestRaces(t *testing.T) {
	w := wheel.New[*signal](time.Millisecond)
	defer w.Close()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 7))
			for range 200 {
				s := newSignal()
				for range 20 {
					if rnd.IntN(3) > 0 {
						w.Schedule(s, time.Now().Add(time.Duration(rnd.Int64N(int64(2*time.Millisecond)))))
					} else {
						w.Stop(s)
					}
				}
				w.Schedule(s, time.Now().Add(time.Duration(rnd.Int64N(int64(2*time.Millisecond)))))
				if rnd.IntN(2) == 0 && w.Stop(s) {
					continue
				}
				select {
				case <-s.woke:
				case <-time.After(time.Minute):
					t.Error("a timer was lost")
					return
				}
			}
		})
	}
	wg.Wait()
	if n := w.Len(); n != 0 {
		t.Errorf("%d timers left", n)
	}
}

// A signal is a task that signals that it woke at least once.
type signal struct {
	timer wheel.Timer[*signal]
	woke  chan struct{}
}

func newSignal() *signal { return &signal{woke: make(chan struct{}, 1)} }

func (s *signal) Timer() *wheel.Timer[*signal] { return &s.timer }

func (s *signal) Wake(time.Time) (unfinished bool) {
	select {
	case s.woke <- struct{}{}:
	default:
	}
	return false
}

func (s *signal) Finish() {}

// Tasks that are due together wake before they finish, a chunk at a time, and each that
// asked for it finishes once.
func TestFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := wheel.New[*task](tick)
		defer w.Close()
		tasks := make([]task, 100)
		woken, finished, most := 0, 0, 0
		for i := range tasks {
			k := &tasks[i]
			k.then = func(time.Time) {
				woken++
				most = max(most, woken-finished)
			}
			k.finish = func() {
				finished++
				if len(k.woken) == 0 {
					t.Errorf("task %d finished before it woke", i)
				}
			}
			k.schedule(w, time.Second)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if woken != 100 || finished != 100 || most < 16 || most > 64 {
			t.Errorf("%d woken, %d finished, at most %d in between", woken, finished, most)
		}
		tasks[0].then = nil
		tasks[0].schedule(w, time.Second)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if finished != 101 {
			t.Errorf("%d finished with a task alone, want 101", finished)
		}
	})
}

func TestScheduleAllocatesNothing(t *testing.T) {
	w := wheel.New[*task](tick)
	defer w.Close()
	k := new(task)
	at := time.Now().Add(time.Hour)
	if n := testing.AllocsPerRun(1000, func() { w.Schedule(k, at) }); n != 0 {
		t.Errorf("%v allocations per Schedule, want none", n)
	}
}

func BenchmarkSchedule(b *testing.B) {
	w := wheel.New[*task](tick)
	defer w.Close()
	tasks := make([]task, 10_000)
	at := time.Now().Add(25 * time.Second)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		k := &tasks[i]
		if i++; i == len(tasks) {
			i = 0
		}
		w.Schedule(k, at)
	}
}

func BenchmarkScheduleStopParallel(b *testing.B) {
	w := wheel.New[*task](tick)
	defer w.Close()
	at := time.Now().Add(25 * time.Second)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		k := new(task)
		for pb.Next() {
			w.Schedule(k, at)
			w.Stop(k)
		}
	})
}
