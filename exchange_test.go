// SPDX-License-Identifier: MIT

// This file holds the rules of the exchange around CONNECT: who may say what and
// when, how often, and for how long the server waits.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
)

func isErr(err, target error) bool { return err != nil && errors.Is(err, target) }

// panicOf returns what fn panics with, or "".
func panicOf(fn func()) (message string) {
	defer func() {
		if v := recover(); v != nil {
			message = fmt.Sprint(v)
		}
	}()
	fn()
	return ""
}

// Rule 2: who has joined nothing in 45 s is closed; refusals and slow middlewares
// do not help.
func TestConnectTimeout(t *testing.T) {
	for name, test := range map[string]struct {
		says  string
		hears string
	}{
		"silence":      {},
		"a refusal":    {`0/refusing,`, `4/refusing,{"message":"no"}`},
		"no namespace": {`0/nowhere,`, `4/nowhere,{"message":"Invalid namespace"}`},
		"a slow one":   {`0/slow,`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				w.io.Of("/refusing").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
				w.io.Of("/slow").Use(func(_ context.Context, s *socketio.Socket) error { <-s.Context().Done(); return s.Context().Err() })
				for _, transport := range []string{polling, websocket} {
					start := time.Now()
					p := w.open(transport)
					if test.says != "" {
						p.says(test.says)
					}
					if test.hears != "" {
						p.hears(test.hears)
					}
					p.isClosed(1008)
					if took := time.Since(start); took < 45*time.Second || took > 46*time.Second {
						t.Errorf("the connection closes after 45 s, not after %v", took)
					}
				}
			})
		})
	}
}

// The timer stops at the first namespace and stays off.
func TestConnectTimeoutEndsWithTheFirstNamespace(t *testing.T) {
	memory(t, nil, func(w *world) {
		for _, transport := range []string{polling, websocket} {
			p := w.join(transport)
			p.says(`1`)
			<-time.After(3 * time.Minute)
			p.isOpen()
		}
	})
}

// Rule 3: a refusal leaves the connection open, for the same namespace too.
func TestAfterARefusal(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		tries := 0
		w.io.Of("/picky").Use(func(context.Context, *socketio.Socket) error {
			if tries++; tries == 1 {
				return errors.New("try again")
			}
			return nil
		})
		p := w.open(transport)
		p.says(`0/picky,`)
		p.hears(`4/picky,{"message":"try again"}`)
		p.joins("/picky")
		p.joins("/")
	})
}

// Rule 5, as we decide it: a second CONNECT while the first is in middleware is a
// violation, and so is an event.
func TestImpatientClient(t *testing.T) {
	for _, packet := range []string{`0`, `2["x"]`, `4{}`} {
		overBoth(t, nil, func(w *world, transport string) {
			running := make(chan struct{})
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				close(running)
				<-s.Context().Done()
				return nil
			})
			w.io.OnConnection(func(s *socketio.Socket) { t.Error("the socket has joined") })
			p := w.open(transport)
			p.says(`0`)
			within(w, "the middleware", running)
			_ = p.tries(packet)
			p.isClosed(1002)
		})
	}
}

// Rule 6, as we decide it: what was under way when the server made the client
// leave a namespace is ignored, and the client may come back.
func TestLatePacketsAreIgnored(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		calls := newList()
		w.io.Of("/short").OnConnection(func(s *socketio.Socket) {
			s.On("leave", func() { s.Disconnect() })
			s.On("late", func() { calls.add("late") })
		})
		p := w.join(transport)
		p.joins("/short")
		p.says(`2/short,["leave"]`)
		p.hears(`1/short,`)
		p.says(`2/short,["late"]`, `3/short,5[]`, `51-/short,["late",{"_placeholder":true,"num":0}]`, []byte{1}, `1/short,`)
		p.isOpen()
		p.joins("/short")
		p.says(`2/short,["late"]`)
		calls.await(w, 1)
		p.isOpen()
		want(t, "events after the return", len(calls.all()), 1)
	})
}

