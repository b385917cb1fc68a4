// SPDX-License-Identifier: MIT

//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"socketio"
	"socketio/internal/ws"
)

// A simulation is a server with its clients. Its loop, the goroutine that calls its methods,
// does what an event loop does: it reads for all connections.
type simulation struct {
	io       *socketio.Server
	conns    []*conn
	joined   atomic.Int64 // sockets
	received atomic.Int64 // bytes
	batches  sync.Pool
	buf      []byte // the loop's

	mu     sync.Mutex // guards posted
	posted []*conn
	some   chan struct{} // one token: posted is not empty
}

func newSimulation() *simulation {
	s := &simulation{some: make(chan struct{}, 1)}
	s.batches.New = func() any { b := make([][]byte, 0, 64); return &b }
	const more = 1 << 21
	s.io = socketio.NewServer(&socketio.Options{MaxConnections: more})
	s.io.OnConnection(func(*socketio.Socket) { s.joined.Add(1) })
	for _, event := range []string{"echo", "blob", "ack", "bcast", "join", "room"} {
		s.io.On(event, func(*socketio.Socket, string) {})
	}
	return s
}

var (
	frameJoin = frame("40")
	framePong = frame("3")
)

func frame(data string) []byte {
	return ws.AppendMasked(nil, ws.Text, true, [4]byte{1, 2, 3, 4}, []byte(data))
}

const request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" +
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"

// A writer is the http.ResponseWriter of a handshake.
type writer struct {
	c      *conn
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) Write(b []byte) (int, error) { return len(b), nil }
func (w *writer) WriteHeader(status int)      { w.status = status }

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.c, bufio.NewReadWriter(bufio.NewReaderSize(strings.NewReader(""), 16), bufio.NewWriterSize(w.c, 16)), nil
}

// connect adds a client. The request is read from text, so that its strings are its own.
func (s *simulation) connect() error {
	r, err := http.ReadRequest(bufio.NewReaderSize(strings.NewReader(request), len(request)))
	if err != nil {
		return err
	}
	r.RemoteAddr = "127.0.0.1:1"
	c := &conn{sim: s}
	w := &writer{c: c, header: make(http.Header)}
	s.io.ServeHTTP(w, r)
	if c.h == nil {
		return fmt.Errorf("the handshake was answered %d", w.status)
	}
	s.conns = append(s.conns, c)
	c.feed(frameJoin)
	return nil
}

// post is called for a connection that has something to do.
func (s *simulation) post(c *conn) {
	s.mu.Lock()
	s.posted = append(s.posted, c)
	s.mu.Unlock()
	select {
	case s.some <- struct{}{}:
	default:
	}
}

// work does what was posted. It reports whether there was something.
func (s *simulation) work() bool {
	s.mu.Lock()
	list := s.posted
	s.posted = nil
	s.mu.Unlock()
	for _, c := range list {
		c.turn()
	}
	return len(list) > 0
}

// until works until a condition holds. What it waits for may happen in other goroutines.
func (s *simulation) until(what string, patience time.Duration, holds func() bool) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !holds() {
		if s.work() {
			continue
		}
		select {
		case <-s.some:
		case <-look.C:
		case <-deadline.C:
			return errors.New(what + ": not in time")
		}
	}
	return nil
}

// grow connects clients until there are n.
func (s *simulation) grow(n int) error {
	for len(s.conns) < n {
		if err := s.connect(); err != nil {
			return err
		}
		if len(s.conns)%64 == 0 {
			s.work()
		}
		// Joins are done by other goroutines: they must not fall far behind.
		if behind := 1024; len(s.conns)-int(s.joined.Load()) > behind {
			if err := s.until("joining", time.Minute, func() bool { return len(s.conns)-int(s.joined.Load()) < behind/2 }); err != nil {
				return err
			}
		}
	}
	return s.until("joining", time.Minute, func() bool { return int(s.joined.Load()) == n })
}
