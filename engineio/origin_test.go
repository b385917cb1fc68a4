// SPDX-License-Identifier: MIT

// This file tests the origin rule and CORS: which origins may connect, the same for every
// kind of request, and which headers of a trusted proxy count.

package engineio_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// wantAdmission makes each kind of request with the headers and expects that all are
// accepted, or that all are rejected with 403.
func (r *rig) wantAdmission(what string, admitted bool, headers ...string) {
	r.t.Helper()
	p := r.polling()
	s := r.side(p.id())
	s.say("x") // so that a poll is answered
	answers := map[string]reply{
		"handshake": r.get("EIO=4&transport=polling", headers...),
		"poll":      r.get(p.query, headers...),
		"post":      p.post("4x", headers...),
	}
	for kind, query := range map[string]string{
		"websocket": "EIO=4&transport=websocket",
		"upgrade":   "EIO=4&transport=websocket&sid=" + p.id(),
	} {
		c, resp, err := r.shake(query, headers...)
		if err != nil {
			r.t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		answers[kind] = reply{resp.StatusCode, resp.Header, string(body), nil}
		if c != nil {
			c.Close()
		}
	}
	for kind, got := range answers {
		if !admitted {
			r.wantRefusal(what+": "+kind, got, 403, 4, "Forbidden")
		} else if got.err != nil || got.status != 200 && got.status != 101 {
			r.t.Errorf("%s: %s was refused: %d %s (%v)", what, kind, got.status, got.body, got.err)
		}
	}
	if !admitted {
		s.wantOpen(what + ": a refused request does not touch the session")
	}
	s.Close()
}

func TestOriginRule(t *testing.T) {
	rows := []struct {
		name     string
		host     string
		headers  []string
		admitted bool
	}{
		{"no origin: no browser", "chat.example", nil, true},
		{"the same origin", "chat.example", []string{"Origin", "http://chat.example"}, true},
		{"the same, in capitals", "chat.example", []string{"Origin", "http://CHAT.example"}, true},
		{"the same, with a port", "chat.example:3000", []string{"Origin", "http://chat.example:3000"}, true},
		{"an address with a port", "127.0.0.1:3000", []string{"Origin", "http://127.0.0.1:3000"}, true},
		{"an IPv6 address", "[::1]:3000", []string{"Origin", "http://[::1]:3000"}, true},
		{"an IPv6 address, default port", "[::1]:80", []string{"Origin", "http://[::1]"}, true},
		{"default port of http", "chat.example", []string{"Origin", "http://chat.example:80"}, true},
		{"default port of the host", "chat.example:80", []string{"Origin", "http://chat.example"}, true},
		{"default port of https", "chat.example:443", []string{"Origin", "https://chat.example"}, true},
		{"the scheme differs: a proxy may have ended TLS", "chat.example", []string{"Origin", "https://chat.example"}, true},
		{"the scheme of a WebSocket", "chat.example", []string{"Origin", "ws://chat.example"}, true},
		{"port 443 of http", "chat.example", []string{"Origin", "http://chat.example:443"}, false},
		{"port 80 of https", "chat.example", []string{"Origin", "https://chat.example:80"}, false},
		{"port 443 of ws", "chat.example", []string{"Origin", "ws://chat.example:443"}, false},
		{"port 80 of wss", "chat.example", []string{"Origin", "wss://chat.example:80"}, false},
		{"a host with the other default port", "chat.example:443", []string{"Origin", "http://chat.example"}, false},
		{"a host with the other default port, the other way", "chat.example:80", []string{"Origin", "https://chat.example"}, false},
		{"port 443 of http on both", "chat.example:443", []string{"Origin", "http://chat.example:443"}, true},
		{"port 80 of https on both", "chat.example:80", []string{"Origin", "https://chat.example:80"}, true},
		{"an IPv6 address, the other default port", "[::1]:443", []string{"Origin", "http://[::1]"}, false},
		{"an IPv6 address that ends as a port", "[::80]", []string{"Origin", "http://[::80]"}, true},
		{"an IPv6 address that ends as a default port", "[1::443]", []string{"Origin", "http://[1:]"}, false},
		{"an empty port", "chat.example:", []string{"Origin", "http://chat.example"}, true},
		{"a user", "chat.example", []string{"Origin", "http://evil@chat.example"}, false},
		{"a path", "chat.example", []string{"Origin", "http://chat.example/path"}, false},
		{"a query", "chat.example", []string{"Origin", "http://chat.example?x"}, false},
		{"another port", "chat.example", []string{"Origin", "http://chat.example:8080"}, false},
		{"the port is missing", "chat.example:3000", []string{"Origin", "http://chat.example"}, false},
		{"another host", "chat.example", []string{"Origin", "http://evil.example"}, false},
		{"a subdomain", "chat.example", []string{"Origin", "http://a.chat.example"}, false},
		{"a longer name", "chat.example", []string{"Origin", "http://chat.example.evil.example"}, false},
		{"null", "chat.example", []string{"Origin", "null"}, false},
		{"an app scheme", "chat.example", []string{"Origin", "capacitor://chat.example"}, false},
		{"a file", "chat.example", []string{"Origin", "file://"}, false},
		{"no URL", "chat.example", []string{"Origin", "chat.example"}, false},
		{"Sec-Fetch-Site same-origin", "internal:8080", []string{"Origin", "https://chat.example", "Sec-Fetch-Site", "same-origin"}, true},
		{"Sec-Fetch-Site none", "internal:8080", []string{"Origin", "https://chat.example", "Sec-Fetch-Site", "none"}, true},
		{"Sec-Fetch-Site cross-site", "chat.example", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, false},
		{"Sec-Fetch-Site same-site", "chat.example", []string{"Origin", "http://a.chat.example", "Sec-Fetch-Site", "same-site"}, false},
		{"X-Forwarded-Host from a stranger", "chat.example", []string{"Origin", "http://evil.example", "X-Forwarded-Host", "evil.example"}, false},
	}
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		for _, row := range rows {
			r.host = row.host
			r.wantAdmission(row.name, row.admitted, row.headers...)
		}
	})
	overTCP(t, func(w *world) {
		r := w.serve(hosting{})
		r.wantAdmission("the same origin", true, "Origin", "http://chat.example")
		r.wantAdmission("another origin", false, "Origin", "http://evil.example")
	})
}

