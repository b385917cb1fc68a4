// SPDX-License-Identifier: MIT

// This file tests how stores add replies to a session: those of one server, and those that
// nodes share.

package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
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

// testSizeOfReplies checks that the replies of a session count for the bound when it has
// ended, and not before: no connected client ends the sessions of those that have gone.
func testSizeOfReplies(x *storeExam) {
	if _, ok := x.Store.(adapter.ReplyStore); !ok {
		return
	}
	x.close()
	x.open(adapter.Retention{Window: time.Minute, MaxBytes: 8 << 10, MaxSessions: 5})
	store := x.Store.(adapter.ReplyStore)
	now := time.Now()
	x.want("Save", x.Save(x.ctx, "/", session("old", now.Add(-2*time.Second))), nil)
	large := session("large", time.Time{})
	large.Replies = make([]byte, 8<<10)
	x.want("Save", x.Save(x.ctx, "/", large), nil)
	x.want("Save", x.Save(x.ctx, "/", session("live", time.Time{})), nil)
	part := []byte(strings.Repeat("x", 1<<10))
	for range 8 {
		x.want("AddReplies", store.AddReplies(x.ctx, "/", "live", part), nil)
	}
	x.want("Save", x.Save(x.ctx, "/", session("new", now.Add(-time.Second))), nil)
	x.want("dropped for live sessions", x.expire(now.Add(-time.Hour)), "")
	got, err := x.Take(x.ctx, "/", "live")
	if err != nil || len(got.Replies) != 8<<10 {
		x.Errorf("the live session: %v %v", text(got), err)
		return
	}
	ended := *got
	ended.Ended, ended.Replies = now, nil
	ended.Replies = make([]byte, 8<<10-ended.Size()-session("new", now).Size())
	x.want("Save", x.Save(x.ctx, "/", &ended), nil)
	x.want("dropped for one that has ended", x.expire(now.Add(-time.Hour)), "/old")
	for _, secret := range []string{"new", "live", "large"} {
		_, err = x.Take(x.ctx, "/", secret)
		x.want("a session that was not dropped", err, nil)
	}
}

// A sharedReplies is the test of a store of sessions that adds replies, as nodes reach it.
type sharedReplies struct {
	*sessionsExam
	nodes []cluster.ReplySessions
}

// sharedReplies returns the test. ok is false for a store that can't add replies: nodes
// store the session instead.
func (x *sessionsExam) sharedReplies() (r *sharedReplies, ok bool) {
	r = &sharedReplies{sessionsExam: x}
	for _, node := range x.nodes {
		sessions, ok := node.(cluster.ReplySessions)
		if !ok {
			return nil, false
		}
		r.nodes = append(r.nodes, sessions)
	}
	return r, true
}

// add adds to the session s of a node and returns the outcome.
func (x *sharedReplies) add(node int, owner, secret string, data ...byte) string {
	return outcome(x.nodes[node].AddReplies(x.ctx, "/", owner, secret, data))
}

// replies returns those of a session.
func (x *sharedReplies) replies(node int, secret string) string {
	s, _, err := x.nodes[node].Get(x.ctx, "/", secret)
	if err != nil {
		return outcome(err)
	}
	return fmt.Sprint(s.Replies)
}

func testSharedReplies(all *sessionsExam) {
	x, ok := all.sharedReplies()
	if !ok {
		return
	}
	x.want("to a session that does not exist", x.add(0, ann, "s", 1), "none")
	s := shared("s", `{"v":1}`)
	s.Replies = []byte{1, 255}
	x.put(0, "/", ann, s)
	x.put(0, "/", ann, shared("other", "{}"))
	x.put(0, "/n", ann, shared("s", "{}"))
	x.want("AddReplies", x.add(0, ann, "s", 0, '\n', 200), "")
	x.want("AddReplies again", x.add(0, ann, "s", 2), "")
	x.want("AddReplies by another node", x.add(1, ben, "s", 3), "taken")
	x.want("what is added", x.replies(1, "s"), "[1 255 0 10 200 2]")
	x.want("the rest of the session", x.get(1, "/", "s"), ann+` {"v":1}`)
	x.want("another session", x.replies(1, "other"), "[]")
	if got, _, err := x.nodes[2].Get(x.ctx, "/n", "s"); err != nil || len(got.Replies) > 0 {
		x.Errorf("the same secret in another namespace: %+v, %v", got, err)
	}
	ended, cancel := context.WithCancel(x.ctx)
	cancel()
	if err := x.nodes[0].AddReplies(ended, "/", ann, "s", []byte{9}); !errors.Is(err, context.Canceled) {
		x.Errorf("AddReplies with a context that has ended: %v", err)
	}

	// Who takes the session has what was added, and adds to it.
	taken, err := x.nodes[1].Take(x.ctx, "/", "s", ben, ann, true)
	if err != nil {
		x.Fatalf("Take: %v", err)
	}
	x.want("what was taken", fmt.Sprint(taken.Replies), "[1 255 0 10 200 2]")
	x.want("AddReplies by the owner before", x.add(0, ann, "s", 4), "taken")
	x.want("AddReplies by the new one", x.add(1, ben, "s", 5), "")
	x.want("what is added", x.replies(0, "s"), "[1 255 0 10 200 2 5]")

	// Put replaces all, also when the session has ended. Nothing is added to such a one.
	s.Replies = []byte{7}
	x.put(1, "/", ben, s)
	x.want("after Put", x.replies(0, "s"), "[7]")
	x.want("AddReplies", x.add(1, ben, "s", 8), "")
	x.want("after both", x.replies(0, "s"), "[7 8]")
	s.Replies, s.Ended = []byte{7, 8}, time.Now().Add(-2*time.Hour)
	x.want("Put by another node", outcome(x.nodes[0].Put(x.ctx, "/", ann, s)), "taken")
	x.want("afterwards", x.replies(0, "s"), "[7 8]")
	x.put(1, "/", ben, s)
	x.want("AddReplies to a session that has ended", x.add(1, ben, "s", 9), "none")
	x.want("the same by another node", x.add(0, ann, "s", 9), "taken")
	x.want("the replies of one that has ended", x.replies(0, "s"), "[7 8]")
	x.expires()
	x.addsMuch()
}

