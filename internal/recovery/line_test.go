// SPDX-License-Identifier: MIT

// This file tests Line.

package recovery_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/recovery"
)

// A tape records deliveries.
type tape struct {
	mu  sync.Mutex // guards the field below
	got []string
}

func (t *tape) note(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.got = append(t.got, s)
}

func (t *tape) all() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.Join(t.got, " ")
	t.got = nil
	return s
}

// A piece is an Item.
type piece struct {
	tape *tape
	name string
}

func (p *piece) Deliver(number uint64) { p.tape.note(fmt.Sprint(p.name, number)) }
func (p *piece) Flush()                {}

func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got tape
		var expirations atomic.Int32
		l := recovery.NewLine(time.Second, 4, 100, func() { expirations.Add(1) })
		defer l.Close()
		piece := func(name string) *piece { return &piece{&got, name} }
		is := func(what, want string) {
			t.Helper()
			if all := got.all(); all != want {
				t.Errorf("%s: %q, want %q", what, all, want)
			}
		}
		l.Follow(piece("x"), 1)
		is("nothing waits", "x0")
		for i, name := range []string{"a", "b", "c"} {
			l.Add(piece(name), uint64(i+1), 1)
		}
		l.Follow(piece("x"), 1)
		if _, last := l.Behind(func(recovery.Item) bool { return false }); last != 3 {
			t.Errorf("the last token is %d, want 3", last)
		}
		if behind, last := l.Behind(func(i recovery.Item) bool { return i != nil }); !l.Full() || !behind || last != 0 {
			t.Error("four items wait, of four")
		}
		is("all wait", "")
		l.Own(1, 10)
		is("the first", "a10")
		if l.Own(7, 20) {
			t.Error("a token of another kind is late")
		}
		is("those before a later one are not in the log", "b0 c0 x0")
		if !l.Own(2, 30) {
			t.Error("an entry that comes after its event was delivered is late")
		}
		l.Add(piece("d"), 8, 100)
		if !l.Full() {
			t.Error("100 bytes wait, of 100")
		}
		time.Sleep(500 * time.Millisecond)
		l.Add(piece("e"), 9, 1)
		l.Follow(piece("x"), 1)
		time.Sleep(499 * time.Millisecond)
		is("patience", "")
		time.Sleep(2 * time.Millisecond)
		is("the end of patience", "d0")
		l.Fail(9)
		is("what can't come", "e0 x0")
		l.Add(piece("f"), 10, 1)
		l.Add(piece("g"), 11, 1)
		l.Settled(10)
		is("what was settled", "f0")
		if expirations.Load() == 0 || l.Empty() || l.Full() {
			t.Error("one item waits")
		}
		l.Close()
		is("the end", "g0")
		l.Add(piece("h"), 12, 1)
		l.Follow(piece("x"), 1)
		is("after the end", "h0 x0")
		if !l.Empty() {
			t.Error("nothing waits")
		}
	})
}

// Whatever happens meanwhile, items are delivered in the order in which they were added,
// each once, and an event whose number is known has it when Own returns.
func TestLineKeepsTheOrder(t *testing.T) {
	const count = 2000
	var got tape
	l := recovery.NewLine(time.Millisecond, count, 1<<30, func() {})
	defer l.Close()
	tokens := make(chan uint64, count)
	var all sync.WaitGroup
	all.Go(func() {
		for token := range tokens {
			switch rand.N(4) {
			case 0:
				l.Settled(token)
			default:
				l.Own(token, 1000+token)
			}
		}
	})
	all.Go(func() {
		for !l.Empty() || len(tokens) > 0 {
			l.Behind(func(recovery.Item) bool { return false })
			l.Ahead(func(recovery.Item) bool { return true }, func(recovery.Item) {})
		}
	})
	for i := range count {
		p := &piece{&got, fmt.Sprintf("%05d:", i)}
		if i%3 == 0 {
			l.Follow(p, 1)
			continue
		}
		l.Add(p, uint64(i), 1)
		if i%7 > 0 {
			tokens <- uint64(i)
		} else {
			l.Fail(uint64(i))
		}
	}
	close(tokens)
	all.Wait()
	l.Settled(count)
	names := strings.Fields(got.all())
	if len(names) != count {
		t.Fatalf("%d items were delivered, want %d", len(names), count)
	}
	for i, name := range names {
		if name[:5] != fmt.Sprintf("%05d", i) {
			t.Fatalf("%s is delivered as item %d", name, i)
		}
	}
}

// An item that is being delivered is not overtaken.
func TestLineWaitsForADelivery(t *testing.T) {
	l := recovery.NewLine(time.Minute, 4, 100, func() {})
	defer l.Close()
	slow := &slowPiece{begun: make(chan struct{}), end: make(chan struct{})}
	l.Add(slow, 1, 1)
	go l.Own(1, 7) // ends with the delivery
	<-slow.begun
	time.AfterFunc(10*time.Millisecond, func() { close(slow.end) }) // Behind has long begun
	if behind, _ := l.Behind(func(recovery.Item) bool { return true }); !behind && !slow.delivered.Load() {
		t.Error("an item is being delivered, and nothing is to wait for it")
	}
}

// A slowPiece takes its time.
type slowPiece struct {
	begun, end chan struct{}
	delivered  atomic.Bool
}

func (p *slowPiece) Deliver(uint64) {
	close(p.begun)
	<-p.end
	p.delivered.Store(true)
}

func (*slowPiece) Flush() {}

// A process that was frozen reads what has come meanwhile before its events count as lost,
// also if their patience ends a moment after it goes on.
func TestLineOfAFrozenProcess(t *testing.T) {
	for _, freeze := range []time.Duration{9 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var got tape
			l := recovery.NewLine(10*time.Second, 4, 100, func() {})
			defer l.Close()
			l.Add(&piece{&got, "a"}, 1, 1)
			time.Sleep(time.Second)
			l.Freeze(freeze)
			time.Sleep(9 * time.Second)
			if all := got.all(); all != "" {
				t.Errorf("%q is delivered", all)
			}
			l.Own(1, 7)
			l.Add(&piece{&got, "b"}, 2, 1)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if all := got.all(); all != "a7 b0" {
				t.Errorf("%q is delivered, want a7 b0", all)
			}
		})
	}
}
