// SPDX-License-Identifier: MIT

// This file tests every rejection of a request: the status, the JSON body, and its effect
// on the session.

package engineio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

func TestRefusedHandshakes(t *testing.T) {
	rows := []struct {
		name    string
		query   string
		headers []string
		status  int
		code    int
		message string
	}{
		{"no transport", "EIO=4", nil, 400, 0, "Transport unknown"},
		{"transport webtransport", "EIO=4&transport=webtransport", nil, 400, 0, "Transport unknown"},
		{"transport constructor", "EIO=4&transport=constructor", nil, 400, 0, "Transport unknown"},
		{"transport __proto__", "EIO=4&transport=__proto__", nil, 400, 0, "Transport unknown"},
		{"transport in capitals", "EIO=4&transport=POLLING", nil, 400, 0, "Transport unknown"},
		{"sid unknown", "EIO=4&transport=$T&sid=abc", nil, 400, 1, "Session ID unknown"},
		{"sid __proto__", "EIO=4&transport=$T&sid=__proto__", nil, 400, 1, "Session ID unknown"},
		{"sid constructor", "EIO=4&transport=$T&sid=constructor", nil, 400, 1, "Session ID unknown"},
		{"EIO 3", "EIO=3&transport=$T", nil, 400, 5, "Unsupported protocol version"},
		{"EIO absent", "transport=$T", nil, 400, 5, "Unsupported protocol version"},
		{"the last EIO counts", "EIO=4&EIO=3&transport=$T", nil, 400, 5, "Unsupported protocol version"},
		{"JSONP", "EIO=4&transport=$T&j=0", nil, 400, 3, "JSONP is not supported"},
		{"JSONP with a sid", "EIO=4&transport=$T&sid=abc&j=0", nil, 400, 3, "JSONP is not supported"},
		{"an origin with an illegal character", "EIO=4&transport=$T", []string{"Origin", "http://a\x80b"}, 400, 3, "Bad request"},
		{"another origin", "EIO=4&transport=$T", []string{"Origin", "http://evil.example"}, 403, 4, "Forbidden"},
		{"a semicolon is no separator", "EIO=4;transport=$T", nil, 400, 0, "Transport unknown"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{})
				r.wantRefusal("polling", r.get(strings.ReplaceAll(row.query, "$T", "polling"), row.headers...), row.status, row.code, row.message)
				r.wantRefusal("websocket", r.dialRefused(strings.ReplaceAll(row.query, "$T", "websocket"), row.headers...), row.status, row.code, row.message)
				if n := r.srv.Count(); n != 0 {
					w.t.Errorf("%d sessions exist", n)
				}
			})
		})
	}
}

func TestRefusedWebSocketHandshakes(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		const query = "EIO=4&transport=websocket"
		r.wantRefusal("websocket without an upgrade", r.get(query), 400, 3, "Bad request")
		r.wantRefusal("POST to websocket", r.post(query, "4hello"), 400, 2, "Bad handshake method")
		got := r.dialRefused(query, "Sec-WebSocket-Key", "")
		r.wantRefusal("no key", got, 400, 3, "Missing or invalid Sec-WebSocket-Key header")
		r.wantRefusal("a bad key", r.dialRefused(query, "Sec-WebSocket-Key", "abc"), 400, 3, "Missing or invalid Sec-WebSocket-Key header")
		got = r.dialRefused(query, "Sec-WebSocket-Version", "12")
		r.wantRefusal("a bad version", got, 400, 3, "Missing or invalid Sec-WebSocket-Version header")
		if v := got.header.Get("Sec-WebSocket-Version"); v != "13" {
			w.t.Errorf("Sec-WebSocket-Version of the refusal is %q, want 13", v)
		}
		r.wantRefusal("no Connection header", r.dialRefused(query, "Connection", "keep-alive"), 400, 3, "Invalid Connection header")
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions exist", n)
		}
	})
}

