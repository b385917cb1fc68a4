// SPDX-License-Identifier: MIT

// This file holds docs/troubleshooting.md: what it says that the log has is brought about.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"socketio"
	"socketio/engineio"
)

var fickle = regexp.MustCompile(`(sid|peer|conn)(=|\\":\\")[^\s"\\]+`)

// lasting is a line of a log without what differs from run to run.
func lasting(line string) string { return fickle.ReplaceAllString(line, "$1=...") }

// troubles are the lines that the log has of each situation of docs/troubleshooting.md.
func troubles(t *testing.T) (found []string) {
	log := new(logBook)
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	memory(t, &socketio.Options{Logger: logger, MaxPayload: 1000, Limits: socketio.SocketLimits{MaxInboxPackets: 8}, Engine: engineio.Options{MaxQueueMessages: 100, LogPackets: "user=7"}}, func(w *world) {
		gate := make(chan struct{})
		w.io.Of("/admin").Use(func(context.Context, *socketio.Socket) error { return errors.New("not authorized") })
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("number", func(int) {})
			s.On("order", func() error { return errors.New("no connection to the database") })
			s.On("add", func(a, b int) int { return a + b })
			s.On("slow", func() { <-gate })
			s.Use(func(ctx context.Context, e socketio.Event, next func(context.Context, socketio.Event) error) error {
				if e.Name == "kept" {
					return nil
				}
				return next(ctx, e)
			})
		})
		for _, query := range []string{"", "?EIO=3&transport=polling", "?EIO=4&transport=carrier-pigeon", "?EIO=4&transport=polling&sid=gone"} {
			w.io.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/socket.io/"+query, nil))
		}
		w.io.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/socket.io/?EIO=4&transport=polling", nil))
		for range 20 {
			w.io.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling&sid=gone", nil))
		}
		r := httptest.NewRequest(http.MethodGet, "http://chat.example/socket.io/?EIO=4&transport=polling", nil)
		r.Header.Set("Origin", "https://app.example")
		w.io.ServeHTTP(httptest.NewRecorder(), r)
		r.Host = "127.0.0.1:3000"
		r.Header.Set("X-Forwarded-Host", "app.example")
		w.io.ServeHTTP(httptest.NewRecorder(), r)
		large := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil)
		large.Header.Set("Cookie", strings.Repeat("x", 40_000))
		w.io.ServeHTTP(httptest.NewRecorder(), large)
		hidden := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=websocket", nil)
		for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
			hidden.Header.Set(name, value)
		}
		w.io.ServeHTTP(httptest.NewRecorder(), hidden) // its writer can't be taken over
		stopped := httptest.NewRecorder()              // it joins, and polls no more
		w.io.ServeHTTP(stopped, httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil))
		_, sid, _ := strings.Cut(stopped.Body.String(), `"sid":"`)
		sid, _, _ = strings.Cut(sid, `"`)
		w.io.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/socket.io/?EIO=4&transport=polling&sid="+sid, strings.NewReader("40")))
		w.settle()
		for range 2000 {
			_ = w.io.Emit("news", "a headline")
		}
		w.settle()
		mute := w.open(polling)
		mute.mute.Store(true) // polls, and posts nothing

		p := w.join(websocket)
		p.says(`2["nmuber",1]`, `2["number","one"]`, `2["order"]`, `20["number","one"]`)
		p.hears(`3*`)
		p.says(`2["kept"]`)
		behind := w.join(websocket)
		for range 10 {
			behind.says(`2["slow"]`)
		}
		w.settle()
		close(gate)
		p.says(`0/admin,`, `0/admni,`)
		p.hears(`4*`, `4*`)
		p.says(`2["large","` + strings.Repeat("x", 1000) + `"]`)
		<-p.ended
		deaf := w.join(websocket)
		deaf.mute.Store(true)
		<-deaf.ended
		bad := w.join(websocket)
		_ = bad.write("9")
		<-bad.ended
		seen := w.openAt(websocket, "&user=7", nil)
		seen.joins("/", `{"token":"t"}`)
		seen.says(`27["add",1,2]`)
		seen.hears(`37[3]`)
		seen.goes()
		<-mute.ended
		w.settle()
	})
	for line := range strings.Lines(log.String()) {
		if _, rest, ok := strings.Cut(line, " "); ok {
			found = append(found, strings.TrimSuffix(rest, "\n"))
		}
	}
	return found
}

