// SPDX-License-Identifier: MIT

// This file holds the tests of handlers that are behind: the bound of the inbox, reading
// that stops and resumes, and acknowledgements awaited meanwhile.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
)

// slowServer has a handler of "x" that waits for release, and a namespace that
// answers at once.
func slowServer(w *world) (release chan struct{}, handled *list) {
	release, handled = make(chan struct{}), newList()
	w.io.OnConnection(func(s *socketio.Socket) {
		s.On("x", func(args socketio.Args) {
			<-release
			handled.add(args.String())
		})
	})
	w.io.Of("/quick").OnConnection(func(s *socketio.Socket) {
		s.On("ping", func() string { return "pong" })
	})
	return release, handled
}

// With n packets waiting, one below the bound, the connection is read; at the
// bound it is not, and its other namespaces wait too.
func TestInboxBound(t *testing.T) {
	const bound = 8
	for _, waiting := range []int{bound - 1, bound, bound + 1} {
		for _, transport := range []string{polling, websocket} {
			t.Run(fmt.Sprint(waiting, " ", transport), func(t *testing.T) {
				memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: bound}}, func(w *world) {
					release, handled := slowServer(w)
					p := w.join(transport)
					p.joins("/quick")
					other := w.open(transport)
					other.joins("/quick")
					said := make(chan struct{})
					go func() { // on polling saying waits as well
						defer close(said)
						for i := range 1 + waiting { // the first is being handled
							_ = p.tries(fmt.Sprintf(`2["x",%d]`, i))
							if i == 0 {
								<-time.After(time.Second) // until its handler runs
							}
						}
						_ = p.tries(`2/quick,1["ping"]`)
					}()
					<-time.After(2 * time.Second)
					if waiting < bound {
						p.hears(`3/quick,1["pong"]`)
					} else {
						p.hearsNothing()
					}
					other.says(`2/quick,1["ping"]`) // another connection does not notice
					other.hears(`3/quick,1["pong"]`)
					close(release)
					if waiting >= bound {
						p.hears(`3/quick,1["pong"]`)
					}
					got := handled.await(w, 1+waiting)
					for i, args := range got {
						want(t, "the next event", args, fmt.Sprintf("[%d]", i))
					}
					<-said
				})
			})
		}
	}
}

// The bound in bytes works the same way; an empty inbox takes a packet of any
// size.
func TestInboxBoundInBytes(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxBytes: 1000}}, func(w *world) {
				release, handled := slowServer(w)
				p := w.join(transport)
				p.joins("/quick")
				p.says(`2["x",0]`)
				w.settle()
				big := strings.Repeat("x", 5000)
				go func() {
					_ = p.tries(`2["x","` + big + `"]`)
					_ = p.tries(`2/quick,1["ping"]`)
				}()
				<-time.After(time.Second)
				p.hearsNothing()
				close(release)
				p.hears(`3/quick,1["pong"]`)
				want(t, "the big event", len(handled.await(w, 2)[1]), len(big)+4)
			})
		})
	}
}

// While the connection is not read its peer's writes block; nothing is lost.
func TestUnreadPeerBlocks(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 4}}, func(w *world) {
		release, handled := slowServer(w)
		p := w.join(websocket)
		const n = 400
		done := make(chan error, 1)
		go func() {
			for i := range n {
				if err := p.tries(fmt.Sprintf(`2["x",%d,"%s"]`, i, strings.Repeat("x", 1000))); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		<-time.After(2 * time.Minute) // longer than interval and timeout: the pong deadline is suspended
		select {
		case err := <-done:
			w.Fatalf("400 KB were taken with an inbox of 4: %v", err)
		default:
		}
		close(release)
		if err := within(w, "the end of writing", done); err != nil {
			t.Error(err)
		}
		for i, args := range handled.await(w, n) {
			if !strings.HasPrefix(args, fmt.Sprintf("[%d,", i)) {
				w.Fatalf("event %d is %.20s", i, args)
			}
		}
		p.isOpen()
	})
}

