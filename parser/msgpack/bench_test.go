// SPDX-License-Identifier: MIT

// This file holds the benchmarks and the tests of what allocates.

package msgpack_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"socketio/parser"
	"socketio/parser/msgpack"
)

type benchUser struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	Age   int      `json:"age"`
}

type benchUpdate struct {
	ID    string    `json:"id"`
	User  benchUser `json:"user"`
	Text  string    `json:"text"`
	At    time.Time `json:"at"`
	Pos   [3]float64
	Flags map[string]bool `json:"flags"`
}

var update = benchUpdate{
	ID: "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", User: benchUser{"Ada Lovelace", []string{"admin", "editor"}, 36},
	Text: strings.Repeat("The quick brown fox. ", 4), At: time.UnixMilli(1_700_000_000_123), Pos: [3]float64{12.5, -7.25, 0},
	Flags: map[string]bool{"a": true, "b": false},
}

func points() []any {
	list := make([]any, 100)
	for i := range list {
		list[i] = []any{float64(i) + 0.5, i * 1000, -i}
	}
	return list
}

var benchArgs = []struct {
	name string
	args []any
}{
	{"small", []any{strings.Repeat("x", 64)}},
	{"struct", []any{update}},
	{"numbers", []any{points()}},
	{"64KiB", []any{make([]byte, 64<<10)}},
}

func BenchmarkAppendPacket(b *testing.B) {
	for _, bb := range benchArgs {
		b.Run(bb.name, func(b *testing.B) {
			var c msgpack.Codec
			p := event("msg", bb.args...)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				enc, err := c.AppendPacket(buf[:0], p)
				if err != nil {
					b.Fatal(err)
				}
				buf = enc.Data
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, bb := range benchArgs {
		b.Run(bb.name, func(b *testing.B) {
			var c msgpack.Codec
			enc, err := c.AppendPacket(nil, event("msg", bb.args...))
			if err != nil {
				b.Fatal(err)
			}
			var d msgpack.Decoder
			b.SetBytes(int64(len(enc.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, ok, err := d.Add(nil, true, enc.Data); !ok {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	var c msgpack.Codec
	bench := func(name string, v any, dst func() any) {
		raw, err := encodeValue(&c, v)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Decode(raw, nil, dst()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	bench("string", strings.Repeat("x", 64), func() any { return new(string) })
	bench("struct", update, func() any { return new(benchUpdate) })
	bench("any", points(), func() any { return new(any) })
	bench("64KiB", make([]byte, 64<<10), func() any { return new([]byte) })
}

func TestAllocations(t *testing.T) {
	var c msgpack.Codec
	var d msgpack.Decoder
	packet := event("msg", "hello", 12, true, 1.5, []byte{1, 2}, update.At, []any{"a", 1.0}, []string{"x"})
	packet.Namespace, packet.ID = "/chat", 300
	enc, err := c.AppendPacket(nil, packet)
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := d.Add(nil, true, enc.Data)
	if err != nil {
		t.Fatal(err)
	}
	data := append([]byte(nil), p.Data...)
	buf := make([]byte, 0, 1024)
	var spans [16][]byte
	args := c.SplitArray(nil, data)[1:]
	var s string
	var n int
	var f float64
	var b []byte
	var at time.Time
	tests := []struct {
		what string
		max  float64
		run  func()
	}{
		{"encoding", 0, func() { _, err = c.AppendPacket(buf, packet) }},
		{"encoding a struct with a map", 8, func() { _, err = c.AppendPacket(buf, event("msg", &update)) }},
		{"decoding a packet", 0, func() { _, _, err = d.Add(nil, true, enc.Data) }},
		{"event name", 0, func() { c.EventName(data) }},
		{"argument spans", 0, func() { c.SplitArray(spans[:0], data) }},
		{"a string", 1, func() { err = c.Decode(args[0], nil, &s) }},
		{"an integer", 0, func() { err = c.Decode(args[1], nil, &n) }},
		{"a float", 0, func() { err = c.Decode(args[3], nil, &f) }},
		{"bytes", 1, func() { err = c.Decode(args[4], nil, &b) }},
		{"a time", 0, func() { err = c.Decode(args[5], nil, &at) }},
	}
	for _, tt := range tests {
		tt.run()
		if n := testing.AllocsPerRun(100, tt.run); n > tt.max || err != nil {
			t.Errorf("%s: %v allocations, want at most %v; %v", tt.what, n, tt.max, err)
		}
	}
}

// Memory is proportional to the received bytes, whatever their lengths claim.
func TestHostileMemory(t *testing.T) {
	var c msgpack.Codec
	envelope := `83 a4'type' 02 a3'nsp' a1'/' a4'data' `
	list := unhex(t, envelope+`92 a1'e' dd 00010000`)
	list = append(list, make([]byte, 1<<16)...)
	tests := []struct {
		what  string
		wire  []byte
		dst   any
		times uint64 // the bytes allocated, at most, per byte that came, growing lists included
	}{
		{"an array head alone", unhex(t, `dd ffffffff`), new(any), 0},
		{"a map head alone", unhex(t, `df ffffffff`), new(any), 0},
		{"a long array in an event", unhex(t, envelope+`92 a1'e' dd ffffffff`), new(any), 0},
		{"a long map in an event", unhex(t, envelope+`92 a1'e' df 7fffffff c0`), new(any), 0},
		{"long bytes", unhex(t, envelope+`92 a1'e' c6 ffffffff`), new([]byte), 0},
		{"a long string", unhex(t, envelope+`92 a1'e' db ffffffff`), new(string), 0},
		{"zeros as any", list, new(any), 40},
		{"zeros as floats", list, new([]float64), 48},
		{"nils as structs", append(list[:len(list)-1<<16:len(list)], strings.Repeat("\xc0", 1<<16)...), new([][2]string), 160},
	}
	for _, tt := range tests {
		var d msgpack.Decoder
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if p, ok, _ := d.Add(nil, true, tt.wire); ok {
			if err := c.Decode(c.SplitArray(nil, p.Data)[1], nil, tt.dst); err != nil {
				t.Errorf("%s: %v", tt.what, err)
			}
		}
		c.SplitArray(nil, tt.wire)
		c.EventName(tt.wire)
		_ = c.Decode(tt.wire, nil, tt.dst)
		runtime.ReadMemStats(&after)
		most := tt.times*uint64(len(tt.wire)) + 16<<10
		if n := after.TotalAlloc - before.TotalAlloc; n > most {
			t.Errorf("%s: %d bytes allocated for %d, want at most %d", tt.what, n, len(tt.wire), most)
		}
	}
}

var _ parser.PacketDecoder = (*msgpack.Decoder)(nil)
