// SPDX-License-Identifier: MIT

// This file holds the tests of rooms that are named by the id of a socket.

package socketio_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"socketio"
)

// The id of another socket of this server is refused from its CONNECT to its end, on
// each way into a room.
func TestReservedSocketIDs(t *testing.T) {
	for _, transport := range []string{websocket, polling} {
		memory(t, &socketio.Options{Limits: socketio.SocketLimits{ReserveSocketIDs: true}}, func(w *world) { reservedIDs(t, w, transport) })
	}
}

func reservedIDs(t *testing.T, w *world, transport string) {
	joining, gate := make(chan *socketio.Socket, 1), make(chan struct{})
	w.io.Of("/slow").Use(func(_ context.Context, s *socketio.Socket) error { joining <- s; <-gate; return nil })
	other := w.io.Of("/other")
	teams := w.io.OfPattern(teams)
	victim, p := w.open(websocket), w.open(transport)
	id, own, elsewhere, team := victim.joins("/"), p.joins("/"), victim.joins("/other"), p.joins("/team-1")
	s, _ := w.io.Socket(own)
	refused := func(what string, err error, room string) {
		t.Helper()
		if !errors.Is(err, socketio.ErrSocketRoom) {
			t.Errorf("%s: %v, want ErrSocketRoom", what, err)
		}
		if slices.Contains(s.Rooms(), room) || slices.Contains(s.Rooms(), "beside") {
			t.Errorf("%s: it is in %q", what, s.Rooms())
		}
	}
	refused("Join", s.Join("beside", id), id)
	refused("Join of an id in another namespace", s.Join("beside", elsewhere), elsewhere)
	refused("SocketsJoin", w.io.SocketsJoin("beside", id), id)
	refused("SocketsJoin of chosen ones", w.io.To(own).SocketsJoin(id), id)
	refused("SocketsJoin of children", teams.SocketsJoin(id), id)
	refused("SocketsJoin of another namespace", other.SocketsJoin(team), team)
	remote, err := w.io.To(own).FetchSockets(w.Context())
	if err != nil || len(remote) != 1 {
		t.Fatal(remote, err)
	}
	refused("RemoteSocket.Join", remote[0].Join("beside", id), id)
	victimSocket, _ := w.io.Socket(id)
	victimSocket.Leave(id)
	refused("after it has left its own room", s.Join("beside", id), id)
	if err := victimSocket.Join(id); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := s.Join(own, "chat:"+id); err != nil {
		t.Errorf("its own and one with a prefix: %v", err)
	}
	victim.says(`0/slow,`)
	early := within(w, "the middleware", joining)
	refused("one that is joining", s.Join("beside", early.ID()), early.ID())
	close(gate)
	victim.hears(`0/slow,*`)
	victim.says(`1`)
	w.settle()
	if err := s.Join(id); err != nil {
		t.Errorf("after the other has left: %v", err)
	}
	p.isOpen()
}

