// SPDX-License-Identifier: MIT

// This file holds several servers that forward requests to each other, for tests.

package forward_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/engineio/forward"
	"socketio/internal/rawclient"
)

var secret = []byte("a secret of the tests, not of anybody else")

// An echo sends each message back.
type echo struct {
	c *engineio.Conn
	s *server
}

func (e echo) HandleMessage(binary bool, data []byte) {
	if binary {
		e.c.Send(engineio.BinaryMessage(data))
		return
	}
	e.s.heard.Add(1)
	e.c.Send(engineio.TextMessage(string(data)))
}
func (e echo) HandleClose(reason engineio.CloseReason, _ error) { e.s.ended <- reason }
func (echo) HandleReadEnd()                                     {}
func (echo) HandleTimer()                                       {}
func (echo) HandleUpgrade()                                     {}

// A server is one of several.
type server struct {
	node    *forward.Node
	engine  *engineio.Server
	private *httptest.Server // for the other servers
	log     logBook
	name    string
	ended   chan engineio.CloseReason
	heard   atomic.Int64 // text messages
}

// A logBook is what a server has logged.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A setting changes the options of a server.
type setting func(i int, f *forward.Options, o *engineio.Options)

// world holds servers behind a balancer that sends each request to the next one.
type world struct {
	t       testing.TB
	servers []*server
	turn    atomic.Int64
	fixed   atomic.Int64 // the server that gets all requests, plus one; 0 for all in turn
	front   *httptest.Server
	client  *rawclient.Server
}

// serve starts servers that know each other.
func serve(t testing.TB, count int, change setting) *world {
	t.Helper()
	w := &world{t: t}
	for i := range count {
		w.servers = append(w.servers, start(t, i, change))
	}
	w.introduce()
	w.front = httptest.NewServer(w)
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", w.front.Listener.Addr().String())
	}
	get, post := &rawclient.Line{Dial: dial}, &rawclient.Line{Dial: dial}
	w.client = &rawclient.Server{URL: w.front.URL + "/engine.io/", Dial: dial, Do: func(r *http.Request) rawclient.Reply {
		if r.Method == http.MethodPost {
			return post.Do(r)
		}
		return get.Do(r)
	}}
	t.Cleanup(func() {
		get.Close()
		post.Close()
		for _, s := range w.servers {
			s.stop()
		}
		w.front.Close()
	})
	return w
}

func start(t testing.TB, i int, change setting) *server {
	s := &server{name: string(rune('a' + i)), private: httptest.NewUnstartedServer(nil), ended: make(chan engineio.CloseReason, 1000)}
	f := &forward.Options{Secret: secret, URL: "http://" + s.private.Listener.Addr().String()}
	o := &engineio.Options{PingInterval: time.Hour, AllowEIO3: true, Logger: slog.New(slog.NewTextHandler(&s.log, nil))}
	if change != nil {
		change(i, f, o)
	}
	s.node = forward.New(f)
	o.Forward = s.node
	s.engine = engineio.NewServer(o, func(c *engineio.Conn) engineio.Handler {
		return echo{c, s}
	})
	s.private.Config.Handler = s.node
	if f.TLS != nil {
		s.private.TLS = &tls.Config{Certificates: f.TLS.Certificates}
		s.private.StartTLS()
	} else {
		s.private.Start()
	}
	return s
}

func (s *server) stop() {
	_ = s.engine.Close()
	s.private.CloseClientConnections()
	s.private.Close()
}

// introduce tells each server of all others.
func (w *world) introduce() {
	for _, a := range w.servers {
		for _, b := range w.servers {
			if a != b {
				a.node.Announced(b.name, b.node.Announcement(b.name))
			}
		}
	}
}

// ServeHTTP is the balancer.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	i := int(w.fixed.Load()) - 1
	if i < 0 {
		i = int(w.turn.Add(1)) % len(w.servers)
	}
	w.servers[i].engine.ServeHTTP(rw, r)
}

// to sends all requests from now on to one server; -1 to all in turn.
func (w *world) to(i int) { w.fixed.Store(int64(i + 1)) }

// polling opens a session on a server.
func (w *world) polling(i int) *rawclient.Session {
	w.t.Helper()
	w.to(i)
	c, err := w.client.Polling(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// rejected sends a poll for a session, and returns the response, which is an error.
func (w *world) rejected(sid string) rawclient.Reply {
	w.t.Helper()
	return w.client.Poll(w.t.Context(), sid)
}

// echoes sends packets and expects the same ones back.
func echoes(t testing.TB, c *rawclient.Session, packets ...rawclient.Packet) {
	t.Helper()
	if err := c.Write(t.Context(), packets...); err != nil {
		t.Fatal(err)
	}
	for _, want := range packets {
		got, err := c.Read(t.Context())
		if err != nil || got.Text != want.Text || !bytes.Equal(got.Binary, want.Binary) {
			t.Fatalf("%.100v came back as %.100v, %v", want, got, err)
		}
	}
}

// upgrade moves a session to a WebSocket. Its requests go wherever the balancer sends them.
func upgrade(t testing.TB, c *rawclient.Session) {
	t.Helper()
	if err := c.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Probe(t.Context()), c.Switch()); err != nil {
		t.Fatal(err)
	}
}

// until waits until a condition is true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-t.Context().Done():
			t.Fatal("never: " + what)
		case <-time.After(time.Millisecond):
		}
	}
}

func wait(t testing.TB, s *server) engineio.CloseReason {
	t.Helper()
	select {
	case reason := <-s.ended:
		return reason
	case <-t.Context().Done():
		t.Fatal("the session did not end")
		return ""
	}
}
