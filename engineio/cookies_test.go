// SPDX-License-Identifier: MIT

// This file tests that the application does not see a visitor's cookies in a request made
// by a page of another site: CORS without AllowCredentials does not keep browsers from
// sending them with a WebSocket.

package engineio_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"socketio/engineio"
)

// A cookieWatch records where the application sees which part of a cookie.
type cookieWatch struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (c *cookieWatch) note(where string, h http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[where] = c.seen[where] || strings.Contains(strings.Join(h["Cookie"], ";"), "login")
}

func (c *cookieWatch) take() (with, without []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for where, has := range c.seen {
		if has {
			with = append(with, where)
		} else {
			without = append(without, where)
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	c.seen = make(map[string]bool)
	return with, without
}

// options has a function in each option that receives a request.
func (c *cookieWatch) options(cors *engineio.CORS) *engineio.Options {
	return withStreams(&engineio.Options{
		AllowEIO3: true,
		CORS:      cors,
		Handshake: func(r *http.Request) (context.Context, error) {
			c.note("Handshake", r.Header)
			return nil, nil
		},
		SessionBinding: func(_ context.Context, r *engineio.SessionRequest) error {
			c.note("SessionBinding", r.Request.Header)
			c.note("SessionBinding's handshake", r.Handshake.Header())
			return nil
		},
		GenerateID: func(r *http.Request) (string, error) {
			c.note("GenerateID", r.Header)
			return strings.ReplaceAll(r.Header.Get("Test-Name"), " ", "-"), nil
		},
		InitialHeaders: func(_ http.Header, r *http.Request) { c.note("InitialHeaders", r.Header) },
		Headers:        func(_ http.Header, r *http.Request) { c.note("Headers", r.Header) },
	})
}

func TestCookiesOfForeignPages(t *testing.T) {
	const (
		shown = iota
		hidden
	)
	for _, row := range []struct {
		name    string
		cors    *engineio.CORS
		host    string
		headers []string
		want    int
	}{
		{"any origin", &engineio.CORS{Origins: []string{"*"}}, "", []string{"Origin", "https://evil.example"}, hidden},
		{"any origin, a frame in a sandbox", &engineio.CORS{Origins: []string{"*"}}, "", []string{"Origin", "null"}, hidden},
		{"any origin, a subdomain", &engineio.CORS{Origins: []string{"*"}}, "", []string{"Origin", "http://a.chat.example", "Sec-Fetch-Site", "same-site"}, hidden},
		{"any origin, another port", &engineio.CORS{Origins: []string{"*"}}, "", []string{"Origin", "http://chat.example:8080"}, hidden},
		{"a pattern", &engineio.CORS{Origins: []string{"https://*.example"}}, "", []string{"Origin", "https://evil.example"}, hidden},
		{"on the list", &engineio.CORS{Origins: []string{"https://friend.example"}}, "", []string{"Origin", "https://friend.example"}, hidden},
		{"null on the list", &engineio.CORS{Origins: []string{"null"}}, "", []string{"Origin", "null"}, hidden},
		{"AllowOrigin", &engineio.CORS{AllowOrigin: func(*http.Request, string) bool { return true }}, "", []string{"Origin", "https://evil.example"}, hidden},
		{"on the list, with credentials", &engineio.CORS{Origins: []string{"https://friend.example"}, AllowCredentials: true}, "", []string{"Origin", "https://friend.example"}, shown},
		{"AllowOrigin, with credentials", &engineio.CORS{AllowOrigin: func(*http.Request, string) bool { return true }, AllowCredentials: true}, "", []string{"Origin", "https://friend.example"}, shown},
		{"its own page", &engineio.CORS{Origins: []string{"*"}}, "", []string{"Origin", "http://chat.example"}, shown},
		{"its own page, as the browser says", &engineio.CORS{Origins: []string{"*"}}, "internal", []string{"Origin", "http://chat.example", "Sec-Fetch-Site", "same-origin"}, shown},
		{"no page", &engineio.CORS{Origins: []string{"*"}}, "", nil, shown},
		{"its own page, without CORS", nil, "", []string{"Origin", "http://chat.example"}, shown},
		{"no page, without CORS", nil, "", nil, shown},
	} {
		t.Run(row.name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				watch := &cookieWatch{seen: make(map[string]bool)}
				r := w.serve(hosting{options: watch.options(row.cors), onOpen: func(s *side) {
					watch.note("Conn.Handshake", s.Handshake().Header())
					if got := s.Handshake().HeaderValue("Cookie"); (got != "") != (row.want == shown) {
						t.Errorf("HeaderValue is %q", got)
					}
				}})
				r.srv.Use(func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						watch.note("Use", r.Header)
						next.ServeHTTP(w, r)
					})
				})
				if row.host != "" {
					r.host = row.host
				}
				with := func(name string) []string {
					return append(slices.Clone(row.headers), "Cookie", "login=secret", "Cookie", "b=c", "Test-Name", name)
				}
				check := func(kind string, want ...string) {
					t.Helper()
					r.quiet()
					got, other := watch.take()
					if row.want == hidden {
						got, other = other, got
					}
					slices.Sort(want)
					if !slices.Equal(got, want) || len(other) != 0 {
						t.Errorf("%s: right in %q, wrong in %q; want %q", kind, got, other, want)
					}
				}
				opens := []string{"Handshake", "GenerateID", "InitialHeaders", "Headers", "Conn.Handshake", "Use"}
				names := []string{"SessionBinding", "SessionBinding's handshake", "Headers", "Use"}
				p := r.polling(with("p")...)
				check("polling", opens...)
				p.post("4x", with("")...)
				check("POST", names...)
				r.get(p.query, with("")...)
				check("GET", names...)
				r.openWebSocket("EIO=4&transport=websocket&sid="+p.id(), with("")...)
				check("upgrade", names...)
				r.websocket(with("w")...)
				check("WebSocket", opens...)
				r.get("EIO=3&transport=polling", with("r")...)
				check("polling of EIO 3", opens...)
				r.openWebSocket("EIO=3&transport=websocket", with("q")...)
				check("WebSocket of EIO 3", opens...)
				r.webtransport(with("s")...)
				check("WebTransport", "Handshake", "GenerateID", "Conn.Handshake")
			})
		})
	}
}

