// SPDX-License-Identifier: MIT

// The negotiation of permessage-deflate: the offers of a handshake, parsed strictly, and
// the response (RFC 7692, section 7.1).

package ws

import (
	"net/http"
	"strconv"
	"strings"
)

const deflateName = "permessage-deflate"

// The sizes that a compressor's window may have, as powers of two.
const (
	minWindowBits = 8
	maxWindowBits = 15
)

// DeflateParams is the result of negotiating permessage-deflate: both ends use it, neither
// refers to an earlier message, and the server may refer back only so far within a message.
// The zero value means that it is not used.
type DeflateParams struct {
	window uint8 // bits; 0: no agreement
	named  bool  // the client asked for this window, so the answer repeats it
}

// NegotiateDeflate picks the first acceptable offer from a handshake. The
// outcome is the zero value when there is none, and when the list of offers
// breaks the grammar of RFC 6455: the connection then goes uncompressed.
//
// An offer is acceptable when it is for permessage-deflate and all its
// parameters are known, occur once and have a valid value: windows from 8 to 15 bits. The
// client's own window does not matter, since the largest is always supported. A window for
// the server is kept by not compressing longer messages; see Allows.
func NegotiateDeflate(header http.Header) DeflateParams {
	var best DeflateParams
	for _, line := range header["Sec-Websocket-Extensions"] {
		rest := line
		for rest != "" {
			var offer []string
			var ok bool
			if offer, rest, ok = nextOffer(rest); !ok {
				return DeflateParams{}
			}
			if !best.Negotiated() && len(offer) > 0 {
				best = acceptOffer(offer)
			}
		}
	}
	return best
}

// Negotiated reports whether compressed messages may be sent in either
// direction.
func (p DeflateParams) Negotiated() bool { return p.window != 0 }

// Allows reports whether a message of size bytes may be sent compressed to this
// client: permessage-deflate is agreed on, and no part of the message can refer
// further back than the client's window. Any message may be sent as it is.
func (p DeflateParams) Allows(size int) bool {
	return p.window == maxWindowBits || p.window != 0 && size <= 1<<p.window
}

// String returns the value of the Sec-WebSocket-Extensions line of the answer,
// or "" without an agreement.
func (p DeflateParams) String() string {
	switch {
	case !p.Negotiated():
		return ""
	case p.named:
		return deflateName + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=" +
			strconv.Itoa(int(p.window))
	}
	return deflateName + "; server_no_context_takeover; client_no_context_takeover"
}

// acceptOffer returns what the offer leads to: the zero value if it is for
// something else or can't be accepted. It is a name and then pairs of a
// parameter and its value, "" if it has none.
func acceptOffer(offer []string) DeflateParams {
	if offer[0] != deflateName {
		return DeflateParams{}
	}
	p := DeflateParams{window: maxWindowBits}
	seen := make(map[string]bool, 4)
	for i := 1; i < len(offer); i += 2 {
		name, value := offer[i], offer[i+1]
		if seen[name] {
			return DeflateParams{}
		}
		seen[name] = true
		bits, isWindow := windowBits(value)
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if value != "" {
				return DeflateParams{}
			}
		case "client_max_window_bits":
			if value != "" && !isWindow {
				return DeflateParams{}
			}
		case "server_max_window_bits":
			if !isWindow {
				return DeflateParams{}
			}
			p.window, p.named = bits, true
		default:
			return DeflateParams{}
		}
	}
	return p
}

// windowBits reads a number from 8 to 15, in its only form.
func windowBits(value string) (bits uint8, ok bool) {
	n, err := strconv.Atoi(value)
	if err != nil || n < minWindowBits || n > maxWindowBits || value != strconv.Itoa(n) {
		return 0, false
	}
	return uint8(n), true
}

// nextOffer takes the first element off a list of extensions: its name, then
// pairs of a parameter and its value. An element may be empty, as in any list of
// HTTP; it has no name either. rest is what follows the comma.
func nextOffer(s string) (offer []string, rest string, ok bool) {
	s = trim(s)
	if s == "" || s[0] == ',' {
		return nil, strings.TrimPrefix(s, ","), true
	}
	name, s := cutToken(s)
	if name == "" {
		return nil, "", false
	}
	offer = append(offer, name)
	for {
		s = trim(s)
		switch {
		case s == "":
			return offer, "", true
		case s[0] == ',':
			return offer, s[1:], true
		case s[0] != ';':
			return nil, "", false
		}
		var param, value string
		if param, s = cutToken(trim(s[1:])); param == "" {
			return nil, "", false
		}
		if after := trim(s); after != "" && after[0] == '=' {
			if value, s = cutValue(trim(after[1:])); value == "" {
				return nil, "", false
			}
		}
		offer = append(offer, param, value)
	}
}

// cutToken cuts the token at the start of s off; it is "" if there is none.
func cutToken(s string) (token, rest string) {
	end := 0
	for end < len(s) && isTokenByte(s[end]) {
		end++
	}
	return s[:end], s[end:]
}

// cutValue cuts a value off: a token, or a token in quotes, in which a backslash
// stands before any byte.
func cutValue(s string) (value, rest string) {
	if s == "" || s[0] != '"' {
		return cutToken(s)
	}
	var unquoted []byte
	for i := 1; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return string(unquoted), s[i+1:]
		}
		if c == '\\' {
			if i++; i == len(s) {
				break
			}
			c = s[i]
		}
		if !isTokenByte(c) {
			break
		}
		unquoted = append(unquoted, c)
	}
	return "", s
}
