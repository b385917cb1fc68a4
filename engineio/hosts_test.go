// SPDX-License-Identifier: MIT

// This file holds a table of handlers that may be between net/http and the engine:
// writers that can do less than those of net/http or do it wrong, contexts that end,
// timeouts that can't be lifted. Behind each of them all kinds of requests must be
// answered correctly, over HTTP/1.1, HTTP/2 and TLS.

package engineio_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// throughTLS puts TLS between the rig's clients and its server.
func (r *rig) throughTLS(l net.Listener) net.Listener {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		r.t.Fatal(err)
	}
	dial := r.dial
	r.dial = func(ctx context.Context) (net.Conn, error) {
		nc, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		c := tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
		return c, c.HandshakeContext(ctx)
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
}

// A bareWriter hides all other methods.
type bareWriter struct{ http.ResponseWriter }

// A sealedWriter also hides the inner writer.
type sealedWriter struct{ inner http.ResponseWriter }

func (s sealedWriter) Header() http.Header { return s.inner.Header() }

func (s sealedWriter) Write(p []byte) (int, error) { return s.inner.Write(p) }

func (s sealedWriter) WriteHeader(status int) { s.inner.WriteHeader(status) }

// A writer whose Flush panics where the one below can't flush, as that of Echo does.
type panickyFlusher struct{ bareWriter }

func (panickyFlusher) Flush() { panic("this writer can't flush") }

type panickyFlushError struct{ bareWriter }

func (panickyFlushError) FlushError() error { panic("this writer can't flush") }

// An echoWriter unwraps, and its Flush panics.
type echoWriter struct{ bareWriter }

func (echoWriter) Flush() { panic("this writer can't flush") }

func (e echoWriter) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// A ginWriter claims everything, as that of Gin does.
type ginWriter struct{ bareWriter }

func (g ginWriter) Flush() { g.ResponseWriter.(http.Flusher).Flush() }

func (g ginWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return g.ResponseWriter.(http.Hijacker).Hijack()
}

func (g ginWriter) CloseNotify() <-chan bool {
	return g.ResponseWriter.(interface{ CloseNotify() <-chan bool }).CloseNotify()
}

// A deadlineless writer has deadlines, which fail.
type deadlineless struct {
	bareWriter
	fail func() error
}

func (d deadlineless) SetReadDeadline(time.Time) error { return d.fail() }

func (d deadlineless) SetWriteDeadline(time.Time) error { return d.fail() }

func (d deadlineless) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return d.ResponseWriter.(http.Hijacker).Hijack()
}

// A strictWriter fails the test if the header is written twice, or after the body.
type strictWriter struct {
	http.ResponseWriter
	t       *testing.T
	written *bool
}

func (s strictWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s strictWriter) WriteHeader(status int) {
	if *s.written {
		s.t.Errorf("the header is written again, with %d", status)
	}
	*s.written = true
	s.ResponseWriter.WriteHeader(status)
}

func (s strictWriter) Write(p []byte) (int, error) {
	*s.written = true
	return s.ResponseWriter.Write(p)
}

// A shortWriter accepts a limited number of bytes per call and reports no error.
type shortWriter struct {
	bareWriter
	most int
}

func (s shortWriter) Write(p []byte) (int, error) {
	return s.ResponseWriter.Write(p[:min(len(p), s.most)])
}

// A generousWriter reports more bytes than it was given.
type generousWriter struct{ bareWriter }

func (g generousWriter) Write(p []byte) (int, error) {
	n, err := g.ResponseWriter.Write(p)
	return n + 10, err
}

// A gzipWriter compresses. If early is set, it names the encoding before the handler
// runs, like that of Gin; otherwise at the first byte, like that of Echo, whatever
// encoding the handler has named.
type gzipWriter struct {
	http.ResponseWriter
	z      *gzip.Writer
	header bool // written
	used   bool // for a body
}

func (g *gzipWriter) Unwrap() http.ResponseWriter { return g.ResponseWriter }

func (g *gzipWriter) WriteHeader(status int) {
	g.Header().Del("Content-Length")
	g.Header().Set("Content-Encoding", "gzip")
	g.header = true
	g.ResponseWriter.WriteHeader(status)
}

func (g *gzipWriter) Write(p []byte) (int, error) {
	if !g.header {
		g.WriteHeader(http.StatusOK)
	}
	g.used = true
	return g.z.Write(p)
}

func compressing(early bool) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.ServeHTTP(w, r)
				return
			}
			w.Header().Add("Vary", "Accept-Encoding")
			if early {
				w.Header().Set("Content-Encoding", "gzip")
			}
			g := &gzipWriter{ResponseWriter: w, z: gzip.NewWriter(w)}
			h.ServeHTTP(g, r)
			if g.used {
				g.z.Close()
			}
		})
	}
}