func TestAllowList(t *testing.T) {
	inMemory(t, func(w *world) {
		list := &engineio.CORS{
			Origins:     []string{"https://one.example", "https://*.wild.example", "capacitor://localhost"},
			AllowOrigin: func(_ *http.Request, origin string) bool { return origin == "https://asked.example" },
		}
		r := w.serve(hosting{options: &engineio.Options{CORS: list}})
		for origin, admitted := range map[string]bool{
			"https://one.example":              true,
			"https://ONE.example":              true,
			"http://one.example":               false,
			"https://one.example:8443":         false,
			"https://a.wild.example":           true,
			"https://a.b.wild.example":         true,
			"https://wild.example":             false,
			"http://a.wild.example":            false,
			"https://a.wild.example.evil":      false,
			"https://evil/.wild.example":       false,
			"https://u:p@x.wild.example":       false,
			"https://notwild.example":          false,
			"capacitor://localhost":            true,
			"null":                             false,
			"https://asked.example":            true,
			"http://chat.example":              true,
			"https://a.wild.example:1":         false,
			"https://a:1.wild.example":         false,
			"https://x.one.example":            false,
			"https://evil.example/one.example": false,
		} {
			r.wantAdmission(origin, admitted, "Origin", origin)
		}
		r = w.serve(hosting{options: &engineio.Options{CORS: &engineio.CORS{Origins: []string{"null"}}}})
		r.wantAdmission("null on the list", true, "Origin", "null")
		r = w.serve(hosting{options: &engineio.Options{CORS: &engineio.CORS{Origins: []string{"*"}}}})
		r.wantAdmission("anyone", true, "Origin", "http://evil.example")
	})
}

