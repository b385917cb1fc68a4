// SPDX-License-Identifier: MIT

// This file holds the dialogues of a Dialer with our own server.

package engineio_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/engineio"
)

// A caller is a Dialer and the connections that it has opened.
type caller struct {
	*engineio.Dialer
	r *rig // for the sides of the client
}

// caller returns a Dialer whose connections go to the server. Its sides answer nothing.
func (r *rig) caller(o engineio.DialerOptions) *caller {
	o.Driver = r.w.driver
	if o.DialContext == nil {
		o.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return r.dial(ctx) }
	}
	if o.Proxy == nil {
		o.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	}
	c := &caller{engineio.NewDialer(&o), &rig{t: r.t, w: r.w, h: hosting{onMessage: func(*side, bool, []byte) {}}, sides: make(map[string]*side)}}
	r.t.Cleanup(func() { c.Close() })
	return c
}

func (c *caller) dial(rawURL string) (*side, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.r.w.patience)
	defer cancel()
	var s *side
	conn, err := c.Dial(ctx, rawURL, func(conn *engineio.Conn) engineio.Handler {
		s = c.r.accept(conn).(*side)
		return s
	})
	if err != nil {
		return nil, err
	}
	if s == nil || s.Conn != conn {
		c.r.t.Fatal("Dial returned another connection than accept got")
	}
	return s, nil
}

// open is dial for one that must succeed.
func (c *caller) open() *side {
	c.r.t.Helper()
	s, err := c.dial("http://chat.example")
	if err != nil {
		c.r.t.Fatal(err)
	}
	return s
}

// wantTransport waits until messages use this transport.
func (s *side) wantTransport(what, transport string) {
	s.r.t.Helper()
	s.await(what, func() bool { return s.Transport() == transport })
}

// ways are the transports a connection may have.
var ways = map[string][]string{
	"polling":   {"polling"},
	"websocket": {"websocket"},
	"upgrade":   {"polling", "websocket"},
}

// overWays runs f over each of them, everywhere.
func overWays(t *testing.T, f func(w *world, transports []string)) {
	for name, transports := range ways {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) { f(w, transports) })
		})
	}
}

// Messages travel both ways, in order, texts and bytes, whatever the transport.
func TestDialerEcho(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		r := w.serve(hosting{options: w.calm()})
		s := r.caller(engineio.DialerOptions{Transports: transports}).open()
		var want []string
		for i := range 40 {
			text := fmt.Sprintf("€ %d", i)
			s.say(text)
			s.Send(engineio.BinaryMessage([]byte{byte(i), 0x1e}))
			want = append(want, text, fmt.Sprintf("<%02x1e>", i))
			if i == 20 && len(transports) == 2 {
				s.wantTransport("the upgrade", "websocket")
			}
		}
		s.wantHeard("all come back in order", want...)
		peer := r.side(s.ID())
		if s.ID() == "" || peer.Transport() != s.Transport() {
			w.t.Errorf("session %q is on %s, the server says %s", s.ID(), s.Transport(), peer.Transport())
		}
		s.await("HandleUpgrade", func() bool { return s.upgrades == len(transports)-1 })
		big := strings.Repeat("x", 200_000)
		s.say(big)
		s.await("a large message comes back", func() bool { return s.messages[len(s.messages)-1] == big })
		s.Close()
		s.wantEnded("our close", engineio.ReasonForcedClose, nil)
		peer.wantEnded("the server hears of it", engineio.ReasonTransportClose, nil)
	})
}

// Messages sent before Close are still delivered.
func TestDialerFlushesOnClose(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		r := w.serve(hosting{options: w.calm()})
		s := r.caller(engineio.DialerOptions{Transports: transports}).open()
		peer := r.side(s.ID())
		s.say("a", "b", "c")
		s.Close()
		peer.wantHeard("all of it", "a", "b", "c")
		peer.wantEnded("then the end", engineio.ReasonTransportClose, nil)
	})
}

// The server's close ends our side.
func TestDialerHearsTheEnd(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		r := w.serve(hosting{options: w.calm()})
		s := r.caller(engineio.DialerOptions{Transports: transports}).open()
		if len(transports) == 2 {
			s.wantTransport("the upgrade", "websocket")
		}
		peer := r.side(s.ID())
		peer.say("last words")
		peer.Close()
		s.wantEnded("the server has closed", engineio.ReasonTransportClose, nil)
		s.wantHeard("what came before", "last words")
		if err := s.Send(engineio.TextMessage("late")); !errors.Is(err, engineio.ErrClosed) {
			w.t.Errorf("Send after the end: %v", err)
		}
	})
}

