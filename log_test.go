// SPDX-License-Identifier: MIT

// This file holds the tests of the log: known keys, one line per record, no secrets,
// and the failures that only the log reports.

package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/engineio"
)

// Data of clients that must never be in a log.
const (
	secretCookie = "cookie-8c1f64"
	secretHeader = "bearer-5d2e91"
	secretAuth   = "auth-77ab03"
)

// A log of all levels contains no text that a client may not write there, and no secret.
func TestLog(t *testing.T) {
	log := new(logBook)
	var sessions atomic.Int64
	fail := true
	opts := &socketio.Options{
		AllowEIO3:  true,
		Transports: []string{polling, websocket, engineio.WebTransport},
		Observers:  []any{panics{}},
		Logger:     slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Limits:     socketio.SocketLimits{MaxDynamicNamespaces: 1},
		Engine: engineio.Options{LogPackets: "*", GenerateID: func(r *http.Request) (string, error) {
			if r.URL.Query().Has("noid") {
				return "", errors.New("no id\nfor this one")
			}
			return fmt.Sprint("secret-session-", sessions.Add(1)), nil
		}, Headers: func(http.Header, *http.Request) {
			if fail {
				panic("no headers\r\n")
			}
		}},
	}
	memory(t, opts, func(w *world) {
		serveFaults(w)
		for _, query := range []string{
			"?transport=%0aFAKE%1b[31m&EIO=4", "?transport=polling&EIO=9%0d%0a", "?transport=polling&EIO=4&sid=secret-session-000%0a",
			"?transport=polling&EIO=4&noid=1", "?transport=polling&EIO=4&j=1",
		} {
			r := httptest.NewRequest(http.MethodGet, "/socket.io/"+query, nil)
			r.Header.Set("Cookie", secretCookie)
			w.io.ServeHTTP(httptest.NewRecorder(), r)
		}
		for _, origin := range []string{"https://evil.example", "https://" + strings.Repeat("long", 100), "https://\u202eevil"} {
			r := httptest.NewRequest(http.MethodGet, "/socket.io/?transport=polling&EIO=4", nil)
			r.Header.Set("Origin", origin)
			r.Host = "host\x1b[2J"
			w.io.ServeHTTP(httptest.NewRecorder(), r)
		}
		stream := httptest.NewRequest(http.MethodConnect, "/socket.io/", nil)
		stream.RemoteAddr = "192.0.2.1:1\nFAKE"
		w.io.Engine().ServeStream(httptest.NewRecorder(), stream, func(context.Context) (net.Conn, error) {
			return nil, errors.New("no stream\n")
		})
		secrets := []string{secretCookie, secretHeader, secretAuth, "secret-session"}
		for i, transport := range []string{polling, websocket} {
			h := http.Header{"Cookie": {"id=" + secretCookie}, "Authorization": {secretHeader}}
			p := w.openAt(transport, fmt.Sprintf("&pad=%0*d", i+1, 1), h)
			p.joins("/", `{"token":"`+secretAuth+`"}`)
			p.says(`2["fails",1]`, `2["fails","not a number\u000a\u001b"]`, `2["panics"]`, `2["evil\u000aFAKE\u001b[0m`+strings.Repeat("x", 500)+`"]`)
			p.says(`0/dyn,`)
			p.hears(`0/dyn,*`)
			p.says("0/dyn2\u202e,", `0/panic,`, `0/refused,{"token":"`+secretAuth+`"}`)
			p.hears(`4*`, `4*`, `4*`)
			p.says(`0/odd,`)
			p.hears(`4*`)
			w.settle()
			p.says(`5not a packet` + "\u001b")
			<-p.ended
		}
		slow := w.join(polling)
		close(slow.pause)
		w.settle()
		for range 2 { // the first ends the last poll
			_ = w.io.Emit("load", strings.Repeat("x", 5<<20))
			w.settle()
		}
		time.Sleep(11 * time.Second)
		large := w.join(websocket)
		_ = large.tries(strings.Repeat("x", 1_000_001))
		<-large.ended
		logOld(w)
		time.Sleep(time.Minute) // what is logged once a minute comes again
		w.join(websocket).says(`2["fails","x"]`)
		w.settle()
		logRepeats(w)
		logCluster(w, opts.Logger)
		fail = false
		_ = w.io.Shutdown(context.Background())
		checkLog(t, log.String(), secrets)
	})
}

