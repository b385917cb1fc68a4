// SPDX-License-Identifier: MIT

// This file holds HTTP middleware, and the functions of an application that touch
// responses.

package engineio

import (
	"bufio"
	"net"
	"net/http"
	"runtime/debug"
	"sync/atomic"

	"socketio/internal/telemetry"
)

// Use adds HTTP middlewares. They run for every request, also for those that
// become a WebSocket, in the order in which they were added: the first sees a
// request first. A preflight that Options.CORS answers does not reach them. What
// they set in the response's header is also in the 101 of a WebSocket. One that
// does not call the next handler must answer itself. One that hands on a
// ResponseWriter of its own must give it a method Unwrap; see
// http.ResponseController. Its WriteHeader is then called with 101 before a
// WebSocket opens, so that what it sets there, such as a session cookie, travels
// with the response. A request may stay in the next handler for long: a poll
// waits there.
//
// Use may be called while requests are served; those under way pass the new
// middlewares or not. A panic in a middleware ends its request, as net/http has
// it. Use panics if a middleware is nil or returns nil.
func (s *Server) Use(middlewares ...func(http.Handler) http.Handler) {
	first := &link{s: s}
	last := first
	for _, m := range middlewares {
		if m == nil {
			panic("engineio: Use: the middleware is nil")
		}
		l := &link{s: s}
		if l.handler = m(l); l.handler == nil {
			panic("engineio: Use: the middleware returned no handler")
		}
		last.next.Store(l)
		last = l
	}
	if last == first {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lastLink == nil {
		s.lastLink = &s.chain
	}
	s.lastLink.next.Store(first.next.Load())
	s.lastLink = last
}

// A link of the chain of middlewares. It is what its middleware calls to go on:
// to the next one, or to the Server.
type link struct {
	s       *Server
	handler http.Handler // of the middleware
	next    atomic.Pointer[link]
}

func (l *link) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if n := l.next.Load(); n != nil {
		n.handler.ServeHTTP(w, r)
		return
	}
	l.s.serve(w, r)
}

// serveChain takes a request through the middlewares.
func (s *Server) serveChain(w http.ResponseWriter, r *http.Request) {
	b := &baseWriter{ResponseWriter: w}
	s.chain.ServeHTTP(b, r)
	if b.switching && !b.answered {
		w.WriteHeader(http.StatusInternalServerError) // a wrapper above took the 101 for the answer
	}
}

// A baseWriter is the ResponseWriter that the first middleware gets. It keeps the
// WriteHeader(101) that announces a WebSocket from the HTTP server: the response
// goes out with the first bytes of the connection that is taken over.
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

// Flush and FlushError are for middlewares that look for them in the writer
// itself; so is Hijack.
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

// announceSwitch tells the writers of middlewares that the response is a 101.
func announceSwitch(w http.ResponseWriter) {
	for inner := w; ; {
		switch t := inner.(type) {
		case *baseWriter:
			w.WriteHeader(http.StatusSwitchingProtocols)
			return
		case interface{ Unwrap() http.ResponseWriter }:
			inner = t.Unwrap()
		default:
			return // nobody would keep it from the HTTP server
		}
	}
}

// ownWriter returns the HTTP server's own writer, or the nearest to it that can be
// found, and shows f what of ours lies before it.
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

// addHeaders calls the functions of the options that add headers to a response
// that is no refusal. first tells that it opens the session.
func (s *Server) addHeaders(h http.Header, r *http.Request, first bool) {
	if f := s.cfg.InitialHeaders; f != nil && first {
		s.guard("Options.InitialHeaders", func() { f(h, r) })
	}
	if f := s.cfg.Headers; f != nil {
		s.guard("Options.Headers", func() { f(h, r) })
	}
}

// guard calls a function of the application. A panic in it is logged and goes no
// further.
func (s *Server) guard(what string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			s.cfg.Logger.Error("panic in "+what, "error", telemetry.Error(v), "stack", string(debug.Stack()))
		}
	}()
	f()
}
