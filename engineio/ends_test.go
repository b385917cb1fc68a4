// SPDX-License-Identifier: MIT

// This file tests a POST that ends its session: which response the client receives first.

package engineio_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socketio/engineio"
)

// badBodies are POSTs that end their session, with the responses. Their bodies do not
// arrive in full.
var badBodies = []struct {
	what, header, body string
	status             int
	reason             engineio.CloseReason
	cause              error // nil: any
}{
	{"too large, announced", "Content-Length: 5000", "4" + strings.Repeat("x", 1500), 413, engineio.ReasonTransportError, engineio.ErrTooLarge},
	{"too large, in chunks", "Transfer-Encoding: chunked", "5dc\r\n4" + strings.Repeat("x", 1499) + "\r\n", 413, engineio.ReasonTransportError, engineio.ErrTooLarge},
	{"too large, complete", "Content-Length: 1001", "4" + strings.Repeat("x", 1000), 413, engineio.ReasonTransportError, engineio.ErrTooLarge},
	{"encoded", "Content-Encoding: gzip\r\nContent-Length: 900", "4abc", 415, engineio.ReasonTransportError, nil},
	{"binary", "Content-Type: application/octet-stream\r\nContent-Length: 900", "4abc", 400, engineio.ReasonTransportError, nil},
	{"not UTF-8", "Content-Length: 3", "4\xff\xfe", 400, engineio.ReasonParseError, nil},
	{"malformed chunks", "Transfer-Encoding: chunked", "not a length\r\n", 400, engineio.ReasonTransportError, nil},
	{"too slow", "Content-Length: 900", "4abc", 408, engineio.ReasonTransportError, nil},
}

// The error comes before the end: npm's client takes as the reason whatever it sees
// first, and sees an error a turn of its event loop later than an answered poll.
func TestAnErrorComesBeforeTheEnd(t *testing.T) {
	for _, bad := range badBodies {
		t.Run(bad.what, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: &engineio.Options{MaxPayload: 1000, BodyTimeout: 3 * time.Second}})
				p := r.polling()
				p.park()
				conn := r.rawPost(p, bad.header, bad.body)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				answered := time.Now()
				if resp.StatusCode != bad.status || !resp.Close {
					t.Errorf("the answer is %d, Connection: close is %v; want %d and true", resp.StatusCode, resp.Close, bad.status)
				}
				p.wantAnswer("the parked GET", "1")
				if d := time.Since(answered); d < 1500*time.Millisecond || d > 2500*time.Millisecond {
					t.Errorf("the poll was told %v after the error, want 1.5 s to 2.5 s", d)
				}
				r.side(p.id()).wantEnded("the session", bad.reason, bad.cause)
				p.wantEnd("the session")
			})
		})
	}
}

// The time that the client has to see the error begins when it has been sent, however long
// the ResponseWriter of a middleware takes for it.
func TestAnErrorThatIsSentSlowly(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: 1000}, wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					w = slowWriter{w}
				}
				next.ServeHTTP(w, r)
			})
		}})
		p := r.polling()
		p.park()
		r.wantRefusal("the POST", p.post("4"+strings.Repeat("x", 1000)), 413, 3, "Payload too large")
		wantAt(r, "the error", r.started, 1500*time.Millisecond)
		p.wantAnswer("the parked GET", "1")
		wantAt(r, "the answer of the poll", r.started, 3500*time.Millisecond)
	})
}

// A slowWriter takes 1.5 s before it sends anything.
type slowWriter struct{ http.ResponseWriter }

func (s slowWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s slowWriter) WriteHeader(status int) {
	time.Sleep(1500 * time.Millisecond) // of virtual time
	s.ResponseWriter.WriteHeader(status)
}

