// SPDX-License-Identifier: MIT

// This file holds Server, which serves a handler for the duration of a test.

package siotest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"socketio/internal/durations"
	"socketio/internal/memnet"
)

const (
	// shownEntries is the number of entries of each transcript that a failed test logs.
	shownEntries = 60
	// lingering is the virtual time for which net/http and the server may still be busy
	// with closed connections.
	lingering = 5 * time.Second
)

// errOver ends connections that are open when the test ends.
var errOver = errors.New("the test is over")

// A Server serves a handler until the test ends.
type Server struct {
	// Immutable after NewServerWith.
	*env
	url    string // without the path
	path   string
	dial   func(context.Context) (net.Conn, error)
	client *http.Client

	mu      sync.Mutex // guards the fields below
	conns   []*Conn
	links   []*Link
	counted int
	over    bool // the test has ended: nothing may be logged
}

// NewServer serves h in memory until the test ends. Then it calls h.Close if h has such a
// method, as *socketio.Server does; for other handlers, set ServerOptions.Close. In a
// bubble, the *socketio.Server must have been created inside it.
func NewServer(t TB, h http.Handler) *Server {
	t.Helper()
	return NewServerWith(t, h, nil)
}

// NewServerWith is like NewServer with options, which may be nil.
func NewServerWith(t TB, h http.Handler, opts *ServerOptions) *Server {
	t.Helper()
	var o ServerOptions
	if opts != nil {
		o = *opts
	}
	durations.CheckOptions("siotest: ServerOptions", &o, time.Millisecond)
	s := &Server{env: newEnv(t, &o), path: cmp.Or(o.Path, "/socket.io/")}
	l := s.listen(&o)
	s.url = "http://" + l.Addr().String()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx) },
	}
	s.client = &http.Client{Transport: transport}
	closeHandler := o.Close
	if c, ok := h.(io.Closer); ok && closeHandler == nil {
		closeHandler = c.Close
	}
	server := &http.Server{Handler: h, ErrorLog: log.New(complaints{s}, "", 0)}
	served := make(chan struct{})
	// Ends with server.Close, in the Cleanup.
	go func() {
		defer close(served)
		_ = server.Serve(l) // it ends with ErrServerClosed
	}()
	t.Cleanup(func() {
		s.endAll()
		transport.CloseIdleConnections()
		if closeHandler != nil {
			if err := closeHandler(); err != nil {
				t.Errorf("the handler's Close: %v", err)
			}
		}
		_ = server.Close()
		<-served
		if s.bubble {
			time.Sleep(lingering)
		}
		s.mu.Lock()
		s.over = true
		used := len(s.conns) > 0
		s.mu.Unlock()
		if s.bubble && used && closeHandler == nil {
			// A defer or an earlier Cleanup may close it, so this is no failure. It is shown
			// if the test ends with one, as the bubble of a server that stays open does.
			t.Logf("siotest: nobody has told how to close the server behind the handler, a %T without a method Close: "+
				"if the bubble ends in a deadlock, set ServerOptions.Close to the Close of the *socketio.Server", h)
		}
	})
	return s
}

func (s *Server) listen(o *ServerOptions) net.Listener {
	s.t.Helper()
	if !o.TCP {
		l := memnet.ListenBuffer(o.Buffer)
		s.dial = l.Dial
		return l
	}
	if s.bubble {
		s.t.Fatalf("siotest: ServerOptions.TCP needs real time: not inside a synctest bubble")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("siotest: %v", err)
	}
	addr := l.Addr().String()
	s.dial = func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	return l
}

// endAll ends the connections of clients, and logs their transcripts if the test has
// failed.
func (s *Server) endAll() {
	s.mu.Lock()
	conns, links := s.conns, s.links
	s.mu.Unlock()
	if s.t.Failed() {
		for _, c := range conns {
			s.t.Logf("%s said (>) and heard (<):\n%s", c.name, c.Transcript().tail(shownEntries))
		}
	}
	for _, c := range conns {
		c.finish(errOver)
	}
	for _, l := range links {
		l.close()
	}
	for _, c := range conns {
		c.running.Wait()
	}
}

// URL returns the address of the server, without a path.
func (s *Server) URL() string { return s.url }

// Dial opens a network connection to the server, without a Link, for raw traffic. The
// test must close it.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) { return s.dial(ctx) }

