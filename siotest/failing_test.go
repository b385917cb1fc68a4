// SPDX-License-Identifier: MIT

// This file tests that assertions fail when they should, with a helpful message.

package siotest_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"socketio"
	"socketio/engineio"
	"socketio/siotest"
)

// Each assertion fails when it should, and says what it expected and what it received.
func TestWhatFails(t *testing.T) {
	type scene struct {
		siotest.TB
		srv        *siotest.Server
		alice, bob *siotest.Client
	}
	for name, c := range map[string]struct {
		test func(s *scene)
		says string // * stands for anything
	}{
		"another event": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.Want("chat message", 1) },
			`alice wants "chat message" [1], but gets "echo" [1]`,
		},
		"another argument": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.Want("echo", 2) },
			`alice wants "echo" [2], but gets "echo" [1]`,
		},
		"fewer arguments": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.Want("echo", 1, siotest.Any{}) },
			`alice wants "echo" [1,anything], but gets "echo" [1]`,
		},
		"more arguments": {
			func(s *scene) { s.alice.Emit("echo", 1, 2); s.alice.Want("echo", 1) },
			`alice wants "echo" [1], but gets "echo" [1,2]`,
		},
		"text for bytes": {
			func(s *scene) { s.alice.Emit("echo", "x"); s.alice.Want("echo", []byte("x")) },
			`alice wants "echo" [{"_placeholder":true,"num":0}], but gets "echo" ["x"]`,
		},
		"other bytes": {
			func(s *scene) { s.alice.Emit("echo", []byte("x")); s.alice.Want("echo", []byte("y")) },
			`alice wants "echo" *, but gets "echo" *`,
		},
		"large integers that differ": {
			func(s *scene) {
				s.alice.Ask("large").Want(int64(9007199254740993))
			},
			`alice wants "large" to be acknowledged with [9007199254740993], but gets [9007199254740992]`,
		},
		"nothing": {
			func(s *scene) { s.alice.Want("echo") },
			`alice wants "echo" [], but nothing comes in 5m0s`,
		},
		"something": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.WantNothing() },
			`alice wants nothing, but gets "echo" [1]`,
		},
		"another name": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.WantEvent("chat") },
			`alice wants "chat", but gets "echo" [1]`,
		},
		"no event of a name": {
			func(s *scene) { s.alice.WantEvent("chat") },
			`alice wants "chat", but nothing comes in 5m0s`,
		},
		"no event": {
			func(s *scene) { s.alice.Next() },
			`alice wants an event, but nothing comes in 5m0s`,
		},
		"waiting in vain": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.Await("chat") },
			`alice waits for "chat", but nothing comes in 5m0s; before that came: "echo" [1]`,
		},
		"a value without a form": {
			func(s *scene) { s.alice.Emit("echo", make(chan int)) },
			`alice can't emit "echo": *chan int*`,
		},
		"a value without a form is wanted": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.Want("echo", make(chan int)) },
			`alice wants "echo" *, but gets "echo" [1] (*chan int*)`,
		},
		"emit after the end": {
			func(s *scene) { s.alice.Disconnect(); s.alice.Send("x") },
			`alice can't emit "message": it is disconnected: io client disconnect`,
		},
		"disconnect after the end": {
			func(s *scene) { s.alice.Disconnect(); s.alice.Disconnect() },
			`alice can't disconnect: it is disconnected: io client disconnect`,
		},
		"no disconnection": {
			func(s *scene) { s.alice.WantDisconnect(siotest.ServerDisconnect) },
			`alice wants to be disconnected (io server disconnect), but nothing comes in 5m0s`,
		},
		"an event instead of the end": {
			func(s *scene) { s.alice.Emit("echo", 1); s.alice.WantDisconnect(siotest.ServerDisconnect) },
			`alice wants to be disconnected (io server disconnect), but gets "echo" [1]`,
		},
		"another reason": {
			func(s *scene) { s.alice.Conn().Kill(); s.alice.WantDisconnect(siotest.ServerDisconnect) },
			`alice wants to be disconnected (io server disconnect), but it is disconnected: transport close (the client was killed)`,
		},
		"events of the disconnected": {
			func(s *scene) { s.alice.Emit("kick"); s.alice.Want("echo") },
			`alice wants "echo" [], but it is disconnected: io server disconnect`,
		},
		"no acknowledgement": {
			func(s *scene) { s.alice.EmitWithAck("silent") },
			`alice wants an acknowledgement of "silent", but nothing comes in 5m0s`,
		},
		"another acknowledgement": {
			func(s *scene) { s.alice.Ask("add", 1, 2).Want(4) },
			`alice wants "add" to be acknowledged with [4], but gets [3]`,
		},
		"an error instead of another": {
			func(s *scene) { s.alice.Ask("fail").WantError("sold out", "empty") },
			`alice wants "fail" to fail with "sold out" (code "empty"), but gets [{"error":{"message":"sold out","code":"E_SOLD"}}]`,
		},
		"no error": {
			func(s *scene) { s.alice.Ask("add", 1, 2).WantError("sold out", "") },
			`alice wants "add" to fail with "sold out" (code ""), but gets [3]`,
		},
		"auth that is no object": {
			func(s *scene) { s.srv.ConnectWith(&siotest.ClientOptions{Auth: "secret"}) },
			`no connection: siotest: Auth must be a JSON object, not "secret"`,
		},
		"auth without a form": {
			func(s *scene) { s.alice.Conn().Join("/other", make(chan int)) },
			`alice wants to join /other, but siotest: Auth: *chan int*`,
		},
		"a namespace that does not exist": {
			func(s *scene) { s.alice.Conn().Join("/nope", nil) },
			`alice wants to join /nope, but the server rejects /nope: Invalid namespace`,
		},
		"an acknowledgement too early": {
			func(s *scene) { s.alice.Ask("add", 1, 2).WantNothing() },
			`alice wants no acknowledgement of "add" yet, but gets [3]`,
		},
		"asking after the end": {
			func(s *scene) { s.alice.Disconnect(); s.alice.Ask("add") },
			`alice can't emit "add": it is disconnected: io client disconnect`,
		},
		"an acknowledgement nobody wants": {
			func(s *scene) { s.alice.Emit("echo"); s.alice.Next().Ack(1) },
			`alice acknowledges "echo", for which the server does not wait`,
		},
		"an acknowledgement without a form": {
			func(s *scene) { s.alice.Emit("order", "x"); s.alice.Next().Ack(make(chan int)) },
			`alice can't acknowledge "sure?": *chan int*`,
		},
		"another namespace's name": {
			func(s *scene) { c := s.alice.Conn().Join("/other", nil); c.WantEvent("echo") },
			`alice in /other wants "echo", but nothing comes in 5m0s`,
		},
		"a namespace that refuses": {
			func(s *scene) { s.alice.Conn().Join("/private", nil) },
			`alice wants to join /private, but the server rejects /private: not authorized {"hint":"log in"}`,
		},
		"a connection that is refused": {
			func(s *scene) { s.srv.ConnectWith(&siotest.ClientOptions{Namespace: "/private"}) },
			`no connection: the server rejects /private: not authorized {"hint":"log in"}`,
		},
		"a request that is refused": {
			func(s *scene) {
				s.srv.OpenWith(&siotest.ClientOptions{Header: http.Header{"Origin": {"http://evil.example"}}})
			},
			`no connection: the server answers with status 403 *`,
		},
		"a client that is not refused": {
			func(s *scene) { s.srv.WantRefused(&siotest.ClientOptions{Name: "carol"}, "no") },
			`carol should be rejected with "no", but is connected`,
		},
		"another refusal": {
			func(s *scene) { s.srv.WantRefused(&siotest.ClientOptions{Namespace: "/private"}, "no") },
			`a client should be rejected with "no", but is rejected with "not authorized"`,
		},
		"no answer at all": {
			func(s *scene) { s.srv.WantRefused(&siotest.ClientOptions{Transport: "pigeon"}, "no") },
			`a client should be rejected with "no", but siotest: unknown transport "pigeon"`,
		},
		"another packet": {
			func(s *scene) { c := s.srv.Open(); c.Say("40"); c.Hear("44*") },
			`client 3 wants to hear 44*, but hears 40{"sid":*}`,
		},
		"text for a binary packet": {
			func(s *scene) { c := s.srv.Open(); c.Say("40"); c.Hear([]byte{1}) },
			`client 3 wants to hear <01>, but hears 40{"sid":*}`,
		},
		"no packet": {
			func(s *scene) { s.srv.OpenWith(&siotest.ClientOptions{Transport: siotest.Polling}).Hear("40") },
			`client 3 wants to hear 40, but the connection has ended: *`,
		},
		"a packet": {
			func(s *scene) { c := s.srv.Open(); c.Say("40"); c.HearNothing() },
			`client 3 wants to hear nothing, but hears 40*`,
		},
		"no packet to say": {
			func(s *scene) { s.srv.Open().Say(1) },
			`client 3: siotest: a packet is a string or a []byte, not int`,
		},
		"no packet to hear": {
			func(s *scene) { s.srv.Open().Hear(1) },
			`client 3: siotest: a packet is a string or a []byte, not int`,
		},
		"saying after the end": {
			func(s *scene) { c := s.srv.Open(); c.Kill(); c.Say("40") },
			`client 3 can't say ["40"]: the connection has ended: the client was killed`,
		},
		"a connection that stays open": {
			func(s *scene) { s.alice.Conn().WantClosed(1000) },
			`alice wants to be closed, but the connection is still open after 5m0s`,
		},
		"another code": {
			func(s *scene) { c := s.srv.Open(); c.Say("4nonsense"); c.WantClosed(1000) },
			`client 3 wants to be closed with code 1000, but is with 1002 *`,
		},
		"an end without a code": {
			func(s *scene) { c := s.srv.Open(); c.Kill(); c.WantClosed(1000) },
			`client 3 wants to be closed with code 1000, but ends: the client was killed`,
		},
		"a second upgrade": {
			func(s *scene) { s.alice.Conn().Upgrade() },
			`alice can't upgrade: siotest: the connection is not on polling`,
		},
		"another transcript": {
			func(s *scene) { s.alice.Conn().WantTranscript("0s > 40") },
			`alice: the transcript differs in line 1:*0s < 0{*}*want:*0s > 40`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := play(func(tb siotest.TB) {
					io, _ := newApp(nil)
					io.OnConnection(func(s *socketio.Socket) { s.On("large", func() int64 { return 9007199254740992 }) })
					srv := siotest.NewServer(tb, io)
					test := &scene{TB: tb, srv: srv, alice: srv.ConnectWith(&siotest.ClientOptions{Name: "alice"}), bob: srv.Connect()}
					c.test(test)
				})
				got := strings.Join(append(f.errors, f.fatal), "")
				if !f.failed || !like(c.says, got) {
					t.Errorf("the test says %q, want %q", got, c.says)
				}
				if logs := strings.Join(f.logs, "\n"); !strings.Contains(logs, "alice said (>) and heard (<):") || !strings.Contains(logs, "> 40\n") {
					t.Errorf("the transcript is not in the log: %q", logs)
				}
			})
		})
	}
}

