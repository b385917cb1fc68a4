// SPDX-License-Identifier: MIT

// This file tests requests that the HTTP server ends while the client is connected, how
// the client's own end then looks, and writers that lose data.

package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socketio/engineio"
)

// signalled is a host whose contexts all end with cancel, as those of signal.NotifyContext.
func signalled(h hosting) (_ hosting, cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	h.server = func(s *http.Server) { s.BaseContext = func(net.Listener) context.Context { return ctx } }
	return h, cancel
}

// After the signal a client continues until Shutdown runs: its polls are parked, it may
// post and upgrade, and others may connect.
func TestHostsContextEndsWhileClientsAreThere(t *testing.T) {
	for _, protocol := range []string{"http/1.1", "http/2", "tls"} {
		t.Run(protocol, func(t *testing.T) {
			inMemory(t, func(w *world) {
				h, signal := signalled(hosting{options: &engineio.Options{AllowEIO3: true}, protocol: protocol})
				r := w.serve(h)
				p, old := r.polling(), r.pollingV3()
				p.park()
				old.park()
				signal()
				r.quiet()
				if len(p.parked) > 0 || len(old.parked) > 0 {
					w.t.Error("a parked poll was answered at the signal")
				}
				r.side(p.id()).say("after")
				p.want("what the server says", "4after")
				polls := 0
				for begun := time.Now(); time.Since(begun) < 10*time.Second; polls++ {
					time.AfterFunc(10*time.Second, func() { r.side(p.id()).say("tick") })
					if got := r.get(p.query); got.status != 200 || got.body != "4tick" {
						w.t.Fatalf("a poll got %d %q (%v)", got.status, got.body, got.err)
					}
				}
				if polls > 20 {
					w.t.Errorf("%d polls in 10 s", polls)
				}
				p.send("4x")
				p.want("the echo", "4x")
				late := r.polling()
				if protocol == "http/1.1" { // net/http rejects new TLS connections now
					late.park()
					c := late.upgrade()
					c.send("4x")
					c.want("the echo", "4x")
				}
				p.park()
				shut := make(chan error, 1)
				go func() { shut <- r.srv.Shutdown(context.Background()) }()
				p.wantAnswer("Shutdown tells", "1")
				old.wantAnswer("Shutdown tells", "1:1")
				if err := <-shut; err != nil {
					w.t.Error(err)
				}
			})
		})
	}
}

func TestHostsContextEndsOverSockets(t *testing.T) {
	overTCP(t, func(w *world) {
		h, signal := signalled(hosting{options: w.calm()})
		r := w.serve(h)
		p := r.polling()
		p.park()
		signal()
		for _, text := range []string{"one", "two", "three"} {
			r.side(p.id()).say(text)
			if got := p.answer(); got.body != "4"+text {
				w.t.Fatalf("a poll got %d %q (%v), want %q", got.status, got.body, got.err, text)
			}
			p.park()
		}
		p.drop()
		r.side(p.id()).wantEnded("the client hangs up", engineio.ReasonTransportError, nil)
	})
}