// ofCluster reports whether a line is one of package adapter/cluster, which troubles does
// not cause: its message stands in a call of the logger there.
func ofCluster(t *testing.T, line string) bool {
	t.Helper()
	level, message, _ := strings.Cut(strings.TrimPrefix(line, "level="), ` msg=`)
	quoted, err := strconv.QuotedPrefix(message)
	if err != nil {
		return false
	}
	files, err := filepath.Glob("adapter/cluster/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	call := "log." + level[:1] + strings.ToLower(level[1:]) + "(" + quoted
	return slices.ContainsFunc(files, func(name string) bool {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), call)
	})
}

// Each line of a log that the page quotes is one that was logged, and each warning that
// a client can cause stands on the page.
func TestTroubleshootingQuotesTheLog(t *testing.T) {
	text, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	logged := map[string]bool{}
	for _, line := range troubles(t) {
		logged[lasting(line)] = true
	}
	quoted := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "level=") {
			quoted[lasting(line)] = true
			if !logged[lasting(line)] && !ofCluster(t, line) {
				t.Errorf("the page quotes a line that nobody logs:\n%s", line)
			}
		}
	}
	for line := range logged {
		if strings.HasPrefix(line, "level=WARN") && !quoted[line] {
			t.Errorf("the page lacks a warning:\n%s", line)
		}
	}
	if len(quoted) < 15 {
		t.Errorf("the page quotes %d lines", len(quoted))
	}
}

// Each reason of a disconnection, and each status, has its place on the page.
func TestTroubleshootingIsComplete(t *testing.T) {
	text, err := os.ReadFile("docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []socketio.DisconnectReason{
		socketio.ReasonClientDisconnect, socketio.ReasonServerDisconnect, socketio.ReasonShutdown, socketio.ReasonPingTimeout,
		socketio.ReasonTransportClose, socketio.ReasonTransportError, socketio.ReasonParseError, socketio.ReasonForcedClose,
	} {
		if !strings.Contains(string(text), "| `"+string(reason)+"` |") {
			t.Errorf("the page has no row for the reason %q", reason)
		}
	}
	for _, heading := range []string{"Nothing arrives", "stays on polling", "400", "403", "404", "405", "413", "1008", "431", "connect_error", "ping timeout", "SOCKETIO_DEBUG"} {
		if !regexp.MustCompile(`(?m)^## .*` + heading).Match(text) {
			t.Errorf("the page has no heading with %q", heading)
		}
	}
}

// What the page says of the end of a socket: it is not found, and its context fails.
func TestFetchSocketsAtTheEnd(t *testing.T) {
	memory(t, nil, func(w *world) {
		heard := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			look := func(when string) func(socketio.DisconnectReason) {
				return func(socketio.DisconnectReason) {
					found, err := w.io.FetchSockets(context.Background())
					_, own := w.io.FetchSockets(s.Context())
					heard.add(fmt.Sprint(when, " ", len(found), " ", err, " ", errors.Is(own, context.Canceled), " ", len(s.Rooms())))
				}
			}
			s.OnDisconnecting(look("disconnecting"))
			s.OnDisconnect(look("disconnect"))
		})
		w.join(websocket).goes()
		want(t, "what is found", strings.Join(heard.await(w, 2), ", "), "disconnecting 0 <nil> true 1, disconnect 0 <nil> true 0")
	})
}
