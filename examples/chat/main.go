// SPDX-License-Identifier: MIT

// Command chat is a chat room: one Go file and one page.
//
// It listens on localhost:3000, or on the port in the environment variable
// PORT (0 takes a free one). Any Socket.IO client that emits "chat message"
// with a string takes part.
package main

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
	"strings"
	"sync"
	"syscall"
	"time"

	"socketio"
)

//go:embed public
var files embed.FS

// A person is sent with each message, so that pages can show the sender.
type person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	At   int64  `json:"at"` // now, in milliseconds since 1970
}

// A room knows how many people are online.
type room struct {
	io *socketio.Server

	mu     sync.Mutex // held while emitting a note, so that counts arrive in order
	online int
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// run serves the chat until the process is stopped.
func run() error {
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

	chat := newRoom()

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

// nickname is the key of a person's name, stored with the socket.
var nickname = socketio.NewDataKey[string]("nickname")

// me is the person behind a socket.
func me(s *socketio.Socket) person {
	name, _ := nickname.Get(s)
	return person{s.ID(), name, time.Now().UnixMilli()}
}

// newRoom makes a server whose clients chat. Handlers are checked here, when the program
// starts.
func newRoom() *room {
	io := socketio.NewServer(nil)
	r := &room{io: io}

	io.On("chat message", func(s *socketio.Socket, text string) {
		if strings.TrimSpace(text) == "" {
			return
		}
		log.Printf("%s says %q", s.ID(), text)
		io.Emit("chat message", text, me(s)) // everyone
	})
	io.On("file", func(s *socketio.Socket, file, kind string, data []byte) {
		log.Printf("%s shares %q, %d bytes", s.ID(), file, len(data))
		io.Emit("file", file, kind, data, me(s))
	})
	io.On("typing", func(s *socketio.Socket) {
		s.Broadcast().Emit("typing", me(s)) // everyone but s
	})
	io.On("nickname", func(s *socketio.Socket, name string) {
		before := me(s).Name
		if name = clean(name); name != "" && name != before {
			nickname.Set(s, name)
			r.note(0, before+" is now "+name)
		}
	})
	io.OnConnection(r.enter)
	return r
}

// enter runs before the first event of a socket.
func (r *room) enter(s *socketio.Socket) {
	var auth struct{ Nickname string }
	_ = s.Handshake().DecodeAuth(&auth) // without a nickname they are a guest
	name := cmp.Or(clean(auth.Nickname), "Guest "+s.ID()[:4])
	nickname.Set(s, name)

	log.Printf("%s connected", s.ID())
	r.note(+1, name+" joined")
	s.OnDisconnect(func(reason socketio.DisconnectReason) {
		log.Printf("%s left: %s", s.ID(), reason)
		r.note(-1, me(s).Name+" left")
	})
}

// note notifies everyone of an event and of the number of people online.
func (r *room) note(change int, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.online += change
	r.io.Emit("note", text, r.online)
}

// clean makes a nickname fit to show: one line of at most 24 characters.
func clean(nickname string) string {
	name := []rune(strings.Join(strings.Fields(nickname), " "))
	return string(name[:min(len(name), 24)])
}
