// SPDX-License-Identifier: MIT

// This file tests ids with the tag of a server, and requests for sessions of another
// server.

package engineio_test

import (
	"context"
	"net/http"
	"slices"
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

// A response that is aborted on purpose, as when another server dies while it responds, is
// not logged as a panic.
func TestForeignSessionAborts(t *testing.T) {
	inMemory(t, func(w *world) {
		var log syncBuffer
		r := w.serve(hosting{options: &engineio.Options{
			Logger:         log.logger(),
			ForeignSession: func(http.ResponseWriter, *http.Request, string) bool { panic(http.ErrAbortHandler) },
		}})
		if got := r.get("EIO=4&transport=polling&sid=none"); got.err == nil {
			w.t.Errorf("the response is %d %q, want none", got.status, got.body)
		}
		if text := log.String(); text != "" {
			w.t.Errorf("the log says %s", text)
		}
	})
}

// A Forwarder learns whether the Origin is admitted, gets the cookies of an upgrade, and its
// reason is in the response. A request that has been forwarded is not forwarded again.
func TestForwarders(t *testing.T) {
	inMemory(t, func(w *world) {
		others := make(map[string]*neighbour)
		var nodes [2]*rig
		for i, tag := range []string{"a", "b"} {
			others[tag] = &neighbour{tag: tag, others: others}
			nodes[i] = w.serve(hosting{options: &engineio.Options{Forward: others[tag]}})
			nodes[i].host = "internal:8080"
		}
		p := nodes[0].polling("Sec-Fetch-Site", "same-origin")
		if !strings.HasPrefix(p.id(), "a.") {
			t.Errorf("the id is %q", p.id())
		}
		session := "EIO=4&transport=polling&sid=" + p.id()
		if got := nodes[1].post(session, "4over the other server"); got.status != 200 || got.body != "ok" {
			t.Errorf("the POST by the other server: %d %q", got.status, got.body)
		}
		if got := nodes[1].get(session); got.status != 200 || got.body != "4over the other server" {
			t.Errorf("the poll by the other server: %d %q", got.status, got.body)
		}
		unknown := nodes[1].get("EIO=4&transport=polling&sid=c.aaaaaaaaaaaaaaaaaaaa")
		if want := `{"code":1,"message":"Session ID unknown","reason":"unknown_server"}`; unknown.status != 400 || unknown.body != want {
			t.Errorf("the session of a server that is not known: %d %q", unknown.status, unknown.body)
		}
		for _, sid := range []string{"a.aaaaaaaaaaaaaaaaaaaa", "b.aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa"} {
			got := nodes[1].get("EIO=4&transport=polling&sid=" + sid)
			if want := `{"code":1,"message":"Session ID unknown"}`; got.status != 400 || got.body != want {
				t.Errorf("a session that has ended, %q: %d %q", sid, got.status, got.body)
			}
		}
		// Not even a Forwarder that sends everything on makes a second hop.
		others["a"].others = map[string]*neighbour{"c": others["b"], "b": others["b"]}
		others["b"].others = map[string]*neighbour{"c": others["a"], "a": others["a"]}
		got := nodes[1].get("EIO=4&transport=polling&sid=c.aaaaaaaaaaaaaaaaaaaa")
		if want := `{"code":1,"message":"Session ID unknown"}`; got.status != 400 || got.body != want {
			t.Errorf("a request that would go round: %d %q", got.status, got.body)
		}
		// The session passes on the Origin of its page, the other server does not know it.
		c, resp, err := nodes[1].shake("EIO=4&transport=websocket&sid="+p.id(), "Origin", "https://chat.example")
		if err != nil || c == nil {
			t.Fatalf("the upgrade by the other server: %v %v", resp, err)
		}
	})
}

// The server of a session decides about the cookies and the Origin of an upgrade that has
// reached another one, which has no part in it but its own verdict.
func TestForwardedUpgrades(t *testing.T) {
	inMemory(t, func(w *world) {
		others := make(map[string]*neighbour)
		var nodes [2]*rig
		var cookies []string
		for i, tag := range []string{"a", "b"} {
			others[tag] = &neighbour{tag: tag, others: others}
			options := &engineio.Options{Forward: others[tag], SessionBinding: func(_ context.Context, r *engineio.SessionRequest) error {
				cookies = append(cookies, r.Request.Header.Get("Cookie"))
				return nil
			}}
			if i == 0 {
				options.CORS = &engineio.CORS{Origins: []string{"https://friend.example"}}
			}
			nodes[i] = w.serve(hosting{options: options})
			nodes[i].host = "internal:8080"
		}
		// Only the server of the session admits this origin: the stricter one decides.
		friend := nodes[0].polling()
		nodes[1].wantRefusal("a friend", nodes[1].dialRefused("EIO=4&transport=websocket&sid="+friend.id(), "Origin", "https://friend.example"), 403, 4, "Forbidden")
		if len(cookies) != 0 {
			t.Errorf("SessionBinding has seen it, with %q", cookies)
		}
		p := nodes[0].polling("Sec-Fetch-Site", "same-origin")
		c, resp, err := nodes[1].shake("EIO=4&transport=websocket&sid="+p.id(), "Origin", "https://chat.example", "Cookie", "login=1")
		if err != nil || c == nil {
			t.Fatalf("the upgrade by the other server: %v %v", resp, err)
		}
		if want := []string{"login=1"}; !slices.Equal(cookies, want) {
			t.Errorf("SessionBinding has seen the cookies %q, want %q", cookies, want)
		}
	})
}

// A Forwarder makes the ids.
func TestForwardersAlone(t *testing.T) {
	for name, o := range map[string]*engineio.Options{
		"GenerateID":     {GenerateID: engineio.TaggedIDs("a")},
		"ForeignSession": {ForeignSession: func(http.ResponseWriter, *http.Request, string) bool { return false }},
	} {
		o.Forward = &neighbour{}
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "engineio: Options.Forward ") {
					t.Errorf("%s beside Forward: the panic is %q", name, text)
				}
			}()
			engineio.NewServer(o, func(*engineio.Conn) engineio.Handler { return nil })
		}()
	}
}
