// SPDX-License-Identifier: MIT

// This file holds the world in which the tests of this package run: a Server under a
// real net/http server, in memory with simulated time or over TCP, and the
// server's end of each connection. The peers are in peer_test.go.

package engineio_test

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socketio/engineio"
	"socketio/internal/leakcheck"
	"socketio/internal/memnet"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A world is where a dialogue takes place.
type world struct {
	t        *testing.T
	virtual  bool // in memory, with simulated time
	driver   engineio.Driver
	patience time.Duration // how long a peer waits for what must come
}

// inMemory runs f in memory, with simulated time.
func inMemory(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(&world{t: t, virtual: true, driver: engineio.DriverGoroutine, patience: time.Hour})
	})
}

// overTCP runs f over sockets of 127.0.0.1, in real time, on each driver. Over HTTP/2,
// which is in TLS, the drivers run the same code.
func overTCP(t *testing.T, f func(w *world)) {
	drivers := []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine}
	if isOverHTTP2 {
		drivers = drivers[:1]
	}
	for _, driver := range drivers {
		t.Run("tcp-"+cmp.Or(string(driver), "auto"), func(t *testing.T) {
			f(&world{t: t, driver: driver, patience: time.Minute})
		})
	}
}

// everywhere runs f in both.
func everywhere(t *testing.T, f func(w *world)) {
	t.Run("memory", func(t *testing.T) { inMemory(t, f) })
	overTCP(t, f)
}

// suite returns the settings of the official protocol suites.
func suite() *engineio.Options {
	return &engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000}
}

// calm is suite in simulated time. In real time only the test's own packets may be sent,
// however slow the machine is: no ping, no timeout.
func (w *world) calm() *engineio.Options {
	o := suite()
	if !w.virtual {
		o.PingInterval, o.PingTimeout = time.Hour, time.Hour
	}
	return o
}

// flood is more data than fits between the server and a peer that does not read. The
// kernel's buffers hold megabytes.
func (w *world) flood() string {
	if w.virtual {
		return strings.Repeat("x", 200_000)
	}
	return strings.Repeat("x", 8_000_000)
}

// patient is suite with as much time for a pong as a slow machine needs.
func (w *world) patient() *engineio.Options {
	o := suite()
	if !w.virtual {
		o.PingTimeout = time.Hour
	}
	return o
}

// A hosting describes how a Server is run. All fields may be zero.
type hosting struct {
	options   *engineio.Options
	onOpen    func(*side)
	onMessage func(s *side, binary bool, data []byte) // if nil, an echo
	onClose   func(*side)
	wrap      func(http.Handler) http.Handler // around the engine's handler
	server    func(*http.Server)              // the host's settings
	protocol  string                          // "http/1.1" if empty, "http/2", or "tls", which is HTTP/1.1 in it
	inflate   bool                            // the client accepts gzip and decodes it
	buffer    int                             // of a connection in memory, bytes
	path      string                          // if empty, /engine.io/
	defaults  bool                            // also where time is real: see unhurried
}

// unhurried raises the deadlines that a test does not set, where time is real: a busy
// machine may take longer than a ping or a limit of the defaults, which are of no concern to
// that test.
func unhurried(o *engineio.Options) {
	o.PingInterval = cmp.Or(o.PingInterval, time.Hour)
	for _, limit := range []*time.Duration{&o.PingTimeout, &o.UpgradeTimeout, &o.WriteTimeout, &o.BodyTimeout, &o.MessageTimeout} {
		*limit = cmp.Or(*limit, 2*time.Minute)
	}
}

// A rig is a running server and everything that was opened with it.
type rig struct {
	t       *testing.T
	w       *world
	h       hosting
	srv     *engineio.Server
	http    *http.Server
	client  *http.Client
	dial    func(context.Context) (net.Conn, error)
	path    string
	scheme  string          // of the client's requests
	h2      *http.Transport // if all is over HTTP/2
	host    string
	started time.Time

	mu    sync.Mutex // guards the fields below
	sides map[string]*side
	open  []io.Closer // the peers' connections

	roundTrips http.RoundTripper // see streams
	h2conn     net.Conn          // of roundTrips

	running atomic.Int32 // requests that are being served
}

// serve starts a server, which ends with the test.
func (w *world) serve(h hosting) *rig {
	w.t.Helper()
	return w.serveOn(h, nil)
}

// serveOn is serve on a listener, if it is not nil; the caller then sets dial.
func (w *world) serveOn(h hosting, l net.Listener) *rig {
	w.t.Helper()
	r := &rig{t: w.t, w: w, h: h, sides: make(map[string]*side), path: cmp.Or(h.path, "/engine.io/"), scheme: "http", host: "chat.example", started: time.Now()}
	switch {
	case l != nil:
	case w.virtual:
		ml := memnet.ListenBuffer(h.buffer)
		l, r.dial = ml, ml.Dial
	default:
		tl, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		addr := tl.Addr().String()
		l, r.dial = tl, func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	options := new(engineio.Options)
	if h.options != nil {
		*options = *h.options
	}
	options.Driver = w.driver
	if !w.virtual && !h.defaults {
		unhurried(options)
	}
	r.srv = engineio.NewServer(options, r.accept)
	handler := http.Handler(r.srv)
	if h.wrap != nil {
		handler = h.wrap(handler)
	}
	counted := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.running.Add(1)
		defer r.running.Add(-1)
		handler.ServeHTTP(w, req)
	})
	r.http = &http.Server{Handler: counted, ErrorLog: log.New(complaints{w.t}, "", 0)}
	if h.server != nil {
		h.server(r.http)
	}
	if h.protocol == "tls" {
		l = r.throughTLS(l)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(h.protocol != "http/2")
	protocols.SetUnencryptedHTTP2(h.protocol == "http/2")
	r.http.Protocols = protocols
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return r.dial(ctx) },
		DisableCompression: !h.inflate,
		Protocols:          protocols,
	}
	if isOverHTTP2 {
		protocols.SetHTTP2(true)
		l = r.useHTTP2(l, transport)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.http.Serve(l)
	}()
	r.client = &http.Client{Transport: cancelling{transport, ctx}}
	w.t.Cleanup(func() {
		cancel()
		r.hangUp()
		r.srv.Close()
		r.http.Close()
		transport.CloseIdleConnections()
		<-served
		if w.virtual {
			time.Sleep(time.Second) // net/http lingers after an answer with Connection: close
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions left after Close", n)
		}
	})
	return r
}

