// SPDX-License-Identifier: MIT

// This file tests Go values in both directions, above all that they have the same meaning
// as in encoding/json.

package msgpack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio/parser/msgpack"
)

// encodeValue returns the bytes of one argument.
func encodeValue(c *msgpack.Codec, v any) ([]byte, error) {
	enc, err := c.AppendPacket(nil, event("e", v))
	if err != nil {
		return nil, err
	}
	p, err := decode(enc.Data)
	if err != nil {
		return nil, fmt.Errorf("what was encoded is refused: %w", err)
	}
	return c.SplitArray(nil, p.Data)[1], nil
}

type Point struct{ X, Y int }

type point struct{ Z int }

type Base struct {
	ID   int `json:"id"`
	Same string
}

type Other struct{ Same string }

type Upper string

func (u Upper) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(u))), nil }

func (u *Upper) UnmarshalText(b []byte) error { *u = Upper(strings.ToLower(string(b))); return nil }

// Celsius has pointer methods only.
type Celsius struct{ deg float64 }

func (c *Celsius) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, `{"deg":%g}`, c.deg), nil }

func (c *Celsius) UnmarshalJSON(b []byte) error {
	var v struct{ Deg float64 }
	err := json.Unmarshal(b, &v)
	c.deg = v.Deg
	return err
}

type Everything struct {
	Base
	*Other
	point
	Name      string            `json:"name"`
	Skipped   string            `json:"-"`
	Empty     string            `json:",omitempty"`
	EmptyList []int             `json:"emptyList,omitempty"`
	Zero      time.Time         `json:"zero,omitzero"`
	ZeroPoint Point             `json:",omitzero"`
	Quoted    int               `json:",string"`
	QuotedS   string            `json:",string"`
	QuotedP   *bool             `json:",string"`
	Ptr       *Point            `json:"ptr"`
	Any       any               `json:"any"`
	List      []Point           `json:"list"`
	Array     [3]int8           `json:"array"`
	Map       map[string]uint16 `json:"map"`
	IntKeys   map[int]string    `json:"intKeys"`
	TextKeys  map[Upper]bool    `json:"textKeys"`
	Floats    []float32         `json:"floats"`
	Raw       json.RawMessage   `json:"raw"`
	Number    json.Number       `json:"number"`
	Upper     Upper             `json:"upper"`
	Temp      Celsius           `json:"temp"`
	Temps     []Celsius         `json:"temps"`
	Addr      netip.Addr        `json:"addr"`
	Big       *big.Int          `json:"big"`
	Iface     fmt.Stringer      `json:"iface"`
	private   int
}

func everything() *Everything {
	yes := true
	return &Everything{
		Base: Base{ID: 7, Same: "hidden"}, Other: &Other{Same: "hidden too"}, point: point{Z: 3},
		Name: "n", Skipped: "s", Quoted: -5, QuotedS: "q\"", QuotedP: &yes, Ptr: &Point{1, -2},
		Any: map[string]any{"a": []any{1.5, nil, "x", true}}, List: []Point{{1, 2}, {}}, Array: [3]int8{-128, 0, 127},
		Map: map[string]uint16{"b": 65535, "a": 0}, IntKeys: map[int]string{-1: "m", 10: "t"}, TextKeys: map[Upper]bool{"k": true},
		Floats: []float32{0.5, 3}, Raw: json.RawMessage(` {"z": [1, 2.5, "s", null, true], "a": {}} `), Number: "12.25", Upper: "up",
		Temp: Celsius{21.5}, Temps: []Celsius{{1}, {2}}, Addr: netip.MustParseAddr("10.0.0.1"), Big: big.NewInt(1 << 60), private: 1,
	}
}