// While the client has time to see the error, nothing else disturbs it.
func TestAfterAnErrorOfItsPost(t *testing.T) {
	large := "4" + strings.Repeat("x", 1000)
	serve := func(w *world) (*rig, *pollPeer) {
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: 1000}})
		p := r.polling()
		return r, p
	}
	t.Run("a poll that comes late is told that the session is unknown", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r, p := serve(w)
			r.wantRefusal("the POST", p.post(large), 413, 3, "Payload too large")
			r.wantRefusal("the poll", p.answer(), 400, 1, "Session ID unknown")
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, engineio.ErrTooLarge)
		})
	})
	t.Run("another POST too", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r, p := serve(w)
			p.park()
			r.wantRefusal("the POST", p.post(large), 413, 3, "Payload too large")
			r.wantRefusal("the next", p.post("4late"), 400, 1, "Session ID unknown")
			r.side(p.id()).wantHeard("nothing")
			p.wantAnswer("the poll", "1")
		})
	})
	t.Run("a client that says its close is let go at once", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r, p := serve(w)
			p.park()
			r.wantRefusal("the POST", p.post(large), 413, 3, "Payload too large")
			p.send("1")
			p.wantAnswer("the poll", "1")
			if d := r.elapsed(); d > 50*time.Millisecond {
				t.Errorf("it took %v", d)
			}
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, engineio.ErrTooLarge)
		})
	})
	t.Run("a client that gives up its poll does not change the reason", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r, p := serve(w)
			p.park()
			r.wantRefusal("the POST", p.post(large), 413, 3, "Payload too large")
			p.drop()
			r.quiet()
			r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, engineio.ErrTooLarge)
			time.Sleep(3 * time.Second)
			if n := r.srv.Count(); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	})
	t.Run("nobody comes", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r, p := serve(w)
			r.wantRefusal("the POST", p.post(large), 413, 3, "Payload too large")
			time.Sleep(3 * time.Second)
			if n := r.srv.Count(); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	})
	t.Run("the server closes", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r, p := serve(w)
			p.park()
			r.wantRefusal("the POST", p.post(large), 413, 3, "Payload too large")
			r.srv.Close()
			p.wantAnswer("the poll", "1")
		})
	})
}

// At most one further MaxPayload of a rejected body is read.
func TestLittleOfARefusedBodyIsRead(t *testing.T) {
	everywhere(t, func(w *world) {
		const limit = 100_000
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: limit}})
		p := r.polling()
		conn := r.rawPost(p, "Content-Length: 1000000000", "4")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != 413 {
			w.t.Fatalf("the answer is %v (%v)", resp, err)
		}
		sent := 0
		for part := make([]byte, 10_000); err == nil && sent < 1_000_000_000; {
			var n int
			n, err = conn.Write(part)
			sent += n
		}
		// The rest is in the buffers of the network.
		if sent > limit+32<<20 {
			w.t.Errorf("%d bytes could be sent", sent)
		}
	})
}

// Data that the server has not accepted when the session ends is not answered "ok".
func TestAPostThatTheEndCutsOff(t *testing.T) {
	const unknown = "Session ID unknown"
	ends := map[string]func(s *side){
		"Close": func(s *side) { s.Close() },
		"Abort": func(s *side) { s.Abort(engineio.ReasonForcedClose, errors.New("enough"), 1008, "") },
	}
	for how, end := range ends {
		for _, parked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s while its body comes, a GET parked %v", how, parked), func(t *testing.T) {
				inMemory(t, func(w *world) {
					r := w.serve(hosting{})
					p := r.polling()
					if parked {
						p.park()
					}
					in, out := io.Pipe()
					answer := make(chan reply, 1)
					go func() { answer <- r.do(w.t.Context(), "POST", p.query, in) }()
					io.WriteString(out, "4on its")
					r.quiet()
					end(r.side(p.id()))
					io.WriteString(out, " way")
					out.Close()
					if parked {
						p.wantAnswer("the poll", "1")
					}
					r.wantRefusal("the POST", <-answer, 400, 1, unknown)
					r.side(p.id()).wantHeard("nothing")
				})
			})
			t.Run(fmt.Sprintf("%s while it is not read, a GET parked %v", how, parked), func(t *testing.T) {
				inMemory(t, func(w *world) {
					r := w.serve(hosting{})
					p := r.polling()
					if parked {
						p.park()
					}
					r.side(p.id()).Pause()
					answer := make(chan reply, 1)
					go func() { answer <- p.post("4one\x1e4two") }()
					r.quiet()
					end(r.side(p.id()))
					r.wantRefusal("the POST", <-answer, 400, 1, unknown)
					r.side(p.id()).wantHeard("nothing")
				})
			})
		}
	}
	t.Run("a message of its own ends the session", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{onMessage: func(s *side, _ bool, data []byte) {
				if string(data) == "bad" {
					s.Abort(engineio.ReasonForcedClose, errors.New("bad"), 1008, "")
				}
			}})
			p := r.polling()
			r.wantRefusal("a POST with more after it", p.post("4one\x1e4bad\x1e4three"), 400, 1, unknown)
			r.side(p.id()).wantHeard("what came before", "one", "bad")
			p = r.polling()
			if got := p.post("4one\x1e4bad"); got.status != 200 || got.body != "ok" {
				t.Errorf("a POST that was taken whole got %d %q", got.status, got.body)
			}
		})
	})
	t.Run("the client leaves", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			p.send("4last\x1e1")
			r.side(p.id()).wantHeard("the last word", "last")
		})
	})
}

