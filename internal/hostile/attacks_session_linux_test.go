// SPDX-License-Identifier: MIT

// This file holds attacks on sessions: too many, foreign ones, incomplete ones.

package hostile

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"
)

var sessionAttacks = []attack{
	{
		name:   "a flood of handshakes",
		config: config{MaxPending: 500},
		run: func(a *attacker) {
			// Sessions that had to go may still be going, but they go in less
			// than the 45 s that a session has to join.
			bounded := func() {
				for began := time.Now(); a.p.stats().Connections > 502; {
					if time.Since(began) > 20*time.Second {
						a.t.Errorf("%d sessions are open, want 500 and two", a.p.stats().Connections)
						return
					}
				}
			}
			a.each(8, func(int) {
				b := newBrowser(a.p.addr)
				defer b.close()
				for range 400 {
					sid, err := b.open()
					if err != nil {
						a.fail("a handshake: %v", err)
					}
					a.keep(sid)
					a.sent.Add(150) // about
				}
			})
			bounded()
			a.each(8, func(int) {
				for range 50 {
					w := a.dial()
					_, _ = io.WriteString(w, upgrade("EIO=4&transport=websocket"))
				}
			})
			bounded()
			// Sessions over polling end when new ones come, or after the time to join.
			a.each(8, func(int) {
				for range 70 {
					a.webSocket("")
				}
			})
		},
	},
	{
		name:   "more clients than there may be",
		config: config{MaxConnections: 100},
		run: func(a *attacker) {
			for range 2 { // no more than MaxPending at once
				a.each(49, func(int) { a.joinedSocket() })
			}
			for range 50 {
				a.wants("one too many, on polling", request("GET", "EIO=4&transport=polling", ""), 503, `{"code":4,`)
				a.wants("one too many, on WebSocket", upgrade("EIO=4&transport=websocket"), 503, `{"code":4,`)
			}
		},
	},
	{
		name:  "session ids that are guessed",
		alike: true,
		run: func(a *attacker) {
			own := a.joined()
			guesses := []string{
				"__proto__", "constructor", "..%2f..%2fetc", "%00", "null", "undefined", "*", strings.Repeat("A", 4000),
				own.sid[:19], own.sid + "A", strings.ToLower(own.sid) + "%20", "%20" + own.sid, own.sid + "%00", own.sid + ",", own.sid + "&sid=x",
			}
			for range 500 {
				var b [15]byte
				_, _ = rand.Read(b[:])
				guesses = append(guesses, base64.RawURLEncoding.EncodeToString(b[:]))
			}
			for _, g := range guesses {
				for _, raw := range []string{
					request("GET", "EIO=4&transport=polling&sid="+g, ""),
					request("POST", "EIO=4&transport=polling&sid="+g, "41"),
					upgrade("EIO=4&transport=websocket&sid=" + g),
				} {
					a.wants("a guess", raw, 400, `{"code":1,"message":"Session ID unknown"}`)
				}
			}
			own.goesOn()
		},
	},
	{
		name:  "two requests of one session at once",
		alike: true,
		run: func(a *attacker) {
			a.each(20, func(int) {
				s := a.joined()
				first := make(chan reply, 1)
				go func() { first <- s.get() }()
				// The second of two polls is rejected and ends the session.
				second := s.get()
				r := <-first
				if r.status+second.status != 600 {
					a.t.Errorf("two polls: %v and %v", r, second)
				}
				s.over()

				s = a.joined()
				w := a.dial()
				_, _ = io.WriteString(w, fmt.Sprintf("POST /socket.io/?%s HTTP/1.1\r\nHost: target\r\nContent-Length: 100\r\n\r\n4", s.query))
				a.until("the second POST is refused", func() bool { return a.ask(request("POST", s.query, "3")).status == 400 })
				_ = w.Close()
				s.over()
			})
		},
	},
	{
		name:  "answers that nobody reads",
		alike: true,
		config: config{
			WriteTimeout: time.Second, MaxQueueBytes: 64 << 20,
		},
		run: func(a *attacker) {
			// Messages that wait for a session whose client does not poll are kept once
			// for all, and delivered to one that polls and does not read.
			listening := make([]*session, 8)
			for i := range listening {
				listening[i] = a.joined()
				listening[i].post(`42["listen"]`, 200)
				listening[i].goesOn() // it listens
			}
			teller := a.joinedSocket()
			teller.says(`422["tell",1500,4000]`)
			if got := teller.next(); got != "432[]" {
				a.fail("telling: %q", got)
			}
			s := listening[0]
			_, _ = io.WriteString(a.dialNarrow(), request("GET", s.query, ""))
			a.until("the session is over", func() bool {
				return strings.Contains(a.ask(request("POST", s.query, "3")).body, `"code":1`)
			})
			teller.goesOn()
		},
	},
}
