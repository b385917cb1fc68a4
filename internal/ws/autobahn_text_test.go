// SPDX-License-Identifier: MIT

// Autobahn, category 6: UTF-8.

package ws_test

import (
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"

	"socketio/internal/ws"
)

const greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5" // a Greek word of 5 letters and 11 bytes

// A textGroup is one third-level group from 6.5 on: texts sent in one frame.
type textGroup struct {
	what  string
	texts []string
	bad   []bool // nil: none; one: all alike
}

var all = []bool{true}

// starts is each byte from first to last, followed by a space.
func starts(first, last int) string {
	var b []byte
	for c := first; c <= last; c++ {
		b = append(b, byte(c), ' ')
	}
	return string(b)
}

func textGroups() []textGroup {
	var prefixes, nonCharacters, specials []string
	var cutOff []bool
	for n := range len(greek) {
		prefixes = append(prefixes, greek[:n+1])
		cutOff = append(cutOff, !slices.Contains([]int{2, 5, 7, 9, 11}, n+1))
	}
	var every []byte
	for c := 0x80; c <= 0xBF; c++ {
		every = append(every, byte(c))
	}
	continuations := []string{
		"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf",
		string(every),
	}
	for plane := range rune(17) {
		nonCharacters = append(nonCharacters, string(plane<<16|0xFFFE), string(plane<<16|0xFFFF))
	}
	for r := rune(0xFFF9); r <= 0xFFFF; r++ {
		specials = append(specials, string(r))
	}
	return []textGroup{
		{"a valid text", []string{"hello$world", "hello\u00A2world", "hello\u20ACworld", "hello\U00024B62world", "Hello-µ@ßöäüàá-UTF-8!!"}, nil},
		{"the start of a valid text", prefixes, cutOff},
		{"the first code point of a length", []string{"\x00", "\u0080", "\u0800", "\U00010000"}, nil},
		{"the first sequence of a length there is not", []string{"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"}, all},
		{"the last code point of a length", []string{"\x7f", "\u07ff", "\uffff", "\U0010ffff"}, nil},
		{"the last sequence of a length, beyond Unicode", []string{"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"}, all},
		{"another boundary", []string{"\ud7ff", "\ue000", "\ufffd", "\U0010ffff", "\xf4\x90\x80\x80"}, []bool{false, false, false, false, true}},
		{"continuation bytes alone", continuations, all},
		{"start bytes alone", []string{starts(0xc0, 0xdf), starts(0xe0, 0xef), starts(0xf0, 0xf7), starts(0xf8, 0xfb), starts(0xfc, 0xfd)}, all},
		{"the last byte missing", []string{
			"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
			"\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf",
		}, all},
		{"all sequences with the last byte missing", []string{
			"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf\xfb\xbf\xbf\xbf\xfd\xbf\xbf\xbf\xbf",
		}, all},
		{"a byte that never occurs", []string{"\xfe", "\xff", "\xfe\xfe\xff\xff"}, all},
		{"an overlong slash", []string{"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"}, all},
		{"the largest overlong form", []string{"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"}, all},
		{"an overlong zero", []string{"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"}, all},
		{"a surrogate", []string{"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"}, all},
		{"a pair of surrogates", []string{
			"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80", "\xed\xad\xbf\xed\xbf\xbf",
			"\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf", "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf",
		}, all},
		{"a code point that is no character", nonCharacters, nil},
		{"a special of Unicode", specials, nil},
	}
}

func TestAutobahn6Text(t *testing.T) {
	const (
		euro      = "Hello-µ@ßöäüàá-UTF-8!!"
		surrogate = greek + "\xed\xa0\x80edited"
	)
	cases := []abCase{
		{id: "6.1.1", what: "an empty text", send: []raw{fin(text, "")}, want: []raw{fin(text, "")}},
		{id: "6.1.2", what: "an empty text in three fragments", send: []raw{more(text, ""), more(cont, ""), fin(cont, "")}, want: []raw{fin(text, "")}},
		{id: "6.1.3", what: "a text in the second of three fragments", send: []raw{more(text, ""), more(cont, "middle frame payload"), fin(cont, "")}, want: []raw{fin(text, "middle frame payload")}},
		{id: "6.2.1", what: "a valid text", send: []raw{fin(text, euro)}, want: []raw{fin(text, euro)}},
		{id: "6.2.2", what: "a valid text in two fragments, cut between characters", send: []raw{more(text, "Hello-µ@ß"), fin(cont, "öäüàá-UTF-8!!")}, want: []raw{fin(text, euro)}},
		{id: "6.2.3", what: "a valid text in fragments of one byte", send: fragments(text, euro, 1), want: []raw{fin(text, euro)}},
		{id: "6.2.4", what: "a valid Greek text in fragments of one byte", send: fragments(text, greek, 1), want: []raw{fin(text, greek)}},
		{id: "6.3.1", what: "an invalid text", send: []raw{fin(text, surrogate)}, code: 1007},
		{id: "6.3.2", what: "an invalid text in fragments of one byte", send: fragments(text, surrogate, 1), code: 1007},
	}
	for i, second := range []string{"\xf4\x90\x80\x80", "\x90", "\xf4\x90\x80\x80", "\x90"} {
		first, third := greek, "edited"
		if second == "\x90" {
			first, third = greek+"\xf4", "\x80\x80edited"
		}
		c := abCase{id: fmt.Sprintf("6.4.%d", i+1), code: 1007, send: []raw{more(text, first), more(cont, second), fin(cont, third)}}
		if c.what = "fails at the second of three fragments"; i >= 2 {
			c.what, c.send = "fails at the second of three pieces of a frame", []raw{fin(text, first+second+third)}
		}
		cases = append(cases, c)
	}
	for i, g := range textGroups() {
		for j, s := range g.texts {
			c := abCase{id: fmt.Sprintf("6.%d.%d", i+5, j+1), what: g.what, send: []raw{fin(text, s)}, want: []raw{fin(text, s)}}
			bad := len(g.bad) == 1 && g.bad[0] || len(g.bad) > 1 && g.bad[j]
			if bad == utf8.ValidString(s) {
				t.Errorf("%s: the expectation is wrong", c.id)
			}
			if bad {
				c.want, c.code = nil, 1007
			}
			cases = append(cases, c)
		}
	}
	abRun(t, ws.Config{}, 145, cases)
}

// 6.4 is about when a text fails, not only that it does: at the byte that makes
// it invalid, whatever is still to come.
func TestAutobahn6FailsFast(t *testing.T) {
	for _, c := range []struct {
		id    string
		parts []raw
	}{
		{"6.4.1", []raw{more(text, greek), more(cont, "\xf4\x90\x80\x80")}},
		{"6.4.2", []raw{more(text, greek+"\xf4"), more(cont, "\x90")}},
		{"6.4.3", []raw{fin(text, greek+"\xf4\x90\x80\x80edited")}},
		{"6.4.4", []raw{fin(text, greek+"\xf4\x90\x80\x80edited")}},
	} {
		stream := rawStream(c.parts, true)
		if len(c.parts) == 1 {
			stream = stream[:6+len(greek)+2] // up to the second byte of the bad character
		}
		e := echo{cfg: *server}
		e.feedAll(stream[:len(stream)-1], 3)
		if c.id == "6.4.1" { // whose second fragment is invalid before its end
			e = echo{cfg: *server}
			e.feedAll(stream[:len(stream)-4], 3)
		}
		e.check(t, nil, c.id+", one byte before")
		e = echo{cfg: *server}
		e.feedAll(stream, 3)
		e.check(t, []raw{fin(closed, code(1007, ""))}, c.id)
	}
}
