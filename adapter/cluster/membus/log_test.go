// SPDX-License-Identifier: MIT

// This file tests the logs and each of their faults.

package membus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A reader records what a node reads from the log of "/".
type reader struct {
	membus.WithLog
	t     *testing.T
	token uint64

	mu   sync.Mutex // guards the fields below
	got  []string
	last uint64
}

func (r *reader) Receive(cluster.Channel, []byte) {}
func (r *reader) Down(error)                      { r.note("down") }
func (r *reader) Up()                             { r.note("up") }
func (r *reader) Gap(_ string, upTo uint64)       { r.note("gap"); r.seen(upTo) }
func (r *reader) Settled(_ string, token uint64)  { r.note(fmt.Sprint("settled", token)) }

func (r *reader) LogOpened(_, epoch string, last uint64) {
	r.note("opened " + epoch)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = last
}

func (r *reader) Entry(_ string, e cluster.Entry) {
	if e.Token > 0 {
		r.note(fmt.Sprint("own", e.Token, " ", string(e.Data)))
	} else {
		r.note(string(e.Data))
	}
	r.seen(e.Number)
}

func (r *reader) seen(number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if number <= r.last {
		r.t.Errorf("number %d comes after %d", number, r.last)
	}
	r.last = number
}

func (r *reader) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, s)
}

func (r *reader) read() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strings.Join(r.got, ", ")
	r.got = nil
	return s
}

func (r *reader) add(texts ...string) (err error) {
	for _, text := range texts {
		r.token++
		err = errors.Join(err, r.Append("/", r.token, []byte(text)))
	}
	return err
}

// logs runs a test with virtual time and two nodes that have opened the log.
func logs(t *testing.T, test func(t *testing.T, w *membus.Network, a, b *reader)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := membus.New(1)
		open := func(name string) *reader {
			r := &reader{WithLog: membus.WithLog{Node: w.Node(name)}, t: t}
			if err := r.Open(r); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close(context.Background()) })
			r.OpenLog("/")
			want(t, name, r.read(), "opened log-0")
			return r
		}
		test(t, w, open("a"), open("b"))
	})
}

func TestLog(t *testing.T) {
	logs(t, func(t *testing.T, w *membus.Network, a, b *reader) {
		w.Delay(time.Millisecond, 20*time.Millisecond)
		_ = a.add("1", "2")
		time.Sleep(time.Second)
		_ = a.add("3")
		time.Sleep(time.Second)
		want(t, "own", a.read(), "own1 1, own2 2, own3 3")
		b.mu.Lock()
		want(t, "others", len(b.got), 3)
		last := b.last
		b.mu.Unlock()
		var all []string
		for e, err := range b.Read(t.Context(), "/", 0, last) {
			all = append(all, fmt.Sprint(string(e.Data), err))
		}
		want(t, "read", fmt.Sprint(all), "[1<nil> 2<nil> 3<nil>]")
		number, ok := b.Number("/", b.Position("/", last))
		want(t, "there and back", fmt.Sprint(number == last, ok), "true true")
		for _, bad := range []string{"", "1", "1-", "-1", "01-0", "1-x", "99999999999999999-0"} {
			if _, ok := b.Number("/", bad); ok {
				t.Errorf("%q is a position", bad)
			}
		}
	})
}

// Of the appends under way when a connection is lost, some arrive. The node learns which.
func TestLogSevered(t *testing.T) {
	logs(t, func(t *testing.T, w *membus.Network, a, b *reader) {
		w.Delay(10*time.Millisecond, 10*time.Millisecond)
		_ = a.add("1", "2", "3")
		a.Sever(2)
		if err := a.add("4"); !errors.Is(err, membus.ErrDown) {
			t.Error(err)
		}
		time.Sleep(time.Second)
		want(t, "while it is down", a.read(), "down")
		a.Mend()
		time.Sleep(time.Second)
		want(t, "then", a.read(), "up, own1 1, own2 2, settled3")
		b.mu.Lock()
		want(t, "the other", strings.Join(b.got, ", "), "1, 2")
		b.got = nil
		b.mu.Unlock()
	})
}

// A node beyond a partition waits.
func TestLogPartition(t *testing.T) {
	logs(t, func(t *testing.T, w *membus.Network, a, b *reader) {
		w.Partition([]string{"b"}, []string{"a"})
		_, _ = a.add("1"), b.add("2")
		want(t, "b", b.read(), "own1 2")
		want(t, "a", a.read(), "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, err := range a.Read(ctx, "/", 0, 1<<62) {
			want(t, "read", err, context.DeadlineExceeded)
		}
		w.Partition()
		synctest.Wait()
		a.mu.Lock()
		defer a.mu.Unlock()
		want(t, "a, afterwards", len(a.got), 2)
		a.got = nil
		b.mu.Lock()
		defer b.mu.Unlock()
		want(t, "b, afterwards", strings.Join(b.got, ", "), "1")
	})
}

func TestLogTrimmed(t *testing.T) {
	logs(t, func(t *testing.T, w *membus.Network, a, b *reader) {
		_ = a.add("1")
		a.Break()
		_ = b.add("2", "3", "4")
		w.Trim("/", 1)
		a.Mend()
		synctest.Wait()
		for _, err := range a.Read(t.Context(), "/", 0, 1<<62) {
			want(t, "read", err, adapter.ErrTrimmed)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		want(t, "a", strings.Join(a.got, ", "), "down, gap, settled1, 4, settled1, up")
		a.got = nil
	})
}

func TestLogReplaced(t *testing.T) {
	logs(t, func(t *testing.T, w *membus.Network, a, b *reader) {
		_ = a.add("1")
		want(t, "a", a.read(), "own1 1")
		w.Delay(time.Second, time.Second)
		_ = a.add("2")
		w.ReplaceLogs()
		time.Sleep(3 * time.Second)
		want(t, "a", a.read(), "opened log-1, settled2")
		_ = a.add("3")
		time.Sleep(3 * time.Second)
		want(t, "a", a.read(), "own3 3")
	})
}

func TestLogBound(t *testing.T) {
	logs(t, func(t *testing.T, w *membus.Network, a, b *reader) {
		w.Delay(time.Second, time.Second)
		w.BoundAppends(2)
		want(t, "two", a.add("1", "2"), nil)
		if err := a.add("3"); !errors.Is(err, membus.ErrFull) {
			t.Error(err)
		}
		a.CloseLog("/")
		time.Sleep(3 * time.Second)
		want(t, "a closed log", a.read(), "")
		a.OpenLog("/")
		time.Sleep(3 * time.Second)
		want(t, "opened again", a.read(), "opened log-0")
	})
}
