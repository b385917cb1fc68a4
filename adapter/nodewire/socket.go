// SPDX-License-Identifier: MIT

// This file reads and writes the descriptions of sockets.

package nodewire

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"socketio/adapter"
	"socketio/internal/jsontext"
)

// jsDate is how JavaScript prints a Date. The name of the zone may be any.
const jsDate = "Mon Jan 02 2006 15:04:05 GMT-0700"

// appendSockets appends an array of descriptions.
func appendSockets(dst []byte, sockets []adapter.MemberInfo) []byte {
	dst = append(dst, '[')
	for i := range sockets {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendSocket(dst, &sockets[i])
	}
	return append(dst, ']')
}

// AppendSocket appends the description of a socket, a JSON object, and returns the
// result. The handshake has the headers and the auth object of the client, which may
// contain secrets.
func AppendSocket(dst []byte, s *adapter.MemberInfo) []byte {
	dst = jsontext.AppendString(append(dst, `{"id":`...), s.ID)
	dst = appendHandshake(append(dst, `,"handshake":`...), &s.Handshake)
	dst = appendNames(append(dst, `,"rooms":`...), s.Rooms...)
	dst = append(dst, `,"data":`...)
	return append(appendObject(dst, s.Data), '}')
}

// appendObject appends raw if it is an object, otherwise an empty one.
func appendObject(dst, raw []byte) []byte {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return append(dst, "{}"...)
	}
	return append(dst, raw...)
}

func appendHandshake(dst []byte, h *adapter.HandshakeInfo) []byte {
	dst = appendHeader(append(dst, `{"headers":`...), h)
	at := h.Time.UTC()
	dst = append(at.AppendFormat(append(dst, `,"time":"`...), jsDate), ` (Coordinated Universal Time)"`...)
	address := h.RemoteAddr
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	dst = appendMember(dst, "address", address)
	dst = strconv.AppendBool(append(dst, `,"xdomain":`...), h.Header.Get("Origin") != "")
	dst = strconv.AppendBool(append(dst, `,"secure":`...), h.Secure)
	dst = strconv.AppendInt(append(dst, `,"issued":`...), at.UnixMilli(), 10)
	dst = appendMember(dst, "url", h.URL)
	dst = appendQuery(append(dst, `,"query":`...), h.URL)
	return append(appendObject(append(dst, `,"auth":`...), h.Auth), '}')
}

// appendHeader appends the headers as Node.js has them: names in lower case, one text for
// each, except Set-Cookie.
func appendHeader(dst []byte, h *adapter.HandshakeInfo) []byte {
	all := make(map[string][]string, len(h.Header)+1)
	for name, values := range h.Header {
		name = strings.ToLower(name)
		all[name] = append(all[name], values...)
	}
	if h.Host != "" {
		all["host"] = []string{h.Host}
	}
	keys := make([]string, 0, len(all))
	for name := range all {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, name := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, name), ':')
		switch string(name) {
		case "set-cookie":
			dst = appendNames(dst, all[name]...)
		case "cookie":
			dst = jsontext.AppendString(dst, strings.Join(all[name], "; "))
		default:
			dst = jsontext.AppendString(dst, strings.Join(all[name], ", "))
		}
	}
	return append(dst, '}')
}

// appendQuery appends the parameters of a URL: a text for each name, or an array of those
// that are repeated.
func appendQuery(dst []byte, target string) []byte {
	_, query, _ := strings.Cut(target, "?")
	values, _ := url.ParseQuery(query) // the parameters that are well-formed
	var order []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if name, err := url.QueryUnescape(name); err == nil && values[name] != nil && !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	dst = append(dst, '{')
	for i, name := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsontext.AppendString(dst, name), ':')
		if all := values[name]; len(all) == 1 {
			dst = jsontext.AppendString(dst, all[0])
		} else {
			dst = appendNames(dst, all...)
		}
	}
	return append(dst, '}')
}

// readSockets reads an array of descriptions.
func readSockets(raw []byte, attachments [][]byte) ([]adapter.MemberInfo, error) {
	sockets := []adapter.MemberInfo{}
	if !elements(raw, func(value []byte) bool {
		var s adapter.MemberInfo
		ok := readSocket(value, attachments, &s)
		sockets = append(sockets, s)
		return ok
	}) {
		return nil, malformed("sockets is not an array of descriptions")
	}
	return sockets, nil
}

// readSocket reads a description. It must have an id and rooms; what is missing or wrong
// in the rest is left out.
func readSocket(raw []byte, attachments [][]byte, s *adapter.MemberInfo) bool {
	var hasRooms bool
	ok := members(raw, func(name, value []byte) bool {
		switch string(name) {
		case "id":
			s.ID, _ = text(value)
		case "rooms":
			if hasRooms = isList(value); hasRooms {
				s.Rooms, hasRooms = names(value)
			}
		case "data":
			if len(value) > 0 && value[0] == '{' {
				s.Data = inlineBytes(value, attachments)
			}
		case "handshake":
			readHandshake(value, attachments, &s.Handshake)
		}
		return true
	})
	if s.Data == nil {
		s.Data = []byte("{}")
	}
	return ok && hasRooms && s.ID != ""
}

func readHandshake(raw []byte, attachments [][]byte, h *adapter.HandshakeInfo) {
	h.Header = make(http.Header)
	members(raw, func(name, value []byte) bool {
		switch string(name) {
		case "headers":
			readHeader(value, h)
		case "address":
			h.RemoteAddr, _ = text(value)
		case "secure":
			h.Secure, _ = boolean(value)
		case "issued":
			if ms, ok := number(value); ok && ms >= -maxDate && ms <= maxDate {
				h.Time = time.UnixMilli(int64(ms)).UTC()
			}
		case "url":
			h.URL, _ = text(value)
		case "auth":
			if len(value) > 0 && value[0] == '{' {
				h.Auth = inlineBytes(value, attachments)
			}
		}
		return true
	})
}

func readHeader(raw []byte, h *adapter.HandshakeInfo) {
	members(raw, func(name, value []byte) bool {
		if one, ok := text(value); ok {
			if strings.EqualFold(string(name), "host") {
				h.Host = one
				return true
			}
			h.Header[http.CanonicalHeaderKey(string(name))] = []string{one}
			return true
		}
		if all, ok := names(value); ok && len(all) > 0 {
			h.Header[http.CanonicalHeaderKey(string(name))] = all
		}
		return true
	})
}
