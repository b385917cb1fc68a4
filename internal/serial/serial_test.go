// SPDX-License-Identifier: MIT

// This file tests the order of items, the last item, dropped items, delayed output and
// the end of workers.

package serial_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"socketio/internal/serial"
)

// An item is a number, or a function to run instead.
type item struct {
	n  int
	do func(w *serial.Worker[item])
}

// An owner runs items and keeps a record.
type owner struct {
	workers *serial.Workers[item]
	inbox   serial.Inbox[item]
	running atomic.Int32 // must not be above 1 but for items in lanes

	mu   sync.Mutex
	said []string
}

func (o *owner) Inbox() *serial.Inbox[item] { return &o.inbox }
func (o *owner) Cork()                      { o.say("cork") }
func (o *owner) Uncork()                    { o.say("uncork") }
func (o *owner) Flush()                     { o.say("flush") }

func (o *owner) Run(it item, w *serial.Worker[item]) {
	if it.do != nil {
		it.do(w)
		return
	}
	o.say(fmt.Sprint(it.n))
}

func (o *owner) say(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = append(o.said, s)
}

// heard returns the record and clears it.
func (o *owner) heard() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	said := strings.Join(o.said, " ")
	o.said = nil
	return said
}

// push pushes and starts a worker at once.
func (o *owner) push(it item) (ok bool) {
	start, ok := o.workers.Push(&o.inbox, it)
	if start {
		o.workers.Start(o)
	}
	return ok
}

func (o *owner) pushLast(it item) {
	if o.workers.PushLast(&o.inbox, it) {
		o.workers.Start(o)
	}
}

// bubble runs a test with workers in virtual time.
func bubble(t *testing.T, test func(t *testing.T, o *owner)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		workers := new(serial.Workers[item])
		defer workers.Close()
		test(t, &owner{workers: workers})
		synctest.Wait()
		if n := workers.Busy(); n != 0 {
			t.Errorf("%d workers are busy at the end", n)
		}
	})
}

func want(t *testing.T, what, got, expected string) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %q, want %q", what, got, expected)
	}
}

func TestItemsRunInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		for _, burst := range []int{1, 2, 4, 5, 9, 100} {
			var expected []string
			start := false
			for i := range burst {
				first, ok := o.workers.Push(&o.inbox, item{n: i})
				if first != (i == 0) || !ok {
					t.Fatalf("push %d: start %v, taken %v", i, first, ok)
				}
				start = start || first
				expected = append(expected, fmt.Sprint(i))
			}
			if start {
				o.workers.Start(o)
			}
			synctest.Wait()
			said := slices.DeleteFunc(strings.Fields(o.heard()), func(s string) bool { return s[0] > '9' })
			want(t, fmt.Sprint("a burst of ", burst), strings.Join(said, " "), strings.Join(expected, " "))
		}
	})
}

// A worker is started once, however many items arrive before it begins.
func TestBurstLeavesAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		o.push(item{n: 1})
		synctest.Wait()
		want(t, "a lone item", o.heard(), "1")

		start, _ := o.workers.Push(&o.inbox, item{n: 1})
		_, _ = o.workers.Push(&o.inbox, item{n: 2})
		_, _ = o.workers.Push(&o.inbox, item{n: 3})
		if !start {
			t.Fatal("the first push starts a worker")
		}
		o.workers.Start(o)
		synctest.Wait()
		want(t, "a burst", o.heard(), "cork 1 2 uncork 3 flush")
	})
}

// Delayed output is sent when the items behind it are dropped, and when an item ends its
// goroutine.
func TestHeldBackIsSent(t *testing.T) {
	for name, first := range map[string]func(o *owner) func(*serial.Worker[item]){
		"drop":   func(o *owner) func(*serial.Worker[item]) { return func(*serial.Worker[item]) { o.inbox.Drop(all) } },
		"goexit": func(*owner) func(*serial.Worker[item]) { return func(*serial.Worker[item]) { runtime.Goexit() } },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, o *owner) {
				_, _ = o.workers.Push(&o.inbox, item{do: first(o)})
				_, _ = o.workers.Push(&o.inbox, item{n: 2})
				o.workers.Start(o)
				synctest.Wait()
				if name == "drop" {
					want(t, "the worker", o.heard(), "cork uncork flush")
				} else {
					want(t, "the workers", o.heard(), "cork uncork flush 2")
				}
			})
		})
	}
}

func all(item) bool { return true }