// Each value is encoded and decoded as by encoding/json.
func TestAsEncodingJSON(t *testing.T) {
	s := "pointed to"
	ps := &s
	list := []Point{{1, 2}}
	values := []any{
		nil, true, "", "é\xff", 0, int8(-8), int16(-16), int32(-32), int64(-64), uint(1), uint8(8), uint16(16), uint32(32), uint64(1 << 40), uintptr(5),
		float32(0.25), 1e300, math.MaxFloat64, -0.5, []int(nil), []int{}, [2]string{"a", "b"}, []string(nil), []string{"a"}, map[string]any(nil), []any(nil),
		map[string]int{"b": 1, "a": 2}, map[uint8]bool{3: true}, Point{1, 2}, &Point{3, 4}, &ps, (*Point)(nil), &list,
		everything(), *everything(), &Everything{}, []any{everything(), Upper("x"), Celsius{1}, &Celsius{2}}, json.RawMessage(nil), json.RawMessage(`[1]`),
		struct{ A, a int }{1, 2}, struct{}{}, struct{ *Point }{}, struct{ *Point }{&Point{1, 2}},
		[]time.Duration{time.Second}, json.Number(""), json.Number("-0"), json.Number("18446744073709551615"), json.Number("1e30"),
		map[string][]Point{"a": {{1, 2}}, "b": nil}, [0]int{}, errors.New("no exported fields"),
	}
	var c msgpack.Codec
	for _, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%#v: %v", v, err)
		}
		var want, got any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		raw, err := encodeValue(&c, v)
		if err != nil {
			t.Errorf("%#v: %v", v, err)
			continue
		}
		if err := c.Decode(raw, nil, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%T:\n got %v, %v\nwant %v", v, got, err, want)
		}
		var asJSON json.RawMessage
		var viaJSON any
		if err := c.Decode(raw, nil, &asJSON); err != nil || json.Unmarshal(asJSON, &viaJSON) != nil || !reflect.DeepEqual(viaJSON, want) {
			t.Errorf("%T as JSON text: %s, %v", v, asJSON, err)
		}
		if v == nil {
			continue
		}
		ours, theirs := reflect.New(reflect.TypeOf(v)), reflect.New(reflect.TypeOf(v))
		if json.Unmarshal(text, theirs.Interface()) != nil {
			continue
		}
		if err := c.Decode(raw, nil, ours.Interface()); err != nil || !reflect.DeepEqual(normal(ours), normal(theirs)) {
			t.Errorf("%T:\n got %+v, %v\nwant %+v", v, ours.Elem(), err, theirs.Elem())
		}
	}
}

// Tags that a linter would reject, and fields that hide each other.
func TestFieldNames(t *testing.T) {
	type A struct{ X, Y, Z int }
	type B struct {
		X int
		Y int `json:"Y"`
	}
	odd := reflect.StructOf([]reflect.StructField{
		{Name: "Dash", Type: reflect.TypeFor[int](), Tag: `json:"-,"`},
		{Name: "Bad", Type: reflect.TypeFor[int](), Tag: `json:"b\"ad"`},
		{Name: "Signs", Type: reflect.TypeFor[int](), Tag: `json:"a/b %"`},
		{Name: "Nothing", Type: reflect.TypeFor[int](), Tag: `json:",nonsense,string"`},
		{Name: "Letters", Type: reflect.TypeFor[int](), Tag: `json:"é世"`},
	})
	full := reflect.New(odd).Elem()
	for i := range full.NumField() {
		full.Field(i).SetInt(int64(i + 1))
	}
	type diamond struct {
		A
		B
		Z string
	}
	var c msgpack.Codec
	for _, v := range []any{full.Interface(), diamond{A{1, 2, 3}, B{4, 5}, "z"}, struct {
		A
		X string `json:",omitempty"`
	}{A{1, 2, 3}, ""}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := encodeValue(&c, v)
		if err != nil {
			t.Fatal(err)
		}
		var got json.RawMessage
		if err := c.Decode(raw, nil, &got); err != nil || string(got) != string(text) {
			t.Errorf("%T: %s, %v; want %s", v, got, err, text)
		}
		back := reflect.New(reflect.TypeOf(v))
		want := reflect.New(reflect.TypeOf(v))
		if err := json.Unmarshal(text, want.Interface()); err != nil {
			t.Fatal(err)
		}
		if err := c.Decode(raw, nil, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), want.Elem().Interface()) {
			t.Errorf("%+v, %v; want %+v", back.Elem(), err, want.Elem())
		}
	}
}

