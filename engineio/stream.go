// SPDX-License-Identifier: MIT

// This file holds how a stream becomes a session or the upgrade of one. It serves
// WebTransport, whose network code is in a separate module.

package engineio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// maxOpenPacket bounds the first packet of a stream, in bytes.
const maxOpenPacket = 1 << 10

var (
	errFirstPacket = errors.New("engineio: the first packet of a stream opens nothing")
	errNoUpgrade   = errors.New("engineio: the session can't upgrade")
)

// ServeStream serves a request for WebTransport. It checks the request like any other:
// Options.Transports must include webtransport, and the origin must be allowed. A request
// that fails these checks is answered, and open is not called.
//
// Then it calls open, which accepts the request and returns its only bidirectional stream
// within Options.UpgradeTimeout: ctx ends then, and when the server closes. If open fails,
// it must have answered the request itself. In the rest of that time the first packet of
// the stream must arrive. It opens a session, for which Options.Handshake runs with this
// request, or upgrades one from polling. Otherwise the stream is closed.
//
// From then on the stream belongs to the Server; ServeStream does not wait for its end.
// Its Close must not block and must unblock a Read and a Write in progress. If it has a
// method CloseWrite() error, the Server calls that after its last Write, and Close at most
// 2 s later. Each Write has a deadline of Options.WriteTimeout.
//
// To add middleware, wrap the handler that calls ServeStream.
func (s *Server) ServeStream(w http.ResponseWriter, r *http.Request, open func(ctx context.Context) (net.Conn, error)) {
	r = s.gate.hideCookie(r)
	foreign, e := s.checkStream(r)
	if e != nil {
		s.refusals.answer(w, r, e)
		return
	}
	if !s.sessions.takeOver() {
		s.refusals.answer(w, r, unavailable())
		return
	}
	if !s.sessions.beginOpening() {
		s.sessions.takeovers.Done()
		s.refusals.answer(w, r, unavailable())
		return
	}
	nc, first, early, err := s.openCounted(r.Context(), open)
	if err == nil {
		err = s.serveOpened(r, nc, first, early, foreign)
	}
	if err != nil {
		s.cfg.Logger.Debug("stream rejected", "error", telemetry.Error(err), "peer", telemetry.Text(s.proxies.clientAddr(r)))
	}
}

// openCounted is openStream for a stream that beginOpening has counted. open may panic.
func (s *Server) openCounted(ctx context.Context, open func(context.Context) (net.Conn, error)) (net.Conn, packet, []byte, error) {
	defer s.sessions.takeovers.Done()
	defer s.sessions.endOpening()
	return s.openStream(ctx, open)
}

// checkStream checks a request before it is accepted. foreign means that it may only
// upgrade a session that passes its Origin on.
func (s *Server) checkStream(r *http.Request) (foreign bool, e *requestError) {
	if !s.cfg.webtransport {
		return false, refuse(codeUnknownTransport, WebTransport)
	}
	if e := checkHeader(r, s.cfg.MaxHeaderBytes, s.svc.sampled); e != nil {
		return false, e
	}
	if eio := query(r.URL.RawQuery).last("EIO"); eio != "" && revisionOf(eio) != 4 {
		return false, refuse(codeUnsupportedVersion, eio)
	}
	return s.gate.admitStream(r)
}

// openStream returns the stream and its first packet, within the time allowed. early holds
// the bytes after it. The stream is closed if there is an error.
func (s *Server) openStream(ctx context.Context, open func(context.Context) (net.Conn, error)) (nc net.Conn, first packet, early []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.UpgradeTimeout)
	defer cancel()
	stop := context.AfterFunc(s.ending, cancel)
	defer stop()
	if nc, err = open(ctx); err != nil {
		return nil, packet{}, nil, err
	}
	closed := make(chan struct{})
	keep := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = nc.Close() // frees the read; the stream is given up
	})
	first, early, err = readFirst(nc)
	if !keep() {
		<-closed
		return nil, packet{}, nil, context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
	}
	return nc, first, early, err
}

// An opener gets the first packet of a stream.
type opener struct {
	packet packet
	err    error
	done   bool
}

func (o *opener) OnMessage(op ws.Opcode, data []byte) bool {
	o.done = true
	if op != ws.Text {
		o.err = errFirstPacket
		return false
	}
	o.packet, o.err = decodePacket(bytes.Clone(data))
	return false
}

// readFirst reads the first packet, and the bytes read beyond it.
func readFirst(nc net.Conn) (first packet, early []byte, err error) {
	var p streamParser
	var o opener
	buf := make([]byte, 512)
	for {
		n, readErr := nc.Read(buf)
		took, err := p.feed(maxOpenPacket, &o, buf[:n])
		switch {
		case err != nil:
			return packet{}, nil, err
		case o.done:
			return o.packet, buf[took:n], o.err
		case readErr != nil:
			return packet{}, nil, readErr
		}
	}
}

// serveOpened attaches a stream to its session.
func (s *Server) serveOpened(r *http.Request, nc net.Conn, first packet, early []byte, foreign bool) error {
	c, fresh, err := s.streamSession(r, first, foreign)
	if err != nil {
		_ = nc.Close()
		return err
	}
	if !s.sessions.takeOver() {
		_ = nc.Close()
		if fresh {
			s.sessions.forget(c)
		}
		return ErrClosed
	}
	defer s.sessions.takeovers.Done()
	t := &wsTransport{c: c, stream: new(streamParser)}
	t.flags.set(isProbing, !fresh)
	t.q.stream = true
	t.nc, t.waits = s.svc.portable.Attach(&streamConn{Conn: nc, timeout: s.cfg.WriteTimeout}, t), true
	if !s.start(c, t, fresh, early) {
		return errNoUpgrade
	}
	return nil
}

// streamSession returns the session that the first packet asks for: a fresh one, which it
// admits, or one that polls.
func (s *Server) streamSession(r *http.Request, first packet, foreign bool) (c *Conn, fresh bool, err error) {
	if first.typ != packetOpen {
		return nil, false, errFirstPacket
	}
	var wish struct {
		SID string `json:"sid"`
	}
	fresh = len(first.data) == 0
	if !fresh {
		if err := json.Unmarshal(first.data, &wish); err != nil {
			return nil, false, errFirstPacket
		}
	}
	var e *requestError
	if foreign {
		e = s.gate.admitUpgrade(r, r.Header.Get("Origin"), wish.SID)
	}
	switch {
	case e != nil:
	case fresh:
		c, e = s.freshStream(r)
	default:
		c, e = s.binding.find(r, wish.SID)
		if e == nil && (s.cfg.DisableUpgrades || c.Revision() != 4) {
			e = refuseFor(CauseUpgradeDisabled, codeBadRequest, errNoUpgrade.Error())
		}
	}
	if e != nil {
		s.refusals.notify(r, e)
		return nil, false, e
	}
	return c, fresh, nil
}

// freshStream admits a new session.
func (s *Server) freshStream(r *http.Request) (*Conn, *requestError) {
	ctx, e := s.runHandshake(r)
	if e != nil {
		return nil, e
	}
	id, e := s.ids.next(r)
	if e != nil {
		return nil, e
	}
	c := newConn(s.svc, request{id, 4, newOpening(&s.svc.texts, s.proxies, r), ctx})
	return c, s.sessions.admit(c)
}

// A streamConn is a stream with a deadline for each Write: a peer that does not read must
// not delay an upgrade or a close.
type streamConn struct {
	net.Conn
	timeout time.Duration
}

func (c *streamConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// CloseWrite ends the sending side, if the stream can do that without closing.
func (c *streamConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
