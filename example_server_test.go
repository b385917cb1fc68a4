// SPDX-License-Identifier: MIT

// This file holds examples of servers, namespaces, broadcasts and middlewares.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"time"

	"socketio"
	"socketio/engineio"
)

// NewServer accepts nil for the defaults, and panics on invalid options.
func ExampleNewServer() {
	io := socketio.NewServer(nil)
	fmt.Println(io.Connections(), "connections")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(io.Shutdown(ctx))
	fmt.Println(io.Emit("anybody?"))
	// Output:
	// 0 connections
	// <nil>
	// engineio: closed
}

// A zero field means its default.
func ExampleOptions() {
	io := socketio.NewServer(&socketio.Options{
		PingInterval: 10 * time.Second,
		Transports:   []string{"websocket"},
		CORS:         &socketio.CORS{Origins: []string{"https://example.com"}},
	})
	defer io.Close()

	fmt.Println(fetch(io, "GET", "/socket.io/?EIO=4&transport=polling").StatusCode)
	client := connect(io)
	defer client.close()
	fmt.Println(client.ask(nil))
	// Output:
	// 400
	// connected
}

// A client that comes back within a minute continues its session, if the middlewares find
// the same user.
func ExampleRecovery() {
	user := socketio.NewDataKey[string]("user")
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{
		Window: time.Minute,
		SameIdentity: func(old, current socketio.SessionInfo) bool {
			before, _ := user.Get(old)
			now, _ := user.Get(current)
			return before == now
		},
		OnSessionExpired: func(s socketio.SessionInfo) { fmt.Println(s.ID, "does not come back") },
	}})
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		if !s.Recovered() {
			s.Emit("welcome")
		}
	})
	fmt.Println(io.Emit("kept for those who come back", 1))
	// Output: <nil>
}

// Bounds of sockets are in Limits, and everything else about connections is in Engine.
func ExampleSocketLimits() {
	io := socketio.NewServer(&socketio.Options{
		Limits: socketio.SocketLimits{MaxRooms: 1},
		Engine: engineio.Options{WriteTimeout: 5 * time.Second},
	})
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.Emit("joined", errors.Is(s.Join("one", "two"), socketio.ErrTooManyRooms))
	})
	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println("too many rooms:", client.hear())
	// Output: too many rooms: / joined [true]
}

// Another JSON library encodes what the server sends.
func ExampleJSON() {
	marshal := func(v any) ([]byte, error) { return []byte(fmt.Sprintf(`"%T"`, v)), nil }
	io := socketio.NewServer(&socketio.Options{Codec: socketio.JSON(marshal, nil)})
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) { s.Emit("hello", struct{ Name string }{"ada"}) })
	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.hear())
	// Output: / hello ["struct { Name string }"]
}

// The browser client comes from elsewhere, such as a bundler.
func ExampleNoClientFiles() {
	io := socketio.NewServer(&socketio.Options{ClientFiles: socketio.NoClientFiles{}})
	defer io.Close()

	fmt.Println(fetch(io, "GET", "/socket.io/socket.io.js").StatusCode)
	// Output: 404
}

// A page of another origin is allowed by name.
func ExampleCORS() {
	io := socketio.NewServer(&socketio.Options{
		CORS: &socketio.CORS{Origins: []string{"https://*.example.com"}, AllowCredentials: true},
	})
	defer io.Close()

	for _, origin := range []string{"https://app.example.com", "https://example.org"} {
		r := httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		io.ServeHTTP(w, r)
		fmt.Println(origin, w.Code, w.Header().Get("Access-Control-Allow-Origin"))
	}
	// Output:
	// https://app.example.com 200 https://app.example.com
	// https://example.org 403
}

// Each method returns a new value, so a broadcast can be kept and refined.
func ExampleBroadcast() {
	io := socketio.NewServer(nil)
	defer io.Close()

	players := io.To("red", "blue")
	io.OnConnection(func(s *socketio.Socket) {
		s.On("join", func(team string) error { return s.Join(team) })
		s.On("score", func(team string, points int) {
			players.Emit("score", team, points)
			players.Except(team).Emit("hurry up") // players is unchanged
		})
	})

	red, blue := connect(io), connect(io)
	defer red.close()
	defer blue.close()
	red.join("/")
	blue.join("/")
	red.call("join", "red")
	blue.call("join", "blue")
	red.say("score", "red", 3)
	fmt.Println("red hears", red.hear())
	fmt.Println("blue hears", blue.hear())
	fmt.Println("blue hears", blue.hear())
	// Output:
	// red hears / score ["red",3]
	// blue hears / score ["red",3]
	// blue hears / hurry up []
}

