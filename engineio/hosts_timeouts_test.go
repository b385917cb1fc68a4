// SPDX-License-Identifier: MIT

// This file tests the engine behind an HTTP server with timeouts and deadlines.

package engineio_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"time"

	"socketio/engineio"
)

func TestHostTimeouts(t *testing.T) {
	strict := func(s *http.Server) {
		s.ReadTimeout, s.WriteTimeout = 5*time.Second, 5*time.Second
		s.ReadHeaderTimeout, s.IdleTimeout = 5*time.Second, 5*time.Second
	}
	inMemory(t, func(w *world) {
		r := w.serve(hosting{server: strict, onMessage: func(s *side, _ bool, data []byte) {
			if string(data) == "pause" {
				s.Pause()
			}
		}})
		p := r.polling()
		s := r.side(p.id())
		for range 3 {
			p.park()
			time.Sleep(20 * time.Second)
			s.say("late")
			for got := ""; got != "4late"; got = p.next("a poll that was parked for 20 s") {
				if got == "2" {
					p.send("3")
				}
			}
		}
		held := make(chan reply, 1)
		go func() { held <- p.post("4pause\x1e4x") }()
		time.Sleep(15 * time.Second)
		s.Resume()
		if got := <-held; got.err != nil || got.body != "ok" {
			w.t.Errorf("a POST that was held for 15 s got %d %q (%v)", got.status, got.body, got.err)
		}
		c := r.websocket()
		for range 3 {
			c.want("the ping after 25 s", "2")
			c.send("3")
		}
		r.side(c.id()).wantOpen("a WebSocket is no request")
	})
}

// An outer handler that limits the time of each request does not end sessions: a parked
// poll is answered before the limit.
func TestHostDeadlineOfARequest(t *testing.T) {
	for _, limit := range []time.Duration{200 * time.Millisecond, 10 * time.Second} {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{
				options: &engineio.Options{PingInterval: time.Hour},
				wrap:    func(h http.Handler) http.Handler { return http.TimeoutHandler(h, limit, "late") },
			})
			p := r.polling()
			s := r.side(p.id())
			for range 3 {
				start := time.Now()
				if got := r.get(p.query); got.status != 200 || got.body != "6" {
					w.t.Fatalf("a poll with nothing to carry got %d %q (%v)", got.status, got.body, got.err)
				}
				if d := time.Since(start); d < limit*3/4 || d >= limit {
					w.t.Errorf("the poll was answered after %v of %v", d, limit)
				}
			}
			p.park()
			s.say("at once")
			if got := p.next("a message to a parked poll"); got != "4at once" {
				w.t.Errorf("got %q", got)
			}
			time.Sleep(2 * limit) // the answered poll no longer has a deadline
			s.wantOpen("requests that have a time")
		})
	}
}

// A slow body has the engine's deadline, not the host's.
func TestHostReadTimeoutAndBody(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{server: func(s *http.Server) { s.ReadTimeout = time.Second }})
		p := r.polling()
		conn := r.rawPost(p, "Content-Length: 3", "4")
		time.Sleep(4 * time.Second)
		io.WriteString(conn, "ab")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if string(body) != "ok" {
			w.t.Errorf("got %d %q", resp.StatusCode, body)
		}
	})
}
