// SPDX-License-Identifier: MIT

// This file holds the benchmarks, beside encoding/json on the same values, and
// the tests of what allocates.

package binding_test

import (
	"encoding/json"
	"testing"

	"socketio/internal/binding"
)

type message struct {
	ID    string   `json:"id"`
	Text  string   `json:"text"`
	Likes int      `json:"likes"`
	Tags  []string `json:"tags"`
}

var (
	sampleMessage = message{"f81d4fae", "The quick brown fox jumps over the lazy dog.", 12, []string{"a", "b"}}
	sampleMap     = map[string]any{"id": "f81d4fae", "text": "The quick brown fox jumps over the lazy dog.", "likes": 12, "ok": true}
	sampleBytes   = make([]byte, 1024)
	sampleArgs    = []struct {
		name string
		args []any
	}{
		{"string", []any{"The quick brown fox jumps over the lazy dog."}},
		{"scalars", []any{1, 2.5, true, nil, "x"}},
		{"map", []any{sampleMap}},
		{"struct", []any{sampleMessage}},
	}
)

func BenchmarkAppendArgs(b *testing.B) {
	for _, bb := range sampleArgs {
		b.Run(bb.name, func(b *testing.B) {
			var c binding.Codec
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf, _, _ = c.AppendArgs(buf[:0], nil, bb.args...)
			}
		})
		b.Run(bb.name+"/std", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				json.Marshal(bb.args)
			}
		})
	}
}

func BenchmarkAppendBinary(b *testing.B) {
	for _, bb := range []struct {
		name string
		arg  any
	}{
		{"bytes", sampleBytes},
		{"map", map[string]any{"data": sampleBytes, "n": 1}},
		{"struct", photo{Name: "n", Pixels: sampleBytes}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var c binding.Codec
			var buf []byte
			var att [][]byte
			b.ReportAllocs()
			for b.Loop() {
				buf, att, _ = c.AppendArgs(buf[:0], att[:0], bb.arg)
			}
		})
	}
}

func benchDecode[T any](b *testing.B, name, raw string, att [][]byte) {
	data := []byte(raw)
	b.Run(name, func(b *testing.B) {
		var c binding.Codec
		b.ReportAllocs()
		for b.Loop() {
			var v T
			if err := c.Decode(data, att, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	if att != nil {
		return
	}
	b.Run(name+"/std", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v T
			if err := json.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	object, _ := json.Marshal(sampleMessage)
	att := [][]byte{make([]byte, 64<<10)}
	benchDecode[string](b, "string", `"The quick brown fox jumps over the lazy dog."`, nil)
	benchDecode[int](b, "int", `12345`, nil)
	benchDecode[float64](b, "float", `-12.5`, nil)
	benchDecode[any](b, "any", string(object), nil)
	benchDecode[map[string]any](b, "map", string(object), nil)
	benchDecode[message](b, "struct", string(object), nil)
	benchDecode[[]byte](b, "bytes", ph(0), att)
	benchDecode[any](b, "any with bytes", `{"data":`+ph(0)+`}`, att)
	benchDecode[inner](b, "struct with bytes", `{"data":`+ph(0)+`}`, att)
	benchDecode[custom](b, "unmarshaler with bytes", `{"V":`+ph(0)+`}`, att)
}

func TestAllocations(t *testing.T) {
	var c binding.Codec
	var buf []byte
	var att [][]byte
	encode := func(args ...any) func() {
		return func() {
			var err error
			if buf, att, err = c.AppendArgs(buf[:0], att[:0], args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	one := [][]byte{sampleBytes}
	text, number, flag, whole := []byte(`"hello"`), []byte(`12345`), []byte(`true`), []byte(ph(0))
	float := []byte(`-12.5e3`)
	var s string
	var n int
	var u uint64
	var f float64
	var b bool
	var data []byte
	var raw json.RawMessage
	decode := func(in []byte, dst any) func() {
		return func() {
			if err := c.Decode(in, one, dst); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		what string
		max  float64
		run  func()
	}{
		{"strings and numbers", 0, encode("a", 1, 2.5, true, nil, int64(7))},
		{"bytes", 0, encode("a", sampleBytes)},
		{"raw JSON", 0, encode(json.RawMessage(`{"a":[1,2,"x"]}`))},
		{"slice of any", 0, encode([]any{"a", 1, []string{"x"}})},
		{"small map", 0, encode(sampleMap)},
		{"struct", 3, encode(sampleMessage)},
		{"string target", 1, decode(text, &s)},
		{"int target", 0, decode(number, &n)},
		{"uint64 target", 0, decode(number, &u)},
		{"float64 target", 0, decode(float, &f)},
		{"bool target", 0, decode(flag, &b)},
		{"bytes target", 0, decode(whole, &data)},
		{"raw target, reused", 0, decode(whole, &raw)},
	}
	for _, tt := range tests {
		tt.run()
		if n := testing.AllocsPerRun(100, tt.run); n > tt.max {
			t.Errorf("%s: %v allocations, want at most %v", tt.what, n, tt.max)
		}
	}
}

func TestNestedBytesAreNotCopied(t *testing.T) {
	var c binding.Codec
	att := [][]byte{{1, 2, 3}}
	var v struct {
		A []byte
		B any
		C []blob
		D map[string][]byte
		E *[]byte
		F [1][]byte
	}
	in := `{"A":` + ph(0) + `,"B":[` + ph(0) + `],"C":[` + ph(0) + `],"D":{"k":` + ph(0) + `},"E":` + ph(0) + `,"F":[` + ph(0) + `]}`
	if err := c.Decode([]byte(in), att, &v); err != nil {
		t.Fatal(err)
	}
	for i, b := range [][]byte{v.A, v.B.([]any)[0].([]byte), v.C[0], v.D["k"], *v.E, v.F[0]} {
		if len(b) != 3 || &b[0] != &att[0][0] {
			t.Errorf("%d: %v is a copy", i, b)
		}
	}
}
