// SPDX-License-Identifier: MIT

// This file holds attacks with the bodies of POSTs, and with their pace.

package hostile

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"time"
)

var pollingAttacks = []attack{
	{
		name:  "payloads of separators",
		alike: true,
		run: func(a *attacker) {
			a.each(4, func(int) {
				for _, body := range []string{
					strings.Repeat("4\x1e", 490_000) + "4",                                        // one-byte packets
					strings.Repeat("\x1e", 999_999),                                               // none
					strings.TrimSuffix(strings.Repeat(`42["a"]`+"\x1e", 120_000), "\x1e"),         // events
					"6" + strings.Repeat("\x1e6", 65_536),                                         // one more than there may be
					strings.TrimSuffix(strings.Repeat("bAA==\x1e", 160_000), "\x1e"),              // attachments
					strings.TrimSuffix(strings.Repeat("4\x1e\x1e", 300_000), "\x1e") + "\x1e\x1e", // and both
				} {
					s := a.joined()
					s.post(body, 400)
					s.over()
				}
				s := a.joined()
				s.post("6"+strings.Repeat("\x1e6", 65_535), 200)
				s.post(`42["a"]`+strings.Repeat("\x1e"+`42["a"]`, 65_535), 200)
				s.goesOn()
			})
		},
	},
	{
		name:  "bodies that are too large",
		alike: true,
		run: func(a *attacker) {
			a.each(8, func(i int) {
				s := a.joined()
				s.post(strings.Repeat("4", 1_000_001), 413)
				s.over()

				s = a.joined() // it says so, and sends nothing more
				w := a.dial()
				_, _ = io.WriteString(w, fmt.Sprintf("POST /socket.io/?%s HTTP/1.1\r\nHost: target\r\nContent-Length: %d\r\n\r\n", s.query, int64(1<<40)))
				s.over()
				_ = w.Close()

				s = a.joined() // it does not say so, and does not stop
				w = a.dial()
				answered := make(chan reply, 1)
				go func() { answered <- readReply(bufio.NewReader(w)) }()
				_, err := io.WriteString(w, fmt.Sprintf("POST /socket.io/?%s HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: chunked\r\n\r\n", s.query))
				chunk := fmt.Sprintf("10000\r\n%s\r\n", strings.Repeat("4", 1<<16))
				for range 200 {
					if err != nil {
						break
					}
					_, err = io.WriteString(w, chunk)
				}
				if r := <-answered; r.status != 413 && r.err == nil {
					a.t.Errorf("a body without end: %v", r)
				}
				_ = w.Close()
				s.over()
			})
		},
	},
	{
		name:  "bodies that are compressed",
		alike: true,
		run: func(a *attacker) {
			var b strings.Builder
			w := gzip.NewWriter(&b)
			for range 8 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
			_ = w.Close()
			codings := []string{"gzip", "deflate", "br", "gzip, identity", "x"}
			a.each(len(codings), func(i int) {
				s := a.joined()
				r := s.post(b.String(), 415, "Content-Encoding: "+codings[i])
				if !strings.HasPrefix(r.body, `{"code":3,`) {
					a.t.Errorf("%s: %v", codings[i], r)
				}
				s.over()
			})
		},
	},
	{
		name:  "bodies of another kind",
		alike: true,
		run: func(a *attacker) {
			a.each(50, func(int) {
				s := a.joined()
				s.post("4x", 400, "Content-Type: application/octet-stream")
				s.over()
			})
			bodies := []string{"", "x", "9", "\x00", "b!!!!", "b", "bAAAA", "4\xff", "2", "\ufeff4"}
			a.each(len(bodies), func(i int) {
				s := a.joined()
				a.ask(request("POST", s.query, bodies[i])) // 200 or 400: the end counts
				s.over()
			})
		},
	},
	{
		name:  "headers and bodies that drip",
		alike: true,
		run: func(a *attacker) {
			head := "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: target\r\nX: " + strings.Repeat("a", 1000)
			a.each(200, func(i int) {
				w := a.dial()
				talk := head
				if i%2 == 0 {
					s := a.joined()
					talk = strings.Repeat("4", 10_000)
					_, _ = fmt.Fprintf(w, "POST /socket.io/?%s HTTP/1.1\r\nHost: target\r\nContent-Length: %d\r\n\r\n", s.query, len(talk))
				}
				answer := make(chan reply, 1)
				go func() { answer <- readReply(bufio.NewReader(w)) }()
				drip := time.NewTicker(50 * time.Millisecond)
				defer drip.Stop()
				for sent := 0; ; sent++ {
					select {
					case r := <-answer:
						if i%2 == 0 && r.status != 408 && r.status != 0 {
							a.t.Errorf("a body that drips: %v", r)
						}
						return
					case <-drip.C:
						_, _ = io.WriteString(w, talk[sent:sent+1]) // the answer tells
					}
				}
			})
		},
	},
}