func TestRequestsThatDoNotFitTheSession(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		r.wantRefusal("another revision", r.get("EIO=3&transport=polling&sid="+p.id()), 400, 3, "Bad request")
		r.wantRefusal("another revision on WebSocket", r.dialRefused("EIO=3&transport=websocket&sid="+p.id()), 400, 3, "Bad request")
		r.wantRefusal("websocket without an upgrade", r.get("EIO=4&transport=websocket&sid="+p.id()), 400, 3, "Bad request")
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"} {
			r.wantStatus(method, r.do(w.t.Context(), method, p.query, nil), 500)
		}
		p.send("4hello")
		p.want("the session is unharmed", "4hello")

		c := r.websocket()
		r.wantRefusal("polling for a WebSocket session", r.get("EIO=4&transport=polling&sid="+c.id()), 400, 3, "Bad request")
		c.send("4hello")
		c.want("the session is unharmed", "4hello")
	})
}

func TestOverlap(t *testing.T) {
	t.Run("two GETs", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			r.wantStatus("the second GET", r.get(p.query), 400)
			p.wantAnswer("the first GET", "1")
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
			p.wantEnd("the session")
		})
	})
	t.Run("two POSTs", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			in, out := io.Pipe()
			first := make(chan reply, 1)
			go func() { first <- r.do(w.t.Context(), "POST", p.query, in) }()
			io.WriteString(out, "4he") // the first has begun
			r.quiet()
			r.wantStatus("the second POST", p.post("4hello"), 400)
			p.wantAnswer("the parked GET", "1")
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
			io.WriteString(out, "llo")
			out.Close()
			<-first
			r.side(p.id()).wantHeard("nothing was delivered")
			p.wantEnd("the session")
		})
	})
}