// like compares with a pattern in which * stands for anything.
func like(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	for i, part := range parts {
		at := strings.Index(s, part)
		if i == 0 && at != 0 || at < 0 {
			return false
		}
		s = s[at+len(part):]
		if i == len(parts)-1 && s != "" && part != "" {
			return false
		}
	}
	return true
}

// A test that passes logs nothing.
func TestPassingIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := play(func(tb siotest.TB) {
			io, _ := newApp(nil)
			srv := siotest.NewServer(tb, io)
			alice := srv.Connect()
			alice.Emit("echo")
			alice.Want("echo")
		})
		if f.failed || len(f.logs) > 0 {
			t.Errorf("failed: %v, logs: %q", f.failed, f.logs)
		}
	})
}

// A handler that panics fails the test: net/http would only log it.
func TestPanicsOfTheHandler(t *testing.T) {
	f := play(func(tb siotest.TB) {
		srv := siotest.NewServer(tb, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh no") }))
		if c, err := srv.TryConnect(nil); err == nil {
			t.Errorf("%v is connected", c)
		}
	})
	if !f.failed || !strings.Contains(strings.Join(f.errors, ""), "oh no") {
		t.Errorf("errors: %q", f.errors)
	}
}

// A bubble would wait forever for a server that was created outside.
func TestServerFromOutsideTheBubble(t *testing.T) {
	io, _ := newApp(nil)
	defer io.Close()
	engine := engineio.NewServer(nil, func(*engineio.Conn) engineio.Handler {
		t.Error("a connection has opened")
		return nil
	})
	defer engine.Close()
	synctest.Test(t, func(t *testing.T) {
		for name, handler := range map[string]http.Handler{"socketio": io, "engineio": engine} {
			for _, transport := range siotest.Transports() {
				f := play(func(tb siotest.TB) {
					mux := http.NewServeMux()
					mux.Handle("/socket.io/", handler)
					siotest.NewServer(tb, mux).OpenWith(&siotest.ClientOptions{Transport: transport})
				})
				if !strings.Contains(f.fatal, "the server was made outside the bubble: make it inside synctest.Test") {
					t.Errorf("%s, %s: fatal: %q", name, transport, f.fatal)
				}
			}
		}
	})
}

// A mux around a server has no Close; the option Close is called instead, also in place
// of the handler's.
func TestCloseOption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io, _ := newApp(nil)
		mux := http.NewServeMux()
		mux.Handle("/socket.io/", io)
		f := play(func(tb siotest.TB) {
			siotest.NewServerWith(tb, mux, &siotest.ServerOptions{Close: io.Close}).Connect()
		})
		if n := io.Connections(); f.failed || n != 0 {
			t.Errorf("failed: %v %q, connections: %d", f.failed, f.fatal, n)
		}
	})
	f := play(func(tb siotest.TB) {
		siotest.NewServerWith(tb, failing{}, &siotest.ServerOptions{Close: func() error { return nil }})
	})
	if f.failed {
		t.Errorf("errors: %q", f.errors)
	}
}

