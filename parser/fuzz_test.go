// SPDX-License-Identifier: MIT

// This file holds the fuzz targets. Their corpus is in testdata/fuzz.

package parser_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// FuzzDecoder feeds a dialogue to a small-limit decoder: records separated by a
// byte 0xFF, the ones that start with a byte 0xFE binary. The decoder must not
// panic, must keep within its limits, and must not change what it was given.
func FuzzDecoder(f *testing.F) {
	for _, tt := range wireTable {
		f.Add(script(tt.messages...))
	}
	f.Add(script(`50-["a"]`, bin{1}))
	f.Add(script(`52-["a",{"_placeholder":true,"num":0}]`, bin{1}, `2["a"]`))
	f.Add(script(`2["connect"]`, `2`, `29007199254740992["a"]`))
	limits := &parser.Limits{MaxAttachments: 4, MaxDepth: 20, MaxIncompleteBytes: 300, MaxNamespace: 20}
	f.Fuzz(func(t *testing.T, dialogue []byte) {
		var d parser.Decoder
		for _, m := range bytes.Split(dialogue, []byte{0xFF}) {
			binary := len(m) > 0 && m[0] == 0xFE
			if binary {
				m = m[1:]
			}
			before := bytes.Clone(m)
			pending := d.Pending()
			p, ok, err := d.Add(limits, binary, m)
			if !bytes.Equal(before, m) {
				t.Fatal("the message was changed")
			}
			if d.Buffered() > limits.MaxIncompleteBytes || !d.Pending() && d.Buffered() != 0 {
				t.Fatalf("%d bytes kept, pending %v", d.Buffered(), d.Pending())
			}
			if err != nil {
				var e *parser.DecodeError
				if !errors.As(err, &e) || ok || d.Pending() || e.Error() == "" {
					t.Fatalf("error %v, ok %v, pending %v", err, ok, d.Pending())
				}
				continue
			}
			if ok == d.Pending() || pending && !binary {
				t.Fatalf("ok %v, pending before %v and after %v", ok, pending, d.Pending())
			}
			if ok {
				checkPacket(t, limits, &p)
			}
		}
	})
}

// script is the inverse of what FuzzDecoder reads.
func script(messages ...any) []byte {
	var parts [][]byte
	for _, m := range messages {
		switch m := m.(type) {
		case string:
			parts = append(parts, []byte(m))
		case bin:
			parts = append(parts, append([]byte{0xFE}, m...))
		}
	}
	return bytes.Join(parts, []byte{0xFF})
}

// checkPacket checks the properties of every decoded packet.
func checkPacket(t *testing.T, l *parser.Limits, p *parser.Packet) {
	t.Helper()
	if p.Namespace == "" || p.Namespace[0] != '/' || len(p.Namespace) > l.MaxNamespace || strings.Contains(p.Namespace, ",") {
		t.Fatalf("namespace %q", p.Namespace)
	}
	if p.ID < -1 || p.ID > 1<<53-1 {
		t.Fatalf("id %d", p.ID)
	}
	if p.Type.Binary() != (len(p.Attachments) > 0) || len(p.Attachments) > l.MaxAttachments {
		t.Fatalf("%v with %d attachments", p.Type, len(p.Attachments))
	}
	if p.Data != nil && (!json.Valid(p.Data) || !utf8.Valid(p.Data)) {
		t.Fatalf("payload %q", p.Data)
	}
	switch p.Type {
	case parser.TypeEvent, parser.TypeBinaryEvent:
		name := parser.EventName(p.Data)
		if name == nil || parser.IsReserved(string(name)) {
			t.Fatalf("event name %q in %q", name, p.Data)
		}
		fallthrough
	case parser.TypeAck, parser.TypeBinaryAck:
		var want []json.RawMessage
		if err := json.Unmarshal(p.Data, &want); err != nil {
			t.Fatal(err)
		}
		got := parser.SplitArray(nil, p.Data)
		if len(got) != len(want) {
			t.Fatalf("%d elements in %q, want %d", len(got), p.Data, len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("element %d of %q is %q, want %q", i, p.Data, got[i], want[i])
			}
		}
	}
	seen := map[int]bool{}
	for from := 0; p.Type.Binary(); {
		start, end, num := jsontext.NextPlaceholder(p.Data, from)
		if start < 0 {
			break
		}
		if seen[num] || num >= len(p.Attachments) {
			t.Fatalf("placeholder %d in %q", num, p.Data)
		}
		seen[num] = true
		from = end
	}
	if len(seen) != len(p.Attachments) {
		t.Fatalf("%d placeholders for %d attachments in %q", len(seen), len(p.Attachments), p.Data)
	}
	var again parser.Decoder
	text := parser.AppendPacket(nil, p)
	q, ok, err := again.Add(l, false, text)
	for _, b := range p.Attachments {
		q, ok, err = again.Add(l, true, b)
	}
	if err != nil || !ok || !reflect.DeepEqual(*p, q) {
		t.Fatalf("%q decodes to %+v, %v, %v; want %+v", text, q, ok, err, *p)
	}
}

