// SPDX-License-Identifier: MIT

// This file holds the examples of the documentation. Each is a test as an application
// would have it; example prints its messages.

package siotest_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"socketio"
	"socketio/siotest"
)

// example runs a test and prints its failure, if it has one.
func example(test func(t siotest.TB)) {
	if f := play(test); f.failed {
		fmt.Println("FAIL:", f.fatal)
	} else {
		fmt.Println("ok")
	}
}

// A chat with two clients. In a test file this is the inside of a synctest bubble, and t
// is its *testing.T.
func Example() {
	example(func(t siotest.TB) {
		io := socketio.NewServer(nil)
		io.On("chat message", func(s *socketio.Socket, text string) { _ = io.Emit("chat message", text) })

		srv := siotest.NewServer(t, io)
		alice, bob := srv.Connect(), srv.Connect()
		alice.Emit("chat message", "hi")
		bob.Want("chat message", "hi")
		bob.WantNothing()
	})
	// Output: ok
}

// A test that fails says what it expected and what it received.
func ExampleClient_Want() {
	example(func(t siotest.TB) {
		io := socketio.NewServer(nil)
		io.OnConnection(func(s *socketio.Socket) {
			_ = s.Emit("welcome", "alise", 3)
		})

		srv := siotest.NewServer(t, io)
		alice := srv.ConnectWith(&siotest.ClientOptions{Name: "alice"})
		alice.Want("welcome", "alice", siotest.Any{})
	})
	// Output: FAIL: alice wants "welcome" ["alice",anything], but gets "welcome" ["alise",3]
}

// A handler's error is an acknowledgement too.
func ExampleReply_WantError() {
	example(func(t siotest.TB) {
		io := socketio.NewServer(&socketio.Options{Logger: siotest.Logger(t)})
		io.On("order", func(s *socketio.Socket, dish string) error {
			return &socketio.PublicError{Message: "no " + dish + " left", Code: "SOLD_OUT"}
		})

		alice := siotest.NewServer(t, io).Connect()
		alice.Ask("order", "soup").WantError("no soup left", "SOLD_OUT")
	})
	// Output: ok
}

// A middleware is tested from both sides.
func ExampleServer_WantRefused() {
	example(func(t siotest.TB) {
		io := socketio.NewServer(nil)
		io.Of("/admin").Use(func(_ context.Context, s *socketio.Socket) error {
			var auth struct{ Token string }
			if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
				return &socketio.ConnectError{Message: "not authorized", Data: "log in first"}
			}
			return nil
		})

		srv := siotest.NewServer(t, io)
		refusal := srv.WantRefused(&siotest.ClientOptions{Namespace: "/admin"}, "not authorized")
		fmt.Printf("refused with %s\n", refusal.Data)
		srv.ConnectWith(&siotest.ClientOptions{Namespace: "/admin", Auth: map[string]string{"token": "secret"}})
	})
	// Output:
	// refused with "log in first"
	// ok
}

// A handler's result is the acknowledgement.
func ExampleClient_Ask() {
	example(func(t siotest.TB) {
		io := socketio.NewServer(nil)
		io.OnConnection(func(s *socketio.Socket) {
			s.On("add", func(a, b int) int { return a + b })
		})

		alice := siotest.NewServer(t, io).Connect()
		alice.Ask("add", 1, 2).Want(3)
	})
	// Output: ok
}

// A client acknowledges an event of the server.
func ExampleClient_On() {
	example(func(t siotest.TB) {
		io := socketio.NewServer(nil)
		io.OnConnection(func(s *socketio.Socket) {
			s.On("order", func(item string) error {
				reply, err := s.EmitWithAck(s.Context(), "sure?", item)
				if err != nil {
					return err
				}
				var sure bool
				if err := reply.Decode(&sure); err != nil {
					return err
				}
				return s.Emit("ordered", item, sure)
			})
		})

		alice := siotest.NewServer(t, io).Connect()
		alice.On("sure?", func(e *siotest.Event) { e.Ack(true) })
		alice.Emit("order", "tea")
		alice.Want("ordered", "tea", true)
	})
	// Output: ok
}

// The connection breaks directly after a given text, on its way to the client.
func ExampleLink_CutAt() {
	example(func(t siotest.TB) {
		gone := make(chan socketio.DisconnectReason, 1)
		io := socketio.NewServer(nil)
		io.OnConnection(func(s *socketio.Socket) {
			s.On("transfer", func() { _ = s.Emit("balance", 42) })
			s.OnDisconnect(func(reason socketio.DisconnectReason) { gone <- reason })
		})

		alice := siotest.NewServer(t, io).Connect()
		alice.Link().CutAt(siotest.Down, "balance", siotest.FIN)
		alice.Emit("transfer")
		alice.WantDisconnect(siotest.TransportClose)
		fmt.Println("the client is gone:", <-gone)
	})
	// Output:
	// the client is gone: transport close
	// ok
}

// Raw packets, including those that no client would send.
func ExampleConn_Say() {
	example(func(t siotest.TB) {
		c := siotest.NewServer(t, socketio.NewServer(nil)).Open()
		c.Say(`40`)
		c.Hear(`40{"sid":"*"}`)
		c.Say(`42["unfinished"`)
		c.WantClosed(1002)
	})
	// Output: ok
}

// The application's other routes are served too.
func ExampleServer_HTTPClient() {
	example(func(t siotest.TB) {
		io := socketio.NewServer(nil)
		t.Cleanup(func() { _ = io.Close() }) // the mux has no Close
		mux := http.NewServeMux()
		mux.Handle("/socket.io/", io)
		mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

		srv := siotest.NewServerWith(t, mux, &siotest.ServerOptions{Patience: time.Minute})
		resp, err := srv.HTTPClient().Get(srv.URL() + "/health")
		if err != nil {
			t.Fatalf("%v", err)
		}
		_ = resp.Body.Close()
		fmt.Println(resp.Status)
		srv.Connect()
	})
	// Output:
	// 204 No Content
	// ok
}