// logOld has a client of revision 4 of Socket.IO.
func logOld(w *world) {
	old := w.openOld(websocket, "&old=1")
	old.hears(`0`)
	old.says(`2["fails","x"]`)
	old.says(`2["panics"]`)
}

// logRepeats has a client that sends an event again.
func logRepeats(w *world) {
	again := w.open(websocket)
	again.joins("/", `{"retryNonce":"secret-session-nonce"}`)
	again.says(`20["fails",1]`, `20["fails",1]`)
	w.settle()
}

// A mute node of a bus takes all messages and does nothing.
type muteNode struct{}

func (muteNode) Receive(cluster.Channel, []byte) {}
func (muteNode) Down(error)                      {}
func (muteNode) Up()                             {}

// logCluster runs a server whose bus breaks, and delivers a message that no server has sent.
func logCluster(w *world, log *slog.Logger) {
	network := membus.New(1)
	bus, foe := network.Node("ours"), network.Node("foe\x1b")
	other := newWorld(w.TB, with(&socketio.Options{Cluster: cluster.New(bus, nil), Logger: log}, engineio.DriverGoroutine), nil)
	time.Sleep(time.Second)
	if err := foe.Open(muteNode{}); err != nil {
		w.Fatal(err)
	}
	if err := foe.Publish(cluster.Channel{Class: cluster.ClassEvents, Namespace: "/"}, []byte("evil\nFAKE\x1b")); err != nil {
		w.Fatal(err)
	}
	time.Sleep(time.Second)
	bus.Break()
	time.Sleep(time.Minute)
	bus.Mend()
	time.Sleep(time.Minute)
	_ = foe.Close(context.Background())
	_ = other.io.Close()
}

// serveFaults serves an application that does everything wrong.
func serveFaults(w *world) {
	w.io.OnConnection(func(s *socketio.Socket) {
		s.OnAny(func(event string, _ socketio.Args) {
			if strings.HasPrefix(event, "evil") {
				panic(errors.New("any\n" + event))
			}
		})
		s.On("fails", func(n int) error { return fmt.Errorf("line one\nline two \x1b[31m%d", n) })
		s.On("panics", func() { panic("panic\r\nFAKE") })
		s.OnDisconnect(func(socketio.DisconnectReason) { panic("at the end") })
	})
	w.io.OfMatch(func(name string, h socketio.Handshake) bool {
		if name == "/panic" {
			panic("in OfMatch\n" + name)
		}
		return strings.HasPrefix(name, "/dyn")
	})
	w.io.Of("/refused").Use(func(context.Context, *socketio.Socket) error { panic("middleware\n") })
	w.io.Of("/odd").Use(func(context.Context, *socketio.Socket) error {
		return &socketio.ConnectError{Message: "odd", Data: func() {}} // can't be encoded
	})
	w.io.OnNewNamespace(func(*socketio.Namespace) { panic("new\n") })
	w.io.Engine().OnConnectionError(func(*http.Request, *engineio.ConnectionError) { panic("told\n") })
}

// An event without a handler is logged, at the level for actions of clients.
func TestLogOfAnEventWithoutHandler(t *testing.T) {
	log := new(logBook)
	opts := &socketio.Options{Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	memory(t, opts, func(w *world) {
		ids := make(chan string, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("known", func() {})
			s.Once("once", func() {})
			s.On("watch", func() { s.OnAny(func(string, socketio.Args) {}) })
			ids <- s.ID()
		})
		p := w.join(websocket)
		p.says(`2["knwon",1]`, `2["known"]`, `2["once"]`, `2["once"]`, `2["watch"]`, `2["seen by OnAny"]`)
		w.settle()
		id := within(w, "the connection", ids)
		got := regexp.MustCompile(`(?m)^.*level=`).ReplaceAllString(log.String(), "")
		if want := "DEBUG msg=\"no handler\" nsp=/ sid=" + id + " event=knwon\nDEBUG msg=\"no handler\" nsp=/ sid=" + id + " event=once\n"; got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
	})
}

