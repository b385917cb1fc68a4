// SPDX-License-Identifier: MIT

// This file tests the cookie of a session: where it is set, its attributes, and what it
// never contains.

package engineio_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// cookies returns the cookies that a response sets.
func cookies(h http.Header) []*http.Cookie { return (&http.Response{Header: h}).Cookies() }

func TestCookieComesWithThePollingHandshakeAlone(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{Cookie: new(engineio.Cookie)}})
		p := r.polling()
		first := p.raw.header["Set-Cookie"]
		if len(first) != 1 || !strings.HasPrefix(first[0], "io=") || !strings.HasSuffix(first[0], "; Path=/; HttpOnly; SameSite=Lax") {
			w.t.Fatalf("the handshake sets %q", first)
		}
		value := cookies(p.raw.header)[0].Value
		if len(value) != 20 || value == p.id() || strings.Contains(first[0], p.id()) {
			w.t.Errorf("the cookie of session %q has the value %q", p.id(), value)
		}
		if again := cookies(r.polling().raw.header)[0].Value; again == value {
			w.t.Error("two sessions have the same cookie")
		}
		posted := p.post("4x")
		polled := p.answer()
		upgraded := p.upgrade()
		for what, h := range map[string]http.Header{
			"a POST": posted.header, "a poll": polled.header, "an upgrade": upgraded.header, "a WebSocket": r.websocket().header,
			"a refusal": r.get("EIO=4&transport=pigeon").header,
		} {
			if got := h["Set-Cookie"]; got != nil {
				w.t.Errorf("%s sets %q", what, got)
			}
		}
	})
}

func TestCookieAttributes(t *testing.T) {
	inMemory(t, func(w *world) {
		expires := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
		for want, c := range map[string]*engineio.Cookie{
			"node=*; Path=/chat; Domain=chat.example; Expires=Mon, 03 Feb 2031 04:05:06 GMT; Max-Age=3600; HttpOnly; Secure; SameSite=Strict": {
				Name: "node", Path: "/chat", Domain: "chat.example", Expires: expires, MaxAge: time.Hour,
				Secure: true, SameSite: http.SameSiteStrictMode,
			},
			"io=*; Path=/; Max-Age=1; Secure; SameSite=None; Partitioned": {
				MaxAge: time.Millisecond, Secure: true, ScriptsMayRead: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
			},
			"io=*; Path=/; HttpOnly":                                {SameSite: http.SameSiteDefaultMode},
			"io=*; Path=/; HttpOnly; SameSite=Lax; Priority=Low":    {Priority: "low"},
			"io=*; Path=/; HttpOnly; SameSite=Lax; Priority=Medium": {Priority: "Medium"},
			"io=*; Path=/; HttpOnly; Secure; SameSite=None; Partitioned; Priority=High": {
				Priority: "high", Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
			},
		} {
			r := w.serve(hosting{options: &engineio.Options{Cookie: c}})
			h := r.polling().raw.header
			got := strings.Replace(h.Get("Set-Cookie"), cookies(h)[0].Value, "*", 1)
			if got != want {
				w.t.Errorf("the cookie is\n%s, want\n%s", got, want)
			}
		}
	})
}

// For a client that uses TLS the cookie is Secure.
func TestCookieIsSecureOverTLS(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{
			options: &engineio.Options{Cookie: new(engineio.Cookie), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		})
		if c := cookies(r.polling("X-Forwarded-Proto", "https").raw.header)[0]; !c.Secure {
			w.t.Error("over TLS the cookie is not Secure")
		}
		if c := cookies(r.polling().raw.header)[0]; c.Secure {
			w.t.Error("without TLS the cookie is Secure")
		}
	})
}

func TestCookiesThatNoBrowserTakes(t *testing.T) {
	for mistake, c := range map[string]*engineio.Cookie{
		"Cookie.Name":            {Name: "a b"},
		"Cookie.Path":            {Path: "/a;b"},
		"begin with a slash":     {Path: "chat"},
		"Cookie.Domain":          {Domain: "chat_example..com"},
		"Cookie.Expires":         {Expires: time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC)},
		"MaxAge":                 {MaxAge: -time.Second},
		"SameSite must be":       {SameSite: 9},
		"SameSite=None needs":    {SameSite: http.SameSiteNoneMode},
		"partitioned cookies":    {Partitioned: true},
		"Priority must be":       {Priority: "high; Domain=example.com"},
		"Options.Cookie: http: ": {Name: "a\r\nSet-Cookie: b"},
	} {
		func() {
			defer func() {
				text, _ := recover().(string)
				if !strings.HasPrefix(text, "engineio: Options.Cookie: ") || !strings.Contains(text, mistake) {
					t.Errorf("%+v: the panic says %q, want something of %q", c, text, mistake)
				}
			}()
			engineio.NewServer(&engineio.Options{Cookie: c}, nil)
		}()
	}
}
