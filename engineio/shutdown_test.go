// SPDX-License-Identifier: MIT

// This file tests the end of a whole server, idle and under load.

package engineio_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/engineio"
)

func TestServerClose(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		c, p, idle := r.websocket(), r.polling(), r.polling()
		p.park()
		if n := r.srv.Count(); n != 3 {
			w.t.Errorf("%d sessions, want 3", n)
		}
		closed := make(chan struct{})
		go func() { defer close(closed); r.srv.Close() }()
		c.wantClose("the server goes", 1001)
		p.wantAnswer("the parked poll", "1")
		<-closed
		r.srv.Close()
		for _, sid := range []string{c.id(), p.id(), idle.id()} {
			r.side(sid).wantEnded("the server has closed", engineio.ReasonForcedClose, nil)
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions after Close", n)
		}
		for _, got := range []reply{r.get("EIO=4&transport=polling"), r.dialRefused("EIO=4&transport=websocket")} {
			r.wantRefusal("after Close", got, 503, 4, "Service unavailable")
			if got.header.Get("Retry-After") == "" {
				w.t.Error("no Retry-After")
			}
		}
		r.wantRefusal("an old session", r.get(idle.query), 400, 1, "Session ID unknown")
	})
}

func TestRefuse(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		r.srv.StopAccepting()
		r.wantRefusal("a new session", r.get("EIO=4&transport=polling"), 503, 4, "Service unavailable")
		c := p.upgrade()
		c.send("4x")
		c.want("open ones go on, upgrades too", "4x")
	})
}

func TestShutdown(t *testing.T) {
	t.Run("what waits goes out", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			c, p, q := r.websocket(), r.polling(), r.polling()
			p.park()
			long := strings.Repeat("x", 500_000)
			r.side(c.id()).say(long)
			done := make(chan error, 1)
			ctx, cancel := context.WithTimeout(context.Background(), w.patience)
			defer cancel()
			go func() { done <- r.srv.Shutdown(ctx) }()
			c.want("what waits", "4"+long)
			c.wantClose("then the end", 1001)
			p.wantAnswer("the parked poll", "1")
			q.wantAnswer("a poll that comes", "6\x1e1")
			if err := <-done; err != nil {
				w.t.Errorf("Shutdown: %v", err)
			}
			if n := r.srv.Count(); n != 0 {
				w.t.Errorf("%d sessions after Shutdown", n)
			}
		})
	})
	t.Run("a client that does not come back", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second/2)
			defer cancel()
			const text = "engineio: Shutdown: connections have not ended (1): context deadline exceeded"
			if err := r.srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || err.Error() != text {
				w.t.Errorf("Shutdown: %v", err)
			}
			if err := r.srv.Shutdown(context.Background()); err != nil {
				w.t.Errorf("Shutdown: %v", err)
			}
			wantAt(r, "a polling client has little time", r.started, time.Second)
			p.wantEnd("the session")
		})
	})
	t.Run("nobody is there", func(t *testing.T) {
		inMemory(t, func(w *world) {
			if err := w.serve(hosting{}).srv.Shutdown(context.Background()); err != nil {
				w.t.Errorf("Shutdown: %v", err)
			}
		})
	})
}

// A server ends in the middle of handshakes, upgrades and messages.
func TestCloseUnderLoad(t *testing.T) {
	for _, graceful := range []bool{false, true} {
		t.Run(map[bool]string{false: "Close", true: "Shutdown"}[graceful], func(t *testing.T) {
			everywhere(t, func(w *world) {
				rounds := 5
				if testing.Short() {
					rounds = 2
				}
				for range rounds {
					closeUnderLoad(w, graceful)
				}
			})
		})
	}
}

func closeUnderLoad(w *world, graceful bool) {
	w.t.Helper()
	r := w.serve(hosting{onOpen: func(s *side) { s.say("welcome") }})
	var clients sync.WaitGroup
	warm := make(chan struct{}, 100)
	for i := range 12 {
		clients.Go(func() {
			for n := 0; ; n++ {
				if n == 3 {
					warm <- struct{}{}
				}
				if !visit(r, i) {
					return
				}
			}
		})
	}
	for range 12 {
		<-warm
	}
	if graceful {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		r.srv.Shutdown(ctx)
		cancel()
	}
	r.srv.Close()
	clients.Wait()
	if n := r.srv.Count(); n != 0 {
		w.t.Errorf("%d sessions after Close", n)
	}
	for _, s := range r.all() {
		select {
		case <-s.ended:
		case <-time.After(w.patience):
			w.t.Error("a Handler never heard of the end")
		}
	}
}

// visit opens a session, sends messages and continues in one of three ways. It reports
// false when the server no longer answers as it should.
func visit(r *rig, kind int) bool {
	if kind%3 == 0 {
		c, _, err := r.shake("EIO=4&transport=websocket")
		if err != nil || c == nil {
			return false
		}
		defer c.Close()
		for range 5 {
			if c.WriteText("4x") != nil {
				return false
			}
			if _, _, err := c.ReadMessage(); err != nil {
				return false
			}
		}
		return true
	}
	raw := r.get("EIO=4&transport=polling")
	if raw.status != 200 {
		return false
	}
	query := "EIO=4&transport=polling&sid=" + r.readOpen(raw.body).SID
	if r.post(query, "4x").status != 200 || r.get(query).status != 200 {
		return false
	}
	if kind%3 == 1 {
		return r.post(query, "1").status == 200
	}
	c, _, err := r.shake(strings.Replace(query, "polling", "websocket", 1))
	if err != nil || c == nil {
		return false
	}
	defer c.Close()
	if c.WriteText("2probe") != nil || c.WriteText("5") != nil || c.WriteText("4x") != nil {
		return false
	}
	for range 2 {
		if _, _, err := c.ReadMessage(); err != nil {
			return false
		}
	}
	return true
}
