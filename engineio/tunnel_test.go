// SPDX-License-Identifier: MIT

// This file tests WebSockets over HTTP/2: the differences from HTTP/1, and the dialogues
// of other files again.

package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// alsoOverHTTP2 are tests of other files whose peers may use HTTP/2.
var alsoOverHTTP2 = []string{
	"TestGracefulClose", "TestAbort", "TestClientClosesAClosingSession", "TestProbeReleasesAParkedPoll",
	"TestMessagesDuringTheUpgrade", "TestTheQueueMovesOver", "TestUpgradeTimeout", "TestOneUpgradeAtATime",
	"TestThreeAttempts", "TestDisableUpgrades", "TestCloseDuringTheUpgradeKeepsTheRest",
	"TestCloseDuringTheUpgradeThenPolling", "TestDeflate", "TestDeflateIsPerConnection",
	"TestMiddlewareRunsForEveryRequest", "TestMiddlewareSetsTheSessionCookieLate",
	"TestMiddlewareOutsideOfTheServer", "TestMiddlewareWithAWriterOfItsOwn", "TestMiddlewareAndAFailedTakeover",
	"TestHiddenHijacker", "TestSessionBinding", "TestSessionBindingLetsTheClientUpgrade",
	"TestSessionBindingPanics", "TestServerClose", "TestRefuse", "TestShutdown", "TestHostTimeouts",
	"TestMounting", "TestFragments", "TestBrokenFrames", "TestOriginRule", "TestAllowList", "TestTrustedProxies",
	"TestMaxConnections", "TestMaxPending", "TestPingFlood", "TestPongDeadline", "TestMessageTimeout", "TestMessageTimeoutOfABusyClient",
	"TestUpgradeWhereHostIsChanged", "TestCookiesOfForeignPages", "TestCookiesOfAnUpgradeWhereHostIsChanged", "TestWarningsOfRefusedOrigins",
	"TestHostsContextAndWebSocket",
	"TestPauseStopsReading", "TestPauseTimeout", "TestQueueBounds", "TestSlowConsumer",
}

func TestWebSocketOverHTTP2(t *testing.T) {
	if !isOverHTTP2 {
		inHTTP2(t, append(alsoOverHTTP2, t.Name())...)
		return
	}
	for name, play := range map[string]func(*testing.T){
		"handshake": h2Handshake, "refusals": h2Refusals, "closing": h2Closing, "reset": h2Reset,
		"no credit": h2NoCredit, "no reading": h2NoReading, "limits": h2Limits, "late writes": h2LateWrites,
		"upgrade": h2Upgrade, "many": h2Many, "storm": h2Storm,
	} {
		t.Run(name, play)
	}
}

// The handshake of the client, and the header of the response.
func h2Handshake(t *testing.T) {
	everywhere(t, func(w *world) {
		var seen http.Header
		r := w.serve(hosting{options: &engineio.Options{
			PerMessageDeflate: new(engineio.PerMessageDeflate),
			Handshake: func(r *http.Request) (context.Context, error) {
				seen = r.Header.Clone()
				return context.WithValue(r.Context(), http.ServerContextKey, "who"), nil
			},
			InitialHeaders: func(h http.Header, _ *http.Request) { h.Set("X-Initial", "yes") },
			Headers:        func(h http.Header, _ *http.Request) { h.Set("X-Each", "yes") },
		}})
		r.srv.Use(marking("a"), func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Length", "7")
				next.ServeHTTP(w, r)
			})
		})
		c := r.websocket("Origin", "https://chat.example", "Cookie", "a=b", "Sec-WebSocket-Protocol", "one, two",
			"Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
		for name, want := range map[string]string{
			"X-Passed": "a", "X-Initial": "yes", "X-Each": "yes", "Sec-Websocket-Protocol": "one",
			"Sec-Websocket-Extensions": "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
			"Content-Encoding":         "", "Content-Length": "", "Sec-Websocket-Accept": "", "Upgrade": "", "Connection": "",
		} {
			if got := strings.Join(c.header.Values(name), ","); got != want {
				w.t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		s := r.side(c.id())
		h := s.Handshake()
		if s.Transport() != engineio.WebSocket || !h.Secure || h.Host != "chat.example" || h.Query().Get("transport") != "websocket" ||
			!strings.HasPrefix(h.RemoteAddr, "127.0.0.1:") || h.HeaderValue("Cookie") != "a=b" || seen.Get("Cookie") != "a=b" ||
			s.Context().Value(http.ServerContextKey) != "who" {
			w.t.Errorf("the handshake is %+v over %s", *h, s.Transport())
		}
		if got := h.Header()[":protocol"]; got != nil {
			w.t.Errorf("the record has :protocol %q", got)
		}
		c.send("4é", "<00ff>", "4"+strings.Repeat("x", 900_000))
		c.want("the echo", "4é", "<00ff>")
		c.c.AllowCompressed()
		if _, got, err := c.c.ReadMessage(); err != nil || len(got) != 900_001 {
			w.t.Errorf("a large message: %d bytes (%v)", len(got), err)
		}
	})
}