// An Origin that no request can have panics, and the panic suggests the intended one.
func TestOriginsThatAreNone(t *testing.T) {
	check := func(origin string) (said string) {
		defer func() { said, _ = recover().(string) }()
		engineio.NewServer(&engineio.Options{CORS: &engineio.CORS{Origins: []string{"null", origin}}}, nil).Close()
		return ""
	}
	for _, origin := range []string{
		"*", "null", "https://example.com", "HTTPS://Example.COM", "http://localhost:3000", "http://127.0.0.1:80", "http://[::1]:3000",
		"https://*.example.com", "https://*.example.com:8443", "https://xn--bcher-kva.example", "capacitor://localhost", "file://",
		"chrome-extension://abcdefgh", "app+x.y-z://some_name", "https://a.b:65535",
	} {
		if said := check(origin); said != "" {
			t.Errorf("%q: panics with %q", origin, said)
		}
	}
	for origin, meant := range map[string]string{
		"https://a.b/":                "https://a.b",
		"https://a.b/path?x#y":        "https://a.b",
		"https://*.a.b/":              "https://*.a.b",
		"chrome-extension://abcdefg/": "chrome-extension://abcdefg",
		"file:///":                    "file://",
		"localhost:3000":              "http://localhost:3000",
		"localhost":                   "http://localhost",
		"127.0.0.1:3000/":             "http://127.0.0.1:3000",
		"[::1]:3000":                  "http://[::1]:3000",
		"::1":                         "http://[::1]",
		"example.com":                 "https://example.com",
		"*.example.com":               "https://*.example.com",
		" https://a.b":                "https://a.b",
		"":                            "", "https://": "", "https://*": "", "http://localhost:*": "", "https://a.*.b": "",
		"https://user@a.b": "", "https://bücher.example": "", "://a.b": "", "https://a.b:port": "", "https://a.b:": "", "https://a.b:65536": "", "ht tp://a.b": "",
		"http://[a.b]": "", "https://a b": "",
	} {
		want := fmt.Sprintf("engineio: CORS: %q is not an origin; ", origin)
		if meant != "" {
			want += fmt.Sprintf("write %q", meant)
		} else {
			want += `one is "https://example.com", `
		}
		if said := check(origin); !strings.HasPrefix(said, want) {
			t.Errorf("%q: panics with %q, want %q", origin, said, want)
		}
	}
}

// Every site can have the origin "null": a sandboxed frame has it.
func TestOpenOriginsWithCredentialsPanic(t *testing.T) {
	for _, origins := range [][]string{{"*"}, {"null"}, {"NULL"}, {"https://a.example", "null"}, {"https://a.example", "*"}} {
		func() {
			defer func() {
				if s, _ := recover().(string); !strings.Contains(s, "AllowCredentials") || !strings.Contains(s, "list the origins") {
					t.Errorf("%q: the panic says %q", origins, s)
				}
			}()
			engineio.NewServer(&engineio.Options{CORS: &engineio.CORS{Origins: origins, AllowCredentials: true}}, nil).Close()
		}()
	}
	engineio.NewServer(&engineio.Options{CORS: &engineio.CORS{Origins: []string{"null"}}}, nil).Close()
}

