// SPDX-License-Identifier: MIT

// This file tests the stores of sessions that nodes share.

package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// RunSessions tests stores of sessions. newStore returns a function for a new and empty
// store, which returns the store as another node reaches it each time it is called.
func RunSessions(t *testing.T, newStore func(t *testing.T) func() cluster.Sessions) {
	for _, exam := range []struct {
		name string
		run  func(x *sessionsExam)
	}{
		{"Contents", testSharedContents},
		{"Owners", testOwners},
		{"TakenOnce", testTakenByOne},
		{"TakenWhilePut", testTakenWhilePut},
		{"Owned", testOwned},
		{"Expiry", testSharedExpiry},
		{"DeadOwners", testDeadOwners},
		{"ExpiredOnce", testExpiredByOne},
		{"Sizes", testSessionSizes},
		{"Contexts", testSessionContexts},
		{"Replies", testSharedReplies},
		{"RepliesTaken", testTakenWhileAdded},
	} {
		t.Run(exam.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			t.Cleanup(cancel)
			newNode := newStore(t)
			x := &sessionsExam{T: t, ctx: ctx}
			for range nodes {
				x.nodes = append(x.nodes, newNode())
			}
			exam.run(x)
		})
	}
}

// A sessionsExam is the test of one store, as three nodes reach it.
type sessionsExam struct {
	*testing.T
	ctx   context.Context
	nodes []cluster.Sessions
}

// The owners in these exams.
const ann, ben, cat = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"

// everyone reports that all owners are alive.
func everyone(string) bool { return true }

func (x *sessionsExam) put(node int, namespace, owner string, s *adapter.Session) {
	x.Helper()
	if err := x.nodes[node].Put(x.ctx, namespace, owner, s); err != nil {
		x.Fatalf("Put: %v", err)
	}
}

// get returns who owns a session and what is in it, or the error.
func (x *sessionsExam) get(node int, namespace, secret string) string {
	x.Helper()
	s, owner, err := x.nodes[node].Get(x.ctx, namespace, secret)
	if err != nil {
		return outcome(err)
	}
	return owner + " " + string(s.Data)
}

func (x *sessionsExam) take(node int, secret, by, from string) string {
	x.Helper()
	s, err := x.nodes[node].Take(x.ctx, "/", secret, by, from, true)
	if err != nil {
		return outcome(err)
	}
	return string(s.Data)
}

// expire returns the secrets of the sessions that Expire has reported, in order, and what
// it has returned.
func (x *sessionsExam) expire(node int, by string, before time.Time, alive func(string) bool, limit int) string {
	x.Helper()
	var secrets []string
	left, err := x.nodes[node].Expire(x.ctx, by, before, alive, limit, func(namespace string, s *adapter.Session) {
		secrets = append(secrets, namespace+s.Secret)
	})
	slices.Sort(secrets)
	return fmt.Sprint(secrets, left, outcome(err))
}

// outcome names an error.
func outcome(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, cluster.ErrTaken):
		return "taken"
	case errors.Is(err, adapter.ErrNoSession):
		return "none"
	}
	return "failed: " + err.Error()
}

func (x *sessionsExam) want(what, got, expected string) {
	x.Helper()
	if got != expected {
		x.Errorf("%s: got %q, want %q", what, got, expected)
	}
}

// shared returns a session that has not ended.
func shared(secret, data string) *adapter.Session {
	return &adapter.Session{ID: "id of " + secret, Secret: secret, Data: []byte(data), Epoch: "epoch"}
}

// over returns a session that has ended some time ago.
func over(secret string, ago time.Duration) *adapter.Session {
	s := shared(secret, "{}")
	s.Ended = time.Now().Add(-ago)
	return s
}

