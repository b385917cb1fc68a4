// SPDX-License-Identifier: MIT

// This file holds the common parts of the kit's tests: an application, a test that may
// fail, and the settings in which tests run.

package siotest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/internal/leakcheck"
	"socketio/siotest"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A log keeps what an application observes.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// newApp returns an application with a bit of everything.
func newApp(opts *socketio.Options) (*socketio.Server, *log) {
	io, events := socketio.NewServer(opts), new(log)
	connection := func(s *socketio.Socket) {
		s.On("chat message", func(text string) { _ = s.Namespace().Emit("chat message", text) })
		s.On("echo", func(args socketio.Args) error {
			values, err := args.Values()
			if err != nil {
				return err
			}
			return s.Emit("echo", values...)
		})
		s.On("add", func(a, b int) int { return a + b })
		s.On("fail", func() error { return &socketio.PublicError{Message: "sold out", Code: "E_SOLD"} })
		s.On("breaks", func(what string) error { return fmt.Errorf("no %s", what) })
		s.On("silent", func(socketio.Ack) {})
		s.On("order", func(ctx context.Context, item string) error {
			reply, err := s.EmitWithAck(ctx, "sure?", item)
			if err != nil {
				return err
			}
			return s.Emit("ordered", item, reply.String())
		})
		s.On("kick", func() { s.Disconnect() })
		s.On("close", func() { s.CloseConn() })
		s.On("burst", func(n, size int) {
			for i := range n {
				_ = s.Emit("part", i, strings.Repeat("x", size))
			}
		})
		s.OnDisconnect(func(reason socketio.DisconnectReason) { events.add("%s", reason) })
	}
	io.OnConnection(connection)
	io.Of("/other").OnConnection(connection)
	io.Of("/private").Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.ConnectError{Message: "not authorized", Data: map[string]string{"hint": "log in"}}
		}
		return nil
	})
	io.Of("/private").OnConnection(connection)
	return io, events
}

// A setting is where a test runs.
type setting struct {
	*testing.T
	bubble    bool
	tcp       bool
	transport siotest.Transport
}

// serve serves the application.
func (s *setting) serve() (*siotest.Server, *log) {
	s.Helper()
	io, events := newApp(nil)
	return siotest.NewServerWith(s.T, io, &siotest.ServerOptions{TCP: s.tcp, Patience: s.patience()}), events
}

func (s *setting) connect(srv *siotest.Server) *siotest.Client {
	s.Helper()
	return srv.ConnectWith(&siotest.ClientOptions{Transport: s.transport})
}

// patience is how long clients wait, enough for a slow machine.
func (s *setting) patience() time.Duration {
	if s.bubble {
		return 0 // the default
	}
	return time.Minute
}

// everywhere runs a test in a bubble, in memory outside of one, and over TCP, with each
// transport.
func everywhere(t *testing.T, test func(s *setting)) {
	for _, transport := range siotest.Transports() {
		t.Run("bubble/"+string(transport), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(&setting{T: t, bubble: true, transport: transport}) })
		})
		t.Run("memory/"+string(transport), func(t *testing.T) {
			t.Parallel()
			test(&setting{T: t, transport: transport})
		})
		t.Run("tcp/"+string(transport), func(t *testing.T) {
			t.Parallel()
			test(&setting{T: t, tcp: true, transport: transport})
		})
	}
}

// inBubble runs a test in a bubble, with each transport.
func inBubble(t *testing.T, test func(s *setting)) {
	for _, transport := range siotest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(&setting{T: t, bubble: true, transport: transport}) })
		})
	}
}

// A fakeTB is a test that may fail.
type fakeTB struct {
	mu       sync.Mutex
	failed   bool
	fatal    string // the message of Fatalf
	errors   []string
	logs     []string
	cleanups []func()
}

func (f *fakeTB) Helper() {}

func (f *fakeTB) Cleanup(fn func()) { f.cleanups = append(f.cleanups, fn) }

func (f *fakeTB) Logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logs = append(f.logs, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.mu.Lock()
	f.failed, f.fatal = true, fmt.Sprintf(format, args...)
	f.mu.Unlock()
	runtime.Goexit()
}

func (f *fakeTB) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// play runs a test that may fail, with its cleanups.
func play(test func(t siotest.TB)) *fakeTB {
	f := new(fakeTB)
	run := func(fn func()) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			fn()
		}()
		<-done
	}
	run(func() { test(f) })
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		run(f.cleanups[i])
	}
	return f
}