// A function that ends its goroutine, as t.FailNow does, is reported like one that panics;
// a client that waits for an acknowledgement gets one.
func TestLogOfGoexit(t *testing.T) {
	opts, lines := recorded(slog.LevelError)
	memory(t, opts, func(w *world) {
		w.io.Of("/refused").Use(func(context.Context, *socketio.Socket) error { runtime.Goexit(); return nil })
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				if e.Name == "kept" {
					runtime.Goexit()
				}
				return next(ctx, e)
			})
			s.OnAny(func(event string, _ socketio.Args) {
				if event == "seen" {
					runtime.Goexit()
				}
			})
			s.On("exit", func() int { runtime.Goexit(); return 1 })
			s.On("at once", socketio.Parallel(2, func() { runtime.Goexit() }))
			s.OnDisconnecting(func(socketio.DisconnectReason) { runtime.Goexit() })
			s.OnDisconnect(func(socketio.DisconnectReason) { runtime.Goexit() })
			runtime.Goexit()
		})
		p := w.join(websocket)
		expect := func(where string) {
			t.Helper()
			w.settle()
			got := regexp.MustCompile(`sid=[\w-]{20}`).ReplaceAllString(strings.Join(lines(), "\n"), "sid=*")
			line := `ERROR msg="a handler failed" nsp=%s sid=* event=%s error="socketio: a handler ended its goroutine by runtime.Goexit, which FailNow and Fatal of a test call"`
			var want []string
			for _, event := range strings.Split(where, ", ") {
				namespace, event, _ := strings.Cut(event, " ")
				want = append(want, fmt.Sprintf(line, namespace, event))
			}
			if want := strings.Join(want, "\n"); got != want {
				t.Errorf("the log is\n%s\nwant\n%s", got, want)
			}
		}
		expect("/ connection")
		p.says(`21["exit"]`)
		p.hears(`31[{"error":{"message":"internal error","code":""}}]`)
		expect("/ exit")
		p.says(`22["kept"]`)
		p.hears(`32[{"error":{"message":"internal error","code":""}}]`)
		expect("/ kept")
		p.says(`23["at once"]`)
		p.hears(`33[{"error":{"message":"internal error","code":""}}]`)
		expect(`/ "at once"`)
		p.says(`2["seen"]`)
		expect("/ seen")
		p.says(`0/refused,`)
		p.hears(`4/refused,{"message":"internal error"}`)
		expect("/refused connection")
		p.says("1")
		expect("/ disconnecting, / disconnect")
	})
}

// An event that a middleware keeps, and a connection that is not read because its handlers
// are behind, are logged: nothing else says why nothing happens.
func TestLogOfWhatWaits(t *testing.T) {
	opts, lines := recorded(slog.LevelDebug)
	opts.Limits.MaxInboxPackets = 4
	memory(t, opts, func(w *world) {
		gate := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				if e.Name == "kept" {
					return nil
				}
				return next(ctx, e)
			})
			s.On("slow", func() { <-gate })
			s.On("kept", func() {})
		})
		p := w.join(websocket)
		sid := w.io.Sockets()[0].ID()
		p.says(`21["kept"]`)
		w.settle()
		want(t, "the log of an event that is kept", strings.Join(lines(), "\n"), `DEBUG msg="a middleware did not pass an event on" nsp=/ sid=`+sid+` event=kept`)
		for range 8 {
			p.says(`2["slow"]`)
		}
		w.settle()
		want(t, "the log of a pause", strings.Join(lines(), "\n"), `DEBUG msg="a connection is not read: its handlers are behind" conn=1`)
		close(gate)
	})
}

