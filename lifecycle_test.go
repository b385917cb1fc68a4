// SPDX-License-Identifier: MIT

// This file holds how a socket ends and what its context says of it, and how it leaves rooms.

package socketio_test

import (
	"context"
	"errors"
	"testing"

	"socketio"
)

// The cause of a socket's context is ErrClosed, and wraps the error behind the end. It is
// the same for a context that was asked for before the end and for one asked for after.
func TestCauseOfTheEnd(t *testing.T) {
	for name, end := range map[string]struct {
		do    func(w *world, p *peer, s *socketio.Socket)
		cause error
	}{
		"the client leaves":        {func(_ *world, p *peer, _ *socketio.Socket) { p.says("1") }, socketio.ErrClosed},
		"the server ends it":       {func(_ *world, _ *peer, s *socketio.Socket) { s.Disconnect() }, socketio.ErrClosed},
		"its connection is closed": {func(_ *world, _ *peer, s *socketio.Socket) { s.CloseConn() }, socketio.ErrClosed},
		"the server is closed":     {func(w *world, _ *peer, _ *socketio.Socket) { _ = w.io.Close() }, socketio.ErrShutdown},
		"a message is too large":   {func(_ *world, p *peer, _ *socketio.Socket) { _ = p.tries(`2["` + string(make([]byte, 2000)) + `"]`) }, socketio.ErrTooLarge},
	} {
		for _, early := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				memory(t, &socketio.Options{MaxPayload: 1000}, func(w *world) {
					sockets, causes := make(chan *socketio.Socket, 1), make(chan error, 1)
					w.io.OnConnection(func(s *socketio.Socket) {
						if early {
							s.Context()
						}
						s.OnDisconnect(func(socketio.DisconnectReason) { causes <- context.Cause(s.Context()) })
						sockets <- s
					})
					p := w.join(websocket)
					end.do(w, p, within(w, "the connection", sockets))
					err := within(w, "the end", causes)
					if !errors.Is(err, socketio.ErrClosed) || !errors.Is(err, end.cause) {
						t.Errorf("the cause is %v, want ErrClosed and %v", err, end.cause)
					}
				})
			})
		}
	}
}

// Leave takes several rooms at once, also before the socket is let in.
func TestLeaveSeveralRooms(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.Use(func(s *socketio.Socket) error {
			err := s.Join("a", "b", "c", "d")
			s.Leave("b", "d", "never joined")
			return err
		})
		rooms := make(chan []string, 2)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Leave(s.ID())
			rooms <- s.Rooms()
			_ = s.Join("e")
			s.Leave("a", "c", "never joined")
			rooms <- s.Rooms()
		})
		w.join(websocket)
		want(t, "rooms that are left", len(within(w, "the rooms", rooms)), 2)
		if got := within(w, "the rooms", rooms); len(got) != 1 || got[0] != "e" {
			t.Errorf("rooms: %v, want e alone", got)
		}
	})
}
