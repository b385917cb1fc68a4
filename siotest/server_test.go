// SPDX-License-Identifier: MIT

// This file tests serving applications: behind other handlers, with options, and how they
// end.

package siotest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/parser/msgpack"
	"socketio/siotest"
)

// An application behind a mux and a middleware, which closes its server before or
// after the kit closes its own.
func TestBehindAMux(t *testing.T) {
	for _, first := range []string{"the application", "the kit"} {
		inBubble(t, func(s *setting) {
			app, events := newApp(nil)
			stop := func() { _ = app.Close() }
			if first == "the kit" {
				s.Cleanup(stop)
			}
			mux := http.NewServeMux()
			mux.Handle("/chat/", app)
			mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "welcome") })
			srv := siotest.NewServerWith(s.T, mux, &siotest.ServerOptions{Path: "/chat/"})
			if first == "the application" {
				s.Cleanup(stop)
			}
			resp, err := srv.HTTPClient().Get(srv.URL() + "/login")
			if err != nil {
				s.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(body) != "welcome" {
				s.Errorf("/login says %q, %v", body, err)
			}
			alice := s.connect(srv)
			alice.Emit("echo")
			alice.Want("echo")
			if events.String() != "" {
				s.Errorf("the application saw %q", events)
			}
		})
	}
}

// Headers, query and auth of a client reach the application.
func TestHeadersQueryAndAuth(t *testing.T) {
	everywhere(t, func(s *setting) {
		var mu sync.Mutex
		var seen []string
		app := socketio.NewServer(&socketio.Options{Handshake: func(r *http.Request) (context.Context, error) {
			if r.Header.Get("Cookie") == "" {
				return nil, &socketio.ConnectError{Message: "no cookie"}
			}
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, r.Host, r.Header.Get("Cookie"), r.URL.Query().Get("room"))
			return r.Context(), nil
		}})
		app.OnConnection(func(socket *socketio.Socket) {
			var auth struct{ Name string }
			if err := socket.Handshake().DecodeAuth(&auth); err != nil {
				s.Error(err)
			}
			_ = socket.Emit("hello", auth.Name)
		})
		srv := siotest.NewServerWith(s.T, app, &siotest.ServerOptions{TCP: s.tcp, Patience: s.patience()})
		srv.WantRefused(&siotest.ClientOptions{Transport: s.transport}, "no cookie")
		_, err := srv.TryConnect(&siotest.ClientOptions{Transport: s.transport})
		var refusal *siotest.RefusedError
		if !errors.As(err, &refusal) || refusal.Status != 403 || refusal.Code != 4 || refusal.Message != "no cookie" {
			s.Errorf("refused with %v", err)
		}
		alice := srv.ConnectWith(&siotest.ClientOptions{
			Transport: s.transport,
			Header:    http.Header{"Cookie": {"a=b"}, "Host": {"chat.example"}},
			Query:     url.Values{"room": {"blue & green"}},
			Auth:      map[string]string{"name": "alice"},
		})
		alice.Want("hello", "alice")
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(seen, ", "); got != "chat.example, a=b, blue & green" {
			s.Errorf("the application saw %q", got)
		}
	})
}

// Other packet formats work like the default.
func TestCodec(t *testing.T) {
	inBubble(t, func(s *setting) {
		app, _ := newApp(&socketio.Options{Codec: new(msgpack.Codec)})
		srv := siotest.NewServerWith(s.T, app, &siotest.ServerOptions{Codec: new(msgpack.Codec)})
		alice := s.connect(srv)
		alice.Emit("echo", 1, "two", []byte{3}, map[string]any{"deep": []byte("bytes")})
		alice.Want("echo", 1, "two", []byte{3}, map[string]any{"deep": []byte("bytes")})
		alice.Emit("echo", "text")
		if e := alice.Next(); e.String() != `"echo" ["text"]` {
			s.Errorf("got %v", e)
		}
		var refusal *siotest.ConnectError
		if _, err := alice.Conn().TryJoin("/private", nil); !errors.As(err, &refusal) || string(refusal.Data) != `{"hint":"log in"}` {
			s.Errorf("refused with %v", err)
		}
		alice.Ask("add", 2, 3).Want(5)
	})
}

