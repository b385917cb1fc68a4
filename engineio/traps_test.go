// SPDX-License-Identifier: MIT

// This file holds the conformance traps of requests and frames, by the numbers of
// docs/conformance.md. Polling and upgrade traps are in files of their own.

package engineio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// refused asks over both transports and wants the same refusal. $T in the query
// is the transport.
func (r *rig) refused(what, query string, status, code int, message string, headers ...string) {
	r.t.Helper()
	r.wantRefusal(what+" on polling", r.get(strings.ReplaceAll(query, "$T", "polling"), headers...), status, code, message)
	r.wantRefusal(what+" on websocket", r.dialRefused(strings.ReplaceAll(query, "$T", "websocket"), headers...), status, code, message)
	if n := r.srv.Count(); n != 0 {
		r.t.Errorf("%s: %d sessions exist", what, n)
	}
}

func TestTrap01OwnKeysOnly(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		for _, name := range []string{"constructor", "__proto__", "toString", "hasOwnProperty"} {
			r.refused(name, "EIO=4&transport="+name, 400, 0, "Transport unknown")
			r.refused(name, "EIO=4&transport=$T&sid="+name, 400, 1, "Session ID unknown")
		}
	})
}

func TestTrap02MissingRevisionIsThree(t *testing.T) {
	queries := []string{"transport=$T", "EIO=&transport=$T", "EIO=3&transport=$T", "EIO=5&transport=$T", "EIO=04&transport=$T", "EIO=4&EIO=2&transport=$T"}
	t.Run("refused", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			for _, query := range queries {
				r.refused(query, query, 400, 5, "Unsupported protocol version")
			}
		})
	})
	t.Run("let in", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			for _, query := range queries {
				got := r.get(strings.ReplaceAll(query, "$T", "polling"))
				packets := r.splitV3(got.body) // the payload has the framing of revision 3
				if len(packets) != 1 {
					w.t.Fatalf("%s: the answer is %d %q", query, got.status, got.body)
				}
				if s := r.side(r.readOpen(packets[0]).SID); s.Handshake().Revision != 3 {
					w.t.Errorf("%s: the revision is %d", query, s.Handshake().Revision)
				}
				p := r.openWebSocket(strings.ReplaceAll(query, "$T", "websocket"))
				if s := r.side(r.readOpen(p.next("the open packet")).SID); s.Handshake().Revision != 3 {
					w.t.Errorf("%s on websocket: the revision is %d", query, s.Handshake().Revision)
				}
			}
		})
	})
}

// screen refuses requests by their query.
func screen(r *http.Request) (context.Context, error) {
	switch r.URL.Query().Get("who") {
	case "banned":
		return nil, &engineio.Refusal{Message: "you are banned"}
	case "unlucky":
		return nil, errors.New("the database is down")
	}
	return nil, nil
}

// We decided otherwise for WebSockets: the same 403 and JSON as on polling.
func TestTrap03RefusedHandshakes(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Handshake: screen}})
		r.refused("a custom message", "EIO=4&transport=$T&who=banned", 403, 4, "you are banned")
		r.refused("an error", "EIO=4&transport=$T&who=unlucky", 403, 4, "Forbidden")
	})
}

func TestTrap04CORSHeadersOnErrors(t *testing.T) {
	const app = "http://app.example"
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{CORS: &engineio.CORS{Origins: []string{app}, AllowCredentials: true}, Handshake: screen}})
		p := r.polling("Origin", app)
		for what, got := range map[string]reply{
			"unknown transport":      r.get("EIO=4&transport=x", "Origin", app),
			"unknown session":        r.get("EIO=4&transport=polling&sid=x", "Origin", app),
			"bad method":             r.post("EIO=4&transport=polling", "", "Origin", app),
			"bad request":            r.get("EIO=4&transport=websocket", "Origin", app),
			"forbidden":              r.get("EIO=4&transport=polling&who=banned", "Origin", app),
			"unsupported version":    r.get("EIO=3&transport=polling", "Origin", app),
			"a refused upgrade":      r.dialRefused("EIO=3&transport=websocket", "Origin", app),
			"an invalid body's type": p.post("4x", "Origin", app, "Content-Type", "application/octet-stream"),
		} {
			h := got.header
			if got.status < 400 || h.Get("Access-Control-Allow-Origin") != app || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
				w.t.Errorf("%s: got %d %v (%v), want an error with the headers of an answer to %s", what, got.status, h, got.err, app)
			}
		}
	})
}

// We decided otherwise: the mux decides which paths are served, and the handler
// takes whatever it gets.
func TestTrap06TrailingSlash(t *testing.T) {
	everywhere(t, func(w *world) {
		for _, tt := range []struct {
			patterns     []string
			path, answer string
		}{
			{[]string{"/engine.io/"}, "/engine.io/", "served"},
			{[]string{"/engine.io/"}, "/engine.io/anything", "served"},
			{[]string{"/engine.io/"}, "/engine.iox/", "not found"},
			{[]string{"/engine.io"}, "/engine.io", "served"},
			{[]string{"/engine.io"}, "/engine.io/", "not found"},
			{[]string{"/engine.io", "/engine.io/"}, "/engine.io", "served"},
			{[]string{"/engine.io", "/engine.io/"}, "/engine.io/", "served"},
		} {
			r := w.serve(hosting{path: tt.path, wrap: func(h http.Handler) http.Handler {
				mux := http.NewServeMux()
				for _, pattern := range tt.patterns {
					mux.Handle(pattern, h)
				}
				return mux
			}})
			if tt.answer == "not found" {
				for _, got := range []reply{r.get("EIO=4&transport=polling"), r.dialRefused("EIO=4&transport=websocket")} {
					if got.status != 404 {
						w.t.Errorf("%v: %s got %d, want 404 of the mux", tt.patterns, tt.path, got.status)
					}
				}
				continue
			}
			for _, p := range []peer{r.polling(), r.websocket()} {
				p.send("4x")
				p.want("the echo at "+tt.path, "4x")
			}
		}
	})
}

