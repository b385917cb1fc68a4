// SPDX-License-Identifier: MIT

// This file holds Server: requests of HTTP/3 that become streams of an engine.

// Package webtransport lets clients of Engine.IO, and so of Socket.IO, connect over
// WebTransport. It brings HTTP/3; what travels on the stream, and who may open one,
// is the business of package socketio/engineio. It is a module of its own, so that
// only programs that import it need QUIC.
//
// WebTransport must be enabled in the engine's options, and the server of HTTP/3 runs
// beside the one of HTTP/1, on a UDP port, with a certificate:
//
//	io := socketio.NewServer(&socketio.Options{
//		Transports: []string{"polling", "websocket", "webtransport"},
//	})
//	go http.ListenAndServeTLS(":443", "cert.pem", "key.pem", io)
//
//	h3 := &http3.Server{Addr: ":443", TLSConfig: tlsConfig}
//	wt := webtransport.NewServer(io, h3)
//	mux := http.NewServeMux()
//	mux.Handle("/socket.io/", wt)
//	h3.Handler = mux
//	err := wt.ListenAndServe()
//
// Clients use the same host and port for both, TCP and UDP, unless they begin on
// WebTransport. They need no Alt-Svc header. To end, first close the engine, which
// tells its clients, then the Server.
package webtransport

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// An Engine serves streams: a *socketio.Server, or an *engineio.Server.
type Engine interface {
	ServeStream(w http.ResponseWriter, r *http.Request, open func(ctx context.Context) (net.Conn, error))
}

// A Server accepts WebTransport sessions for an Engine. It is an http.Handler for
// an HTTP/3 server; which requests reach it is decided by who mounts it, so a
// middleware wraps it like any handler. All methods may be called from any
// goroutine.
type Server struct {
	// Immutable after NewServer.
	engine Engine
	wt     *webtransport.Server
	linger time.Duration // of its connections
}

// The default bounds of a connection. No more than one stream of a session is accepted:
// data of the others waits in these windows.
const (
	maxStreams      = 16
	maxUniStreams   = 8
	maxStreamBytes  = 1 << 20
	maxConnBytes    = 3 << 19
	acceptReordered = 2 * time.Second
)

// NewServer returns a Server that runs on h3, which it completes: with the protocol
// name of HTTP/3 in a copy of h3.TLSConfig, with limits in h3.QUICConfig if that is
// nil, with a value in what h3.ConnContext returns, and with itself as h3.Handler if
// that is still nil when h3 serves. h3 must not be used with another Server. The
// limits of a connection are 16 streams and 8 of one direction, and what waits to be
// read: 1 MiB in one of them, 1.5 MiB in all.
//
// QUIC ends a connection that is silent for quic.Config.MaxIdleTimeout, 30 s by
// default: keep PingInterval of the engine below it. NewServer panics on a time of h3 or
// h3.QUICConfig that is below one millisecond: 30*time.Second, not 30000.
func NewServer(engine Engine, h3 *http3.Server) *Server {
	checkTime("http3.Server.IdleTimeout", h3.IdleTimeout)
	if c := h3.QUICConfig; c != nil {
		checkTime("quic.Config.HandshakeIdleTimeout", c.HandshakeIdleTimeout)
		checkTime("quic.Config.MaxIdleTimeout", c.MaxIdleTimeout)
		checkTime("quic.Config.KeepAlivePeriod", c.KeepAlivePeriod)
	}
	if h3.TLSConfig != nil && !slices.Contains(h3.TLSConfig.NextProtos, http3.NextProtoH3) {
		h3.TLSConfig = http3.ConfigureTLSConfig(h3.TLSConfig)
	}
	if h3.QUICConfig == nil {
		h3.QUICConfig = &quic.Config{
			MaxIncomingStreams:         maxStreams,
			MaxIncomingUniStreams:      maxUniStreams,
			MaxStreamReceiveWindow:     maxStreamBytes,
			MaxConnectionReceiveWindow: maxConnBytes,
		}
	}
	before := h3.ConnContext
	h3.ConnContext = func(ctx context.Context, qc *quic.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, qc)
		}
		return context.WithValue(ctx, connContext{}, qc.Context())
	}
	s := &Server{engine: engine, linger: linger}
	s.wt = &webtransport.Server{
		H3:                h3,
		ReorderingTimeout: acceptReordered,
		CheckOrigin:       func(*http.Request) bool { return true }, // the Engine has done so
	}
	return s
}

// checkTime panics on a time that was written without its unit.
func checkTime(name string, d time.Duration) {
	if d <= 0 || d >= time.Millisecond {
		return
	}
	meant := fmt.Sprintf("%d*time.Millisecond", d)
	if d%1000 == 0 {
		meant = fmt.Sprintf("%d*time.Second", d/1000)
	} else if d < 1000 {
		meant = fmt.Sprintf("%d*time.Second or %s", d, meant)
	}
	panic(fmt.Sprintf("webtransport: %s is %d nanoseconds: did you mean %s?", name, d, meant))
}

// ServeHTTP accepts the WebTransport session that a request asks for, and its first
// stream, and hands that to the Engine. It returns once the stream has said what it
// is for. Other requests are answered 405.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		w.Header().Set("Allow", http.MethodConnect)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	own, ok := unwrap(w)
	if !ok {
		http.Error(w, "the writer of this request is not that of HTTP/3, and has no Unwrap to it", http.StatusInternalServerError)
		return
	}
	named := r.WithContext(r.Context())
	named.RequestURI = r.URL.RequestURI() // of a CONNECT it is the host
	s.engine.ServeStream(w, named, func(ctx context.Context) (net.Conn, error) {
		session, err := s.wt.Upgrade(own, r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return nil, err
		}
		stream, err := session.AcceptStream(ctx)
		if err != nil {
			_ = session.CloseWithError(0, "")
			return nil, err
		}
		return &conn{
			Stream: stream, session: session, control: own.HTTPStream(),
			quic: r.Context().Value(connContext{}).(context.Context), linger: s.linger,
		}, nil
	})
}

// connContext is the key of a request's value that is done when its connection is.
type connContext struct{}

// A writer is what HTTP/3 gives to a handler.
type writer interface {
	http.ResponseWriter
	http3.Settingser
	http3.HTTPStreamer
}

// unwrap finds the writer of HTTP/3 under those of middlewares.
func unwrap(w http.ResponseWriter) (writer, bool) {
	for {
		if own, ok := w.(writer); ok {
			return own, true
		}
		wrapped, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil, false
		}
		w = wrapped.Unwrap()
	}
}

// ListenAndServe listens on the UDP address h3.Addr, ":443" if empty, and serves
// until Close. h3.TLSConfig must have a certificate.
func (s *Server) ListenAndServe() error {
	s.complete()
	return s.wt.ListenAndServe()
}

// Serve serves on pc until Close. It does not close pc.
func (s *Server) Serve(pc net.PacketConn) error {
	s.complete()
	return s.wt.Serve(pc)
}

func (s *Server) complete() {
	if s.wt.H3.Handler == nil {
		s.wt.H3.Handler = s
	}
}

// Close ends all connections at once and returns when nothing runs any longer. Close
// the Engine before: it tells its clients, and waits for their answer.
func (s *Server) Close() error { return s.wt.Close() }
