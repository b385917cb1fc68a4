// SPDX-License-Identifier: MIT

// This file tests the network and each of its faults.

package membus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A listener records what a node receives, and when.
type listener struct {
	*membus.Node
	begun time.Time

	mu    sync.Mutex // guards the fields below
	got   []string
	times []time.Duration
	state []string
}

func (l *listener) Receive(_ cluster.Channel, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got, l.times = append(l.got, string(data)), append(l.times, time.Since(l.begun))
}

func (l *listener) Down(err error) { l.note(err.Error()) }
func (l *listener) Up()            { l.note("up") }

func (l *listener) note(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = append(l.state, s)
}

// heard returns what was received since the last call.
func (l *listener) heard() string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	s := strings.Join(l.got, " ")
	l.got, l.times = nil, nil
	return s
}

var (
	events = cluster.Channel{Class: cluster.ClassEvents, Namespace: "/"}
	room   = cluster.Channel{Class: cluster.ClassRoom, Namespace: "/", Name: "r"}
	any    = cluster.Channel{Class: cluster.ClassAnyRoom, Namespace: "/"}
)

// join opens a node that is subscribed to channels.
func join(t *testing.T, w *membus.Network, name string, channels ...cluster.Channel) *listener {
	l := &listener{Node: w.Node(name), begun: time.Now()}
	if err := l.Open(l); err != nil {
		t.Fatal(err)
	}
	l.Subscribe(channels, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	synctest.Wait()
	return l
}

func (l *listener) send(t *testing.T, c cluster.Channel, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := l.Publish(c, []byte(text)); err != nil {
			t.Error(err)
		}
	}
}

func want[T comparable](t *testing.T, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

// bubble runs a test with virtual time and two nodes.
func bubble(t *testing.T, test func(t *testing.T, w *membus.Network, a, b *listener)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := membus.New(1)
		test(t, w, join(t, w, "a", events), join(t, w, "b", events))
	})
}

func TestChannels(t *testing.T) {
	bubble(t, func(t *testing.T, w *membus.Network, a, b *listener) {
		a.send(t, events, "1")
		want(t, "a", a.heard(), "1")
		want(t, "b", b.heard(), "1")
		a.send(t, room, "nobody")
		b.Subscribe([]cluster.Channel{room}, func(error) {})
		a.send(t, room, "one")
		want(t, "a room", b.heard(), "one")
		b.Subscribe([]cluster.Channel{any}, func(error) {})
		a.send(t, room, "once")
		want(t, "a room, subscribed in two ways", b.heard(), "once")
		b.Unsubscribe([]cluster.Channel{room})
		a.send(t, room, "by pattern")
		want(t, "a room, by the pattern", b.heard(), "by pattern")
		want(t, "channels", w.Subscriptions(b.Node), 2)
		b.Unsubscribe([]cluster.Channel{any, events})
		a.send(t, room, "x")
		a.send(t, events, "y")
		want(t, "nothing", b.heard(), "")
		counts, err := membus.Counting{Node: a.Node}.Subscribers(t.Context(), []cluster.Channel{events, room})
		want(t, "subscribers", fmt.Sprint(counts, err), "[1 0] <nil>")
	})
}

// A seed decides what happens, and another seed something else. Messages of one node keep
// their order.
func TestSeeds(t *testing.T) {
	run := func(seed uint64) (history string, counts membus.Counts) {
		synctest.Test(t, func(t *testing.T) {
			w := membus.New(seed)
			w.Delay(0, 50*time.Millisecond)
			w.Lose(0.2)
			w.Duplicate(0.2)
			a, b, c := join(t, w, "a"), join(t, w, "b"), join(t, w, "c", events)
			for i := range 200 {
				a.send(t, events, fmt.Sprintf("a%03d", i))
				b.send(t, events, fmt.Sprintf("b%03d", i))
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Second)
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, from := range []string{"a", "b"} {
				var of []string
				for i, text := range c.got {
					if strings.HasPrefix(text, from) {
						of = append(of, text)
						history += fmt.Sprint(text, c.times[i], " ")
					}
				}
				if !slices.IsSorted(of) {
					t.Errorf("messages of %s came in another order: %v", from, of)
				}
			}
			if slices.IsSortedFunc(c.got, func(x, y string) int { return strings.Compare(x[1:], y[1:]) }) {
				t.Error("messages of different nodes came in the order of sending")
			}
			counts = w.Counts()
		})
		return history, counts
	}
	first, counts := run(1)
	again, same := run(1)
	if first != again || counts != same {
		t.Error("the same seed gives another history")
	}
	if other, _ := run(2); other == first {
		t.Error("another seed gives the same history")
	}
	if counts.Published != 400 || counts.Lost < 40 || counts.Lost > 160 || counts.Delivered < 320 || counts.Delivered > 460 {
		t.Errorf("%+v", counts)
	}
}

func TestLossAndDuplicates(t *testing.T) {
	bubble(t, func(t *testing.T, w *membus.Network, a, b *listener) {
		w.Lose(1)
		a.send(t, events, "1")
		want(t, "all is lost", b.heard(), "")
		w.Lose(0)
		w.Duplicate(1)
		a.send(t, events, "2")
		want(t, "all comes twice", b.heard(), "2 2")
		w.Duplicate(0)
		a.send(t, events, "3")
		want(t, "and no longer", b.heard(), "3")
	})
}

func TestDelay(t *testing.T) {
	bubble(t, func(t *testing.T, w *membus.Network, a, b *listener) {
		w.Delay(time.Minute, 2*time.Minute)
		a.send(t, events, "1", "2")
		time.Sleep(time.Minute - 1)
		want(t, "too early", b.heard(), "")
		time.Sleep(time.Minute)
		want(t, "in time", b.heard(), "1 2")
		w.Confirm(time.Hour)
		begun, took := time.Now(), time.Duration(0)
		b.Subscribe([]cluster.Channel{room}, func(error) { took = time.Since(begun) })
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		want(t, "a subscription", took, time.Hour)
	})
}

