// SPDX-License-Identifier: MIT

// This file holds the test that all counters balance after a storm, and ledger: an
// observer that counts everything, and checks the order that the interfaces promise.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
)

// A ledger implements every observer interface.
type ledger struct {
	mu      sync.Mutex // guards the fields below
	count   map[string]int
	open    map[uint64]bool   // connections
	there   map[string]bool   // sockets
	rooms   map[string]int    // of a socket and a room
	inbox   map[string]int    // events of a socket that have neither been handled nor dropped
	spaces  map[string]int    // namespaces
	paused  map[uint64]int    // connections
	asked   map[string]int    // acknowledgements of a socket
	started map[*int]struct{} // handlers
	reasons map[string]int
	wrong   []string
	more    chan struct{} // closed at the next change
}

func newLedger() *ledger {
	return &ledger{
		count: map[string]int{}, open: map[uint64]bool{}, there: map[string]bool{}, rooms: map[string]int{},
		inbox: map[string]int{}, spaces: map[string]int{}, paused: map[uint64]int{}, asked: map[string]int{},
		started: map[*int]struct{}{}, reasons: map[string]int{}, more: make(chan struct{}),
	}
}

// note counts an observation and updates the ledger.
func (l *ledger) note(what string, n int, change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count[what] += n
	if change != nil {
		change()
	}
	close(l.more)
	l.more = make(chan struct{})
}

func (l *ledger) must(ok bool, format string, args ...any) {
	if !ok {
		l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
	}
}

func name(s socketio.SocketInfo) string { return s.Namespace + " " + s.ID }

func (l *ledger) ConnOpened(c socketio.ConnInfo) {
	l.note("opened", 1, func() {
		_, known := l.open[c.Number]
		l.must(!known && c.Number > 0, "connection %d opened twice", c.Number)
		l.must(c.Handshake.Host != "" && c.Transport != "", "connection %d without handshake", c.Number)
		l.open[c.Number] = true
	})
}

func (l *ledger) ConnUpgraded(c socketio.ConnInfo) {
	l.note("upgraded", 1, func() {
		l.must(c.Transport == websocket, "upgraded to %s", c.Transport)
	})
}

func (l *ledger) ConnClosed(c socketio.ConnInfo, reason engineio.CloseReason, err error) {
	l.note("closed", 1, func() {
		l.must(l.open[c.Number], "connection %d closed, which was not open", c.Number)
		l.open[c.Number] = false
		l.reasons[string(reason)]++
	})
}

func (l *ledger) RequestRefused(e *engineio.ConnectionError) {
	l.note(fmt.Sprint("refused ", e.Status, " ", e.Code), 1, nil)
}

func (l *ledger) TrafficIn(t socketio.Traffic) {
	l.note("bytes in "+t.Transport, t.Bytes, func() { l.count["messages in"] += t.Messages })
}

func (l *ledger) TrafficOut(t socketio.Traffic) {
	l.note("bytes out "+t.Transport, t.Bytes, func() { l.count["messages out"] += t.Messages })
}

func (l *ledger) MessagesDropped(c socketio.ConnInfo, n int, why socketio.DropReason) {
	l.note("lost "+string(why), n, nil)
}

func (l *ledger) SocketJoined(s socketio.SocketInfo) {
	l.note("joined", 1, func() {
		l.must(!l.there[name(s)], "%s joined twice", name(s))
		l.must(s.Socket.Namespace().Name() == s.Namespace, "%s has another namespace", name(s))
		l.there[name(s)] = true
	})
}

func (l *ledger) SocketRefused(s socketio.SocketInfo, err error) {
	l.note("turned away "+s.Namespace, 1, func() {
		l.must(err != nil, "refused for nothing")
		l.must(s.Conn > 0, "refused on no connection")
	})
}

func (l *ledger) SocketLeft(s socketio.SocketInfo, reason socketio.DisconnectReason, err error) {
	l.note("left", 1, func() {
		l.must(l.there[name(s)], "%s left, which was not there", name(s))
		delete(l.there, name(s))
		l.reasons[string(reason)]++
	})
}

func (l *ledger) RoomJoined(s socketio.SocketInfo, room string) {
	l.note("rooms joined", 1, func() { l.rooms[name(s)+" "+room]++ })
}

