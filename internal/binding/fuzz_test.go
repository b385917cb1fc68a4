// SPDX-License-Identifier: MIT

// This file holds the fuzz targets, and the same checks over fixed samples.

package binding_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"socketio/internal/binding"
	"socketio/parser"
)

// A grower makes a tree of any out of fuzz input.
type grower struct {
	in    []byte
	bytes int // byte slices made
}

func (g *grower) next() byte {
	if len(g.in) == 0 {
		return 0
	}
	c := g.in[0]
	g.in = g.in[1:]
	return c
}

func (g *grower) take() []byte {
	n := min(int(g.next())%20, len(g.in))
	b := g.in[:n:n]
	g.in = g.in[n:]
	return b
}

func (g *grower) text() string { return strings.ToValidUTF8(string(g.take()), "?") }

func (g *grower) value(depth int) any {
	kind := g.next() % 9
	if depth > 12 && kind >= 7 {
		kind = 0
	}
	switch kind {
	case 1:
		return true
	case 2:
		return false
	case 3:
		return float64(int8(g.next())) * math.Pow10(int(int8(g.next()))%40)
	case 4, 5:
		return g.text()
	case 6:
		if g.bytes++; g.bytes > 90 {
			return "enough"
		}
		return append([]byte{}, g.take()...)
	case 7:
		list := []any{}
		for range g.next() % 6 {
			list = append(list, g.value(depth+1))
		}
		return list
	case 8:
		object := map[string]any{}
		for range g.next() % 6 {
			object["k"+g.text()] = g.value(depth + 1)
		}
		return object
	}
	return nil
}

type wrapped struct {
	V    any
	List []any          `json:"list,omitempty"`
	Map  map[string]any `json:"map,omitempty"`
	Own  *selfDecoding  `json:"own,omitempty"`
}

// selfDecoding turns off the markers for every type that holds it.
type selfDecoding struct{ V []byte }

func (s *selfDecoding) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &s.V) }

// plain is wrapped without a custom unmarshaler.
type plain struct {
	V    any
	List []any          `json:"list,omitempty"`
	Map  map[string]any `json:"map,omitempty"`
	Data []byte
}

// FuzzValues checks that decode(encode(x)) is x, on every path there is.
func FuzzValues(f *testing.F) {
	for _, seed := range valueSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(checkValues)
}

var valueSeeds = []string{
	"", "\x01", "\x03\x05\x02", "\x04\x03abc", "\x06\x03abc", "\x07\x03\x06\x01a\x06\x00\x04\x02\r\n",
	"\x08\x02\x01a\x07\x02\x06\x02xy\x00\x01b\x08\x01\x00\x06\x05hello", "\x07\x05\x07\x05\x07\x05\x07\x05\x07\x05\x06\x01a\x06\x01b",
	"\x04\x0a\"\\\x00\x1f\u2028é", "\x08\x01\x0c_placeholder\x01",
}

func TestValues(t *testing.T) {
	for _, seed := range valueSeeds {
		checkValues(t, []byte(seed))
	}
	state := uint32(1)
	for range 2000 {
		seed := make([]byte, 200)
		for i := range seed {
			state = state*1664525 + 1013904223
			seed[i] = byte(state >> 24)
		}
		checkValues(t, seed)
	}
}

func checkValues(t *testing.T, in []byte) {
	g := grower{in: in}
	want := g.value(0)
	var c binding.Codec
	raw, att, err := c.AppendArgs(nil, nil, want)
	if err != nil {
		t.Fatal(err)
	}
	checkWire(t, raw, len(att))
	var got any
	if err := c.Decode(raw, att, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %#v, %v\nwant %#v", raw, got, err, want)
	}
	if len(att) == 0 {
		var std any
		if err := json.Unmarshal(raw, &std); err != nil || !reflect.DeepEqual(std, want) {
			t.Fatalf("%s: encoding/json reads %#v, %v\nwant %#v", raw, std, err, want)
		}
	}
	roundTrip(t, &c, plain{V: want, Data: []byte("d"), List: []any{want}, Map: map[string]any{"m": want}})
	roundTrip(t, &c, wrapped{V: want, List: []any{want}, Map: map[string]any{"m": want}})
	roundTrip(t, &c, map[string]plain{"a": {V: want}, "b": {V: []byte("x")}})
	roundTrip(t, &c, []*plain{{V: want}, nil})
	// What a library sees that is not encoding/json.
	c2 := binding.Codec{Marshal: json.Marshal, Unmarshal: json.Unmarshal}
	roundTrip(t, &c2, want)
	roundTrip(t, &c2, wrapped{V: want})
}

