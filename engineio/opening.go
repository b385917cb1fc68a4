// SPDX-License-Identifier: MIT

// This file holds what a connection keeps of the request that opened it, in little memory.

package engineio

import (
	"encoding/binary"
	"net/http"
	"slices"
	"time"

	"socketio/internal/intern"
)

// An opening is the request that opened a connection: what a Handshake has, packed. Many
// clients send the same target, host and headers, of which there is one copy. It is
// immutable.
//
// A text is its length as a uvarint and its bytes. own is, in this order: the text of the
// target, unless url has it; the text of the client's address; unless common has them, the
// text of the host and the common headers; the other headers. Headers are as in Handshake.
type opening struct {
	url    *string // nil if other clients do not send it
	common *string // the text of the host, and headers; nil if other clients do not send them
	own    string
	when   int64 // in Unix time, nanoseconds; the last bit says that TLS was used
}

// at returns the time, but for its last nanosecond, and whether TLS was used.
func (o *opening) at() (at time.Time, secure bool) { return time.Unix(0, o.when&^1), o.when&1 != 0 }

// openedNow returns opening.when of a request that comes now.
func openedNow(secure bool) int64 {
	at := time.Now().UnixNano() &^ 1
	if secure {
		at |= 1
	}
	return at
}

// individual are the headers whose values few clients have in common. So are those of all
// names that are not in headerNames.
var individual = func() (is [len(headerNames)]bool) {
	for _, name := range []string{"Authorization", "Cookie", "Referer", "Sec-Websocket-Key", "X-Forwarded-For"} {
		is[slices.Index(headerNames[:], name)] = true
	}
	return is
}()

// newOpening keeps the relevant parts of a request.
func newOpening(texts *intern.Table, p *proxies, r *http.Request) opening {
	o := opening{
		url:  texts.Common([]byte(r.RequestURI)),
		when: openedNow(r.TLS != nil || p.forwarded(r, "X-Forwarded-Proto", "") == "https"),
	}
	common := appendText(make([]byte, 0, 512), p.forwarded(r, "X-Forwarded-Host", r.Host))
	others := make([]byte, 0, 512)
	names := make([]string, 0, 32)
	for name := range r.Header {
		if name[:min(1, len(name))] != ":" { // a pseudo-header of HTTP/2
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		known := slices.Index(headerNames[:], name)
		for _, value := range r.Header[name] {
			switch {
			case known < 0:
				others = appendHeader(others, name, value)
			case individual[known]:
				others = appendHeader(others, string(rune(known+1)), value)
			default:
				common = appendHeader(common, string(rune(known+1)), value)
			}
		}
	}
	o.common = texts.Common(common)
	own := make([]byte, 0, 1024)
	if o.url == nil {
		own = appendText(own, r.RequestURI)
	}
	own = appendText(own, p.clientAddr(r))
	if o.common == nil {
		own = append(own, common...)
	}
	o.own = string(append(own, others...))
	return o
}

// dialedOpening is the opening of a connection that was dialed.
func dialedOpening(target, host string, secure bool) opening {
	own := appendText(appendText(appendText(nil, target), host), host)
	return opening{own: string(own), when: openedNow(secure)}
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendHeader(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), 0), value...), 0)
}

// cutText returns the text at the start of s, and what follows.
func cutText(s string) (text, rest string) {
	n, shift := 0, 0
	for i := range len(s) {
		n |= int(s[i]&0x7f) << shift
		shift += 7
		if s[i] < 0x80 {
			return s[i+1 : i+1+n], s[i+1+n:]
		}
	}
	return "", ""
}

// remoteAddr returns Handshake.RemoteAddr.
func (o *opening) remoteAddr() string {
	rest := o.own
	if o.url == nil {
		_, rest = cutText(rest)
	}
	addr, _ := cutText(rest)
	return addr
}

// handshake returns a new Handshake.
func (o *opening) handshake(revision uint8) *Handshake {
	h := &Handshake{Revision: revision}
	h.Time, h.Secure = o.at()
	rest := o.own
	if o.url != nil {
		h.URL = *o.url
	} else {
		h.URL, rest = cutText(rest)
	}
	h.RemoteAddr, rest = cutText(rest)
	if o.common != nil {
		h.Host, h.common = cutText(*o.common)
	} else {
		h.Host, rest = cutText(rest)
	}
	h.header = rest
	return h
}