func (l *ledger) RoomLeft(s socketio.SocketInfo, room string) {
	l.note("rooms left", 1, func() { l.rooms[name(s)+" "+room]-- })
}

func (l *ledger) NamespaceCreated(n socketio.NamespaceInfo) {
	l.note("namespaces", 1, func() { l.spaces[n.Name]++ })
}

func (l *ledger) NamespaceRemoved(n socketio.NamespaceInfo) {
	l.note("namespaces removed", 1, func() { l.spaces[n.Name]-- })
}

func (l *ledger) EventIn(s socketio.SocketInfo, size int) {
	l.note("in", 1, func() {
		l.must(size > 0, "an event of %d bytes", size)
		l.inbox[name(s)]++
	})
}

func (l *ledger) EventHandled(s socketio.SocketInfo, e socketio.EventInfo, took time.Duration, err error) {
	l.note("handled", 1, func() {
		l.inbox[name(s)]--
		l.must(l.inbox[name(s)] >= 0, "%s handled more than came", name(s))
		l.must(took >= 0, "it took %v", took)
		l.count["handled "+e.Name]++
		if err != nil {
			l.count["failed "+e.Name]++
		}
		if !e.Known {
			l.count["unknown"]++
		}
		if e.WantsAck {
			l.count["answers wanted"]++
		}
	})
}

func (l *ledger) EventsDropped(s socketio.SocketInfo, n int) {
	l.note("dropped", n, func() { l.inbox[name(s)] -= n })
}

func (l *ledger) EventOut(o socketio.OutInfo) {
	l.note("out "+o.Event, 1, func() {
		l.must(o.Bytes > 0 && o.Namespace != "", "an event of nothing: %+v", o)
		l.must(o.To.ID == "" || o.Recipients == 1 && o.To.Namespace == o.Namespace, "to one, but %d", o.Recipients)
		l.count["copies "+o.Event] += o.Recipients
	})
}

func (l *ledger) HandlerFailed(s socketio.SocketInfo, e *socketio.HandlerError) {
	l.note("reported "+e.Event, 1, nil)
}

type traceKey struct{}

func (l *ledger) HandlerStart(ctx context.Context, s socketio.SocketInfo, e socketio.EventInfo) context.Context {
	span := new(int)
	l.note("started", 1, func() { l.started[span] = struct{}{} })
	return context.WithValue(ctx, traceKey{}, span)
}

func (l *ledger) HandlerEnd(ctx context.Context, s socketio.SocketInfo, e socketio.EventInfo, err error) {
	span, _ := ctx.Value(traceKey{}).(*int)
	l.note("ended", 1, func() {
		_, ok := l.started[span]
		l.must(ok, "a handler ended with the context of another")
		delete(l.started, span)
	})
}

func (l *ledger) AckAsked(ctx context.Context, s socketio.SocketInfo, event string) {
	l.note("asked", 1, func() { l.asked[name(s)]++ })
}

func (l *ledger) AckEnded(ctx context.Context, s socketio.SocketInfo, event string, took time.Duration, err error) {
	what := "answered"
	if err != nil {
		what = "unanswered"
	}
	l.note(what, 1, func() { l.asked[name(s)]-- })
}

func (l *ledger) ReadingPaused(c socketio.ConnInfo) {
	l.note("paused", 1, func() { l.paused[c.Number]++ })
}

func (l *ledger) ReadingResumed(c socketio.ConnInfo) {
	l.note("resumed", 1, func() { l.paused[c.Number]-- })
}

// all returns the counts.
func (l *ledger) all() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.count)
}

// await waits until an observation was counted n times.
func (l *ledger) await(w *world, what string, n int) {
	w.Helper()
	timeout := time.After(w.patient)
	for {
		l.mu.Lock()
		got, more := l.count[what], l.more
		l.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-more:
		case <-timeout:
			w.Fatalf("%s: %d, want %d; all: %v", what, got, n, l.all())
		}
	}
}

