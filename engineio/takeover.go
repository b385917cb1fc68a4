// SPDX-License-Identifier: MIT

// This file holds how a WebSocket is taken over from the HTTP server and attached to a
// driver.

package engineio

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"time"

	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// serveWebSocket takes the connection over as t, the transport of a fresh Conn, or, if t is
// nil, as a candidate for the upgrade of an open session. Over HTTP/2 it returns when the WebSocket
// has ended, because its stream ends with the request.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request, c *Conn, t *wsTransport, base64 bool) {
	if tun := s.takeWebSocket(w, r, c, t, base64); tun != nil {
		tun.serve()
	}
}

// takeWebSocket is serveWebSocket up to the point where the WebSocket begins. It returns
// the tunnel of a WebSocket over HTTP/2, which must be served, otherwise nil.
func (s *Server) takeWebSocket(w http.ResponseWriter, r *http.Request, c *Conn, t *wsTransport, base64 bool) *tunnel {
	fresh := t != nil
	key, herr := checkWebSocket(r)
	if herr != nil {
		for name, values := range herr.Header {
			w.Header()[name] = values
		}
		s.refusals.answer(w, r, &requestError{status: herr.Status, code: codeBadRequest, why: CauseTransportHandshake, message: herr.Message, detail: "websocket handshake"})
		return nil
	}
	if fresh {
		if e := s.sessions.admit(c); e != nil {
			s.refusals.answer(w, r, e)
			return nil
		}
	}
	begun := false
	defer func() { // also if a middleware's writer panics
		if fresh && !begun {
			s.sessions.forget(c)
		}
	}()
	if !s.sessions.takeOver() {
		s.refusals.answer(w, r, unavailable())
		return nil
	}
	defer s.sessions.takeovers.Done()
	announceSwitch(w)
	nc, early, err := s.takeConn(w, r)
	if err != nil {
		s.svc.sampled.Warn(err.Error(), "error", telemetry.Error(errors.Unwrap(err)))
		w.WriteHeader(http.StatusInternalServerError)
		s.refusals.notify(r, &requestError{status: http.StatusInternalServerError, code: codeBadRequest, why: CauseTransportHandshake, detail: "the connection can't be taken over", cause: err})
		return nil
	}
	if !fresh {
		t = &wsTransport{c: c}
	}
	t.base64 = base64
	t.flags.set(isProbing, !fresh)
	if s.svc.deflate != nil && c.Revision() == 4 {
		if t.deflate = ws.NegotiateDeflate(r.Header); t.deflate.Negotiated() {
			t.parser.AllowCompressed()
		}
	}
	w.Header().Del("Content-Encoding") // of a middleware that compresses; there is no content
	s.headers.add(w.Header(), r, fresh)
	tun, _ := nc.(*tunnel)
	if tun != nil {
		tun.accept(w.Header(), ws.FirstProtocol(r.Header), t.deflate)
		t.nc, t.waits = s.svc.portable.Attach(nc, t), true
	} else {
		response := ws.AppendDeflateResponse(nil, key, ws.FirstProtocol(r.Header), t.deflate, w.Header())
		t.nc, t.waits = s.svc.attach(nc, t)
		c.mu.Lock()
		t.q.append(&c.svc.backlogs, rawMsg(response))
		t.q.keep() // a close frame means nothing before the response
		c.mu.Unlock()
	}
	begun = true
	s.start(c, t, fresh, early)
	return tun
}

// start begins to read from an attached transport, which opens c if c is fresh, and is
// an upgrade of it otherwise. It reports false if c can't be upgraded; then the transport
// closes with an error.
func (s *Server) start(c *Conn, t *wsTransport, fresh bool, early []byte) (ok bool) {
	ok = true
	if fresh {
		c.begin(nil, t, s.firstMessages(c, s.openText), s.accept)
	} else if ok = t.beginUpgrade(); !ok {
		t.dead = true
		t.abandon(closeProtocol)
	}
	c.mu.Lock()
	flush := t.q.takeWriting()
	c.mu.Unlock()
	if flush {
		t.nc.Flush(nil)
	}
	if fresh {
		c.readEnd()
	}
	t.nc.Start(early)
	return ok
}

// checkWebSocket checks the handshake. key is needed for the response over HTTP/1.
func checkWebSocket(r *http.Request) (key string, err *ws.HandshakeError) {
	if ws.IsConnect(r) {
		return "", ws.CheckConnect(r)
	}
	return ws.CheckUpgrade(r)
}

// takeConn takes over the connection, with the bytes that were read beyond the request, or
// a stream of HTTP/2. The text of its error is for the log; it wraps the reason.
func (s *Server) takeConn(w http.ResponseWriter, r *http.Request) (nc net.Conn, early []byte, err error) {
	if ws.IsConnect(r) {
		// The session's own deadline comes before that of a Write, and says why.
		if tun := newTunnel(w, r, s.cfg.WriteTimeout+time.Second); tun != nil {
			return tun, nil, nil
		}
		return nil, nil, takeError{"a WebSocket over HTTP/2 can't be served; a middleware hides http.Flusher: give its ResponseWriter a method Unwrap", http.ErrNotSupported}
	}
	if nc, early, err = hijack(w); err != nil {
		err = takeError{"a WebSocket can't be taken over from the HTTP server; a middleware hides http.Hijacker: give its ResponseWriter a method Unwrap", err}
	}
	return nc, early, err
}

type takeError struct {
	text  string
	cause error
}

func (e takeError) Error() string { return e.text }
func (e takeError) Unwrap() error { return e.cause }

// hijack takes over the connection, with the bytes that were read beyond the request.
func hijack(w http.ResponseWriter) (net.Conn, []byte, error) {
	host := newHost(w, nil)
	nc, rw, err := host.Hijack()
	if err != nil {
		return nil, nil, err
	}
	_ = nc.SetDeadline(time.Time{}) // the host's timeouts were for a request
	var early []byte
	if n := rw.Reader.Buffered(); n > 0 {
		b, _ := rw.Reader.Peek(n)
		early = bytes.Clone(b)
	}
	return nc, early, nil
}
