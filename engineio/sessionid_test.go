// SPDX-License-Identifier: MIT

// This file holds Options.GenerateID.

package engineio_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"socketio/engineio"
)

func TestGenerateID(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{GenerateID: func(req *http.Request) (string, error) {
			switch id := req.URL.Query().Get("id"); id {
			case "":
				return "node-1." + req.URL.Query().Get("transport"), nil
			case "error":
				return "good", errors.New("no entropy")
			case "none":
				return "", nil
			case "panic":
				panic("in GenerateID")
			default:
				return id, nil
			}
		}}})
		p := r.polling()
		if p.id() != "node-1.polling" {
			w.t.Errorf("the session id is %q", p.id())
		}
		c := r.websocket()
		if c.id() != "node-1.websocket" {
			w.t.Errorf("the session id is %q", c.id())
		}
		for _, id := range []string{
			"error", "none", "panic", strings.Repeat("a", 129), "a%20b", "a%22b", "a%26b", "a%23b", "a/b", "a%0d%0ab", "%c3%a4", "a%00", "a:b",
			"node-1.polling", "node-1.websocket", // in use
		} {
			for transport, ask := range map[string]func(string, ...string) reply{"polling": r.get, "websocket": r.dialRefused} {
				r.wantRefusal(transport+" "+id, ask("EIO=4&transport="+transport+"&id="+id), 400, 3, "Bad request")
			}
		}
		if n := r.srv.Count(); n != 2 {
			w.t.Errorf("%d sessions are open, want 2", n)
		}
		p.send("4x")
		p.want("the session whose id was wanted again", "4x")
		c.send("4y")
		c.want("and the other", "4y")
		r.readOpen(r.get("EIO=4&transport=polling&id=" + strings.Repeat("a", 128)).body)
	})
}

// The end of a session does not remove a later one with the same id.
func TestIDIsFreeAgainAfterItsSession(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{GenerateID: func(*http.Request) (string, error) { return "same", nil }}})
		old := r.websocket()
		first := r.side("same")
		first.Close() // the peer has not answered, so this one still lingers
		next := r.websocket()
		old.wantClose("the first", 1000)
		first.wantEnded("the first", engineio.ReasonForcedClose, nil)
		r.quiet()
		next.send("4x")
		next.want("the second", "4x")
		if n := r.srv.Count(); n != 1 {
			w.t.Errorf("%d sessions are open, want 1", n)
		}
		r.wantRefusal("the id is in use again", r.get("EIO=4&transport=polling"), 400, 3, "Bad request")
	})
}

// A report of a rejection contains no part of an id: it may be another server's.
func TestUnknownIDIsNotTold(t *testing.T) {
	inMemory(t, func(w *world) {
		var log syncBuffer
		r := w.serve(hosting{options: &engineio.Options{Logger: log.logger()}})
		var told *engineio.ConnectionError
		r.srv.OnConnectionError(func(_ *http.Request, e *engineio.ConnectionError) { told = e })
		r.wantRefusal("unknown", r.get("EIO=4&transport=polling&sid=verysecret"), 400, 1, "Session ID unknown")
		if told == nil || strings.Contains(told.Error(), "secret") || strings.Contains(log.String(), "secret") {
			w.t.Errorf("the refusal is %v, the log %s", told, log.String())
		}
	})
}