// normal is the JSON of a value, because raw JSON inside may be spaced otherwise.
func normal(v reflect.Value) string {
	text, err := json.Marshal(v.Interface())
	if err != nil {
		return err.Error()
	}
	var x any
	_ = json.Unmarshal(text, &x) // it is what Marshal returned
	return fmt.Sprintf("%T %v", v.Interface(), x)
}

// Values that JSON does not have: bytes, times, NaN and infinities.
func TestBeyondJSON(t *testing.T) {
	type Bytes []byte
	type Photo struct {
		Name   string    `json:"name"`
		Pixels []byte    `json:"pixels"`
		Named  Bytes     `json:"named"`
		At     time.Time `json:"at"`
		AtPtr  *time.Time
		Any    any
		List   [][]byte
		NaN    float64
		Inf    float32
		Max    uint64
		Min    int64
	}
	at := time.UnixMilli(1_700_000_000_123).UTC()
	in := Photo{"n", []byte{1, 2}, Bytes{3}, at, &at, []byte{4}, [][]byte{{5}, nil, {}}, math.Inf(-1), float32(math.Inf(1)), math.MaxUint64, math.MinInt64}
	var c msgpack.Codec
	raw, err := encodeValue(&c, in)
	if err != nil {
		t.Fatal(err)
	}
	var out Photo
	if err := c.Decode(raw, nil, &out); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("\n got %+v, %v\nwant %+v", out, err, in)
	}
	raw[0] ^= 0xff // nothing may share memory with raw
	clear(raw)
	if !reflect.DeepEqual(in, out) {
		t.Error("the result shares memory with raw")
	}
	nan, _ := encodeValue(&c, math.NaN())
	var f float64
	var text json.RawMessage
	if c.Decode(nan, nil, &f) != nil || !math.IsNaN(f) || c.Decode(nan, nil, &text) != nil || string(text) != "null" {
		t.Errorf("NaN: %v, as JSON %s", f, text)
	}
}

