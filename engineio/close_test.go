// SPDX-License-Identifier: MIT

// This file tests how the server closes connections, which data is still sent, and how a
// client that disappears looks.

package engineio_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

func TestGracefulClose(t *testing.T) {
	t.Run("websocket", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			c := r.websocket()
			s := r.side(c.id())
			s.say("last", "words")
			s.Close()
			s.Close()
			s.wantEnded("when Close returns the Handler has heard it", engineio.ReasonForcedClose, nil)
			if err := s.Send(engineio.TextMessage("x")); !errors.Is(err, engineio.ErrClosed) {
				w.t.Errorf("Send after Close: %v", err)
			}
			if s.SendVolatile(engineio.TextMessage("x")) {
				w.t.Error("a volatile message was sent after Close")
			}
			c.want("what was sent before", "4last", "4words")
			c.wantClose("a normal end", 1000)
		})
	})
	t.Run("polling, a GET is parked", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			r.side(p.id()).Close()
			p.wantAnswer("the close packet", "1")
			r.side(p.id()).wantEnded("closed", engineio.ReasonForcedClose, nil)
			p.wantEnd("the session")
		})
	})
	t.Run("polling, no GET is parked", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			r.side(p.id()).Close()
			r.side(p.id()).wantEnded("at once for the Handler", engineio.ReasonForcedClose, nil)
			if got := p.post("4late"); got.status != 200 {
				w.t.Errorf("a POST before the client knows got %d", got.status)
			}
			p.wantAnswer("the next GET", "6\x1e1")
			r.side(p.id()).wantHeard("nothing after Close")
			p.wantEnd("the session")
		})
	})
	t.Run("polling, messages wait", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			r.side(p.id()).say("last", "words")
			r.side(p.id()).Close()
			got := ""
			for got == "" || got[len(got)-1] != '1' {
				a := p.answer()
				if a.status != 200 {
					w.t.Fatalf("the poll got %d %q after %q", a.status, a.body, got)
				}
				got += a.body + "|"
				got = got[:len(got)-1]
				if got[len(got)-1] != '1' {
					got += "\x1e"
				}
			}
			if got != "4last\x1e4words\x1e6\x1e1" {
				w.t.Errorf("the polls brought %q", got)
			}
			p.wantEnd("the session")
		})
	})
	t.Run("polling, nobody comes", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			r.side(p.id()).say("last words")
			r.side(p.id()).Close()
			time.Sleep(29 * time.Second)
			if n := r.srv.Count(); n != 1 {
				w.t.Errorf("%d sessions after 29 s, want 1", n)
			}
			time.Sleep(time.Second + 2*tick)
			if n := r.srv.Count(); n != 0 {
				w.t.Errorf("%d sessions after 30 s, want none", n)
			}
			p.wantEnd("the session")
		})
	})
	t.Run("the server closes while a closed session waits for its GET", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			r.side(p.id()).Close()
			r.srv.Close()
			if n := r.srv.Count(); n != 0 {
				w.t.Errorf("%d sessions left after Close", n)
			}
			p.wantEnd("the session")
		})
	})
}

func TestAbort(t *testing.T) {
	everywhere(t, func(w *world) {
		cause := errors.New("cause")
		r := w.serve(hosting{})
		c := r.websocket()
		r.side(c.id()).Abort(engineio.ReasonParseError, cause, 1008, "enough")
		r.side(c.id()).wantEnded("the reason as given", engineio.ReasonParseError, cause)
		c.want("code and text", "close 1008 enough")
		c.wantEOF("the end")

		p := r.polling()
		r.side(p.id()).say("dropped")
		r.side(p.id()).Abort(engineio.ReasonParseError, cause, 1008, "enough")
		p.wantEnd("the session")
	})
}

