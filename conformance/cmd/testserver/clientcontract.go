// SPDX-License-Identifier: MIT

package main

// This file holds the behaviour that our own client's tests expect: see
// web/client/test/server-contract.md. It is on when CONTRACT is "client".

import (
	"context"
	"strings"
	"sync"
	"time"

	"socketio"
)

// clientApp is what the handlers of the client's contract share.
type clientApp struct {
	mu      sync.Mutex // guards the fields below
	reasons map[string]socketio.DisconnectReason
	waiting map[string]socketio.Ack
}

func registerClientContract(io *socketio.Server) {
	app := &clientApp{
		reasons: make(map[string]socketio.DisconnectReason),
		waiting: make(map[string]socketio.Ack),
	}
	io.OnConnection(app.serve)
	io.Of("/admin").OnConnection(app.serve)
	io.Of("/deny").Use(func(*socketio.Socket) error {
		return &socketio.ConnectError{Message: "denied", Data: map[string]int{"code": 7}}
	})
	token := io.Of("/token")
	token.Use(func(s *socketio.Socket) error {
		var auth struct {
			Token string `json:"token"`
		}
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.ConnectError{Message: "bad token"}
		}
		return nil
	})
	token.OnConnection(func(s *socketio.Socket) {
		s.On("whoami", func() any { return authOf(s) })
	})
}

func (a *clientApp) serve(s *socketio.Socket) {
	s.On("echo", func(args ...any) error { return s.Emit("echo", args...) })
	s.On("echo-ack", echo)
	s.On("ask", func(ctx context.Context, args ...any) error {
		reply, err := s.EmitWithAck(ctx, "question", args...)
		if err != nil {
			return err
		}
		values, err := reply.Values()
		if err != nil {
			return err
		}
		return s.Emit("answer", values...)
	})
	s.On("silent", func(socketio.Ack) {})
	s.On("fail", func() error { return &socketio.PublicError{Message: "boom", Code: "E_BOOM"} })
	s.On("join", func(room string) error { return s.Join(room) })
	s.On("leave", func(room string) { s.Leave(room) })
	s.On("say", func(room string, args ...any) error { return s.To(room).Emit("said", args...) })
	s.On("shout", func(args ...any) error { return s.Namespace().Emit("said", args...) })
	ups := []any{}
	s.On("up", func(n any) { ups = append(ups, n) })
	s.On("ups", func() []any { return ups })
	s.On("stream", func(count int) { go stream(s, count) }) // ends with the socket
	s.On("bye", func() { s.Disconnect(false) })
	s.On("drop", func() { drop(s) })
	s.On("reason", a.reason)
	s.OnDisconnect(func(reason socketio.DisconnectReason) { a.note(s, reason) })
}

// stream emits "tick" every 2 ms until it has done so count times or the socket
// is gone.
func stream(s *socketio.Socket, count int) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := range count {
		<-tick.C
		if s.Emit("tick", i) != nil {
			return
		}
	}
}

// drop ends the connection without a DISCONNECT packet: it sends more than the
// outbound queue takes.
func drop(s *socketio.Socket) {
	ballast := strings.Repeat("x", 1<<20)
	for s.Emit("ballast", ballast) == nil {
	}
}

// reason answers once the socket with that tag is gone.
func (a *clientApp) reason(tag string, ack socketio.Ack) error {
	a.mu.Lock()
	reason, ok := a.reasons[tag]
	if !ok {
		a.waiting[tag] = ack
	}
	a.mu.Unlock()
	if ok {
		return ack(reason)
	}
	return nil
}

// note keeps why a socket with a tag went, and tells who waits for it.
func (a *clientApp) note(s *socketio.Socket, reason socketio.DisconnectReason) {
	var auth struct {
		Tag string `json:"tag"`
	}
	if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Tag == "" {
		return
	}
	a.mu.Lock()
	a.reasons[auth.Tag] = reason
	ack := a.waiting[auth.Tag]
	a.mu.Unlock()
	if ack != nil {
		_ = ack(reason) // whoever asked may be gone too
	}
}