// Over HTTP/2 a response closes no connection: other requests may use it.
func TestHTTP2ErrorLeavesTheConnection(t *testing.T) {
	srv := engineio.NewServer(&engineio.Options{MaxPayload: 1000}, func(*engineio.Conn) engineio.Handler { return deaf{} })
	defer srv.Close()
	var opened atomic.Int32
	ts := httptest.NewUnstartedServer(srv)
	ts.EnableHTTP2 = true
	ts.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	ts.StartTLS()
	defer ts.Close()
	do := func(method, query, body string) (status, major int, text string) {
		req, err := http.NewRequest(method, ts.URL+"/?EIO=4&transport=polling"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := ts.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.ProtoMajor, string(data)
	}
	for range 5 {
		_, _, text := do("GET", "", "")
		var open openPacket
		if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &open); err != nil {
			t.Fatal(err)
		}
		status, major, _ := do("POST", "&sid="+open.SID, "4"+strings.Repeat("x", 100_000))
		if status != 413 || major != 2 {
			t.Errorf("the answer is %d over HTTP/%d, want 413 over HTTP/2", status, major)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections were opened, want 1", n)
	}
}

// deaf is a Handler that does nothing.
type deaf struct{}

func (deaf) HandleMessage(bool, []byte)              {}
func (deaf) HandleReadEnd()                          {}
func (deaf) HandleClose(engineio.CloseReason, error) {}
func (deaf) HandleTimer()                            {}
func (deaf) HandleUpgrade()                          {}

// A client that has received "3probe" does not poll again: until its "5", only its
// candidate can tell it that the session has ended.
func TestAnEndBetweenProbeAndUpgrade(t *testing.T) {
	enough := errors.New("enough")
	ends := map[string]struct {
		end   func(r *rig, s *side)
		close string
	}{
		"Close": {func(_ *rig, s *side) { s.Close() }, "close 1000"},
		"Abort": {func(_ *rig, s *side) { s.Abort(engineio.ReasonParseError, enough, 1008, "enough") }, "close 1008 enough"},
		"a slow consumer": {func(_ *rig, s *side) {
			s.Abort(engineio.ReasonTransportError, engineio.ErrSlowConsumer, 1008, "slow consumer")
		}, "close 1008 slow consumer"},
		"a body too large": {func(r *rig, s *side) { r.post("EIO=4&transport=polling&sid="+s.ID(), "4"+strings.Repeat("x", 1000)) }, "close 1009"},
		"a malformed POST": {func(r *rig, s *side) { r.post("EIO=4&transport=polling&sid="+s.ID(), "nonsense") }, "close 1002"},
	}
	for name, row := range ends {
		for _, transport := range []string{"websocket", "webtransport"} {
			t.Run(name+", "+transport, func(t *testing.T) {
				inMemory(t, func(w *world) {
					r := w.serve(hosting{options: withStreams(&engineio.Options{MaxPayload: 1000})})
					p := r.polling()
					p.park()
					var c interface {
						send(packets ...string)
						want(what string, packets ...string)
						wantEOF(what string)
					}
					if transport == "websocket" {
						c = p.probe()
					} else {
						c = p.candidate()
					}
					c.send("2probe")
					c.want("the answer to the probe", "3probe")
					p.want("the parked poll is released", "6")
					row.end(r, r.side(p.id()))
					r.side(p.id()).awaitEnd("the session")
					c.send("5")
					if transport == "websocket" {
						c.want("the end", row.close)
					}
					c.wantEOF("the end")
					if d := r.elapsed(); d > 750*time.Millisecond {
						t.Errorf("the client was told after %v", d)
					}
					time.Sleep(time.Minute)
					if n := r.srv.Count(); n != 0 {
						t.Errorf("%d sessions are left", n)
					}
				})
			})
		}
	}
	t.Run("a client that goes back to polling", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			c := p.probed()
			r.side(p.id()).Abort(engineio.ReasonParseError, enough, 1008, "enough")
			p.wantAnswer("the poll", "6\x1e1")
			c.wantClose("the candidate", 1000)
			p.wantEnd("the session")
		})
	})
	t.Run("a client that does neither", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{UpgradeTimeout: 3 * time.Second}})
			p := r.polling()
			c := p.probed()
			r.side(p.id()).Abort(engineio.ReasonParseError, enough, 1008, "enough")
			c.wantClose("the candidate", 1002)
			time.Sleep(31 * time.Second)
			if n := r.srv.Count(); n != 0 {
				t.Errorf("%d sessions are left", n)
			}
		})
	})
}
