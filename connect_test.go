// SPDX-License-Identifier: MIT

// This file holds the tests of CONNECT: its answers and rejections, and how long the
// server waits for it.

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

// Rule 2: a client that has joined nothing in 45 s is disconnected; rejections and slow
// middlewares do not help.
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

// Rule 3: a rejection leaves the connection open, also for the same namespace.
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

// A client knows of a refusal before it sends more: an event for that namespace breaks the
// protocol.
func TestEventAfterARefusal(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		w.io.Of("/picky").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
		p := w.open(transport)
		p.joins("/")
		p.says(`0/picky,`)
		p.hears(`4/picky,{"message":"no"}`)
		_ = p.tries(`2/picky,["x"]`)
		p.isClosed(1002)
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

func TestRefusals(t *testing.T) {
	var nilRefusal *socketio.ConnectError
	var nilOwn *nilError
	for name, test := range map[string]struct {
		use    func(context.Context, *socketio.Socket) error
		packet string
	}{
		"plain error": {func(context.Context, *socketio.Socket) error { return errors.New("not \"you\"") }, `4{"message":"not \"you\""}`},
		"ConnectError with data": {func(context.Context, *socketio.Socket) error {
			return &socketio.ConnectError{Message: "no", Data: map[string]any{"code": 7, "raw": []byte{1}}}
		}, `4{"message":"no","data":{"code":7,"raw":"AQ=="}}`},
		"ConnectError without data": {func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{Message: "no"} }, `4{"message":"no"}`},
		"wrapped ConnectError": {func(context.Context, *socketio.Socket) error {
			return fmt.Errorf("db down: %w", &socketio.ConnectError{Message: "later"})
		}, `4{"message":"later"}`},
		"data that does not encode": {func(context.Context, *socketio.Socket) error {
			return &socketio.ConnectError{Message: "no", Data: make(chan int)}
		}, `4{"message":"no"}`},
		"data that panics": {func(context.Context, *socketio.Socket) error {
			return &socketio.ConnectError{Message: "no", Data: explosive{}}
		}, `4{"message":"internal error"}`},
		"panic":                    {func(context.Context, *socketio.Socket) error { panic("secret") }, `4{"message":"internal error"}`},
		"ConnectError that is nil": {func(context.Context, *socketio.Socket) error { return nilRefusal }, `4{"message":"internal error"}`},
		"own error that is nil":    {func(context.Context, *socketio.Socket) error { return nilOwn }, `4{"message":"internal error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				calls := newList()
				var refused *socketio.Socket
				w.io.Use(func(_ context.Context, s *socketio.Socket) error {
					refused = s
					calls.add("first")
					if s.Connected() {
						t.Error("in a middleware a socket is not connected yet")
					}
					s.OnDisconnect(func(socketio.DisconnectReason) { t.Error("who never joined does not leave") })
					return s.Join("room")
				})
				w.io.Use(test.use)
				w.io.Use(func(context.Context, *socketio.Socket) error { calls.add("third"); return nil })
				w.io.OnConnection(func(*socketio.Socket) { t.Error("the socket has joined") })
				for _, transport := range []string{polling, websocket} {
					p := w.open(transport)
					p.says(`0`)
					p.hears(test.packet)
					_ = w.io.To("room").Emit("x") // a rejected socket has left its rooms
					p.hearsNothing()
					want(t, "rooms", len(refused.Rooms()), 0)
					if err := refused.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
						t.Errorf("who was refused is closed: %v", err)
					}
					if refused.Context().Err() == nil {
						t.Error("the context of who was refused has ended")
					}
					p.isOpen()
				}
				want(t, "middlewares", strings.Join(calls.all(), " "), "first first")
				if panics := strings.Contains(name, "panic") || strings.Contains(name, "that is nil"); panics != strings.Contains(w.log.String(), "a handler failed") {
					t.Errorf("panics are logged:\n%s", w.log)
				}
			})
		})
	}
}

// The CONNECT packet precedes any broadcast, whatever runs at the same time.
func TestConnectPrecedesBroadcasts(t *testing.T) {
	tcp(t, nil, func(w *world) {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					_ = w.io.Emit("noise")
				}
			}
		}()
		for range 60 {
			p := w.open(websocket)
			p.joins("/") // it fails if another packet comes first
			p.hears(`2["noise"]`)
			_ = p.socket.Close()
		}
		close(stop)
		<-stopped
	})
}

func TestNoNamespaceInTime(t *testing.T) {
	t.Run("trap 34", func(t *testing.T) {
		memory(t, nil, func(w *world) {
			for _, transport := range []string{polling, websocket} {
				start := time.Now()
				p := w.open(transport)
				p.says(`0/nowhere,`)
				p.hears(`4/nowhere,{"message":"Invalid namespace"}`)
				member := w.join(transport)
				p.isClosed(1008)
				if took := time.Since(start).Round(time.Second); took != 45*time.Second {
					t.Errorf("who joins nothing is closed after 45 s, not %v", took)
				}
				member.isOpen()
			}
		})
	})
}

func TestRejectionsHaveTheirText(t *testing.T) {
	t.Run("quirk 12", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			w.io.Of("/text").Use(func(context.Context, *socketio.Socket) error { return errors.New("not today") })
			w.io.Of("/empty").Use(func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{} })
			p := w.open(transport)
			p.says(`0/text,`)
			p.hears(`4/text,{"message":"not today"}`)
			p.says(`0/empty,`)
			p.hears(`4/empty,{"message":""}`) // the key is always there
		})
	})
}