func testSharedContents(x *sessionsExam) {
	x.want("an unknown session", x.get(0, "/", "s"), "none")
	s := &adapter.Session{
		ID: "id", Secret: "s", Data: []byte(`{"name":"é","n":5}`), Epoch: "epoch", Start: 1 << 60, Last: 1<<63 + 1, Checked: 3, Floor: 4,
		Rooms: []adapter.Membership{{Room: "id", From: 1}, {Room: "left", From: 2, To: 9}, {Room: "r ö", From: 1 << 60}},
		Stale: "stale.1", Nonce: "nonce", Replies: []byte{0, 1, 255}, Ended: time.Now(),
	}
	x.put(0, "/", ann, s)
	got, owner, err := x.nodes[1].Get(x.ctx, "/", "s")
	if err != nil {
		x.Fatalf("Get: %v", err)
	}
	x.want("the owner", owner, ann)
	off := got.Ended.Sub(s.Ended)
	if off.Abs() > time.Millisecond {
		x.Errorf("the session has ended %v later", off)
	}
	ended := got.Ended
	got.Ended = s.Ended
	x.want("the session", fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *s))
	taken, err := x.nodes[2].Take(x.ctx, "/", "s", cat, ann, false)
	if err != nil {
		x.Fatalf("Take: %v", err)
	}
	if !taken.Ended.Equal(ended) {
		x.Errorf("the end is %v, and when it is taken %v", ended, taken.Ended)
	}
	taken.Ended = s.Ended
	x.want("the session that was taken", fmt.Sprintf("%+v", *taken), fmt.Sprintf("%+v", *s))

	live := shared("l", `{"v":1}`)
	x.put(0, "/", ann, live)
	if got, _, err := x.nodes[1].Get(x.ctx, "/", "l"); err != nil || !got.Ended.IsZero() {
		x.Errorf("a session that has not ended: %+v, %v", got, err)
	}
	live.Data, live.Rooms = []byte(`{"v":2}`), []adapter.Membership{{Room: "x", From: 1}}
	x.put(0, "/", ann, live)
	x.want("a session that was replaced", x.get(1, "/", "l"), ann+` {"v":2}`)

	const other = "/a b,ü:*?[x]'\"%"
	x.put(0, other, ann, shared("l", `{"v":3}`))
	x.want("the same secret in another namespace", x.get(2, other, "l"), ann+` {"v":3}`)
	x.want("and in the first", x.get(2, "/", "l"), ann+` {"v":2}`)
	for _, err := range []error{x.nodes[0].Drop(x.ctx, "/", "l", ann), x.nodes[0].Drop(x.ctx, "/", "l", ann), x.nodes[0].Drop(x.ctx, "/", "never", ann)} {
		if err != nil {
			x.Errorf("Drop: %v", err)
		}
	}
	x.want("a session that was dropped", x.get(1, "/", "l"), "none")
	x.want("the one of the other namespace", x.get(1, other, "l"), ann+` {"v":3}`)
	x.want("taking one that was dropped", x.take(1, "l", ben, ann), "none")
	x.put(1, "/", ben, shared("l", `{"v":4}`))
	x.want("a new one with its secret", x.get(1, "/", "l"), ben+` {"v":4}`)
}

