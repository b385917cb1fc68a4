// SPDX-License-Identifier: MIT

// This file tests dialogues over real QUIC: opening, messages, the upgrade, limits, and
// every kind of end.

package webtransport_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"socketio"
	"socketio/engineio"
	"socketio/engineio/webtransport"
	"socketio/internal/rawclient"
)

var _ webtransport.Engine = (*socketio.Server)(nil)

func TestMessages(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{}, nil)
	c, s := st.open(0)
	if s.Transport() != "webtransport" {
		t.Errorf("the transport is %q", s.Transport())
	}
	h := s.Handshake()
	if h.URL != "/socket.io/?EIO=4&transport=webtransport" || h.Query().Get("EIO") != "4" || h.Host != st.host || !h.Secure || !strings.HasPrefix(h.RemoteAddr, "127.0.0.1:") {
		t.Errorf("the handshake is %+v", *h)
	}
	c.send("4hello")
	c.want("the echo", "4hello")
	c.write(rawclient.Packet{Binary: []byte{1, 2, 3}})
	c.want("the echo of bytes", "b:\x01\x02\x03")
	large := strings.Repeat("x", 900_000)
	c.send("4" + large)
	c.want("a large one", "4"+large)
	c.write(rawclient.Packet{Binary: bytes.Repeat([]byte{7}, 1_000_000)})
	c.want("large bytes", "b:"+strings.Repeat("\x07", 1_000_000))
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{PingInterval: 50 * time.Millisecond, PingTimeout: 3 * time.Second}, nil)
	c, s := st.open(0)
	for range 3 {
		c.want("a ping", "2")
		c.send("3")
	}
	c.want("a ping", "2")
	c.wantGone("no pong")
	st.wantEnd(s, engineio.ReasonPingTimeout)
}

func TestOversizedFrame(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{MaxPayload: 1000}, nil)
	for _, head := range []string{"\x7e\x03\xe9", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x00"} {
		c, s := st.open(0)
		c.raw([]byte(head))
		c.wantGone("a frame that is too large")
		st.wantEnd(s, engineio.ReasonParseError)
	}
}

func TestNotOpenedInTime(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{UpgradeTimeout: time.Second}, nil)
	_, session, err := st.dial(0)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{st: st, session: session}
	c.wantGone("no stream")

	_, session, err = st.dial(0)
	if err != nil {
		t.Fatal(err)
	}
	// On a slow machine the time may have passed before anything is sent.
	if stream, err := session.OpenStream(); err == nil {
		_, _ = stream.Write([]byte("\x020{\x7e"))
	}
	c = &client{st: st, session: session}
	c.wantGone("a stream that opens nothing")
	if n := st.engine.Count(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestFirstPackets(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{}, nil)
	for _, first := range []string{"4a", `0{"sid":"nope"}`, `0{"sid":"__proto__"}`, "0nope", "9"} {
		st.connect(0, first).wantGone(first)
	}
	if n := st.engine.Count(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{}, nil)
	if open := st.poll("GET", "", ""); !strings.Contains(open, `"upgrades":["websocket","webtransport"]`) {
		t.Errorf("the open packet is %s", open)
	}
	s := st.next()
	c := st.connect(0, `0{"sid":"`+s.ID()+`"}`)
	c.send("2probe")
	c.want("the answer to the probe", "3probe")
	s.Send(engineio.TextMessage("waits"))
	c.send("5")
	c.want("what waited", "4waits")
	<-s.upgraded
	c.send("4hello")
	c.want("the echo", "4hello")
	if s.Transport() != "webtransport" {
		t.Errorf("the transport is %q", s.Transport())
	}
	st.connect(0, `0{"sid":"`+s.ID()+`"}`).wantGone("a second upgrade")
	c.send("4again")
	c.want("the session goes on", "4again")
}

func TestFailedUpgrade(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{}, nil)
	st.poll("GET", "", "")
	s := st.next()
	c := st.connect(0, `0{"sid":"`+s.ID()+`"}`)
	c.send("2foo")
	c.wantGone("another ping")
	st.poll("POST", "&sid="+s.ID(), "4hello")
	if got := st.poll("GET", "&sid="+s.ID(), ""); got != "4hello" {
		t.Errorf("polling goes on with %q", got)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	var refused atomic.Int32
	st := serve(t, engineio.Options{
		CORS: &engineio.CORS{Origins: []string{"https://a.example"}},
		Handshake: func(r *http.Request) (context.Context, error) {
			if r.Header.Get("Authorization") == "no" {
				refused.Add(1)
				return nil, &engineio.Refusal{Message: "no"}
			}
			return nil, nil
		},
	}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	for _, c := range []struct {
		origin, auth string
		status       int
	}{
		{"https://evil.example", "yes", 403},
		{"https://a.example", "", 401},
		{"https://a.example", "yes", 200},
		{"https://" + st.host, "yes", 200},
	} {
		rsp, _, err := st.dial(0, "Origin", c.origin, "Authorization", c.auth)
		if rsp == nil || rsp.StatusCode != c.status {
			t.Errorf("from %s with %q: %v (%v), want %d", c.origin, c.auth, rsp, err, c.status)
		}
	}
	_, session, err := st.dial(0, "Authorization", "no")
	if err != nil {
		t.Fatal(err)
	}
	stream, err := session.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	stream.Write([]byte("\x010"))
	(&client{st: st, session: session}).wantGone("refused by Handshake")
	if refused.Load() != 1 || st.engine.Count() != 0 {
		t.Errorf("refused %d times, %d sessions", refused.Load(), st.engine.Count())
	}
}

func TestOtherRequests(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{}, nil)
	rsp, err := st.request("GET")
	if err != nil || rsp.StatusCode != 405 || rsp.Header.Get("Allow") != "CONNECT" {
		t.Errorf("GET: %v (%v), want 405", rsp, err)
	}
}

