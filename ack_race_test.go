// SPDX-License-Identifier: MIT

// This file tests broadcasts with acknowledgements while sockets connect, disconnect,
// join and leave. It is for the race detector.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
)

// Every broadcast ends with an answer or an error for each recipient, never with both. In
// the end no acknowledgement is awaited.
func TestQuestionsInACrowd(t *testing.T) {
	opts := &socketio.Options{Limits: socketio.SocketLimits{MaxPendingAcks: 1 << 10}}
	tcp(t, opts, func(w *world) {
		w.patient = time.Minute
		w.io.OnConnection(func(s *socketio.Socket) {
			_ = s.Join("room")
			s.OnAnyOutgoing(func(string, socketio.Args) {})
			s.On("move", func() {
				s.Leave("room")
				_ = s.Join("room", "other")
			})
		})
		stop := make(chan struct{})
		var clients, askers sync.WaitGroup
		for i := range 12 {
			clients.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if !replies(w, i, 30) {
						return
					}
				}
			})
		}
		eventually(w, "the clients come", func() bool { return len(w.io.Sockets()) >= 10 })
		for i := range 4 {
			askers.Go(func() {
				for n := range 30 {
					b := []socketio.Broadcast{w.io.To("room"), w.io.To("room", "other"), w.io.Local(), w.io.Except("other")}[i]
					ctx, cancel := context.WithTimeout(w.Context(), time.Duration(n%3+1)*20*time.Millisecond)
					got := make(map[string]bool)
					for reply, err := range b.EmitWithAck(ctx, "q", n) {
						var silent *socketio.PartialError
						switch {
						case err == nil && !got[reply.SocketID]:
							got[reply.SocketID] = true
						case err == nil:
							t.Errorf("%s answers twice", reply.SocketID)
						case err == ctx.Err(): // ctx ended before the question
						case !errors.As(err, &silent):
							t.Errorf("the error is %v", err)
						default:
							for _, id := range silent.Sockets {
								if got[id] {
									t.Errorf("%s has answered and is silent", id)
								}
							}
						}
						if n%7 == 6 {
							break
						}
					}
					cancel()
					_ = w.io.SocketsJoin(fmt.Sprint("room", n))
					_, _ = w.io.FetchSockets(w.Context())
					_ = w.io.SocketsLeave(fmt.Sprint("room", n))
					if n%10 == 9 {
						if i%2 == 0 {
							_ = w.io.To("other").CloseConns()
						} else {
							_ = w.io.To("other").DisconnectSockets()
						}
					}
				}
			})
		}
		askers.Wait()
		close(stop)
		gone := make(chan struct{})
		go func() { clients.Wait(); close(gone) }()
		eventually(w, "the clients go", func() bool { // one may be joining
			_ = w.io.CloseConns()
			select {
			case <-gone:
				return true
			default:
				return false
			}
		})
		eventually(w, "nobody is connected", func() bool { return w.io.Connections() == 0 })
		for reply, err := range w.io.EmitWithAck(w.Context(), "q") {
			t.Errorf("nobody is there: %v %v", reply, err)
		}
	})
}

// replies is a client that answers most events, for a while. It reports whether to
// connect again.
func replies(w *world, i, questions int) bool {
	c, _, err := w.dialWebSocket("", nil)
	if err != nil || c == nil {
		return false
	}
	defer c.Close()
	if c.WriteText("40") != nil {
		return true
	}
	for n := 0; n < questions; {
		_, data, err := c.ReadMessage()
		if err != nil {
			return true
		}
		text := string(data)
		if text == "2" {
			_ = c.WriteText("3")
			continue
		}
		if text == "41" {
			return true
		}
		id, ok := strings.CutPrefix(text, "42")
		id, _, ok2 := strings.Cut(id, "[")
		if !ok || !ok2 || id == "" {
			continue
		}
		n++
		if (n+i)%5 == 0 {
			_ = c.WriteText(`42["move"]`)
			continue
		}
		if c.WriteText("43"+id+"[1]") != nil {
			return true
		}
	}
	return true
}
