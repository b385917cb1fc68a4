// SPDX-License-Identifier: MIT

// This file holds what the server takes of the header of a request.

package engineio

import (
	"net/http"
	"net/url"
	"strings"

	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// headerField is counted for each field of a header besides its name and value, as in
// HTTP/2 (RFC 9113, section 6.5.2): about its overhead in memory.
const headerField = 32

// checkHeader rejects a request with a header over the limit. A Handshake keeps fewer bytes
// than checkHeader counts.
func checkHeader(r *http.Request, limit int, sampled *telemetry.Sampled) *requestError {
	size := len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + headerField
		}
	}
	if size <= limit {
		return nil
	}
	sampled.Warn("a request was rejected: its header is too large; cookies count; to allow it raise engineio.Options.MaxHeaderBytes", "size", size, "max", limit)
	return &requestError{status: http.StatusRequestHeaderFieldsTooLarge, code: codeBadRequest, why: CauseHeaderSize,
		message: "Request header fields too large", detail: "the header is over MaxHeaderBytes"}
}

// asksUpgrade reports whether a request asks for a WebSocket, over HTTP/1 or HTTP/2.
func asksUpgrade(r *http.Request) bool { return isUpgrade(r) || ws.IsConnect(r) }

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// revisionOf returns the protocol revision that a request asks for.
func revisionOf(eio string) uint8 {
	if eio == "4" {
		return 4
	}
	return 3
}

// A query is the query of a request, undecoded. Its methods allocate only for parameters
// that are escaped.
type query string

// pairs yields the parameters. They are read as clients write them that do not escape: "%"
// without two digits, and ";", stand for themselves.
func (q query) pairs(yield func(name, value string) bool) {
	for raw := string(q); raw != ""; {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if !yield(unescape(name), value) {
			return
		}
	}
}

// last returns the last value of a parameter, or "".
func (q query) last(name string) (value string) {
	for n, v := range q.pairs {
		if n == name {
			value = v
		}
	}
	return unescape(value)
}

// asked is what the query of a request says. Of several values of a parameter the last one
// counts.
type asked struct {
	transport, sid, eio string
	base64              bool // the client can't take bytes
	jsonp               bool
}

// asked reads the query once.
func (q query) asked() (a asked) {
	for name, value := range q.pairs {
		switch name {
		case "transport":
			a.transport = unescape(value)
		case "sid":
			a.sid = unescape(value)
		case "EIO":
			a.eio = unescape(value)
		case "b64":
			a.base64 = value != ""
		case "j":
			a.jsonp = true
		}
	}
	return a
}

// values returns all parameters, decoded.
func (q query) values() url.Values {
	all := make(url.Values)
	for name, value := range q.pairs {
		all[name] = append(all[name], unescape(value))
	}
	return all
}

func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 { // nearly always
		return s
	}
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