// A rejection is an ordinary response, and leaves the connection as it is.
func h2Refusals(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{CORS: &engineio.CORS{Origins: []string{"https://app.example"}}}})
		var dials atomic.Int32
		dial := r.dial
		r.dial = func(ctx context.Context) (net.Conn, error) {
			dials.Add(1)
			return dial(ctx)
		}
		const query = "EIO=4&transport=websocket"
		p := r.polling()
		r.wantRefusal("a foreign page", r.dialRefused(query, "Origin", "https://evil.example"), 403, 4, "Forbidden")
		r.wantRefusal("of a session", r.dialRefused(query+"&sid="+p.id(), "Origin", "https://evil.example"), 403, 4, "Forbidden")
		r.wantRefusal("an unknown session", r.dialRefused(query+"&sid=none"), 400, 1, "Session ID unknown")
		r.wantRefusal("an unknown transport", r.dialRefused("EIO=4&transport=pigeon"), 400, 0, "Transport unknown")
		r.wantRefusal("revision 3", r.dialRefused("EIO=3&transport=websocket"), 400, 5, "Unsupported protocol version")
		r.wantRefusal("a session on polling", r.dialRefused("EIO=4&transport=polling"), 400, 2, "Bad handshake method")
		for _, version := range []string{"", "12", "8"} {
			got := r.dialRefused(query, "Sec-WebSocket-Version", version)
			r.wantRefusal("version "+version, got, 400, 3, "Missing or invalid Sec-WebSocket-Version header")
			if v := got.header.Get("Sec-WebSocket-Version"); v != "13" {
				w.t.Errorf("the refusal offers %q, want 13", v)
			}
		}
		r.wantRefusal("another protocol", r.dialRefused(query, ":protocol", "connect-udp"), 400, 2, "Bad handshake method")
		r.wantRefusal("no CONNECT", r.get(query), 400, 3, "Bad request")
		c := r.websocket("Origin", "https://app.example")
		c.send("4x")
		c.want("an origin of the list", "4x")
		p.send("4x")
		p.want("polling beside it", "4x")
		if n := dials.Load(); n > 2 { // the peers' first, and that of net/http's own
			w.t.Errorf("%d connections", n)
		}
	})
}