// The client's own end is seen at once, before and after the host's; if a writer hides
// it, the heartbeat detects it.
func TestHostsClientEnds(t *testing.T) {
	for name, row := range map[string]struct {
		wrap   func(http.Handler) http.Handler
		signal bool
		at     time.Duration
		reason engineio.CloseReason
	}{
		"net/http":              {wrapped(func(w http.ResponseWriter) http.ResponseWriter { return w }), false, 0, engineio.ReasonTransportError},
		"after the signal":      {wrapped(func(w http.ResponseWriter) http.ResponseWriter { return w }), true, 0, engineio.ReasonTransportError},
		"Gin, after the signal": {wrapped(func(w http.ResponseWriter) http.ResponseWriter { return ginWriter{bareWriter{w}} }), true, 0, engineio.ReasonTransportError},
		"unwraps to one that can't tell": {wrapped(func(w http.ResponseWriter) http.ResponseWriter {
			return echoWriter{bareWriter{ginWriter{bareWriter{sealedWriter{w}}}}}
		}), true, 45 * time.Second, engineio.ReasonPingTimeout},
		"a bare writer":            {wrapped(bare), false, 0, engineio.ReasonTransportError},
		"bare, after the signal":   {wrapped(bare), true, 0, engineio.ReasonTransportError},
		"a sealed writer":          {wrapped(sealed), false, 45 * time.Second, engineio.ReasonPingTimeout},
		"sealed, after the signal": {wrapped(sealed), true, 45 * time.Second, engineio.ReasonPingTimeout},
	} {
		for _, protocol := range []string{"http/1.1", "http/2", "tls"} {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				inMemory(t, func(w *world) {
					h, signal := signalled(hosting{protocol: protocol, wrap: row.wrap})
					defer signal()
					r := w.serve(h)
					p := r.polling()
					p.park()
					if row.signal {
						signal()
						r.quiet()
					}
					p.drop()
					r.side(p.id()).wantEnded("the client hangs up", row.reason, nil)
					if d := r.elapsed(); d < row.at || d > row.at+time.Second {
						w.t.Errorf("the session ended after %v, want %v", d, row.at)
					}
				})
			})
		}
	}
}

// A WebSocket is not a request, although over HTTP/2 it lasts as long as one: the host's
// context does not end it.
func TestHostsContextAndWebSocket(t *testing.T) {
	everywhere(t, func(w *world) {
		h, signal := signalled(hosting{options: w.calm()})
		r := w.serve(h)
		p := r.polling()
		p.park()
		c, u := r.websocket(), p.upgrade()
		signal()
		for range 3 {
			for _, peer := range []*wsPeer{c, u} {
				peer.send("4x")
				peer.want("the echo", "4x")
			}
		}
		r.side(c.id()).wantOpen("after the signal")
		r.side(u.id()).wantOpen("after the signal")
	})
}

// A deadline of the whole process is obeyed once: polls after it, and shortly before it,
// do not follow each other rapidly.
func TestHostsContextWithTheProcessDeadline(t *testing.T) {
	inMemory(t, func(w *world) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		r := w.serve(hosting{
			options: &engineio.Options{PingInterval: time.Hour},
			server:  func(s *http.Server) { s.BaseContext = func(net.Listener) context.Context { return ctx } },
		})
		p := r.polling()
		time.AfterFunc(20*time.Second, func() { r.side(p.id()).say("late") })
		polls := 1
		for ; r.get(p.query).body == "6"; polls++ {
		}
		if polls > 2 || r.elapsed() != 20*time.Second {
			w.t.Errorf("%d polls in %v, want 2 in 20 s", polls, r.elapsed())
		}
	})
}

// A POST that waits for handlers outlives the host's context, and not its client.
func TestHostsContextAndPOST(t *testing.T) {
	for _, protocol := range []string{"http/1.1", "http/2", "tls"} {
		for _, wrap := range []func(http.ResponseWriter) http.ResponseWriter{func(w http.ResponseWriter) http.ResponseWriter { return w }, bare, sealed} {
			inMemory(t, func(w *world) {
				h, signal := signalled(hosting{protocol: protocol, wrap: wrapped(wrap), onMessage: func(s *side, _ bool, data []byte) {
					if string(data) == "pause" {
						s.Pause()
					}
				}})
				r := w.serve(h)
				p := r.polling()
				held := make(chan reply, 1)
				go func() { held <- p.post("4pause\x1e4x") }()
				r.quiet()
				signal()
				time.Sleep(5 * time.Second)
				r.side(p.id()).Resume()
				if got := <-held; got.status != 200 || got.body != "ok" {
					w.t.Errorf("the POST got %d %q (%v)", got.status, got.body, got.err)
				}
				r.side(p.id()).wantHeard("all was delivered", "pause", "x")
			})
		}
	}
	inMemory(t, func(w *world) {
		h, signal := signalled(hosting{onMessage: func(s *side, _ bool, _ []byte) { s.Pause() }})
		r := w.serve(h)
		p := r.polling()
		ctx, drop := context.WithCancel(context.Background())
		go r.do(ctx, "POST", p.query, strings.NewReader("4pause\x1e4x"))
		r.quiet()
		signal()
		r.quiet()
		drop()
		r.side(p.id()).wantEnded("the client hangs up", engineio.ReasonTransportError, nil)
		if d := r.elapsed(); d != 0 {
			w.t.Errorf("the session ended after %v", d)
		}
	})
}

