// SPDX-License-Identifier: MIT

// This file holds HTTP middleware.

package engineio

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"

	"socketio/internal/lock"
)

// A chain takes requests through middlewares to the handler at its end. All methods may
// be called from any goroutine.
type chain struct {
	first link // before the first middleware; its next changes

	mu   lock.Mutex // guards the field below
	last *link
}

func newChain(end http.Handler) *chain {
	c := &chain{first: link{end: end}}
	c.last = &c.first
	return c
}

// use adds middlewares at the end; see Server.Use.
func (c *chain) use(middlewares []func(http.Handler) http.Handler) {
	first := &link{end: c.first.end}
	last := first
	for _, m := range middlewares {
		if m == nil {
			panic("engineio: Use: the middleware is nil")
		}
		l := &link{end: first.end}
		if l.handler = m(l); l.handler == nil {
			panic("engineio: Use: the middleware returned no handler")
		}
		last.next.Store(l)
		last = l
	}
	if last == first {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last.next.Store(first.next.Load())
	c.last = last
}

// ServeHTTP takes a request through the middlewares.
func (c *chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.first.next.Load() == nil {
		c.first.end.ServeHTTP(w, r)
		return
	}
	b := &baseWriter{ResponseWriter: w}
	c.first.ServeHTTP(b, r)
	if b.switching && !b.answered {
		w.WriteHeader(http.StatusInternalServerError) // a wrapper above took the 101 for the answer
	}
}

// A link of a chain is the handler that its middleware calls to go on: to the next
// middleware, or to the end.
type link struct {
	end     http.Handler
	handler http.Handler // of the middleware
	next    atomic.Pointer[link]
}

func (l *link) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if n := l.next.Load(); n != nil {
		n.handler.ServeHTTP(w, r)
		return
	}
	l.end.ServeHTTP(w, r)
}

// A baseWriter is the ResponseWriter for the first middleware. It hides the
// WriteHeader(101) that announces a WebSocket from the HTTP server: the response is sent
// with the first bytes of the connection that is taken over.
type baseWriter struct {
	http.ResponseWriter
	switching bool // a 101 was announced
	answered  bool // something else was written, or the connection is taken
	taken     bool // the stream of HTTP/2 is taken: nothing else may be written
}

// Unwrap is for http.ResponseController.
func (b *baseWriter) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b *baseWriter) WriteHeader(status int) {
	if b.taken {
		return
	}
	if status == http.StatusSwitchingProtocols {
		b.switching = true
		return
	}
	b.answered = b.answered || status >= 200
	b.ResponseWriter.WriteHeader(status)
}

func (b *baseWriter) Write(p []byte) (int, error) {
	if b.taken {
		return 0, http.ErrHijacked
	}
	b.answered = true
	return b.ResponseWriter.Write(p)
}

// Flush, FlushError and Hijack are for middlewares that look for these methods in the
// writer itself.
func (b *baseWriter) Flush() { _ = b.FlushError() }

func (b *baseWriter) FlushError() error {
	if b.taken {
		return http.ErrHijacked
	}
	if b.switching && !b.answered {
		return nil // there is nothing yet
	}
	return http.NewResponseController(b.ResponseWriter).Flush()
}

func (b *baseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(b.ResponseWriter).Hijack()
	b.answered = b.answered || err == nil
	return nc, rw, err
}

// announceSwitch calls WriteHeader(101) on the writers of middlewares.
func announceSwitch(w http.ResponseWriter) {
	for inner := w; ; {
		switch t := inner.(type) {
		case *baseWriter:
			w.WriteHeader(http.StatusSwitchingProtocols)
			return
		case interface{ Unwrap() http.ResponseWriter }:
			inner = t.Unwrap()
		default:
			return // nothing would hide it from the HTTP server
		}
	}
}

// ownWriter returns the HTTP server's own writer, or the nearest to it that can be found.
// It calls f for each baseWriter on the way.
func ownWriter(w http.ResponseWriter, f func(*baseWriter)) http.ResponseWriter {
	for {
		if b, ok := w.(*baseWriter); ok {
			f(b)
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = inner.Unwrap()
	}
}
