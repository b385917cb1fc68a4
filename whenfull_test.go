// SPDX-License-Identifier: MIT

// This file holds the tests of Overflow, Conflate and Buffered, for slow clients.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
)

// pair opens a client and returns its socket and the client.
func (w *world) pair() (*socketio.Socket, *peer) {
	w.Helper()
	sockets := make(chan *socketio.Socket, 1)
	remove := w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
	defer remove()
	p := w.join(websocket)
	return within(w, "the socket", sockets), p
}

// Each policy, chosen for an emit to one socket and for broadcasts. The slow client is
// one whose connection is corked: all waits.
func TestWhenFull(t *testing.T) {
	const room = 3
	for name, test := range map[string]struct {
		policy socketio.Overflow
		err    error
		want   string
	}{
		"fail":        {socketio.OverflowFail, socketio.ErrQueueFull, "0 1 2"},
		"drop newest": {socketio.OverflowDropNewest, nil, "0 1 2"},
		"drop oldest": {socketio.OverflowDropOldest, nil, "2 3 4"},
	} {
		for _, how := range []string{"socket", "broadcast", "namespace", "parent", "option"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				opts := &socketio.Options{Engine: engineio.Options{MaxQueueMessages: room}}
				if how == "option" {
					opts.Overflow = test.policy
				}
				memory(t, opts, func(w *world) {
					ns := w.io.Of("/team-1")
					parent := w.io.OfPattern(regexp.MustCompile("^/other-"))
					name := "/team-1"
					if how == "parent" {
						name = "/other-1"
					}
					sockets := make(chan *socketio.Socket, 1)
					ns.OnConnection(func(s *socketio.Socket) { sockets <- s })
					parent.OnConnection(func(s *socketio.Socket) { sockets <- s })
					p := w.open(websocket)
					p.joins(name)
					s := within(w, "the socket", sockets)
					w.settle()                    // what was said before has left
					socketio.EngineConn(s).Cork() // nothing leaves before the tick
					var last error
					for i := range 5 {
						switch how {
						case "socket":
							last = s.Overflow(test.policy).Emit("n", i)
						case "broadcast":
							last = ns.To(s.ID()).Overflow(test.policy).Emit("n", i)
						case "namespace":
							last = ns.Overflow(test.policy).Emit("n", i)
						case "parent":
							last = parent.Overflow(test.policy).Emit("n", i)
						case "option":
							last = s.Emit("n", i)
						}
					}
					if one := how == "socket" || how == "option"; one && !errors.Is(last, test.err) || !one && last != nil {
						t.Errorf("the last emit: %v", last)
					}
					socketio.EngineConn(s).Uncork()
					socketio.EngineConn(s).Flush()
					for n := range strings.SplitSeq(test.want, " ") {
						p.hears(fmt.Sprintf(`2%s,["n",%s]`, name, n))
					}
					p.hearsNothing()
					p.isOpen()
				})
			})
		}
	}
}

// Flags of a socket also apply to the broadcasts made from it.
func TestSocketFlagsThenOthers(t *testing.T) {
	memory(t, nil, func(w *world) {
		s, p := w.pair()
		_ = s.Join("room")
		other, q := w.pair()
		_ = other.Join("room")
		for _, b := range []socketio.Unicast{s.Volatile(), s.Compress(false), s.Conflate("k"), s.Overflow(socketio.OverflowFail)} {
			for _, emit := range []func(string, ...any) error{b.To("room").Emit, b.Except("nobody").Emit, b.Local().Emit} {
				w.settle() // or what is volatile would be dropped
				_ = emit("others")
				q.hears(`2["others"]`)
			}
			_ = b.Emit("self")
			p.hears(`2["self"]`)
		}
		p.hearsNothing()
		s.Leave(s.ID()) // its own room is not what reaches it
		_ = s.Volatile().Emit("self")
		p.hears(`2["self"]`)
	})
}

// Conflate keeps one value of a key, at the place of the newest.
func TestLatest(t *testing.T) {
	memory(t, nil, func(w *world) {
		s, p := w.pair()
		w.settle() // the response to the CONNECT has left
		socketio.EngineConn(s).Cork()
		for i := range 3 {
			_ = w.io.Conflate("a").Emit("a", i)
			_ = s.Conflate("b").Emit("b", i)
			_ = w.io.Of("/").Conflate("a").Overflow(socketio.OverflowFail).Emit("a", i+10)
		}
		_ = s.Emit("end")
		socketio.EngineConn(s).Uncork()
		socketio.EngineConn(s).Flush()
		p.hears(`2["b",2]`, `2["a",12]`, `2["end"]`)
		p.hearsNothing()
	})
}