// The connection stays open while pings arrive, and closes without them.
func TestDialerHeartbeat(t *testing.T) {
	for name, transports := range ways {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: suite()})
				s := r.caller(engineio.DialerOptions{Transports: transports}).open()
				time.Sleep(time.Minute)
				s.wantOpen("two hundred pings later")
				r.side(s.ID()).wantOpen("two hundred pings later")
			})
		})
	}
	// A server that opens a session and says no more.
	inMemory(t, func(w *world) {
		r := w.serve(hosting{wrap: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				switch {
				case req.URL.Query().Get("sid") == "":
					fmt.Fprint(w, `0{"sid":"x","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000}`)
				case req.Method == http.MethodPost:
					fmt.Fprint(w, "ok")
				default:
					<-req.Context().Done()
				}
			})
		}})
		s := r.caller(engineio.DialerOptions{}).open()
		began := time.Now()
		s.wantEnded("no ping comes", engineio.ReasonPingTimeout, nil)
		if d := time.Since(began); d < 500*time.Millisecond || d > 600*time.Millisecond {
			w.t.Errorf("that took %v, want pingInterval + pingTimeout", d)
		}
	})
}

// A paused connection hands up nothing, on any transport.
func TestDialerPause(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		r := w.serve(hosting{options: w.calm()})
		c := r.caller(engineio.DialerOptions{Transports: transports})
		paused := make(chan struct{})
		c.r.h.onMessage = func(s *side, _ bool, data []byte) {
			if string(data) == "pause" {
				s.Pause()
				close(paused)
			}
		}
		s := c.open()
		if len(transports) == 2 {
			s.wantTransport("the upgrade", "websocket")
		}
		peer := r.side(s.ID())
		peer.say("pause", "after")
		<-paused
		s.wantHeard("the first", "pause")
		s.say("a ping of ours")
		peer.wantHeard("it goes out all the same", "a ping of ours")
		if got := s.heard(); len(got) != 1 {
			w.t.Fatalf("heard %q while paused", got)
		}
		s.Resume()
		s.wantHeard("the rest", "pause", "after", "a ping of ours")
	})
}

// A message over the server's maxPayload is rejected before it affects the connection; a
// POST of several small ones is split.
func TestDialerMaxPayloadOut(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		o := w.calm()
		o.MaxPayload = 100
		r := w.serve(hosting{options: o})
		s := r.caller(engineio.DialerOptions{Transports: transports}).open()
		if err := s.Send(engineio.TextMessage(strings.Repeat("x", 100))); !errors.Is(err, engineio.ErrTooLarge) {
			w.t.Errorf("a text of 100 bytes and its type: %v", err)
		}
		var want []string
		s.Cork()
		for i := range 20 {
			text := fmt.Sprintf("%098d", i)
			s.say(text)
			want = append(want, text)
		}
		buf := append(make([]byte, engineio.HeaderRoom), "with attachments"...)
		s.Send(engineio.NewMessage(buf, [][]byte{make([]byte, 60), make([]byte, 60)}))
		s.Uncork()
		s.Flush()
		bytes := "<" + strings.Repeat("00", 60) + ">"
		s.wantHeard("all come back", append(want, "with attachments", bytes, bytes)...)
	})
}

// A message over our own bound closes the connection.
func TestDialerMaxPayloadIn(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		r := w.serve(hosting{options: w.calm()})
		s := r.caller(engineio.DialerOptions{Transports: transports, MaxPayload: 200}).open()
		if len(transports) == 2 {
			s.wantTransport("the upgrade", "websocket")
		}
		r.side(s.ID()).say(strings.Repeat("x", 199))
		s.await("as large as may be", func() bool { return len(s.messages) == 1 })
		r.side(s.ID()).say(strings.Repeat("x", 300))
		reason := engineio.ReasonTransportError
		if transports[len(transports)-1] == "polling" {
			reason = engineio.ReasonParseError
		}
		s.wantEnded("larger", reason, engineio.ErrTooLarge)
	})
}

// The queue of a client has the bounds and policies of a server's.
func TestDialerQueue(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: w.calm()})
		s := r.caller(engineio.DialerOptions{Transports: []string{"websocket"}, MaxQueueMessages: 2}).open()
		s.Cork()
		s.say("1", "2")
		if err := s.Send(engineio.TextMessage("3").Overflow(engineio.OverflowFail)); !errors.Is(err, engineio.ErrQueueFull) {
			w.t.Errorf("a third: %v", err)
		}
		s.Uncork()
		s.Flush()
		r.side(s.ID()).wantHeard("two", "1", "2")
	})
}