// The closing handshake, from both sides, and the end of the stream after it.
func h2Closing(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		c := r.websocket()
		c.raw(wstest.Frame(ws.Close, true, []byte("\x03\xe9bye")))
		c.want("the answer", "close 1001")
		c.wantEOF("the end")
		r.side(c.id()).wantEnded("the client closed", engineio.ReasonTransportClose, nil)

		c = r.websocket()
		s := r.side(c.id())
		s.say("last")
		s.Close()
		c.want("what was said before", "4last")
		c.wantClose("the server closed", 1000)
		s.wantEnded("the server closed", engineio.ReasonForcedClose, nil)

		for range 20 { // the client ends its side with the close frame, as browsers do
			c = r.websocket()
			c.raw(wstest.Frame(ws.Close, true, []byte("\x03\xe9bye")))
			c.c.Conn().(*streamEnd).CloseWrite()
			c.want("the answer", "close 1001")
			c.wantEOF("the end")
			r.side(c.id()).wantEnded("the client closed", engineio.ReasonTransportClose, nil)
		}

		c = r.websocket() // the client ends its side without a close frame
		c.c.Conn().(*streamEnd).CloseWrite()
		r.side(c.id()).wantEnded("the stream ended", engineio.ReasonTransportClose, nil)
		c.wantEOF("the end")
	})
	inMemory(t, func(w *world) { // one that does not answer is waited for
		r := w.serve(hosting{})
		c := r.websocket()
		before := time.Now()
		r.side(c.id()).Close()
		if op, data, err := c.c.ReadFrame(); err != nil || op != ws.Close || string(data) != "\x03\xe8" {
			w.t.Fatalf("got %v %q (%v)", op, data, err)
		}
		if took := time.Since(before); took != 0 {
			w.t.Errorf("the close frame came after %v", took)
		}
		if _, _, err := c.c.ReadFrame(); !errors.Is(err, io.EOF) {
			w.t.Errorf("after the close frame: %v", err)
		}
		if took := time.Since(before); took != 2*time.Second {
			w.t.Errorf("the stream ended after %v, want 2 s", took)
		}
	})
}

// A client resets its stream, or its whole connection.
func h2Reset(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		c, d := r.websocket(), r.websocket()
		c.c.Close()
		r.side(c.id()).wantEnded("a stream was reset", engineio.ReasonTransportClose, nil)
		d.send("4x")
		d.want("its neighbour goes on", "4x")
		p := r.polling()
		up := p.probe()
		up.c.Close()
		p.send("4x")
		p.want("a candidate was reset", "4x")
		r.side(d.id()).wantOpen("nothing of it was reset")
		r.h2conn.Close()
		r.side(d.id()).wantEnded("the connection has gone", engineio.ReasonTransportClose, nil)
	})
}

// flood sends more than any window or buffer holds.
func flood(s *side) {
	big := engineio.BinaryMessage(make([]byte, 1<<20))
	for range 16 {
		s.Send(big)
	}
}

// A client that gives its stream no credit is a slow consumer; its connection continues.
func h2NoCredit(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxQueueBytes: 64 << 20, PingInterval: time.Hour}})
		c, d := r.websocket(), r.websocket()
		before := time.Now()
		flood(r.side(c.id()))
		r.side(c.id()).wantEnded("it reads nothing", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		if took := time.Since(before); took < 10*time.Second || took > 11*time.Second {
			w.t.Errorf("it ended after %v, want 10 s", took)
		}
		d.send("4x")
		d.want("its neighbour", "4x")
		time.Sleep(time.Minute)
		if n := r.running.Load(); n != 1 {
			w.t.Errorf("%d requests are served, want that of the neighbour", n)
		}
	})
}

// A client that reads nothing from its connection delays neither the end of its sessions
// nor that of the server.
func h2NoReading(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{buffer: 64 << 10, options: &engineio.Options{MaxQueueBytes: 64 << 20, PingInterval: time.Hour}})
		g := &gate{open: make(chan struct{})}
		dial := r.dial
		r.dial = func(ctx context.Context) (net.Conn, error) {
			c, err := dial(ctx)
			return &gated{Conn: c, gate: g}, err
		}
		c, d := r.websocket(), r.websocket()
		g.shut.Store(true)
		flood(r.side(c.id()))
		flood(r.side(d.id()))
		r.side(c.id()).wantEnded("nobody reads", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		before := time.Now()
		r.srv.Close()
		if took := time.Since(before); took > 15*time.Second {
			w.t.Errorf("Close took %v", took)
		}
		close(g.open)
	})
}

type gate struct {
	shut atomic.Bool
	open chan struct{}
}

// A gated connection reads nothing while its gate is shut.
type gated struct {
	net.Conn
	gate *gate
}

func (c *gated) Read(b []byte) (int, error) {
	if c.gate.shut.Load() {
		<-c.gate.open
	}
	return c.Conn.Read(b)
}

