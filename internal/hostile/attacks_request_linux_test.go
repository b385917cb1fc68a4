// SPDX-License-Identifier: MIT

// This file holds attacks with malformed requests.

package hostile

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// shapes are malformed requests. Each must be answered, or its connection closed.
func shapes() []string {
	const unknown = "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA"
	all := []string{
		request("POST", unknown, "4x", "Content-Type: application/octet-stream"),
		request("POST", unknown, "4x", "Content-Encoding: gzip"),
		request("POST", unknown, "4x", "Expect: 100-continue"),
		request("POST", unknown, "4x", "Expect: something"),
		request("POST", "EIO=4&transport=polling", "4x"),
		request("POST", "", ""),
		request("GET", "", ""),
		request("GET", "EIO=4", ""),
		request("GET", "transport=polling", ""),
		request("GET", "EIO=4&transport=carrier%20pigeon", ""),
		request("GET", "EIO=4&transport=polling&sid=%zz", ""),
		request("GET", "EIO=4&transport=polling&j=0", ""),
		request("GET", "EIO=4;transport=polling", ""),
		request("GET", strings.Repeat("a", 8000), ""),
		request("GET", strings.Repeat("a", 40_000), ""),
		request("GET", strings.Repeat("&", 10_000), ""),
		request("GET", unknown, "", "Origin: http://elsewhere.example"),
		request("GET", unknown, "", "Origin: null"),
		request("GET", unknown, "", "Origin: "+strings.Repeat("x", 10_000)),
		request("GET", "EIO=4&transport=websocket", ""),
		request("GET", "EIO=4&transport=websocket", "", "Upgrade: websocket"),
		strings.Replace(upgrade("EIO=4&transport=websocket"), "13", "12", 1),
		strings.Replace(upgrade("EIO=4&transport=websocket"), "dGhl", "!!!!", 1),
		strings.Replace(upgrade("EIO=4&transport=websocket"), "GET", "POST", 1),
		strings.NewReplacer("HTTP/1.1", "HTTP/1.0", "Connection: Upgrade", "Connection: close").Replace(upgrade("EIO=4&transport=websocket")),
		strings.Replace(upgrade("EIO=4&transport=polling"), "websocket", "h2c", 1),
		"GET /socket.io/ HTTP/1.1\r\n\r\n",
		"GET /socket.io/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET /socket.io/ HTTP/9.9\r\nHost: target\r\n\r\n",
		"GET  /socket.io/  HTTP/1.1\r\nHost: target\r\n\r\n",
		"GET http://target/socket.io/?EIO=4&transport=x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: target\r\nConnection: close\r\n\r\n",
		"CONNECT target:80 HTTP/1.1\r\nHost: target\r\nConnection: close\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nno colon\r\n\r\n",
		"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nA\x00B: c\r\n\r\n",
		"GET /socket.io/?\x00 HTTP/1.1\r\nHost: target\r\n\r\n",
		"POST /socket.io/?" + unknown + " HTTP/1.1\r\nHost: target\r\nContent-Length: -1\r\n\r\n",
		"POST /socket.io/?" + unknown + " HTTP/1.1\r\nHost: target\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST /socket.io/?" + unknown + " HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: gzip\r\n\r\n",
		"POST /socket.io/?" + unknown + " HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
		"POST /socket.io/?" + unknown + " HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nffffffffffffffff0\r\n",
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"} {
		all = append(all, request(method, unknown, ""), request(method, "EIO=4&transport=polling", ""))
	}
	return all
}