// After five minutes unread the connection closes.
func TestUnreadForTooLong(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 1}}, func(w *world) {
		release, _ := slowServer(w)
		defer close(release)
		reasons := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			go func() { <-s.Context().Done(); reasons.add("ended") }()
		})
		p := w.join(websocket)
		start := time.Now()
		p.says(`2["x"]`, `2["x"]`, `2["x"]`)
		w.patient = 10 * time.Minute
		p.isClosed(1008)
		if took := time.Since(start); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("the connection closes after 5 minutes, not after %v", took)
		}
		reasons.await(w, 1)
	})
}

// While an acknowledgement is awaited, reading continues to four times the bound, so the
// answer gets through; there the wait fails with ErrInboxFull.
func TestInboxWhileAnAcknowledgementIsAwaited(t *testing.T) {
	const bound = 8
	for name, test := range map[string]struct {
		events int // behind the one that waits
		fails  bool
	}{
		"at the bound":                {bound, false},
		"one below four times":        {4*bound - 1, false},
		"at four times the bound":     {4 * bound, true},
		"beyond four times the bound": {4*bound + 5, true},
	} {
		for _, transport := range []string{polling, websocket} {
			t.Run(name+" "+transport, func(t *testing.T) {
				memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: bound}}, func(w *world) {
					result, handled := make(chan error, 1), newList()
					w.io.OnConnection(func(s *socketio.Socket) {
						s.On("ask", func(ctx context.Context) {
							_, err := s.EmitWithAck(ctx, "question")
							result <- err
						})
						s.On("x", func(args socketio.Args) { handled.add(args.String()) })
					})
					p := w.join(transport)
					p.says(`2["ask"]`)
					p.hears(`20["question"]`)
					go func() {
						for i := range test.events {
							_ = p.tries(fmt.Sprintf(`2["x",%d]`, i))
						}
						_ = p.tries(`30["answer"]`)
					}()
					err := within(w, "the answer", result)
					switch {
					case test.fails && !errors.Is(err, socketio.ErrInboxFull):
						t.Errorf("the wait fails with ErrInboxFull, not %v", err)
					case !test.fails && err != nil:
						t.Error(err)
					}
					for i, args := range handled.await(w, test.events) {
						want(t, "the next event", args, fmt.Sprintf("[%d]", i))
					}
					p.isOpen()
				})
			})
		}
	}
}

// A wait that begins after reading has stopped lets it continue.
func TestAwaitingResumesReading(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 4}}, func(w *world) {
				result, ready := make(chan error, 1), make(chan struct{})
				handled := newList()
				w.io.OnConnection(func(s *socketio.Socket) {
					s.On("ask", func(ctx context.Context) {
						<-ready
						_, err := s.EmitWithAck(ctx, "question")
						result <- err
					})
					s.On("x", func() { handled.add("x") })
				})
				p := w.join(transport)
				p.says(`2["ask"]`)
				w.settle()
				go func() {
					for range 6 {
						_ = p.tries(`2["x"]`)
					}
				}()
				<-time.After(time.Second)
				close(ready)
				p.hears(`20["question"]`)
				go func() { _ = p.tries(`30[]`) }()
				if err := within(w, "the answer", result); err != nil {
					t.Error(err)
				}
				handled.await(w, 6)
				p.isOpen()
			})
		})
	}
}

// A client can't evade the bound of the inbox by leaving and joining again while handlers
// are busy: reading stops.
func TestLeavingAndJoiningIsBounded(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 16}}, func(w *world) {
		release := make(chan struct{})
		busy := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			busy.add(s.ID())
			<-release
		})
		p := w.open(websocket)
		go func() {
			for range 40 {
				p.joins("/")
				p.says(`1`)
			}
		}()
		<-time.After(time.Minute)
		if n := len(busy.all()); n > 17 {
			t.Errorf("%d sockets of one connection are busy, with an inbox of 16", n)
		}
		close(release)
		want(t, "sockets in the end", len(busy.await(w, 40)), 40)
		w.settle()
		want(t, "sockets that are left", len(w.io.Sockets()), 0)
	})
}
