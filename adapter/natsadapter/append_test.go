// SPDX-License-Identifier: MIT

// This file tests the order of entries when some of them are lost on their way.

package natsadapter

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"socketio/adapter/cluster"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
)

// A tape is a receiver that keeps what comes of logs.
type tape struct {
	silent
	mu      sync.Mutex // guards the fields below
	opened  bool
	entries []string
	last    uint64
	settled uint64
}

// openTape opens a bus with a small log, which tells a tape. It ends with the test.
func openTape(t testing.TB, urls string, o *Options) (*jet, *tape) {
	t.Helper()
	o.Log.MaxBytes, o.Log.MaxSessionBytes = min(o.Log.MaxBytes, 8<<20), 8<<20
	j, r := newJet(urls, o), new(tape)
	if err := j.Open(r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := j.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return j, r
}

func (r *tape) LogOpened(string, string, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = true
}

func (r *tape) Entry(_ string, e cluster.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.entries = e.Number, append(r.entries, fmt.Sprint(string(e.Data), e.Token))
}

func (r *tape) Settled(_ string, token uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settled = token
}

// wait waits until a condition of the fields holds.
func (r *tape) wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	state := ""
	if !clusterhost.HoldsWithin(clusterhost.Limit, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		state = fmt.Sprint(r.entries, r.settled)
		return holds()
	}) {
		t.Fatalf("%s: not after %v: %s", what, clusterhost.Limit, state)
	}
}

// Of five entries without answers, the third is stored and the others are lost, as when a
// leader leaves. The first two are not stored after the third: they never come. Those after
// it are sent again, in order.
func TestLostEntriesAreNotStoredLater(t *testing.T) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) { testLostEntries(t, LogOptions{}, natstest.Start(t, natstest.JetStream)) })
	t.Run("three servers", func(t *testing.T) { testLostEntries(t, LogOptions{Replicas: 3}, StartThree(t)...) })
}

func testLostEntries(t *testing.T, l LogOptions, servers ...*natstest.Server) {
	for stored, want := range map[uint64]string{0: "[a1 b2 c3 d4 e5 f6]", 1: "[a1 b2 c3 d4 e5 f6]", 3: "[c3 d4 e5 f6]", 5: "[e5 f6]"} {
		o := (&Options{Prefix: fmt.Sprint("lost", stored), Log: l}).withDefaults()
		j, r := openTape(t, natstest.URLs(servers), &o)
		j.OpenLog("/")
		r.wait(t, "the log", func() bool { return r.opened })
		if l.Replicas > 1 {
			_ = LeaderOf(t, servers, o.Prefix)
		}
		nc, epoch := j.link.current()
		reader := j.reader("/")
		subject, _ := j.subjects.logSubject("/")
		var all []*flight
		for token := uint64(1); token <= 5; token++ {
			m := &nats.Msg{Subject: subject, Data: []byte{'a' - 1 + byte(token)}, Header: nats.Header{jetstream.MsgIDHeader: {reader.messageID(token)}}}
			all = append(all, &flight{of: &reader.tokens, token: token, number: fmt.Sprint("x", token), m: m, sent: time.Now(), state: doubted})
		}
		a := j.appender
		a.mu.Lock()
		a.sent, a.epoch = slices.Clone(all), epoch
		for _, f := range all {
			f.m.Reply = a.inbox + ".a" + f.number
			a.flights[f.number] = f
			a.bytes += sizeOf(f.m)
			reader.tokens.add(f)
			if f.token != stored {
				continue
			}
			if _, err := nc.RequestMsg(&nats.Msg{Subject: subject, Data: f.m.Data, Header: f.m.Header}, time.Minute); err != nil {
				t.Error(err)
			}
		}
		a.mu.Unlock()
		poke(a.wake)
		r.wait(t, "the end of the doubts", func() bool { return j.state.err(causeAppends) == nil && len(a.all()) == 0 })
		if err := j.Append("/", 6, []byte("f")); err != nil {
			t.Errorf("Append: %v", err)
		}
		r.wait(t, "the last entry", func() bool { return len(r.entries) > 0 && r.entries[len(r.entries)-1] == "f6" })
		r.mu.Lock()
		if got := fmt.Sprint(r.entries); got != want {
			t.Errorf("number %d was stored: the entries are %s, want %s", stored, got, want)
		}
		var there []string
		for e, err := range j.Read(t.Context(), "/", 0, r.last) {
			if err != nil {
				t.Errorf("Read: %v", err)
			}
			there = append(there, string(e.Data))
		}
		if got := fmt.Sprint(there); got != regexp.MustCompile("[0-9]").ReplaceAllString(want, "") {
			t.Errorf("number %d was stored: in the stream are %s, want those of %s", stored, got, want)
		}
		if stored > 1 && r.settled != stored-1 {
			t.Errorf("number %d was stored: those up to %d are settled", stored, r.settled)
		}
		r.mu.Unlock()
	}
}