// The default transports upgrade; without a WebSocket the connection stays on polling.
func TestDialerWithoutUpgrade(t *testing.T) {
	t.Run("our wish", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: w.calm()})
			s := r.caller(engineio.DialerOptions{DisableUpgrades: true}).open()
			s.say("hello")
			s.wantHeard("polling does", "hello")
			r.quiet()
			if s.Transport() != "polling" {
				w.t.Error("it has upgraded")
			}
		})
	})
	t.Run("refused", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: w.calm(), wrap: func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					if req.Header.Get("Upgrade") != "" {
						http.Error(w, "no", http.StatusForbidden)
						return
					}
					h.ServeHTTP(w, req)
				})
			}})
			s := r.caller(engineio.DialerOptions{}).open()
			for i := range 10 {
				s.say(fmt.Sprint(i))
			}
			s.wantHeard("polling goes on", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
			s.wantOpen("polling goes on")
		})
	})
	t.Run("never answered", func(t *testing.T) {
		inMemory(t, func(w *world) {
			hang := make(chan struct{})
			defer close(hang)
			r := w.serve(hosting{options: suite(), wrap: func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					if req.Header.Get("Upgrade") != "" {
						<-req.Context().Done()
						return
					}
					h.ServeHTTP(w, req)
				})
			}})
			s := r.caller(engineio.DialerOptions{}).open()
			time.Sleep(time.Minute)
			s.say("still here")
			s.wantHeard("polling goes on", "still here")
		})
	})
}

// Header, Query and cookies go with each request, on each transport.
func TestDialerRequests(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		requests := make(chan *http.Request, 100)
		o := w.calm()
		o.Cookie = &engineio.Cookie{Name: "node"}
		r := w.serve(hosting{options: o, wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				select {
				case requests <- req.Clone(context.Background()):
				default:
				}
				h.ServeHTTP(w, req)
			})
		}})
		c := r.caller(engineio.DialerOptions{Transports: transports, Header: http.Header{"Authorization": {"Bearer x"}}, Query: url.Values{"room": {"a b"}}})
		s, err := c.dial("ws://chat.example/?token=1#part")
		if err != nil {
			w.t.Fatal(err)
		}
		if len(transports) == 2 {
			s.wantTransport("the upgrade", "websocket")
		}
		s.say("hello")
		s.wantHeard("an echo", "hello")
		for first := true; len(requests) > 0; first = false {
			req := <-requests
			q := req.URL.Query()
			if req.URL.Path != "/engine.io/" || req.Header.Get("Authorization") != "Bearer x" || q.Get("room") != "a b" || q.Get("token") != "1" || q.Get("EIO") != "4" {
				w.t.Errorf("%s %s %v", req.Method, req.URL, req.Header)
			}
			if _, err := req.Cookie("node"); err != nil && !first {
				w.t.Errorf("%s %s comes without the cookie of the handshake", req.Method, req.URL)
			}
		}
	})
}

// A plain TCP connection goes to an event loop; TLS and wrapped ones work as well.
func TestDialerTLS(t *testing.T) {
	for name, transports := range ways {
		t.Run(name, func(t *testing.T) {
			overTCP(t, func(w *world) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					w.t.Fatal(err)
				}
				r := w.serveOn(hosting{options: w.calm(), protocol: "tls"}, l)
				c := r.caller(engineio.DialerOptions{Transports: transports, TLS: &tls.Config{InsecureSkipVerify: true}, DialContext: new(net.Dialer).DialContext})
				s, err := c.dial("https://" + l.Addr().String())
				if err != nil {
					w.t.Fatal(err)
				}
				if len(transports) == 2 {
					s.wantTransport("the upgrade", "websocket")
				}
				s.say("secret")
				s.wantHeard("an echo", "secret")
				if !s.Handshake().Secure {
					w.t.Error("the handshake does not say that it is secure")
				}
			})
		})
	}
}

// Close of a Dialer ends its connections, and calls of Dial under way.
func TestDialerClose(t *testing.T) {
	overWays(t, func(w *world, transports []string) {
		r := w.serve(hosting{options: w.calm()})
		c := r.caller(engineio.DialerOptions{Transports: transports})
		a, b := c.open(), c.open()
		if err := c.Close(); err != nil {
			w.t.Error(err)
		}
		a.wantEnded("the first", engineio.ReasonForcedClose, engineio.ErrClosed)
		b.wantEnded("the second", engineio.ReasonForcedClose, engineio.ErrClosed)
		r.side(a.ID()).wantEnded("the server knows", engineio.ReasonTransportClose, nil)
		if _, err := c.dial("http://chat.example"); !errors.Is(err, engineio.ErrClosed) {
			w.t.Errorf("Dial after Close: %v", err)
		}
	})
	inMemory(t, func(w *world) {
		r := w.serve(hosting{wrap: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
		}})
		for _, transports := range ways {
			c := r.caller(engineio.DialerOptions{Transports: transports})
			failed := make(chan error, 1)
			go func() {
				_, err := c.dial("http://chat.example")
				failed <- err
			}()
			r.quiet()
			c.Close()
			if err := <-failed; !errors.Is(err, engineio.ErrClosed) {
				w.t.Errorf("Dial under way: %v", err)
			}
		}
	})
}