// A PublicError that is nil, or has data that can't be encoded, is a fault of the
// application.
func TestLogOfBadPublicErrors(t *testing.T) {
	opts, lines := recorded(slog.LevelError)
	memory(t, opts, func(w *world) {
		w.io.On("nil", func() error { var e *socketio.PublicError; return e })
		w.io.On("data", func() error { return &socketio.PublicError{Message: "no", Data: func() {}} })
		p := w.join(websocket)
		sid := w.io.Sockets()[0].ID()
		p.says(`21["nil"]`, `22["data"]`)
		p.hears(`31[{"error":{"message":"internal error","code":""}}]`, `32[{"error":{"message":"no","code":""}}]`)
		w.settle()
		want(t, "the log", strings.Join(lines(), "\n"),
			`ERROR msg="a handler failed" nsp=/ sid=`+sid+` event=nil error="socketio: a nil *PublicError was returned as an error, and as such is not nil: return nil"`+"\n"+
				`ERROR msg="the data of a PublicError can't be encoded" error="json: unsupported type: func()"`)
	})
}

// checkLog checks each record of a log in JSON.
func checkLog(t *testing.T, log string, secrets []string) {
	t.Helper()
	doc, err := os.ReadFile("docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"time", "level", "msg"}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		known = append(known, m[1])
	}
	seen := map[string]int{}
	for line := range strings.Lines(log) {
		for _, secret := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("the secret %s stands in %s", secret, line)
			}
		}
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		for key, value := range record {
			seen[key]++
			if !slices.Contains(known, key) {
				t.Errorf("the key %s is not in docs/observability.md: %s", key, line)
			}
			text, _ := value.(string)
			if key != "stack" && strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("the value of %s does not print: %q", key, text)
			}
			if key != "stack" && len(text) > 600 {
				t.Errorf("the value of %s has %d bytes", key, len(text))
			}
		}
	}
	for _, key := range known {
		if seen[key] == 0 {
			t.Errorf("no record has the key %s: the test is too weak", key)
		}
	}
	if n := seen["msg"]; n < 25 {
		t.Errorf("%d records: the test is too weak", n)
	}
	t.Logf("keys: %v", seen)
}

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
	wrongArguments = `WARN msg="the arguments of an event do not match its handler, and no acknowledgement was requested that could report it: compare what the client emits, or use emitWithAck there"`
	failedUntold   = `WARN msg="a handler failed, and no acknowledgement was requested that could report it: use emitWithAck in the client, or handle errors in OnError"`
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
				// An error that is reported elsewhere causes no warning.
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

// A handler that fails because its client has disconnected is not reported.
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
// rejects and each unknown namespace, with the reason.
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
		expect("a wrong argument", `DEBUG msg="an event was rejected" nsp=/ sid=`+sid+` event=number argument=2 error="json: cannot unmarshal bool into Go value of type int"`)
		p.says(`22["public"]`)
		p.hears(`3*`)
		expect("an error of the client", `DEBUG msg="an event was rejected" nsp=/ sid=`+sid+` event=public error="no seat"`)
		p.says(`0/refused,{"token":"s3cret"}`)
		p.hears(`4/refused,*`)
		expect("a middleware", `DEBUG msg="a socket was rejected" nsp=/refused sid=* error="no\\x1b ticket"`)
		p.says(`0/data,`)
		p.hears(`4/data,*`)
		expect("a ConnectError", `DEBUG msg="a socket was rejected" nsp=/data sid=* error="inside: socketio: connection rejected: full"`)
		p.says(`0/slow,`)
		p.hears(`4/slow,{"message":"timeout"}`)
		expect("one that is slow", `DEBUG msg="a socket was rejected" nsp=/slow sid=* error="socketio: connection rejected: timeout"`)
		p.says(`0/panics,`)
		p.hears(`4/panics,*`)
		expect("one that panics", `DEBUG msg="a socket was rejected" nsp=/panics sid=* error="panic: boom"`)
		p.says(`0/nowhere` + "\u202e" + `,`)
		p.hears(`4*`)
		expect("an unknown namespace", `DEBUG msg="a namespace was rejected" nsp=/nowhere\u202e conn=1 error="Invalid namespace: no Of, OfPattern or OfMatch has that name"`)
		for _, name := range []string{"/1", "/2", "/3"} {
			p.joins(name)
		}
		p.says(`0/refused,`)
		p.hears(`4*`)
		expect("too many", `DEBUG msg="a namespace was rejected" nsp=/refused conn=1 error="Too many namespaces: at most Options.Limits.MaxNamespaces for one client"`)
	})
}
