// SPDX-License-Identifier: MIT

// This file tests the bytes of packets, in both directions, and each rejection.

package msgpack_test

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio/parser"
	"socketio/parser/msgpack"
)

// unhex reads bytes written as hex digits, spaces between them, and text in
// single quotes.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	var out []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		out = append(out, b...)
	}
	return out
}

// decode passes one message to a new decoder.
func decode(data []byte) (parser.Packet, error) {
	var d msgpack.Decoder
	p, ok, err := d.Add(nil, true, data)
	if ok != (err == nil) {
		panic("ok and an error, or neither")
	}
	return p, err
}

func event(name string, args ...any) parser.Outgoing {
	return parser.Outgoing{Type: parser.TypeEvent, Namespace: "/", ID: parser.NoID, Event: name, Args: args}
}

// The wire examples: what we write, byte for byte, and the value that an any receives.
var wireTable = []struct {
	packet parser.Outgoing
	wire   string
	data   any
}{
	{parser.Outgoing{Type: parser.TypeConnect, ID: -1}, `82 a4'type' 00 a3'nsp' a1'/'`, nil},
	{parser.Outgoing{Type: parser.TypeConnect, Namespace: "/admin", ID: -1, Payload: map[string]string{"sid": "x"}},
		`83 a4'type' 00 a3'nsp' a6'/admin' a4'data' 81 a3'sid' a1'x'`, map[string]any{"sid": "x"}},
	{parser.Outgoing{Type: parser.TypeDisconnect, Namespace: "/admin", ID: -1}, `82 a4'type' 01 a3'nsp' a6'/admin'`, nil},
	{parser.Outgoing{Type: parser.TypeConnectError, ID: -1, Payload: "no"}, `83 a4'type' 04 a3'nsp' a1'/' a4'data' a2'no'`, "no"},
	{parser.Outgoing{Type: parser.TypeAck, ID: 0, Namespace: "/"}, `84 a4'type' 03 a3'nsp' a1'/' a4'data' 90 a2'id' 00`, []any{}},
	{parser.Outgoing{Type: parser.TypeEvent, ID: 1 << 40, Event: "a"},
		`84 a4'type' 02 a3'nsp' a1'/' a4'data' 91 a1'a' a2'id' cf 0000010000000000`, []any{"a"}},
	{event("e", nil, true, false), `83 a4'type' 02 a3'nsp' a1'/' a4'data' 94 a1'e' c0 c3 c2`, []any{"e", nil, true, false}},
	{event("e", 0, 127, 128, 255, 256, 65535, 65536, int64(math.MaxUint32), int64(math.MaxUint32)+1),
		`83 a4'type' 02 a3'nsp' a1'/' a4'data' 9a a1'e' 00 7f cc80 ccff cd0100 cdffff ce00010000 ceffffffff cf0000000100000000`,
		[]any{"e", 0.0, 127.0, 128.0, 255.0, 256.0, 65535.0, 65536.0, 4294967295.0, 4294967296.0}},
	{event("e", -1, -32, -33, -128, -129, -32768, -32769, int64(math.MinInt32), int64(math.MinInt32)-1),
		`83 a4'type' 02 a3'nsp' a1'/' a4'data' 9a a1'e' ff e0 d0df d080 d1ff7f d18000 d2ffff7fff d280000000 d3ffffffff7fffffff`,
		[]any{"e", -1.0, -32.0, -33.0, -128.0, -129.0, -32768.0, -32769.0, -2147483648.0, -2147483649.0}},
	{event("e", 1.5, 3.0, -0.25, float32(0.5), float32(7)),
		`83 a4'type' 02 a3'nsp' a1'/' a4'data' 96 a1'e' cb3ff8000000000000 03 cbbfd0000000000000 ca3f000000 07`,
		[]any{"e", 1.5, 3.0, -0.25, 0.5, 7.0}},
	{event("e", []byte{1, 2, 3}, []byte{}, []byte(nil)), `83 a4'type' 02 a3'nsp' a1'/' a4'data' 94 a1'e' c403010203 c400 c0`,
		[]any{"e", []byte{1, 2, 3}, []byte{}, nil}},
	{event("e", time.UnixMilli(1_700_000_000_123)), `83 a4'type' 02 a3'nsp' a1'/' a4'data' 92 a1'e' d7000000018bcfe5687b`,
		[]any{"e", time.UnixMilli(1_700_000_000_123).UTC()}},
	{event("e", time.UnixMilli(-1)), `83 a4'type' 02 a3'nsp' a1'/' a4'data' 92 a1'e' d700ffffffffffffffff`,
		[]any{"e", time.UnixMilli(-1).UTC()}},
	{event("e", map[string]any{"b": []any{1}, "a": map[string]any{}}),
		`83 a4'type' 02 a3'nsp' a1'/' a4'data' 92 a1'e' 82 a1'a' 80 a1'b' 91 01`,
		[]any{"e", map[string]any{"a": map[string]any{}, "b": []any{1.0}}}},
	{event("é€😀"), `83 a4'type' 02 a3'nsp' a1'/' a4'data' 91 a9 c3a9e282acf09f9880`, []any{"é€😀"}},
}

