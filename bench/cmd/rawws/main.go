// SPDX-License-Identifier: MIT

//go:build linux

// Command rawws is what a Go WebSocket library (github.com/lxzan/gws) costs when it
// moves the bytes of the benchmark and knows nothing of Socket.IO: it says what
// the driver wants to hear and sends messages back as they came.
package main

import (
	"net/http"
	"sync"

	"github.com/lxzan/gws"

	"socketio/bench/internal/control"
	"socketio/bench/internal/load"
)

type handler struct {
	gws.BuiltinEventHandler

	mu    sync.RWMutex // guards the field below
	conns map[*gws.Conn]struct{}
}

func (h *handler) OnOpen(c *gws.Conn) {
	_ = c.WriteString(load.OpenPacket) // an error ends the connection
}

func (h *handler) OnClose(c *gws.Conn, _ error) {
	h.mu.Lock()
	delete(h.conns, c)
	h.mu.Unlock()
}

func (h *handler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	switch data := m.Bytes(); {
	case load.IsJoin(data):
		h.mu.Lock()
		h.conns[c] = struct{}{}
		h.mu.Unlock()
		_ = c.WriteString(load.JoinedPacket)
	case load.IsBroadcast(data):
		b := gws.NewBroadcaster(gws.OpcodeText, data)
		h.mu.RLock()
		for c := range h.conns {
			_ = b.Broadcast(c)
		}
		h.mu.RUnlock()
		_ = b.Close()
	default:
		_ = c.WriteMessage(m.Opcode, data)
	}
}

func main() {
	ln := control.Listen()
	h := &handler{conns: make(map[*gws.Conn]struct{})}
	up := gws.NewUpgrader(h, &gws.ServerOption{})
	mux := http.NewServeMux()
	mux.HandleFunc("/socket.io/", func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r)
		if err != nil {
			return
		}
		go c.ReadLoop() // ends with the connection; the request's memory is let go
	})
	go func() { control.Fatal(http.Serve(ln, mux)) }() // ends with the process

	control.Serve(ln.Addr(), nil)
}
