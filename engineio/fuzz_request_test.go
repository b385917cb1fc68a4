// SPDX-License-Identifier: MIT

// This file holds the fuzz target of requests: their query, and the headers about origin,
// client and proxies. It is inside the package because the functions that read them are.

package engineio

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzRequest passes any request, as it is on the wire, to a server that trusts its peer
// as a proxy, and to one that does not.
func FuzzRequest(f *testing.F) {
	for _, head := range []string{
		"GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: a.example\r\nOrigin: http://a.example\r\n",
		"GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: a.example\r\nOrigin: https://ok.example\r\nX-Forwarded-For: 192.0.2.1, 127.0.0.1\r\nX-Forwarded-Proto: https\r\n",
		"GET /?EIO=4&transport=polling&a=%zz;b&c=+%20&&=x HTTP/1.1\r\nHost: a.example:80\r\nOrigin: http://x.wild.example\r\nX-Forwarded-Host: b.example\r\n",
		"OPTIONS /?EIO=4 HTTP/1.1\r\nHost: a\r\nOrigin: null\r\nAccess-Control-Request-Headers: x-a, x-b\r\n",
		"GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
		"GET /?EIO=4&transport=websocket&sid=x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nSec-Fetch-Site: same-origin\r\nOrigin: http://evil.example\r\n",
		"POST /?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-Forwarded-For: [::1]:80, fe80::1%eth0, , x\r\n",
		"GET /?EIO=3&transport=polling&j=1&b64=1 HTTP/1.1\r\nHost: [::1]:443\r\nOrigin: https://[::1]\r\nCookie: a=b\r\nCookie: c=d\r\n",
	} {
		f.Add([]byte(head + "\r\n"))
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	cors := &CORS{Origins: []string{"https://ok.example", "https://*.wild.example"}}
	open := func(proxies []netip.Prefix) *Server {
		s := NewServer(&Options{
			AllowEIO3: true, CORS: cors, TrustedProxies: proxies, Driver: DriverGoroutine, Logger: slog.New(slog.DiscardHandler),
		}, func(c *Conn) Handler { return ender{c} })
		f.Cleanup(func() { _ = s.Close() })
		return s
	}
	plain, behind := open(nil), open(trusted)
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(wire))))
		if err != nil {
			return
		}
		r.RemoteAddr = "127.0.0.1:5000"
		checkQuery(t, r.URL.RawQuery)
		for _, s := range []*Server{plain, behind} {
			checkRecord(t, s, r)
			// A poll is rejected or opens a session; a WebSocket ends at the recorder,
			// which has no connection to hijack.
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r.WithContext(ctx))
			if ctx.Err() != nil {
				t.Fatal("the request hangs")
			}
			cancel()
			checkAnswer(t, s, r, w.Result())
			if n := s.Count(); n != 0 {
				t.Fatalf("%d sessions are left", n)
			}
		}
	})
}

// An ender ends its connection at once.
type ender struct{ c *Conn }

func (ender) HandleMessage(bool, []byte)     {}
func (e ender) HandleReadEnd()               { e.c.Abort(ReasonForcedClose, nil, closeNormal, "") }
func (ender) HandleClose(CloseReason, error) {}
func (ender) HandleTimer()                   {}
func (ender) HandleUpgrade()                 {}

// checkQuery compares with net/url unless that returns an error.
func checkQuery(t *testing.T, raw string) {
	got := query(raw).values()
	if want, err := url.ParseQuery(raw); err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %v, net/url: %v", raw, got, want)
	}
	last := func(name string) string {
		values := append([]string{""}, got[name]...)
		return values[len(values)-1]
	}
	for _, name := range []string{"transport", "sid", "j", ""} {
		if last, want := query(raw).last(name), last(name); last != want {
			t.Fatalf("%q: %q is %q, want %q", raw, name, last, want)
		}
	}
	_, jsonp := got["j"]
	want := asked{transport: last("transport"), sid: last("sid"), eio: last("EIO"), base64: last("b64") != "", jsonp: jsonp}
	if asked := query(raw).asked(); asked != want {
		t.Fatalf("%q: %+v, want %+v", raw, asked, want)
	}
}