// wrapped puts a writer around each response.
func wrapped(f func(http.ResponseWriter) http.ResponseWriter) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(f(w), r) })
	}
}

func bare(w http.ResponseWriter) http.ResponseWriter { return bareWriter{w} }

func sealed(w http.ResponseWriter) http.ResponseWriter { return sealedWriter{w} }

// within gives each request another context.
func within(f func(context.Context) (context.Context, context.CancelFunc)) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := f(r.Context())
			defer cancel()
			h.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

func cancelledAfter(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		if d == 0 {
			cancel()
			return ctx, cancel
		}
		timer := time.AfterFunc(d, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	}
}

func around(outer, inner func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler { return outer(inner(h)) }
}

// A hostRow is a host. hijacks reports whether a WebSocket can be taken over; polls is
// the maximum number of polls that a client makes in 20 s without messages.
type hostRow struct {
	wrap    func(t *testing.T) func(http.Handler) http.Handler
	server  func(*http.Server)
	hijacks bool
	polls   int
	inflate bool
}

func timeouts(read, write time.Duration) func(*http.Server) {
	return func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = read, write }
}

func hostRows() map[string]hostRow {
	always := func(f func(http.Handler) http.Handler) func(*testing.T) func(http.Handler) http.Handler {
		return func(*testing.T) func(http.Handler) http.Handler { return f }
	}
	writer := func(f func(http.ResponseWriter) http.ResponseWriter) func(*testing.T) func(http.Handler) http.Handler {
		return always(wrapped(f))
	}
	failing := func() error { return errors.New("no deadlines here") }
	panicking := func() error { panic("no deadlines here") }
	endedEarly := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithDeadline(ctx, time.Now().Add(-time.Hour))
	}
	return map[string]hostRow{
		"net/http":                  {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return w }), hijacks: true, polls: 1},
		"a bare writer":             {wrap: writer(bare), polls: 1},
		"Flush panics":              {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return panickyFlusher{bareWriter{w}} }), polls: 1},
		"FlushError panics":         {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return panickyFlushError{bareWriter{w}} }), polls: 1},
		"Flush panics, with Unwrap": {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return echoWriter{bareWriter{w}} }), hijacks: true, polls: 1},
		"Flush panics, over a bare one": {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter {
			return echoWriter{bareWriter{bareWriter{w}}}
		}), polls: 1},
		"everything panics": {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return ginWriter{bareWriter{bareWriter{w}}} }), polls: 1},
		"deadlines fail":    {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return deadlineless{bareWriter{w}, failing} }), hijacks: true, polls: 1},
		"deadlines panic":   {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return deadlineless{bareWriter{w}, panicking} }), hijacks: true, polls: 1},
		"deadlines fail, ReadTimeout": {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return deadlineless{bareWriter{w}, failing} }),
			server: timeouts(2*time.Second, 0), hijacks: true, polls: 12},
		"deadlines fail, WriteTimeout": {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return deadlineless{bareWriter{w}, failing} }),
			server: timeouts(0, 2*time.Second), hijacks: true, polls: 12},
		"a strict writer": {wrap: func(t *testing.T) func(http.Handler) http.Handler {
			return wrapped(func(w http.ResponseWriter) http.ResponseWriter { return strictWriter{w, t, new(bool)} })
		}, hijacks: true, polls: 1},
		"three bytes at once":        {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return shortWriter{bareWriter{w}, 3} }), polls: 1},
		"more bytes than were there": {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return generousWriter{bareWriter{w}} }), polls: 1},
		"TimeoutHandler":             {wrap: always(func(h http.Handler) http.Handler { return http.TimeoutHandler(h, 5*time.Second, "late") }), polls: 6},
		"gzip, named early":          {wrap: always(compressing(true)), hijacks: true, polls: 1, inflate: true},
		"gzip, named late":           {wrap: always(compressing(false)), hijacks: true, polls: 1, inflate: true},
		"a context that has ended":   {wrap: always(within(cancelledAfter(0))), hijacks: true, polls: 1},
		"a context that ends":        {wrap: always(within(cancelledAfter(50 * time.Millisecond))), hijacks: true, polls: 1},
		"a context out of time":      {wrap: always(within(endedEarly)), hijacks: true, polls: 1},
		"a context without values": {wrap: always(within(func(context.Context) (context.Context, context.CancelFunc) {
			return context.WithCancel(context.Background())
		})), hijacks: true, polls: 1},
		"a context that has ended, bare":   {wrap: always(around(within(cancelledAfter(0)), wrapped(bare))), polls: 1},
		"a context that has ended, sealed": {wrap: always(around(within(cancelledAfter(0)), wrapped(sealed))), polls: 21},
		"a context that ends, sealed":      {wrap: always(around(within(cancelledAfter(time.Second/2)), wrapped(sealed))), polls: 15},
		"a sealed writer":                  {wrap: writer(sealed), polls: 1},
		"timeouts":                         {wrap: writer(func(w http.ResponseWriter) http.ResponseWriter { return w }), server: timeouts(2*time.Second, 2*time.Second), hijacks: true, polls: 1},
		"ReadTimeout, bare":                {wrap: writer(bare), server: timeouts(2*time.Second, 0), polls: 12},
		"WriteTimeout, bare":               {wrap: writer(bare), server: timeouts(0, 2*time.Second), polls: 12},
		"a long WriteTimeout, bare":        {wrap: writer(bare), server: timeouts(0, 15*time.Second), polls: 2},
		"a short WriteTimeout, bare":       {wrap: writer(bare), server: timeouts(0, 500*time.Millisecond), polls: 46},
		"WriteTimeout, ended, sealed":      {wrap: always(around(within(cancelledAfter(0)), wrapped(sealed))), server: timeouts(2*time.Second, 3*time.Second), polls: 21},
	}
}