// While the test runs, its log has the errors of the server.
func TestLogger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logger *slog.Logger
		f := play(func(tb siotest.TB) {
			logger = siotest.Logger(tb)
			io, _ := newApp(&socketio.Options{Logger: logger})
			alice := siotest.NewServer(tb, io).Connect()
			alice.Emit("breaks", "tea")
			alice.WantNothing()
			tb.Errorf("too bad")
		})
		logger.Error("too late")
		logs := strings.Join(f.logs, "\n")
		if !like("*server: level=ERROR msg=\"a handler failed\" nsp=/ sid=* event=breaks error=\"no tea\"*", logs) || strings.Contains(logs, "too late") {
			t.Errorf("logs: %s", logs)
		}
	})
}

// A handler whose Close fails, fails the test.
func TestFailingClose(t *testing.T) {
	f := play(func(tb siotest.TB) { siotest.NewServer(tb, failing{}) })
	if got := strings.Join(f.errors, ""); got != "the handler's Close: it is stuck" {
		t.Errorf("errors: %q", got)
	}
}

type failing struct{}

func (failing) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
func (failing) Close() error                                     { return fmt.Errorf("it is stuck") }

// TCP in a bubble would stop its clock.
func TestTCPInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := play(func(tb siotest.TB) { siotest.NewServerWith(tb, failing{}, &siotest.ServerOptions{TCP: true}) })
		if !strings.Contains(f.fatal, "not inside a synctest bubble") {
			t.Errorf("fatal: %q", f.fatal)
		}
	})
}