// A socket is found by its id, which another client may know.
func ExampleNamespace_Socket() {
	io := socketio.NewServer(nil)
	defer io.Close()

	lobby := io.Of("/lobby")
	lobby.OnConnection(func(s *socketio.Socket) {
		s.On("kick", func(id string) bool {
			other, ok := lobby.Socket(id)
			if ok {
				other.Disconnect()
			}
			return ok
		})
	})

	alice, bob := connect(io), connect(io)
	defer alice.close()
	defer bob.close()
	alice.join("/lobby")
	bob.join("/lobby")
	fmt.Println(alice.call("kick", bob.ID()))
	fmt.Println(alice.call("kick", bob.ID())) // bob is gone
	// Output:
	// [true]
	// [false]
}

// A namespace has middlewares, handlers and rooms of its own.
func ExampleNamespace() {
	io := socketio.NewServer(nil)
	defer io.Close()

	admin := io.Of("/admin")
	admin.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Password string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Password != "tops3cret" {
			return errors.New("no entry")
		}
		return nil
	})
	admin.OnConnection(func(s *socketio.Socket) {
		admin.Emit("admins", len(admin.Sockets()))
	})

	client := connect(io)
	defer client.close()
	client.join("/") // no password asked here
	fmt.Println(client.askFor("/admin", map[string]string{"password": "guess"}))
	client.Client = client.conn.Join("/admin", map[string]string{"password": "tops3cret"})
	fmt.Println(client.hear())
	// Output:
	// refused: no entry
	// /admin admins [1]
}

// Namespaces by a pattern exist while a socket is in them.
func ExampleParentNamespace_Children() {
	io := socketio.NewServer(nil)
	defer io.Close()

	teams := io.OfPattern(regexp.MustCompile(`^/team-\d+$`))
	teams.OnConnection(func(s *socketio.Socket) {
		for _, team := range teams.Children() {
			team.Emit("welcome to", team.Name())
		}
	})

	client := connect(io)
	defer client.close()
	client.join("/team-7")
	fmt.Println(client.hear())
	fmt.Println(client.askFor("/staff", nil))
	// Output:
	// /team-7 welcome to ["/team-7"]
	// refused: Invalid namespace
}

// A middleware of events runs around the handlers: it may measure, reject, or pass on a
// context.
func ExampleEventMiddleware() {
	io := socketio.NewServer(nil)
	defer io.Close()

	quiet := func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
		if e.Name == "shout" {
			return &socketio.PublicError{Message: "not so loud"}
		}
		return next(ctx, e)
	}
	io.OnConnection(func(s *socketio.Socket) {
		s.Use(quiet)
		s.On("shout", func() string { return "HELLO" })
		s.On("whisper", func() string { return "hello" })
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("shout"))
	fmt.Println(client.call("whisper"))
	// Output:
	// [{"error":{"message":"not so loud","code":""}}]
	// ["hello"]
}

// An Event is the event as a middleware sees it.
func ExampleEvent() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
			fmt.Println(e.Name, e.Args, e.WantsAck, e.Socket == s)
			return next(ctx, e)
		})
		s.On("add", func(a, b int) int { return a + b })
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("add", 1, 2))
	// Output:
	// add [1,2] true true
	// [3]
}

// The connection below a socket carries all namespaces of its client.
func ExampleSocket_Conn() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.On("transport", func() (string, uint8, int, error) {
			err := s.WaitDrained(s.Context()) // the response to the CONNECT
			messages, _ := s.Conn().Buffered()
			return s.Conn().Transport(), s.Conn().Handshake().Revision, messages, err
		})
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("transport"))
	// Output: ["websocket",4,0]
}

// The state of a socket is a variable beside its handlers: they run one at a time, so it
// needs no lock.
func ExampleSocket() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		count := 0
		s.On("count", func() int {
			count++
			return count
		})
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("count"), client.call("count"))
	// Output: [1] [2]
}

// A Server is an http.Handler: all middleware for net/http works around it.
func ExampleServer() {
	io := socketio.NewServer(nil)
	defer io.Close()

	logged := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		io.ServeHTTP(w, r)
	})
	client := connect(logged)
	defer client.close()
	fmt.Println(client.ask(nil))
	// Output:
	// GET /socket.io/
	// connected
}
