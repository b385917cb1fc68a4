// SPDX-License-Identifier: MIT

// This file holds what we decided about quirks of the npm server, by the numbers
// of docs/conformance.md.

package engineio_test

import (
	"testing"

	"socketio/engineio"
)

func TestQuirk01CloseOnWebSocketIsObeyed(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		c := r.websocket()
		c.send("1", "4late")
		c.wantClose("the end", 1000)
		r.side(c.id()).wantEnded("the client has closed", engineio.ReasonTransportClose, nil)
		r.side(c.id()).wantHeard("nothing after the close packet")
	})
}

func TestQuirk02RefusedBeforeTheUpgrade(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		got := r.dialRefused("EIO=3&transport=websocket") // it fails at a 101
		r.wantRefusal("an unsupported revision", got, 400, 5, "Unsupported protocol version")
		if got.header.Get("Upgrade") != "" || got.header.Get("Sec-WebSocket-Accept") != "" {
			w.t.Errorf("the refusal has headers of an upgrade: %v", got.header)
		}
	})
}

func TestQuirk04DisabledUpgradesAreEnforced(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{DisableUpgrades: true}})
		p := r.polling()
		if len(p.open.Upgrades) != 0 {
			w.t.Errorf("upgrades %q are offered", p.open.Upgrades)
		}
		r.wantRefusal("a probe all the same", r.dialRefused("EIO=4&transport=websocket&sid="+p.id()), 400, 3, "Bad request")
		p.send("4x")
		p.want("the session goes on", "4x")
	})
}

func TestQuirk05PayloadTooLargeEndsTheSession(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxPayload: 10}})
		p := r.polling()
		p.park()
		r.wantRefusal("a large body", p.post("4123456789x"), 413, 3, "Payload too large")
		p.wantAnswer("the parked poll", "1")
		r.wantRefusal("another body", p.post("4x"), 400, 1, "Session ID unknown")
		r.side(p.id()).wantEnded("the session", engineio.ReasonTransportError, nil)
	})
}

func TestQuirk06NoJSONP(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		for _, revision := range []string{"3", "4"} {
			r.refused("JSONP of revision "+revision, "EIO="+revision+"&transport=$T&j=0", 400, 3, "JSONP is not supported")
		}
		p := r.polling()
		r.wantRefusal("JSONP on a session", r.get(p.query+"&j=0"), 400, 3, "JSONP is not supported")
		p.send("4x")
		p.want("the session goes on", "4x")
	})
}

func TestQuirk07RefusalsSendTheirText(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Handshake: screen}})
		r.wantRefusal("a Refusal, which is an error", r.get("EIO=4&transport=polling&who=banned"), 403, 4, "you are banned")
		r.wantRefusal("an error that is for the log", r.get("EIO=4&transport=polling&who=unlucky"), 403, 4, "Forbidden")
	})
}

func TestQuirk08WebSocketRefusalsHaveTheirStatus(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Handshake: screen, MaxConnections: 1}})
		const query = "EIO=4&transport=websocket"
		r.wantRefusal("by the application", r.dialRefused(query+"&who=banned"), 403, 4, "you are banned")
		r.wantRefusal("by the origin", r.dialRefused(query, "Origin", "http://evil.example"), 403, 4, "Forbidden")
		r.websocket()
		r.wantRefusal("by a limit", r.dialRefused(query), 503, 4, "Service unavailable")
	})
}
