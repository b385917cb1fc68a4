// SPDX-License-Identifier: MIT

// This file tests the requests of long-polling: polls and POSTs that overlap, abort, are
// too large, or come at the wrong time. The numbers are those of docs/conformance.md.

package engineio_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// python-engineio before 4.13 served requests that did not match the state of their
// session: polls after the upgrade, WebSockets before the handshake.
func TestRequestsOutOfTurn(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		r.wantRefusal("a POST before the handshake", r.post("EIO=4&transport=polling", "4x"), 400, 2, "Bad handshake method")
		r.wantRefusal("a WebSocket for no session", r.dialRefused("EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA"), 400, 1, "Session ID unknown")
		p := r.polling()
		c := p.upgrade()
		for range 3 {
			r.wantRefusal("a poll after the upgrade", r.get(p.query), 400, 3, "Bad request")
			r.wantRefusal("a POST after the upgrade", p.post("4x"), 400, 3, "Bad request")
		}
		c.send("4x")
		c.want("the WebSocket goes on", "4x")
		c.send("1")
		c.wantClose("the end", 1000)
		r.side(p.id()).await("the end", func() bool { return r.srv.Count() == 0 })
		r.wantRefusal("a poll after the end", r.get(p.query), 400, 1, "Session ID unknown")
		r.wantRefusal("a WebSocket after the end", r.dialRefused("EIO=4&transport=websocket&sid="+p.id()), 400, 1, "Session ID unknown")
	})
}

func TestOverlappingPolls(t *testing.T) {
	t.Run("trap 07", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			r.wantStatus("the second poll", r.get(p.query), 400)
			p.wantAnswer("the first poll", "1")
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
			p.wantEnd("the session")
		})
	})
}

func TestAbortedPoll(t *testing.T) {
	t.Run("trap 08", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{PingTimeout: time.Hour}})
			p := r.polling()
			p.park()
			at := time.Now()
			p.drop()
			r.side(p.id()).wantEnded("the client gave up its poll", engineio.ReasonTransportError, nil)
			if d := time.Since(at); w.virtual && d != 0 {
				w.t.Errorf("the session ended after %v, want at once", d)
			}
			p.answer()
			p.wantEnd("the session")
		})
	})
}

func TestBinaryBodies(t *testing.T) {
	t.Run("trap 09", func(t *testing.T) {
		const octets = "application/octet-stream"
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			p := r.polling()
			r.wantStatus("revision 4", p.post("4hello", "Content-Type", octets), 400)
			r.side(p.id()).wantHeard("nothing is delivered")
			p.wantEnd("the session")

			old := r.pollingV3()
			old.posts("\x00\x06\xff4hello\x01\x03\xff\x04\x07\x08", "Content-Type", octets)
			r.side(old.id()).wantHeard("revision 3", "hello", "<0708>")
			old.wantBinary("and back", "\x00\x06\xff4hello\x01\x03\xff\x04\x07\x08")
		})
	})
}

// unsized hides the length of a body, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestChunkedBodies(t *testing.T) {
	t.Run("trap 10", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{MaxPayload: 100}})
			p := r.polling()
			if got := r.do(w.t.Context(), "POST", p.query, unsized{strings.NewReader("4one\x1e4two")}); got.body != "ok" {
				w.t.Fatalf("a body in chunks got %d %q (%v)", got.status, got.body, got.err)
			}
			r.side(p.id()).wantHeard("what came in chunks", "one", "two")

			// The limit applies while the body is still arriving: its end is not needed.
			in, out := io.Pipe()
			defer out.Close()
			answer := make(chan reply, 1)
			go func() { answer <- r.do(w.t.Context(), "POST", p.query, unsized{in}) }()
			go io.WriteString(out, "4"+strings.Repeat("x", 250))
			r.wantRefusal("a body without an end", <-answer, 413, 3, "Payload too large")
			r.side(p.id()).wantHeard("no more", "one", "two")
		})
	})
}

// On polling too the session ends, so that no message is lost unnoticed.
func TestTooLarge(t *testing.T) {
	t.Run("trap 11", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{MaxPayload: 100}})
			p := r.polling()
			fits := "4" + strings.Repeat("x", 99)
			p.send(fits)
			p.want("100 bytes", fits)
			r.wantRefusal("101 bytes", p.post(fits+"x"), 413, 3, "Payload too large")
			r.side(p.id()).wantHeard("the message is not delivered", fits[1:])
			p.wantEnd("the session")

			c := r.websocket()
			c.send(fits)
			c.want("100 bytes", fits)
			c.raw(wstest.Frame(ws.Text, true, []byte(fits+"x")))
			c.wantClose("101 bytes", 1009)
			r.side(c.id()).wantHeard("the message is not delivered", fits[1:])
		})
	})
}

// A server learns from a poll that its client is there.
func TestWaitReader(t *testing.T) {
	everywhere(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			s := r.side(p.id())
			ctx, cancel := context.WithTimeout(context.Background(), w.patience)
			defer cancel()
			waits := func() <-chan error {
				waited := make(chan error, 1)
				go func() { waited <- s.WaitReader(ctx) }()
				return waited
			}
			reader := waits()
			if poller, polls := p.(*pollPeer); polls {
				ended, end := context.WithCancel(ctx)
				end()
				if err := s.WaitReader(ended); !errors.Is(err, context.Canceled) {
					w.t.Errorf("without a poll: %v, want that of the context", err)
				}
				select {
				case err := <-reader:
					w.t.Errorf("without a poll it waits no longer: %v", err)
				default:
				}
				poller.park()
			}
			if err := <-reader; err != nil {
				w.t.Errorf("the client reads: %v", err)
			}
			if poller, polls := p.(*pollPeer); polls {
				s.say("x")
				poller.wantAnswer("the poll", "4x")
				reader = waits()
				s.say("y")
				poller.want("a poll that is answered at once", "4y")
				if err := <-reader; err != nil {
					w.t.Errorf("the client has polled: %v", err)
				}
				reader = waits()
				s.Abort(engineio.ReasonForcedClose, nil, 1000, "")
				if err := <-reader; !errors.Is(err, engineio.ErrClosed) {
					w.t.Errorf("the connection ends: %v", err)
				}
			}
			s.Abort(engineio.ReasonForcedClose, nil, 1000, "")
			if err := s.WaitReader(ctx); !errors.Is(err, engineio.ErrClosed) {
				w.t.Errorf("the connection has ended: %v", err)
			}
		})
	})
}