// balances checks the ledger of a server that has ended; live are the remaining
// namespaces.
func (l *ledger) balances(t testing.TB, live ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, wrong := range l.wrong {
		t.Error(wrong)
	}
	c := l.count
	for _, pair := range [][2]string{
		{"opened", "closed"}, {"joined", "left"}, {"rooms joined", "rooms left"}, {"started", "ended"}, {"paused", "resumed"},
	} {
		want(t, pair[0]+" and "+pair[1], c[pair[0]], c[pair[1]])
	}
	want(t, "events handled and dropped", c["handled"]+c["dropped"], c["in"])
	want(t, "handlers traced", c["started"], c["handled"])
	want(t, "acknowledgements ended", c["answered"]+c["unanswered"], c["asked"])
	for number, open := range l.open {
		if open {
			t.Errorf("connection %d is open", number)
		}
	}
	want(t, "sockets left", len(l.there), 0)
	for _, m := range []map[string]int{l.rooms, l.inbox, l.asked} {
		for what, n := range m {
			if n != 0 {
				t.Errorf("%s: %d left over", what, n)
			}
		}
	}
	for number, n := range l.paused {
		if n != 0 {
			t.Errorf("connection %d was paused %d times more than resumed", number, n)
		}
	}
	var left []string
	for name, n := range l.spaces {
		if n > 0 {
			left = append(left, name)
		}
		if n < 0 || n > 1 {
			t.Errorf("namespace %s exists %d times", name, n)
		}
	}
	slices.Sort(left)
	want(t, "namespaces", strings.Join(left, " "), strings.Join(live, " "))
}

// A stormClient counts the packets that it receives.
type stormClient struct {
	*peer
	number                                int
	answers, direct, questioned, answered int
}

// hear takes packets until it has n answers.
func (c *stormClient) hear(n int) error {
	for c.answers < n {
		got, err := c.next()
		if err != nil {
			return fmt.Errorf("client %d, %d of %d answers: %w", c.number, c.answers, n, err)
		}
		text := got.text
		switch {
		case strings.HasPrefix(text, "3"):
			c.answers++
		case strings.HasPrefix(text, `2["direct"`):
			c.direct++
		case strings.Contains(text, `["question"]`):
			c.questioned++
			if c.number%2 == 0 {
				id, _, _ := strings.Cut(text[1:], "[")
				if err := c.tries("3" + id + "[1]"); err != nil {
					return err
				}
				c.answered++
			}
		}
	}
	return nil
}

// silent is added to the events of a client that does not acknowledge.
const silent = 1000

// talk is phase one: everything that the client sends is answered.
func (c *stormClient) talk(n int) error {
	for i := range n {
		if err := c.tries(fmt.Sprintf(`2%d["talk",%d]`, i, i+c.number%2*silent)); err != nil {
			return err
		}
		if err := c.hear(i + 1); err != nil {
			return err
		}
	}
	return nil
}

// leaves is phase two: a burst, and an end in the middle of it.
func (c *stormClient) leaves() {
	burst := make([]any, 0, 32)
	for i := range 12 {
		burst = append(burst, fmt.Sprintf(`2["slow",%d]`, i))
	}
	switch c.number % 7 {
	case 0:
		_ = c.tries(burst...)
		c.goes()
	case 1:
		_ = c.tries(append(burst, `1`)...)
	case 2:
		_ = c.tries(append(burst, `9`)...) // no packet has this type
	case 3:
		_ = c.tries(append([]any{`2["kick",false]`}, burst...)...)
	case 4:
		_ = c.tries(append([]any{`2["kick",true]`}, burst...)...)
	case 5:
		_ = c.tries(burst...)
		_ = c.write("1")
	default: // Shutdown ends it
		_ = c.tries(burst...)
	}
}

// Clients connect, send and disconnect in every way there is. The observations balance,
// and equal what the clients counted.
func TestCountersBalanceAfterAStorm(t *testing.T) {
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
		t.Run(string("driver "+driver), func(t *testing.T) { storm(t, driver) })
	}
}

