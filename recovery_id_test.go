// SPDX-License-Identifier: MIT

// This file tests that a recovered socket has the id of its session everywhere, not the one
// that it had before it was recovered.

package socketio_test

import (
	"context"
	"testing"

	"socketio"
)

func TestARecoveredSocketHasItsIDEverywhere(t *testing.T) {
	recovering(t, nil, func(w *world) {
		r, other := w.returner().comes(), w.returner().comes()
		id := r.sid
		r.drops().comes().is("recovered")
		s, found := w.io.Socket(id)
		if !found {
			t.Fatal("no socket has the id of the session")
		}
		want(t, "Socket.ID", s.ID(), id)
		sockets, err := w.io.To(id).FetchSockets(w.Context())
		if err != nil || len(sockets) != 1 {
			t.Fatalf("%d sockets are fetched, %v", len(sockets), err)
		}
		want(t, "RemoteSocket.ID", sockets[0].ID(), id)

		for _, to := range []socketio.Broadcast{
			s.Broadcast(), s.Except("nobody"), s.Volatile().Except("nobody"), s.Compress(false).Except("nobody"),
		} {
			if err := to.Emit("others"); err != nil {
				t.Fatal(err)
			}
			other.hears("others")
		}
		r.hearsNothing()

		asked := s.Ask(context.Background(), "asked")
		r.peer.hears(`20["asked"]`)
		r.peer.says(`30["yes"]`)
		for reply, err := range asked.All() {
			if err != nil {
				t.Fatal(err)
			}
			want(t, "Reply.SocketID", reply.SocketID, id)
		}
	})
}
