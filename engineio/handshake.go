// SPDX-License-Identifier: MIT

// This file holds what a connection keeps of the request that opened it.

package engineio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Handshake is what a connection keeps of its first request: one string
// instead of an http.Request, so that an idle connection stays small. It is
// immutable.
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
	// Secure tells whether the client came over TLS, as far as this server or a
	// trusted proxy knows.
	Secure bool
	// Revision is that of Engine.IO: 4, or 3 for a client that needs
	// Options.AllowEIO3.
	Revision uint8

	header string // "Name\x00value\x00" for each value; see headerNames
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

// newHandshake keeps what matters of a request, in one string.
func newHandshake(s *Server, r *http.Request, revision uint8, now time.Time) Handshake {
	remote := s.clientAddr(r)
	host := s.forwarded(r, "X-Forwarded-Host", r.Host)
	size := len(r.RequestURI) + len(remote) + len(host)
	names := make([]string, 0, len(r.Header))
	for name, values := range r.Header {
		if name[:min(1, len(name))] == ":" {
			continue // of HTTP/2, and no header of the client's
		}
		names = append(names, name)
		for _, v := range values {
			size += len(name) + len(v) + 2
		}
	}
	slices.Sort(names)
	b := make([]byte, 0, size)
	b = append(append(append(b, r.RequestURI...), remote...), host...)
	for _, name := range names {
		for _, v := range r.Header[name] {
			if i := slices.Index(headerNames[:], name); i >= 0 {
				b = append(b, byte(i+1))
			} else {
				b = append(b, name...)
			}
			b = append(append(append(b, 0), v...), 0)
		}
	}
	all := string(b)
	h := Handshake{
		Revision: revision,
		Time:     now,
		Secure:   r.TLS != nil || s.forwarded(r, "X-Forwarded-Proto", "") == "https",
	}
	h.URL, all = all[:len(r.RequestURI)], all[len(r.RequestURI):]
	h.RemoteAddr, all = all[:len(remote)], all[len(remote):]
	h.Host, h.header = all[:len(host)], all[len(host):]
	return h
}

// headerField is what each field of a header counts beside its name and value, as in
// HTTP/2 (RFC 9113, section 6.5.2): that is about what it costs in memory.
const headerField = 32

// checkHeader refuses a request with a header over the bound. Of one that it lets in, a
// Handshake keeps less than it counts.
func (s *Server) checkHeader(r *http.Request) *requestError {
	size := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + headerField
		}
	}
	limit := s.cfg.MaxHeaderBytes
	if size <= limit {
		return nil
	}
	s.sampled.Warn("a request was refused: its header is too large; cookies count; to allow it raise engineio.Options.MaxHeaderBytes", "size", size, "max", limit)
	return &requestError{status: http.StatusRequestHeaderFieldsTooLarge, code: codeBadRequest, why: CauseHeaderSize,
		message: "Request header fields too large", detail: "the header is over MaxHeaderBytes"}
}

// Header returns the request's headers. Each call decodes them anew; the caller
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
// anew; the caller owns the result.
func (h *Handshake) Query() url.Values {
	_, raw, _ := strings.Cut(h.URL, "?")
	return parseQuery(raw)
}

// parseQuery takes a query as clients write it that do not escape: "%" without
// two digits, and ";", stand for themselves.
func parseQuery(raw string) url.Values {
	q := make(url.Values)
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescape(name)
		q[name] = append(q[name], unescape(value))
	}
	return q
}

func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

func (h *Handshake) each(yield func(name, value string) bool) {
	for rest := h.header; rest != ""; {
		var name, value string
		name, rest, _ = strings.Cut(rest, "\x00")
		value, rest, _ = strings.Cut(rest, "\x00")
		if len(name) == 1 && int(name[0]) <= len(headerNames) {
			name = headerNames[name[0]-1]
		}
		if !yield(name, value) {
			return
		}
	}
}
