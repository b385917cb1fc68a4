// SPDX-License-Identifier: MIT

//go:build linux

// Command zishang is the server of github.com/zishang520/socket.io as the benchmark
// measures it.
package main

import (
	"flag"
	"net/http"
	"time"

	"github.com/zishang520/socket.io/servers/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	"socketio/bench/internal/control"
)

func main() {
	handlers := flag.Int("handlers", 6, "0: sockets have no handlers")
	ping := flag.Int("ping", 25000, "milliseconds between two heartbeats")
	ln := control.Listen()

	opts := socket.DefaultServerOptions()
	opts.SetServeClient(false)
	opts.SetPingInterval(time.Duration(*ping) * time.Millisecond)
	opts.SetMaxHttpBufferSize(2_000_000) // the row of 1 MB
	io := socket.NewServer(nil, opts)
	if *handlers > 0 {
		_ = io.On("connection", func(clients ...any) { serve(io, clients[0].(*socket.Socket)) })
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io.ServeHandler(nil))
	go func() { control.Fatal(http.Serve(ln, mux)) }() // ends with the process

	control.Serve(ln.Addr(), nil)
}

// serve registers the six handlers. Errors are those of names that are reserved.
func serve(io *socket.Server, s *socket.Socket) {
	_ = s.On("echo", func(args ...any) { _ = s.Emit("echo", args[0]) })
	_ = s.On("blob", func(args ...any) { _ = s.Emit("blob", args[0].(types.BufferInterface).Bytes()) })
	_ = s.On("ack", func(args ...any) { args[1].(socket.Ack)([]any{args[0]}, nil) })
	_ = s.On("bcast", func(args ...any) { _ = io.Emit("bcast", args[0]) })
	_ = s.On("join", func(args ...any) {
		s.Join(socket.Room(args[0].(string)))
		args[1].(socket.Ack)([]any{"joined"}, nil)
	})
	_ = s.On("room", func(args ...any) { _ = io.To(socket.Room(args[0].(string))).Emit("room", args[1]) })
}
