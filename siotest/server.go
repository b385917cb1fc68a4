// SPDX-License-Identifier: MIT

// This file holds Server: a handler that is served for the length of a test.

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
	// shownEntries is how much of each transcript a failed test logs.
	shownEntries = 60
	// lingering is how long net/http and the server may still be busy with closed
	// connections, in virtual time.
	lingering = 5 * time.Second
)

// errOver is how connections end that are open when the test ends.
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

// NewServer serves h in memory until the test ends. It closes h then, if h has a
// method Close as *socketio.Server has; for any other handler there is
// ServerOptions.Close. In a bubble the *socketio.Server must have been made inside it.
func NewServer(t TB, h http.Handler) *Server {
	t.Helper()
	return NewServerWith(t, h, nil)
}

// NewServerWith is NewServer with options, which may be nil.
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

// endAll ends what clients have open, and shows what they have said if the test has
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

// URL is the address of the server, without a path.
func (s *Server) URL() string { return s.url }

// Dial opens a network connection to the server, without a Link, for what is neither
// HTTP nor WebSocket. The test closes it.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) { return s.dial(ctx) }

// HTTPClient reaches the server's other routes: HTTPClient().Get(srv.URL() + "/login").
// What is sent to other addresses arrives here too.
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

// Connect connects a client over WebSocket and joins the namespace "/". The test fails
// if the client is rejected. In a bubble it returns when nothing moves, so that the next
// step of the test always finds the same state.
func (s *Server) Connect() *Client {
	s.t.Helper()
	return s.ConnectWith(nil)
}

// ConnectWith is Connect with options, which may be nil.
func (s *Server) ConnectWith(opts *ClientOptions) *Client {
	s.t.Helper()
	c, err := s.connect(opts, s.settle)
	if err != nil {
		s.t.Fatalf("no connection: %v", err)
	}
	return c
}

// TryConnect is ConnectWith with an error instead of a failed test: a *RefusedError if
// the HTTP request was refused, a *ConnectError if the namespace was.
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

// WantRefused wants the server to refuse a client, with this message: of a middleware
// or of the handshake hook. Its data is in the result.
func (s *Server) WantRefused(opts *ClientOptions, message string) *ConnectError {
	s.t.Helper()
	c, err := s.TryConnect(opts)
	if err == nil {
		s.t.Fatalf("%s should be refused with %q, but is connected", c, message)
	}
	var refusal *ConnectError
	var http *RefusedError
	if errors.As(err, &http) {
		refusal = &ConnectError{Message: http.Message}
	} else if !errors.As(err, &refusal) {
		s.t.Fatalf("a client should be refused with %q, but %v", message, err)
	}
	if refusal.Message != message {
		s.t.Fatalf("a client should be refused with %q, but is refused with %q", message, refusal.Message)
	}
	return refusal
}

// Open opens a connection over WebSocket that has joined nothing.
func (s *Server) Open() *Conn {
	s.t.Helper()
	return s.OpenWith(nil)
}

// OpenWith is Open with options, which may be nil. Namespace and Auth do not count;
// Upgrade stays on polling until Conn.Upgrade.
func (s *Server) OpenWith(opts *ClientOptions) *Conn {
	s.t.Helper()
	c, err := s.TryOpen(opts)
	if err != nil {
		s.t.Fatalf("no connection: %v", err)
	}
	s.settle()
	return c
}

// TryOpen is OpenWith with an error instead of a failed test.
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
