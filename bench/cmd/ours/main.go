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
	handlers := flag.Bool("handlers", true, "sockets have handlers")
	recovery := flag.String("recovery", "", `"memory" or "disk": clients are recovered from there`)
	ln := control.Listen()

	opts := &socketio.Options{Engine: engineio.Options{Driver: engineio.Driver(*driver)}}
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
	io := socketio.NewServer(opts)
	io.OnConnection(func(s *socketio.Socket) {
		if !*handlers {
			return
		}
		s.On("echo", func(msg string) error { return s.Emit("echo", msg) })
		s.On("blob", func(b []byte) error { return s.Emit("blob", b) })
		s.On("ack", func(msg string) string { return msg })
		s.On("bcast", func(msg string) error { return io.Emit("bcast", msg) })
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	go func() { control.Fatal(http.Serve(ln, mux)) }() // ends with the process

	control.Serve(ln.Addr(), nil)
}