func TestAWebSocketThatGoes(t *testing.T) {
	t.Run("with a close frame", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for sent, answered := range map[uint16]int{1000: 1000, 1001: 1001, 4321: 4321, 0: 1000} {
				r := w.serve(hosting{})
				c := r.websocket()
				c.c.WriteClose(sent, "")
				c.wantClose("the answer", answered)
				r.side(c.id()).wantEnded("the client has closed", engineio.ReasonTransportClose, nil)
			}
		})
	})
	t.Run("without one", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			c := r.websocket()
			c.send("4last")
			c.c.Close()
			r.side(c.id()).wantEnded("the client is gone", engineio.ReasonTransportClose, nil)
			r.side(c.id()).wantHeard("its last words count", "last")
		})
	})
	// The peer never answers the close frame nor hangs up.
	t.Run("not at all", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			c := r.websocket()
			start := time.Now()
			r.side(c.id()).Close()
			c.want("the close frame", "close 1000")
			if _, err := c.read(); err == nil {
				w.t.Error("something came after the close frame")
			}
			c.send("4x") // the server still discards
			time.Sleep(3 * time.Second)
			if err := c.c.WriteText("4x"); err == nil {
				w.t.Errorf("the connection stands %v after Close, want 2 s at most", time.Since(start))
			}
		})
	})
}

// A client that has received the last messages may close before it receives the close:
// its session then does not wait for it.
func TestClientClosesAClosingSession(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		p.park()
		s := r.side(p.id())
		s.say("last words")
		p.wantAnswer("the last words", "4last words")
		s.Close()
		if n := r.srv.Count(); n != 1 {
			w.t.Fatalf("%d sessions wait to be told, want 1", n)
		}
		if got := p.post("1"); got.status != 200 || got.body != "ok" {
			w.t.Errorf("the client's close got %d %q", got.status, got.body)
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions are left", n)
		}
	})
}

func TestClosePacketOnWebSocket(t *testing.T) {
	t.Run("quirk 01", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			c := r.websocket()
			c.send("1", "4late")
			c.wantClose("the end", 1000)
			r.side(c.id()).wantEnded("the client has closed", engineio.ReasonTransportClose, nil)
			r.side(c.id()).wantHeard("nothing after the close packet")
		})
	})
}

func TestClosePacket(t *testing.T) {
	t.Run("a pending poll is answered/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			for _, p := range []*pollPeer{r.polling(), r.pollingV3()} {
				p.park()
				p.send("1")
				p.wantAnswer("a noop ends the poll", p.join("6"))
				r.side(p.id()).wantEnded("the client has closed", "transport close", nil)
				p.wantEnd("the session has ended")
			}
		})
	})
	t.Run("what waits is sent before the noop/P", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			p.send("4bye", "1", "4never heard")
			// The parked poll may leave with the echo before the close is read.
			if got := p.answer(); got.status != 200 || got.body != "4bye\x1e6" && got.body != "4bye" {
				w.t.Errorf("the last words, then a noop: the poll got %d %q", got.status, got.body)
			}
			r.side(p.id()).wantHeard("what came before the close packet", "bye")
			p.wantEnd("the session has ended")
		})
	})
	t.Run("the WebSocket closes/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.websocket()
			p.send("4bye", "1", "4never heard")
			p.want("what waited is sent", "4bye")
			p.wantClose("a normal end", 1000)
			r.side(p.id()).wantEnded("the client has closed", "transport close", nil)
			r.side(p.id()).wantHeard("what came before the close packet", "bye")
		})
	})
}

func TestCloseFlushes(t *testing.T) {
	t.Run("trap 19", func(t *testing.T) {
		t.Run("Close of a connection sends what waits", func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{})
				c, p := r.websocket(), r.polling()
				for _, s := range []*side{r.side(c.id()), r.side(p.id())} {
					s.say("last", "words")
					s.Close()
				}
				c.want("what waited", "4last", "4words")
				c.wantClose("then the end", 1000)
				p.want("what waited", "4last", "4words")
				p.wantAnswer("then the end", "6\x1e1")
			})
		})
		t.Run("Close of the server drops it", func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{buffer: 4096})
				c, p := r.websocket(), r.polling()
				r.side(p.id()).say("dropped")
				long := strings.Repeat("x", 10_000) // more than the network buffers
				r.side(c.id()).say(long)
				r.quiet() // it is being written
				r.side(c.id()).say("dropped")
				closed := make(chan struct{})
				go func() { defer close(closed); r.srv.Close() }()
				r.quiet() // Close waits for the peer, which reads only now
				c.want("what has begun to leave", "4"+long)
				c.wantClose("then the end, without the rest", 1001)
				<-closed
				r.wantRefusal("polling brings nothing", r.get(p.query), 400, 1, "Session ID unknown")
			})
		})
	})
}
