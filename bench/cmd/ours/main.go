// SPDX-License-Identifier: MIT

//go:build linux

// Command ours is this repository's server as the benchmark measures it: events
// that echo, acknowledge and broadcast, and default options beside the driver.
package main

import (
	"context"
	"flag"
	"net/http"
	"os"
	"time"

	"socketio"
	"socketio/adapter/diskstore"
	"socketio/bench/internal/control"
	"socketio/engineio"
)

func main() {
	driver := flag.String("driver", "", `who waits for the network: "poll" or "goroutine"`)
	handlers := flag.String("handlers", "socket", `where the six handlers are: "socket", "namespace", or "0": none`)
	ping := flag.Int("ping", 25000, "milliseconds between two heartbeats")
	deflate := flag.Bool("deflate", false, "messages are compressed")
	certificate := flag.String("tls", "", "a file with a certificate and its key")
	recovery := flag.String("recovery", "", `"memory" or "disk": clients are recovered from there`)
	ln := control.Listen()

	opts := &socketio.Options{
		Engine:       engineio.Options{Driver: engineio.Driver(*driver)},
		PingInterval: time.Duration(*ping) * time.Millisecond,
	}
	if *recovery != "" {
		opts.Recovery = &socketio.Recovery{Window: 10 * time.Minute}
	}
	if *recovery == "disk" {
		dir, err := os.MkdirTemp("", "bench-recovery-")
		if err != nil {
			control.Fatal(err)
		}
		defer os.RemoveAll(dir)
		store, err := diskstore.Open(context.Background(), dir, nil)
		if err != nil {
			control.Fatal(err)
		}
		opts.Recovery.Store = store
	}
	if *deflate {
		opts.Engine.PerMessageDeflate = &engineio.PerMessageDeflate{}
	}
	opts.MaxPayload = 2_000_000 // the row of 1 MB
	io := socketio.NewServer(opts)
	register(io, *handlers)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	go func() { // ends with the process
		if *certificate != "" {
			control.Fatal(http.ServeTLS(ln, mux, *certificate, *certificate))
		}
		control.Fatal(http.Serve(ln, mux))
	}()

	control.Serve(ln.Addr(), nil)
}

// register registers the handlers.
func register(io *socketio.Server, where string) {
	toAll := func(msg string) error { return io.Emit("bcast", msg) }
	toRoom := func(room, msg string) error { return io.To(room).Emit("room", msg) }
	switch where {
	case "socket":
		io.OnConnection(func(s *socketio.Socket) {
			s.On("echo", func(msg string) error { return s.Emit("echo", msg) })
			s.On("blob", func(b []byte) error { return s.Emit("blob", b) })
			s.On("ack", func(msg string) string { return msg })
			s.On("bcast", toAll)
			s.On("join", func(room string) (string, error) { return "joined", s.Join(room) })
			s.On("room", toRoom)
		})
	case "namespace":
		io.On("echo", func(s *socketio.Socket, msg string) error { return s.Emit("echo", msg) })
		io.On("blob", func(s *socketio.Socket, b []byte) error { return s.Emit("blob", b) })
		io.On("ack", func(_ *socketio.Socket, msg string) string { return msg })
		io.On("bcast", func(_ *socketio.Socket, msg string) error { return toAll(msg) })
		io.On("join", func(s *socketio.Socket, room string) (string, error) { return "joined", s.Join(room) })
		io.On("room", func(_ *socketio.Socket, room, msg string) error { return toRoom(room, msg) })
	}
}
