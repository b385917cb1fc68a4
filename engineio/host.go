// SPDX-License-Identifier: MIT

// This file holds the engine's use of the HTTP server and of its ResponseWriter. Between
// the two may be middlewares whose writers can do less than those of net/http, or do it
// wrong.

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

// A host serves one request. Its methods recover the panics of writers that offer a method
// which the writer below them does not have.
type host struct {
	w  http.ResponseWriter
	r  *http.Request
	rc http.ResponseController

	values [3]string // of the headers of the response
}

func newHost(w http.ResponseWriter, r *http.Request) host {
	return host{w: w, r: r, rc: *http.NewResponseController(w)}
}

// errWriterPanic is the error for a panic of a writer.
var errWriterPanic = errors.New("engineio: a ResponseWriter panicked")

// try calls a method of a writer. It returns a panic as an error.
func try(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errWriterPanic, v)
		}
	}()
	return f()
}

// SetReadDeadline and the methods below are those of http.ResponseController.
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

// flush sends everything written so far within its deadline, and returns the error. The
// length is known, so a writer that can't flush sends the rest when the request ends.
func (h *host) flush() error {
	err := h.Flush()
	if errors.Is(err, errWriterPanic) || errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// server returns the HTTP server, or nil if it is not net/http's or its context was
// replaced.
func (h *host) server() *http.Server {
	s, _ := h.r.Context().Value(http.ServerContextKey).(*http.Server)
	return s
}

// lift removes the host's timeouts from a request. A timeout that a middleware hides can't
// be removed and will cut the response: cut is the time after the beginning of the request
// at which the response must be sent. It is 0 if no timeout remains.
func (h *host) lift() (cut time.Duration) {
	cut = h.liftWrite()
	if h.SetReadDeadline(time.Time{}) == nil {
		return cut
	}
	if s := h.server(); s != nil && s.ReadTimeout > 0 { // it would end the request's context
		if read := before(s.ReadTimeout); cut == 0 || read < cut {
			return read
		}
	}
	return cut
}

// liftWrite is lift for the write timeout only. Over HTTP/2 it runs from the beginning of
// the request too.
func (h *host) liftWrite() (cut time.Duration) {
	s := h.server()
	timeout := s != nil && s.WriteTimeout > 0
	if h.r.ProtoMajor == 1 && s != nil && !timeout {
		return 0 // the response has a deadline of its own; until then none has an effect
	}
	if h.SetWriteDeadline(time.Time{}) == nil {
		return 0
	}
	if timeout {
		return before(s.WriteTimeout)
	}
	return 0
}

// before returns when a response must begin that a timeout of the host will cut.
func before(timeout time.Duration) time.Duration {
	return timeout - min(timeout/10, time.Second)
}

// gone returns a channel that receives when the client's connection is lost. ok is false
// if no writer offers one. The context of a request is not enough: the host may end it for
// other reasons, for example a BaseContext from signal.NotifyContext.
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

// below returns the writer that w wraps, or nil if it can't be found. Many writers embed
// another without an Unwrap method: that is good enough to ask, not to write to.
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

// setLength sets the length of a body, or removes it if a middleware encodes the body.
func setLength(h http.Header, n int, coded bool) {
	if coded {
		h.Del("Content-Length")
		return
	}
	h.Set("Content-Length", strconv.Itoa(n))
}

// writeChunk is how many bytes of a response must be accepted within the time allowed.
const writeChunk = 64 << 10

// writePoll writes a whole response. The time allowed is that for each part of it: a slow
// client is not a lost one. coded means that a middleware encodes the body. g is the poll
// that it answers, nil for a POST.
func (h *host) writePoll(contentType string, body []byte, coded bool, timeout time.Duration, g *parkedGET) error {
	header := h.w.Header()
	h.values = [...]string{contentType, "no-store", strconv.Itoa(len(body))}
	header["Content-Type"], header["Cache-Control"] = h.values[:1:1], h.values[1:2:2]
	if coded {
		delete(header, "Content-Length")
	} else {
		header["Content-Length"] = h.values[2:3:3]
	}
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
	_ = h.SetWriteDeadline(time.Time{}) // the connection is used by other handlers afterwards
	return err
}

// writeAll writes all of p. A writer that accepts less without an error gets the rest; a
// writer that returns more than it was given has accepted all.
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