// A write timeout that can't be lifted cuts the response to a POST that waits for
// handlers. A warning is logged.
func TestHostsWriteTimeoutCutsAPOST(t *testing.T) {
	inMemory(t, func(w *world) {
		var log syncBuffer
		r := w.serve(hosting{
			options: &engineio.Options{Logger: log.logger()},
			wrap:    wrapped(bare), server: timeouts(0, 3*time.Second),
			onMessage: func(s *side, _ bool, data []byte) { s.Pause() },
		})
		for range 2 {
			p := r.polling()
			p.send("4quick") // pauses behind it
			held := make(chan reply, 1)
			go func() { held <- p.post("4x") }()
			time.Sleep(4 * time.Second)
			r.side(p.id()).Resume()
			if got := <-held; got.err == nil {
				w.t.Errorf("the POST got %d %q", got.status, got.body)
			}
		}
		r.quiet()
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "a method Unwrap") {
			w.t.Errorf("%d warnings, want 1 that names Unwrap: %s", n, log.String())
		}
	})
}

// A lossyWriter loses data in its own way, once the body begins with lose.
type lossyWriter struct {
	http.ResponseWriter
	write func(http.ResponseWriter, []byte) (int, error)
}

func (l lossyWriter) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func (l lossyWriter) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "4lose") || strings.HasPrefix(string(p), `0{"sid"`) && l.Header().Get("Lose") != "" {
		return l.write(l.ResponseWriter, p)
	}
	return l.ResponseWriter.Write(p)
}

// Data that a writer loses is not lost silently: the session ends.
func TestHostsLoseWhatTheyWrite(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter, []byte) (int, error){
		"an error":             func(http.ResponseWriter, []byte) (int, error) { return 0, errors.New("no") },
		"a part and an error":  func(w http.ResponseWriter, p []byte) (int, error) { n, _ := w.Write(p[:2]); return n, io.ErrShortWrite },
		"nothing, no error":    func(http.ResponseWriter, []byte) (int, error) { return 0, nil },
		"a negative number":    func(http.ResponseWriter, []byte) (int, error) { return -1, nil },
		"a panic":              func(http.ResponseWriter, []byte) (int, error) { panic(http.ErrAbortHandler) },
		"a part and a panic":   func(w http.ResponseWriter, p []byte) (int, error) { w.Write(p[:2]); panic(http.ErrAbortHandler) },
		"all and then a panic": func(w http.ResponseWriter, p []byte) (int, error) { w.Write(p); panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{
					options: &engineio.Options{PingInterval: time.Hour, Headers: func(h http.Header, r *http.Request) {
						if r.URL.Query().Has("lose") {
							h.Set("Lose", "1")
						}
					}},
					wrap: wrapped(func(w http.ResponseWriter) http.ResponseWriter { return lossyWriter{w, write} }),
				})
				other, p := r.polling(), r.polling()
				p.park()
				r.side(p.id()).say("lose this")
				r.side(p.id()).wantEnded("what was lost can't be sent again", engineio.ReasonTransportError, nil)
				p.answer()
				r.get("EIO=4&transport=polling&lose=1")
				r.quiet()
				if n := r.srv.Count(); n != 1 {
					w.t.Errorf("%d sessions, want the bystander's: a client that never heard its id has none", n)
				}
				other.send("4x")
				other.want("the echo", "4x")
			})
		})
	}
}

// A rejectionPanicker is the writer of a middleware that can't stand a 400.
type rejectionPanicker struct{ http.ResponseWriter }

func (p rejectionPanicker) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p rejectionPanicker) WriteHeader(status int) {
	if status == http.StatusBadRequest {
		panic(http.ErrAbortHandler)
	}
	p.ResponseWriter.WriteHeader(status)
}

