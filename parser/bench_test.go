// SPDX-License-Identifier: MIT

// This file holds the benchmarks and the tests of what allocates.

package parser_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"socketio/internal/jsontext"
	"socketio/parser"
)

var benchTexts = []struct{ name, text string }{
	{"small", `2["msg","` + strings.Repeat("x", 64) + `"]`},
	{"namespace", `2/chat,12["msg","` + strings.Repeat("x", 64) + `"]`},
	{"unicode", `2["msg","` + strings.Repeat("é", 32) + `"]`},
	{"object", `2["update",` + benchObject + `]`},
	{"numbers", `2["points",[` + strings.Repeat(`[12.5,-3.25,100],`, 30) + `[0,0,0]]]`},
	{"64KiB", `2["file","` + strings.Repeat("x", 64<<10) + `"]`},
}

const benchObject = `{"id":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","user":{"name":"Ada Lovelace","roles":["admin","editor"],"age":36},` +
	`"text":"The quick brown fox jumps over the lazy dog, then says \"hello\" and leaves.","at":"2026-01-02T03:04:05.678Z",` +
	`"position":{"x":12.5,"y":-7.25,"z":0},"flags":[true,false,null],"count":123456}`

func BenchmarkDecode(b *testing.B) {
	for _, bb := range benchTexts {
		data := []byte(bb.text)
		b.Run(bb.name, func(b *testing.B) {
			var d parser.Decoder
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := d.Add(nil, false, data); !ok || err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The cost of checking the same payloads with encoding/json.
func BenchmarkStdValid(b *testing.B) {
	for _, bb := range benchTexts {
		data := []byte(bb.text[strings.IndexByte(bb.text, '['):])
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if !json.Valid(data) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

func BenchmarkDecodeBinary(b *testing.B) {
	text := []byte(`51-["file",{"_placeholder":true,"num":0}]`)
	attachment := make([]byte, 1024)
	var d parser.Decoder
	b.ReportAllocs()
	for b.Loop() {
		_, _, err := d.Add(nil, false, text)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok, err := d.Add(nil, true, attachment); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendPacket(b *testing.B) {
	p := &parser.Packet{Type: parser.TypeEvent, Namespace: "/chat", ID: 12, Data: []byte(`["msg","` + strings.Repeat("x", 64) + `"]`)}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = parser.AppendPacket(buf[:0], p)
	}
}

func BenchmarkNameAndArgs(b *testing.B) {
	data := []byte(`["msg",` + benchObject + `,1]`)
	var spans [][]byte
	b.ReportAllocs()
	for b.Loop() {
		if len(parser.EventName(data)) != 3 {
			b.Fatal("name")
		}
		spans = parser.SplitArray(spans[:0], data)
	}
}

func BenchmarkAppendString(b *testing.B) {
	s := strings.Repeat("The quick brown fox. ", 5)
	var buf []byte
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		buf = jsontext.AppendString(buf[:0], s)
	}
}

func TestAllocations(t *testing.T) {
	var d parser.Decoder
	var buf []byte
	var spans [][]byte
	add := func(text string) func() {
		data := []byte(text)
		return func() {
			if _, ok, err := d.Add(nil, false, data); !ok || err != nil {
				t.Fatal(text, err)
			}
		}
	}
	event := []byte(`["msg",{"a":[1,"x"]},"y"]`)
	packet := &parser.Packet{Type: parser.TypeEvent, Namespace: "/chat", ID: 12, Data: event}
	escaped, plain := []byte(`"\u00e9\n"`), []byte(`"plain"`)
	names := map[string]int{"msg": 1}
	tests := []struct {
		what string
		max  float64
		run  func()
	}{
		{"plain event", 0, add(`2["msg","hello",{"a":[1,2,{}]}]`)},
		{"event with an id", 0, add(`2123["msg"]`)},
		{"escaped event name", 0, add(`2["\u0063onnected",1]`)},
		{"ack", 0, add(`3123["ok"]`)},
		{"event on a namespace, repeated", 0, add(`2/chat,["msg"]`)},
		{"encoding", 0, func() { buf = parser.AppendPacket(buf[:0], packet) }},
		{"event name", 0, func() {
			if names[string(parser.EventName(event))] != 1 {
				t.Fatal("name")
			}
		}},
		{"argument spans", 0, func() { spans = parser.SplitArray(spans[:0], event) }},
		{"quoting", 0, func() { buf = jsontext.AppendString(buf[:0], "a\n\"é\u2028\xff") }},
		{"unquoting a plain string", 1, func() { jsontext.Unquote(plain) }},
		{"unquoting escapes", 2, func() { jsontext.Unquote(escaped) }},
		{"validating", 0, func() { new(parser.Limits).Valid(event) }},
	}
	for _, tt := range tests {
		tt.run()
		if n := testing.AllocsPerRun(100, tt.run); n > tt.max {
			t.Errorf("%s: %v allocations, want at most %v", tt.what, n, tt.max)
		}
	}
}

// The bytes kept for an incomplete packet are those received, not a multiple.
func TestBinaryMemory(t *testing.T) {
	text := []byte(`51-["file",{"_placeholder":true,"num":0}]`)
	attachment := make([]byte, 100<<10)
	var d parser.Decoder
	run := func() {
		d.Add(nil, false, text)
		if _, ok, _ := d.Add(nil, true, attachment); !ok {
			t.Fatal("incomplete")
		}
	}
	if n := testing.AllocsPerRun(10, run); n > 8 {
		t.Errorf("%v allocations for a packet with an attachment", n)
	}
	const rounds = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		run()
	}
	runtime.ReadMemStats(&after)
	if n, most := (after.TotalAlloc-before.TotalAlloc)/rounds, uint64(len(text)+len(attachment))*5/4; n > most {
		t.Errorf("%d bytes allocated, want at most %d", n, most)
	}
}
