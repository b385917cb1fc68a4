// SPDX-License-Identifier: MIT

// This file holds the handlers about connections: what is known of one, how it
// ends, and traffic that outlasts a handler.

package conformserver

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"strings"
	"time"

	"socketio"
)

type leaving struct {
	Reason socketio.DisconnectReason `json:"reason"`
	Rooms  []string                  `json:"rooms"`
}

type gone struct {
	ID            string                    `json:"id"`
	Namespace     string                    `json:"nsp"`
	Reason        socketio.DisconnectReason `json:"reason"`
	Rooms         []string                  `json:"rooms"`
	Disconnecting leaving                   `json:"disconnecting"`
}

func (g gone) note() string { return "gone " + g.ID }

func (a *app) onLife(nsp *socketio.Namespace, s *socketio.Socket) {
	s.On("handshake", func() map[string]any { return handshake(s) })
	s.On("transport", func() string { return s.Transport() })
	s.On("steps", func() []string { return a.stepsOf(s) })
	s.On("stats", a.stats)
	s.On("watch", func(id string) error {
		if err := s.Join("watch:" + id); err != nil {
			return err
		}
		report, err := a.notes.Get(gone{ID: id}.note())
		if err != nil || report == "" {
			return err
		}
		return s.Emit("gone", json.RawMessage(report))
	})
	s.On("open-gate", a.openGate)
	s.On("disconnect-me", func(close bool) { disconnect(s, close) })
	s.On("farewell", func(count int, close bool) error {
		for i := range count {
			if err := s.Emit("bye", i); err != nil {
				return err
			}
		}
		disconnect(s, close)
		return nil
	})
	var last leaving
	s.OnDisconnecting(func(reason socketio.DisconnectReason) {
		last = leaving{Reason: reason, Rooms: sortedRooms(s)}
	})
	s.OnDisconnect(func(reason socketio.DisconnectReason) {
		a.steps.Delete(s)
		report := gone{ID: s.ID(), Namespace: nsp.Name(), Reason: reason, Rooms: sortedRooms(s), Disconnecting: last}
		text, err := json.Marshal(report)
		if err == nil {
			err = a.notes.Set(report.note(), string(text))
		}
		if err := errors.Join(err, a.io.To("watch:"+s.ID()).Emit("gone", report)); err != nil {
			log.Printf("report of %s: %v", s.ID(), err)
		}
	})
}

func (a *app) stats(ctx context.Context) (map[string]any, error) {
	all, err := a.status(ctx)
	return map[string]any{"sockets": all.Sockets, "sessions": all.Sessions}, err
}

func handshake(s *socketio.Socket) map[string]any {
	h := s.Handshake()
	headers := map[string]string{"host": h.Host}
	for name, v := range h.Header() {
		headers[strings.ToLower(name)] = strings.Join(v, ", ")
	}
	query := make(map[string]string)
	for name, v := range h.Query() {
		query[name] = v[len(v)-1]
	}
	address, _, err := net.SplitHostPort(h.RemoteAddr)
	if err != nil {
		address = h.RemoteAddr
	}
	return map[string]any{"auth": authOf(s), "query": query, "headers": headers, "address": address, "secure": h.Secure}
}

func onTraffic(nsp *socketio.Namespace, s *socketio.Socket) {
	collected := []any{}
	s.On("collect", func(value any, _ ...any) { collected = append(collected, value) })
	s.On("collected", func() []any {
		all := collected
		collected = []any{}
		return all
	})
	s.On("burst", func(count int) error {
		self := nsp.To(s.ID())
		for i := range count {
			emit := s.Emit
			if i%2 == 1 {
				emit = self.Emit
			}
			if err := emit("burst", i); err != nil {
				return err
			}
		}
		return nil
	})
	var p *pump
	s.On("pump-start", func() { p = startPump(s) })
	s.On("pump-stop", func() int { return p.stop() })
	s.OnDisconnect(func(socketio.DisconnectReason) {
		if p != nil {
			p.stop()
		}
	})
}

// A pump emits "down" with a counter every millisecond until it is stopped.
type pump struct {
	quit chan struct{}
	done chan int // holds the count once the goroutine has ended
}

func startPump(s *socketio.Socket) *pump {
	p := &pump{quit: make(chan struct{}), done: make(chan int, 1)}
	// run: one per pump, ends with stop, which OnDisconnect calls at the latest.
	go func() { p.done <- p.run(s) }()
	return p
}

// run emits until it is stopped or the socket is gone, and returns how many.
func (p *pump) run(s *socketio.Socket) int {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-p.quit:
			return n
		case <-tick.C:
		}
		args := []any{n}
		if n%10 == 9 {
			args = append(args, []byte{byte(n)})
		}
		if s.Emit("down", args...) != nil {
			return n
		}
	}
}

// stop ends the goroutine and returns how many were emitted. Calls must not overlap.
func (p *pump) stop() int {
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	n := <-p.done
	p.done <- n
	return n
}

// disconnect ends a socket, or its whole connection.
func disconnect(s *socketio.Socket, close bool) {
	if close {
		s.CloseConn()
		return
	}
	s.Disconnect()
}

// disconnectAll ends the sockets of a broadcast, or their connections.
func disconnectAll(b socketio.Broadcast, close bool) error {
	if close {
		return b.CloseConns()
	}
	return b.DisconnectSockets()
}
