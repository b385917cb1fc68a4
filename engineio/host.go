// SPDX-License-Identifier: MIT

// This file holds what the engine asks of the HTTP server and of the ResponseWriter that
// it is given. Between the two stand middlewares whose writers can do less than those of
// net/http, or do it wrong.

package engineio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// A host is who serves one request. Its methods contain the panics of writers that claim
// what the one below them can't do.
type host struct {
	w  http.ResponseWriter
	r  *http.Request
	rc *http.ResponseController
}

func newHost(w http.ResponseWriter, r *http.Request) *host {
	return &host{w, r, http.NewResponseController(w)}
}

// errWriterPanic is what a writer's panic becomes.
var errWriterPanic = errors.New("engineio: a ResponseWriter panicked")

// try calls what a writer offers. A panic is an error.
func try(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errWriterPanic, v)
		}
	}()
	return f()
}

// SetReadDeadline is that of http.ResponseController; so are the methods below.
func (h *host) SetReadDeadline(at time.Time) error {
	return try(func() error { return h.rc.SetReadDeadline(at) })
}

func (h *host) SetWriteDeadline(at time.Time) error {
	return try(func() error { return h.rc.SetWriteDeadline(at) })
}

func (h *host) EnableFullDuplex() error { return try(h.rc.EnableFullDuplex) }

func (h *host) Flush() error { return try(h.rc.Flush) }

func (h *host) Hijack() (nc net.Conn, rw *bufio.ReadWriter, err error) {
	err = try(func() error {
		nc, rw, err = h.rc.Hijack()
		return err
	})
	return nc, rw, err
}

// flush sends what was written while its deadline holds, and tells whether that failed.
// The length is known, so a writer that can't flush sends it when the request ends.
func (h *host) flush() error {
	err := h.Flush()
	if errors.Is(err, errWriterPanic) || errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// server is the HTTP server, nil if it is none of net/http or its context was replaced.
func (h *host) server() *http.Server {
	s, _ := h.r.Context().Value(http.ServerContextKey).(*http.Server)
	return s
}

// lift takes the host's timeouts off a request. Those it can't take off, because a
// middleware hides them, will cut the response: cut is when it must be on its way, from
// the beginning of the request. It is 0 if nothing will cut it.
func (h *host) lift() (cut time.Duration) {
	cut = h.liftWrite()
	if h.SetReadDeadline(time.Time{}) == nil {
		return cut
	}
	if s := h.server(); s != nil && s.ReadTimeout > 0 { // it would take the client for gone
		if read := before(s.ReadTimeout); cut == 0 || read < cut {
			return read
		}
	}
	return cut
}

// liftWrite is lift for the timeout for writing alone. Over HTTP/2 it runs from the
// request's beginning too.
func (h *host) liftWrite() (cut time.Duration) {
	if h.SetWriteDeadline(time.Time{}) == nil {
		return 0
	}
	if s := h.server(); s != nil && s.WriteTimeout > 0 {
		return before(s.WriteTimeout)
	}
	return 0
}

// before is when a response must begin that a timeout of the host will cut.
func before(timeout time.Duration) time.Duration {
	return timeout - min(timeout/10, time.Second)
}

// gone returns a channel that tells when the client's connection is lost. ok is false if
// no writer can tell. A request's context ends also when the host wishes it, such as one
// of BaseContext from signal.NotifyContext.
func (h *host) gone() (c <-chan bool, ok bool) {
	for w := h.w; w != nil; {
		if n, can := w.(interface{ CloseNotify() <-chan bool }); can {
			if try(func() error { c = n.CloseNotify(); return nil }) == nil && c != nil {
				return c, true
			}
		}
		if try(func() error { w = below(w); return nil }) != nil {
			break
		}
	}
	return nil, false
}

// below is the writer that w wraps, nil if it does not show one. Many have no Unwrap but
// the embedded writer: that is good enough to ask, not to write to.
func below(w http.ResponseWriter) (inner http.ResponseWriter) {
	if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		return u.Unwrap()
	}
	v := reflect.ValueOf(w)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Anonymous && f.IsExported() {
			if inner, ok := v.Field(i).Interface().(http.ResponseWriter); ok {
				return inner
			}
		}
	}
	return nil
}

// setLength sets the length of a body, or leaves it open if somebody above encodes it.
func setLength(h http.Header, n int, coded bool) {
	if coded {
		h.Del("Content-Length")
		return
	}
	h.Set("Content-Length", strconv.Itoa(n))
}

// writeChunk is how much of a response has to be taken within the time allowed.
const writeChunk = 64 << 10

// writePoll writes a whole response. The peer has the time allowed for each part of
// it: a slow one is not gone. coded tells that somebody above encodes the body. g
// is the poll that it answers, if it is one.
func (h *host) writePoll(contentType string, body []byte, coded bool, timeout time.Duration, g *parkedGET) error {
	header := h.w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store")
	setLength(header, len(body), coded)
	var err error
	for err == nil && len(body) > 0 {
		part := body[:min(len(body), writeChunk)]
		if !g.extend(h, timeout) {
			return ErrSlowConsumer
		}
		err = writeAll(h.w, part)
		body = body[len(part):]
	}
	if err == nil && !coded { // flushed early, it would be encoded badly
		err = h.flush()
	}
	g.answered()
	_ = h.SetWriteDeadline(time.Time{}) // the connection goes on to other handlers
	return err
}

// writeAll writes all of p. A writer that takes less without an error gets the rest; one
// that counts in a way of its own has taken all.
func writeAll(w io.Writer, p []byte) error {
	for len(p) > 0 {
		n, err := w.Write(p)
		switch {
		case err != nil:
			return err
		case n <= 0:
			return io.ErrShortWrite
		case n >= len(p):
			return nil
		}
		p = p[n:]
	}
	return nil
}
