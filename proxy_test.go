// SPDX-License-Identifier: MIT

// This file holds the server behind a reverse proxy that ends TLS, the one of
// net/http: origins, the client's address, upgrades and both transports. nginx
// and Caddy are tested by conformance/proxies.

package socketio_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"testing"

	"socketio"
)

// behindProxy has a test with a server behind a proxy that ends TLS and speaks
// HTTP/2 with clients that poll. keepHost tells whether the proxy passes on the
// Host header. w.url is the address of the proxy.
func behindProxy(t *testing.T, opts *socketio.Options, keepHost bool, test func(w *world)) {
	t.Helper()
	tcp(t, opts, func(inner *world) { inner.proxied(t, keepHost, test) })
}

// proxied has a test with a world that is a proxy before inner.
func (inner *world) proxied(t *testing.T, keepHost bool, test func(w *world)) {
	t.Helper()
	target, err := url.Parse(inner.url)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = "/"
	dialed := &http.Transport{DisableCompression: true}
	t.Cleanup(dialed.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			if keepHost {
				r.Out.Host = r.In.Host
			}
		},
		Transport:     dialed,
		ErrorLog:      log.New(io.Discard, "", 0), // clients that leave
		FlushInterval: -1,
	}
	overTCPAndTLS(t, http2, nil, nil, func(w *world) {
		w.handler = proxy
		w.io = inner.io
		w.log = inner.log
		test(w)
	})
}

func trustLoopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// admitted reports how the server answers an origin over both transports; they
// must agree.
func (w *world) admitted(origin string) bool {
	w.Helper()
	header := http.Header{"Origin": {origin}}
	resp := w.server("", header).Poll(w.Context(), "")
	if resp.Err != nil {
		w.Fatal(resp.Err)
	}
	c, upgrade, err := w.dialWebSocket("", header)
	if err != nil {
		w.Fatal(err)
	}
	if c != nil {
		_ = c.Close()
	}
	switch {
	case resp.Status == 200 && upgrade.StatusCode == 101:
		return true
	case resp.Status == 403 && upgrade.StatusCode == 403:
		return false
	}
	w.Fatalf("origin %s: polling %d, websocket %d", origin, resp.Status, upgrade.StatusCode)
	return false
}

// The same origin passes behind a proxy that ends TLS, whether or not the proxy
// is trusted; if the proxy changes Host, only when it is.
func TestOriginBehindProxy(t *testing.T) {
	for name, row := range map[string]struct {
		trusted  []netip.Prefix
		keepHost bool
		same     bool
	}{
		"Host kept, nobody trusted":    {nil, true, true},
		"Host kept, proxy trusted":     {trustLoopback(), true, true},
		"Host changed, nobody trusted": {nil, false, false},
		"Host changed, proxy trusted":  {trustLoopback(), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			behindProxy(t, &socketio.Options{TrustedProxies: row.trusted}, row.keepHost, func(w *world) {
				u, err := url.Parse(w.url)
				if err != nil {
					t.Fatal(err)
				}
				want(t, "the same origin is admitted", w.admitted("https://"+u.Host), row.same)
				for _, foreign := range []string{"https://evil.example", "https://127.0.0.1", "null"} {
					want(t, foreign+" is admitted", w.admitted(foreign), false)
				}
			})
		})
	}
}

// The address and scheme of the client are what a trusted proxy says, never what
// a client says.
func TestClientBehindProxy(t *testing.T) {
	for name, trusted := range map[string][]netip.Prefix{"nobody trusted": nil, "proxy trusted": trustLoopback()} {
		for _, transport := range []string{polling, websocket} {
			t.Run(name+"/"+transport, func(t *testing.T) {
				behindProxy(t, &socketio.Options{TrustedProxies: trusted}, true, func(w *world) {
					seen := make(chan socketio.Handshake, 1)
					w.io.OnConnection(func(s *socketio.Socket) { seen <- s.Handshake() })
					w.open(transport, "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "gopher").joins("/")
					h := within(w, "the connection", seen)
					want(t, "secure", h.Secure, trusted != nil)
					host, _, err := net.SplitHostPort(h.RemoteAddr)
					if err != nil {
						host = h.RemoteAddr
					}
					want(t, "the address", host, "127.0.0.1")
				})
			})
		}
	}
}

// Everything of a session passes a proxy: polls, posts, the upgrade, and its end.
func TestSessionBehindProxy(t *testing.T) {
	behindProxy(t, nil, true, func(w *world) {
		echoes(w)
		for _, transport := range []string{polling, websocket, "upgrade"} {
			p := w.join(map[string]string{polling: polling, websocket: websocket, "upgrade": polling}[transport])
			if transport == "upgrade" {
				p.upgrades()
			}
			p.says(`2["echo","text"]`, `51-["echo",{"_placeholder":true,"num":0}]`, []byte("binary"))
			p.hears(`2["echo","text"]`, `51-["echo",{"_placeholder":true,"num":0}]`, []byte("binary"))
			p.goes()
		}
	})
}

// A client that gives up its poll at the proxy ends its session at the server.
func TestAbortBehindProxy(t *testing.T) {
	tcp(t, nil, func(inner *world) {
		polls := inner.polls()
		inner.proxied(t, true, func(w *world) {
			ended := make(chan socketio.DisconnectReason, 100)
			w.io.OnConnection(func(s *socketio.Socket) {
				s.OnDisconnect(func(reason socketio.DisconnectReason) { ended <- reason })
			})
			p := w.join(polling)
			p.polled(polls)
			p.cancel()
			want(t, "the reason", within(w, "the end", ended), socketio.ReasonTransportError)
		})
	})
}