func TestWire(t *testing.T) {
	var c msgpack.Codec
	for _, tt := range wireTable {
		want := unhex(t, tt.wire)
		enc, err := c.AppendPacket([]byte("before"), tt.packet)
		if err != nil || !enc.Binary || enc.Attachments != nil {
			t.Errorf("%s: %+v, %v", tt.wire, enc, err)
			continue
		}
		if got := enc.Data[len("before"):]; string(got) != string(want) {
			t.Errorf("%+v:\n got %x\nwant %x", tt.packet, got, want)
		}
		p, err := decode(want)
		namespace := tt.packet.Namespace
		if namespace == "" {
			namespace = "/"
		}
		if err != nil || p.Type != tt.packet.Type || p.Namespace != namespace || p.ID != tt.packet.ID || p.Attachments != nil {
			t.Errorf("%s: %+v, %v", tt.wire, p, err)
			continue
		}
		var data any
		if p.Data != nil {
			if err := c.Decode(p.Data, nil, &data); err != nil {
				t.Errorf("%s: %v", tt.wire, err)
			}
		}
		if !reflect.DeepEqual(data, tt.data) {
			t.Errorf("%s: data %#v, want %#v", tt.wire, data, tt.data)
		}
	}
}

// Lengths on both sides of each limit of the length's own size.
func TestLengths(t *testing.T) {
	var c msgpack.Codec
	heads := map[string]map[int]string{
		"string": {31: "bf", 32: "d920", 255: "d9ff", 256: "da0100", 65535: "daffff", 65536: "db00010000"},
		"bytes":  {0: "c400", 255: "c4ff", 256: "c50100", 65535: "c5ffff", 65536: "c600010000"},
		"array":  {15: "9f", 16: "dc0010", 65535: "dcffff", 65536: "dd00010000"},
		"map":    {15: "8f", 16: "de0010", 65535: "deffff", 65536: "df00010000"},
	}
	for what, sizes := range heads {
		for n, head := range sizes {
			var v any
			switch what {
			case "string":
				v = strings.Repeat("x", n)
			case "bytes":
				v = make([]byte, n)
			case "array":
				v = make([]any, n)
			case "map":
				m := make(map[int]bool, n)
				for i := range n {
					m[i] = true
				}
				v = m
			}
			enc, err := c.AppendPacket(nil, parser.Outgoing{Type: parser.TypeEvent, ID: -1, Event: "e", Args: []any{v}})
			if err != nil {
				t.Fatal(err)
			}
			p, err := decode(enc.Data)
			if err != nil {
				t.Errorf("%s of %d: %v", what, n, err)
				continue
			}
			raw := c.SplitArray(nil, p.Data)[1]
			if !strings.HasPrefix(hex.EncodeToString(raw[:min(5, len(raw))]), head) {
				t.Errorf("%s of %d starts %x, want %s", what, n, raw[:min(5, len(raw))], head)
			}
			back := reflect.New(reflect.TypeOf(v))
			if err := c.Decode(raw, nil, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), v) {
				t.Errorf("%s of %d does not come back: %v", what, n, err)
			}
		}
	}
}

