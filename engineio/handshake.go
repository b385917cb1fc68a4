// SPDX-License-Identifier: MIT

// This file holds what a connection keeps of the request that opened it.

package engineio

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Handshake is what a connection keeps of its first request. It is immutable.
type Handshake struct {
	// URL is the request's target: path and query.
	URL string
	// RemoteAddr is the client's address, "ip:port" or, when a trusted proxy
	// names it, what the proxy says.
	RemoteAddr string
	// Host is the host the client asked for.
	Host string
	// Time is when the connection opened.
	Time time.Time
	// Secure reports whether the client used TLS, as far as this server or a
	// trusted proxy knows.
	Secure bool
	// Revision is that of Engine.IO: 4, or 3 for a client that needs
	// Options.AllowEIO3.
	Revision uint8

	// "Name\x00value\x00" for each value; see headerNames. A name is in one of them only.
	header, common string
}

// headerNames are the names that browsers and proxies send. The record has one
// byte for each of them: its index here and one more. No other name begins with
// a byte that low.
var headerNames = [...]string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection",
	"Content-Length", "Content-Type", "Cookie", "Origin", "Pragma", "Referer",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Websocket-Extensions",
	"Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version", "Upgrade",
	"User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
	"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Authorization",
}

// Header returns the request's headers. Each call decodes them again; the caller
// owns the result.
func (h *Handshake) Header() http.Header {
	header := make(http.Header)
	h.each(func(name, value string) bool {
		header[name] = append(header[name], value)
		return true
	})
	return header
}

// HeaderValue returns the first value of one header, or "". It does not
// allocate.
func (h *Handshake) HeaderValue(name string) (value string) {
	name = http.CanonicalHeaderKey(name)
	h.each(func(n, v string) bool {
		if n == name {
			value = v
		}
		return n != name
	})
	return value
}

// Query returns the parameters of the request's query. Each call decodes them
// again; the caller owns the result.
func (h *Handshake) Query() url.Values {
	_, raw, _ := strings.Cut(h.URL, "?")
	return query(raw).values()
}

func (h *Handshake) each(yield func(name, value string) bool) {
	if eachHeader(h.common, yield) {
		eachHeader(h.header, yield)
	}
}

// eachHeader reports whether yield has returned true for all.
func eachHeader(rest string, yield func(name, value string) bool) bool {
	for rest != "" {
		var name, value string
		name, rest, _ = strings.Cut(rest, "\x00")
		value, rest, _ = strings.Cut(rest, "\x00")
		if len(name) == 1 && int(name[0]) <= len(headerNames) {
			name = headerNames[name[0]-1]
		}
		if !yield(name, value) {
			return false
		}
	}
	return true
}

// hostOf drops the port and what follows it.
func hostOf(s string) string {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	if h, _, err := net.SplitHostPort(s); err == nil {
		return h
	}
	return s
}