// HTTPClient returns a client for the server's other routes: HTTPClient().Get(srv.URL() +
// "/login"). Requests to other addresses also arrive at the server.
func (s *Server) HTTPClient() *http.Client { return s.client }

// NewLink returns a network that clients may share, with ClientOptions.Link, or that
// is made faulty before a client uses it.
func (s *Server) NewLink() *Link {
	l := newLink(s.dial)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = append(s.links, l)
	return l
}

// Connect connects a client over WebSocket and joins the namespace "/". The test fails if
// the client is rejected. In a bubble it returns when all goroutines are blocked, so that
// the next step of the test always finds the same state.
func (s *Server) Connect() *Client {
	s.t.Helper()
	return s.ConnectWith(nil)
}

// ConnectWith is like Connect with options, which may be nil.
func (s *Server) ConnectWith(opts *ClientOptions) *Client {
	s.t.Helper()
	c, err := s.connect(opts, s.settle)
	if err != nil {
		s.t.Fatalf("no connection: %v", err)
	}
	return c
}

// TryConnect is like ConnectWith but returns an error instead of failing the test: a
// *RefusedError if the HTTP request was rejected, a *ConnectError if joining the
// namespace was.
func (s *Server) TryConnect(opts *ClientOptions) (*Client, error) {
	return s.connect(opts, func() {})
}

// connect calls settle after each step.
func (s *Server) connect(opts *ClientOptions, settle func()) (*Client, error) {
	var o ClientOptions
	if opts != nil {
		o = *opts
	}
	conn, err := s.TryOpen(opts)
	if err != nil {
		return nil, err
	}
	c, err := conn.TryJoin(cmp.Or(o.Namespace, "/"), o.Auth)
	if err != nil {
		conn.Kill()
		return nil, err
	}
	settle()
	if o.Transport == Upgrade {
		if err := conn.TryUpgrade(); err != nil {
			conn.Kill()
			return nil, err
		}
		settle()
	}
	return c, nil
}

// WantRefused fails the test unless the server rejects a client with the given message,
// from a middleware or the handshake hook. It returns the error with its data.
func (s *Server) WantRefused(opts *ClientOptions, message string) *ConnectError {
	s.t.Helper()
	c, err := s.TryConnect(opts)
	if err == nil {
		s.t.Fatalf("%s should be rejected with %q, but is connected", c, message)
	}
	var refusal *ConnectError
	var http *RefusedError
	if errors.As(err, &http) {
		refusal = &ConnectError{Message: http.Message}
	} else if !errors.As(err, &refusal) {
		s.t.Fatalf("a client should be rejected with %q, but %v", message, err)
	}
	if refusal.Message != message {
		s.t.Fatalf("a client should be rejected with %q, but is rejected with %q", message, refusal.Message)
	}
	return refusal
}

// Open opens a connection over WebSocket that has joined nothing.
func (s *Server) Open() *Conn {
	s.t.Helper()
	return s.OpenWith(nil)
}

// OpenWith is like Open with options, which may be nil. Namespace and Auth are ignored.
// With Upgrade, the connection stays on polling until Conn.Upgrade.
func (s *Server) OpenWith(opts *ClientOptions) *Conn {
	s.t.Helper()
	c, err := s.TryOpen(opts)
	if err != nil {
		s.t.Fatalf("no connection: %v", err)
	}
	s.settle()
	return c
}

// TryOpen is like OpenWith but returns an error instead of failing the test.
func (s *Server) TryOpen(opts *ClientOptions) (*Conn, error) {
	var o ClientOptions
	if opts != nil {
		o = *opts
	}
	if o.Link == nil {
		o.Link = s.NewLink()
	}
	s.mu.Lock()
	s.counted++
	if o.Name == "" {
		o.Name = fmt.Sprintf("client %d", s.counted)
	}
	c := newConn(s.env, s.url+s.path, &o)
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	if err := c.start(o.Transport); err != nil {
		c.finish(err)
		return nil, err
	}
	return c, nil
}

// complaints logs the error messages of net/http, and fails the test for a panic.
type complaints struct{ s *Server }

func (c complaints) Write(p []byte) (int, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	switch text := string(p); {
	case c.s.over: // after the end of the test
	case strings.Contains(text, "panic"):
		c.s.t.Errorf("net/http: %s", text)
	default:
		c.s.t.Logf("net/http: %s", text)
	}
	return len(p), nil
}
