// SPDX-License-Identifier: MIT

// This file holds handlers of Parallel under stress: how many run, what runs beside
// them, and that nothing of a socket runs after its end.

package socketio_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"socketio"
)

// Clients say more than their handlers do, and leave in the middle of it. Calls fail,
// panic, end their goroutine and disconnect their socket.
func TestStressParallel(t *testing.T) {
	l := (*ledger)(nil)
	opts := func() *socketio.Options {
		l = newLedger()
		return &socketio.Options{Observers: []any{l}, Limits: socketio.SocketLimits{MaxInboxPackets: 16}}
	}
	stressed(t, opts, func(w *world, until context.Context) {
		const n = 3
		var atOnce, failures atomic.Int64
		w.io.OnError(func(*socketio.Socket, *socketio.HandlerError) { failures.Add(1) })
		w.io.OnConnection(func(s *socketio.Socket) {
			var running atomic.Int32
			usual, over := 0, false // guarded by the order of usual handlers
			s.On("work", socketio.Parallel(n, func(i int) (int, error) {
				switch now := running.Add(1); {
				case now > n:
					t.Errorf("%d calls run", now)
				case now == n:
					atOnce.Add(1)
				}
				defer running.Add(-1)
				for range i % 50 {
					runtime.Gosched()
				}
				// Until all places have been taken once, some calls keep theirs.
				for i%16 == 5 && atOnce.Load() == 0 && s.Context().Err() == nil {
					runtime.Gosched()
				}
				switch i % 16 {
				case 1:
					return 0, fmt.Errorf("failed")
				case 2:
					panic("boom")
				case 3:
					runtime.Goexit()
				}
				return i, nil
			}))
			s.On("kick", socketio.Parallel(1, func() { s.CloseConn() }))
			s.On("x", func() {
				if usual++; over {
					t.Error("an event after the end")
				}
			})
			s.OnDisconnecting(func(socketio.DisconnectReason) {
				if over = true; running.Load() != 0 {
					t.Error("a call runs after the end")
				}
			})
		})
		crew := crew{w: w, until: until}
		for v := range 6 {
			crew.works("visits", func(round int) error {
				g, err := w.enter()
				if err != nil {
					return err
				}
				for i := range 60 {
					_ = g.c.WriteText(fmt.Sprintf(`42["work",%d]`, v+round+i))
					_ = g.c.WriteText(`42["x"]`)
				}
				if round%2 == 0 { // else most of it is still under way
					_ = g.c.WriteText(`42["kick"]`)
					<-g.ended
				} else {
					_ = g.leaveBy(v % 3)
				}
				_ = g.c.Close()
				<-g.ended
				return nil
			}, nil)
		}
		crew.wg.Wait()
		if err := w.io.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		l.balances(t, "/")
		if atOnce.Load() == 0 || failures.Load() == 0 {
			t.Errorf("%d times %d calls ran at once, %d failures", atOnce.Load(), n, failures.Load())
		}
		t.Logf("%d sockets, %d events handled, %d dropped, %d times all places taken", l.all()["joined"], l.all()["handled"], l.all()["dropped"], atOnce.Load())
	})
}