// Buffered and WaitDrained.
func TestBufferedAndDrained(t *testing.T) {
	memory(t, nil, func(w *world) {
		s, p := w.pair()
		if err := s.WaitDrained(context.Background()); err != nil {
			t.Errorf("nothing waits: %v", err)
		}
		socketio.EngineConn(s).Cork()
		_ = s.Emit("x")
		_ = s.Emit("y")
		if n, size := s.Buffered(); n != 2 || size != 2*(2+len(`42["x"]`)) {
			t.Errorf("%d packets, %d bytes wait", n, size)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.WaitDrained(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("two wait: %v", err)
		}
		drained := make(chan error, 1)
		go func() { drained <- s.WaitDrained(context.Background()) }()
		w.settle()
		socketio.EngineConn(s).Uncork()
		socketio.EngineConn(s).Flush()
		if err := within(w, "the end of the wait", drained); err != nil {
			t.Errorf("all has left: %v", err)
		}
		p.hears(`2["x"]`, `2["y"]`)
		p.goes()
		w.settle()
		if err := s.WaitDrained(context.Background()); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the client has gone: %v", err)
		}
	})
}

// Options.Overflow is checked.
func TestWhenFullIsChecked(t *testing.T) {
	defer func() {
		if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "Overflow") {
			t.Errorf("NewServer: %v", v)
		}
	}()
	socketio.NewServer(&socketio.Options{Overflow: 9})
}

// An event with acknowledgement obeys the policy too, and a dropped one is not awaited.
func TestWhenFullOfQuestions(t *testing.T) {
	memory(t, &socketio.Options{Overflow: socketio.OverflowFail, Engine: engineio.Options{MaxQueueMessages: 2}}, func(w *world) {
		s, _ := w.pair()
		w.settle()
		sent := 0
		s.OnAnyOutgoing(func(string, socketio.Args) { sent++ })
		socketio.EngineConn(s).Cork()
		_, _ = s.Emit("a"), s.Emit("a")
		if _, err := s.EmitWithAck(context.Background(), "q"); !errors.Is(err, socketio.ErrQueueFull) {
			t.Errorf("EmitWithAck into a full queue: %v", err)
		}
		start := time.Now()
		var silent *socketio.PartialError
		if _, err := s.Overflow(socketio.OverflowDropNewest).EmitWithAck(context.Background(), "q"); !errors.Is(err, socketio.ErrDropped) {
			t.Errorf("a question that was dropped: %v", err)
		}
		for _, err := range w.io.Overflow(socketio.OverflowDropNewest).EmitWithAck(context.Background(), "q") {
			if !errors.As(err, &silent) || !errors.Is(err, socketio.ErrDropped) {
				t.Errorf("a broadcast question that was dropped: %v", err)
			}
		}
		if silent == nil || time.Since(start) > time.Second {
			t.Errorf("it was waited for: %v", time.Since(start))
		}
		want(t, "reported as sent", sent, 2)
		if !s.Connected() {
			t.Error("the connection was closed")
		}
	})
}

// Operations on one socket do not reach the members of the room with its id.
func TestAloneIsAlone(t *testing.T) {
	memory(t, nil, func(w *world) {
		a, p := w.pair()
		b, q := w.pair()
		_ = b.Join(a.ID())
		_ = a.Compress(true).Emit("alone")
		p.hears(`2["alone"]`)
		w.settle() // or what is volatile would be dropped
		answered := make(chan struct{})
		go func() { // ends with the answer
			defer close(answered)
			args, err := a.Volatile().EmitWithAck(context.Background(), "ask")
			if err != nil || args.String() != `["yes"]` {
				t.Errorf("an answer %v: %v", args, err)
			}
		}()
		p.hears(`20["ask"]`)
		p.says(`30["yes"]`)
		within(w, "the answer", answered)
		a.Disconnect()
		p.hears(`1`)
		q.hearsNothing()
		if !b.Connected() || a.Connected() {
			t.Error("the wrong one was disconnected")
		}
	})
}

// An event with acknowledgement to a socket that has ended returns an error.
func TestAloneAndGone(t *testing.T) {
	memory(t, nil, func(w *world) {
		s, p := w.pair()
		p.says(`1`)
		w.settle()
		if _, err := s.Compress(false).EmitWithAck(context.Background(), "ask"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the socket has gone: %v", err)
		}
		steps := 0
		for _, err := range s.Compress(false).Ask(context.Background(), "ask").All() {
			steps++
			if !errors.Is(err, socketio.ErrClosed) {
				t.Errorf("the socket has gone: %v", err)
			}
		}
		want(t, "steps", steps, 1)
	})
}
