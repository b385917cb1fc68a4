// SPDX-License-Identifier: MIT

// This file holds the tests of recovery under stress: clients that present one secret at
// the same time, again and again.

package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/adaptertest"
)

// Several clients have the secrets of several sessions, and all come and go with them at
// the same time. At no time do two connected sockets have one id; events to an id arrive at
// one client; and when the clients have gone, the sessions are still there.
func TestNeverTwoSocketsWithOneID(t *testing.T) {
	for name, store := range map[string]adapter.Store{"memory": adapter.NewMemoryStore(), "durable": adaptertest.NewDisk().Store()} {
		t.Run(name, func(t *testing.T) {
			recovering(t, &socketio.Recovery{Store: store}, func(w *world) {
				var mu sync.Mutex // guards live
				live := make(map[string]int)
				w.io.Use(func(context.Context, *socketio.Socket) error { return nil })
				w.io.OnConnection(func(s *socketio.Socket) {
					mu.Lock()
					defer mu.Unlock()
					if live[s.ID()]++; live[s.ID()] != 1 {
						t.Errorf("%d sockets have the id %s", live[s.ID()], s.ID())
					}
					s.OnDisconnect(func(socketio.DisconnectReason) {
						mu.Lock()
						defer mu.Unlock()
						live[s.ID()]--
					})
				})
				const sessions, clients, rounds = 2, 8, 8
				all := make([]*returner, sessions)
				for i := range all {
					all[i] = w.returner().comes()
				}
				var recovered, refused, taken atomic.Int64
				var crew sync.WaitGroup
				for i := range clients {
					own := all[i%sessions]
					crew.Go(func() {
						for n := range rounds {
							p := w.open(websocket)
							p.says(fmt.Sprintf(`0{"pid":%q}`, own.pid))
							got, err := p.next()
							if err != nil && strings.Contains(err.Error(), "close 1008") {
								taken.Add(1) // by another, before this one has read the answer
								continue
							}
							if err != nil {
								t.Errorf("a client is not answered: %v", err)
								return
							}
							var reply struct{ SID, PID, NotRecovered string }
							if err := json.Unmarshal([]byte(got.text[1:]), &reply); err != nil {
								t.Errorf("the answer is %s", got)
								return
							}
							switch {
							case reply.SID == own.sid && reply.PID == own.pid:
								recovered.Add(1)
							case reply.NotRecovered == "in_use" && reply.SID != own.sid && reply.PID != own.pid:
								refused.Add(1)
							default:
								t.Errorf("the answer is %s", got)
							}
							if n%3 > 0 {
								p.goes()
							}
						}
					})
				}
				for i := range 60 {
					_ = w.io.To(all[i%sessions].sid).Emit("e")
				}
				crew.Wait()
				w.settle()
				t.Logf("%d recovered, %d in use, %d taken over", recovered.Load(), refused.Load(), taken.Load())
				if recovered.Load() < sessions {
					t.Errorf("%d clients were recovered", recovered.Load())
				}
				for _, own := range all {
					sockets := 0
					for _, s := range w.io.Sockets() {
						if s.ID() == own.sid {
							sockets++
						}
					}
					if sockets > 1 {
						t.Errorf("%d sockets have the id %s", sockets, own.sid)
					}
					own.peer.goes()
					own.comes().is("recovered")
				}
			})
		})
	}
}