// roundTrip encodes and decodes v, which must equal what comes back.
func roundTrip[T any](t *testing.T, c *binding.Codec, v T) {
	t.Helper()
	raw, att, err := c.AppendArgs(nil, nil, v)
	if err != nil {
		t.Fatal(err)
	}
	if len(att) > 99 {
		return // no packet can hold so many
	}
	checkWire(t, raw, len(att))
	var got T
	if err := c.Decode(raw, att, &got); err != nil || !reflect.DeepEqual(got, v) {
		t.Fatalf("%s: got %#v, %v\nwant %#v", raw, got, err, v)
	}
}

// checkWire checks that raw and n attachments make a packet that decodes.
func checkWire(t *testing.T, raw []byte, n int) {
	t.Helper()
	if n > 99 {
		return
	}
	p := parser.Packet{Type: parser.TypeAck, ID: 1, Data: append(append([]byte{'['}, raw...), ']')}
	if n > 0 {
		p.Type = parser.TypeBinaryAck
		p.Attachments = make([][]byte, n)
	}
	var d parser.Decoder
	if _, _, err := d.Add(&parser.Limits{MaxAttachments: 99}, false, parser.AppendPacket(nil, &p)); err != nil {
		t.Fatalf("%s with %d attachments: %v", raw, n, err)
	}
}

// FuzzDecode compares Decode with json.Unmarshal where there are no attachments,
// and checks that nothing panics where there are.
func FuzzDecode(f *testing.F) {
	for _, s := range decodeSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(checkDecode)
}

var decodeSeeds = []string{
	``, `null`, `true`, `"a\ud800"`, `"\u00e9"`, `1`, `-0`, `1e400`, `1.5`, `255`, `256`, `[]`, `{}`, `[1,"a",{"b":null}]`, `{"a":1,"a":2}`,
	`{"name":"x","pixels":"AQID"}`, `{"V":{"_placeholder":true,"num":0}}`, `{"_placeholder":true,"num":0}`, `[{"_placeholder":true,"num":1}]`,
	`{"a":"\\\"","b\\":"\\\\"}`, `[1e5,-2.5E-3 ,0 ]`, "\"\xff\"", `["\"",[[]],{}]`, `99999999999999999999`, `{"_placeholder":true,"num":9}`,
}

func TestDecodeAgainstEncodingJSON(t *testing.T) {
	for _, s := range decodeSeeds {
		checkDecode(t, []byte(s))
	}
}

func targets() []any {
	return []any{
		new(any), new(string), new(bool), new(int), new(int8), new(int64), new(uint), new(uint8), new(uint64), new(float64), new(float32),
		new([]any), new(map[string]any), new([]byte), new(json.RawMessage), new(photo), new(plain), new(wrapped), new(*string), new([]string),
		new(map[string][]byte), new([2]any), new(blob), new(selfDecoding), new(struct{ A, B *any }),
	}
}

func checkDecode(t *testing.T, raw []byte) {
	att := [][]byte{{1, 2, 3}, {}}
	var c binding.Codec
	want := targets()
	withAtt := targets()
	for i, dst := range targets() {
		err := c.Decode(raw, nil, dst)
		wantErr := json.Unmarshal(raw, want[i])
		// White space around an argument is nothing that Decode is given.
		if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(dst, want[i]) {
			t.Fatalf("%q into %T: %s, %v; want %s, %v", raw, dst, show(dst), err, show(want[i]), wantErr)
		}
		if !new(parser.Limits).Valid(raw) {
			continue
		}
		if err := c.Decode(raw, att, withAtt[i]); err == nil && strings.Contains(show(withAtt[i]), "\r\n\r") && utf8.Valid(raw) &&
			!strings.Contains(string(raw), `\r`) && !strings.Contains(string(raw), `\u`) {
			t.Fatalf("%q into %T: a stand-in is left: %q", raw, dst, show(withAtt[i]))
		}
	}
}

func show(v any) string { return fmt.Sprintf("%+v", reflect.ValueOf(v).Elem().Interface()) }
