// SPDX-License-Identifier: MIT

package room

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"socketio"
	"socketio/adapter"
)

//go:embed public
var files embed.FS

// Run serves the chat until the process is stopped. store keeps what clients miss while
// they are away; if it is nil, that is in memory.
func Run(store adapter.Store) error {
	return RunWith(&socketio.Options{Recovery: &socketio.Recovery{Store: store}})
}

// RunWith is Run for a server with options. With Cluster it is one of several.
func RunWith(opts *socketio.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	port := cmp.Or(os.Getenv("PORT"), "3000")
	listener, err := net.Listen("tcp", "localhost:"+port)
	if err != nil {
		next, _ := strconv.Atoi(port)
		return fmt.Errorf("%w\nIf another program holds this port, choose one: PORT=%d make chat", err, next+1)
	}
	public, err := fs.Sub(files, "public")
	if err != nil {
		return err
	}

	chat := newRoom(opts)

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", chat.io)
	mux.Handle("/", http.FileServerFS(public))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	// Ends when Shutdown below is called, or when serving fails.
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Printf("http://localhost:%d\n", listener.Addr().(*net.TCPAddr).Port)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		stop() // a second Ctrl-C ends the process at once
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := chat.io.Shutdown(ctx); err != nil {
		log.Printf("not every client heard the goodbye: %v", err) // it is closed regardless
	}
	return server.Close()
}