func testOwners(x *sessionsExam) {
	x.put(0, "/", ann, shared("s", `{"v":1}`))
	other := shared("s", `{"v":2}`)
	x.want("Put by another node", outcome(x.nodes[1].Put(x.ctx, "/", ben, other)), "taken")
	x.want("the session", x.get(1, "/", "s"), ann+` {"v":1}`)
	x.want("Take from a node that is not the owner", x.take(1, "s", ben, cat), "taken")
	x.want("Take from nobody", x.take(1, "s", ben, ""), "taken")
	x.want("Take by the owner", x.take(0, "s", ann, ann), `{"v":1}`)
	x.want("Drop by another node", outcome(x.nodes[1].Drop(x.ctx, "/", "s", ben)), "")
	x.want("the session", x.get(1, "/", "s"), ann+` {"v":1}`)

	_, err := x.nodes[1].Take(x.ctx, "/", "s", ben, ann, false)
	x.want("Take of a session that has not ended", outcome(err), "taken")
	x.want("Take", x.take(1, "s", ben, ann), `{"v":1}`)
	x.want("Take again", x.take(2, "s", cat, ann), "taken")
	x.want("Put by the owner before", outcome(x.nodes[0].Put(x.ctx, "/", ann, shared("s", `{"v":3}`))), "taken")
	x.want("Drop by the owner before", outcome(x.nodes[0].Drop(x.ctx, "/", "s", ann)), "")
	x.want("the session", x.get(0, "/", "s"), ben+` {"v":1}`)
	x.put(1, "/", ben, shared("s", `{"v":4}`))

	ended := shared("s", `{"v":5}`)
	ended.Ended = time.Now()
	x.put(1, "/", ben, ended)
	x.want("Put of a session that has ended, by another node", outcome(x.nodes[2].Put(x.ctx, "/", cat, other)), "taken")
	if s, err := x.nodes[2].Take(x.ctx, "/", "s", cat, ben, false); err != nil || string(s.Data) != `{"v":5}` {
		x.Errorf("Take of one that has ended: %v", err)
	}
	x.put(2, "/", cat, shared("s", `{"v":6}`))
	x.want("the session", x.get(0, "/", "s"), cat+` {"v":6}`)
}

func testTakenByOne(x *sessionsExam) {
	const rounds, takers = 5, 50
	for round := range rounds {
		secret := fmt.Sprint("s", round)
		x.put(0, "/", ann, shared(secret, `{"v":1}`))
		var all sync.WaitGroup
		got := make([]string, takers)
		for i := range takers {
			all.Go(func() {
				if _, err := x.nodes[i%nodes].Take(x.ctx, "/", secret, fmt.Sprintf("%016x", i), ann, true); err != nil {
					got[i] = outcome(err)
				} else {
					got[i] = "mine"
				}
			})
		}
		all.Wait()
		first := slices.Index(got, "mine")
		if first < 0 {
			x.Fatalf("nobody has taken the session: %q", got)
		}
		for i, one := range got {
			if i != first && one != "taken" {
				x.Errorf("taker %d: %q, and %d has it", i, one, first)
			}
		}
		x.want("the session", x.get(1, "/", secret), fmt.Sprintf(`%016x {"v":1}`, first))
	}
}

// While its owner saves a session, another node takes it: nothing is saved afterwards.
func testTakenWhilePut(x *sessionsExam) {
	const rounds = 20
	for round := range rounds {
		secret := fmt.Sprint("s", round)
		x.put(0, "/", ann, shared(secret, `{"v":0}`))
		var all sync.WaitGroup
		var saved atomic.Int64 // the latest version that was stored
		ended := make(chan struct{})
		all.Go(func() {
			defer close(ended)
			for v := int64(1); ; v++ {
				err := x.nodes[0].Put(x.ctx, "/", ann, shared(secret, fmt.Sprintf(`{"v":%d}`, v)))
				if err != nil {
					x.want("Put after Take", outcome(err), "taken")
					return
				}
				saved.Store(v)
			}
		})
		for saved.Load() < int64(round%3) {
			select {
			case <-ended:
				x.Fatal("the session could not be saved")
			case <-time.After(time.Millisecond):
			}
		}
		taken := x.take(1, secret, ben, ann)
		all.Wait()
		if want := fmt.Sprintf(`{"v":%d}`, saved.Load()); taken != want {
			x.Errorf("%s was taken, but %s was stored last", taken, want)
		}
		x.want("the session", x.get(2, "/", secret), ben+" "+taken)
	}
}