func TestTheClientCloses(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{}, nil)
	for name, end := range map[string]func(c *client){
		"with a packet":        func(c *client) { c.send("1") },
		"the session":          func(c *client) { c.session.CloseWithError(0, "") },
		"with a code":          func(c *client) { c.session.CloseWithError(7, "bye") },
		"the stream":           func(c *client) { c.stream.Close() },
		"by a reset":           func(c *client) { c.stream.CancelWrite(1) },
		"and reads no further": func(c *client) { c.stream.CancelRead(1); c.send("4x") },
	} {
		t.Run(name, func(t *testing.T) {
			c, s := st.open(0)
			end(c)
			st.wantEnd(s, engineio.ReasonTransportClose)
			select {
			case <-c.session.Context().Done():
			case <-time.After(patience):
				t.Error("the session is still open")
			}
		})
	}
}

// Messages sent before the close arrive, then the session ends soon.
func TestTheServerCloses(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(st *stage, s *side){
		"one":       func(_ *stage, s *side) { s.Close() },
		"in order":  func(st *stage, _ *side) { st.engine.Shutdown(context.Background()) },
		"all at it": func(st *stage, s *side) { s.Close(); st.engine.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := serve(t, engineio.Options{}, nil)
			c, s := st.open(0)
			last := strings.Repeat("z", 300_000)
			s.Send(engineio.TextMessage(last))
			done := make(chan struct{})
			start := time.Now()
			go func() { defer close(done); end(st, s) }()
			c.want("the last message", "4"+last)
			if name == "all at it" { // Close waits for no client that is slow to take the end
				c.wantGone("the end")
			} else {
				c.wantClosed("the end")
			}
			<-done
			st.wantEnd(s, engineio.ReasonForcedClose)
			if took := time.Since(start); took > patience/3 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A peer that gives no credit delays nothing.
func TestCloseWithoutCredit(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(st *stage, s *side){
		"the server closes":   func(_ *stage, s *side) { s.Close() },
		"nothing is done":     func(*stage, *side) {},
		"the engine shuts it": func(st *stage, _ *side) { st.engine.Shutdown(context.Background()) },
		"the engine closes":   func(st *stage, _ *side) { st.engine.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := serve(t, engineio.Options{WriteTimeout: 2 * time.Second}, nil)
			c, s := st.open(4096)
			s.Send(engineio.TextMessage(strings.Repeat("x", 1_000_000)))
			start := time.Now()
			end(st, s)
			select {
			case <-s.closed:
			case <-time.After(patience):
				t.Fatal("the connection is still open")
			}
			c.wantGone("the end")
			if took := time.Since(start); took > patience/3 {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// Streams that are not accepted cost their windows, and the session continues.
func TestMoreStreams(t *testing.T) {
	t.Parallel()
	st := serve(t, engineio.Options{}, nil)
	c, _ := st.open(0)
	for n := 0; ; n++ {
		stream, err := c.session.OpenStream()
		if err != nil {
			break
		}
		if n > 100 {
			t.Fatal("there is no bound")
		}
		stream.Write([]byte("\x010"))
	}
	c.session.SendDatagram([]byte("hello"))
	c.send("4hello")
	c.want("the echo", "4hello")
}

// A wrapped is the writer of a middleware; a hidden one has no access to that of HTTP/3.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type hidden struct{ http.ResponseWriter }

func TestWritersOfMiddlewares(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wrap   func(http.ResponseWriter) http.ResponseWriter
		serves bool
	}{
		"with Unwrap":    {func(w http.ResponseWriter) http.ResponseWriter { return wrapped{w} }, true},
		"without Unwrap": {func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := serve(t, engineio.Options{}, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(c.wrap(w), r) })
			})
			_, _, err := st.dial(0)
			if (err == nil) != c.serves {
				t.Errorf("the session: %v", err)
			}
			if err := st.engine.Close(); err != nil { // it must not wait for what has ended
				t.Error(err)
			}
		})
	}
}

// A duration without its unit panics with a question.
func TestDurationsWithoutAUnit(t *testing.T) {
	for want, h3 := range map[string]*http3.Server{
		"webtransport: http3.Server.IdleTimeout is 30000 nanoseconds: did you mean 30*time.Second?":                          {IdleTimeout: 30000},
		"webtransport: quic.Config.MaxIdleTimeout is 1500 nanoseconds: did you mean 1500*time.Millisecond?":                  {QUICConfig: &quic.Config{MaxIdleTimeout: 1500}},
		"webtransport: quic.Config.KeepAlivePeriod is 10 nanoseconds: did you mean 10*time.Second or 10*time.Millisecond?":   {QUICConfig: &quic.Config{KeepAlivePeriod: 10}},
		"webtransport: quic.Config.HandshakeIdleTimeout is 5 nanoseconds: did you mean 5*time.Second or 5*time.Millisecond?": {QUICConfig: &quic.Config{HandshakeIdleTimeout: 5}},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			webtransport.NewServer(nil, h3)
		}()
	}
}
