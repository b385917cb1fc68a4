// SPDX-License-Identifier: MIT

// The opening handshake, server side (RFC 6455, section 4.2; RFC 8441).

package ws

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// acceptGUID is the constant that RFC 6455 appends to a key.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// keySize is the number of random bytes in a Sec-WebSocket-Key.
const keySize = 16

// AcceptKey returns the Sec-WebSocket-Accept value that answers key.
func AcceptKey(key string) string {
	return string(appendAccept(nil, key))
}

func appendAccept(dst []byte, key string) []byte {
	var room [64]byte
	sum := sha1.Sum(append(append(room[:0], key...), acceptGUID...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// A HandshakeError describes the rejection of an upgrade request.
type HandshakeError struct {
	Status  int         // the HTTP status
	Message string      // the body: plain text for a person
	Header  http.Header // further headers of the answer; may be nil
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("ws: handshake: %d %s", e.Status, e.Message)
}

// CheckUpgrade decides whether r is a WebSocket handshake that can be accepted,
// and returns its key, which AppendResponse needs. It ignores the Origin, subprotocols and
// extensions; see FirstProtocol and NegotiateDeflate. A nil err means that the request is
// acceptable.
func CheckUpgrade(r *http.Request) (key string, err *HandshakeError) {
	switch {
	case r.Method != http.MethodGet:
		return "", &HandshakeError{http.StatusMethodNotAllowed, "Invalid HTTP method", http.Header{"Allow": {"GET"}}}
	case r.ProtoMajor != 1: // HTTP/1.0 is what nginx says by default; the answer says HTTP/1.1
		return "", &HandshakeError{http.StatusBadRequest, "Invalid HTTP version", nil}
	case !hasToken(r.Header["Connection"], "upgrade"):
		return "", &HandshakeError{http.StatusBadRequest, "Invalid Connection header", nil}
	case !hasToken(r.Header["Upgrade"], "websocket"):
		return "", &HandshakeError{http.StatusBadRequest, "Invalid Upgrade header", nil}
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 || !validKey(keys[0]) {
		return "", &HandshakeError{http.StatusBadRequest, "Missing or invalid Sec-WebSocket-Key header", nil}
	}
	if err := checkVersion(r); err != nil {
		return "", err
	}
	return keys[0], nil
}

// IsConnect reports whether r asks for a WebSocket in a stream of HTTP/2 (RFC 8441).
func IsConnect(r *http.Request) bool {
	return r.Method == http.MethodConnect && r.ProtoMajor == 2 && strings.EqualFold(r.Header.Get(":protocol"), "websocket")
}

// CheckConnect is CheckUpgrade for a request of which IsConnect is true. It has no key,
// nor do the headers Connection and Upgrade count.
func CheckConnect(r *http.Request) *HandshakeError { return checkVersion(r) }

func checkVersion(r *http.Request) *HandshakeError {
	if versions := r.Header["Sec-Websocket-Version"]; len(versions) != 1 || versions[0] != "13" {
		return &HandshakeError{http.StatusBadRequest, "Missing or invalid Sec-WebSocket-Version header",
			http.Header{"Sec-Websocket-Version": {"13"}}}
	}
	return nil
}

// SetConnectHeader turns header into that of a 200 that accepts a WebSocket in a stream of
// HTTP/2. protocol and params are those of AppendDeflateResponse. Fields of the handshake
// and of a body are removed first.
func SetConnectHeader(header http.Header, protocol string, params DeflateParams) {
	for _, name := range reservedHeaders {
		header.Del(name)
	}
	header.Del("Content-Encoding")
	if isToken(protocol) {
		header.Set("Sec-WebSocket-Protocol", protocol)
	}
	if params.Negotiated() {
		header.Set("Sec-WebSocket-Extensions", params.String())
	}
}

// FirstProtocol returns the first subprotocol that a handshake offers, or ""
// when it offers none or the first is not a token.
func FirstProtocol(header http.Header) string {
	for _, line := range header["Sec-Websocket-Protocol"] {
		first, _, _ := strings.Cut(line, ",")
		if first = trim(first); first != "" {
			if isToken(first) {
				return first
			}
			return ""
		}
	}
	return ""
}

// reservedHeaders are those AppendResponse sets itself, or that a 101 must not
// have.
var reservedHeaders = []string{
	"Connection", "Content-Length", "Sec-Websocket-Accept", "Sec-Websocket-Extensions",
	"Sec-Websocket-Protocol", "Transfer-Encoding", "Upgrade",
}

// AppendResponse appends the 101 answer that accepts a handshake with key to
// dst. protocol is the chosen subprotocol; "" or something that is not a token
// leaves it out. The lines of header follow in alphabetical order. Control
// characters in values become spaces, save tabs; names that are not tokens, and
// those that belong to the handshake itself, are left out.
func AppendResponse(dst []byte, key, protocol string, header http.Header) []byte {
	return AppendDeflateResponse(dst, key, protocol, DeflateParams{}, header)
}

// AppendDeflateResponse is AppendResponse with an answer to the offers of
// permessage-deflate. The zero value of params leaves it out.
func AppendDeflateResponse(dst []byte, key, protocol string, params DeflateParams, header http.Header) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = appendAccept(dst, key)
	dst = append(dst, "\r\n"...)
	if isToken(protocol) {
		dst = append(dst, "Sec-WebSocket-Protocol: "...)
		dst = append(dst, protocol...)
		dst = append(dst, "\r\n"...)
	}
	if params.Negotiated() {
		dst = append(dst, "Sec-WebSocket-Extensions: "...)
		dst = append(dst, params.String()...)
		dst = append(dst, "\r\n"...)
	}
	if len(header) > 0 {
		for _, name := range slices.Sorted(maps.Keys(header)) {
			if !isToken(name) || slices.Contains(reservedHeaders, http.CanonicalHeaderKey(name)) {
				continue
			}
			for _, value := range header[name] {
				dst = append(dst, name...)
				dst = append(dst, ": "...)
				dst = appendValue(dst, value)
				dst = append(dst, "\r\n"...)
			}
		}
	}
	return append(dst, "\r\n"...)
}

func appendValue(dst []byte, value string) []byte {
	for _, c := range []byte(trim(value)) {
		if c < ' ' && c != '\t' || c == 0x7F {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// validKey reports whether key is the base64 form of 16 bytes.
func validKey(key string) bool {
	var raw [keySize + 2]byte
	if len(key) != base64.StdEncoding.EncodedLen(keySize) {
		return false
	}
	n, err := base64.StdEncoding.Decode(raw[:], []byte(key))
	return err == nil && n == keySize
}

// hasToken reports whether one of the comma-separated lists holds token, which
// is in lower case. Case does not count.
func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(trim(item), token) {
				return true
			}
		}
	}
	return false
}

func trim(s string) string { return strings.Trim(s, " \t") }

// isToken reports whether s is a token of HTTP (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if !isTokenByte(c) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