func storm(t *testing.T, driver engineio.Driver) {
	const clients, talks = 28, 15
	l := newLedger()
	opts := &socketio.Options{Observers: []any{l}, Limits: socketio.SocketLimits{MaxInboxPackets: 6}, Engine: engineio.Options{Driver: driver}}
	tcp(t, opts, func(w *world) {
		serveStorm(w)
		all := make([]*stormClient, clients)
		upgraded := 0
		for i := range all {
			transport := []string{polling, websocket, polling, websocket}[i%4]
			c := &stormClient{peer: w.join(transport), number: i}
			if i%4 == 2 {
				c.upgrades()
				upgraded++
			}
			all[i] = c
			c.says(`0/nowhere,`, `0/closed,`)
			c.hears(`4/*`, `4/*`)
			c.joins(fmt.Sprintf("/team-%d", i%5))
		}
		each := func(do func(*stormClient) error) {
			var wg sync.WaitGroup
			for _, c := range all {
				wg.Go(func() {
					if err := do(c); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		each(func(c *stormClient) error { return c.talk(talks) })
		if t.Failed() {
			return
		}
		l.await(w, "handled", clients*talks)
		answers, direct, questioned, answered := 0, 0, 0, 0
		for _, c := range all {
			answers, direct = answers+c.answers, direct+c.direct
			questioned, answered = questioned+c.questioned, answered+c.answered
		}
		n := l.all()
		want(t, "connections", n["opened"], clients)
		want(t, "upgrades", n["upgraded"], upgraded)
		want(t, "sockets", n["joined"], 2*clients)
		want(t, "refusals of no namespace", n["turned away "], clients)
		want(t, "refusals by the middleware", n["turned away /closed"], clients)
		want(t, "events of phase one", n["in"], clients*talks)
		want(t, "events handled", n["handled talk"], clients*talks)
		want(t, "events answered", answers, n["answers wanted"])
		want(t, "events that failed", n["failed talk"], clients*3)
		want(t, "errors reported", n["reported talk"], clients*3)
		want(t, "events to one", n["out direct"], direct)
		want(t, "questions", n["out question"], questioned)
		want(t, "questions asked", n["asked"], questioned)
		want(t, "questions answered", n["answered"], answered)
		want(t, "copies of the broadcast", n["copies all"], n["out all"]*clients)
		for _, what := range []string{"bytes in " + polling, "bytes in " + websocket, "bytes out " + polling, "bytes out " + websocket, "messages in"} {
			if n[what] == 0 {
				t.Errorf("no %s", what)
			}
		}

		each(func(c *stormClient) error { c.leaves(); return nil })
		ctx, cancel := context.WithTimeout(context.Background(), 4*w.patient)
		defer cancel()
		if err := w.io.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		l.balances(t, "/", "/closed")
		n = l.all()
		if n["in"] > clients*(talks+13) {
			t.Errorf("%d events came, but at most %d were sent", n["in"], clients*(talks+13))
		}
		if n["paused"] == 0 {
			t.Error("no connection was paused: the storm is too weak")
		}
		t.Logf("counted: %v\nreasons: %v", n, l.reasons)
	})
}

func serveStorm(w *world) {
	w.io.Of("/closed").Use(func(context.Context, *socketio.Socket) error { return errors.New("no entry") })
	w.io.OfPattern(regexp.MustCompile(`^/team-\d$`)).OnConnection(func(s *socketio.Socket) {
		_ = s.Join("members", "members")
	})
	w.io.Use(func(_ context.Context, s *socketio.Socket) error { return s.Join("early", "late") })
	w.io.OnConnection(func(s *socketio.Socket) {
		s.Leave("late")
		s.On("talk", func(n int) (int, error) {
			_ = s.Join("all", fmt.Sprint("r", n%3))
			_ = s.Emit("direct", n)
			_ = w.io.Emit("all", n)
			_ = s.To("r0").Volatile().Emit("some", n)
			s.Leave(fmt.Sprint("r", (n+1)%3))
			if n%5 == 0 {
				ctx := s.Context()
				if n >= silent {
					short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
					defer cancel()
					ctx = short
				}
				_, _ = s.EmitWithAck(ctx, "question")
				return 0, errors.New("no good")
			}
			return n, nil
		})
		s.On("slow", func(n int) {
			for i := range 20 {
				_ = s.Join(fmt.Sprint("s", i%7))
				s.Leave(fmt.Sprint("s", i%5))
			}
		})
		s.On("kick", func(close bool) {
			if close {
				s.CloseConn()
			} else {
				s.Disconnect()
			}
		})
	})
	w.io.OnError(func(*socketio.Socket, *socketio.HandlerError) {})
}