// expires checks that Expire returns the replies of the session s of ben, and of one whose
// owner is dead. Nothing is added meanwhile, and nothing is left afterwards.
func (x *sharedReplies) expires() {
	x.put(2, "/", cat, shared("dead", "{}"))
	x.want("AddReplies", x.add(2, cat, "dead", 6), "")
	var during []string
	_, err := x.nodes[1].Expire(x.ctx, ben, time.Now().Add(time.Hour), func(owner string) bool { return owner != cat }, 10, func(_ string, s *adapter.Session) {
		during = append(during, fmt.Sprint(s.Secret, s.Replies))
		if s.Secret == "dead" && x.add(2, cat, "dead", 9) == "" {
			x.Error("a reply was added to a session while it is reported")
		}
	})
	x.want("the errors", fmt.Sprint(err), "<nil>")
	for _, one := range []string{"s[7 8]", "dead[6]"} {
		if !strings.Contains(fmt.Sprint(during), one) {
			x.Errorf("Expire has reported %q without %s", during, one)
		}
	}
	for _, secret := range []string{"s", "dead", "other"} {
		x.want("Drop", outcome(x.nodes[0].Drop(x.ctx, "/", secret, ann)), "")
		x.put(0, "/", ann, shared(secret, "{}"))
		x.want("a new session with the secret", x.replies(1, secret), "[]")
	}
}

// addsMuch adds to the session s of ann.
func (x *sharedReplies) addsMuch() {
	const each, count = 16 << 10, 16
	var want []byte
	for i := range byte(count) {
		part := bytes.Repeat([]byte{i, 255 - i}, each/2)
		want = append(want, part...)
		x.want("AddReplies", x.add(0, ann, "s", part...), "")
	}
	if got, err := x.nodes[2].Take(x.ctx, "/", "s", cat, ann, true); err != nil || !bytes.Equal(got.Replies, want) {
		x.Errorf("the replies are others: %v", err)
	}
}

// While its owner adds replies, another node takes the session, with all that was added.
func testTakenWhileAdded(all *sessionsExam) {
	x, ok := all.sharedReplies()
	if !ok {
		return
	}
	const rounds = 20
	for round := range rounds {
		secret := fmt.Sprint("s", round)
		x.put(0, "/", ann, shared(secret, "{}"))
		var adding sync.WaitGroup
		var added atomic.Int32
		ended := make(chan struct{})
		adding.Go(func() {
			defer close(ended)
			for n := byte(1); ; n++ {
				if got := x.add(0, ann, secret, n); got != "" {
					x.want("AddReplies after Take", got, "taken")
					return
				}
				added.Add(1)
			}
		})
		for added.Load() < int32(round%3) {
			select {
			case <-ended:
				x.Fatal("replies could not be added")
			case <-time.After(time.Millisecond):
			}
		}
		taken, err := x.nodes[1].Take(x.ctx, "/", secret, ben, ann, true)
		if err != nil {
			x.Fatalf("Take: %v", err)
		}
		adding.Wait()
		if len(taken.Replies) != int(added.Load()) {
			x.Errorf("%d replies were taken, but %d were added", len(taken.Replies), added.Load())
		}
		x.want("the replies", x.replies(2, secret), fmt.Sprint(taken.Replies))
	}
}
