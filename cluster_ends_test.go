// SPDX-License-Identifier: MIT

// This file tests what an application sees of a cluster whose nodes leave, or can't reach
// each other.

package socketio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster/membus"
)

// Clients of other servers get what was broadcast before they are disconnected.
func TestADisconnectFollowsEarlierBroadcasts(t *testing.T) {
	t.Run("trap 53", func(t *testing.T) {
		for name, end := range map[string]func(io *socketio.Server) error{
			"the sockets":     func(io *socketio.Server) error { return io.DisconnectSockets() },
			"the connections": func(io *socketio.Server) error { return io.CloseConns() },
		} {
			t.Run(name, func(t *testing.T) {
				twins(t, 3, nil, func(tw []twin) {
					c := crowds(tw, []string{"a"}, []string{"b"}, []string{"c"})
					for range 20 {
						_ = tw[0].io.Emit("bye", []byte{1})
					}
					if err := end(tw[0].io); err != nil {
						t.Error(err)
					}
					for i, who := range []string{"a", "b", "c"} {
						p := c[i].peers[who]
						for range 20 {
							p.hears(`51-["bye",{"_placeholder":true,"num":0}]`, []byte{1})
						}
						p.hears("1")
					}
				})
			})
		}
	})
}

// What waits for a server that leaves ends, and what can't be published is delivered to
// the clients of this server.
func TestAServerLeavesTheCluster(t *testing.T) {
	t.Run("trap 54", func(t *testing.T) {
		twins(t, 3, nil, func(tw []twin) {
			c := crowds(tw, []string{"a"}, []string{"b"}, []string{"c"})
			began := time.Now()
			ended := make(chan error, 2)
			go func() { // ends when the clients have answered, or are gone
				for _, err := range tw[0].io.To("a", "b").Timeout(time.Minute).EmitWithAck(tw[0].Context(), "q") {
					if err != nil {
						ended <- err
						return
					}
				}
				ended <- nil
			}()
			tw[0].settle()
			c[0].peers["a"].hears(`20["q"]`)
			c[0].peers["a"].says(`30[]`)
			tw[1].node.Mute(true)
			go func() { // ends when all servers have answered, or in time
				_, err := tw[0].io.Timeout(time.Minute).FetchSockets(tw[0].Context())
				ended <- err
			}()
			tw[0].settle()
			_ = tw[1].io.Close()
			for range 2 {
				var partial *socketio.PartialError
				if err := <-ended; !errors.As(err, &partial) {
					t.Errorf("what waits ends with %v", err)
				}
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("what waits ends after %v", took)
			}
			if found, err := tw[0].io.FetchSockets(tw[0].Context()); len(found) != 2 || err != nil {
				t.Errorf("the others are %v %v", found, err)
			}

			tw[0].node.Break(true)
			if err := tw[0].io.Emit("alone"); !errors.Is(err, adaptertest.ErrBroken) {
				t.Errorf("Emit: %v", err)
			}
			c[0].peers["a"].hears(`2["alone"]`)
			c[2].peers["c"].hearsNothing()
			tw[0].node.Break(false)
			_ = tw[0].io.Emit("together")
			c[0].peers["a"].hears(`2["together"]`)
			c[2].peers["c"].hears(`2["together"]`)
		})
	})
}

// The end of each session is stored before Shutdown returns, however long the store takes:
// another server continues it without asking.
func TestShutdownStoresTheEndsOfSessions(t *testing.T) {
	const clients = 10
	network := membus.New(1)
	network.Delay(100*time.Millisecond, time.Second)
	sharingServers(t, 2, network, plainOptions, func(all []bused, _ *watch) {
		all[0].io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) { time.Sleep(2 * time.Second) })
		})
		returners := make([]*returner, clients)
		for i := range returners {
			returners[i] = all[0].returner().comes()
		}
		if err := all[0].io.Shutdown(context.Background()); err != nil {
			t.Fatalf("Shutdown: %v", err)
		}
		network.Delay(0, 0) // what is on its way is so still
		store := all[1].node.Store().(adapter.SharedStore)
		for i, r := range returners {
			s, err := store.Find(context.Background(), "/", r.pid)
			if err != nil {
				t.Fatalf("session %d: %v", i, err)
			}
			if s.Ended.IsZero() {
				t.Errorf("the end of session %d is not stored", i)
			}
		}
		for _, r := range returners {
			r.comesAt(all[1]).is("recovered")
		}
	})
}