// After the last item, and after Drop, no item is accepted; Drop keeps a last item and
// what its function selects.
func TestEnd(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		o.push(item{n: 1})
		o.pushLast(item{n: 2})
		if o.push(item{n: 3}) {
			t.Error("an item was taken behind the last")
		}
		o.pushLast(item{n: 4})
		synctest.Wait()
		said := strings.ReplaceAll(o.heard(), "cork 1 uncork 2 flush", "1 2") // if the worker came late
		want(t, "the end", said, "1 2")
	})
	bubble(t, func(t *testing.T, o *owner) {
		start, _ := o.workers.Push(&o.inbox, item{n: 1})
		for n := range 6 {
			_, _ = o.workers.Push(&o.inbox, item{n: n + 2})
		}
		o.inbox.Drop(func(it item) bool { return it.n != 3 })
		if ok := o.push(item{n: 8}); ok || !start {
			t.Error("an item was taken after Drop")
		}
		o.pushLast(item{n: 9}) // starts none: one is on its way
		o.workers.Start(o)
		synctest.Wait()
		want(t, "what is left", o.heard(), "cork 3 uncork 9 flush")
	})
}

// A promised worker finds that everything was dropped.
func TestDroppedBeforeTheWorkerComes(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		start, _ := o.workers.Push(&o.inbox, item{n: 1})
		o.inbox.Drop(all)
		if !start {
			t.Fatal("the first push starts a worker")
		}
		o.workers.Start(o)
		synctest.Wait()
		want(t, "the worker", o.heard(), "")
		o.pushLast(item{n: 2})
		synctest.Wait()
		want(t, "the last item", o.heard(), "2")
	})
}

// Items in a lane run alongside later ones, within the lane's limit. The last item waits
// for them.
func TestLanes(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		lane, release := serial.NewLane(2), make(chan struct{})
		call := func(n int) item {
			return item{do: func(w *serial.Worker[item]) {
				w.Enter(lane)
				o.say(fmt.Sprint("begin", n)) // what comes after HandOn has no order among later items
				w.HandOn()
				<-release
				o.say("end")
			}}
		}
		for n := range 3 {
			o.push(call(n))
			synctest.Wait()
		}
		o.push(item{n: 7})
		synctest.Wait()
		want(t, "with two in the lane", o.heard(), "begin0 begin1")
		if n := o.inbox.Calls(); n != 2 {
			t.Errorf("%d items run in lanes, want 2", n)
		}
		release <- struct{}{}
		synctest.Wait()
		want(t, "the third, and what waited behind it", o.heard(), "end begin2 7")
		o.pushLast(item{n: 9})
		synctest.Wait()
		want(t, "the last, while two run", o.heard(), "")
		release <- struct{}{}
		synctest.Wait()
		want(t, "the last, while one runs", o.heard(), "end")
		release <- struct{}{}
		synctest.Wait()
		want(t, "the last", o.heard(), "end 9")
	})
}

// An item hands the inbox on once, however often it says so.
func TestHandOnTwice(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		lanes, release := []*serial.Lane{serial.NewLane(1), serial.NewLane(1)}, make(chan struct{})
		o.push(item{do: func(w *serial.Worker[item]) {
			for _, lane := range lanes {
				w.Enter(lane)
				w.HandOn()
			}
			<-release
			o.say("end")
		}})
		synctest.Wait()
		if n := o.inbox.Calls(); n != 1 {
			t.Errorf("%d items run in lanes, want 1", n)
		}
		o.push(item{n: 1})
		synctest.Wait()
		want(t, "beside it", o.heard(), "1")
		o.pushLast(item{n: 2})
		synctest.Wait()
		want(t, "the last waits", o.heard(), "")
		close(release)
		synctest.Wait()
		want(t, "the last", o.heard(), "end 2")
	})
}

// A worker that reaches the last item ends, and the last call continues with it, even if
// the call ends its goroutine.
func TestLastCallRunsTheLastItem(t *testing.T) {
	for _, goexit := range []bool{false, true} {
		bubble(t, func(t *testing.T, o *owner) {
			lane, release := serial.NewLane(1), make(chan struct{})
			_, _ = o.workers.Push(&o.inbox, item{do: func(w *serial.Worker[item]) {
				w.Enter(lane)
				w.HandOn()
				<-release
				if goexit {
					runtime.Goexit()
				}
			}})
			_, _ = o.workers.Push(&o.inbox, item{n: 2})
			_ = o.workers.PushLast(&o.inbox, item{n: 3})
			o.workers.Start(o)
			synctest.Wait()
			if n := o.workers.Busy(); n != 1 {
				t.Errorf("%d workers are busy with one call, want 1", n)
			}
			close(release)
			synctest.Wait()
			want(t, "all", o.heard(), "cork uncork flush cork 2 uncork flush 3")
			if n := o.inbox.Calls(); n != 0 {
				t.Errorf("%d items run in lanes at the end", n)
			}
			next := &owner{workers: o.workers} // the same worker may run its inbox
			next.push(item{n: 4})
			synctest.Wait()
			if n := next.inbox.Calls(); n != 0 {
				t.Errorf("%d items of the next inbox run in lanes", n)
			}
			next.push(item{n: 5})
			synctest.Wait()
			want(t, "the next inbox", next.heard(), "4 5")
		})
	}
}