// FuzzRoundTrip encodes packets and decodes them again.
func FuzzRoundTrip(f *testing.F) {
	f.Add(byte(2), "/admin", int64(7), "bar", "1", []byte{1, 2}, uint8(0))
	f.Add(byte(5), "/", int64(-1), "baz", `{"a":[]}`, []byte{}, uint8(2))
	f.Add(byte(6), "/é?x=1", int64(0), "\u2028\x00\"", `"s"`, []byte("x"), uint8(10))
	f.Add(byte(3), "", int64(1<<53-1), "", `null`, []byte{}, uint8(0))
	f.Add(byte(0), "/a", int64(-1), "k", `1`, []byte{}, uint8(0))
	f.Add(byte(4), "/a", int64(-1), "k", `1`, []byte{}, uint8(0))
	f.Fuzz(func(t *testing.T, kind byte, namespace string, id int64, name, arg string, attachment []byte, n uint8) {
		p := parser.Packet{Type: parser.Type(kind % 7), Namespace: "/", ID: parser.NoID}
		if len(namespace) > 1 && namespace[0] == '/' && len(namespace) < 200 && !strings.ContainsFunc(namespace, func(r rune) bool {
			return r < ' ' || r >= 0x7F && r < 0xA0 || r == ',' || r == utf8.RuneError
		}) {
			p.Namespace = namespace
		}
		if id >= 0 && id <= 1<<53-1 {
			p.ID = id
		}
		if !new(parser.Limits).Valid([]byte(arg)) || len(arg) > 1000 || parser.IsReserved(name) {
			return
		}
		if strings.Count(arg, "[")+strings.Count(arg, "{") > 500 || strings.Contains(arg, "_placeholder") {
			return
		}
		quoted := jsontext.AppendString(nil, name)
		switch p.Type {
		case parser.TypeConnect:
			p.Data = fmt.Appendf(nil, `{%s:%s}`, quoted, arg)
		case parser.TypeConnectError:
			p.Data = quoted
		case parser.TypeDisconnect:
		default:
			p.Data = fmt.Appendf(nil, `[%s,%s`, quoted, arg)
			if p.Type.Binary() {
				for i := range 1 + int(n)%10 {
					p.Data = jsontext.AppendPlaceholder(append(p.Data, ','), i)
					p.Attachments = append(p.Attachments, append([]byte{byte(i)}, attachment...))
				}
			}
			p.Data = append(p.Data, ']')
		}
		var d parser.Decoder
		got, ok, err := d.Add(nil, false, parser.AppendPacket(nil, &p))
		for _, b := range p.Attachments {
			if err != nil || ok || !d.Pending() {
				t.Fatalf("attachments should be awaited: %v, %v", ok, err)
			}
			got, ok, err = d.Add(nil, true, b)
		}
		if err != nil || !ok || !reflect.DeepEqual(got, p) {
			t.Fatalf("got %+v, %v, %v\nwant %+v", got, ok, err, p)
		}
		if p.Type == parser.TypeEvent || p.Type == parser.TypeBinaryEvent {
			if n := parser.EventName(got.Data); string(n) != strings.ToValidUTF8(name, "\uFFFD") && utf8.ValidString(name) {
				t.Fatalf("event name %q, want %q", n, name)
			}
		}
	})
}

