// SPDX-License-Identifier: MIT

// This file holds world, a server on an in-memory or a real network in which tests run
// their dialogues, and other helpers.

package socketio_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/rawclient"
	"socketio/internal/ws/wstest"
	"socketio/siotest"
)

const (
	polling   = "polling"
	websocket = "websocket"
)

// A world is a Server and what is needed to reach it.
type world struct {
	testing.TB
	io      *socketio.Server
	kit     *siotest.Server // what serves io; nil over TLS
	url     string          // scheme, host and path of the server
	dial    func(context.Context) (net.Conn, error)
	client  *http.Client
	log     *logBook
	bubble  bool
	handler http.Handler // what is mounted
	patient time.Duration
}

// newWorld serves a Server by the test kit until the test ends.
func newWorld(t testing.TB, opts *socketio.Options, kit *siotest.ServerOptions) *world {
	t.Helper()
	var o socketio.Options
	if opts != nil {
		o = *opts
	}
	if kit != nil && kit.TCP {
		calm(&o)
	}
	w := &world{TB: t, log: new(logBook), patient: time.Minute}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(w.log, nil))
	}
	w.io = socketio.NewServer(&o)
	w.handler = w.io
	var k siotest.ServerOptions
	if kit != nil {
		k = *kit
	}
	if k.TCP && k.Patience == 0 {
		k.Patience = w.patient
	}
	w.kit = siotest.NewServerWith(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.handler.ServeHTTP(rw, r) }), &k)
	w.dial = w.kit.Dial
	w.url = w.kit.URL() + "/socket.io/"
	w.client = &http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return w.dial(ctx) },
		DisableCompression:  true,
		MaxIdleConnsPerHost: 16,
	}}
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		_ = w.io.Close()
	})
	return w
}

// calm raises the deadlines that a test does not set, where time is real: a busy
// machine may take longer than a ping or a limit of the defaults, which are of no concern to
// that test.
func calm(o *socketio.Options) {
	if o.Engine.PingInterval == 0 { // it may be set in either place
		o.PingInterval = cmp.Or(o.PingInterval, time.Hour)
	}
	if o.Engine.PingTimeout == 0 {
		o.PingTimeout = cmp.Or(o.PingTimeout, 2*time.Minute)
	}
	e := &o.Engine
	for _, limit := range []*time.Duration{&e.UpgradeTimeout, &e.WriteTimeout, &e.BodyTimeout, &e.MessageTimeout} {
		*limit = cmp.Or(*limit, 2*time.Minute)
	}
}

// memory runs a test in a bubble of virtual time, over connections in memory.
func memory(t *testing.T, opts *socketio.Options, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// A loop that waits in the kernel would stop the clock of the bubble.
		w := newWorld(t, with(opts, engineio.DriverGoroutine), nil)
		w.bubble = true
		w.patient = 5 * time.Minute
		test(w)
	})
}

// with returns opts with another driver.
func with(opts *socketio.Options, driver engineio.Driver) *socketio.Options {
	var o socketio.Options
	if opts != nil {
		o = *opts
	}
	o.Engine.Driver = driver
	return &o
}

// tcp runs a test over real TCP on this machine.
func tcp(t testing.TB, opts *socketio.Options, test func(w *world)) {
	t.Helper()
	test(newWorld(t, opts, &siotest.ServerOptions{TCP: true}))
}

// overBoth runs a test over each transport, in memory and over TCP. In short mode only
// WebSocket runs over TCP, on the driver of the system: in memory it runs on goroutines,
// and polling runs the same code. The drivers have their tests in engineio.
func overBoth(t *testing.T, opts *socketio.Options, test func(w *world, transport string)) {
	t.Helper()
	overBothWith(t, opts, opts, test)
}

// overBothWith is overBoth with other options where time is real.
func overBothWith(t *testing.T, opts, realOpts *socketio.Options, test func(w *world, transport string)) {
	t.Helper()
	for _, transport := range []string{polling, websocket} {
		t.Run(transport, func(t *testing.T) {
			memory(t, opts, func(w *world) { test(w, transport) })
		})
		if transport == polling && testing.Short() {
			continue
		}
		t.Run(transport+"/tcp", func(t *testing.T) {
			tcp(t, realOpts, func(w *world) { test(w, transport) })
		})
	}
	if testing.Short() {
		return
	}
	t.Run("websocket/goroutine", func(t *testing.T) {
		tcp(t, with(realOpts, engineio.DriverGoroutine), func(w *world) { test(w, websocket) })
	})
}

// open opens an Engine.IO session.
func (w *world) open(transport string, header ...string) *peer {
	w.Helper()
	h := make(http.Header)
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return w.openAt(transport, "", h)
}

// openAt is open with more query and headers.
func (w *world) openAt(transport, query string, h http.Header) *peer {
	w.Helper()
	p := &peer{w: w, server: w.server(query, h), inbox: make(chan packet, 1<<16), ended: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.opens(transport)
	w.Cleanup(p.leave)
	return p
}

// server is the server for raw clients with more query, which begins with "&", and headers.
func (w *world) server(query string, h http.Header) *rawclient.Server {
	return &rawclient.Server{
		URL:    w.url,
		Query:  strings.TrimPrefix(query, "&"),
		Header: h,
		Do:     func(r *http.Request) rawclient.Reply { return rawclient.Do(w.client, r) },
		Dial:   func(ctx context.Context) (net.Conn, error) { return w.dial(ctx) },
		Apart:  true,
	}
}

// join opens a session and joins the namespace "/".
func (w *world) join(transport string) *peer {
	w.Helper()
	p := w.open(transport)
	p.joins("/")
	return p
}

// settle waits until nothing moves. It needs virtual time.
func (w *world) settle() {
	if !w.bubble {
		w.Fatal("only virtual time can settle")
	}
	synctest.Wait()
}

// within waits for a channel.
func within[T any](w *world, what string, c <-chan T) T {
	w.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(w.patient):
		w.Fatalf("%s did not happen", what)
		panic("not reached")
	}
}

// want compares, and describes the expectation in words.
func want[T comparable](t testing.TB, what string, got, expected T) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: got %v, want %v", what, got, expected)
	}
}

func (w *world) dialWebSocket(query string, h http.Header) (*wstest.Client, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), w.patient)
	defer cancel()
	return wstest.Dial(ctx, w.dial, w.url+"?"+w.server(query, nil).Target("websocket", ""), h)
}

// A logBook keeps what was logged.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// A list is a list to which goroutines append.
type list struct {
	mu    sync.Mutex
	items []string
	more  chan struct{} // one token: there is more
}

func newList() *list { return &list{more: make(chan struct{}, 1)} }

func (l *list) add(s string) {
	l.mu.Lock()
	l.items = append(l.items, s)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *list) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.items...)
}

// await waits until the list has n items and returns them.
func (l *list) await(w *world, n int) []string {
	w.Helper()
	timeout := time.After(w.patient)
	for {
		if all := l.all(); len(all) >= n {
			return all
		}
		select {
		case <-l.more:
		case <-timeout:
			w.Fatalf("want %d things to happen, have %q", n, l.all())
		}
	}
}

func isErr(err, target error) bool { return err != nil && errors.Is(err, target) }

// panicOf returns the text with which fn panics, or "".
func panicOf(fn func()) (message string) {
	defer func() {
		if v := recover(); v != nil {
			message = fmt.Sprint(v)
		}
	}()
	fn()
	return ""
}
