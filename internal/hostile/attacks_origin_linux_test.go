// SPDX-License-Identifier: MIT

// This file holds attacks by pages of other origins, in the browsers of visitors.

package hostile

import (
	"fmt"
	"strings"
)

var originAttacks = []attack{
	{
		name:  "pages of other origins in number",
		alike: true,
		run: func(a *attacker) {
			own := a.joined()
			shake := func(query string, headers ...string) string {
				return strings.TrimSuffix(upgrade(query), "\r\n") + strings.Join(headers, "\r\n") + "\r\n\r\n"
			}
			a.each(8, func(i int) {
				for j := range 60 {
					origin := fmt.Sprintf("Origin: https://%d-%d.example", i, j)
					forged := fmt.Sprintf("X-Forwarded-Host: %d-%d.example", i, j)
					for _, raw := range []string{
						request("GET", "EIO=4&transport=polling", "", origin),
						request("POST", own.query, "41", origin, forged),
						request("POST", own.query, "41", origin, "Sec-Fetch-Site: cross-site"),
						shake("EIO=4&transport=websocket", origin),
						shake("EIO=4&transport=websocket&sid="+own.sid, origin, forged),
					} {
						a.wants("a page of another origin", raw, 403, `{"code":4,"message":"Forbidden"}`)
					}
				}
			})
			own.goesOn()
		},
	},
	{
		// A session of a browser keeps the Origins that it has shown, with bounds on
		// number and length.
		name:  "a session that is shown many origins",
		alike: true,
		run: func(a *attacker) {
			a.each(8, func(i int) {
				r := a.ask(request("GET", "EIO=4&transport=polling", "", "Sec-Fetch-Site: same-origin"))
				sid := sidOf(r.body)
				a.keep(sid)
				s := &session{a, sid, "EIO=4&transport=polling&sid=" + sid}
				s.joins()
				for j := range 60 {
					long := fmt.Sprintf("Origin: https://%d-%d.%s.example", i, j, strings.Repeat("x", 8000))
					s.post("42[\"echo\",1]", 200, long, "Sec-Fetch-Site: same-origin")
				}
				s.post("41", 200)
				s.post("1", 200)
			})
		},
	},
	{
		name:   "pages that come with the cookie of a visitor",
		config: config{AnyOrigin: true},
		run: func(a *attacker) {
			for _, origin := range []string{"https://evil.example", "null", "http://target:443", "https://target:80", "http://target.evil.example"} {
				headers := []string{"Origin", origin, "Cookie", "login=visitor"}
				s := a.webSocket("", headers...)
				s.says("40")
				s.next()
				s.says(`420["cookie"]`)
				s.hears(`430[""]`)
				r := a.ask(request("GET", "EIO=4&transport=polling", "", "Origin: "+origin, "Cookie: login=visitor"))
				sid := sidOf(r.body)
				a.keep(sid)
				p := &session{a, sid, "EIO=4&transport=polling&sid=" + sid}
				p.joins()
				p.post(`420["cookie"]`, 200)
				p.hears(`430[""]`)
				p.post("1", 200)
			}
			s := a.webSocket("", "Origin", "http://"+a.p.addr, "Cookie", "login=visitor")
			s.says("40")
			s.next()
			s.says(`420["cookie"]`)
			s.hears(`430["login=visitor"]`)
		},
	},
}

// hears wants a message, whatever comes before it.
func (s *socket) hears(text string) {
	s.a.t.Helper()
	for {
		got := s.next()
		if got == text {
			return
		}
		if strings.HasPrefix(got, "43") {
			s.a.fail("got %s, want %s", got, text)
		}
	}
}

// hears wants a message, whatever comes before it.
func (s *session) hears(text string) {
	s.a.t.Helper()
	for {
		r := s.get()
		if r.status != 200 {
			s.a.fail("a poll: %v", r)
		}
		if strings.Contains(r.body, text) {
			return
		}
		if strings.Contains(r.body, "\x1e43") || strings.HasPrefix(r.body, "43") {
			s.a.fail("got %s, want %s", r.body, text)
		}
	}
}