// hangUp closes the connections of the peers.
func (r *rig) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.open {
		c.Close()
	}
	r.open = nil
}

func (r *rig) keep(c io.Closer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = append(r.open, c)
}

// elapsed is how long the server has been running.
func (r *rig) elapsed() time.Duration { return time.Since(r.started) }

// quiet waits until everything in a simulated world waits.
func (r *rig) quiet() {
	if r.w.virtual {
		synctest.Wait()
	}
}

// cancelling ends all requests with ctx.
type cancelling struct {
	next *http.Transport
	ctx  context.Context
}

func (c cancelling) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	stop := context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })
	resp, err := c.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		stop()
		cancel(nil)
		return nil, err
	}
	resp.Body = &endingBody{resp.Body, func() { stop(); cancel(nil) }}
	return resp, nil
}

type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// complaints fails a test if net/http logs an error about the handler.
type complaints struct{ t *testing.T }

func (c complaints) Write(p []byte) (int, error) {
	if s := string(p); strings.Contains(s, "panic") || strings.Contains(s, "superfluous") {
		c.t.Errorf("net/http complains: %s", s)
	}
	return len(p), nil
}

func (r *rig) accept(c *engineio.Conn) engineio.Handler {
	s := &side{Conn: c, r: r, news: make(chan struct{}, 1), ended: make(chan struct{})}
	r.mu.Lock()
	r.sides[c.ID()] = s
	r.mu.Unlock()
	if r.h.onOpen != nil {
		r.h.onOpen(s)
	}
	return s
}

// side returns the server's end of a session.
func (r *rig) side(sid string) *side {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sides[sid]
	if s == nil {
		r.t.Fatalf("the server has no session %q", sid)
	}
	return s
}

func (r *rig) all() []*side {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*side
	for _, s := range r.sides {
		all = append(all, s)
	}
	return all
}

// A side is the server's end of a connection.
type side struct {
	*engineio.Conn
	r     *rig
	news  chan struct{} // one token: something below has changed
	ended chan struct{} // closed by HandleClose; reason and err are set before

	reason engineio.CloseReason
	err    error

	mu       sync.Mutex // guards the fields below
	messages []string
	upgrades int
	timers   int
}

func (s *side) HandleMessage(binary bool, data []byte) {
	s.note(func() {
		if binary {
			s.messages = append(s.messages, "<"+hex.EncodeToString(data)+">")
		} else {
			s.messages = append(s.messages, string(data))
		}
	})
	switch {
	case s.r.h.onMessage != nil:
		s.r.h.onMessage(s, binary, data)
	case binary:
		s.Send(engineio.BinaryMessage(data))
	default:
		s.say(string(data))
	}
}

func (s *side) HandleClose(reason engineio.CloseReason, err error) {
	select {
	case <-s.ended:
		s.r.t.Error("HandleClose was called twice")
	default:
	}
	if s.r.h.onClose != nil {
		s.r.h.onClose(s)
	}
	s.reason, s.err = reason, err
	close(s.ended)
}

func (s *side) HandleTimer()   { s.note(func() { s.timers++ }) }
func (s *side) HandleUpgrade() { s.note(func() { s.upgrades++ }) }
func (s *side) HandleReadEnd() {}

func (s *side) note(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// say sends text messages.
func (s *side) say(texts ...string) {
	for _, text := range texts {
		s.Send(engineio.TextMessage(text))
	}
}

// await waits until holds reports true for the side.
func (s *side) await(what string, holds func() bool) {
	s.r.t.Helper()
	limit := time.NewTimer(s.r.w.patience)
	defer limit.Stop()
	for {
		s.mu.Lock()
		ok := holds()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.news:
		case <-limit.C:
			s.r.t.Fatalf("%s: it never came to that", what)
		}
	}
}

// wantHeard waits until the messages received so far are texts.
func (s *side) wantHeard(what string, texts ...string) {
	s.r.t.Helper()
	s.await(what, func() bool { return len(s.messages) >= len(texts) })
	if got := s.heard(); strings.Join(got, "|") != strings.Join(texts, "|") {
		s.r.t.Fatalf("%s: heard %q, want %q", what, got, texts)
	}
}

func (s *side) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.messages...)
}

// wantEnded waits for the end. A nil err is not compared.
func (s *side) wantEnded(what string, reason engineio.CloseReason, err error) {
	s.r.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(s.r.w.patience):
		s.r.t.Fatalf("%s: the connection is still open", what)
	}
	if s.reason != reason || err != nil && !errors.Is(s.err, err) {
		s.r.t.Fatalf("%s: closed with %q (%v), want %q (%v)", what, s.reason, s.err, reason, err)
	}
}

// wantOpen fails if the connection has ended.
func (s *side) wantOpen(what string) {
	s.r.t.Helper()
	s.r.quiet()
	select {
	case <-s.ended:
		s.r.t.Fatalf("%s: closed with %q (%v)", what, s.reason, s.err)
	default:
	}
}