// checkRecord compares a Handshake with the request.
func checkRecord(t *testing.T, s *Server, r *http.Request) {
	for range 3 { // as a client of its own, and as one of several
		first := newOpening(&s.svc.texts, s.proxies, r)
		checkHandshake(t, s, r, first.handshake(4))
	}
}

func checkHandshake(t *testing.T, s *Server, r *http.Request, h *Handshake) {
	if h.URL != r.RequestURI {
		t.Fatalf("URL %q, want %q", h.URL, r.RequestURI)
	}
	for name, values := range r.Header {
		if strings.Contains(strings.Join(values, ""), "\x00") || name == "" {
			return // net/http's server rejects these
		}
	}
	if got := h.Header(); !reflect.DeepEqual(got, r.Header) {
		t.Fatalf("headers %q, want %q", got, r.Header)
	}
	for name, values := range r.Header {
		if got := h.HeaderValue(name); http.CanonicalHeaderKey(name) == name && got != values[0] {
			t.Fatalf("%s is %q, want %q", name, got, values[0])
		}
	}
	if len(s.cfg.TrustedProxies) == 0 {
		if h.RemoteAddr != r.RemoteAddr || h.Host != r.Host || h.Secure {
			t.Fatalf("without a proxy: address %q, host %q, secure %v", h.RemoteAddr, h.Host, h.Secure)
		}
		return
	}
	said := []string{r.RemoteAddr}
	for _, hop := range strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",") {
		hop = strings.Trim(strings.Trim(hop, " \t"), `"`)
		if ip, err := netip.ParseAddr(strings.Trim(hop, "[]")); err == nil {
			said = append(said, ip.WithZone("").Unmap().String())
		}
		if both, err := netip.ParseAddrPort(hop); err == nil {
			ip := both.Addr().WithZone("").Unmap()
			said = append(said, ip.String(), netip.AddrPortFrom(ip, both.Port()).String())
		}
	}
	if !slices.Contains(said, h.RemoteAddr) {
		t.Fatalf("address %q of %q", h.RemoteAddr, said)
	}
}

// checkAnswer compares a response with the origin rule, computed independently: an
// accepted origin is the host itself or matches one of the two patterns.
func checkAnswer(t *testing.T, s *Server, r *http.Request, resp *http.Response) {
	origin := r.Header.Get("Origin")
	label, wild := strings.CutSuffix(strings.ToLower(origin), ".wild.example")
	label, https := strings.CutPrefix(label, "https://")
	listed := strings.EqualFold(origin, "https://ok.example") || wild && https && label != "" && !strings.ContainsAny(label, "/:@")
	switch allow := resp.Header.Get("Access-Control-Allow-Origin"); {
	case allow != "" && (allow != origin || !listed):
		t.Fatalf("origin %q is told that %q is allowed", origin, allow)
	case allow == "" && listed:
		t.Fatalf("origin %q is not told that it is allowed", origin)
	}
	if resp.StatusCode == http.StatusOK && origin != "" && !listed {
		u, err := url.Parse(origin)
		host := r.Host
		if len(s.cfg.TrustedProxies) > 0 && r.Header.Get("X-Forwarded-Host") != "" {
			host = r.Header.Values("X-Forwarded-Host")[len(r.Header.Values("X-Forwarded-Host"))-1]
		}
		site := r.Header.Get("Sec-Fetch-Site")
		same := err == nil && (u.Host == host || strings.Contains(strings.ToLower(host+r.Host), strings.ToLower(u.Hostname())))
		if !same && site != "same-origin" && site != "none" {
			t.Fatalf("origin %q was let in at host %q", origin, host)
		}
	}
	switch resp.StatusCode {
	case 200, 204, 400, 403, 405, 500:
	default:
		t.Fatalf("status %d", resp.StatusCode)
	}
	for name, values := range resp.Header {
		if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
			t.Fatalf("header %q: %q", name, values)
		}
	}
}
