// SPDX-License-Identifier: MIT

// This file holds examples of the parameters and results of handlers: arguments,
// acknowledgements, errors, reasons.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"socketio"
)

// A handler that takes an Ack decides when to answer.
func ExampleAck() {
	server := socketio.NewServer(nil)
	defer server.Close()

	server.OnConnection(func(s *socketio.Socket) {
		var answer socketio.Ack
		s.On("order", func(dish string, ack socketio.Ack) {
			answer = ack // kept; other events are handled meanwhile
		})
		s.On("cooked", func(dish string) { answer(dish+" is ready", 2) })
	})

	client := connect(server)
	defer client.close()
	client.join("/")
	reply := client.Ask("order", "soup")
	client.say("cooked", "soup")
	fmt.Println(reply.Wait())
	// Output: ["soup is ready",2] <nil>
}

// Args are for a handler that decodes its arguments itself.
func ExampleArgs() {
	server := socketio.NewServer(nil)
	defer server.Close()

	server.OnConnection(func(s *socketio.Socket) {
		s.On("draw", func(args socketio.Args) (string, error) {
			var shape string
			if err := args.Decode(&shape); err != nil {
				return "", err
			}
			switch {
			case shape == "circle" && args.Len() == 2:
				var radius float64
				err := args.Decode(nil, &radius) // nil skips an argument
				return fmt.Sprintf("circle of %g", radius), err
			default:
				return "unknown: " + args.String(), nil
			}
		})
	})

	client := connect(server)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("draw", "circle", 2.5))
	fmt.Println(client.call("draw", "star"))
	// Output:
	// ["circle of 2.5"]
	// ["unknown: [\"star\"]"]
}

// The client sees the message and the code of a PublicError, and nothing of other errors.
func ExamplePublicError() {
	server := socketio.NewServer(&socketio.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	defer server.Close()

	errSoldOut := &socketio.PublicError{Message: "sold out", Code: "SOLD_OUT"}
	server.OnConnection(func(s *socketio.Socket) {
		s.On("buy", func(article string) error {
			if article == "ticket" {
				return fmt.Errorf("buying for %s: %w", s.ID(), errSoldOut) // may be wrapped
			}
			return errors.New("database: no route to host")
		})
	})

	client := connect(server)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("buy", "ticket"))
	fmt.Println(client.call("buy", "poster"))
	// Output:
	// [{"error":{"message":"sold out","code":"SOLD_OUT"}}]
	// [{"error":{"message":"internal error","code":""}}]
}

// OnError receives the error of every handler that failed, with the event and the
// argument.
func ExampleHandlerError() {
	server := socketio.NewServer(nil)
	defer server.Close()

	server.OnError(func(s *socketio.Socket, e *socketio.HandlerError) {
		fmt.Printf("%q, argument %d: %v\n", e.Event, e.ArgIndex, e.Err != nil)
	})
	server.OnConnection(func(s *socketio.Socket) {
		s.On("age", func(name string, years int) bool { return true })
	})

	client := connect(server)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("age", "anna", "old"))
	// Output:
	// "age", argument 1: true
	// [{"error":{"message":"invalid argument 2","code":"invalid_argument"}}]
}

// A handler that panics affects only its event. OnError receives the value and the stack.
func ExamplePanicError() {
	server := socketio.NewServer(nil)
	defer server.Close()

	server.OnError(func(s *socketio.Socket, e *socketio.HandlerError) {
		var p *socketio.PanicError
		if errors.As(e, &p) {
			fmt.Println("panic:", p.Value, "with its stack:", len(p.Stack) > 0)
		}
	})
	server.OnConnection(func(s *socketio.Socket) {
		s.On("boom", func() bool { panic("out of order") })
		s.On("ping", func() string { return "pong" })
	})

	client := connect(server)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("boom"))
	fmt.Println(client.call("ping"))
	// Output:
	// panic: out of order with its stack: true
	// [{"error":{"message":"internal error","code":""}}]
	// ["pong"]
}

// A ConnectError determines the arguments of the client's connect_error.
func ExampleConnectError() {
	server := socketio.NewServer(nil)
	defer server.Close()

	server.Use(func(_ context.Context, s *socketio.Socket) error {
		return &socketio.ConnectError{Message: "in maintenance", Data: map[string]int{"retryAfter": 60}}
	})

	client := connect(server)
	defer client.close()
	fmt.Println(client.ask(nil))
	// Output: refused: in maintenance {"retryAfter":60}
}

// The reason has the text of the JavaScript server.
func ExampleDisconnectReason() {
	server := socketio.NewServer(nil)
	defer server.Close()

	reasons := make(chan socketio.DisconnectReason)
	server.OnConnection(func(s *socketio.Socket) {
		s.OnDisconnect(func(reason socketio.DisconnectReason) { reasons <- reason })
		s.On("kick me", func() { s.Disconnect() })
	})

	client := connect(server)
	defer client.close()
	client.join("/")
	client.Disconnect()
	fmt.Println(<-reasons)
	client.join("/")
	client.say("kick me")
	fmt.Println(<-reasons == socketio.ReasonServerDisconnect)
	// Output:
	// client namespace disconnect
	// true
}

// The handshake describes how a client connected.
func ExampleHandshake() {
	server := socketio.NewServer(nil)
	defer server.Close()

	server.OnConnection(func(s *socketio.Socket) {
		h := s.Handshake()
		var auth struct{ Token string }
		if err := h.DecodeAuth(&auth); err != nil {
			s.CloseConn()
			return
		}
		s.Emit("seen", h.Query().Get("transport"), h.HeaderValue("Accept-Language"), auth.Token, h.Secure)
	})

	client := connect(server, "Accept-Language", "de")
	defer client.close()
	client.Client = client.conn.Join("/", map[string]string{"token": "abc"})
	fmt.Println(client.hear())
	// Output: / seen ["websocket","de","abc",false]
}
