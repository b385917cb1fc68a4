// SPDX-License-Identifier: MIT

// This file holds ledger: an observer that counts everything, and checks the order
// that the interfaces promise.

package socketio_test

import (
	"context"
	"fmt"
	"maps"
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

// note counts something and changes the ledger.
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

// all returns what was counted.
func (l *ledger) all() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.count)
}

// await waits until something was counted n times.
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

// balances checks the ledger of a server that has ended; live are the namespaces that
// stay.
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
