// SPDX-License-Identifier: MIT

// This file holds what the log says of events, sockets and namespaces that nobody else
// is told of.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"socketio"
)

// recorded is a log of all levels, and its records without the time.
func recorded(level slog.Level) (opts *socketio.Options, lines func() []string) {
	log, seen := new(logBook), 0
	opts = &socketio.Options{Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level}))}
	return opts, func() []string {
		text := log.String()[seen:]
		seen += len(text)
		text = strings.TrimSuffix(regexp.MustCompile(`(?m)^.*level=`).ReplaceAllString(text, ""), "\n")
		if text == "" {
			return nil
		}
		return strings.Split(text, "\n")
	}
}

// only returns the lines of a level.
func only(lines []string, level string) (found []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, level+" ") {
			found = append(found, line)
		}
	}
	return found
}

const (
	wrongArguments = `WARN msg="the arguments of an event do not fit its handler, and it asked for no acknowledgement that could say so: compare what the client emits, or use emitWithAck there"`
	failedUntold   = `WARN msg="a handler failed, and its event asked for no acknowledgement that could say so: use emitWithAck in the client, or take errors in OnError"`
)

// A handler that fails, or gets wrong arguments, when no acknowledgement can carry that:
// one warning in a minute says what to do.
func TestFailuresThatNobodyIsToldOf(t *testing.T) {
	serve := func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				if e.Name == "forbidden" {
					return errors.New("not for you")
				}
				return next(ctx, e)
			})
			s.On("number", func(int, int) {})
			s.On("struct", func(struct{ N int }) error { return nil })
			s.On("fails", func() error { return errors.New("disk\nfull") })
			s.On("public", func() error { return &socketio.PublicError{Message: "no seat"} })
			s.On("panics", func() { panic("boom") })
			s.On("parallel", socketio.Parallel(2, func(int) error { return errors.New("late") }))
			s.On("answered", func(ack socketio.Ack) error { _ = ack("ok"); return errors.New("after the answer") })
			s.OnAny(func(string, socketio.Args) {})
		})
	}
	for name, test := range map[string]struct{ event, want string }{
		"a wrong argument":          {`["number",1,"x\n"]`, wrongArguments + ` nsp=/ sid=* event=number argument=2 error=`},
		"a missing argument":        {`["number"]`, wrongArguments + ` nsp=/ sid=* event=number argument=1 error="socketio: missing argument"`},
		"a wrong struct":            {`["struct",[]]`, wrongArguments + ` nsp=/ sid=* event=struct argument=1 error=`},
		"wrong for Parallel":        {`["parallel","x"]`, wrongArguments + ` nsp=/ sid=* event=parallel argument=1 error=`},
		"an error":                  {`["fails"]`, failedUntold + ` nsp=/ sid=* event=fails error=disk\nfull`},
		"an error for all to see":   {`["public"]`, failedUntold + ` nsp=/ sid=* event=public error="no seat"`},
		"a panic":                   {`["panics"]`, failedUntold + ` nsp=/ sid=* event=panics error="panic: boom"`},
		"an error in Parallel":      {`["parallel",1]`, failedUntold + ` nsp=/ sid=* event=parallel error=late`},
		"a middleware that refuses": {`["forbidden","x"]`, failedUntold + ` nsp=/ sid=* event=forbidden error="not for you"`},
		"an error behind an answer": {`["answered"]`, failedUntold + ` nsp=/ sid=* event=answered error="after the answer"`},
	} {
		t.Run(name, func(t *testing.T) {
			opts, lines := recorded(slog.LevelInfo)
			memory(t, opts, func(w *world) {
				serve(w)
				p := w.join(websocket)
				sid := regexp.MustCompile(`sid=[\w-]{20}`)
				warnings := func() []string {
					w.settle()
					return only(strings.Split(sid.ReplaceAllString(strings.Join(lines(), "\n"), "sid=*"), "\n"), "WARN")
				}
				expect := func(when, prefix string) {
					t.Helper()
					if got := warnings(); len(got) != 1 || !strings.HasPrefix(got[0], prefix) {
						t.Errorf("%s the warnings are\n%s\nwant one that begins with\n%s", when, strings.Join(got, "\n"), prefix)
					}
				}
				for range 50 {
					p.says("2" + test.event)
				}
				expect("after 50", test.want)
				time.Sleep(59 * time.Second)
				p.says("2" + test.event)
				want(t, "warnings within the minute", len(warnings()), 0)
				time.Sleep(time.Second)
				p.says("2" + test.event)
				kind, rest, _ := strings.Cut(test.want, " nsp=")
				expect("a minute later", kind+" more=50 nsp="+rest)
				// Where somebody is told there is no warning.
				time.Sleep(time.Minute)
				if name != "an error behind an answer" {
					p.says("27" + test.event)
					p.hears(`37[{"error":*}]`)
					want(t, "warnings with an acknowledgement", len(warnings()), 0)
				}
				w.io.OnError(func(*socketio.Socket, *socketio.HandlerError) {})
				p.says("2" + test.event)
				want(t, "warnings with OnError", len(warnings()), 0)
			})
		})
	}
}