// A client of Socket.IO 2 knows the id of its socket before it joins, and may have
// published it: sockets that wait in that room are removed when the socket joins.
func TestReservedIDsOfOldClients(t *testing.T) {
	memory(t, &socketio.Options{AllowEIO3: true, Limits: socketio.SocketLimits{ReserveSocketIDs: true}}, func(w *world) {
		room, gate := w.io.Of("/room"), make(chan struct{})
		joining, wished := make(chan string, 1), ""
		room.Use(func(_ context.Context, s *socketio.Socket) error {
			if string(s.Handshake().Auth) == `{"wait":"1"}` {
				joining <- s.ID()
				if err := s.Join(wished); err != nil {
					t.Errorf("in the middleware: %v", err)
				}
				<-gate
			}
			return nil
		})
		old, spy, late := w.joinOld(websocket), w.open(websocket), w.open(websocket)
		id := "/room#" + old.sid
		s, _ := room.Socket(spy.joins("/room"))
		if err := s.Join(id); err != nil {
			t.Fatalf("before there is such a socket: %v", err)
		}
		wished = id
		late.says(`0/room,{"wait":"1"}`)
		lateID := within(w, "the middleware", joining)
		w.settle()
		old.says(`0/room,`)
		old.hears(`0/room,`)
		if slices.Contains(s.Rooms(), id) {
			t.Errorf("who came first is still in %q", s.Rooms())
		}
		close(gate)
		late.hears(`0/room,*`)
		if l, ok := room.Socket(lateID); !ok || slices.Contains(l.Rooms(), id) {
			t.Errorf("who wished for it in a middleware is in it: %v", ok)
		}
		_ = room.To(id).Emit("secret")
		old.hears(`2/room,["secret"]`)
		old.says(`1/room,`)
		w.settle()
		if err := s.Join(id); err != nil {
			t.Errorf("after it has left: %v", err)
		}
		old.says(`0/room,`)
		old.hears(`0/room,`)
		_ = room.To(id).Emit("secret")
		old.hears(`2/room,["secret"]`)
		spy.hearsNothing()
		late.hearsNothing()
	})
}

// However Join and the CONNECT of the other interleave, the room contains only its own
// socket in the end.
func TestReservedIDsRace(t *testing.T) {
	tcp(t, &socketio.Options{AllowEIO3: true, Limits: socketio.SocketLimits{ReserveSocketIDs: true}}, func(w *world) {
		room := w.io.Of("/room")
		spy := w.open(websocket)
		s, _ := room.Socket(spy.joins("/room"))
		for range 20 {
			old := w.joinOld(websocket)
			id := "/room#" + old.sid
			stop := make(chan struct{})
			var joins sync.WaitGroup
			for range 2 {
				joins.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
							_ = s.Join(id, "free")
						}
					}
				})
			}
			old.says(`0/room,`)
			old.hears(`0/room,`)
			close(stop)
			joins.Wait()
			if slices.Contains(s.Rooms(), id) {
				t.Errorf("the other is in %q", s.Rooms())
			}
			_ = old.socket.Close()
		}
	})
}

// python-socketio let a client into the room that another socket has of its own:
// a room whose name a client chooses may be the id of another.
func TestRoomOfAnotherSocket(t *testing.T) {
	for _, reserved := range []bool{false, true} {
		overBoth(t, &socketio.Options{Limits: socketio.SocketLimits{ReserveSocketIDs: reserved}}, func(w *world, transport string) {
			w.io.OnConnection(func(s *socketio.Socket) {
				s.On("join", func(room string) string {
					if err := s.Join("fine", room); err != nil {
						return err.Error()
					}
					return "joined"
				})
				s.On("join all", func(room string) string {
					if err := w.io.SocketsJoin(room); err != nil {
						return err.Error()
					}
					return "joined"
				})
			})
			victim, p := w.open(websocket), w.open(transport)
			id, own := victim.joins("/"), p.joins("/")
			if !reserved {
				p.says(`20["join","` + id + `"]`)
				p.hears(`30["joined"]`)
				_ = w.io.To(id).Emit("secret")
				p.hears(`2["secret"]`) // as the comment of Join warns
				return
			}
			const refused = `["socketio: room named by the id of another socket"]`
			p.says(`20["join","` + id + `"]`)
			p.hears(`30` + refused)
			p.says(`21["join all","` + id + `"]`)
			p.hears(`31` + refused)
			p.says(`22["join","` + own + `"]`)
			p.hears(`32["joined"]`)
			p.says(`23["join","chat:` + id + `"]`)
			p.hears(`33["joined"]`)
			_ = w.io.To(id).Emit("secret")
			victim.hears(`2["secret"]`)
			p.isOpen() // and heard nothing of it
			s, _ := w.io.Socket(own)
			if slices.Contains(s.Rooms(), id) || !slices.Contains(s.Rooms(), "chat:"+id) {
				t.Errorf("it is in the rooms %q", s.Rooms())
			}
		})
	}
}
