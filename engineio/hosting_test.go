// SPDX-License-Identifier: MIT

// This file holds what stands around the engine: the host's timeouts, muxes and
// middleware, and peers that cut their bytes in any way.

package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
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

// A handler around the server that gives each request a time does not end sessions:
// a parked poll is answered before.
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
			time.Sleep(2 * limit) // the answered poll has no deadline any more
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

const rawHandshake = "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// rawWebSocket writes a handshake and what follows it with write, and returns
// the peer once the 101 has come.
func (r *rig) rawWebSocket(then []byte, write func(net.Conn, []byte) error) *bufio.Reader {
	r.t.Helper()
	conn, err := r.dial(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.keep(conn)
	conn.SetDeadline(time.Now().Add(r.w.patience))
	if err := write(conn, append(fmt.Appendf(nil, rawHandshake, r.path), then...)); err != nil {
		r.t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil || resp.StatusCode != 101 {
		r.t.Fatalf("the handshake got %v, %v", resp, err)
	}
	return br
}

func atOnce(conn net.Conn, b []byte) error {
	_, err := conn.Write(b)
	return err
}

func byteByByte(conn net.Conn, b []byte) error {
	for i := range b {
		if _, err := conn.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// wantTail reads until what came after the 101 has tail at its end.
func wantTail(t *testing.T, br *bufio.Reader, tail string) {
	t.Helper()
	var got []byte
	for !strings.HasSuffix(string(got), tail) {
		b, err := br.ReadByte()
		if err != nil {
			t.Fatalf("got %q (%v), want %q at its end", got, err, tail)
		}
		got = append(got, b)
	}
	if !strings.Contains(string(got), `"sid"`) {
		t.Fatalf("got %q, without the open packet", got)
	}
}

// rest reads everything after the 101, as text.
func rest(t *testing.T, br *bufio.Reader) string {
	t.Helper()
	b, err := io.ReadAll(br)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFramesInTheSegmentOfTheHandshake(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		for range 30 {
			wantTail(w.t, r.rawWebSocket(wstest.Frame(ws.Text, true, []byte("4early")), atOnce), "\x81\x064early")
		}
		for range 30 {
			br := r.rawWebSocket([]byte{0xff, 0x80, 0, 0, 0, 0}, atOnce)
			if got := rest(w.t, br); !strings.Contains(got, "\x03\xeareserved bits set") {
				w.t.Fatalf("a bad frame: got %q, want a close frame with 1002", got)
			}
		}
	})
}

func TestByteByByte(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		frames := append(wstest.Frame(ws.Text, true, []byte("4"+strings.Repeat("é", 100))), wstest.Frame(ws.Binary, true, []byte{1, 2})...)
		wantTail(w.t, r.rawWebSocket(frames, byteByByte), "4"+strings.Repeat("é", 100)+"\x82\x02\x01\x02")

		p := r.polling()
		conn := r.rawPost(p, "Content-Length: 6", "")
		if err := byteByByte(conn, []byte("4é€")); err != nil {
			w.t.Fatal(err)
		}
		p.want("the echo", "4é€")
	})
}

func TestFragments(t *testing.T) {
	everywhere(t, func(w *world) {
		c := w.serve(hosting{}).websocket()
		c.raw(
			wstest.Frame(ws.Text, false, []byte("4a\xe2")),
			wstest.Frame(ws.Ping, true, []byte("p")),
			wstest.Frame(ws.Continuation, false, []byte("\x82")),
			wstest.Frame(ws.Continuation, false, nil),
			wstest.Frame(ws.Continuation, true, []byte("\xacb")),
		)
		c.want("the pong comes first", "pong p", "4a€b")
		c.raw(wstest.Frame(ws.Binary, false, []byte{1}))
		c.raw(wstest.Frame(ws.Continuation, true, []byte{2}))
		c.want("bytes", "<0102>")
	})
}

func TestBrokenFrames(t *testing.T) {
	for name, row := range map[string]struct {
		frames []byte
		code   int
	}{
		"text that is not UTF-8":       {wstest.Frame(ws.Text, true, []byte("4\xff")), 1007},
		"text that ends in a sequence": {wstest.Frame(ws.Text, true, []byte("4\xe2\x82")), 1007},
		"an overlong sequence":         {wstest.Frame(ws.Text, true, []byte("4\xc0\x80")), 1007},
		"not masked":                   {ws.AppendFrame(nil, ws.Text, []byte("4x")), 1002},
		"reserved bits":                {[]byte{0xc1, 0x80, 0, 0, 0, 0}, 1002},
		"reserved opcode":              {wstest.Frame(3, true, nil), 1002},
		"continuation of nothing":      {wstest.Frame(ws.Continuation, true, nil), 1002},
		"a long control frame":         {wstest.Frame(ws.Ping, true, make([]byte, 126)), 1002},
		"an invalid close code":        {wstest.Frame(ws.Close, true, []byte{0x03, 0xed}), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{})
				c := r.websocket()
				c.raw(wstest.Frame(ws.Text, true, []byte("4before")), row.frames)
				got := c.next("the echo of what came before, or the close frame")
				if got == "4before" {
					got = c.next("the close frame")
				}
				if !strings.HasPrefix(got, fmt.Sprintf("close %d", row.code)) {
					w.t.Errorf("got %q, want close %d", got, row.code)
				}
				c.wantEOF("the end")
				r.side(c.id()).wantEnded("the peer broke the rules", engineio.ReasonTransportError, nil)
				r.side(c.id()).wantHeard("what came before counts", "before")
			})
		})
	}
}

func TestMounting(t *testing.T) {
	mounts := map[string]struct {
		wrap func(http.Handler) http.Handler
		path string
	}{
		"in a mux": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io/", h)
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
			return mux
		}, "/engine.io/"},
		"without the last slash": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io", h)
			mux.Handle("/engine.io/", h)
			return mux
		}, "/engine.io"},
		"under a prefix that is stripped": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/a/b/", http.StripPrefix("/a/b", h))
			return mux
		}, "/a/b/engine.io/"},
		"under a pattern": {func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/tenants/{id}/socket/", h)
			return mux
		}, "/tenants/7/socket/"},
		"behind a writer that unwraps": {func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(&unwrapping{w}, r) })
		}, "/engine.io/"},
	}
	for name, m := range mounts {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{wrap: m.wrap, path: m.path})
				c := r.websocket()
				c.send("4x")
				c.want("the echo", "4x")
				p := r.polling()
				p.send("4x")
				p.want("the echo", "4x")
				p.upgrade()
				if name == "in a mux" {
					r.path = "/index.html"
					if got := r.get(""); got.body != "page" {
						w.t.Errorf("the neighbour answers %d %q", got.status, got.body)
					}
				}
			})
		})
	}
}

// unwrapping is a middleware's writer: it hides everything but Unwrap.
type unwrapping struct{ http.ResponseWriter }

func (u *unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// A middleware that hides the connection makes WebSocket impossible. That is
// said, and polling works.
func TestHiddenHijacker(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
			})
		}})
		r.wantStatus("a WebSocket", r.dialRefused("EIO=4&transport=websocket"), 500)
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions exist", n)
		}
		p := r.polling()
		p.send("4x")
		p.want("the echo", "4x")
	})
}
