// SPDX-License-Identifier: MIT

// This file holds the examples of the documentation. Their client is in
// example_client_test.go; the README quotes Example.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"socketio"
)

// A chat: each message goes to everyone.
func Example() {
	io := socketio.NewServer(nil)

	io.On("chat message", func(s *socketio.Socket, text string) {
		io.Emit("chat message", text) // everyone
	})
	io.On("typing", func(s *socketio.Socket, name string) {
		s.Broadcast().Emit("typing", name) // everyone but s
	})
	io.OnConnection(func(s *socketio.Socket) {
		log.Printf("%s connected", s.ID())
		s.OnDisconnect(func(reason socketio.DisconnectReason) {
			log.Printf("%s left: %s", s.ID(), reason)
		})
	})

	http.Handle("/socket.io/", io) // also serves /socket.io/socket.io.js
	http.Handle("/", http.FileServer(http.Dir("public")))
	log.Fatal(http.ListenAndServe(":3000", nil))
}

// A namespace has its own sockets, rooms and handlers.
func ExampleServer_Of() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.Of("/news").OnConnection(func(s *socketio.Socket) {
		s.Emit("headline", "hello from "+s.Namespace().Name())
	})

	client := connect(io)
	defer client.close()
	client.join("/news")
	fmt.Println(client.hear())
	// Output: /news headline ["hello from /news"]
}

// A middleware rejects clients without a token, with a reason.
func ExampleServer_Use() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.ConnectError{Message: "not authorized", Data: map[string]string{"hint": "log in again"}}
		}
		return nil
	})

	client := connect(io)
	defer client.close()
	fmt.Println(client.ask(map[string]string{"token": "guess"}))
	fmt.Println(client.ask(map[string]string{"token": "secret"}))
	// Output:
	// refused: not authorized {"hint":"log in again"}
	// connected
}

// Rooms select the receivers of an event. Each method returns a new value, which can be
// kept.
func ExampleServer_To() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.On("enter", func(s *socketio.Socket) error { return s.Join("lobby") })
	io.On("mute", func(s *socketio.Socket) { s.Join("muted") })
	io.On("announce", func(s *socketio.Socket, text string) {
		audible := io.To("lobby", "stage").Except("muted")
		audible.Emit("announcement", text)
	})

	listener, muted := connect(io), connect(io)
	defer listener.close()
	defer muted.close()
	listener.join("/")
	muted.join("/")
	listener.call("enter")
	muted.call("enter")
	muted.say("mute")
	muted.say("announce", "dinner is ready")
	fmt.Println(listener.hear())
	// Output: / announcement ["dinner is ready"]
}

// A handler sends an event to its client and waits for the acknowledgement.
func ExampleSocket_EmitWithAck() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.On("order", func(ctx context.Context, s *socketio.Socket, item string) error {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		reply, err := s.EmitWithAck(ctx, "sure?", item)
		if err != nil {
			return err // a client that asked for an acknowledgement gets an error
		}
		var sure bool
		if err := reply.Decode(&sure); err != nil {
			return err
		}
		return s.Emit("ordered", item, sure)
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.say("order", "tea")
	fmt.Println(client.answer(true))
	fmt.Println(client.hear())
	// Output:
	// / sure? ["tea"]
	// / ordered ["tea",true]
}

// A handler is a function with a parameter for each argument. Its results are the
// acknowledgement. A wrong signature panics here, when the program starts.
func ExampleServer_On() {
	io := socketio.NewServer(nil)
	defer io.Close()

	type Point struct{ X, Y int }

	io.On("add", func(s *socketio.Socket, a, b int) int { return a + b })
	io.On("move", func(s *socketio.Socket, p Point) (Point, error) {
		if p.X < 0 {
			return Point{}, &socketio.PublicError{Message: "out of bounds", Code: "BOUNDS"}
		}
		return Point{p.X + 1, p.Y}, nil
	})
	io.On("sum", func(ctx context.Context, numbers ...int) (sum int) {
		for _, n := range numbers {
			sum += n
		}
		return sum
	})
	io.On("size", func(file []byte) int { return len(file) })
	io.On("later", func(ack socketio.Ack) {
		go ack("done")
	})
	io.On("anything", func(args socketio.Args) string {
		return fmt.Sprintf("%d arguments: %s", args.Len(), args)
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("add", 1, 2))
	fmt.Println(client.call("move", Point{1, 2}))
	fmt.Println(client.call("move", Point{-1, 2}))
	fmt.Println(client.call("sum", 1, 2, 3, 4))
	fmt.Println(client.call("size", "AQID")) // bytes may come as base64 too
	fmt.Println(client.call("later"))
	fmt.Println(client.call("anything", 1, "b"))
	// Output:
	// [3]
	// [{"X":2,"Y":2}]
	// [{"error":{"message":"out of bounds","code":"BOUNDS"}}]
	// [10]
	// [3]
	// ["done"]
	// ["2 arguments: [1,\"b\"]"]
}

// A handler of one socket only is registered when the socket connects. It sees the
// variables there.
func ExampleSocket_On() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		clicks := 0 // handlers of one socket run one at a time
		s.On("click", func() int { clicks++; return clicks })
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.call("click")
	fmt.Println(client.call("click"))
	// Output: [2]
}

// Calls of a slow handler run alongside later events: at most four at once for one
// socket.
func ExampleParallel() {
	io := socketio.NewServer(nil)
	defer io.Close()

	finished := make(chan string)
	io.On("convert", socketio.Parallel(4, func(ctx context.Context, name string) (string, error) {
		select {
		case format := <-finished: // minutes later
			return name + "." + format, nil
		case <-ctx.Done(): // the client has disconnected
			return "", ctx.Err()
		}
	}))
	io.On("ping", func() string { return "pong" })

	client := connect(io)
	defer client.close()
	client.join("/")
	converted := client.Ask("convert", "holiday")
	fmt.Println(client.call("ping")) // does not wait for the conversion
	finished <- "webm"
	fmt.Println(converted.Args())
	// Output:
	// ["pong"]
	// ["holiday.webm"]
}

type userKey struct{}

// Values that an HTTP middleware stores in the request are available in every handler.
func ExampleOptions_handshake() {
	io := socketio.NewServer(&socketio.Options{
		Handshake: func(r *http.Request) (context.Context, error) {
			user, _, ok := r.BasicAuth() // or a session cookie, or r.Context()
			if !ok {
				return nil, errors.New("who are you?")
			}
			return context.WithValue(r.Context(), userKey{}, user), nil
		},
	})
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.Emit("hello", s.Context().Value(userKey{}))
	})

	client := connect(io, "Authorization", "Basic YW5uYTpzZWNyZXQ=")
	defer client.close()
	client.join("/")
	fmt.Println(client.hear())
	// Output: / hello ["anna"]
}

// The mux decides where a server is mounted. The client's path option must agree.
func ExampleServer_ServeHTTP() {
	io := socketio.NewServer(nil)
	defer io.Close()

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io) // the default of every client
	mux.Handle("/socket.io", io)  // for clients that leave out the slash
	mux.Handle("/api/live/", http.StripPrefix("/api", io))

	for _, path := range []string{"/socket.io/", "/socket.io", "/api/live/", "/socket.io/socket.io.js", "/elsewhere/"} {
		fmt.Println(path, fetch(mux, "GET", path+"?EIO=4&transport=polling").StatusCode)
	}
	// Output:
	// /socket.io/ 200
	// /socket.io 200
	// /api/live/ 200
	// /socket.io/socket.io.js 200
	// /elsewhere/ 404
}