// A handler that fails because its client has gone is no news.
func TestNoWarningForWhoHasGone(t *testing.T) {
	opts, lines := recorded(slog.LevelInfo)
	memory(t, opts, func(w *world) {
		gate := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("slow", func() error { <-gate; return s.Emit("x") })
		})
		p := w.join(websocket)
		p.says(`2["slow"]`)
		w.settle()
		p.goes()
		w.settle()
		close(gate)
		w.settle()
		want(t, "the log", strings.Join(lines(), "\n"), "")
	})
}

// At Debug the log has each event without a handler, each socket that a middleware
// refuses and each namespace that is none, with the reason.
func TestDebugLinesOfRefusals(t *testing.T) {
	opts, lines := recorded(slog.LevelDebug)
	opts.AllowEIO3, opts.Limits.MaxNamespaces = true, 4
	opts.Limits.MiddlewareTimeout = time.Second
	memory(t, opts, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("number", func(int, int) {})
			s.On("public", func() error { return &socketio.PublicError{Message: "no seat"} })
		})
		w.io.Of("/refused").Use(func(context.Context, *socketio.Socket) error { return errors.New("no\x1b ticket") })
		w.io.Of("/data").Use(func(context.Context, *socketio.Socket) error {
			return fmt.Errorf("inside: %w", &socketio.ConnectError{Message: "full", Data: "secret"})
		})
		w.io.Of("/slow").Use(func(_ context.Context, s *socketio.Socket) error { <-s.Context().Done(); return nil })
		w.io.Of("/panics").Use(func(context.Context, *socketio.Socket) error { panic("boom") })
		w.io.Of("/1")
		w.io.Of("/2")
		w.io.Of("/3")
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool { return false })
		p := w.join(websocket)
		sid := w.io.Sockets()[0].ID()
		expect := func(what string, wants ...string) {
			t.Helper()
			w.settle()
			got := strings.Join(only(lines(), "DEBUG"), "\n")
			got = regexp.MustCompile(`sid=[\w-]{20}`).ReplaceAllStringFunc(got, func(s string) string {
				if s == "sid="+sid {
					return s
				}
				return "sid=*"
			})
			if want := strings.Join(wants, "\n"); got != want {
				t.Errorf("%s: the log is\n%s\nwant\n%s", what, got, want)
			}
		}
		expect("before")
		p.says(`2["nobody"]`)
		expect("an event without a handler", `DEBUG msg="no handler" nsp=/ sid=`+sid+` event=nobody`)
		p.says(`21["number",1,true]`)
		p.hears(`3*`)
		expect("a wrong argument", `DEBUG msg="an event was refused" nsp=/ sid=`+sid+` event=number argument=2 error="json: cannot unmarshal bool into Go value of type int"`)
		p.says(`22["public"]`)
		p.hears(`3*`)
		expect("an error of the client", `DEBUG msg="an event was refused" nsp=/ sid=`+sid+` event=public error="no seat"`)
		p.says(`0/refused,{"token":"s3cret"}`)
		p.hears(`4/refused,*`)
		expect("a middleware", `DEBUG msg="a socket was refused" nsp=/refused sid=* error="no\\x1b ticket"`)
		p.says(`0/data,`)
		p.hears(`4/data,*`)
		expect("a ConnectError", `DEBUG msg="a socket was refused" nsp=/data sid=* error="inside: socketio: connection refused: full"`)
		p.says(`0/slow,`)
		p.hears(`4/slow,{"message":"timeout"}`)
		expect("one that is slow", `DEBUG msg="a socket was refused" nsp=/slow sid=* error="socketio: connection refused: timeout"`)
		p.says(`0/panics,`)
		p.hears(`4/panics,*`)
		expect("one that panics", `DEBUG msg="a socket was refused" nsp=/panics sid=* error="panic: boom"`)
		p.says(`0/nowhere` + "\u202e" + `,`)
		p.hears(`4*`)
		expect("a namespace that is none", `DEBUG msg="a namespace was refused" nsp=/nowhere\u202e conn=1 error="Invalid namespace: no Of, OfPattern or OfMatch has that name"`)
		for _, name := range []string{"/1", "/2", "/3"} {
			p.joins(name)
		}
		p.says(`0/refused,`)
		p.hears(`4*`)
		expect("too many", `DEBUG msg="a namespace was refused" nsp=/refused conn=1 error="Too many namespaces: at most Options.Limits.MaxNamespaces for one client"`)
	})
}