func TestTrap12ServerPings(t *testing.T) {
	t.Run("who does not pong is closed", func(t *testing.T) {
		inMemory(t, func(w *world) {
			transports(w, hosting{options: suite()}, func(r *rig, p peer) {
				start := time.Now()
				p.want("the server pings first", "2")
				p.send("3")
				p.want("and again after the pong", "2")
				r.side(p.id()).wantEnded("no pong", engineio.ReasonPingTimeout, nil)
				if d := time.Since(start); d < 800*time.Millisecond || d > 820*time.Millisecond {
					w.t.Errorf("the end came after %v, want two intervals and one timeout: 800 ms", d)
				}
			})
		})
	})
	t.Run("a ping of the client is an error", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transports(w, hosting{options: beat()}, func(r *rig, p peer) {
				p.send("2")
				r.side(p.id()).wantEnded("the client may not ping", engineio.ReasonTransportError, nil)
				p.wantEnd("the session")
			})
		})
	})
	t.Run("in revision 3 the client pings", func(t *testing.T) {
		inMemory(t, func(w *world) {
			transportsV3(w, hosting{options: suiteV3()}, func(r *rig, p peer) {
				p.send("2")
				p.want("the server answers", "3")
				r.side(p.id()).wantEnded("no further ping", engineio.ReasonPingTimeout, nil)
			})
		})
	})
}

// Two connections get one message: the compressed form must not reach the plain
// one, nor the other way round.
func TestTrap22SharedFramesAndDeflate(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{PerMessageDeflate: &engineio.PerMessageDeflate{Threshold: 10}}})
		plain, packed := r.websocket(), r.deflating("EIO=4&transport=websocket")
		open := r.readOpen(packed.next("the open packet"))
		text := strings.Repeat("to all ", 100)
		m := engineio.TextMessage(text)
		for _, id := range []string{open.SID, plain.id(), open.SID, plain.id()} {
			if err := r.side(id).Send(m); err != nil {
				w.t.Fatal(err)
			}
		}
		for range 2 {
			plain.want("the plain frame", "4"+text)
			packed.wantMessage("the compressed frame", "4"+text, true)
		}
	})
}

// We decided otherwise: an upgrade that is not ours is never seen, because the
// mux gives it to its handler; one that reaches us is refused at once.
func TestTrap23ForeignUpgrades(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{wrap: func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io/", h)
			mux.HandleFunc("/other", func(rw http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(rw).Hijack()
				if err != nil {
					w.t.Error(err)
					return
				}
				defer conn.Close()
				io.WriteString(conn, "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 5\r\n\r\nother")
			})
			return mux
		}})
		r.wantRefusal("on our path", r.dialRefused("x=y"), 400, 0, "Transport unknown")
		r.path = "/other"
		if got := r.dialRefused(""); got.status != 426 || got.body != "other" {
			w.t.Errorf("the neighbour's upgrade got %d %q (%v)", got.status, got.body, got.err)
		}
	})
}

func TestTrap25LengthsOfRevision3(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.serve(hosting{options: w.calmV3()}).pollingV3()
		p.posts("2:4€3:4𝄞5:4a€b\n") // UTF-16 units: one for the euro sign, two for the clef
		p.wantAnswer("lengths in text are UTF-16 units", "2:4€3:4𝄞5:4a€b\n")
		const mixed = "\x00\x04\xff4€\x00\x01\x03\xff4twelve chars\x01\x03\xff\x04\x01\x02"
		p.posts(mixed, "Content-Type", "application/octet-stream")
		p.wantBinary("lengths in bytes are decimal digits, of UTF-8", mixed)
	})
}

// What decides is whether the transport can take it, and a message goes or stays
// with all its attachments.
func TestTrap45VolatileUnits(t *testing.T) {
	volatile := func() *engineio.Message {
		return engineio.NewMessage(append(make([]byte, engineio.HeaderRoom), "v"...), [][]byte{{1}, {2}})
	}
	inMemory(t, func(w *world) {
		r := w.serve(hosting{buffer: 4096})
		c := r.websocket()
		s, long := r.side(c.id()), strings.Repeat("x", 100_000)
		s.say(long) // more than the way to the peer holds
		if s.SendVolatile(volatile()) {
			w.t.Error("it was taken behind what waits")
		}
		s.say("kept")
		c.want("without it", "4"+long, "4kept")
		r.quiet()
		if !s.SendVolatile(volatile()) {
			w.t.Error("it was not taken when the way was free")
		}
		c.want("with it", "4v", "<01>", "<02>")
	})
	inMemory(t, func(w *world) {
		p := w.serve(hosting{}).polling()
		s := p.r.side(p.id())
		if s.SendVolatile(volatile()) {
			w.t.Error("it was taken without a poll")
		}
		p.park()
		if !s.SendVolatile(volatile()) || s.SendVolatile(volatile()) {
			w.t.Error("a parked poll takes one")
		}
		p.wantAnswer("the one", "4v\x1ebAQ==\x1ebAg==")
	})
}
