// SPDX-License-Identifier: MIT

// Tests of the negotiation of permessage-deflate.

package ws_test

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"socketio/internal/ws"
)

const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

func offers(lines ...string) http.Header { return http.Header{"Sec-Websocket-Extensions": lines} }

func TestNegotiateDeflate(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"nothing", nil, ""},
		{"an empty line", []string{""}, ""},
		{"a bare offer", []string{"permessage-deflate"}, agreed},
		{"what Chrome and Node offer", []string{"permessage-deflate; client_max_window_bits"}, agreed},
		{"both context takeovers", []string{"permessage-deflate; client_no_context_takeover; server_no_context_takeover"}, agreed},
		{"a window for the client", []string{"permessage-deflate; client_max_window_bits=8"}, agreed},
		{"a window for the server", []string{"permessage-deflate; server_max_window_bits=10"}, agreed + "; server_max_window_bits=10"},
		{"the largest window for the server", []string{"permessage-deflate; server_max_window_bits=15"}, agreed + "; server_max_window_bits=15"},
		{"the smallest window for the server", []string{"permessage-deflate; server_max_window_bits=8"}, agreed + "; server_max_window_bits=8"},
		{"a quoted value", []string{`permessage-deflate; server_max_window_bits="12"`}, agreed + "; server_max_window_bits=12"},
		{"a quoted value with a backslash", []string{`permessage-deflate; server_max_window_bits="1\2"`}, agreed + "; server_max_window_bits=12"},
		{"spaces wherever they may be", []string{" \tpermessage-deflate ;\tclient_max_window_bits = 9 ; server_no_context_takeover\t"}, agreed},
		{"no spaces", []string{"permessage-deflate;client_max_window_bits;server_no_context_takeover"}, agreed},
		{"empty elements", []string{", ,permessage-deflate,,"}, agreed},
		{"behind another extension", []string{`x-other; a="b,c; d"; e, permessage-deflate`}, ""}, // a quoted value has to be a token
		{"behind another extension, well formed", []string{`x-other; a="b"; e=f; g, permessage-deflate`}, agreed},
		{"on a second line", []string{"x-webkit-deflate-frame", "permessage-deflate"}, agreed},
		{"the first that can be", []string{"permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=9, permessage-deflate"}, agreed + "; server_max_window_bits=9"},

		{"another extension", []string{"permessage-bzip2"}, ""},
		{"another case", []string{"Permessage-Deflate"}, ""},
		{"an unknown parameter", []string{"permessage-deflate; mode=fast"}, ""},
		{"an unknown parameter, then a fallback", []string{"permessage-deflate; mode=fast, permessage-deflate"}, agreed},
		{"a parameter twice", []string{"permessage-deflate; client_max_window_bits; client_max_window_bits=10"}, ""},
		{"a value where none belongs", []string{"permessage-deflate; server_no_context_takeover=1"}, ""},
		{"a value where none belongs, client", []string{"permessage-deflate; client_no_context_takeover=true"}, ""},
		{"a window without value", []string{"permessage-deflate; server_max_window_bits"}, ""},
		{"a window too small", []string{"permessage-deflate; server_max_window_bits=7"}, ""},
		{"a window too large", []string{"permessage-deflate; server_max_window_bits=16"}, ""},
		{"a client's window too large", []string{"permessage-deflate; client_max_window_bits=16"}, ""},
		{"a leading zero", []string{"permessage-deflate; server_max_window_bits=09"}, ""},
		{"a sign", []string{"permessage-deflate; server_max_window_bits=+9"}, ""},
		{"not a number", []string{"permessage-deflate; client_max_window_bits=x"}, ""},

		{"malformed: no name", []string{"; client_max_window_bits"}, ""},
		{"malformed: no parameter", []string{"permessage-deflate;"}, ""},
		{"malformed: no value", []string{"permessage-deflate; client_max_window_bits="}, ""},
		{"malformed: an empty quoted value", []string{`permessage-deflate; client_max_window_bits=""`}, ""},
		{"malformed: an open quote", []string{`permessage-deflate; client_max_window_bits="10`}, ""},
		{"malformed: an open quote after a backslash", []string{`permessage-deflate; client_max_window_bits="10\`}, ""},
		{"malformed: something after a quote", []string{`permessage-deflate; client_max_window_bits="10"x`}, ""},
		{"malformed: two words", []string{"permessage-deflate client_max_window_bits"}, ""},
		{"malformed: after a good offer", []string{"permessage-deflate, @"}, ""},
		{"malformed: on another line", []string{"permessage-deflate", "a b"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ws.NegotiateDeflate(offers(c.lines...))
			if got.String() != c.want || got.Negotiated() != (c.want != "") {
				t.Errorf("%q leads to %q (%v), want %q", c.lines, got, got.Negotiated(), c.want)
			}
		})
	}
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		offer string
		size  int
		want  bool
	}{
		{"", 10, false},
		{"permessage-deflate", 1 << 20, true},
		{"permessage-deflate; server_max_window_bits=15", 1 << 20, true},
		{"permessage-deflate; server_max_window_bits=9", 512, true},
		{"permessage-deflate; server_max_window_bits=9", 513, false},
		{"permessage-deflate; server_max_window_bits=8", 256, true},
		{"permessage-deflate; server_max_window_bits=14", 16385, false},
	} {
		if got := ws.NegotiateDeflate(offers(c.offer)).Allows(c.size); got != c.want {
			t.Errorf("%q, %d bytes: %v", c.offer, c.size, got)
		}
	}
}

func TestTheAnswerNamesTheExtension(t *testing.T) {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	for _, c := range []struct {
		offer string
		want  []string
	}{
		{"permessage-deflate; client_max_window_bits", []string{agreed}},
		{"x-other", nil},
	} {
		header := http.Header{"Sec-Websocket-Extensions": {"made-up"}, "X-A": {"b"}}
		b := ws.AppendDeflateResponse(nil, key, "chat", ws.NegotiateDeflate(offers(c.offer)), header)
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := resp.Header["Sec-Websocket-Extensions"]
		if strings.Join(got, "|") != strings.Join(c.want, "|") || resp.Header.Get("X-A") != "b" || resp.Header.Get("Sec-WebSocket-Protocol") != "chat" {
			t.Errorf("%q is answered with %v", c.offer, resp.Header)
		}
		resp.Body.Close()
	}
}

// FuzzNegotiateDeflate gives it any two lines: whatever they are, the answer is
// one of a few.
func FuzzNegotiateDeflate(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits", "")
	f.Add(`a; b="c\d"; e, permessage-deflate; server_max_window_bits="9"`, "permessage-deflate")
	f.Fuzz(func(t *testing.T, first, second string) {
		p := ws.NegotiateDeflate(offers(first, second))
		answer := p.String()
		rest, bits := answer, ""
		if p.Negotiated() {
			var ok bool
			if rest, ok = strings.CutPrefix(answer, agreed); !ok {
				t.Fatalf("answer %q", answer)
			}
			bits = strings.TrimPrefix(rest, "; server_max_window_bits=")
		}
		if rest != "" && !strings.Contains("|8|9|10|11|12|13|14|15|", "|"+bits+"|") || len(answer) > 110 {
			t.Fatalf("answer %q", answer)
		}
		// What we answer with is itself an offer we take.
		if again := ws.NegotiateDeflate(offers(answer)); again != p {
			t.Fatalf("%q leads to %q", answer, again)
		}
	})
}