// The default driver of the application's server works in a bubble: nothing in memory
// goes to an event loop.
func TestDriversInABubble(t *testing.T) {
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverPoll, engineio.DriverGoroutine} {
		synctest.Test(t, func(t *testing.T) {
			app, _ := newApp(&socketio.Options{Engine: engineio.Options{Driver: driver}})
			alice := siotest.NewServer(t, app).Connect()
			time.Sleep(time.Hour)
			alice.EmitWithAck("add", 1, 1)
		})
	}
}

// A small buffer makes the server wait early.
func TestBuffer(t *testing.T) {
	inBubble(t, func(s *setting) {
		app, _ := newApp(nil)
		srv := siotest.NewServerWith(s.T, app, &siotest.ServerOptions{Buffer: 16})
		alice := s.connect(srv)
		alice.Emit("echo", strings.Repeat("x", 10_000))
		alice.Want("echo", strings.Repeat("x", 10_000))
	})
}

// Patience and Quiet are durations.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, _ := newApp(nil)
		start := time.Now()
		f := play(func(tb siotest.TB) {
			srv := siotest.NewServerWith(tb, app, &siotest.ServerOptions{Patience: 3 * time.Second})
			srv.Connect().Next()
		})
		if !strings.HasSuffix(f.fatal, "nothing comes in 3s") || time.Since(start) > time.Minute {
			t.Errorf("after %v: %s", time.Since(start), f.fatal)
		}
	})
	app, _ := newApp(nil)
	srv := siotest.NewServerWith(t, app, &siotest.ServerOptions{Quiet: 10 * time.Millisecond})
	alice, start := srv.Connect(), time.Now()
	alice.WantNothing()
	if took := time.Since(start); took < 10*time.Millisecond {
		t.Errorf("WantNothing took %v", took)
	}
}

// Many clients connect, talk and end at the same time.
func TestManyClients(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				c, err := srv.TryConnect(&siotest.ClientOptions{Transport: s.transport})
				if err != nil {
					s.Error(err)
					return
				}
				for i := range 10 {
					args, err := c.Ask("add", i, 1).Wait()
					var sum int
					if err != nil || args.Decode(&sum) != nil || sum != i+1 {
						s.Errorf("%d + 1 = %v, %v", i, args, err)
					}
				}
				c.Conn().Kill()
			})
		}
		wg.Wait()
	})
}

// A server that is shut down rejects all clients.
func TestShutdown(t *testing.T) {
	everywhere(t, func(s *setting) {
		app, events := newApp(nil)
		srv := siotest.NewServerWith(s.T, app, &siotest.ServerOptions{TCP: s.tcp, Patience: s.patience()})
		alice := s.connect(srv)
		if err := app.Shutdown(s.Context()); err != nil {
			s.Error(err)
		}
		alice.WantDisconnect(siotest.TransportClose)
		if events.String() != "server shutting down" {
			s.Errorf("the application saw %q", events)
		}
		var refusal *siotest.RefusedError
		if _, err := srv.TryConnect(nil); !errors.As(err, &refusal) || refusal.Status != 503 {
			s.Errorf("refused with %v", err)
		}
	})
}

// Clients connect to two servers of one bubble at the same time.
func TestTwoServersInABubble(t *testing.T) {
	inBubble(t, func(s *setting) {
		done := make(chan struct{}, 2)
		for range 2 {
			srv, _ := s.serve()
			go func() {
				defer func() { done <- struct{}{} }()
				for range 20 {
					srv.Connect()
				}
			}()
		}
		<-done
		<-done
	})
}

// A duration without its unit panics with a question.
func TestDurationsWithoutAUnit(t *testing.T) {
	io := socketio.NewServer(nil)
	srv := siotest.NewServer(t, io)
	for want, fn := range map[string]func(){
		"siotest: ServerOptions.Patience is 5000 nanoseconds: did you mean 5*time.Second?": func() {
			siotest.NewServerWith(t, io, &siotest.ServerOptions{Patience: 5000})
		},
		"siotest: ServerOptions.Quiet is 50 nanoseconds: did you mean 50*time.Second or 50*time.Millisecond?": func() {
			siotest.NewServerWith(t, io, &siotest.ServerOptions{Quiet: 50})
		},
		"siotest: Link.Delay is 1500 nanoseconds: did you mean 1500*time.Millisecond?": func() {
			srv.NewLink().Delay(siotest.Both, 1500)
		},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			fn()
		}()
	}
}
