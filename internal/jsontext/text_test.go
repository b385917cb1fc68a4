// SPDX-License-Identifier: MIT

// This file tests strings.

package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"socketio/internal/jsontext"
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
		got := jsontext.AppendString([]byte("x"), s)
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
			got, err := jsontext.Unquote(jsontext.AppendString(nil, string(b)))
			if err != nil || got != viaJSON {
				t.Errorf("byte %#x at %d: %q, %v; want %q", c, at, got, err, viaJSON)
			}
			raw := `"` + string(b) + `"`
			var s string
			wantErr := json.Unmarshal([]byte(raw), &s)
			got, err = jsontext.Unquote([]byte(raw))
			if (err == nil) != (wantErr == nil) || err == nil && got != s {
				t.Errorf("raw byte %#x at %d: %q, %v; want %q, %v", c, at, got, err, s, wantErr)
			}
		}
	}
}

func TestUnquoteErrors(t *testing.T) {
	for _, raw := range []string{``, `"`, `a`, `"a`, `a"`, `"\"`, `"a"b"`, `"\u"`, `"\u12"`, `"\uZZZZ"`, "\"\n\"", `"\a"`, ` "a"`, `"a" `} {
		if s, err := jsontext.Unquote([]byte(raw)); err == nil {
			t.Errorf("%q gave %q", raw, s)
		}
	}
}

// Inside returns what Unquote does, without a copy, or nothing.
func TestInside(t *testing.T) {
	for _, raw := range []string{`""`, `"a"`, `"hello, this is a text of some length"`, `"\u0020"`} {
		b := []byte(raw)
		want, err := jsontext.Unquote(b)
		got, ok := jsontext.Inside(b)
		if plain := !strings.Contains(raw, `\`); ok != plain || ok && got != want || err != nil {
			t.Errorf("%s gave %q, %v, and Unquote %q, %v", raw, got, ok, want, err)
		}
	}
	for _, raw := range []string{``, `"`, `a`, `"a`, `a"`, `"\"`, `"a"b"`, "\"\n\"", ` "a"`, `"a" `, `"é"`, `null`, `12`} {
		if s, ok := jsontext.Inside([]byte(raw)); ok {
			t.Errorf("%q gave %q", raw, s)
		}
	}
	raw := []byte(`"hello, this is a text of some length"`)
	if n := testing.AllocsPerRun(100, func() { _, _ = jsontext.Inside(raw) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// AppendUnquoted appends, whatever is there; it does not touch it if raw is no string.
func TestAppendUnquoted(t *testing.T) {
	for raw, want := range map[string]string{`""`: "", `"a"`: "a", `"\u00e9\n"`: "\u00e9\n"} {
		if got, err := jsontext.AppendUnquoted([]byte("x"), []byte(raw)); err != nil || string(got) != "x"+want {
			t.Errorf("%s gave %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{``, `"`, `a`, `"a`, `a"`, `aa`} {
		if got, err := jsontext.AppendUnquoted([]byte("x"), []byte(raw)); err == nil || string(got) != "x" {
			t.Errorf("%q gave %q, %v", raw, got, err)
		}
	}
}
