// SPDX-License-Identifier: MIT

// This file tests strings, event names and argument spans.

package parser_test

import (
	"encoding/json"
	"strings"
	"testing"

	"socketio/parser"
)

func TestAppendString(t *testing.T) {
	tests := map[string]string{
		``:                         `""`,
		`plain`:                    `"plain"`,
		`a "quoted" \ backslash`:   `"a \"quoted\" \\ backslash"`,
		"\b\t\n\f\r\x00\x1f\x7f":   `"\b\t\n\f\r\u0000\u001f` + "\x7f\"",
		"é€😀":                      `"é€😀"`,
		"\u2027\u2028\u2029\u202a": "\"\u2027\\u2028\\u2029\u202a\"",
		"<a href='x'>&</a>":        `"<a href='x'>&</a>"`,
		"a\xffb\xc3":               "\"a\uFFFDb\uFFFD\"",
		"\uFFFD":                   "\"\uFFFD\"",
	}
	for s, want := range tests {
		got := parser.AppendString([]byte("x"), s)
		if string(got) != "x"+want {
			t.Errorf("%q: %s, want %s", s, got[1:], want)
		}
		var back string
		if err := json.Unmarshal(got[1:], &back); err != nil || back != strings.ToValidUTF8(strings.ReplaceAll(s, "\xff", "\uFFFD"), "\uFFFD") {
			t.Errorf("%q: encoding/json reads %q, %v", s, back, err)
		}
	}
}

// Every byte at every place of a word, because the scan goes eight at a time.
func TestEveryByteAtEveryOffset(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := []byte(strings.Repeat("a", 20))
			b[at] = byte(c)
			want, _ := json.Marshal(string(b))
			var viaJSON string
			if err := json.Unmarshal(want, &viaJSON); err != nil {
				t.Fatal(err)
			}
			got, err := parser.Unquote(parser.AppendString(nil, string(b)))
			if err != nil || got != viaJSON {
				t.Errorf("byte %#x at %d: %q, %v; want %q", c, at, got, err, viaJSON)
			}
			raw := `"` + string(b) + `"`
			var s string
			wantErr := json.Unmarshal([]byte(raw), &s)
			got, err = parser.Unquote([]byte(raw))
			if (err == nil) != (wantErr == nil) || err == nil && got != s {
				t.Errorf("raw byte %#x at %d: %q, %v; want %q, %v", c, at, got, err, s, wantErr)
			}
		}
	}
}

func TestUnquoteErrors(t *testing.T) {
	for _, raw := range []string{``, `"`, `a`, `"a`, `a"`, `"\"`, `"a"b"`, `"\u"`, `"\u12"`, `"\uZZZZ"`, "\"\n\"", `"\a"`, ` "a"`, `"a" `} {
		if s, err := parser.Unquote([]byte(raw)); err == nil {
			t.Errorf("%q gave %q", raw, s)
		}
	}
}

func TestSplitArray(t *testing.T) {
	tests := []struct {
		data string
		want []string
	}{
		{`[]`, nil},
		{`[ ]`, nil},
		{`["a"]`, []string{`"a"`}},
		{` [ "a" , 1 , true , null ] `, []string{`"a"`, `1`, `true`, `null`}},
		{`[[1,[2]],{"a":[",]}"]},"\"],[",-1.5e3]`, []string{`[1,[2]]`, `{"a":[",]}"]}`, `"\"],["`, `-1.5e3`}},
		{"[1\n,\t2\r]", []string{`1`, `2`}},
		{``, nil}, {`x`, nil}, {`{}`, nil}, {`[`, nil}, {`["a`, []string{`"a`}}, {`["\`, []string{`"\`}}, {`[[`, []string{`[`}},
	}
	for _, tt := range tests {
		got := parser.SplitArray(nil, []byte(tt.data))
		if len(got) != len(tt.want) {
			t.Errorf("%q: %q, want %q", tt.data, got, tt.want)
			continue
		}
		for i := range got {
			if string(got[i]) != tt.want[i] {
				t.Errorf("%q: element %d is %q, want %q", tt.data, i, got[i], tt.want[i])
			}
		}
	}
	data := []byte(`[1,2]`)
	first := parser.SplitArray(nil, data)[0]
	_ = append(first, 'x')
	if string(data) != `[1,2]` {
		t.Error("appending to an element must not reach its neighbour")
	}
}

func TestEventNameOfOtherPayloads(t *testing.T) {
	for _, data := range []string{``, `{}`, `[]`, `[ `, `[null]`, `[{}]`, `["a`, `[-`, `"a"`} {
		if name := parser.EventName([]byte(data)); name != nil {
			t.Errorf("%q has the name %q", data, name)
		}
	}
	if name := parser.EventName([]byte(`[""]`)); name == nil || len(name) != 0 {
		t.Error("the empty name is a name")
	}
}

func TestTypeNames(t *testing.T) {
	if parser.Event.String() != "EVENT" || parser.BinaryAck.String() != "BINARY_ACK" || parser.Type(9).String() != "Type(9)" {
		t.Error("names of types")
	}
}

func TestErrorTextOfUnknownKind(t *testing.T) {
	if s := (&parser.DecodeError{Kind: 200}).Error(); s == "" {
		t.Error("no text")
	}
}