// With the order by channel, messages to different rooms overtake each other, and those to
// one do not.
func TestOrderByChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := membus.New(1)
		w.OrderByChannel()
		w.Delay(0, 50*time.Millisecond)
		a, b := join(t, w, "a"), join(t, w, "b", any)
		for i := range 50 {
			for _, name := range []string{"x", "y"} {
				a.send(t, cluster.Channel{Class: cluster.ClassRoom, Namespace: "/", Name: name}, fmt.Sprintf("%s%02d", name, i))
			}
		}
		time.Sleep(time.Second)
		all := strings.Fields(b.heard())
		for _, name := range []string{"x", "y"} {
			of := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !strings.HasPrefix(s, name) })
			if len(of) != 50 || !slices.IsSorted(of) {
				t.Errorf("room %s: %v", name, of)
			}
		}
		if slices.IsSortedFunc(all, func(x, y string) int { return strings.Compare(x[1:], y[1:]) }) {
			t.Error("no room overtook the other")
		}
	})
}

func TestPartition(t *testing.T) {
	bubble(t, func(t *testing.T, w *membus.Network, a, b *listener) {
		c := join(t, w, "c", events)
		w.Partition([]string{"a"})
		a.send(t, events, "1")
		b.send(t, events, "2")
		want(t, "a", a.heard(), "1")
		want(t, "b", b.heard(), "2")
		want(t, "c, with b", c.heard(), "2")
		want(t, "lost", w.Counts().Lost, 3)
		want(t, "lost of a, and of b", [2]uint64{a.Lost(), b.Lost()}, [2]uint64{2, 1})
		w.Partition()
		a.send(t, events, "3")
		want(t, "c", c.heard(), "3")
	})
}

func TestBreak(t *testing.T) {
	bubble(t, func(t *testing.T, w *membus.Network, a, b *listener) {
		w.Delay(time.Second, time.Second)
		a.send(t, events, "on the way")
		b.Break()
		a.send(t, events, "lost")
		time.Sleep(2 * time.Second)
		want(t, "while it is broken", b.heard(), "")
		want(t, "an error", errors.Is(b.Publish(events, []byte("x")), membus.ErrDown), true)
		confirmed := false
		b.Subscribe([]cluster.Channel{room}, func(error) { confirmed = true })
		_, err := membus.Counting{Node: b.Node}.Subscribers(t.Context(), nil)
		want(t, "counting", errors.Is(err, membus.ErrDown), true)
		time.Sleep(time.Minute)
		want(t, "a subscription waits", confirmed, false)
		b.Mend()
		synctest.Wait()
		want(t, "a subscription", confirmed, true)
		a.send(t, events, "back")
		a.send(t, room, "room")
		time.Sleep(2 * time.Second)
		want(t, "afterwards", b.heard(), "back room")
		want(t, "what the receiver was told", strings.Join(b.state, ", "), "membus: the bus is down, up")
	})
}

func TestDeafen(t *testing.T) {
	bubble(t, func(t *testing.T, _ *membus.Network, a, b *listener) {
		b.Deafen()
		a.send(t, events, "1")
		b.send(t, events, "2")
		want(t, "a deaf node", b.heard(), "")
		want(t, "speaks", a.heard(), "1 2")
		b.Reset()
		a.send(t, events, "3")
		want(t, "after Reset", b.heard(), "3")
		want(t, "it was told nothing", len(b.state), 0)
	})
}

func TestPause(t *testing.T) {
	bubble(t, func(t *testing.T, _ *membus.Network, a, b *listener) {
		b.Pause()
		a.send(t, events, "1")
		published := make(chan time.Duration, 1)
		begun := time.Now()
		go func() {
			_ = b.Publish(events, []byte("2"))
			published <- time.Since(begun)
		}()
		time.Sleep(time.Minute)
		want(t, "a frozen node", b.heard(), "")
		b.Resume()
		want(t, "when its message is sent", <-published, time.Minute)
		want(t, "what waited", b.heard(), "1 2")
	})
}

func TestKill(t *testing.T) {
	bubble(t, func(t *testing.T, w *membus.Network, a, b *listener) {
		b.Kill()
		a.send(t, events, "1")
		want(t, "a dead node", b.heard(), "")
		want(t, "an error", errors.Is(b.Publish(events, nil), membus.ErrKilled), true)
		var refused error
		b.Subscribe([]cluster.Channel{room}, func(err error) { refused = err })
		want(t, "a subscription", errors.Is(refused, membus.ErrKilled), true)
		want(t, "channels", w.Subscriptions(b.Node), 0)
		_, err := membus.Counting{Node: b.Node}.Subscribers(t.Context(), nil)
		want(t, "counting", errors.Is(err, membus.ErrKilled), true)
		b.Kill() // again
	})
}

func TestRefuse(t *testing.T) {
	bubble(t, func(t *testing.T, w *membus.Network, a, b *listener) {
		refusal := errors.New("no")
		b.Refuse(func(c cluster.Channel) error {
			if c == room {
				return refusal
			}
			return nil
		})
		var first, second error
		b.Subscribe([]cluster.Channel{any, room}, func(err error) { first = err })
		b.Subscribe([]cluster.Channel{any}, func(err error) { second = err })
		synctest.Wait()
		want(t, "with the room", first, refusal)
		want(t, "without", second, nil)
		w.FailCounts(refusal)
		_, err := membus.Counting{Node: a.Node}.Subscribers(t.Context(), nil)
		want(t, "counting", err, refusal)
	})
}
