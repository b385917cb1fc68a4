// SPDX-License-Identifier: MIT

// This file holds messages over each transport: texts, bytes, payloads of several
// packets, and packets that are malformed.

package engineio_test

import (
	"fmt"
	"testing"
)

// engineioxide before 0.17.9 panicked on a packet whose first character takes more than
// one byte, and on one that ends early.
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

// wantEchoes sends texts and expects them back, in either revision.
func wantEchoes(p peer) {
	p.send("4hello")
	p.want("the echo", "4hello")
	p.send("4€ 𝄞")
	p.want("the echo of more than ASCII", "4€ 𝄞")
	p.send("4")
	p.want("the echo of nothing", "4")
}

// wantMalformed posts a body that ends the session.
func (p *pollPeer) wantMalformed(body string, headers ...string) {
	p.r.t.Helper()
	p.posts(body, headers...)
	p.r.side(p.id()).wantEnded(fmt.Sprintf("after %q", body), "parse error", nil)
	p.wantEnd("the session has ended")
}

// wantMalformed sends a packet that ends the session.
func (p *wsPeer) wantMalformed(packet string) {
	p.r.t.Helper()
	p.send(packet)
	p.wantClose(fmt.Sprintf("after %q", packet), 1002)
	p.r.side(p.id()).wantEnded("the session has ended", "parse error", nil)
}

func TestMessage(t *testing.T) {
	t.Run("one text packet there and back/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transports(w, hosting{options: w.calm()}, func(_ *rig, p peer) { wantEchoes(p) })
		})
	})
	t.Run("several text packets in one payload/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).polling()
			p.send("4test1", "4test2", "4test3")
			p.want("the echoes in order", "4test1", "4test2", "4test3")
		})
	})
	t.Run("text and binary in one payload/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).polling()
			p.send("4hello", "bAQIDBA==")
			p.want("text as text, bytes as base64", "4hello", "bAQIDBA==")
		})
	})
	t.Run("one binary packet/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).websocket()
			p.send("<01020304>")
			p.want("the echo is a binary frame", "<01020304>")
			p.send("bAQIDBA==")
			p.want("base64 in a text frame is bytes as well", "<01020304>")
			p.send("<>")
			p.want("no bytes at all", "<>")
		})
	})
	t.Run("a malformed packet ends the session/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, bad := range []string{"abc", "", "7", "9x", "4ok\x1e", "b=", "bA*Q=", "4ok\x1eb*"} {
				w.serve(hosting{options: w.calm()}).polling().wantMalformed(bad)
			}
		})
	})
	t.Run("a malformed packet ends the session/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, bad := range []string{"abc", "", "7", "b=", "bA*Q="} {
				w.serve(hosting{options: w.calm()}).websocket().wantMalformed(bad)
			}
		})
	})
	t.Run("two polls at once: one is refused, the session ends/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			first, second := make(chan reply, 1), make(chan reply, 1)
			go func() { first <- r.get(p.query) }()
			go func() { second <- r.get(p.query) }()
			a, b := <-first, <-second
			if a.status == 400 {
				a, b = b, a
			}
			if a.status != 200 || a.body != "1" {
				w.t.Errorf("one poll got %d %q (%v), want 200 and the close packet", a.status, a.body, a.err)
			}
			r.wantStatus("the other poll", b, 400)
			r.side(p.id()).wantEnded("the session has ended", "transport error", nil)
			p.wantEnd("the session has ended")
		})
	})
}