func TestPostBodies(t *testing.T) {
	t.Run("octet-stream", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			r.wantStatus("a binary body", p.post("4hello", "Content-Type", "application/octet-stream"), 400)
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
			r.side(p.id()).wantHeard("nothing was delivered")
			p.wantEnd("the session")
		})
	})
	t.Run("any other content type", func(t *testing.T) {
		inMemory(t, func(w *world) {
			p := w.serve(hosting{}).polling()
			for _, ct := range []string{"text/plain;charset=UTF-8", "application/json", "application/x-www-form-urlencoded", "x"} {
				if got := p.post("4hello", "Content-Type", ct); got.body != "ok" || got.header.Get("Content-Type") != "text/html" {
					w.t.Errorf("%s got %d %q %q", ct, got.status, got.body, got.header.Get("Content-Type"))
				}
				p.want("the echo", "4hello")
			}
		})
	})
	limit := &engineio.Options{MaxPayload: 1000}
	for _, way := range []string{"declared", "chunked"} {
		body := func(n int) io.Reader {
			if s := strings.NewReader("4" + strings.Repeat("x", n-1)); way == "declared" {
				return s
			} else {
				return struct{ io.Reader }{s}
			}
		}
		t.Run("too large, "+way, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{options: limit})
				p := r.polling()
				for _, n := range []int{999, 1000} {
					if got := r.do(w.t.Context(), "POST", p.query, body(n)); got.body != "ok" {
						w.t.Fatalf("%d bytes got %d %q (%v), want ok", n, got.status, got.body, got.err)
					}
					p.want("the echo", "4"+strings.Repeat("x", n-1))
				}
				if w.virtual {
					p.park()
				}
				r.wantRefusal("one byte too many", r.do(w.t.Context(), "POST", p.query, body(1001)), 413, 3, "Payload too large")
				if w.virtual {
					p.wantAnswer("the parked GET", "1")
				}
				r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
				if n := len(r.side(p.id()).heard()); n != 2 {
					w.t.Errorf("%d messages were delivered, want 2", n)
				}
				p.wantEnd("the session")
			})
		})
	}
	t.Run("a client that goes on sending sees the 413", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{MaxPayload: 100_000}})
			p := r.polling()
			r.wantRefusal("twice the limit", p.post(strings.Repeat("4", 190_000)), 413, 3, "Payload too large")
		})
	})
	t.Run("too slow", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{BodyTimeout: 3 * time.Second}})
			p := r.polling()
			p.park()
			in, out := io.Pipe()
			defer out.Close()
			start := time.Now()
			answer := make(chan reply, 1)
			go func() { answer <- r.do(w.t.Context(), "POST", p.query, in) }()
			io.WriteString(out, "4he")
			r.wantRefusal("a body that does not come", <-answer, 408, 3, "Request timeout")
			if d := time.Since(start); d != 3*time.Second {
				w.t.Errorf("it took %v, want 3 s", d)
			}
			p.wantAnswer("the parked GET", "1")
			p.wantEnd("the session")
		})
	})
	// A length over the limit is announced and nothing follows: the response does not
	// wait for a body that never arrives.
	t.Run("too large and too slow", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{BodyTimeout: 3 * time.Second}})
			p := r.polling()
			p.park()
			conn := r.rawPost(p, "Content-Length: 2000000", "4he")
			p.wantAnswer("the parked GET is told before the body is given up", "1")
			if d := r.elapsed(); d > 2500*time.Millisecond {
				w.t.Errorf("it was told after %v", d)
			}
			head := make([]byte, 12)
			if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 413" {
				w.t.Errorf("the answer is %q (%v)", head, err)
			}
			if d := r.elapsed(); d > 4*time.Second {
				w.t.Errorf("the answer took %v, want BodyTimeout at most", d)
			}
		})
	})
	t.Run("malformed chunks", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			conn := r.rawPost(p, "Transfer-Encoding: chunked", "not a length\r\n")
			head := make([]byte, 12)
			if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 400" {
				w.t.Errorf("the answer is %q (%v)", head, err)
			}
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
		})
	})
	t.Run("not UTF-8", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			r.wantRefusal("the POST", p.post("4ok\x1e4\xff\xfe"), 400, 3, "Bad request")
			p.wantAnswer("the parked GET", "1")
			r.side(p.id()).wantHeard("nothing was delivered")
			r.side(p.id()).wantEnded("the session", engineio.ReasonParseError, nil)
		})
	})
	t.Run("too many packets", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{onMessage: func(*side, bool, []byte) {}})
			p := r.polling()
			p.send(strings.Repeat("4\x1e", 65535) + "4")
			if n := len(r.side(p.id()).heard()); n != 65536 {
				w.t.Errorf("%d messages came, want 65536", n)
			}
			r.wantRefusal("one more", p.post(strings.Repeat("4\x1e", 65536)+"4"), 400, 3, "Bad request")
			p.wantEnd("the session")
		})
	})
}

func TestAbortedRequests(t *testing.T) {
	t.Run("GET", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			start := time.Now()
			p.drop()
			r.side(p.id()).wantEnded("the client gave up its poll", engineio.ReasonTransportError, nil)
			if d := time.Since(start); w.virtual && d != 0 {
				w.t.Errorf("it took %v, want no time", d)
			}
			p.answer()
			p.wantEnd("the session")
		})
	})
	t.Run("POST", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			conn := r.rawPost(p, "Content-Length: 100", "4he")
			r.quiet()
			conn.Close()
			r.side(p.id()).wantEnded("the client gave up its POST", engineio.ReasonTransportError, nil)
			r.side(p.id()).wantHeard("nothing was delivered")
			p.wantEnd("the session")
		})
	})
}

