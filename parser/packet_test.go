// SPDX-License-Identifier: MIT

// This file tests the rules of packets. The numbers of its traps are those of
// docs/conformance.md.

package parser_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"socketio/parser"
)

// holders are n placeholders, from number 0 on, each after a comma.
func holders(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,{"_placeholder":true,"num":` + strconv.Itoa(i) + `}`)
	}
	return b.String()
}

func TestAttachmentCount(t *testing.T) {
	t.Run("trap 28", func(t *testing.T) {
		for n, text := range map[int]string{1: `51-["e"`, 10: `510-["e"`} {
			var d parser.Decoder
			messages := []any{text + holders(n) + `]`}
			for i := range n {
				messages = append(messages, bin{byte(i)})
			}
			got, err := feed(&d, nil, messages...)
			if err != nil || len(got) != 1 || len(got[0].Attachments) != n {
				t.Errorf("%d attachments: got %v, %v", n, got, err)
			}
		}
		for text, want := range map[string]string{
			`511-["e"` + holders(11) + `]`: "too many attachments",
			`599999999999-["e"]`:           "too many attachments",
			`50-["e"]`:                     "Illegal attachments",
			`5-["e"]`:                      "Illegal attachments", // no digits
			`5["e"]`:                       "Illegal attachments", // neither digits nor dash
			`51["e"` + holders(1) + `]`:    "Illegal attachments", // no dash
			`5+1-["e"` + holders(1) + `]`:  "Illegal attachments",
			`5-1-["e"` + holders(1) + `]`:  "Illegal attachments",
			`51.0-["e"` + holders(1) + `]`: "Illegal attachments",
			`51`:                           "Illegal attachments",
			`60-0[]`:                       "Illegal attachments",
		} {
			var d parser.Decoder
			if _, err := feed(&d, nil, text); err == nil || err.Error() != want {
				t.Errorf("%.40s: got %v, want %s", text, err, want)
			}
			if d.Pending() {
				t.Errorf("%.40s: attachments are awaited", text)
			}
		}
	})
}

// Stricter than upstream: each attachment has exactly one placeholder.
func TestPlaceholderNumbers(t *testing.T) {
	t.Run("trap 29", func(t *testing.T) {
		for _, num := range []string{`1`, `-1`, `0.5`, `1e0`, `"0"`, `"splice"`, `"__proto__"`, `null`, `true`, `[0]`, `{}`} {
			var d parser.Decoder
			text := `51-["e",{"_placeholder":true,"num":` + num + `}]`
			if _, err := feed(&d, nil, text); err == nil || err.Error() != "illegal attachments" || d.Pending() {
				t.Errorf("%s: got %v, want illegal attachments", text, err)
			}
		}
		for why, text := range map[string]string{
			"a number twice": `52-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`,
			"no placeholder": `51-["e"]`,
			"no number":      `51-["e",{"_placeholder":true}]`,
		} {
			var d parser.Decoder
			if _, err := feed(&d, nil, text); err == nil || err.Error() != "illegal attachments" {
				t.Errorf("%s: got %v, want illegal attachments", why, err)
			}
		}
	})
}

func TestPayloadShapes(t *testing.T) {
	t.Run("trap 30", func(t *testing.T) {
		shapes := []string{``, `-1`, `"text"`, `null`, `true`, `{}`, `{"a":1}`, `[]`, `["a"]`, `[1]`, `[null]`, `[true]`, `[{}]`, `[["a"]]`, `[`, `["a"`, `["a"] `, `["a"]]`, `['a']`}
		// The payloads that each type accepts; it rejects all others.
		valid := map[string]string{
			`0`:  `|{}|{"a":1}|`,
			`1`:  `||`,
			`2`:  `|["a"]|[1]|["a"] |`,
			`37`: `|[]|["a"]|[1]|[null]|[true]|[{}]|[["a"]]|["a"] |`,
		}
		for typ, valid := range valid {
			for _, payload := range shapes {
				var d parser.Decoder
				got, err := feed(&d, nil, typ+payload)
				takes := strings.Contains(valid, "|"+payload+"|") || typ == `0` && payload == ""
				switch {
				case takes && (err != nil || len(got) != 1 || string(got[0].Data) != payload):
					t.Errorf("%s%s: got %v, %v", typ, payload, got, err)
				case !takes && err == nil:
					t.Errorf("%s%s is taken", typ, payload)
				}
			}
		}
		for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
			var d parser.Decoder
			for _, payload := range []string{`["` + name + `"]`, `["\u00` + strconv.FormatInt(int64(name[0]), 16) + name[1:] + `",1]`} {
				if _, err := feed(&d, nil, `2`+payload); err == nil || err.Error() != "invalid payload" {
					t.Errorf("2%s: got %v, want invalid payload", payload, err)
				}
			}
		}
		if name := parser.EventName([]byte(`[12,"a"]`)); string(name) != "12" {
			t.Errorf("a number as the name is %q", name)
		}
	})
}

func TestEncodingChangesNothing(t *testing.T) {
	t.Run("trap 31", func(t *testing.T) {
		data := []byte(`["e",{"_placeholder":true,"num":0}]`)
		p := &parser.Packet{Type: parser.TypeBinaryEvent, Namespace: "/n", ID: 7, Data: bytes.Clone(data), Attachments: [][]byte{{1, 2, 3}}}
		const text = `51-/n,7["e",{"_placeholder":true,"num":0}]`
		for range 2 {
			if got := string(parser.AppendPacket(nil, p)); got != text {
				t.Errorf("got %s, want %s", got, text)
			}
		}
		if !bytes.Equal(p.Data, data) || !bytes.Equal(p.Attachments[0], []byte{1, 2, 3}) || p.Namespace != "/n" || p.ID != 7 {
			t.Errorf("the packet has become %+v", p)
		}
	})
}

// The decoder of a new connection starts empty; Reset is for programs that reuse one.
func TestDecoderStateEnds(t *testing.T) {
	t.Run("trap 32", func(t *testing.T) {
		const half = `52-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
		var d parser.Decoder
		if got, err := feed(&d, nil, half, bin{1}); err != nil || len(got) != 0 {
			t.Fatal(got, err)
		}
		d.Reset()
		got, err := feed(&d, nil, `2["new"]`, half, bin{3}, bin{4})
		if err != nil || len(got) != 2 || !bytes.Equal(got[1].Attachments[0], []byte{3}) {
			t.Errorf("after Reset: got %v, %v", got, err)
		}
	})
}