// FuzzJSON compares the validator with encoding/json. They differ intentionally in two
// points: invalid UTF-8 and deep nesting are rejected here.
func FuzzJSON(f *testing.F) {
	for _, s := range jsonSamples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want := json.Valid(data) && utf8.Valid(data) && depth(data) <= parser.DefaultMaxDepth
		if got := new(parser.Limits).Valid(data); got != want {
			t.Fatalf("%q: valid %v, want %v", data, got, want)
		}
		// The helpers must accept any input.
		parser.SplitArray(nil, data)
		parser.EventName(data)
		jsontext.NextPlaceholder(data, 0)

		var s string
		trimmed := bytes.Trim(data, " \t\r\n")
		if len(trimmed) == 0 || trimmed[0] != '"' {
			if _, err := jsontext.Unquote(trimmed); err == nil {
				t.Fatalf("%q was unquoted", data)
			}
			return
		}
		wantErr := json.Unmarshal(trimmed, &s)
		got, err := jsontext.Unquote(trimmed)
		if (err == nil) != (wantErr == nil) || err == nil && got != s {
			t.Fatalf("%q: unquoted %q, %v; want %q, %v", trimmed, got, err, s, wantErr)
		}
		if err == nil {
			again, err := jsontext.Unquote(jsontext.AppendString(nil, got))
			if err != nil || again != got {
				t.Fatalf("%q: quoted and unquoted %q, %v", got, again, err)
			}
		}
	})
}

// depth returns how deep valid JSON nests.
func depth(data []byte) int {
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

var jsonSamples = []string{
	``, ` `, `null`, `nul`, `nulll`, `true`, `tru`, `false`, ` 1 `, `-`, `-0`, `-01`, `0`, `00`, `1.`, `1.0`, `.1`, `1e`, `1e+`, `1E-7`, `1e5.`,
	`"`, `""`, `"a`, `"\`, `"\"`, `"\u12"`, `"\u12G4"`, `"\uD83D\uDE00"`, `"\uD83D"`, `"\uDE00\uD83D"`, `"\x"`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"",
	"\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xf4\x90\x80\x80\"", `"é€😀"`, `"12345678"`, `"1234567\n9"`, `"é234567"`,
	`[`, `]`, `[]`, `[ ]`, `[,]`, `[1,]`, `[1 2]`, `[1,2]`, `[[]`, `[]]`, `[}`, `{`, `}`, `{}`, `{ }`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}`,
	`{"a" : 1 , "b" : [ ] }`, `{a:1}`, `{1:2}`, `{"a":1]`, `[{"a":[{"b":{}}]}]`, `{"a":1,"a":2}`, "[\n\t\r 1]", "[\f1]", "\ufeff1", `[1]x`, `1 2`,
	`{"_placeholder":true,"num":0}`, `[{"_placeholder":true,"num":`, `{"num":`, `{"_`, `{"n`, `{"num":1,"_placeholder":true`, `/*c*/1`, `'a'`, `NaN`,
}

// Every sample is also tested in an ordinary test run, including deep ones.
func TestValidAgainstEncodingJSON(t *testing.T) {
	samples := append([]string{
		strings.Repeat("[", 512) + strings.Repeat("]", 512),
		strings.Repeat("[", 513) + strings.Repeat("]", 513),
		strings.Repeat(`{"a":`, 512) + `1` + strings.Repeat("}", 512),
		strings.Repeat(`[{"a":`, 257) + `1` + strings.Repeat("}]", 257),
		strings.Repeat("[", 1_000_000),
		strings.Repeat(`{"a":`, 100_000),
	}, jsonSamples...)
	for _, s := range samples {
		want := json.Valid([]byte(s)) && utf8.ValidString(s) && depth([]byte(s)) <= parser.DefaultMaxDepth
		if got := new(parser.Limits).Valid([]byte(s)); got != want {
			t.Errorf("%.60q: valid %v, want %v", s, got, want)
		}
	}
	// Each prefix and each changed byte of one rich text.
	text := []byte(`{"a\u00e9\"é":[-1.5e+3,true,false,null,{"b":[]},"x\n"],"c":{}}`)
	for i := range text {
		for c := range 256 {
			changed := bytes.Clone(text)
			changed[i] = byte(c)
			want := json.Valid(changed) && utf8.Valid(changed)
			if got := new(parser.Limits).Valid(changed); got != want {
				t.Errorf("%q: valid %v, want %v", changed, got, want)
			}
		}
		if new(parser.Limits).Valid(text[:i]) {
			t.Errorf("%q is valid", text[:i])
		}
	}
}
