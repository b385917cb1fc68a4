// SPDX-License-Identifier: MIT

// This file tests ids with the tag of a server, and requests for sessions of another
// server.

package engineio_test

import (
	"net/http"
	"strings"
	"testing"

	"socketio/engineio"
)

// After the tag, tagged ids are as long and as random as others.
func TestTaggedIDs(t *testing.T) {
	generate := engineio.TaggedIDs("node-1")
	seen := make(map[string]bool)
	for range 1000 {
		id, err := generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		rest, ok := strings.CutPrefix(id, "node-1.")
		if !ok || len(rest) != 20 || seen[rest] {
			t.Fatalf("the id is %q", id)
		}
		seen[rest] = true
		if tag, ok := engineio.SessionTag(id); tag != "node-1" || !ok {
			t.Fatalf("the tag of %q is %q, %v", id, tag, ok)
		}
	}
	for _, id := range []string{"", "a", ".", "node-1", "node-1.", "node-1.abc", ".aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa", "a.b.aaaaaaaaaaaaaaaaaaaa", "a/b.aaaaaaaaaaaaaaaaaaaa", "a.aaaaaaaaaa%aaaaaaaaa"} {
		if tag, ok := engineio.SessionTag(id); ok {
			t.Errorf("%q has the tag %q", id, tag)
		}
	}
	for _, tag := range []string{"", "a.b", "a b", "a/b", "\u00e4", strings.Repeat("a", 101)} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "engineio: TaggedIDs: ") {
					t.Errorf("tag %q: the panic is %q", tag, text)
				}
			}()
			engineio.TaggedIDs(tag)
		}()
	}
}

// A fake front end: two servers, each of which forwards requests for the sessions of the
// other. Requests that the function declines are rejected as usual.
func TestForeignSessionsAreForwarded(t *testing.T) {
	everywhere(t, func(w *world) {
		var nodes [2]*rig
		var strangers []string
		for i, tag := range []string{"a", "b"} {
			nodes[i] = w.serve(hosting{options: &engineio.Options{
				GenerateID: engineio.TaggedIDs(tag),
				ForeignSession: func(rw http.ResponseWriter, r *http.Request, sid string) bool {
					other, ok := engineio.SessionTag(sid)
					if !ok || other == tag || other != "a" && other != "b" {
						strangers = append(strangers, sid)
						return false
					}
					nodes[1-i].srv.ServeHTTP(rw, r)
					return true
				},
			}})
		}
		p := nodes[0].polling()
		session := "EIO=4&transport=polling&sid=" + p.id()
		if got := nodes[1].post(session, "4over the other server"); got.status != 200 || got.body != "ok" {
			w.t.Errorf("the POST by the other server: %d %q", got.status, got.body)
		}
		if got := nodes[1].get(session); got.status != 200 || got.body != "4over the other server" {
			w.t.Errorf("the poll by the other server: %d %q", got.status, got.body)
		}
		if n := nodes[1].srv.Count(); n != 0 {
			w.t.Errorf("the other server has %d sessions", n)
		}
		for _, sid := range []string{"unknown", "c.aaaaaaaaaaaaaaaaaaaa", "b.aaaaaaaaaaaaaaaaaaaa"} {
			nodes[1].wantRefusal(sid, nodes[1].get("EIO=4&transport=polling&sid="+sid), 400, 1, "Session ID unknown")
			nodes[1].wantRefusal(sid, nodes[1].dialRefused("EIO=4&transport=websocket&sid="+sid), 400, 1, "Session ID unknown")
		}
		if len(strangers) != 6 {
			w.t.Errorf("the function was asked about %q and declined", strangers)
		}
	})
}

// Behind a proxy that changes Host, the page's WebSocket has an Origin that only the server
// of its session accepts. The other one offers the upgrade before its own rule, and rejects
// it by that rule when the function declines.
func TestForeignUpgradesAreForwarded(t *testing.T) {
	everywhere(t, func(w *world) {
		var nodes [2]*rig
		for i := range nodes {
			nodes[i] = w.serve(hosting{options: &engineio.Options{
				GenerateID: engineio.TaggedIDs(string(rune('a' + i))),
				ForeignSession: func(rw http.ResponseWriter, r *http.Request, sid string) bool {
					if tag, _ := engineio.SessionTag(sid); i == 0 || tag != "a" {
						return false
					}
					nodes[0].srv.ServeHTTP(rw, r)
					return true
				},
			}})
			nodes[i].host = "internal:8080"
		}
		p := nodes[0].polling("Sec-Fetch-Site", "same-origin")
		for name, query := range map[string]string{
			"an unknown session": "EIO=4&transport=websocket&sid=b.aaaaaaaaaaaaaaaaaaaa",
			"a new session":      "EIO=4&transport=websocket",
		} {
			nodes[1].wantRefusal(name, nodes[1].dialRefused(query, "Origin", "https://chat.example"), 403, 4, "Forbidden")
		}
		c, resp, err := nodes[1].shake("EIO=4&transport=websocket&sid="+p.id(), "Origin", "https://chat.example")
		if err != nil || c == nil {
			w.t.Fatalf("the upgrade by the other server: %v %v", resp, err)
		}
	})
}

// A panic of the function aborts the response, and is logged.
func TestForeignSessionPanics(t *testing.T) {
	inMemory(t, func(w *world) {
		var log syncBuffer
		r := w.serve(hosting{options: &engineio.Options{
			Logger:         log.logger(),
			ForeignSession: func(http.ResponseWriter, *http.Request, string) bool { panic("on purpose") },
		}})
		if got := r.get("EIO=4&transport=polling&sid=none"); got.err == nil {
			w.t.Errorf("the response is %d %q, want none", got.status, got.body)
		}
		if text := log.String(); !strings.Contains(text, "Options.ForeignSession") || !strings.Contains(text, "on purpose") {
			w.t.Errorf("the log says %s", text)
		}
	})
}
