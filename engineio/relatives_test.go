// SPDX-License-Identifier: MIT

// This file holds what went wrong in other implementations of the protocol, after
// their advisories and changelogs; see SECURITY-REGRESSIONS.md.

package engineio_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"socketio/engineio"
)

// engineioxide before 0.17.9 opened a session for an id that it could not read.
func TestMalformedIDsOpenNothing(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		for _, sid := range []string{
			"%00", "%zz", "%", "%C3%28", "%F0%9F%98%80", "a;b", "a%20b", "+", "%0d%0aSet-Cookie:%20a=b", "undefined", "null",
			"[object%20Object]", "../../" + p.id(), p.id() + "%00", p.id() + "=", "%20" + p.id(), strings.ToUpper(p.id()) + "A",
			strings.Repeat("a", 5000), p.id() + "&sid=x", "0", "-1", "..", "__proto__",
		} {
			query := "EIO=4&transport=polling&sid=" + sid
			r.wantRefusal("a poll with sid="+sid, r.get(query), 400, 1, "Session ID unknown")
			r.wantRefusal("a POST with sid="+sid, r.post(query, "4x"), 400, 1, "Session ID unknown")
			r.wantRefusal("a WebSocket with sid="+sid, r.dialRefused("EIO=4&transport=websocket&sid="+sid), 400, 1, "Session ID unknown")
		}
		if n := r.srv.Count(); n != 1 {
			w.t.Errorf("%d sessions are open, want the one", n)
		}
		p.send("4x")
		p.want("the session goes on", "4x")
	})
}

// engineioxide before 0.17.9 panicked on a packet whose first character takes more
// than a byte, and on one that ends early.
func TestPacketsThatEndEarly(t *testing.T) {
	everywhere(t, func(w *world) {
		for _, body := range []string{"é", "€4", "😀", "\x1e", "", "b", "bA", "b=", "4", "2", "é\x1e4x", "b\x1e", "\u0664x", "4\x1eé"} {
			r := w.serve(hosting{})
			bystander := r.websocket()
			p, c := r.polling(), r.websocket()
			if got := p.post(body); got.status != 200 && got.status != 400 {
				w.t.Errorf("a POST of %q is answered %v, want 200 or 400", body, got)
			}
			c.send(body)
			bystander.send("4still here")
			bystander.want("another client", "4still here")
		}
	})
}

// Revision 3 too: lengths that point into a character, or beyond the end.
func TestPacketsThatEndEarlyV3(t *testing.T) {
	everywhere(t, func(w *world) {
		for _, body := range []string{"é", "1:é", "2:é", "1:😀", "3:4😀", "2:b", "3:b4A", "1:", "9999999999999999999999:4", ":4", "1", "0:"} {
			r := w.serve(hosting{options: &engineio.Options{AllowEIO3: true}})
			bystander := r.websocket()
			open := r.get("EIO=3&transport=polling")
			_, id, _ := strings.Cut(open.body, `"sid":"`)
			id, _, _ = strings.Cut(id, `"`)
			for _, kind := range []string{"text/plain", "application/octet-stream"} {
				got := r.post("EIO=3&transport=polling&sid="+id, body, "Content-Type", kind)
				if got.status != 200 && got.status != 400 {
					w.t.Errorf("a POST of %q as %s is answered %v, want 200 or 400", body, kind, got)
				}
			}
			bystander.send("4still here")
			bystander.want("another client", "4still here")
		}
	})
}

// engineioxide before 0.17.9 took a second pong for the end of the heartbeat.
func TestSecondPongIsNoTimeout(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat()}, func(r *rig, p peer) {
			for range 5 {
				p.want("a ping", "2")
				p.send("3", "3")
				p.send("3")
			}
			p.send("4x")
			p.want("the session goes on", "4x")
			r.side(p.id()).wantOpen("two pongs for each ping")
		})
	})
}

// engineioxide before 0.17.9 took every path that begins with its own, such as
// /engine.io-admin. Here a mux pattern that ends in a slash decides.
func TestPathsThatOnlyBeginAlike(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{wrap: func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/engine.io/", h)
			mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusTeapot)
				fmt.Fprint(w, "another handler")
			})
			return mux
		}, path: "/engine.io/"})
		for _, path := range []string{"/engine.io-admin", "/engine.io-admin/", "/engine.iox/", "/engine.io.old", "/engine.ioo/engine.io/", "/Engine.io/", "/a/engine.io/"} {
			r.path = path
			for _, got := range []reply{r.get("EIO=4&transport=polling"), r.post("EIO=4&transport=polling", "4x"), r.dialRefused("EIO=4&transport=websocket")} {
				if got.status != http.StatusTeapot || got.body != "another handler" {
					w.t.Errorf("%s is answered %v, want the other handler", path, got)
				}
			}
		}
		if n := r.srv.Count(); n != 0 {
			w.t.Errorf("%d sessions are open, want none", n)
		}
	})
}

// python-engineio before 4.13 served requests of a session that did not fit its
// state: polls after the upgrade, WebSockets before the handshake.
func TestRequestsOutOfTurn(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		r.wantRefusal("a POST before the handshake", r.post("EIO=4&transport=polling", "4x"), 400, 2, "Bad handshake method")
		r.wantRefusal("a WebSocket for no session", r.dialRefused("EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA"), 400, 1, "Session ID unknown")
		p := r.polling()
		c := p.upgrade()
		for range 3 {
			r.wantRefusal("a poll after the upgrade", r.get(p.query), 400, 3, "Bad request")
			r.wantRefusal("a POST after the upgrade", p.post("4x"), 400, 3, "Bad request")
		}
		c.send("4x")
		c.want("the WebSocket goes on", "4x")
		c.send("1")
		c.wantClose("the end", 1000)
		r.side(p.id()).await("the end", func() bool { return r.srv.Count() == 0 })
		r.wantRefusal("a poll after the end", r.get(p.query), 400, 1, "Session ID unknown")
		r.wantRefusal("a WebSocket after the end", r.dialRefused("EIO=4&transport=websocket&sid="+p.id()), 400, 1, "Session ID unknown")
	})
}
