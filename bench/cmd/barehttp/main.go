// SPDX-License-Identifier: MIT

//go:build linux

// Command barehttp is what long-polling costs on net/http alone: a POST's body is the
// answer to the next GET of the session. It decodes nothing and keeps no deadlines.
package main

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"socketio/bench/internal/control"
	"socketio/bench/internal/load"
)

type server struct {
	mu       sync.RWMutex // guards the fields below
	sessions map[string]chan []byte
	last     int
}

func (s *server) open() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	sid := strconv.Itoa(s.last)
	s.sessions[sid] = make(chan []byte, 8)
	return sid
}

// session finds what a session will be sent.
func (s *server) session(r *http.Request) (sid string, queue chan []byte) {
	_, sid, _ = strings.Cut(r.URL.RawQuery, "sid=")
	sid, _, _ = strings.Cut(sid, "&")
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sid, s.sessions[sid]
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["Content-Type"], w.Header()["Cache-Control"] = contentType, noStore
	sid, queue := s.session(r)
	if queue == nil {
		sid = s.open()
		_, _ = io.WriteString(w, strings.Replace(load.OpenPacket, load.SID, sid, 1)) // an error ends the connection
		return
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(<-queue)
		return
	}
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return
	case string(body) == "40":
		body = []byte(load.JoinedPacket)
	case string(body) == "1":
		s.mu.Lock()
		delete(s.sessions, sid)
		s.mu.Unlock()
		body = []byte("6")
	}
	queue <- body
	_, _ = io.WriteString(w, "ok")
}

var contentType, noStore = []string{"text/plain; charset=UTF-8"}, []string{"no-store"}

func main() {
	ln := control.Listen()
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", &server{sessions: make(map[string]chan []byte)})
	go func() { control.Fatal(http.Serve(ln, mux)) }() // ends with the process

	control.Serve(ln.Addr(), nil)
}
