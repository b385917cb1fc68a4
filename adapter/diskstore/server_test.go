// SPDX-License-Identifier: MIT

// This file has a server with a store on a disk, as a program of its own.

package diskstore_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"socketio"
)

// serveForEver serves on the listener that it has inherited, until SIGTERM or SIGKILL. What
// a client posts is sent to all and then acknowledged.
func serveForEver(dir string) {
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		fail(err)
	}
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{Store: opened(dir), Window: time.Minute}})
	io.OnConnection(func(s *socketio.Socket) {
		if !s.Recovered() {
			_ = s.Join("room")
		}
	})
	io.On("post", func(s *socketio.Socket, text string) (string, error) {
		return text, io.To("room").Emit("posted", text)
	})
	server := &http.Server{Handler: io}
	term, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { _ = server.Serve(listener) }()
	<-term.Done()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := io.Shutdown(ctx); err != nil {
		fail(err)
	}
	_ = server.Close()
}
