// SPDX-License-Identifier: MIT

// This file holds the examples of methods for several sockets.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socketio"
)

// A broadcast with acknowledgements: the answers arrive one by one, and the error names
// the clients that did not answer.
func ExampleBroadcast_EmitWithAck() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.Join("players")
		s.On("hello", func() {})
	})

	quick, asleep := connect(io), connect(io)
	defer quick.close()
	defer asleep.close()
	quick.join("/")
	asleep.join("/")
	quick.call("hello") // now both are in the room
	asleep.call("hello")
	go quick.answer("yes")

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	players := io.To("players").Timeout(10 * time.Second)
	for reply, err := range players.EmitWithAck(ctx, "ready?") {
		var silent *socketio.PartialError
		if errors.As(err, &silent) {
			fmt.Println(len(silent.Sockets), "did not answer:", silent.Err)
			break
		}
		var word string
		if err := reply.Decode(&word); err != nil {
			fmt.Println(err)
		}
		fmt.Println("one says", word)
		cancel() // the first answer is enough
	}
	// Output:
	// one says yes
	// 1 did not answer: context canceled
}

// A function that takes an Emitter or an Asker works with a socket, a room or a server.
// An Ask returns at once; its answers are read when they are needed.
func ExampleAnswers() {
	greet := func(to socketio.Emitter) { _ = to.Emit("hello") }
	check := func(asker socketio.Asker) *socketio.Answers {
		return asker.Ask(context.Background(), "ready?")
	}

	io := socketio.NewServer(nil)
	defer io.Close()

	joined := make(chan *socketio.Socket, 1)
	io.OnConnection(func(s *socketio.Socket) { joined <- s })
	client := connect(io)
	defer client.close()
	client.join("/")
	s := <-joined

	var quietly socketio.Unicast = s.Compress(false)
	answers := check(quietly)
	greet(io.To(s.ID())) // arrives after the event of Ask
	client.answer("yes")
	args, err := answers.One()
	fmt.Println(args, err)
	// Output: ["yes"] <nil>
}

// Values stored with a socket have a typed key.
func ExampleDataKey() {
	type User struct{ Name string }
	userKey := socketio.NewDataKey[User]("user") // most often a package variable

	io := socketio.NewServer(nil)
	defer io.Close()

	io.Use(func(_ context.Context, s *socketio.Socket) error {
		userKey.Set(s, User{"Anna"})
		return nil
	})
	io.OnConnection(func(s *socketio.Socket) {
		s.On("who am I?", func() (string, error) {
			u, ok := userKey.Get(s)
			if !ok {
				return "", errors.New("nobody")
			}
			return u.Name, nil
		})
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	fmt.Println(client.call("who am I?"))
	// Output: ["Anna"]
}

// FetchSockets finds the sockets of a room on all servers of a cluster. Each can receive
// events, change rooms and be disconnected.
func ExampleBroadcast_FetchSockets() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.Join("lobby")
		s.On("hello", func() {})
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.call("hello") // now it is in the room

	sockets, err := io.To("lobby").FetchSockets(context.Background())
	if err != nil {
		fmt.Println(err) // names the servers that did not answer
	}
	for _, s := range sockets {
		s.Leave("lobby")
		s.Join("table 1")
		s.Emit("moved", "table 1")
	}
	fmt.Println(client.hear())
	// Output: / moved ["table 1"]
}

// All sockets of a room are moved, and disconnected.
func ExampleBroadcast_SocketsJoin() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.Join("waiting")
		s.On("start", func() error {
			if err := io.To("waiting").SocketsJoin("game"); err != nil {
				return err
			}
			if err := io.To("game").SocketsLeave("waiting"); err != nil {
				return err
			}
			return io.To("game").Emit("begin")
		})
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.say("start")
	fmt.Println(client.hear())
	// Output: / begin []
}

// An outgoing catch-all sees every event sent to one client.
func ExampleSocket_OnAnyOutgoing() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnConnection(func(s *socketio.Socket) {
		s.OnAnyOutgoing(func(event string, args socketio.Args) {
			fmt.Println("sent:", event, args)
		})
		s.Emit("hello", "you")
		io.Emit("hello", "everyone")
		s.On("bye", func() {})
	})

	client := connect(io)
	defer client.close()
	client.join("/")
	client.hear()
	client.hear()
	client.call("bye")
	// Output:
	// sent: hello ["you"]
	// sent: hello ["everyone"]
}

// Servers that share an adapter send each other events. For a single server there are no
// others.
func ExampleServer_ServerSideEmitWithAck() {
	io := socketio.NewServer(nil)
	defer io.Close()

	io.OnServerSideEmit("count", func() int { return len(io.Sockets()) })

	total := len(io.Sockets())
	for reply, err := range io.ServerSideEmitWithAck(context.Background(), "count") {
		if err != nil {
			fmt.Println(err) // names the servers that did not answer
			break
		}
		var n int
		if err := reply.Decode(&n); err == nil {
			total += n
		}
	}
	fmt.Println(total, "sockets")
	// Output: 0 sockets
}