// Rule 7: what comes for one namespace does not wait for another.
func TestNamespacesAreIndependent(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		release := make(chan struct{})
		w.io.Of("/slow").OnConnection(func(s *socketio.Socket) {
			s.On("x", func() string { <-release; return "slow" })
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("x", func() string { return "fast" })
		})
		p := w.join(transport)
		p.joins("/slow")
		p.says(`2/slow,1["x"]`, `22["x"]`)
		p.hears(`32["fast"]`)
		close(release)
		p.hears(`3/slow,1["slow"]`)
	})
}

// Rule 8: keys of recovery in the payload of CONNECT change nothing here.
func TestRecoveryKeysAreOnlyAuth(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		echo(w.io)
		p := w.open(transport)
		p.joins("/", `{"pid":"abc","offset":"1"}`)
		p.hears(`2["auth",{"pid":"abc","offset":"1"}]`)
	})
}

// Twenty refusals in ten seconds are borne, the next is not; later it may ask
// again.
func TestRefusalFlood(t *testing.T) {
	for name, ask := range map[string]func(p *peer) error{
		"unknown namespace": func(p *peer) error {
			p.says(`0/nowhere,`)
			got, err := p.next()
			if err == nil && got.text != `4/nowhere,{"message":"Invalid namespace"}` {
				err = errors.New(got.text)
			}
			return err
		},
		"middleware": func(p *peer) error {
			p.says(`0/refusing,`)
			got, err := p.next()
			if err == nil && got.text != `4/refusing,{"message":"no"}` {
				err = errors.New(got.text)
			}
			return err
		},
		"taken back": func(p *peer) error {
			if err := p.tries(`0/slow,`, `1/slow,`); err != nil {
				return err
			}
			p.w.settle()
			select {
			case <-p.ended:
				return p.end
			default:
				return nil
			}
		},
	} {
		for _, transport := range []string{polling, websocket} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				memory(t, nil, func(w *world) {
					w.io.Of("/refusing").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
					w.io.Of("/slow").Use(func(_ context.Context, s *socketio.Socket) error { <-s.Context().Done(); return nil })
					p := w.join(transport)
					for round := range 2 {
						for i := range 20 {
							if err := ask(p); err != nil {
								w.Fatalf("round %d: refusal %d is borne, but %v", round, i+1, err)
							}
						}
						<-time.After(11 * time.Second)
					}
					for range 20 {
						if err := ask(p); err != nil {
							w.Fatal(err)
						}
					}
					_ = p.tries(`0/nowhere,`)
					p.isClosed(1008)
				})
			})
		}
	}
}

// A client may be in 128 namespaces; the next is refused and the connection goes
// on.
func TestTooManyNamespaces(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		p := w.join(transport)
		for i := 1; i <= 128; i++ {
			w.io.Of(fmt.Sprintf("/n%d", i))
		}
		for i := 1; i < 128; i++ {
			p.joins(fmt.Sprintf("/n%d", i))
		}
		p.says(`0/n128,`)
		p.hears(`4/n128,{"message":"Too many namespaces"}`)
		p.says(`1/n1,`)
		p.joins("/n128")
	})
}

// Attachments that do not come are waited for 30 s, whatever trickles in.
func TestAttachmentTimeout(t *testing.T) {
	memory(t, nil, func(w *world) {
		for _, transport := range []string{polling, websocket} {
			p := w.join(transport)
			p.says(`53-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]`)
			start := time.Now()
			<-time.After(20 * time.Second)
			p.says([]byte{1})
			p.isClosed(1008)
			if took := time.Since(start); took < 30*time.Second || took > 31*time.Second {
				t.Errorf("the connection closes after 30 s, not after %v", took)
			}

			p = w.join(transport)
			for range 3 { // complete packets start the clock anew
				p.says(`51-["x",{"_placeholder":true,"num":0}]`)
				<-time.After(29 * time.Second)
				p.says([]byte{1})
			}
			<-time.After(time.Minute)
			p.isOpen()
		}
	})
}

// Leaving and joining again while handlers are busy is no way around the bound of
// the inbox: reading stops.
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

