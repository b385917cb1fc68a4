// SPDX-License-Identifier: MIT

// This file holds the origin rule: which pages may connect.

package engineio

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"socketio/internal/telemetry"
)

// An originRule decides which pages may connect. It is immutable.
type originRule struct {
	cors    *CORS // nil if only pages of this server may connect
	proxies *proxies
	sampled *telemetry.Sampled
}

// check applies the rule, which is the same for every transport and request: pages of
// the server's own origin may connect, and clients that send no Origin, which are not
// browsers; all others need CORS.
func (o *originRule) check(r *http.Request, origin string) *requestError {
	if origin == "" {
		return nil
	}
	for i := range len(origin) {
		if origin[i] < 0x20 || origin[i] >= 0x7f {
			return refuseFor(CauseInvalidOrigin, codeBadRequest, "illegal character in the Origin header")
		}
	}
	if o.isOwn(r, origin) || o.cors.allows(r, origin) {
		return nil
	}
	return errOrigin()
}

// isOwn reports whether the page has the server's own origin, as far as its browser or
// the Host of the request shows.
func (o *originRule) isOwn(r *http.Request, origin string) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	}
	return sameHost(origin, o.proxies.forwarded(r, "X-Forwarded-Host", r.Host))
}

// maxProxies is how many hosts named by proxies are examined for the warning.
const maxProxies = 8

// warn logs what to do about a page that was rejected. A proxy that changes Host often
// names the original one.
func (o *originRule) warn(r *http.Request, origin string) {
	host := o.proxies.forwarded(r, "X-Forwarded-Host", r.Host)
	said := strings.SplitN(strings.Join(r.Header.Values("X-Forwarded-Host"), ","), ",", maxProxies+1)
	for _, name := range said[:min(len(said), maxProxies)] {
		if sameHost(origin, strings.TrimSpace(name)) {
			o.sampled.Warn("origin rejected; the proxy does not pass Host on: fix it there, or name it in TrustedProxies",
				"origin", telemetry.Text(origin), "host", telemetry.Text(host), "peer", telemetry.Text(r.RemoteAddr))
			return
		}
	}
	o.sampled.Warn("origin rejected; to allow it add it to Options.CORS.Origins, or let the proxy pass Host on if one changes it",
		"origin", telemetry.Text(origin), "host", telemetry.Text(host), "peer", telemetry.Text(o.proxies.clientAddr(r)))
}

// sameHost compares the host and port of an origin with a Host header. The schemes are
// not compared, because a proxy may have ended TLS; but a default port is that of its
// own scheme. A Host without a port comes from a request to the default port.
func sameHost(origin, host string) bool {
	scheme, at, _ := strings.Cut(origin, "://")
	at = strings.TrimSuffix(at, "/")
	port := defaultPort(scheme)
	if port != "" && at == host && isPlainHost(host) { // nearly always, and without allocations
		return true
	}
	u, err := url.Parse(origin)
	if port == "" || err != nil || u.Host == "" || u.Host != at { // a path, a user: no browser sends that
		return false
	}
	asked, err := url.Parse("//" + host)
	if err != nil || asked.Host != host {
		return false
	}
	return strings.EqualFold(u.Hostname(), asked.Hostname()) && cmp.Or(u.Port(), port) == cmp.Or(asked.Port(), port)
}

// isPlainHost reports whether host is a name or an IPv4 address, perhaps with a port, of
// the most usual characters.
func isPlainHost(host string) bool {
	name, port, _ := strings.Cut(host, ":")
	for _, c := range []byte(name) {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-') {
			return false
		}
	}
	for _, c := range []byte(port) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return name != ""
}

// defaultPort returns the default port of a scheme that a page can have, or "".
func defaultPort(scheme string) string {
	switch strings.ToLower(scheme) {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}
