// SPDX-License-Identifier: MIT

//go:build linux

// Command coder is what github.com/coder/websocket costs when it moves the bytes of the
// benchmark and knows nothing of Socket.IO. It has a goroutine for each connection; a
// broadcast writes to one after the other.
package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"socketio/bench/internal/control"
	"socketio/bench/internal/load"
)

type server struct {
	mu    sync.RWMutex // guards the field below
	conns map[*websocket.Conn]struct{}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	c.SetReadLimit(2_000_000)
	s.serve(context.Background(), c)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	_ = c.CloseNow()
}

func (s *server) serve(ctx context.Context, c *websocket.Conn) {
	err := c.Write(ctx, websocket.MessageText, []byte(load.OpenPacket))
	for err == nil {
		var op websocket.MessageType
		var data []byte
		if op, data, err = c.Read(ctx); err != nil {
			return
		}
		switch {
		case load.IsJoin(data):
			s.mu.Lock()
			s.conns[c] = struct{}{}
			s.mu.Unlock()
			err = c.Write(ctx, websocket.MessageText, []byte(load.JoinedPacket))
		case load.IsBroadcast(data):
			s.mu.RLock()
			for c := range s.conns {
				_ = c.Write(ctx, websocket.MessageText, data)
			}
			s.mu.RUnlock()
		default:
			err = c.Write(ctx, op, data)
		}
	}
}

func main() {
	ln := control.Listen()
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", &server{conns: make(map[*websocket.Conn]struct{})})
	go func() { control.Fatal(http.Serve(ln, mux)) }() // ends with the process

	control.Serve(ln.Addr(), nil)
}