// Who joins and leaves without ever listening is closed like any slow consumer: after
// 10 s over the bound, or at 16 times it.
func TestUnheardAnswersAreBounded(t *testing.T) {
	for answers, after := range map[int]time.Duration{40: 0, 60: 10 * time.Second, 900: -1} {
		memory(t, &socketio.Options{PingInterval: time.Hour, Engine: engineio.Options{MaxQueueMessages: 50}}, func(w *world) {
			ended := make(chan error, 1)
			w.io.OnConnection(func(s *socketio.Socket) {
				s.OnDisconnect(func(socketio.DisconnectReason) {
					if err := context.Cause(s.Context()); err != socketio.ErrClosed {
						ended <- err
					}
				})
			})
			p := w.open(polling)
			p.joins("/")
			close(p.pause) // it polls once more, then no longer
			w.settle()
			w.io.Of("/a")
			start, asked := time.Now(), 0
			for range answers {
				if p.tries(`0/a,`) != nil {
					break
				}
				w.settle()
				_ = p.tries(`1/a,`)
				w.settle()
				asked++
			}
			select {
			case err := <-ended:
				if !errors.Is(err, socketio.ErrSlowConsumer) {
					t.Errorf("%d answers: %v", answers, err)
				}
				if after > 0 && time.Since(start) < after || after < 0 && asked < 16*50-1 || after == 0 {
					t.Errorf("%d answers: closed at %d, after %v", answers, asked, time.Since(start))
				}
			case <-time.After(time.Minute):
				want(t, fmt.Sprintf("%d answers do not close", answers), after, 0)
			}
		})
	}
}

func TestNamespaceNames(t *testing.T) {
	io := socketio.NewServer(nil)
	defer io.Close()
	if io.Of("") != io.Of("/") || io.Of("chat") != io.Of("/chat") || io.Of("/chat").Name() != "/chat" {
		t.Error("the leading slash may be left out")
	}
	io.Of("/" + strings.Repeat("n", 254))
	for _, name := range []string{"/a,b", "/\x00", "/\x7f", "/\xff", "/" + strings.Repeat("n", 255)} {
		if msg := panicOf(func() { io.Of(name) }); !strings.Contains(msg, "no client can join") {
			t.Errorf("Of(%q) panics with %q", name, msg)
		}
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	for what, o := range map[string]*socketio.Options{
		"Options.Limits.MaxRooms must not be negative":           {Limits: socketio.SocketLimits{MaxRooms: -1}},
		"Options.BodyTimeout must not be negative":               {Engine: engineio.Options{BodyTimeout: -1}},
		"Options.PauseTimeout must not be negative":              {Engine: engineio.Options{PauseTimeout: -1}},
		"Options.Limits.ConnectTimeout must not be negative":     {Limits: socketio.SocketLimits{ConnectTimeout: -1}},
		"Options.Limits.MaxAttachments must not be more than 99": {Limits: socketio.SocketLimits{MaxAttachments: 100}},
		"unknown transport carrier pigeon":                       {Transports: []string{"carrier pigeon"}},
	} {
		if msg := panicOf(func() { socketio.NewServer(o) }); !strings.Contains(msg, what) {
			t.Errorf("NewServer panics with %q, want %q", msg, what)
		}
	}
}

// The time in which a connection is not read, because handlers are behind, does not count
// against attachments that have been sent.
func TestAttachmentTimeoutWhilePaused(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 4, AttachmentTimeout: 7 * time.Second}}, func(w *world) {
		release := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("slow", func() { <-release })
			s.On("big", func(data []byte, text string) int { return len(data) + len(text) })
		})
		p := w.join(websocket)
		for range 4 { // one is being handled, three wait: more than half of what may
			p.says(`2["slow"]`)
			w.settle()
		}
		long := strings.Repeat("a", 100_000) // decoded by a goroutine of its own: reading stops
		p.says(`51-1["big",{"_placeholder":true,"num":0},"` + long + `"]`)
		p.says([]byte{1, 2, 3})
		<-time.After(time.Minute)
		close(release)
		p.hears(`31[100003]`)

		p.says(`51-2["big",{"_placeholder":true,"num":0},""]`)
		start := time.Now()
		p.isClosed(1008)
		if took := time.Since(start); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("the connection closes after 7 s, not after %v", took)
		}
	})
}
