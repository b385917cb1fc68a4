// SPDX-License-Identifier: MIT

// This file holds what a log may have: known keys, one line per record, no secret.

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
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"socketio"
	"socketio/engineio"
)

// What clients send and must never stand in a log.
const (
	secretCookie = "cookie-8c1f64"
	secretHeader = "bearer-5d2e91"
	secretAuth   = "auth-77ab03"
)

// A log of everything that is logged at all holds nothing that a client may not
// write there, and no secret.
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
		old := w.openOld(websocket, "&old=1")
		old.hears(`0`)
		old.says(`2["fails","x"]`)
		old.says(`2["panics"]`)
		time.Sleep(time.Minute) // what is logged once a minute comes again
		w.join(websocket).says(`2["fails","x"]`)
		w.settle()
		fail = false
		_ = w.io.Shutdown(context.Background())
		checkLog(t, log.String(), secrets)
	})
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

// An event that nobody handles is seen in a log, at the level of what clients do.
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
