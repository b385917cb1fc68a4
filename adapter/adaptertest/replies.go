// SPDX-License-Identifier: MIT

// This file tests how Stores add replies to a session.

package adaptertest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"socketio/adapter"
)

func testAddedReplies(x *storeExam) {
	store, ok := x.Store.(adapter.ReplyStore)
	if !ok {
		return // the server saves the session instead
	}
	add := func(namespace, secret string, data ...byte) error {
		return store.AddReplies(x.ctx, namespace, secret, data)
	}
	none := func(what, namespace, secret string) {
		x.Helper()
		x.want(what, errors.Is(add(namespace, secret, 1), adapter.ErrNoSession), true)
	}
	live := func(secret string, replies ...byte) *adapter.Session {
		s := session(secret, time.Time{})
		s.Replies = replies
		return s
	}
	none("a session that does not exist", "/", "a")
	s := live("a", 1, 255)
	x.want("Save", x.Save(x.ctx, "/", s), nil)
	for _, other := range []*adapter.Session{live("ab", 7), live("b"), session("ended", time.Now())} {
		x.want("Save", x.Save(x.ctx, "/", other), nil)
	}
	x.want("Save", x.Save(x.ctx, "/b", live("a", 9)), nil)
	x.want("AddReplies", add("/", "a", 0, '\n'), nil)
	x.want("AddReplies", add("/", "a", 2), nil)
	x.want("to another", add("/", "ab", 8), nil)
	x.want("to one without", add("/", "b", 3), nil)
	none("a session that has ended", "/", "ended")
	none("a session of another namespace", "/c", "a")
	x.want("what was given to Save", s.Replies, []byte{1, 255})
	for _, c := range []struct {
		namespace, secret string
		replies           []byte
	}{{"/", "a", []byte{1, 255, 0, '\n', 2}}, {"/", "ab", []byte{7, 8}}, {"/", "b", []byte{3}}, {"/b", "a", []byte{9}}} {
		got, err := x.Take(x.ctx, c.namespace, c.secret)
		x.want("the session", fmt.Sprint(text(got), err), fmt.Sprint(text(live(c.secret)), nil))
		if err == nil {
			x.want("its replies", got.Replies, c.replies)
		}
		none("a session that was taken", c.namespace, c.secret)
	}

	testReplacedReplies(x, store)
}

func testReplacedReplies(x *storeExam, store adapter.ReplyStore) {
	live := func(secret string, replies ...byte) *adapter.Session {
		s := session(secret, time.Time{})
		s.Replies = replies
		return s
	}
	add := func(secret string, data ...byte) error { return store.AddReplies(x.ctx, "/", secret, data) }

	// Save replaces all, and Drop removes all.
	x.want("Save", x.Save(x.ctx, "/", live("a", 5)), nil)
	x.want("AddReplies", add("a", 6), nil)
	x.want("Save", x.Save(x.ctx, "/", live("a", 1)), nil)
	x.want("AddReplies", add("a", 2), nil)
	x.want("Save", x.Save(x.ctx, "/", live("b", 1)), nil)
	x.want("AddReplies", add("b", 6), nil)
	x.want("Drop", x.Drop(x.ctx, "/", "b"), nil)
	x.want("a session that was dropped", errors.Is(add("b", 1), adapter.ErrNoSession), true)
	x.want("Save", x.Save(x.ctx, "/", live("b", 3)), nil)

	// Of many sessions at once, each keeps the order of its own.
	var all sync.WaitGroup
	for i := range 20 {
		secret := fmt.Sprint("many", i)
		x.want("Save", x.Save(x.ctx, "/", live(secret)), nil)
		all.Go(func() {
			for n := range 20 {
				if err := add(secret, byte(i), byte(n)); err != nil {
					x.Errorf("AddReplies: %v", err)
				}
			}
		})
	}
	all.Wait()
	if x.Durable() { // after a crash they are there
		x.reopen()
	}
	x.replies("a", []byte{1, 2})
	x.replies("b", []byte{3})
	for i := range 20 {
		var want []byte
		for n := range 20 {
			want = append(want, byte(i), byte(n))
		}
		x.replies(fmt.Sprint("many", i), want)
	}
}

// reopen closes the store and opens the next one.
func (x *storeExam) reopen() {
	x.Helper()
	x.close()
	x.open(adapter.Retention{Window: time.Minute, MaxBytes: 16 << 20, MaxSessions: 1000})
}

// replies takes a session with replies.
func (x *storeExam) replies(secret string, want []byte) {
	x.Helper()
	got, err := x.Take(x.ctx, "/", secret)
	if err != nil || !bytes.Equal(got.Replies, want) {
		x.Errorf("the replies of %q: %v %v, want %v", secret, got, err, want)
	}
	x.want("Drop", x.Drop(x.ctx, "/", secret), nil)
}

// testSizeOfReplies checks that replies that were added count for the bound, and that
// Expire returns them.
func testSizeOfReplies(x *storeExam) {
	if _, ok := x.Store.(adapter.ReplyStore); !ok {
		return
	}
	x.close()
	x.open(adapter.Retention{Window: time.Minute, MaxBytes: 8 << 10, MaxSessions: 5})
	store := x.Store.(adapter.ReplyStore)
	x.want("Save", x.Save(x.ctx, "/", session("old", time.Now().Add(-time.Second))), nil)
	x.want("Save", x.Save(x.ctx, "/", session("live", time.Time{})), nil)
	part := []byte(strings.Repeat("x", 1<<10))
	for range 8 {
		x.want("AddReplies", store.AddReplies(x.ctx, "/", "live", part), nil)
	}
	x.want("dropped", x.expire(time.Now().Add(-time.Hour)), "/old")
	got, err := x.Take(x.ctx, "/", "live")
	if err != nil || len(got.Replies) != 8<<10 {
		x.Errorf("the live session: %v %v", text(got), err)
		return
	}
	got.Ended = time.Now()
	got.Replies = got.Replies[:4<<10]
	x.want("Save", x.Save(x.ctx, "/", got), nil)
	x.want("Save", x.Save(x.ctx, "/", session("later", time.Now().Add(time.Second))), nil)
	_, err = x.Take(x.ctx, "/", "live")
	x.want("the session when it has ended", err, nil)
}
