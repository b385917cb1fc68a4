// SPDX-License-Identifier: MIT

// This file tests Stores.

package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio/adapter"
)

// RunStore tests Stores. newStore returns a function that makes a Store, on which Open has
// not been called, for a new and empty place. The function is called again after Close;
// the new Store must then have what a durable one had stored.
func RunStore(t *testing.T, newStore func(t *testing.T) func() adapter.Store) {
	for _, exam := range []struct {
		name string
		run  func(x *storeExam)
	}{
		{"Numbers", testNumbers},
		{"Contents", testContents},
		{"Order", testAppendOrder},
		{"Lost", testLostEvents},
		{"Since", testSince},
		{"Namespaces", testLogsOfNamespaces},
		{"KeptNumbers", testKeptNumbers},
		{"Trimming", testTrimming},
		{"Bound", testLogBound},
		{"Sessions", testStoredSessions},
		{"TakenOnce", testTakenOnce},
		{"Expiry", testExpiry},
		{"SessionBounds", testSessionBounds},
		{"Replies", testAddedReplies},
		{"RepliesSize", testSizeOfReplies},
		{"Reopening", testReopening},
		{"Close", testStoreClose},
	} {
		t.Run(exam.name, func(t *testing.T) {
			x := &storeExam{T: t, make: newStore(t)}
			var cancel context.CancelFunc
			x.ctx, cancel = context.WithTimeout(context.Background(), 60*time.Second)
			t.Cleanup(cancel)
			x.open(adapter.Retention{Window: time.Minute, MaxBytes: 16 << 20, MaxSessions: 1000})
			t.Cleanup(x.close)
			exam.run(x)
		})
	}
}

// A storeExam is the test of one Store.
type storeExam struct {
	*testing.T
	adapter.Store
	make func() adapter.Store
	ctx  context.Context
	logs []adapter.Log
}

func (x *storeExam) open(r adapter.Retention) {
	x.Helper()
	x.Store = x.make()
	if err := x.Open(adapter.Node{ID: "node", Logger: slog.New(slog.DiscardHandler)}, r); err != nil {
		x.Fatalf("Open: %v", err)
	}
}

func (x *storeExam) close() {
	x.Helper()
	if x.Store == nil {
		return
	}
	for _, l := range x.logs {
		if err := l.Close(); err != nil {
			x.Errorf("Log.Close: %v", err)
		}
	}
	if err := x.Close(x.ctx); err != nil {
		x.Errorf("Close: %v", err)
	}
	x.Store, x.logs = nil, nil
}

// log returns the log of a namespace, which is closed at the end.
func (x *storeExam) log(namespace string) adapter.Log {
	x.Helper()
	l, err := x.Log(namespace)
	if err != nil {
		x.Fatalf("Log: %v", err)
	}
	x.logs = append(x.logs, l)
	return l
}

// append appends an event and returns its number.
func (x *storeExam) append(l adapter.Log, event string, change func(*adapter.Record)) (number uint64) {
	x.Helper()
	r := &adapter.Record{Deliver: func(n uint64) { number = n }}
	r.Event.JSON = fmt.Appendf(nil, "[%q]", event)
	if change != nil {
		change(r)
	}
	if err := l.Append(r); err != nil {
		x.Errorf("Append: %v", err)
	}
	return number
}

// since returns the numbers and events of a range, and its error.
func (x *storeExam) since(l adapter.Log, after, upTo uint64) string {
	var b strings.Builder
	for e, err := range l.Since(x.ctx, after, upTo) {
		if err != nil {
			fmt.Fprint(&b, "error trimmed: ", errors.Is(err, adapter.ErrTrimmed))
			continue
		}
		fmt.Fprintf(&b, "%d%s ", e.Number, e.Event.JSON)
	}
	return strings.TrimSpace(b.String())
}

func (x *storeExam) want(what string, got, expected any) {
	x.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(expected); g != w {
		x.Errorf("%s: got %s, want %s", what, g, w)
	}
}