// Behind a proxy that changes Host a page counts as same-origin if its session has shown
// that.
func TestCookiesOfAnUpgradeWhereHostIsChanged(t *testing.T) {
	for _, cors := range []*engineio.CORS{nil, {Origins: []string{"*"}}} {
		inMemory(t, func(w *world) {
			watch := &cookieWatch{seen: make(map[string]bool)}
			r := w.serve(hosting{options: watch.options(cors)})
			r.host = "internal:8080"
			for i, first := range [][]string{pageGET, pagePOST} {
				p := r.polling(append(slices.Clone(first), "Cookie", "login=a", "Test-Name", string('a'+rune(i)))...)
				if i == 0 {
					p.post("4x", append(slices.Clone(pagePOST), "Cookie", "login=a")...)
				}
				watch.take()
				r.openWebSocket("EIO=4&transport=websocket&sid="+p.id(), append(slices.Clone(pageSocket), "Cookie", "login=a")...)
				if with, without := watch.take(); !slices.Contains(with, "SessionBinding") {
					t.Errorf("the page's own upgrade: the cookie is hidden in %q", without)
				}
			}
			if cors == nil {
				return
			}
			// A session opened by a foreign page passes its Origin on, but not as the
			// server's own.
			p := r.polling(append(slices.Clone(evilFetch), "Cookie", "login=a", "Test-Name", "e")...)
			p.post("4x", append(slices.Clone(evilFetch), "Cookie", "login=a")...)
			r.openWebSocket("EIO=4&transport=websocket&sid="+p.id(), append(slices.Clone(evilSocket), "Cookie", "login=a")...)
			watch.take()
			// Nor does a session of a client that is not a browser.
			p = r.polling("Test-Name", "c")
			watch.take()
			r.openWebSocket("EIO=4&transport=websocket&sid="+p.id(), append(slices.Clone(evilSocket), "Cookie", "login=a")...)
			if with, _ := watch.take(); len(with) != 0 {
				t.Errorf("a foreign page with the id of curl's session: the cookie is shown in %q", with)
			}
		})
	}
}

// The request of the HTTP server keeps its header: a copy is changed.
func TestCookiesOfTheHost(t *testing.T) {
	inMemory(t, func(w *world) {
		left := make(chan string, 1)
		r := w.serve(hosting{options: &engineio.Options{CORS: &engineio.CORS{Origins: []string{"*"}}}, wrap: func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				left <- r.Header.Get("Cookie")
			})
		}})
		r.polling("Origin", "https://evil.example", "Cookie", "a=b")
		if got := <-left; got != "a=b" {
			t.Errorf("the host's request has Cookie %q", got)
		}
	})
}