func TestHosts(t *testing.T) {
	for name, row := range hostRows() {
		t.Run(name, func(t *testing.T) {
			for _, protocol := range []string{"http/1.1", "http/2", "tls"} {
				t.Run(protocol, func(t *testing.T) {
					inMemory(t, func(w *world) { w.visitHost(row, protocol) })
				})
			}
		})
	}
}

// visitHost makes all kinds of requests.
func (w *world) visitHost(row hostRow, protocol string) {
	var log syncBuffer
	r := w.serve(hosting{
		options: &engineio.Options{PingInterval: time.Hour, AllowEIO3: true, Logger: log.logger(), HTTPCompression: &engineio.HTTPCompression{Threshold: -1}},
		wrap:    row.wrap(w.t), server: row.server, protocol: protocol, inflate: row.inflate,
	})
	p := r.polling()
	s := r.side(p.id())
	long := strings.Repeat("x", 100_000)
	p.send("4a", "4"+long)
	p.want("the echoes", "4a", "4"+long)
	for range 2 {
		time.AfterFunc(20*time.Second, func() { s.say("late" + long) })
		begun, polls, got := time.Now(), 0, ""
		for ; got == ""; polls++ {
			switch reply := r.get(p.query); {
			case reply.err != nil || reply.status != 200:
				w.t.Fatalf("poll %d after %v: %d %.80q (%v)", polls+1, time.Since(begun), reply.status, reply.body, reply.err)
			case reply.body != "6":
				got = reply.body
			}
		}
		if want := "4late" + long; got != want {
			w.t.Errorf("got %.20q of %d bytes after %v, want what was said after 20 s", got, len(got), time.Since(begun))
		}
		if d := time.Since(begun); d < 20*time.Second || polls > row.polls {
			w.t.Errorf("%d polls in %v, at most %d are wanted in 20 s", polls, d, row.polls)
		}
	}
	s.wantOpen("nobody has left")

	old := r.pollingV3()
	old.send("4é")
	old.want("the echo", "4é")

	r.wantRefusal("an unknown session", r.get("EIO=4&transport=polling&sid=abc"), 400, 1, "Session ID unknown")
	r.wantRefusal("a wrong method", r.post("EIO=4&transport=polling", "x"), 400, 2, "Bad handshake method")
	r.wantRefusal("a WebSocket without an upgrade", r.get("EIO=4&transport=websocket"), 400, 3, "Bad request")
	r.wantStatus("a method of no session", r.do(w.t.Context(), "PUT", p.query, nil), 500)

	switch {
	case protocol == "http/2":
	case row.hijacks:
		c := p.upgrade()
		c.send("4x")
		c.want("the echo", "4x")
		if got := c.header.Get("Content-Encoding"); got != "" {
			w.t.Errorf("the 101 has Content-Encoding %q", got)
		}
		c = r.websocket()
		time.Sleep(30 * time.Second)
		c.send("4x")
		c.want("the echo", "4x")
	default:
		before := r.srv.Count()
		for range 3 {
			r.wantStatus("a WebSocket", r.dialRefused("EIO=4&transport=websocket"), 500)
		}
		if n := r.srv.Count(); n != before {
			w.t.Errorf("%d sessions after a WebSocket that could not open, %d before", n, before)
		}
	}
	warnings := 0
	if !row.hijacks && protocol != "http/2" {
		warnings = 1 // of the WebSocket that could not open, once a minute
	}
	if text := log.String(); strings.Count(text, "level=WARN") != warnings || strings.Count(text, "give its ResponseWriter a method Unwrap") != warnings || strings.Contains(text, "level=ERROR") {
		w.t.Errorf("the log has other than %d warnings: %s", warnings, text)
	}
}

// unwrapping is a middleware's writer: it hides everything but Unwrap.
type unwrapping struct{ http.ResponseWriter }

func (u *unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// Behind a middleware that hides the connection WebSocket is impossible. A warning is
// logged, and polling works.
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