// The limits of WebSockets apply.
func h2Limits(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: 1000, MaxConnections: 2, MaxPending: 2}})
		c := r.websocket()
		c.send("4" + strings.Repeat("x", 1000))
		c.wantClose("a message over the limit", 1009)
		r.side(c.id()).wantEnded("over the limit", engineio.ReasonTransportError, engineio.ErrTooLarge)
		c, d := r.websocket(), r.websocket()
		r.wantRefusal("one too many", r.dialRefused("EIO=4&transport=websocket"), 503, 4, "Service unavailable")
		c.send("1")
		c.wantEnd("it leaves")
		d.send("4x")
		d.want("the other", "4x")
		r.websocket()
	})
}

// Data that a middleware writes after the WebSocket has ended is dropped.
func h2LateWrites(t *testing.T) {
	everywhere(t, func(w *world) {
		var late sync.WaitGroup
		late.Add(1)
		r := w.serve(hosting{})
		r.srv.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r)
				if _, err := io.WriteString(w, "footer"); !errors.Is(err, http.ErrHijacked) {
					t.Errorf("a late write: %v", err)
				}
				w.WriteHeader(500)
				late.Done()
			})
		})
		c := r.websocket()
		c.send("4x", "1")
		c.want("an echo", "4x")
		c.wantClose("the end", 1000)
		late.Wait()
	})
}

// Polls and the upgrade on one connection.
func h2Upgrade(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		s := r.side(p.id())
		p.park()
		s.say("polled")
		p.want("over polling", "4polled")
		p.park()
		c := p.upgrade()
		if s.Transport() != engineio.WebSocket {
			w.t.Errorf("the transport is %s", s.Transport())
		}
		s.say("pushed")
		c.want("over the stream", "4pushed")
		var open openPacket
		if err := json.Unmarshal([]byte(p.raw.body[1:]), &open); err != nil || strings.Join(open.Upgrades, ",") != "websocket" {
			w.t.Errorf("the open packet is %s (%v)", p.raw.body, err)
		}
		c.send("1")
		c.wantEnd("the client leaves")
	})
}

// Many WebSockets share a connection, and each ends independently.
func h2Many(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		var peers []*wsPeer
		for range 50 {
			peers = append(peers, r.websocket())
		}
		for i, c := range peers {
			c.send("4x")
			if i%2 == 0 {
				r.side(c.id()).Close()
			}
		}
		for i, c := range peers {
			if i%2 == 0 {
				c.wantEnd("closed by the server")
			} else {
				c.want("the echo", "4x")
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), w.patience)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- r.srv.Shutdown(ctx) }()
		for i, c := range peers {
			if i%2 == 1 {
				c.wantClose("shutdown", 1001)
			}
		}
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// Streams that are reset as soon as they are opened leave nothing behind.
func h2Storm(t *testing.T) {
	overTCP(t, func(w *world) {
		r := w.serve(hosting{})
		bystander := r.websocket()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				for j := range 20 {
					ctx, cancel := context.WithCancel(context.Background())
					pr, pw := io.Pipe()
					req, err := http.NewRequestWithContext(ctx, http.MethodConnect, "https://chat.example"+r.path+"?EIO=4&transport=websocket", pr)
					if err != nil {
						panic(err)
					}
					req.Header = http.Header{":protocol": {"websocket"}, "Sec-Websocket-Version": {"13"}}
					if (i+j)%2 == 0 {
						time.AfterFunc(time.Duration(j)*20*time.Microsecond, cancel)
					}
					if resp, err := r.streams(ctx).RoundTrip(req); err == nil {
						resp.Body.Close()
					}
					cancel()
					pw.Close()
				}
			})
		}
		all.Wait()
		bystander.send("4x")
		bystander.want("the bystander", "4x")
		late := time.After(w.patience)
		for r.srv.Count() > 1 || r.running.Load() > 1 {
			select {
			case <-late:
				w.t.Fatalf("%d sessions and %d requests are left, want the bystander's", r.srv.Count(), r.running.Load())
			case <-time.After(time.Millisecond):
			}
		}
	})
}