// An item that gives up its places before it hands the inbox on is an ordinary one.
func TestLeaveLanes(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		lane := serial.NewLane(1)
		for n := range 3 {
			o.push(item{do: func(w *serial.Worker[item]) {
				w.Enter(lane)
				w.LeaveLanes()
				o.say(fmt.Sprint(n))
			}})
			synctest.Wait()
		}
		want(t, "the items", o.heard(), "0 1 2")
	})
}

// Goexit ends a goroutine, not the inbox.
func TestGoexit(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		for range 100 { // more than stay
			o.push(item{do: func(*serial.Worker[item]) { runtime.Goexit() }})
		}
		o.push(item{n: 1})
		o.pushLast(item{do: func(*serial.Worker[item]) { o.say("last"); runtime.Goexit() }})
		synctest.Wait()
		said := strings.Fields(o.heard())
		if !slices.Contains(said, "1") || !slices.Contains(said, "last") {
			t.Errorf("after 100 Goexits: %v", said)
		}
	})
}

// Wait returns when the last has ended, or with the context's error.
func TestWait(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		if err := o.workers.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		release := make(chan struct{})
		o.push(item{do: func(*serial.Worker[item]) { <-release }})
		o.workers.Begin()
		ctx, cancel := context.WithCancel(t.Context())
		var done [3]chan error
		for i, ctx := range []context.Context{ctx, t.Context(), t.Context()} {
			done[i] = make(chan error, 1)
			go func() { done[i] <- o.workers.Wait(ctx) }()
		}
		synctest.Wait()
		cancel()
		if err := <-done[0]; !errors.Is(err, context.Canceled) {
			t.Errorf("the wait ends with %v", err)
		}
		close(release)
		synctest.Wait()
		if len(done[1])+len(done[2]) > 0 {
			t.Error("Wait returned before End")
		}
		o.workers.End()
		if err := errors.Join(<-done[1], <-done[2]); err != nil {
			t.Error(err)
		}
	})
}

// At most 64 idle workers stay; Close ends them, and those that become idle later.
func TestWorkersThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		workers := new(serial.Workers[item])
		owners := make([]*owner, 200)
		for i := range owners {
			owners[i] = &owner{workers: workers}
		}
		// block has an item of an owner run until release is closed.
		release, ran := make(chan struct{}), 0
		block := func(o *owner) {
			o.push(item{do: func(*serial.Worker[item]) { <-release }})
			ran++
		}
		for _, o := range owners {
			block(o)
		}
		synctest.Wait()
		if n := workers.Busy(); n != len(owners) {
			t.Errorf("%d inboxes run, want %d", n, len(owners))
		}
		close(release)
		synctest.Wait()
		if n := workers.Idle(); n != 64 {
			t.Errorf("%d workers are idle, want 64", n)
		}
		// One at a time, so no worker is under way when the next is needed.
		release, ran = make(chan struct{}), 0
		for _, o := range owners[:70] {
			block(o)
			synctest.Wait()
			if n := workers.Idle(); n != max(64-ran, 0) {
				t.Fatalf("%d workers are idle while %d run, want %d", n, ran, max(64-ran, 0))
			}
		}
		if n := workers.Busy(); n != ran {
			t.Errorf("%d inboxes run, want %d", n, ran)
		}
		close(release)
		synctest.Wait()
		busy := make(chan struct{})
		owners[0].push(item{do: func(*serial.Worker[item]) { <-busy }})
		synctest.Wait()
		workers.Close()
		close(busy)
		owners[1].push(item{n: 5})
		synctest.Wait()
		want(t, "an item after Close", owners[1].heard(), "5")
	}) // the bubble ends only if all workers have
}