func testOwned(x *sessionsExam) {
	const count = 300
	var secrets, expected []string
	for i := range count {
		secret := fmt.Sprintf("s%03d", i)
		secrets = append(secrets, secret)
		switch i % 4 {
		case 0:
			x.put(0, "/", ann, shared(secret, "{}"))
			expected = append(expected, secret)
		case 1:
			x.put(1, "/", ben, shared(secret, "{}"))
		case 2:
			x.put(0, "/", ann, shared(secret, "{}"))
			x.take(2, secret, cat, ann)
		}
	}
	x.put(0, "/other", ann, shared("s003", "{}"))
	got, err := x.nodes[0].Owned(x.ctx, "/", ann, secrets)
	slices.Sort(got)
	x.want("Owned", fmt.Sprint(got, err), fmt.Sprint(expected, nil))
	got, err = x.nodes[0].Owned(x.ctx, "/", ann, nil)
	x.want("Owned of nothing", fmt.Sprint(len(got), err), "0 <nil>")
	got, err = x.nodes[0].Owned(x.ctx, "/never", ann, secrets[:2])
	x.want("Owned in a namespace without sessions", fmt.Sprint(len(got), err), "0 <nil>")
}

func testSharedExpiry(x *sessionsExam) {
	before := time.Now().Add(-time.Hour)
	x.want("an empty store", x.expire(0, ann, before, everyone, 10), "[] false")
	x.put(0, "/", ann, over("old", 2*time.Hour))
	x.put(0, "/n", ann, over("old", 3*time.Hour))
	x.put(0, "/", ann, over("new", time.Minute))
	x.put(0, "/", ann, shared("live", "{}"))
	x.want("Expire by another node", x.expire(1, ben, before, everyone, 10), "[] true")
	x.want("Expire", x.expire(0, ann, before, everyone, 10), "[/nold /old] true")
	x.want("a session that has expired", x.get(0, "/", "old"), "none")
	x.want("Expire again", x.expire(0, ann, before, everyone, 10), "[] true")
	x.want("a session that has not expired", x.take(2, "new", cat, ann), "{}")
	x.want("a session that has not ended", x.take(2, "live", cat, ann), "{}")

	// While a session is reported, it can't be taken or saved; afterwards its secret is free.
	x.put(0, "/", ann, over("late", 2*time.Hour))
	var during []string
	_, err := x.nodes[0].Expire(x.ctx, ann, before, everyone, 10, func(string, *adapter.Session) {
		during = append(during, x.get(2, "/", "late"), x.take(2, "late", cat, ann), x.take(0, "late", ann, ann),
			outcome(x.nodes[0].Put(x.ctx, "/", ann, shared("late", "{}"))))
		owned, err := x.nodes[0].Owned(x.ctx, "/", ann, []string{"late"})
		during = append(during, fmt.Sprint(len(owned), err))
	})
	x.want("while it is reported", fmt.Sprint(during, err), "[none none none taken 0 <nil>] <nil>")
	x.put(0, "/", ann, shared("late", "{}"))

	// At most limit at once.
	const count, limit = 25, 10
	for i := range count {
		x.put(i%nodes, "/", []string{ann, ben}[i%2], over(fmt.Sprintf("many%02d", i), 2*time.Hour))
	}
	seen := 0
	for rounds := 0; seen < count && rounds < 10; rounds++ {
		found := 0
		left, err := x.nodes[1].Expire(x.ctx, ben, before, func(owner string) bool { return owner != ann }, limit, func(string, *adapter.Session) { found++ })
		if err != nil || found > limit || !left {
			x.Fatalf("Expire: %d sessions, left %v, %v", found, left, err)
		}
		seen += found
	}
	x.want("sessions that were reported", fmt.Sprint(seen), fmt.Sprint(count))
}