// smuggling are bytes on one connection that parties may cut into requests
// differently, and the statuses they get, until the connection closes. The request
// inside, for /smuggled, is served only where no party could miss it.
var smuggling = []struct{ name, bytes, statuses string }{
	{"two lengths that differ", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\n12345" + inside, "400"},
	{"two lengths in one line", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nContent-Length: 5, 50\r\n\r\n12345" + inside, "400"},
	{"a length with a sign", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nContent-Length: +5\r\n\r\n12345" + inside, "400"},
	{"length and chunks", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nContent-Length: 45\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inside, "400"},
	{"chunks, and then something else", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inside, "501"},
	{"chunks twice", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inside, "501"},
	{"chunks by another name", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inside, "501"},
	{"a space before the colon", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nContent-Length : 0\r\n\r\n" + inside, "400"},
	{"a folded line", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nTransfer-Encoding:\r\n chunked\r\nConnection: close\r\n\r\n0\r\n\r\n" + inside, "400"},
	{"lines that end in LF", "GET /socket.io/?EIO=4 HTTP/1.1\nHost: target\nConnection: close\n\n" + inside, "400"},
	{"a chunk that ends in LF", "POST /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\n4\n0\n\n" + inside, "400"},
	{"a CR inside a value", "GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nX: a\rContent-Length: 50\r\n\r\n" + inside, "400"},
	{"a body that a GET should not have", "GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: target\r\nConnection: close\r\nContent-Length: 200\r\n\r\n" + inside, "400"},
	{"a request behind an upgrade that is refused", strings.Replace(upgrade("EIO=4&transport=websocket"), "13", "7", 1) + inside, "400"},
}

const inside = "GET /smuggled HTTP/1.1\r\nHost: target\r\n\r\n"

var requestAttacks = []attack{
	{
		name:  "requests of every wrong shape",
		alike: true,
		run: func(a *attacker) {
			all := shapes()
			if len(all) < 40 {
				a.fail("%d shapes", len(all))
			}
			a.each(10, func(int) {
				for _, raw := range all {
					for range 5 {
						if r := a.ask(raw); r.status >= 500 && r.status != 501 && r.status != 505 || r.status == 101 {
							a.t.Errorf("%.100q is answered %v", raw, r)
						} else if sid := sidOf(r.body); sid != "" { // an upgrade that is not ours is passed over
							a.ask(request("POST", "EIO=4&transport=polling&sid="+sid, "1"))
						}
					}
				}
			})
		},
	},
	{
		name: "every combination of a query",
		run: func(a *attacker) {
			var queries []string
			for _, eio := range []string{"", "EIO=", "EIO=3", "EIO=4", "EIO=5", "EIO=4&EIO=3", "EIO=3&EIO=4", "EIO=__proto__"} {
				for _, transport := range []string{
					"", "transport=", "transport=polling", "transport=websocket", "transport=POLLING", "transport=__proto__",
					"transport=polling&transport=websocket", "transport=websocket&transport=polling", "transport=constructor",
				} {
					for _, sid := range []string{"", "sid=", "sid=unknown", "sid=__proto__", "sid=unknown&sid=", "sid=&sid=unknown"} {
						queries = append(queries, strings.Trim(eio+"&"+transport+"&"+sid, "&"))
					}
				}
			}
			a.each(8, func(part int) {
				for i := part; i < len(queries); i += 8 {
					for _, upgraded := range []bool{false, true} {
						raw := request("GET", queries[i], "")
						if upgraded {
							raw = upgrade(queries[i])
						}
						status, code := combination(queries[i], upgraded)
						r := a.ask(raw)
						if r.status != status || status == 400 && !strings.HasPrefix(r.body, fmt.Sprintf(`{"code":%d,`, code)) {
							a.t.Errorf("%q, upgrade %v: got %v, want %d with code %d", queries[i], upgraded, r, status, code)
						}
						if sid := sidOf(r.body); sid != "" {
							a.ask(request("POST", queries[i]+"&sid="+sid, "1"))
						}
					}
				}
			})
		},
	},
	{
		name:  "many headers",
		alike: true,
		run: func(a *attacker) {
			for _, n := range []int{10, 100, 1000, 20_000} {
				headers := strings.Repeat("X-Header: value\r\n", n)
				for _, raw := range []string{request("GET", "EIO=4&transport=polling", ""), upgrade("EIO=4&transport=websocket")} {
					// Before those that count, and after them.
					first, rest, _ := strings.Cut(raw, "\r\n")
					for _, raw := range []string{first + "\r\n" + headers + rest, strings.TrimSuffix(raw, "\r\n") + headers + "\r\n"} {
						r := a.ask(raw)
						if large := n >= 1000; large && r.status != 431 && r.status != 0 || !large && r.status != 200 && r.status != 101 {
							a.t.Errorf("%d headers: %v", n, r)
						}
						if sid := sidOf(r.body); sid != "" {
							a.ask(request("POST", "EIO=4&transport=polling&sid="+sid, "1"))
						}
					}
				}
			}
		},
	},
	{
		name:   "headers that a session would keep",
		config: config{HostHeaderBytes: 1 << 20},
		alike:  true,
		memory: 128 << 20, // four at once, of which net/http makes 10 MB each; as much garbage, and more
		run: func(a *attacker) {
			before := a.p.heap()
			header := func(name string, size int) string { return name + ": " + strings.Repeat("x", size) }
			many := strings.TrimSuffix(strings.Repeat("a:\r\n", 100_000), "\r\n")
			own := a.joined() // its polls have large headers too
			a.each(4, func(int) {
				for i := range 20 {
					large := []string{header("Cookie", 990_000), header("X-Large", 990_000), many, header("User-Agent", 33_000)}[i%4]
					for _, raw := range []string{
						request("GET", "EIO=4&transport=polling", "", large),
						request("GET", "EIO=4&transport=polling&x="+strings.Repeat("x", 900_000), ""),
						request("GET", own.query, "", large),
						request("POST", own.query, "40", large),
						strings.TrimSuffix(upgrade("EIO=4&transport=websocket"), "\r\n") + large + "\r\n\r\n",
					} {
						if r := a.ask(raw); r.status != 431 && r.status != 0 {
							a.fail("a large header: %v", r)
						}
					}
				}
			})
			if n := a.p.stats().Connections; n > 3 {
				a.t.Errorf("%d sessions are open, want that of the attacker and two", n)
			}
			if kept := a.p.heap() - before; kept > 8<<20 { // they were 265 MB
				a.t.Errorf("%d KiB of rejected headers are kept", kept>>10)
			}
			own.goesOn()
			// Below the bound everything is kept, and released.
			a.each(4, func(int) {
				for range 50 {
					r := a.ask(request("GET", "EIO=4&transport=polling", "", header("Cookie", 30_000)))
					s := &session{a: a, sid: sidOf(r.body), query: "EIO=4&transport=polling&sid=" + sidOf(r.body)}
					if r.status != 200 {
						a.fail("a header under the bound: %v", r)
					}
					s.post("1", 200)
					s.get()
				}
			})
		},
	},
	{
		name:  "requests inside requests",
		alike: true,
		run: func(a *attacker) {
			for _, c := range smuggling {
				w := a.dial()
				_, _ = io.WriteString(w, c.bytes)
				_ = w.CloseWrite()
				var statuses []string
				for r := bufio.NewReader(w); ; {
					resp, err := http.ReadResponse(r, nil)
					if err != nil {
						break
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					statuses = append(statuses, fmt.Sprint(resp.StatusCode))
				}
				_ = w.Close()
				if got := strings.Join(statuses, " "); got != c.statuses {
					a.t.Errorf("%s: the answers are %s, want %s", c.name, got, c.statuses)
				}
			}
			if n := a.p.stats().Smuggled; n != 0 {
				a.t.Errorf("%d requests were smuggled", n)
			}
		},
	},
	{
		name:  "headers and queries with what logs and answers should not have",
		alike: true,
		run: func(a *attacker) {
			evil := "%0d%0aSet-Cookie:%20x=y%1b[2J<script>"
			for _, raw := range []string{
				request("GET", "EIO=4&transport="+evil, ""),
				request("GET", "EIO=4&transport=polling&sid="+evil, ""),
				request("GET", evil, "", "Origin: http://\x1b[31mevil", "Sec-WebSocket-Protocol: "+evil),
				request("GET", "EIO=4&transport=polling", "", "Origin: http://evil\x7f.example"),
				strings.Replace(upgrade("EIO=4&transport=websocket&sid="+evil), "Sec-WebSocket-Key", "Cookie: a\x0bb\r\nSec-WebSocket-Key", 1),
			} {
				r := a.ask(raw)
				if r.status != 400 && r.status != 403 || strings.Contains(r.body, "script") || strings.Contains(r.body, "evil") {
					a.t.Errorf("%.80q: %v", raw, r)
				}
			}
			w := a.dial() // a subprotocol that would break the answer
			_, _ = io.WriteString(w, strings.Replace(upgrade("EIO=4&transport=websocket"), "Upgrade: w", "Sec-WebSocket-Protocol: a\tb\r\nUpgrade: w", 1))
			resp, err := http.ReadResponse(bufio.NewReader(w), nil)
			if err != nil || resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Protocol") != "" {
				a.t.Errorf("a subprotocol that is no token: %v, %v", resp, err)
			}
		},
	},
}

// combination is a query and its expected response. If a name is repeated, the last one
// counts.
func combination(query string, upgraded bool) (status, code int) {
	last := make(map[string]string)
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		last[name] = value
	}
	transport := last["transport"]
	switch {
	case transport != "polling" && transport != "websocket":
		return 400, 0
	case last["sid"] != "":
		return 400, 1
	case transport == "websocket" && !upgraded:
		return 400, 3
	case last["EIO"] != "4":
		return 400, 5
	case transport == "websocket":
		return 101, 0
	}
	return 200, 0
}