func TestDecodeTargets(t *testing.T) {
	iso := "2023-11-14T22:13:20.123Z"
	at := time.UnixMilli(1_700_000_000_123).UTC()
	tests := []struct {
		wire string
		dst  any // a pointer to what is there before
		want any
	}{
		{"d7 00 0000018bcfe5687b", new(string), iso}, // JSON has the text only
		{"d7 00 0000018bcfe5687b", new(time.Time), at},
		{"d7 00 0000018bcfe5687b", new(json.RawMessage), json.RawMessage(`"` + iso + `"`)},
		{"d7 00 7fffffffffffffff", new(json.RawMessage), json.RawMessage(`null`)},
		{"b8'2023-11-14T22:13:20.123Z'", new(time.Time), at},
		{"d6 ff 6553f100", new(time.Time), time.Unix(0x6553f100, 0).UTC()},
		{"d7 ff 1d544d006553f100", new(json.RawMessage), json.RawMessage(`"2023-11-14T22:13:20.123016Z"`)},
		{"a4'AQID'", new([]byte), []byte{1, 2, 3}}, // base64, as in JSON
		{"c403 010203", new(json.RawMessage), json.RawMessage(`"AQID"`)},
		{"d5 07 0102", new(json.RawMessage), json.RawMessage(`[7,"AQI="]`)},
		{"93 01 02 03", new([]byte), []byte{1, 2, 3}},
		{"cb 4008000000000000", new(int), 3}, {"cb 4008000000000000", new(uint8), uint8(3)}, {"cb c008000000000000", new(int8), int8(-3)},
		{"cf ffffffffffffffff", new(uint64), uint64(math.MaxUint64)}, {"cb 43e0000000000000", new(uint64), uint64(1 << 63)},
		{"cb c3e0000000000000", new(int64), int64(math.MinInt64)}, {"cb 43e8000000000000", new(uint64), uint64(3 << 62)},
		{"05", new(float32), float32(5)}, {"d4 00 00", &[]int{1}, []int(nil)}, {"c0", &map[string]int{"a": 1}, map[string]int(nil)},
		{"c0", ptr(5), 5}, {"c0", ptr("kept"), "kept"}, {"d4 00 00", ptr(ptr(5)), (*int)(nil)}, {"c0", ptr(any(5)), nil},
		{"81 a1'a' d40000", &map[string]int{"a": 1, "b": 2}, map[string]int{"b": 2}},
		{"81 a1'b' 05", &map[string]int{"a": 1}, map[string]int{"a": 1, "b": 5}},
		{"81 ff a1'x'", new(map[int8]string), map[int8]string{-1: "x"}},
		{"81 05 a1'x'", new(map[uint]string), map[uint]string{5: "x"}},
		{"82 a3'255' a1'x' 0a a1'y'", new(map[uint8]string), map[uint8]string{255: "x", 10: "y"}},
		{"81 b4'18446744073709551615' 05", new(map[uint64]int), map[uint64]int{math.MaxUint64: 5}},
		{"81 b4'-9223372036854775808' 05", new(map[int64]int), map[int64]int{math.MinInt64: 5}},
		{"81 05 a1'x'", new(map[string]any), map[string]any{"5": "x"}},
		{"93 01 02 03", &[2]int{9, 9}, [2]int{1, 2}}, {"91 01", &[2]int{9, 9}, [2]int{1, 0}},
		{"82 a1'x' 05 a1'y' 06", &Point{}, Point{5, 6}}, // without regard to case
		{"83 a1'x' 05 a1'X' 06 a1'n' 81 a1'm' c0", &Point{}, Point{6, 0}},
		{"81 a1'Y' 07", ptr(any(&Point{X: 1})), nil},
		{"90", new([]int), []int{}}, {"90", new(any), []any{}}, {"80", new(map[string]any), map[string]any{}},
		{"91 01", new([]any), []any{1.0}}, {"05", new(json.Number), json.Number("5")}, {"c0", new(json.RawMessage), json.RawMessage("null")},
	}
	var c msgpack.Codec
	for _, tt := range tests {
		err := c.Decode(unhex(t, tt.wire), nil, tt.dst)
		got := reflect.ValueOf(tt.dst).Elem().Interface()
		if p, ok := got.(*Point); ok && tt.want == nil {
			got, tt.want = *p, Point{1, 7} // filled in place
		}
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s into %T: %#v, %v; want %#v", tt.wire, tt.dst, got, err, tt.want)
		}
	}
	self := any(nil)
	self = &self
	if err := c.Decode([]byte{5}, nil, &self); err != nil || self != 5.0 {
		t.Errorf("an any that points to itself: %v", err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestDecodeErrors(t *testing.T) {
	tests := []struct {
		wire string
		dst  any
		want string
	}{
		{"a1'x'", new(int), "cannot unmarshal string into Go value of type int"},
		{"cd 012c", new(int8), "cannot unmarshal number 300 into Go value of type int8"},
		{"ff", new(uint), "cannot unmarshal number -1 into Go value of type uint"},
		{"cb 3ff8000000000000", new(int), "cannot unmarshal number 1.5 into"},
		{"cf ffffffffffffffff", new(int64), "cannot unmarshal number 18446744073709551615"},
		{"cb c3e0000000000001", new(int64), "cannot unmarshal number -9.223372036854778e+18"}, {"cb c3f0000000000000", new(int64), "cannot unmarshal number -1.8446744073709552e+19"},
		{"cb 43e8000000000000", new(int64), "cannot unmarshal number 1.3835058055282164e+19"}, {"cb 43f0000000000000", new(uint64), "cannot unmarshal number 1.8446744073709552e+19"},
		{"cb 7e37e43c8800759c", new(float32), "cannot unmarshal number 1e+300"},
		{"c3", new(string), "cannot unmarshal bool"}, {"01", new(bool), "cannot unmarshal number 1"},
		{"c401 00", new(string), "cannot unmarshal bytes"}, {"c401 00", new([2]byte), "cannot unmarshal bytes"}, {"c401 00", new([]int), "cannot unmarshal bytes"},
		{"d6 05 00000000", new([]byte), "cannot unmarshal extension 5"}, {"d6 05 00000000", new(time.Time), "cannot unmarshal extension 5"},
		{"d7 00 0000000000000000", new(int), "cannot unmarshal Date"}, {"90", new(map[string]int), "cannot unmarshal array"}, {"90", new(Point), "cannot unmarshal array"},
		{"80", new([]int), "cannot unmarshal object"}, {"81 a1'a' 01", new(map[int]int), "cannot unmarshal object key"},
		{"81 a3'256' 01", new(map[uint8]int), "object key into Go value of type uint8"}, {"81 ff 01", new(map[uint]int), "object key into Go value of type uint"},
		{"81 a1'a' 01", new(map[uint]int), "object key into Go value of type uint"}, {"81 a3'128' 01", new(map[int8]int), "object key into Go value of type int8"},
		{"81 a2'ID' a1'x'", new(Everything), "Everything.id of type int"}, {"81 a4'list' 91 81 a1'X' c3", new(Everything), "Everything.list.X of type int"},
		{"81 a5'iface' a1'x'", new(Everything), "cannot unmarshal string"}, {"81 a6'Quoted' 05", new(Everything), "cannot unmarshal number 5"},
		{"81 a4'addr' a1'x'", new(Everything), "field addr: "}, {"81 a5'upper' 05", new(Everything), "cannot unmarshal number 5"},
		{"81 a6'number' a1'x'", new(Everything), "cannot unmarshal string"}, {"a1'!'", new([]byte), "illegal base64"}, {"01", new(time.Time), "Time.UnmarshalJSON"},
		{"01", nil, "InvalidUnmarshalError"}, {"01", 5, "InvalidUnmarshalError"}, {"01", (*int)(nil), "InvalidUnmarshalError"},
		{"", new(any), "not one valid value"}, {"01 02", new(int), "not one valid value"}, {"91", new(any), "not one valid value"}, {"a1 ff", new(string), "not one valid value"},
		{"81 a1'X' 01", &struct{ *point }{}, ""}, {"81 a1'Z' 01", &struct{ *point }{}, "embedded pointer"},
	}
	var c msgpack.Codec
	for _, tt := range tests {
		err := c.Decode(unhex(t, tt.wire), nil, tt.dst)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(fmt.Sprintf("%v %T", err, err), tt.want) {
			t.Errorf("%s into %T: %v, want %q", tt.wire, tt.dst, err, tt.want)
		}
	}
}

type failing struct{}

var errFailing = errors.New("will not")

func (failing) MarshalJSON() ([]byte, error) { return nil, errFailing }

type wrong struct{}

func (wrong) MarshalJSON() ([]byte, error) { return []byte("{"), nil }

func TestEncodeErrors(t *testing.T) {
	cycle := map[string]any{}
	cycle["again"] = cycle
	type node struct{ Next *node }
	ring := &node{}
	ring.Next = ring
	list := make([]any, 1)
	list[0] = list
	var c msgpack.Codec
	for _, v := range []any{make(chan int), func() {}, complex(1, 1), map[[2]int]int{{1, 2}: 3}, []any{1, make(chan int)}, cycle, ring, list,
		failing{}, wrong{}, json.RawMessage("{"), json.Number("x"), struct{ F func() }{}, map[string]any{"a": failing{}}} {
		_, err := c.AppendPacket(nil, event("e", 1, v))
		if err == nil || !strings.HasPrefix(err.Error(), "argument 2: ") {
			t.Errorf("%T: %v", v, err)
		}
	}
	if _, err := c.AppendPacket(nil, event("e", failing{})); !errors.Is(err, errFailing) {
		t.Errorf("the error of a marshaler is not wrapped: %v", err)
	}
}
