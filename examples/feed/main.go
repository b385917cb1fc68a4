// SPDX-License-Identifier: MIT

// Command feed shows notes that are kept in a database of SQLite. A page loads the
// existing notes, then receives each new one as an event, with no gap and no overlap
// between the two. In examples/feed, a module of its own:
//
//	go run . -db notes.db -addr localhost:3000
//
// Each note is stored together with the position of its event. A client joins the room of
// the feed and learns the position P at that instant; it is given the notes up to P from
// the database, and the events that it gets have later positions.
package main

import (
	"context"
	_ "embed"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"socketio"
)

//go:embed index.html
var page []byte

// room is joined by the clients that follow the feed.
const room = "feed"

func main() {
	name := flag.String("db", "notes.db", "the file of the database")
	addr := flag.String("addr", "localhost:3000", "where to listen")
	flag.Parse()
	if err := run(*name, *addr); err != nil {
		log.Fatal(err)
	}
}

func run(name, addr string) error {
	notes, err := openNotes(name)
	if err != nil {
		return err
	}
	defer notes.db.Close()
	io := newServer(notes)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	log.Printf("the feed is on http://%s", addr)
	select {
	case err := <-ended:
		return err
	case <-stop.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := io.Shutdown(limit); err != nil {
		log.Print(err)
	}
	return server.Shutdown(limit)
}

// newServer returns a server for a feed.
func newServer(notes *notes) *socketio.Server {
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{}})

	// load makes the client follow the feed, and returns the notes before.
	io.On("load", func(s *socketio.Socket) ([]string, error) {
		position, err := s.JoinAt(room)
		if err != nil {
			return nil, err
		}
		return notes.upTo(s.Context(), position)
	})

	// write stores a note and sends it to all that follow the feed.
	io.On("write", func(s *socketio.Socket, text string) (string, error) {
		err := notes.add(s.Context(), text, func() (string, error) {
			return io.To(room).EmitAt("note", text)
		})
		if err != nil {
			// It may have been sent without being stored.
			_ = io.To(room).Emit("reload")
			return "", err
		}
		return "stored", nil
	})
	return io
}