// A worker runs one inbox after the other, so a burst over many owners needs few workers.
func TestBurstNeedsFewWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // else others may begin during the burst
	const owners = 64
	bubble(t, func(t *testing.T, o *owner) {
		var mu sync.Mutex
		ran, all := make(map[*serial.Worker[item]][]int), 0
		for i := range owners {
			(&owner{workers: o.workers}).push(item{do: func(w *serial.Worker[item]) {
				mu.Lock()
				defer mu.Unlock()
				ran[w] = append(ran[w], i)
				all++
			}})
		}
		synctest.Wait()
		if all != owners || len(ran) > owners/4 {
			t.Errorf("%d workers ran %d items, want a few for %d", len(ran), all, owners)
		}
		// One may be preempted between taking an inbox and running it, so the order of
		// all of them may differ a little.
		for _, order := range ran {
			if !slices.IsSorted(order) {
				t.Errorf("a worker ran the owners in the order %v", order)
			}
		}
	})
}

// Each inbox runs, whenever workers end and others start. In a bubble a forgotten one is
// a deadlock.
func TestNoInboxIsForgotten(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	bubble(t, func(t *testing.T, o *owner) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				mine, ran := &owner{workers: o.workers}, make(chan struct{}, 1)
				for range 10_000 {
					mine.push(item{do: func(*serial.Worker[item]) { ran <- struct{}{} }})
					<-ran
				}
			})
		}
		all.Wait()
	})
}

// An inbox that is started while a worker is about to look, and made ready after that has
// found nothing, gets another worker.
func TestWorkerComesBeforeTheInbox(t *testing.T) {
	bubble(t, func(t *testing.T, o *owner) {
		start, _ := o.workers.Push(&o.inbox, item{n: 1})
		if !start {
			t.Fatal("the first push starts a worker")
		}
		o.workers.Overtake(func() { o.workers.Start(o) })
		synctest.Wait()
		want(t, "the worker", o.heard(), "1")
	})
}

// Many producers, items in lanes, Drop and the end at once: each item runs once or is
// dropped, in the order of its producer, and no two at a time except in lanes.
func TestStorm(t *testing.T) {
	const owners, producers, items = 8, 4, 500
	workers := new(serial.Workers[item])
	defer workers.Close()
	var all sync.WaitGroup
	for range owners {
		all.Go(func() {
			o, lane := &owner{workers: workers}, serial.NewLane(3)
			var ran, dropped, refused atomic.Int64
			var lastOf [producers]int // guarded by being run one at a time: the race detector looks
			ended, lanes := make(chan struct{}), atomic.Int32{}
			var sources sync.WaitGroup
			for p := range producers {
				sources.Go(func() {
					for i := range items {
						ok := o.push(item{do: func(w *serial.Worker[item]) {
							if o.running.Add(1) != 1 {
								t.Error("two items run at once")
							}
							if lastOf[p] > i {
								t.Errorf("item %d of a producer runs after %d", i, lastOf[p])
							}
							lastOf[p] = i
							o.running.Add(-1)
							ran.Add(1)
							if i%7 == 0 {
								w.Enter(lane)
								w.HandOn()
								if lanes.Add(1) > 3 {
									t.Error("four items run in a lane of three")
								}
								runtime.Gosched()
								lanes.Add(-1)
							}
							if i%50 == 3 {
								runtime.Goexit()
							}
						}})
						if !ok {
							refused.Add(1)
						}
					}
				})
			}
			sources.Go(func() {
				for ran.Load() < producers*items/2 {
					runtime.Gosched()
				}
				o.inbox.Drop(func(item) bool { dropped.Add(1); return true })
			})
			sources.Wait()
			o.pushLast(item{do: func(*serial.Worker[item]) {
				if lanes.Load() != 0 {
					t.Error("the last item runs beside others")
				}
				close(ended)
			}})
			<-ended
			if got := ran.Load() + dropped.Load() + refused.Load(); got != producers*items {
				t.Errorf("%d items ran, %d were dropped, %d refused: together not %d", ran.Load(), dropped.Load(), refused.Load(), producers*items)
			}
		})
	}
	all.Wait()
	if err := workers.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

// The hand-over of a lone item allocates nothing, and costs this much.
func BenchmarkLoneItem(b *testing.B) {
	workers := new(serial.Workers[item])
	defer workers.Close()
	ran := make(chan struct{}, 1)
	o := &owner{workers: workers}
	do := func(*serial.Worker[item]) { ran <- struct{}{} }
	b.ReportAllocs()
	for b.Loop() {
		o.push(item{do: do})
		<-ran
	}
}