// A session that ends because of a POST leaves no place taken, even if the POST gets no
// answer and no poll comes.
func TestHostsPanicInARejection(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{PingInterval: time.Hour}, wrap: wrapped(func(w http.ResponseWriter) http.ResponseWriter { return rejectionPanicker{w} })})
		p := r.polling()
		if got := p.post("4x", "Content-Type", "application/octet-stream"); got.err == nil {
			w.t.Errorf("the POST got %d %q", got.status, got.body)
		}
		r.side(p.id()).wantEnded("binary data", engineio.ReasonTransportError, nil)
		time.Sleep(time.Minute)
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions, want none", n)
		}
	})
}

// A switchPanicker is the writer of a middleware that can't stand a 101.
type switchPanicker struct{ http.ResponseWriter }

func (p switchPanicker) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p switchPanicker) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		panic(http.ErrAbortHandler)
	}
	p.ResponseWriter.WriteHeader(status)
}

// A WebSocket whose takeover panics leaves no session behind, since nothing would free
// its place.
func TestHostsPanicInATakeover(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxConnections: 1}})
		r.srv.Use(wrapped(func(w http.ResponseWriter) http.ResponseWriter { return switchPanicker{w} }))
		for range 3 {
			if got := r.dialRefused("EIO=4&transport=websocket"); got.err == nil {
				w.t.Errorf("got %d %q", got.status, got.body)
			}
		}
		p := r.polling()
		p.send("4x")
		p.want("the echo", "4x")
	})
}

// A connection whose peer accepts no data closes after WriteTimeout, also behind a writer
// that unwraps: the end of a response must not stay in a buffer without a deadline.
func TestHostsSlowReader(t *testing.T) {
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"net/http":              func(w http.ResponseWriter) http.ResponseWriter { return w },
		"a writer that unwraps": func(w http.ResponseWriter) http.ResponseWriter { return &unwrapping{w} },
	} {
		for _, size := range []int{300, 3000, 30_000} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				inMemory(t, func(w *world) {
					var returned atomic.Int64
					r := w.serve(hosting{
						options: &engineio.Options{PingInterval: time.Hour}, buffer: 200,
						wrap: around(wrapped(wrap), func(h http.Handler) http.Handler {
							return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
								defer returned.Add(1)
								h.ServeHTTP(w, r)
							})
						}),
					})
					p := r.polling()
					conn, err := r.dial(w.t.Context())
					if err != nil {
						w.t.Fatal(err)
					}
					r.keep(conn)
					fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\nHost: a\r\n\r\n", r.path, p.query)
					r.quiet()
					r.side(p.id()).say(strings.Repeat("x", size))
					r.side(p.id()).wantEnded("nothing is read", engineio.ReasonTransportError, nil)
					if d := r.elapsed(); d != 10*time.Second {
						w.t.Errorf("the session ended after %v, want 10 s", d)
					}
					r.quiet()
					if returned.Load() != 2 {
						w.t.Error("the request is still being served")
					}
				})
			})
		}
	}
}

// A warning names the outer handler that cuts bodies off; the client gets 413.
func TestHostsCutBodies(t *testing.T) {
	everywhere(t, func(w *world) {
		var log syncBuffer
		o := w.calm()
		o.Logger = log.logger()
		r := w.serve(hosting{options: o, wrap: func(h http.Handler) http.Handler { return http.MaxBytesHandler(h, 1000) }})
		for range 2 {
			p := r.polling()
			p.send("4" + strings.Repeat("x", 999))
			p.want("the echo", "4"+strings.Repeat("x", 999))
			got := p.post("4" + strings.Repeat("x", 1000))
			r.wantRefusal("a byte more", got, 413, 3, "Payload too large")
			r.side(p.id()).wantEnded("it was cut off", engineio.ReasonTransportError, engineio.ErrTooLarge)
		}
		if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "http.MaxBytesHandler") || !strings.Contains(text, "max=1000") {
			w.t.Errorf("the log says %s", text)
		}
	})
}
