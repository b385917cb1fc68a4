// SPDX-License-Identifier: MIT

// This file holds what we decided about quirks of the npm server, by the numbers
// of docs/conformance.md. Those of Engine.IO are tested there.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"socketio"
)

func TestQuirk09EventWithoutPayloadCloses(t *testing.T) {
	for _, packet := range []string{`2`, `2/,`, `20`, `30`, `2[]`} {
		overBoth(t, nil, func(w *world, transport string) {
			w.io.OnConnection(func(s *socketio.Socket) {
				s.OnAny(func(event string, _ socketio.Args) { t.Errorf("%s is an event: %q", packet, event) })
			})
			p := w.join(transport)
			_ = p.tries(packet)
			p.isClosed(1002)
		})
	}
}

func TestQuirk10SecondConnectDuringTheMiddlewareCloses(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		running := make(chan struct{}, 2)
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			running <- struct{}{}
			<-s.Context().Done()
			return nil
		})
		w.io.OnConnection(func(*socketio.Socket) { t.Error("a socket has joined") })
		p := w.open(transport)
		p.says(`0`)
		within(w, "the middleware", running)
		_ = p.tries(`0`)
		p.isClosed(1002)
		want(t, "further middlewares", len(running), 0)
	})
}

func TestQuirk11LatePacketsAreIgnored(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		sockets, heard := make(chan *socketio.Socket, 2), newList()
		w.io.Of("/short").OnConnection(func(s *socketio.Socket) {
			s.On("late", func() { heard.add("late") })
			sockets <- s
		})
		p := w.open(transport)
		p.joins("/short")
		within(w, "the connection", sockets).Disconnect()
		p.hears(`1/short,`)
		p.says(`2/short,["late"]`, `51-/short,["late",{"_placeholder":true,"num":0}]`, []byte{1}, `3/short,0[]`, `1/short,`)
		p.isOpen()
		want(t, "events", len(heard.all()), 0)
		p.joins("/short") // and it may come back
	})
}

func TestQuirk12RefusalsHaveTheirText(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		w.io.Of("/text").Use(func(context.Context, *socketio.Socket) error { return errors.New("not today") })
		w.io.Of("/empty").Use(func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{} })
		p := w.open(transport)
		p.says(`0/text,`)
		p.hears(`4/text,{"message":"not today"}`)
		p.says(`0/empty,`)
		p.hears(`4/empty,{"message":""}`) // the key is always there
	})
}

func TestQuirk13InvalidNamespaceOfRevision4(t *testing.T) {
	setup := func(io *socketio.Server) {
		io.Of("/picky").Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })
	}
	overOld(t, setup, func(w *world, transport string) {
		p := w.joinOld(transport)
		p.says(`0/nowhere,`)
		p.hears(`4/nowhere,{"message":"Invalid namespace"}`)
		p.says(`0/picky,`)
		p.hears(`4/picky,"no"`) // other refusals are text
	})
}

func TestQuirk14NoRoomsIsNobody(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "b")
		var none []string
		c.hear("a list without rooms", w.io.To(none...).Emit)
		c.hear("no rooms", w.io.To().Emit)
		c.hear("no rooms from a socket", c.sockets["a"].To().Emit)
		c.hear("no rooms, then one", w.io.To().To("a").Emit, "a")
		c.hear("except none", w.io.Except(none...).Emit, "a", "b")
	})
}

func TestQuirk16EmitWithAckEndsWithTheSocket(t *testing.T) {
	for name, end := range map[string]func(w *world, p *peer, s *socketio.Socket){
		"the client leaves":  func(_ *world, p *peer, _ *socketio.Socket) { p.says(`1`) },
		"the client goes":    func(_ *world, p *peer, _ *socketio.Socket) { p.goes() },
		"the server ends it": func(_ *world, _ *peer, s *socketio.Socket) { s.Disconnect() },
		"the server closes":  func(w *world, _ *peer, _ *socketio.Socket) { _ = w.io.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				sockets, result := make(chan *socketio.Socket, 1), make(chan error, 1)
				w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
				p := w.join(transport)
				s := within(w, "the connection", sockets)
				go func() {
					_, err := s.EmitWithAck(context.Background(), "q") // it has no deadline
					result <- err
				}()
				p.hears(`20["q"]`)
				end(w, p, s)
				if err := within(w, "the end of the wait", result); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("the wait ends with %v, want ErrClosed", err)
				}
			})
		})
	}
}

func TestQuirk23DisconnectInAMiddlewareDoesNothing(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			s.Disconnect()
			s.CloseConn()
			return nil
		})
		p := w.join(transport)
		p.isOpen()
		want(t, "sockets", len(w.io.Sockets()), 1)
	})
}

func TestQuirk24EmitsOfAMiddlewarePrecedeConnect(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		w.io.Use(func(_ context.Context, s *socketio.Socket) error { return s.Emit("session", 1, []byte{2}) })
		p := w.open(transport)
		p.says(`0`)
		p.hears(`51-["session",1,{"_placeholder":true,"num":0}]`, []byte{2}, `0{"sid":"*"}`)
	})
}

func TestQuirk25ViolationsAreForcedClose(t *testing.T) {
	for _, packet := range []string{`abc`, `0`, `2/nowhere,["x"]`} {
		overBoth(t, nil, func(w *world, transport string) {
			reasons := newList()
			w.io.OnConnection(func(s *socketio.Socket) {
				s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(string(r)) })
			})
			p := w.join(transport)
			_ = p.tries(packet)
			want(t, "the reason after "+packet, strings.Join(reasons.await(w, 1), " "), "forced close")
		})
	}
}

func TestQuirk30ClientFilesAreProperHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", newServer(t, nil))
	const path = "/socket.io/socket.io.min.js"
	tags := make(map[string]bool)
	for _, encoding := range []string{"identity", "gzip", "br"} {
		resp := fetch(mux, "GET", path, "Accept-Encoding", encoding)
		want(t, encoding+": the status", resp.StatusCode, 200)
		want(t, encoding+": Vary", resp.Header.Get("Vary"), "Accept-Encoding")
		tags[resp.Header.Get("ETag")] = true
	}
	want(t, "the number of ETags", len(tags), 3)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		resp := fetch(mux, method, path)
		want(t, method, fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Allow")), "405 GET, HEAD")
	}
	want(t, "a path that only looks alike", fetch(mux, "GET", "/socket.ioXsocket.io.min.js").StatusCode, 404)
}

func TestQuirk31CloseOfAnUnusedServer(t *testing.T) {
	io := socketio.NewServer(nil) // no HTTP server has it
	for range 2 {
		if err := io.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := io.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown after Close: %v", err)
	}
}