func TestCORSHeaders(t *testing.T) {
	inMemory(t, func(w *world) {
		cors := &engineio.CORS{
			Origins:          []string{"https://one.example"},
			AllowCredentials: true,
			ExposedHeaders:   []string{"X-One", "X-Two"},
			MaxAge:           time.Minute,
		}
		r := w.serve(hosting{options: &engineio.Options{CORS: cors}})
		const origin = "https://one.example"
		p := r.polling("Origin", origin)
		c := r.websocket("Origin", origin)
		for what, header := range map[string]http.Header{
			"the handshake":          p.raw.header,
			"a POST":                 p.post("4x", "Origin", origin).header,
			"a poll":                 r.get(p.query, "Origin", origin).header,
			"the 101":                c.header,
			"an unknown transport":   r.get("EIO=4", "Origin", origin).header,
			"an unknown session":     r.get("EIO=4&transport=polling&sid=a", "Origin", origin).header,
			"a bad handshake method": r.post("EIO=4&transport=polling", "", "Origin", origin).header,
			"a refused WebSocket":    r.dialRefused("EIO=3&transport=websocket", "Origin", origin).header,
			"a session's 400":        p.post("4x", "Origin", origin, "Content-Type", "application/octet-stream").header,
		} {
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin":      origin,
				"Access-Control-Allow-Credentials": "true",
				"Access-Control-Expose-Headers":    "X-One,X-Two",
				"Vary":                             "Origin",
			} {
				if got := header.Get(name); got != want {
					w.t.Errorf("%s: %s is %q, want %q", what, name, got, want)
				}
			}
		}
		got := r.get("EIO=4&transport=polling", "Origin", "https://evil.example")
		r.wantRefusal("another origin", got, 403, 4, "Forbidden")
		if h := got.header.Get("Access-Control-Allow-Origin"); h != "" || got.header.Get("Vary") != "Origin" {
			w.t.Errorf("another origin: allowed %q, Vary %q", h, got.header.Get("Vary"))
		}
	})
}

func TestPreflight(t *testing.T) {
	inMemory(t, func(w *world) {
		ask := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-a, x-b"}
		preflight := func(c *engineio.CORS, origin string) reply {
			r := w.serve(hosting{options: &engineio.Options{CORS: c}})
			return r.do(w.t.Context(), "OPTIONS", "EIO=4&transport=polling", nil, append(ask, "Origin", origin)...)
		}
		check := func(what string, got reply, want map[string]string) {
			w.t.Helper()
			if got.err != nil || got.status != 204 || got.body != "" {
				w.t.Fatalf("%s: got %d %q (%v), want 204", what, got.status, got.body, got.err)
			}
			for name, value := range want {
				if v := strings.Join(got.header.Values(name), ", "); v != value {
					w.t.Errorf("%s: %s is %q, want %q", what, name, v, value)
				}
			}
		}
		list := []string{"https://one.example"}
		check("the defaults", preflight(&engineio.CORS{Origins: list}, list[0]), map[string]string{
			"Access-Control-Allow-Origin":  list[0],
			"Access-Control-Allow-Methods": "GET,POST,OPTIONS",
			"Access-Control-Allow-Headers": "x-a, x-b",
			"Access-Control-Max-Age":       "",
			"Vary":                         "Origin, Access-Control-Request-Headers",
		})
		check("all chosen", preflight(&engineio.CORS{Origins: list, Methods: []string{"GET"}, AllowedHeaders: []string{"x-a"}, MaxAge: time.Hour}, list[0]), map[string]string{
			"Access-Control-Allow-Methods": "GET",
			"Access-Control-Allow-Headers": "x-a",
			"Access-Control-Max-Age":       "3600",
			"Vary":                         "Origin",
		})
		check("another origin", preflight(&engineio.CORS{Origins: list}, "https://evil.example"), map[string]string{
			"Access-Control-Allow-Origin":  "",
			"Access-Control-Allow-Methods": "",
			"Access-Control-Allow-Headers": "",
		})
		r := w.serve(hosting{})
		r.wantRefusal("without CORS", r.do(w.t.Context(), "OPTIONS", "EIO=4&transport=polling", nil), 400, 2, "Bad handshake method")
	})
}