// rawPost begins a POST on a connection of its own.
func (r *rig) rawPost(p *pollPeer, header, body string) net.Conn {
	r.t.Helper()
	conn, err := r.dial(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	r.keep(conn)
	conn.SetDeadline(time.Now().Add(r.w.patience))
	if _, err := fmt.Fprintf(conn, "POST %s?%s HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n%s", r.path, p.query, header, body); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func TestMaxConnections(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxConnections: 2, MaxPending: 2}})
		p := r.polling()
		r.websocket()
		for _, got := range []reply{r.get("EIO=4&transport=polling"), r.dialRefused("EIO=4&transport=websocket")} {
			r.wantRefusal("the third session", got, http.StatusServiceUnavailable, 4, "Service unavailable")
			if after := got.header.Get("Retry-After"); len(after) != 1 || after < "1" || after > "5" {
				w.t.Errorf("Retry-After is %q, want 1 to 5", after)
			}
		}
		p.upgrade() // is no new session
		p2 := r.side(p.id())
		p2.Close()
		p2.awaitEnd("one leaves")
		if w.virtual {
			time.Sleep(time.Minute)
			r.polling()
		}
	})
}

func TestRejectedBeforeTheUpgrade(t *testing.T) {
	t.Run("quirk 02", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			got := r.dialRefused("EIO=3&transport=websocket") // it fails at a 101
			r.wantRefusal("an unsupported revision", got, 400, 5, "Unsupported protocol version")
			if got.header.Get("Upgrade") != "" || got.header.Get("Sec-WebSocket-Accept") != "" {
				w.t.Errorf("the refusal has headers of an upgrade: %v", got.header)
			}
		})
	})
}

func TestJSONPIsRejected(t *testing.T) {
	t.Run("quirk 06", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			for _, revision := range []string{"3", "4"} {
				r.refused("JSONP of revision "+revision, "EIO="+revision+"&transport=$T&j=0", 400, 3, "JSONP is not supported")
			}
			p := r.polling()
			r.wantRefusal("JSONP on a session", r.get(p.query+"&j=0"), 400, 3, "JSONP is not supported")
			p.send("4x")
			p.want("the session goes on", "4x")
		})
	})
}

func TestRejectionsSendTheirText(t *testing.T) {
	t.Run("quirk 07", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{Handshake: screen}})
			r.wantRefusal("a Refusal, which is an error", r.get("EIO=4&transport=polling&who=banned"), 403, 4, "you are banned")
			r.wantRefusal("an error that is for the log", r.get("EIO=4&transport=polling&who=unlucky"), 403, 4, "Forbidden")
		})
	})
}

func TestWebSocketRejectionsHaveTheirStatus(t *testing.T) {
	t.Run("quirk 08", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{Handshake: screen, MaxConnections: 1}})
			const query = "EIO=4&transport=websocket"
			r.wantRefusal("by the application", r.dialRefused(query+"&who=banned"), 403, 4, "you are banned")
			r.wantRefusal("by the origin", r.dialRefused(query, "Origin", "http://evil.example"), 403, 4, "Forbidden")
			r.websocket()
			r.wantRefusal("by a limit", r.dialRefused(query), 503, 4, "Service unavailable")
		})
	})
}

// The connection of a rejected poll is used again. That of a rejected WebSocket is closed.
func TestConnectionsOfRejectedRequests(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		conn, err := r.dial(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		r.keep(conn)
		conn.SetDeadline(time.Now().Add(r.w.patience))
		br := bufio.NewReader(conn)
		for i, header := range []string{"", "", "Connection: Upgrade\r\nUpgrade: websocket\r\n"} {
			fmt.Fprintf(conn, "GET %s?EIO=4&transport=pigeon HTTP/1.1\r\nHost: a\r\n%s\r\n", r.path, header)
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				w.t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 400 || resp.Close != (header != "") {
				w.t.Errorf("request %d: status %d, the connection is closed: %v", i+1, resp.StatusCode, resp.Close)
			}
		}
	})
}

// Differs from upstream for WebSockets: the same 403 and JSON as on polling.
func TestRejectedHandshakes(t *testing.T) {
	t.Run("trap 03", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{Handshake: screen}})
			r.refused("a custom message", "EIO=4&transport=$T&who=banned", 403, 4, "you are banned")
			r.refused("an error", "EIO=4&transport=$T&who=unlucky", 403, 4, "Forbidden")
		})
	})
}