// A Dial that is cancelled after the open packet has arrived leaves no session behind.
func TestDialerCancelledAfterTheOpenPacket(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: w.calm()})
		ctx, cancel := context.WithCancelCause(context.Background())
		cause := errors.New("no more patience")
		d := r.caller(engineio.DialerOptions{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			nc, err := r.dial(ctx)
			return &slowReader{Conn: nc, until: "}", then: func() { cancel(cause) }}, err
		}})
		_, err := d.Dial(ctx, "http://chat.example", func(*engineio.Conn) engineio.Handler {
			w.t.Error("a connection was opened")
			return nil
		})
		if !errors.Is(err, cause) {
			w.t.Errorf("the error is %v", err)
		}
		r.all()[0].wantEnded("the session", engineio.ReasonTransportClose, nil)
	})
}

// A slowReader reads one byte at a time, and calls then before it returns one that equals
// until.
type slowReader struct {
	net.Conn
	until string
	then  func()
}

func (c *slowReader) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:1])
	if string(b[:n]) == c.until {
		c.then()
	}
	return n, err
}

// An error of Dial says what is wrong and what to do.
func TestDialerErrors(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Transports: []string{"polling"}}, wrap: func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io/", h)
			mux.Handle("/moved/", http.RedirectHandler("https://chat.example/engine.io/", http.StatusMovedPermanently))
			mux.HandleFunc("/empty/", func(http.ResponseWriter, *http.Request) {})
			mux.HandleFunc("/page/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
			mux.HandleFunc("/bad/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `0{"sid":"x","pingInterval":0}`) })
			mux.HandleFunc("/never/", func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
			return mux
		}})
		for _, c := range []struct {
			transport, url, want string
		}{
			{"polling", "chat.example", "must begin with"},
			{"polling", "http:///engine.io/", "no host"},
			{"polling", "http://chat.example/nothing/", "404: is the path"},
			{"websocket", "http://chat.example/nothing/", "404: is the path"},
			{"polling", "http://chat.example/moved/", "redirect to https://chat.example/engine.io/"},
			{"websocket", "http://chat.example/moved/", "redirect to https://chat.example/engine.io/"},
			{"websocket", "http://chat.example/engine.io/", "Transport unknown (code 0)"},
			{"websocket", "http://chat.example/page/", "pass Upgrade on"},
			{"polling", "http://chat.example/empty/", "empty"},
			{"polling", "http://chat.example/page/", "unknown packet type"},
			{"polling", "http://chat.example/bad/", "pingInterval"},
			{"polling", "http://chat.example/never/", "DialTimeout"},
			{"websocket", "http://chat.example/never/", "DialTimeout"},
		} {
			_, err := r.caller(engineio.DialerOptions{Transports: []string{c.transport}}).dial(c.url)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "engineio: ") {
				w.t.Errorf("%s %s: %v, want %q in it", c.transport, c.url, err, c.want)
			}
		}
		var refused *engineio.DialError
		_, err := r.caller(engineio.DialerOptions{Transports: []string{"websocket"}}).dial("http://chat.example")
		if !errors.As(err, &refused) || refused.Status != 400 || refused.Code != 0 || refused.Message != "Transport unknown" {
			w.t.Errorf("a refusal is %#v", err)
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		cause := errors.New("no more patience")
		cancel(cause)
		for _, transports := range ways {
			_, err := r.caller(engineio.DialerOptions{Transports: transports}).Dial(ctx, "http://chat.example", func(*engineio.Conn) engineio.Handler { return nil })
			if !errors.Is(err, cause) {
				w.t.Errorf("a context that has ended: %v", err)
			}
		}
	})
}