// Forms that other encoders write and that we must decode.
func TestForeignWire(t *testing.T) {
	date := time.UnixMilli(1_700_000_000_123).UTC()
	tests := []struct {
		wire string
		want any
	}{
		{"d4 00 00", nil},                                  // undefined
		{"d4 00 ff", nil},                                  // its byte has no meaning
		{"c7 03 00 010203", []byte{1, 2, 3}},               // ArrayBuffer
		{"c8 0003 00 010203", []byte{1, 2, 3}},             //
		{"c9 00000003 00 010203", []byte{1, 2, 3}},         //
		{"c7 00 00", []byte{}},                             //
		{"d7 00 0000018bcfe5687b", date},                   // Date
		{"d6 ff 6553f100", time.Unix(0x6553f100, 0).UTC()}, // timestamps of the specification
		{"d7 ff 1d544d006553f100", time.Unix(0x6553f100, 123_016_000).UTC()},
		{"c7 0c ff 07541740 ffffffffffffffff", time.Unix(-1, 122_951_488).UTC()},
		{"d7 ff ffffffff00000000", []any{-1.0, []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}}}, // too many nanoseconds
		{"d5 00 0102", []any{0.0, []byte{1, 2}}},                                            // extensions JavaScript does not know either
		{"d4 05 09", []any{5.0, []byte{9}}},
		{"d8 fe 00000000000000000000000000000001", []any{-2.0, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}},
		{"c7 02 01 0a0b", []any{1.0, []byte{10, 11}}},
		{"cb 4008000000000000", 3.0},
		{"ca 3fc00000", 1.5},
		{"d9 01'x'", "x"}, {"da 0001'x'", "x"}, {"db 00000001'x'", "x"},
		{"c5 0001 07", []byte{7}}, {"c6 00000001 07", []byte{7}},
		{"cc 01", 1.0}, {"cf 0000000000000001", 1.0}, {"d3 0000000000000001", 1.0}, {"d0 05", 5.0},
		{"cf ffffffffffffffff", 18446744073709551615.0},
		{"dc 0001 c0", []any{nil}}, {"dd 00000001 c0", []any{nil}},
		{"de 0001 a1'a' 01", map[string]any{"a": 1.0}}, {"df 00000001 a1'a' 01", map[string]any{"a": 1.0}},
		{"82 a1'a' 01 a1'a' 02", map[string]any{"a": 2.0}},                            // the last counts
		{"82 a1'a' 01 a1'a' d40000", map[string]any{}},                                //
		{"81 a1'a' d40000", map[string]any{}},                                         // undefined members are none
		{"83 05 01 ff 02 cd0100 03", map[string]any{"5": 1.0, "-1": 2.0, "256": 3.0}}, // keys of other languages
	}
	var c msgpack.Codec
	for _, tt := range tests {
		p, err := decode(append(unhex(t, `83 a4'type' 02 a3'nsp' a1'/' a4'data' 92 a1'e'`), unhex(t, tt.wire)...))
		if err != nil {
			t.Errorf("%s: %v", tt.wire, err)
			continue
		}
		var got any
		if err := c.Decode(c.SplitArray(nil, p.Data)[1], nil, &got); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %#v, %v; want %#v", tt.wire, got, err, tt.want)
		}
	}
}