func TestTrustedProxies(t *testing.T) {
	inMemory(t, func(w *world) {
		// The peers of memnet are at 127.0.0.1.
		trusting := func(prefixes ...string) *rig {
			var list []netip.Prefix
			for _, p := range prefixes {
				list = append(list, netip.MustParsePrefix(p))
			}
			return w.serve(hosting{options: &engineio.Options{TrustedProxies: list}})
		}
		r := trusting("127.0.0.0/8")
		r.host = "internal:8080"
		r.wantAdmission("the host a trusted proxy names", true, "Origin", "https://chat.example", "X-Forwarded-Host", "chat.example")
		r.wantAdmission("the last host counts", true, "Origin", "https://chat.example", "X-Forwarded-Host", "evil.example, chat.example")
		r.wantAdmission("without a space too", true, "Origin", "https://chat.example", "X-Forwarded-Host", "evil.example,chat.example")
		r.wantAdmission("the first does not", false, "Origin", "https://evil.example", "X-Forwarded-Host", "evil.example, chat.example")
		r.wantAdmission("another host", false, "Origin", "https://evil.example", "X-Forwarded-Host", "chat.example")
		r.wantAdmission("a proxy that names none", true, "Origin", "http://internal:8080")

		address := func(r *rig, headers ...string) string {
			return r.side(r.polling(headers...).id()).Handshake().RemoteAddr
		}
		for _, row := range []struct {
			what    string
			trusted []string
			chain   []string // values of X-Forwarded-For
			want    string
		}{
			{"nobody is trusted", nil, []string{"1.2.3.4"}, "127.0.0.1"},
			{"the peer is not trusted", []string{"10.0.0.0/8"}, []string{"1.2.3.4"}, "127.0.0.1"},
			{"one proxy", []string{"127.0.0.1/32"}, []string{"1.2.3.4"}, "1.2.3.4"},
			{"a forged chain", []string{"127.0.0.1/32"}, []string{"9.9.9.9, 1.2.3.4"}, "1.2.3.4"},
			{"two proxies", []string{"127.0.0.1/32", "10.0.0.0/8"}, []string{"9.9.9.9, 1.2.3.4, 10.1.1.1"}, "1.2.3.4"},
			{"two header lines", []string{"127.0.0.1/32", "10.0.0.0/8"}, []string{"9.9.9.9, 1.2.3.4", "10.1.1.1"}, "1.2.3.4"},
			{"all are proxies", []string{"127.0.0.1/32", "10.0.0.0/8"}, []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
			{"IPv6", []string{"127.0.0.1/32"}, []string{"2001:db8::1"}, "2001:db8::1"},
			{"with a port", []string{"127.0.0.1/32"}, []string{"1.2.3.4:5678"}, "1.2.3.4:5678"},
			{"rubbish", []string{"127.0.0.1/32"}, []string{"1.2.3.4, unknown"}, "127.0.0.1"},
			{"rubbish beyond a proxy", []string{"127.0.0.1/32", "10.0.0.0/8"}, []string{"1.2.3.4, unknown", "10.1.1.1"}, "10.1.1.1"},
			{"IPv6 in capitals, with zeros", []string{"127.0.0.1/32"}, []string{"2001:0DB8:0:0::0001"}, "2001:db8::1"},
			{"IPv6 in brackets", []string{"127.0.0.1/32"}, []string{"[2001:DB8::1]"}, "2001:db8::1"},
			{"IPv6 with a port", []string{"127.0.0.1/32"}, []string{"[2001:DB8::1]:0443"}, "[2001:db8::1]:443"},
			{"IPv6 with a zone", []string{"127.0.0.1/32"}, []string{"fe80::1%eth0"}, "fe80::1"},
			{"a zone of any text", []string{"127.0.0.1/32"}, []string{"fe80::1%\t<b>\u00e9"}, "fe80::1"},
			{"a zone in brackets", []string{"127.0.0.1/32"}, []string{"[fe80::1%eth0]:80"}, "[fe80::1]:80"},
			{"IPv4 as IPv6", []string{"127.0.0.1/32"}, []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
			{"IPv4 as IPv6, with a port", []string{"127.0.0.1/32"}, []string{"[::ffff:1.2.3.4]:80"}, "1.2.3.4:80"},
			{"IPv4 as IPv6, with a zone", []string{"127.0.0.1/32"}, []string{"::ffff:1.2.3.4%1"}, "1.2.3.4"},
			{"a proxy in another form", []string{"127.0.0.1/32", "10.0.0.0/8"}, []string{"1.2.3.4, [::ffff:10.1.1.1]:80"}, "1.2.3.4"},
			{"an option in another form", []string{"127.0.0.1/32", "::ffff:10.0.0.0/104"}, []string{"1.2.3.4, 10.1.1.1"}, "1.2.3.4"},
			{"tabs and spaces", []string{"127.0.0.1/32"}, []string{"9.9.9.9,\t 1.2.3.4 \t"}, "1.2.3.4"},
			{"quotes", []string{"127.0.0.1/32"}, []string{`"[2001:db8::1]:4711"`}, "[2001:db8::1]:4711"},
			{"quotes around nothing", []string{"127.0.0.1/32"}, []string{`""`}, "127.0.0.1"},
			{"one quote", []string{"127.0.0.1/32"}, []string{`"1.2.3.4`}, "127.0.0.1"},
			{"one bracket", []string{"127.0.0.1/32"}, []string{"[2001:db8::1"}, "127.0.0.1"},
			{"two brackets", []string{"127.0.0.1/32"}, []string{"[[2001:db8::1]]"}, "127.0.0.1"},
			{"IPv4 in brackets", []string{"127.0.0.1/32"}, []string{"[1.2.3.4]"}, "127.0.0.1"},
			{"an obfuscated name", []string{"127.0.0.1/32"}, []string{"_hidden"}, "127.0.0.1"},
			{"a host name", []string{"127.0.0.1/32"}, []string{"chat.example:80"}, "127.0.0.1"},
			{"an invalid port", []string{"127.0.0.1/32"}, []string{"1.2.3.4:99999"}, "127.0.0.1"},
			{"an empty port", []string{"127.0.0.1/32"}, []string{"1.2.3.4:"}, "127.0.0.1"},
			{"leading zeros", []string{"127.0.0.1/32"}, []string{"010.0.0.1"}, "127.0.0.1"},
			{"an empty element", []string{"127.0.0.1/32"}, []string{"1.2.3.4,"}, "127.0.0.1"},
			{"an empty line", []string{"127.0.0.1/32"}, []string{"1.2.3.4", ""}, "127.0.0.1"},
			{"a unix socket named by a client", []string{"127.0.0.1/32"}, []string{"1.2.3.4, @"}, "127.0.0.1"},
			{"a unix socket as nginx writes it", []string{"127.0.0.1/32"}, []string{"1.2.3.4, unix:"}, "127.0.0.1"},
			{"none", []string{"127.0.0.1/32"}, nil, "127.0.0.1"},
		} {
			var headers []string
			for _, v := range row.chain {
				headers = append(headers, "X-Forwarded-For", v)
			}
			got := address(trusting(row.trusted...), headers...)
			if host, _, ok := strings.Cut(got, ":"); ok && row.want == "127.0.0.1" {
				got = host
			}
			if got != row.want {
				w.t.Errorf("%s: the address is %s, want %s", row.what, got, row.want)
			}
		}
	})
}

func TestCORSHeadersOnErrors(t *testing.T) {
	t.Run("trap 04", func(t *testing.T) {
		const app = "http://app.example"
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{CORS: &engineio.CORS{Origins: []string{app}, AllowCredentials: true}, Handshake: screen}})
			p := r.polling("Origin", app)
			for what, got := range map[string]reply{
				"unknown transport":      r.get("EIO=4&transport=x", "Origin", app),
				"unknown session":        r.get("EIO=4&transport=polling&sid=x", "Origin", app),
				"bad method":             r.post("EIO=4&transport=polling", "", "Origin", app),
				"bad request":            r.get("EIO=4&transport=websocket", "Origin", app),
				"forbidden":              r.get("EIO=4&transport=polling&who=banned", "Origin", app),
				"unsupported version":    r.get("EIO=3&transport=polling", "Origin", app),
				"a refused upgrade":      r.dialRefused("EIO=3&transport=websocket", "Origin", app),
				"an invalid body's type": p.post("4x", "Origin", app, "Content-Type", "application/octet-stream"),
			} {
				h := got.header
				if got.status < 400 || h.Get("Access-Control-Allow-Origin") != app || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
					w.t.Errorf("%s: got %d %v (%v), want an error with the headers of an answer to %s", what, got.status, h, got.err, app)
				}
			}
		})
	})
}