func testDeadOwners(x *sessionsExam) {
	x.put(0, "/", ann, shared("ann", "{}"))
	x.put(1, "/", ben, shared("ben", "{}"))
	x.put(1, "/", ben, over("ended", time.Minute))
	benIsDead := func(owner string) bool { return owner != ben }
	hourAgo, later := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	x.want("too early", x.expire(2, cat, hourAgo, benIsDead, 10), "[] true")
	left := x.expire(2, cat, later, benIsDead, 10)
	x.want("the sessions of a dead owner", left, "[/ben /ended] true")
	x.want("that of another", x.get(2, "/", "ann"), ann+" {}")
	x.want("Put by the dead owner", outcome(x.nodes[1].Put(x.ctx, "/", ben, shared("ben", "{}"))), "")

	// A node dies while it reports a session: another node reports it.
	x.put(1, "/", ben, over("twice", 2*time.Hour))
	crashed := errors.New("crashed")
	func() {
		defer func() {
			if r := recover(); r != crashed { //nolint:errorlint // the value itself
				panic(r)
			}
		}()
		_, _ = x.nodes[1].Expire(x.ctx, ben, hourAgo, everyone, 10, func(string, *adapter.Session) { panic(crashed) })
	}()
	x.want("while the node may still be alive", x.expire(2, cat, hourAgo, everyone, 10), "[] true")
	x.want("taking it", x.take(2, "twice", cat, ben), "none")
	x.want("when the node is dead", x.expire(2, cat, later, benIsDead, 10), "[/ben /twice] true")
}

func testExpiredByOne(x *sessionsExam) {
	const count, limit = 60, 7
	const dead = "dddddddddddddddd"
	isAlive := func(owner string) bool { return owner != dead }
	for i := range count {
		x.put(i%nodes, "/", dead, over(fmt.Sprintf("s%02d", i), 2*time.Hour))
	}
	var mu sync.Mutex // guards the field below
	seen := make(map[string]int)
	var all sync.WaitGroup
	for i, by := range []string{ann, ben, cat} {
		all.Go(func() {
			for range count {
				_, err := x.nodes[i].Expire(x.ctx, by, time.Now().Add(-time.Hour), isAlive, limit, func(_ string, s *adapter.Session) {
					mu.Lock()
					defer mu.Unlock()
					seen[s.Secret]++
				})
				if err != nil {
					x.Errorf("Expire: %v", err)
				}
			}
		})
	}
	all.Wait()
	for i := range count {
		if n := seen[fmt.Sprintf("s%02d", i)]; n != 1 {
			x.Errorf("session %d was reported %d times", i, n)
		}
	}
}

func testSessionSizes(x *sessionsExam) {
	const rooms, most = 5000, 1 << 20
	s := shared("large", `{"text":"`+strings.Repeat("é<", most/6)+`"}`)
	s.Replies = []byte(strings.Repeat("\x00\xff", most/6))
	for i := range rooms {
		s.Rooms = append(s.Rooms, adapter.Membership{Room: fmt.Sprint("room ", i), From: uint64(i)})
	}
	x.put(0, "/", ann, s)
	got, err := x.nodes[1].Take(x.ctx, "/", "large", ben, ann, true)
	if err != nil {
		x.Fatalf("Take: %v", err)
	}
	if string(got.Data) != string(s.Data) || string(got.Replies) != string(s.Replies) || !slices.Equal(got.Rooms, s.Rooms) {
		x.Errorf("a session of %d bytes is another: %d", s.Size(), got.Size())
	}
}

func testSessionContexts(x *sessionsExam) {
	x.put(0, "/", ann, shared("s", `{"v":1}`))
	ended, cancel := context.WithCancel(x.ctx)
	cancel()
	all := x.nodes[0]
	_, _, getErr := all.Get(ended, "/", "s")
	_, takeErr := all.Take(ended, "/", "s", ben, ann, true)
	_, ownedErr := all.Owned(ended, "/", ann, []string{"s"})
	_, expireErr := all.Expire(ended, ben, time.Now().Add(time.Hour), func(string) bool { return false }, 10, func(_ string, s *adapter.Session) {
		x.Errorf("%s was reported", s.Secret)
	})
	for method, err := range map[string]error{
		"Put": all.Put(ended, "/", ann, shared("s", `{"v":2}`)), "Get": getErr, "Take": takeErr,
		"Drop": all.Drop(ended, "/", "s", ann), "Owned": ownedErr, "Expire": expireErr,
	} {
		if !errors.Is(err, context.Canceled) {
			x.Errorf("%s: %v", method, err)
		}
	}
	x.want("the session", x.get(0, "/", "s"), ann+` {"v":1}`)
}