func TestDialerOptionsPanic(t *testing.T) {
	for want, o := range map[string]engineio.DialerOptions{
		"MaxPayload":        {MaxPayload: -1},
		"MaxQueueBytes":     {MaxQueueBytes: -1},
		"MaxQueueMessages":  {MaxQueueMessages: -1},
		"DialTimeout":       {DialTimeout: 10},
		"Transports":        {Transports: []string{"carrier pigeon"}},
		"Driver":            {Driver: "bus"},
		"accept is nil":     {},
		"Options.Observers": {Observers: []any{1}},
	} {
		func() {
			defer func() {
				if v := fmt.Sprint(recover()); !strings.Contains(v, want) {
					t.Errorf("panics with %q, want %q in it", v, want)
				}
			}()
			d := engineio.NewDialer(&o)
			defer d.Close()
			d.Dial(context.Background(), "http://127.0.0.1:1", nil)
		}()
	}
}

// Enqueue queues in order and writes nothing before Flush.
func TestEnqueue(t *testing.T) {
	inMemory(t, func(w *world) {
		for _, transports := range ways {
			r := w.serve(hosting{options: w.calm()})
			s := r.caller(engineio.DialerOptions{Transports: transports, DisableUpgrades: true}).open()
			peer := r.side(s.ID())
			r.quiet() // a poll that comes later would take what waits
			for _, text := range []string{"1", "2", "3"} {
				if err := peer.Enqueue(engineio.TextMessage(text)); err != nil {
					w.t.Fatal(err)
				}
			}
			r.quiet()
			if n, _ := peer.Buffered(); n != 3 || len(s.heard()) != 0 {
				w.t.Errorf("%d wait, the client has %q", n, s.heard())
			}
			peer.Flush()
			s.wantHeard("with Flush", "1", "2", "3")
		}
	})
}

// Enqueue respects the bounds. It does not call the Handler itself: HandleClose may wait
// for something that the caller of Enqueue holds.
func TestEnqueueBounds(t *testing.T) {
	inMemory(t, func(w *world) {
		o := w.calm()
		o.MaxQueueMessages = 2
		returned := make(chan struct{})
		r := w.serve(hosting{options: o, onClose: func(*side) {
			select {
			case <-returned:
			case <-time.After(w.patience): // simulated: not while Enqueue runs
				w.t.Error("HandleClose was called by Enqueue")
			}
		}})
		s := r.caller(engineio.DialerOptions{Transports: []string{"websocket"}}).open()
		peer := r.side(s.ID())
		text := engineio.TextMessage
		for range 2 {
			if err := peer.Enqueue(text("x")); err != nil {
				w.t.Fatal(err)
			}
		}
		if err := peer.Enqueue(text("x").Overflow(engineio.OverflowFail)); !errors.Is(err, engineio.ErrQueueFull) {
			w.t.Errorf("OverflowFail: %v", err)
		}
		if err := peer.Enqueue(text("x").Overflow(engineio.OverflowDropNewest)); !errors.Is(err, engineio.ErrDropped) {
			w.t.Errorf("OverflowDropNewest: %v", err)
		}
		var err error
		for range 40 {
			if err = peer.Enqueue(text("x")); err != nil {
				break
			}
		}
		close(returned)
		if !errors.Is(err, engineio.ErrSlowConsumer) {
			w.t.Errorf("at 16 times the bound: %v", err)
		}
		peer.wantEnded("a moment later", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
	})
}

// No frame of a client is unmasked, and no mask is used twice.
func TestDialerMasks(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: w.calm()})
		var sent recorder
		c := r.caller(engineio.DialerOptions{Transports: []string{"websocket"}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			nc, err := r.dial(ctx)
			return &recorded{Conn: nc, to: &sent}, err
		}})
		s := c.open()
		for range 3 {
			s.say("the same text")
			s.wantTransport("still", "websocket")
		}
		s.await("echoes", func() bool { return len(s.messages) == 3 })
		_, frames, _ := strings.Cut(sent.String(), "\r\n\r\n")
		masks := map[string]bool{}
		for len(frames) > 0 {
			n := int(frames[1] &^ 0x80)
			if frames[1]&0x80 == 0 || strings.Contains(frames, "the same text") {
				w.t.Fatalf("a frame without a mask: %x", frames)
			}
			masks[frames[2:6]] = true
			frames = frames[6+n:]
		}
		if len(masks) != 3 {
			w.t.Errorf("%d masks for 3 frames", len(masks))
		}
	})
}

// A recorder keeps what was written.
type recorder struct {
	mu sync.Mutex
	b  []byte
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.b)
}

// A recorded connection tells a recorder what is written.
type recorded struct {
	net.Conn
	to *recorder
}

func (c *recorded) Write(p []byte) (int, error) {
	c.to.mu.Lock()
	c.to.b = append(c.to.b, p...)
	c.to.mu.Unlock()
	return c.Conn.Write(p)
}