// An entry that JetStream refuses is settled and counted, although Append has returned nil.
func TestRefusedEntriesAreCounted(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	o := (&Options{Prefix: "refused"}).withDefaults()
	j, r := openTape(t, server.URL(), &o)
	j.OpenLog("/")
	r.wait(t, "the log", func() bool { return r.opened })
	snap, err := j.stream.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nc, _ := j.link.current()
	js, err := j.stream.jet(nc)
	if err != nil {
		t.Fatal(err)
	}
	snap.config.MaxMsgSize = 1000
	if _, err := js.UpdateStream(t.Context(), snap.config); err != nil {
		t.Fatal(err)
	}
	for token, data := range []string{"a", strings.Repeat("b", 2000), "c"} {
		if err := j.Append("/", uint64(token+1), []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	r.wait(t, "the last entry", func() bool { return len(r.entries) == 2 && r.entries[1] == "c3" && r.settled == 2 })
	if lost := j.Lost(); lost != 1 {
		t.Errorf("%d entries are lost, of which one was refused", lost)
	}
}

// A process that was frozen reads the answers that have come meanwhile before it doubts what
// has become of its entries.
func TestAppenderOfAFrozenProcess(t *testing.T) {
	link, now := &link{up: make(chan struct{}), isUp: true, epoch: 1}, time.Now()
	for name, test := range map[string]struct {
		looked        time.Duration // how long ago
		doubts, waits bool
	}{
		"frozen": {9 * time.Second, false, true},
		"slow":   {looksEvery, true, false},
	} {
		a := newAppender(&stream{link: link, ctx: t.Context()}, newState(), 1<<20)
		of := &tokens{wake: make(chan struct{}, 1)}
		for token := range uint64(2) {
			if err := a.put(of, token+1, &nats.Msg{}); err != nil {
				t.Fatal(err)
			}
		}
		if f := a.next(1); f == nil {
			t.Fatal("nothing is sent")
		}
		long := now.Add(-9 * time.Second) // as if that were when they were sent, and queued
		a.looked, a.sent[0].since, a.queue[0].since = now.Add(-test.looked), long, long
		a.thaw()
		if doubts := a.doubt(1); doubts != test.doubts {
			t.Errorf("%s: doubts %v", name, doubts)
		}
		a.giveUp()
		if waits := len(a.queue) == 1; waits != test.waits {
			t.Errorf("%s: the next entry waits: %v", name, waits)
		}
	}
}

// A reader whose NATS server lags behind reads from the leader, several entries at once, up to
// one that is not there.
func TestReadingFromTheLeader(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.JetStream)
	o := (&Options{Prefix: "leader"}).withDefaults()
	j, r := openTape(t, server.URL(), &o)
	j.OpenLog("/")
	j.OpenLog("/other")
	r.wait(t, "the log", func() bool { return r.opened })
	const each = 150
	for n := range each {
		for i, namespace := range []string{"/", "/other"} {
			clusterhost.Eventually(t, "an entry is taken", func() bool {
				return j.Append(namespace, uint64(2*n+i+1), fmt.Append(nil, namespace, n)) == nil
			})
		}
	}
	r.wait(t, "the entries", func() bool { return len(r.entries) == 2*each && len(j.appender.all()) == 0 })
	snap, err := j.stream.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	read := func(after uint64) (entries []string, cursor uint64) {
		late := new(tape)
		reader := newLogReader(j.bus, j.stream, j.appender, late, "/", "of another")
		reader.ctx, reader.epoch, reader.cursor = t.Context(), snap.epoch, after
		nc, _ := j.link.current()
		if err := reader.askLeader(t.Context(), nc, snap.last); err != nil {
			t.Error(err)
		}
		return late.entries, reader.cursor
	}
	if all, _ := read(0); len(all) != each || fmt.Sprint(all[:2]) != "[/00 /10]" || all[each-1] != fmt.Sprint("/", each-1, "0") {
		t.Errorf("%d entries: %v", len(all), all)
	}
	nc, _ := j.link.current()
	js, err := j.stream.jet(nc)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := js.Stream(t.Context(), j.stream.name)
	if err == nil {
		err = kept.DeleteMsg(t.Context(), 201)
	}
	if err != nil {
		t.Fatal(err)
	}
	if some, cursor := read(0); cursor > 201 || cursor < 199 || len(some) < 99 || len(some) > 100 {
		t.Errorf("%d entries up to %d, where number 201 is not there", len(some), cursor)
	}
	if rest, _ := read(201); len(rest) < 49 {
		t.Errorf("%d entries after number 201", len(rest))
	}
}

// all returns what was sent and has not ended.
func (a *appender) all() []*flight {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sent)
}