func testNumbers(x *storeExam) {
	l := x.log("/")
	x.want("the last number of an empty log", l.Last(), 0)
	for i := range 5 {
		x.want("a number", x.append(l, "e", nil), i+1)
		x.want("the last number", l.Last(), i+1)
	}
	epoch := l.Epoch()
	if n := len(epoch); n < 8 || n > 32 || strings.Trim(epoch, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		x.Errorf("the epoch is %q", epoch)
	}
	x.want("the epoch later", l.Epoch(), epoch)
}

func testContents(x *storeExam) {
	l := x.log("/")
	before := time.Now().Add(-2 * time.Second)
	sent := adapter.KeptEvent{
		Event: adapter.Payload{
			JSON: []byte(`["e",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{0, 255}, {}},
			Meta: adapter.Meta{Origin: "node", Version: adapter.Version},
		},
		Flags:  adapter.Flags{Uncompressed: true, Overflow: adapter.OverflowFail, Conflate: "key"},
		Target: adapter.Target{Rooms: []string{"a", "b\x00,\xff"}, Except: []string{"c"}, Sender: "id", Local: true},
	}
	x.append(l, "", func(r *adapter.Record) { r.KeptEvent = sent })
	x.append(l, "", func(r *adapter.Record) { r.Event.JSON, r.Target.Rooms = []byte(`["nobody"]`), []string{} })
	x.append(l, "", func(r *adapter.Record) { r.Event.JSON, r.Socket = []byte(`["one"]`), "some id" })
	var events []adapter.KeptEvent
	for e, err := range l.Since(x.ctx, 0, 3) {
		if err != nil {
			x.Fatal(err)
		}
		events = append(events, e)
	}
	if len(events) != 3 {
		x.Fatalf("%d events", len(events))
	}
	got := events[0]
	if got.Time.Before(before) || got.Time.After(time.Now()) {
		x.Errorf("the time is %v", got.Time)
	}
	for _, texts := range [][2]any{
		{string(got.Event.JSON), string(sent.Event.JSON)}, {got.Event.Attachments, sent.Event.Attachments},
		{got.Event.Meta, sent.Event.Meta}, {got.Flags, sent.Flags},
		{got.Target, sent.Target}, {got.Socket, ""}, {events[2].Socket, "some id"},
	} {
		x.want("what is stored", texts[0], texts[1])
	}
	if events[1].Target.Rooms == nil || events[2].Target.Rooms != nil {
		x.Error("no rooms differ from all")
	}
}

// Records are delivered one at a time, in the order of their numbers; those of one
// goroutine in the order of its calls; and they are in the log by then.
func testAppendOrder(x *storeExam) {
	l := x.log("/")
	const goroutines, each = 8, 50
	var inside, last atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			own := uint64(0)
			for range each {
				var got uint64
				r := &adapter.Record{}
				r.Event.JSON = []byte(`["e"]`)
				r.Deliver = func(n uint64) {
					if inside.Add(1) != 1 {
						x.Error("two records are delivered at once")
					}
					if uint64(last.Add(1)) != n {
						x.Errorf("number %d is not delivered in order", n)
					}
					got = n
					inside.Add(-1)
				}
				if err := l.Append(r); err != nil {
					x.Errorf("Append: %v", err)
				}
				if got <= own {
					x.Errorf("number %d comes after %d", got, own)
				}
				own = got
				if x.since(l, got-1, got) != fmt.Sprintf(`%d["e"]`, got) {
					x.Errorf("number %d is not in the log when Append returns", got)
				}
			}
		})
	}
	all.Wait()
	x.want("the last number", l.Last(), goroutines*each)
}

// What was lost is known to those who open the log later.
func testLostEvents(x *storeExam) {
	l := x.log("/")
	x.want("lost", fmt.Sprint(l.Lost()), "0 false")
	x.want("MarkLost", l.MarkLost(0), nil)
	x.want("lost", fmt.Sprint(l.Lost()), "0 true")
	x.append(l, "e1", nil)
	x.append(l, "e2", nil)
	for _, after := range []uint64{2, 1} {
		x.want("MarkLost", l.MarkLost(after), nil)
		x.want("lost", fmt.Sprint(l.Lost()), "2 true")
	}
	x.want("the events", x.since(l, 0, 2), `1["e1"] 2["e2"]`)
	_, err := x.Expire(x.ctx, time.Now().Add(time.Hour), nil)
	x.want("Expire", err, nil)
	x.want("lost in another namespace", fmt.Sprint(x.log("/b").Lost()), "0 false")
	durable := x.Durable()
	if durable {
		x.close()
		x.open(adapter.Retention{Window: time.Minute, MaxBytes: 16 << 20, MaxSessions: 1000})
	}
	x.want("lost", fmt.Sprint(x.log("/").Lost()), "2 true")
}

func testSince(x *storeExam) {
	l := x.log("/")
	for i := range 200 {
		x.append(l, fmt.Sprint("e", i+1), nil)
	}
	x.want("all but the first", strings.Count(x.since(l, 1, 200), " "), 198)
	x.want("a range", x.since(l, 3, 5), `4["e4"] 5["e5"]`)
	x.want("the last", x.since(l, 199, 200), `200["e200"]`)
	x.want("nothing", x.since(l, 200, 200), "")
	x.want("nothing", x.since(l, 5, 5), "")
	for e, err := range l.Since(x.ctx, 0, 200) {
		if err != nil || e.Number == 100 {
			x.want("an error", err, nil)
			break
		}
	}
	ctx, cancel := context.WithCancel(x.ctx)
	cancel()
	var last error
	for _, last = range l.Since(ctx, 0, 200) {
	}
	if last != nil && !errors.Is(last, context.Canceled) {
		x.Errorf("a range whose context has ended has the error %v", last)
	}
}

func testLogsOfNamespaces(x *storeExam) {
	a, b := x.log("/a"), x.log("/b")
	x.append(a, "a", nil)
	x.want("the number in another namespace", x.append(b, "b", nil), 1)
	if a.Epoch() == b.Epoch() {
		x.Error("two logs have one epoch")
	}
	x.want("the events of a", x.since(a, 0, 1), `1["a"]`)
	x.want("the events of b", x.since(b, 0, 1), `1["b"]`)
	epoch := a.Epoch()
	if err := a.Close(); err != nil {
		x.Errorf("Log.Close: %v", err)
	}
	x.logs = x.logs[1:]
	a = x.log("/a")
	x.want("the epoch of the namespace made again", a.Epoch(), epoch)
	x.want("its last number", a.Last(), 1)
	x.want("the next number", x.append(a, "again", nil), 2)
	x.want("the events", x.since(a, 0, 2), `1["a"] 2["again"]`)
}

// The numbering of a namespace goes on as long as anybody may know a number: while its log
// is open or has events, and while there are sessions.
func testKeptNumbers(x *storeExam) {
	release := func() {
		x.Helper()
		if err := x.logs[len(x.logs)-1].Close(); err != nil {
			x.Errorf("Log.Close: %v", err)
		}
		x.logs = x.logs[:len(x.logs)-1]
	}
	expire := func(before time.Duration) {
		if _, err := x.Expire(x.ctx, time.Now().Add(before), func(string, *adapter.Session) {}); err != nil {
			x.Errorf("Expire: %v", err)
		}
	}
	l := x.log("/")
	epoch := l.Epoch()
	same := func(while string) {
		x.Helper()
		x.want("the epoch "+while, x.log("/").Epoch(), epoch)
		release()
	}
	expire(time.Hour)
	same("while the log is open")
	x.append(l, "e", nil)
	release()
	expire(-time.Hour)
	same("while it has events")
	x.want("Save", x.Save(x.ctx, "/", session("live", time.Time{})), nil)
	expire(time.Hour)
	same("while there is a live session")
	_, err := x.Take(x.ctx, "/", "live")
	x.want("Take", err, nil)
	x.want("Save", x.Save(x.ctx, "/", session("ended", time.Now())), nil)
	expire(-time.Hour)
	same("while there is one that has ended")
	x.want("Save", x.Save(x.ctx, "/", session("other", time.Time{})), nil)
	expire(-time.Hour)
	same("while there are both")
}

func testTrimming(x *storeExam) {
	l := x.log("/")
	x.append(l, "e1", nil)
	x.append(l, "e2", nil)
	left, err := x.Expire(x.ctx, time.Now().Add(-time.Hour), nil)
	x.want("left", fmt.Sprint(left, err), "true <nil>")
	x.want("events that are not old", x.since(l, 0, 2), `1["e1"] 2["e2"]`)
	left, err = x.Expire(x.ctx, time.Now().Add(time.Hour), nil)
	x.want("left", fmt.Sprint(left, err), "false <nil>")
	x.want("old events", x.since(l, 0, 2), "error trimmed: true")
	x.want("old events", x.since(l, 1, 2), "error trimmed: true")
	x.want("after the old events", x.since(l, 2, 2), "")
	x.want("the next number", x.append(l, "e3", nil), 3)
	x.want("the events since", x.since(l, 2, 3), `3["e3"]`)
	x.want("some old events", x.since(l, 1, 3), "error trimmed: true")
}

func testLogBound(x *storeExam) {
	x.close()
	x.open(adapter.Retention{Window: time.Minute, MaxBytes: 64 << 10, MaxSessions: 10})
	quiet, l := x.log("/quiet"), x.log("/")
	x.append(quiet, "q", nil)
	for range 200 {
		x.append(l, "e", func(r *adapter.Record) { r.Event.JSON = []byte(`["` + strings.Repeat("x", 1000) + `"]`) })
	}
	bytes, n := 0, 0
	for e, err := range l.Since(x.ctx, 170, 200) {
		if err != nil {
			x.Fatalf("the latest events are not there: %v", err)
		}
		bytes += e.Size()
		n++
	}
	x.want("the latest events", n, 30)
	x.want("the first events", x.since(l, 0, 200), "error trimmed: true")
	for from := range uint64(170) {
		if x.since(l, from, 171) != "error trimmed: true" {
			break
		}
		if from > 140 {
			bytes = 64 << 10
		}
	}
	if bytes > 64<<10 {
		x.Errorf("%d bytes are stored", bytes)
	}
}

// session returns a session with a secret.
func session(secret string, ended time.Time) *adapter.Session {
	return &adapter.Session{
		ID: "id of " + secret, Secret: secret, Data: []byte(`{"k":1}`), Epoch: "epoch", Stale: "stale",
		Rooms: []adapter.Membership{{Room: "a", From: 3}, {Room: "b\xff", From: 4, To: 5}},
		Start: 2, Last: 6, Checked: 7, Floor: 1, Ended: ended,
	}
}

func text(s *adapter.Session) string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%q %q %v %s %q %d %d %d %d %q %d", s.ID, s.Secret, s.Rooms, s.Data, s.Epoch, s.Start, s.Last, s.Checked, s.Floor, s.Stale, s.Ended.Unix())
}

func testStoredSessions(x *storeExam) {
	now := time.Now()
	s := session("secret", now)
	other := session("secret", now)
	other.ID, other.Rooms = "other", nil
	for namespace, s := range map[string]*adapter.Session{"/": session("secret", time.Time{}), "/b": other} {
		x.want("Save", x.Save(x.ctx, namespace, s), nil)
	}
	x.want("Save again", x.Save(x.ctx, "/", s), nil)
	_, err := x.Take(x.ctx, "/c", "secret")
	x.want("the session of another namespace", errors.Is(err, adapter.ErrNoSession), true)
	_, err = x.Take(x.ctx, "/", "Secret")
	x.want("another secret", errors.Is(err, adapter.ErrNoSession), true)
	got, err := x.Take(x.ctx, "/", "secret")
	x.want("the session", fmt.Sprint(text(got), err), fmt.Sprint(text(s), nil))
	_, err = x.Take(x.ctx, "/", "secret")
	x.want("a session that was taken", errors.Is(err, adapter.ErrNoSession), true)
	got, err = x.Take(x.ctx, "/b", "secret")
	x.want("the session of the other namespace", fmt.Sprint(text(got), err), fmt.Sprint(text(other), nil))
	x.want("Save after Take", x.Save(x.ctx, "/", s), nil)
	got, err = x.Take(x.ctx, "/", "secret")
	x.want("a session that was given back", fmt.Sprint(text(got), err), fmt.Sprint(text(s), nil))
}

func testTakenOnce(x *storeExam) {
	for i := range 20 {
		secret := fmt.Sprint("secret", i)
		x.want("Save", x.Save(x.ctx, "/", session(secret, time.Now())), nil)
		var winners atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				s, err := x.Take(x.ctx, "/", secret)
				switch {
				case err == nil && s != nil:
					winners.Add(1)
				case !errors.Is(err, adapter.ErrNoSession):
					x.Errorf("Take: %v", err)
				}
			})
		}
		all.Wait()
		x.want("winners", winners.Load(), 1)
	}
}

// expire returns the sessions that expire.
func (x *storeExam) expire(before time.Time) string {
	x.Helper()
	var b bytes.Buffer
	if _, err := x.Expire(x.ctx, before, func(namespace string, s *adapter.Session) {
		if _, err := x.Take(x.ctx, namespace, s.Secret); !errors.Is(err, adapter.ErrNoSession) {
			x.Errorf("a session that expires is taken: %v", err)
		}
		fmt.Fprint(&b, namespace, s.Secret, " ")
	}); err != nil {
		x.Errorf("Expire: %v", err)
	}
	return strings.TrimSpace(b.String())
}

func testExpiry(x *storeExam) {
	now := time.Now()
	for i, namespace := range []string{"/c", "/a", "/b"} {
		x.want("Save", x.Save(x.ctx, namespace, session(fmt.Sprint(i), now.Add(time.Duration(-i)*time.Hour))), nil)
	}
	x.want("Save", x.Save(x.ctx, "/", session("live", time.Time{})), nil)
	x.want("expired", x.expire(now.Add(-90*time.Minute)), "/b2")
	x.want("expired again", x.expire(now.Add(-90*time.Minute)), "")
	x.want("expired", x.expire(now.Add(time.Minute)), "/a1 /c0")
	left, err := x.Expire(x.ctx, now.Add(time.Minute), nil)
	x.want("left", fmt.Sprint(left, err), "false <nil>")
	_, err = x.Take(x.ctx, "/b", "2")
	x.want("an expired session", errors.Is(err, adapter.ErrNoSession), true)
	_, err = x.Take(x.ctx, "/", "live")
	x.want("a live session", err, nil)
}

func testSessionBounds(x *storeExam) {
	x.close()
	x.open(adapter.Retention{Window: time.Minute, MaxBytes: 8 << 10, MaxSessions: 5})
	now := time.Now()
	x.want("Save", x.Save(x.ctx, "/", session("live", time.Time{})), nil)
	for i := range 7 {
		x.want("Save", x.Save(x.ctx, "/", session(fmt.Sprint(i), now.Add(time.Duration(i)*time.Second))), nil)
	}
	_, err := x.Take(x.ctx, "/", "1")
	x.want("the second of seven", errors.Is(err, adapter.ErrNoSession), true)
	x.want("dropped", x.expire(now.Add(-time.Hour)), "/0 /1")
	large := session("large", now.Add(time.Minute))
	large.Data = []byte(`"` + strings.Repeat("x", 7<<10) + `"`)
	x.want("Save", x.Save(x.ctx, "/", large), nil)
	_, err = x.Take(x.ctx, "/", "2")
	x.want("an old one", errors.Is(err, adapter.ErrNoSession), true)
	_, err = x.Take(x.ctx, "/", "large")
	x.want("the latest", err, nil)
	_, err = x.Take(x.ctx, "/", "live")
	x.want("a live one", err, nil)
}

func testReopening(x *storeExam) {
	l := x.log("/")
	x.append(l, "e1", nil)
	x.append(l, "e2", nil)
	epoch := l.Epoch()
	ended := time.Now().Add(-30 * time.Second)
	x.want("Save", x.Save(x.ctx, "/", session("ended", ended)), nil)
	x.want("Save", x.Save(x.ctx, "/", session("live", time.Time{})), nil)
	x.want("Save", x.Save(x.ctx, "/", session("taken", ended)), nil)
	for _, secret := range []string{"dropped", "saved", "taken and dropped"} {
		x.want("Save", x.Save(x.ctx, "/", session(secret, ended)), nil)
	}
	for _, secret := range []string{"taken", "saved", "taken and dropped"} {
		_, err := x.Take(x.ctx, "/", secret)
		x.want("Take", err, nil)
	}
	saved := session("saved", ended)
	saved.ID = "as it was saved the last time"
	x.want("Save", x.Save(x.ctx, "/", saved), nil)
	x.want("Drop", x.Drop(x.ctx, "/", "dropped"), nil)
	x.want("Drop", x.Drop(x.ctx, "/", "taken and dropped"), nil)
	durable := x.Durable()
	x.close()
	before := time.Now().Add(-2 * time.Second)
	x.open(adapter.Retention{Window: time.Minute, MaxBytes: 16 << 20, MaxSessions: 1000})
	l = x.log("/")
	if !durable {
		if l.Epoch() == epoch {
			x.Error("a log whose numbering starts again has the same epoch")
		}
		return
	}
	x.want("the epoch", l.Epoch(), epoch)
	x.want("the events", x.since(l, 0, l.Last()), `1["e1"] 2["e2"]`)
	x.want("the next number", x.append(l, "e3", nil), 3)
	got, err := x.Take(x.ctx, "/", "ended")
	x.want("a session", fmt.Sprint(text(got), err), fmt.Sprint(text(session("ended", ended)), nil))
	got, err = x.Take(x.ctx, "/", "live")
	if err != nil || got.Ended.Before(before) {
		x.Errorf("a session whose server did not end it: %v %v", text(got), err)
	}
	got, err = x.Take(x.ctx, "/", "taken")
	x.want("a session that was taken, and neither saved nor dropped", fmt.Sprint(text(got), err), fmt.Sprint(text(session("taken", ended)), nil))
	_, err = x.Take(x.ctx, "/", "taken")
	x.want("the same once more", errors.Is(err, adapter.ErrNoSession), true)
	got, err = x.Take(x.ctx, "/", "saved")
	x.want("one that was saved again", fmt.Sprint(text(got), err), fmt.Sprint(text(saved), nil))
	for _, secret := range []string{"dropped", "taken and dropped"} {
		_, err = x.Take(x.ctx, "/", secret)
		x.want("one that was dropped", errors.Is(err, adapter.ErrNoSession), true)
	}
}

func testStoreClose(x *storeExam) {
	gone := x.log("/gone")
	x.logs = nil
	if err := gone.Close(); err != nil {
		x.Errorf("Log.Close: %v", err)
	}
	never := &adapter.Record{Deliver: func(uint64) { x.Error("a closed log delivers") }}
	never.Event.JSON = []byte(`["late"]`)
	if err := gone.Append(never); !errors.Is(err, adapter.ErrStoreClosed) {
		x.Errorf("a closed log of an open store appends: %v", err)
	}
	l, s := x.log("/"), x.Store
	x.append(l, "e", nil)
	x.close()
	r := &adapter.Record{Deliver: func(uint64) { x.Error("a closed log delivers") }}
	r.Event.JSON = []byte(`["late"]`)
	if err := l.Append(r); !errors.Is(err, adapter.ErrStoreClosed) {
		x.Errorf("a closed log appends: %v", err)
	}
	if err := s.Save(x.ctx, "/", session("late", time.Now())); err == nil {
		x.Error("a closed store saves")
	}
	if _, err := s.Take(x.ctx, "/", "late"); err == nil {
		x.Error("a closed store has sessions")
	}
}