// The envelope: order of keys, extra keys, duplicate keys, missing values.
func TestEnvelope(t *testing.T) {
	tests := []struct {
		wire string
		want parser.Packet
	}{
		{`84 a4'data' 91 a1'e' a2'id' 07 a3'nsp' a1'/' a4'type' 02`, parser.Packet{Type: parser.TypeEvent, ID: 7}},
		{`84 a4'type' 02 a4'data' 91 a1'e' a7'options' 81 a8'compress' c3 a3'nsp' a1'/'`, parser.Packet{Type: parser.TypeEvent, ID: -1}},
		{`85 a4'type' 02 a4'data' 91 a1'e' 05 c0 a1'x' dc0001c0 a3'nsp' a1'/'`, parser.Packet{Type: parser.TypeEvent, ID: -1}},
		{`85 a4'type' c0 a4'type' 02 a4'data' 90 a4'data' 91 a1'e' a3'nsp' a1'/'`, parser.Packet{Type: parser.TypeEvent, ID: -1}},
		{`84 a4'type' 02 a4'data' 91 a1'e' a3'nsp' a1'/' a2'id' d40000`, parser.Packet{Type: parser.TypeEvent, ID: -1}},
		{`84 a4'type' 02 a4'data' 91 a1'e' a3'nsp' a1'/' a2'id' c0`, parser.Packet{Type: parser.TypeEvent, ID: -1}},
		{`84 a4'type' cb4000000000000000 a4'data' 91 a1'e' a3'nsp' a1'/' a2'id' cb4014000000000000`, parser.Packet{Type: parser.TypeEvent, ID: 5}},
		{`84 a4'type' 02 a4'data' 91 a1'e' a3'nsp' a1'/' a2'id' cf001fffffffffffff`, parser.Packet{Type: parser.TypeEvent, ID: 1<<53 - 1}},
		{`83 a4'type' 00 a3'nsp' a1'/' a4'data' d40000`, parser.Packet{Type: parser.TypeConnect, ID: -1}},
		{`83 a4'type' 01 a3'nsp' a1'/' a4'data' c0`, parser.Packet{Type: parser.TypeDisconnect, ID: -1}},
		{`83 a4'type' 02 a3'nsp' a1'/' a4'data' 91 05`, parser.Packet{Type: parser.TypeEvent, ID: -1}},
	}
	for _, tt := range tests {
		p, err := decode(unhex(t, tt.wire))
		if err != nil || p.Type != tt.want.Type || p.ID != tt.want.ID || p.Namespace != "/" {
			t.Errorf("%s: %+v, %v", tt.wire, p, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	event := func(data string) string { return `83 a4'type' 02 a3'nsp' a1'/' a4'data' ` + data }
	long := func(n int) string { return hex.EncodeToString([]byte(strings.Repeat("a", n))) }
	tests := []struct {
		wire string
		want string
	}{
		{``, "Could not parse"}, {`c1`, "Could not parse"}, {`82`, "Could not parse"}, {`81 a4'ty'`, "Could not parse"},
		{`82 a4'type' 02`, "Could not parse"}, {`81 a4'type'`, "Could not parse"},
		{`00 00`, "1 trailing bytes"}, {`80 000102`, "3 trailing bytes"}, {event(`91 a1'e'`) + `c0`, "1 trailing bytes"},
		{`00`, "invalid packet type"}, {`c0`, "invalid packet type"}, {`90`, "invalid packet type"}, {`a0`, "invalid packet type"}, {`80`, "invalid packet type"},
		{`82 a4'type' 05 a3'nsp' a1'/'`, "invalid packet type"}, {`82 a4'type' ff a3'nsp' a1'/'`, "invalid packet type"},
		{`82 a4'type' a1'0' a3'nsp' a1'/'`, "invalid packet type"}, {`82 a4'type' cb3ff8000000000000 a3'nsp' a1'/'`, "invalid packet type"},
		{`82 a4'type' cb7ff8000000000000 a3'nsp' a1'/'`, "invalid packet type"}, {`82 a4'type' c3 a3'nsp' a1'/'`, "invalid packet type"},
		{`82 a4'type' cf8000000000000000 a3'nsp' a1'/'`, "invalid packet type"},
		{`81 a4'type' 00`, "invalid namespace"}, {`82 a4'type' 00 a3'nsp' c0`, "invalid namespace"}, {`82 a4'type' 00 a3'nsp' 01`, "invalid namespace"},
		{`82 a4'type' 00 a3'nsp' a0`, "invalid namespace"}, {`82 a4'type' 00 a3'nsp' a1'a'`, "invalid namespace"}, {`82 a4'type' 00 a3'nsp' a3'/,a'`, "invalid namespace"},
		{`82 a4'type' 00 a3'nsp' a2'/' 0a`, "invalid namespace"}, {`82 a4'type' 00 a3'nsp' a3'/' c285`, "invalid namespace"},
		{`82 a4'type' 00 a3'nsp' da0100'/'` + long(255), "invalid namespace"}, {`82 a4'type' 00 a3'nsp' c401'/'`, "invalid namespace"},
		{`83 a4'type' 00 a3'nsp' a1'/' a4'data' 90`, "invalid payload"}, {`83 a4'type' 00 a3'nsp' a1'/' a4'data' a0`, "invalid payload"},
		{`83 a4'type' 01 a3'nsp' a1'/' a4'data' 80`, "invalid payload"}, {`82 a4'type' 04 a3'nsp' a1'/'`, "invalid payload"},
		{`83 a4'type' 04 a3'nsp' a1'/' a4'data' 90`, "invalid payload"}, {`82 a4'type' 03 a3'nsp' a1'/'`, "invalid payload"},
		{`83 a4'type' 03 a3'nsp' a1'/' a4'data' 80`, "invalid payload"}, {`82 a4'type' 02 a3'nsp' a1'/'`, "invalid payload"},
		{event(`90`), "invalid payload"}, {event(`80`), "invalid payload"}, {event(`91 c0`), "invalid payload"}, {event(`91 80`), "invalid payload"},
		{event(`91 c401'e'`), "invalid payload"}, {event(`91 cb7ff0000000000000`), "invalid payload"}, {event(`91 d40000`), "invalid payload"},
		{event(`91 a7'connect'`), "invalid payload"}, {event(`91 ad'connect_error'`), "invalid payload"}, {event(`91 aa'disconnect'`), "invalid payload"},
		{event(`91 ad'disconnecting'`), "invalid payload"}, {event(`91 ab'newListener'`), "invalid payload"}, {event(`91 d90e'removeListener'`), "invalid payload"},
		{`84 a4'type' 02 a3'nsp' a1'/' a4'data' 91 a1'e' a2'id' ff`, "invalid packet id"},
		{`84 a4'type' 02 a3'nsp' a1'/' a4'data' 91 a1'e' a2'id' a1'1'`, "invalid packet id"},
		{`84 a4'type' 02 a3'nsp' a1'/' a4'data' 91 a1'e' a2'id' cf0020000000000000`, "invalid packet id"},
		{`84 a4'type' 02 a3'nsp' a1'/' a4'data' 91 a1'e' a2'id' cb7ff0000000000000`, "invalid packet id"},
		// Hostile lengths, bad text, bad keys.
		{event(`dd ffffffff`), "Could not parse"}, {event(`df ffffffff`), "Could not parse"}, {event(`91 db ffffffff`), "Could not parse"},
		{event(`91 c6 ffffffff 00`), "Could not parse"}, {event(`91 c9 ffffffff 00 00`), "Could not parse"}, {event(`dd 00000002 a1'e'`), "Could not parse"},
		{event(`92 a1'e' a1 ff`), "Could not parse"}, {event(`92 a1'e' a3 eda080`), "Could not parse"}, {event(`91 a1 c3`), "Could not parse"},
		{event(`92 a1'e' 81 a1 80 c0`), "Could not parse"}, {event(`92 a1'e' 81 c0 c0`), "Could not parse"}, {event(`92 a1'e' 81 90 c0`), "Could not parse"},
		{event(`92 a1'e' 81 c401'a' c0`), "Could not parse"}, {event(`92 a1'e' c1`), "Could not parse"}, {event(`92 a1'e' cb00`), "Could not parse"},
		{event(`92 a1'e' d8 00`), "Could not parse"}, {event(`92 a1'e' c7 01`), "Could not parse"}, {event(`92 a1'e' d4 00`), "Could not parse"},
		{`82 a4'type' 02 80 a3'nsp'`, "Could not parse"},
	}
	for _, tt := range tests {
		p, err := decode(unhex(t, tt.wire))
		var e *msgpack.DecodeError
		if !errors.As(err, &e) || err.Error() != tt.want {
			t.Errorf("%s: %+v, %v; want %q", tt.wire, p, err, tt.want)
		}
		if !reflect.DeepEqual(p, parser.Packet{}) {
			t.Errorf("%s: a packet beside the error: %+v", tt.wire, p)
		}
	}
	// A packet that is cut anywhere is rejected.
	whole := unhex(t, `85 a4'type' 02 a3'nsp' a2'/a' a7'options' 81 a8'compress' c3 a4'data' 9a a1'e' d40000 d7000000018bcfe5687b c70200ffff c4010a cb3ff8000000000000 81 01 d9021234 ca00000000 cd0100 d100ff a2'id' 05`)
	for n := range whole {
		if _, err := decode(whole[:n]); err == nil {
			t.Errorf("accepted when cut to %d bytes", n)
		}
	}
	if _, err := decode(whole); err != nil {
		t.Errorf("the whole: %v", err)
	}
	var d msgpack.Decoder
	if _, ok, err := d.Add(nil, false, []byte(`2["e"]`)); ok || err == nil || err.Error() != "got a text message" {
		t.Errorf("a text message: %v", err)
	}
	if s := (&msgpack.DecodeError{Kind: 200}).Error(); s == "" {
		t.Error("no text")
	}
}

func TestLimits(t *testing.T) {
	nested := func(depth int) []byte { // the array of the event counts as one
		b := unhex(t, `83 a4'type' 02 a3'nsp' a1'/' a4'data' 92 a1'e'`)
		for range depth - 2 {
			b = append(b, 0x91)
		}
		return append(b, 0x90)
	}
	tests := []struct {
		max, depth int
		ok         bool
	}{{0, 512, true}, {0, 513, false}, {2, 2, true}, {2, 3, false}, {1 << 20, 1024, true}, {1 << 20, 1025, false}}
	var c msgpack.Codec
	for _, tt := range tests {
		var d msgpack.Decoder
		p, ok, err := d.Add(&parser.Limits{MaxDepth: tt.max}, true, nested(tt.depth))
		if ok != tt.ok {
			t.Errorf("depth %d of %d: %v", tt.depth, tt.max, err)
		}
		if ok {
			var v any
			if err := c.Decode(p.Data, nil, &v); err != nil {
				t.Errorf("depth %d decodes: %v", tt.depth, err)
			}
		}
	}
	for what, key := range map[string]string{"options": `a7'options'`, "an unknown key": `01`} {
		deep := append(unhex(t, `83 a4'type' 00 a3'nsp' a1'/'`+key), strings.Repeat("\x91", 513)...)
		if _, err := decode(append(deep, 0xc0)); err == nil {
			t.Errorf("nesting in %s counts too", what)
		}
	}
	var d msgpack.Decoder
	wire := unhex(t, `82 a4'type' 00 a3'nsp' a5'/abcd'`)
	if _, ok, _ := d.Add(&parser.Limits{MaxNamespace: 5}, true, wire); !ok {
		t.Error("a namespace at the limit")
	}
	if _, ok, _ := new(msgpack.Decoder).Add(&parser.Limits{MaxNamespace: 4}, true, wire); ok {
		t.Error("a namespace over the limit")
	}
}

func TestEventNames(t *testing.T) {
	var c msgpack.Codec
	for wire, want := range map[string]string{
		`91 a0`: "", `91 a1'e'`: "e", `92 d902'ab' c0`: "ab", `91 05`: "5", `91 ff`: "-1", `91 cb3ff8000000000000`: "1.5",
		`91 cf4000000000000000`: "4611686018427388000", `91 cb7e37e43c8800759c`: "1e+300", `91 cb4008000000000000`: "3",
	} {
		name := c.EventName(unhex(t, wire))
		if name == nil || string(name) != want {
			t.Errorf("%s: %q, want %q", wire, name, want)
		}
	}
	for _, wire := range []string{``, `90`, `80`, `c0`, `91`, `91 c0`, `91 a2'e'`, `91 cb7ff0000000000000`, `91 c1`} {
		if name := c.EventName(unhex(t, wire)); name != nil {
			t.Errorf("%s has the name %q", wire, name)
		}
	}
}

func TestSplitArray(t *testing.T) {
	var c msgpack.Codec
	data := unhex(t, `94 a1'e' 82 a1'a' 91 c0 a1'b' c0 c403010203 05`)
	got := c.SplitArray(nil, data)
	want := []string{`a1'e'`, `82 a1'a' 91 c0 a1'b' c0`, `c403010203`, `05`}
	if len(got) != len(want) {
		t.Fatalf("%x", got)
	}
	for i := range want {
		if string(got[i]) != string(unhex(t, want[i])) {
			t.Errorf("element %d is %x", i, got[i])
		}
	}
	_ = append(got[0], 0xc1)
	if data[3] == 0xc1 {
		t.Error("appending to an element must not reach its neighbour")
	}
	for _, wire := range []string{``, `c0`, `81 c0`, `91`, `dd ffffffff`, `92 c0`} {
		c.SplitArray(nil, unhex(t, wire))
	}
}
