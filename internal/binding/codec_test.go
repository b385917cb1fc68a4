// SPDX-License-Identifier: MIT

// This file tests encoding and decoding of arguments by example.

package binding_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/internal/binding"
	"socketio/internal/jsontext"
	"socketio/parser"
)

// ph is the placeholder of attachment i.
func ph(i int) string { return string(jsontext.AppendPlaceholder(nil, i)) }

type blob []byte

type inner struct {
	Data []byte `json:"data"`
}

type hidden struct {
	Secret []byte `json:"secret"`
}

type photo struct {
	Name    string            `json:"name"`
	Pixels  []byte            `json:"pixels"`
	Thumb   blob              `json:"thumb,omitempty"`
	Ptr     *[]byte           `json:"ptr,omitempty"`
	Any     any               `json:"any,omitempty"`
	List    [][]byte          `json:"list,omitempty"`
	Map     map[string][]byte `json:"map,omitempty"`
	Pair    [2][]byte         `json:"pair"`
	Inner   *inner            `json:"inner,omitempty"`
	Skipped []byte            `json:"-"`
	private []byte
}

type embeds struct {
	inner
	*hidden
	Name string
}

type upper struct{ Data []byte }

func (u upper) MarshalJSON() ([]byte, error) {
	return json.Marshal(strings.ToUpper(string(u.Data)))
}

type byPointer struct{ Data []byte }

func (p *byPointer) MarshalJSON() ([]byte, error) { return []byte(`"by pointer"`), nil }

type textual []byte

func (t textual) MarshalText() ([]byte, error) { return []byte("text:" + string(t)), nil }

func TestAppendArgs(t *testing.T) {
	one, two := []byte{1}, []byte{2}
	tests := []struct {
		args []any
		want string
		att  [][]byte
	}{
		{nil, ``, nil},
		{[]any{nil}, `null`, nil},
		{[]any{"a", true, false}, `"a",true,false`, nil},
		{[]any{"\"\\\n\x00\u2028<é😀\xff"}, "\"\\\"\\\\\\n\\u0000\\u2028<é😀\uFFFD\"", nil},
		{[]any{1, int8(-2), int16(3), int32(-4), int64(math.MinInt64)}, `1,-2,3,-4,-9223372036854775808`, nil},
		{[]any{uint(1), uint8(2), uint16(3), uint32(4), uint64(math.MaxUint64)}, `1,2,3,4,18446744073709551615`, nil},
		{[]any{1.0, 0.1, 1e21, 1e-7, 0.0, math.Copysign(0, -1), float32(0.1), 1e-10, 123456789.0}, `1,0.1,1e+21,1e-7,0,-0,0.1,1e-10,123456789`, nil},
		{[]any{json.RawMessage(`{"a": 1}`), json.RawMessage(nil)}, `{"a": 1},null`, nil},
		{[]any{[]string{"a", "b"}, []string(nil), []string{}}, `["a","b"],null,[]`, nil},
		{[]any{[]any{1, "a", nil}, []any(nil), map[string]any(nil)}, `[1,"a",null],null,null`, nil},
		{[]any{map[string]any{"b": 1, "a": []any{}, "c": map[string]any{}}}, `{"a":[],"b":1,"c":{}}`, nil},
		{[]any{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, `"2026-01-02T03:04:05Z"`, nil},
		{[]any{struct {
			A int `json:"a"`
		}{1}}, `{"a":1}`, nil},

		{[]any{[]byte(nil)}, `null`, nil},
		{[]any{one, two, one}, ph(0) + `,` + ph(1) + `,` + ph(2), [][]byte{one, two, one}},
		{[]any{[]byte{}}, ph(0), [][]byte{{}}},
		{[]any{[]any{one, map[string]any{"x": two}}}, `[` + ph(0) + `,{"x":` + ph(1) + `}]`, [][]byte{one, two}},
		{[]any{map[string]any{"z": one, "a": two}}, `{"a":` + ph(0) + `,"z":` + ph(1) + `}`, [][]byte{two, one}},
		{[]any{map[string][]byte{"z": one, "a": two}}, `{"a":` + ph(0) + `,"z":` + ph(1) + `}`, [][]byte{two, one}},
		{[]any{blob{7}}, ph(0), [][]byte{{7}}},
		{[]any{&one}, ph(0), [][]byte{one}},
		{[]any{[][]byte{one, nil, two}}, `[` + ph(0) + `,null,` + ph(1) + `]`, [][]byte{one, two}},
		{[]any{[2]byte{1, 2}}, `[1,2]`, nil},
		{[]any{inner{one}, &inner{two}}, `{"data":` + ph(0) + `},{"data":` + ph(1) + `}`, [][]byte{one, two}},
		{[]any{inner{}}, `{"data":null}`, nil},
		{
			[]any{embeds{inner{one}, &hidden{two}, "n"}},
			`{"data":` + ph(0) + `,"secret":` + ph(1) + `,"Name":"n"}`, [][]byte{one, two},
		},
		{[]any{embeds{Name: "n"}}, `{"data":null,"Name":"n"}`, nil},
		{[]any{photo{Name: "n", Thumb: blob{}}}, `{"name":"n","pixels":null,"pair":[null,null]}`, nil},
		{
			[]any{photo{
				Name: "n", Pixels: []byte{}, Thumb: blob{3}, Ptr: &two, Any: []any{one}, List: [][]byte{two},
				Map: map[string][]byte{"k": one}, Pair: [2][]byte{one, nil}, Inner: &inner{two}, Skipped: one, private: one,
			}},
			`{"name":"n","pixels":` + ph(0) + `,"thumb":` + ph(1) + `,"ptr":` + ph(2) + `,"any":[` + ph(3) + `],"list":[` + ph(4) +
				`],"map":{"k":` + ph(5) + `},"pair":[` + ph(6) + `,null],"inner":{"data":` + ph(7) + `}}`,
			[][]byte{{}, {3}, two, one, two, one, one, two},
		},
		{[]any{upper{[]byte("abc")}, []any{upper{[]byte("d")}}}, `"ABC",["D"]`, nil},
		{[]any{&byPointer{one}, []byPointer{{one}}}, `"by pointer",["by pointer"]`, nil},
		{[]any{byPointer{one}, map[string]byPointer{"k": {two}}}, `{"Data":` + ph(0) + `},{"k":{"Data":` + ph(1) + `}}`, [][]byte{one, two}},
		{[]any{struct{ A, B any }{byPointer{one}, two}}, `{"A":{"Data":` + ph(0) + `},"B":` + ph(1) + `}`, [][]byte{one, two}},
		{[]any{struct{ A []any }{[]any{&byPointer{one}, byPointer{two}}}}, `{"A":["by pointer",{"Data":` + ph(0) + `}]}`, [][]byte{two}},
		{[]any{textual("x")}, `"text:x"`, nil},
		{[]any{struct{ A, B any }{upper{one}, one}}, `{"A":"\u0001","B":` + ph(0) + `}`, [][]byte{one}},
	}
	var c binding.Codec
	for i, tt := range tests {
		got, att, err := c.AppendArgs(nil, nil, tt.args...)
		if err != nil || string(got) != tt.want {
			t.Errorf("%d: got %s, %v\nwant %s", i, got, err, tt.want)
		}
		if len(att) != len(tt.att) || len(att) > 0 && !reflect.DeepEqual(att, tt.att) {
			t.Errorf("%d: attachments %v, want %v", i, att, tt.att)
		}
	}
}

func TestAppendArgsAppends(t *testing.T) {
	var c binding.Codec
	first := []byte{1}
	got, att, err := c.AppendArgs([]byte(`["a",`), [][]byte{first}, []byte{2}, inner{[]byte{3}})
	want := `["a",` + ph(1) + `,{"data":` + ph(2) + `}`
	if err != nil || string(got) != want || len(att) != 3 || att[2][0] != 3 {
		t.Errorf("got %s, %v, %v; want %s", got, att, err, want)
	}
}

func TestAttachmentsAreNotCopied(t *testing.T) {
	var c binding.Codec
	b := []byte{1, 2, 3}
	_, att, err := c.AppendArgs(nil, nil, b, inner{b}, map[string]any{"k": b})
	if err != nil || len(att) != 3 {
		t.Fatal(att, err)
	}
	for i := range att {
		if &att[i][0] != &b[0] {
			t.Errorf("attachment %d is a copy", i)
		}
	}
}

func TestEncodingErrors(t *testing.T) {
	type node struct {
		Data       []byte
		Prev, Next *node
	}
	ring := &node{}
	ring.Prev, ring.Next = ring, ring
	loop := map[string]any{}
	loop["self"] = loop
	list := []any{nil}
	list[0] = list
	var viaStruct struct{ Any any }
	viaStruct.Any = &viaStruct

	tests := []struct {
		why  string
		arg  any
		want string
		as   any
	}{
		{"NaN", math.NaN(), "NaN", new(*json.UnsupportedValueError)},
		{"infinity", math.Inf(-1), "-Inf", new(*json.UnsupportedValueError)},
		{"float32", float32(math.Inf(1)), "+Inf", new(*json.UnsupportedValueError)},
		{"deep NaN", []any{map[string]any{"a": math.NaN()}}, "NaN", new(*json.UnsupportedValueError)},
		{"channel", make(chan int), "chan int", new(*json.UnsupportedTypeError)},
		{"function", func() {}, "func()", new(*json.UnsupportedTypeError)},
		{"channel in a struct", struct{ C chan int }{}, "chan int", new(*json.UnsupportedTypeError)},
		{"bad raw JSON", json.RawMessage(`{`), "not valid JSON", nil},
		{"raw JSON with bad UTF-8", json.RawMessage("\"\xff\""), "not valid JSON", nil},
		{"empty raw JSON", json.RawMessage{}, "not valid JSON", nil},
		{"cycle of pointers", ring, "cycle", nil},
		{"cycle of maps", loop, "cycle", nil},
		{"cycle of slices", list, "cycle", nil},
		{"cycle through an interface", &viaStruct, "cycle", nil},
	}
	var c binding.Codec
	for _, tt := range tests {
		dst, att := []byte("kept"), [][]byte{{1}}
		gotDst, gotAtt, err := c.AppendArgs(dst, att, "fine", []byte{2}, tt.arg)
		var arg *binding.ArgumentError
		if !errors.As(err, &arg) || arg.Index != 2 || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "argument 3: ") {
			t.Errorf("%s: %v", tt.why, err)
			continue
		}
		if tt.as != nil && !errors.As(err, tt.as) {
			t.Errorf("%s: %v is not a %T", tt.why, err, tt.as)
		}
		if string(gotDst) != "kept" || len(gotAtt) != 1 {
			t.Errorf("%s: what was there before is gone: %q, %v", tt.why, gotDst, gotAtt)
		}
	}
}

// The limit of the nesting is the same however a value nests.
func TestDeepValues(t *testing.T) {
	type link struct {
		Next any
		Data []byte
	}
	type pointers struct {
		Next *pointers
		Data []byte
	}
	chains := map[string]func(n int) any{
		"interfaces": func(n int) any {
			v := link{Data: []byte{1}}
			for range n {
				v = link{Next: v}
			}
			return v
		},
		"pointers": func(n int) any {
			v := &pointers{Data: []byte{1}}
			for range n {
				v = &pointers{Next: v}
			}
			return v
		},
		"slices": func(n int) any {
			v := any([]byte{1})
			for range n {
				v = [1]any{v}
			}
			return v
		},
		"maps": func(n int) any {
			v := any([]byte{1})
			for range n {
				v = map[int]any{1: v}
			}
			return v
		},
	}
	for name, chain := range chains {
		var c binding.Codec
		_, att, err := c.AppendArgs(nil, nil, chain(490))
		if err != nil || len(att) != 1 {
			t.Errorf("%s, 490 deep: %d attachments, %v", name, len(att), err)
		}
		if _, _, err := c.AppendArgs(nil, nil, chain(1100)); err == nil {
			t.Errorf("%s, 1100 deep: no error", name)
		}
	}
}

func TestInvalidUTF8NeverLeaves(t *testing.T) {
	var c binding.Codec
	got, _, err := c.AppendArgs(nil, nil, struct{ R json.RawMessage }{json.RawMessage("\"\xff\"")}, map[string]string{"\xff": "\xfe"})
	if err != nil || !new(parser.Limits).Valid(append(append([]byte{'['}, got...), ']')) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestEncodingDoesNotMutate(t *testing.T) {
	build := func() []any {
		b := []byte{1, 2}
		p := &photo{
			Name: "n", Pixels: b, Thumb: blob{3}, Ptr: &b, Any: map[string]any{"x": []any{b, &inner{b}}}, List: [][]byte{b, nil},
			Map: map[string][]byte{"k": b}, Pair: [2][]byte{b, b}, Inner: &inner{b}, Skipped: b, private: b,
		}
		return []any{p, *p, []*photo{p, p}, map[string]any{"p": p}, embeds{inner{b}, &hidden{b}, "n"}}
	}
	var c binding.Codec
	args := build()
	if _, _, err := c.AppendArgs(nil, nil, args...); err != nil {
		t.Fatal(err)
	}
	if want := build(); !reflect.DeepEqual(args, want) {
		t.Errorf("changed: %+v", args)
	}
}

func TestDecode(t *testing.T) {
	att := [][]byte{{1}, {2, 3}}
	tests := []struct {
		raw  string
		dst  any // pointer to the zero value
		want any
	}{
		{`"a\u00e9\ud83d\ude00"`, new(string), "aé😀"},
		{`null`, new(string), ""},
		{`true`, new(bool), true},
		{`-5`, new(int), -5},
		{`127`, new(int8), int8(127)},
		{`300`, new(int16), int16(300)},
		{`-7`, new(int32), int32(-7)},
		{`9007199254740993`, new(int64), int64(9007199254740993)},
		{`5`, new(uint), uint(5)},
		{`255`, new(uint8), uint8(255)},
		{`6`, new(uint16), uint16(6)},
		{`7`, new(uint32), uint32(7)},
		{`18446744073709551615`, new(uint64), uint64(math.MaxUint64)},
		{`1.5e3`, new(float64), 1500.0},
		{`0.25`, new(float32), float32(0.25)},
		{`{"a":[1]}`, new(json.RawMessage), json.RawMessage(`{"a":[1]}`)},
		{`"x"`, new(any), "x"},
		{`1`, new(any), 1.0},
		{`null`, new(any), nil},
		{`false`, new(any), false},
		{`[1,{"a":null}]`, new(any), []any{1.0, map[string]any{"a": nil}}},
		{`"AQID"`, new([]byte), []byte{1, 2, 3}},
		{`"AQID"`, new(blob), blob{1, 2, 3}},
		{`null`, new([]byte), []byte(nil)},
		{ph(1), new([]byte), []byte{2, 3}},
		{`{"num":1,"_placeholder":true}`, new([]byte), []byte{2, 3}},
		{ph(0), new(blob), blob{1}},
		{ph(0), new(*[]byte), &[]byte{1}},
		{ph(0), new(any), []byte{1}},
		{`[` + ph(1) + `,"x",` + ph(0) + `]`, new(any), []any{[]byte{2, 3}, "x", []byte{1}}},
		{`{"a":{"b":[` + ph(0) + `]}}`, new(map[string]any), map[string]any{"a": map[string]any{"b": []any{[]byte{1}}}}},
		{`[` + ph(1) + `,` + ph(0) + `]`, new([][]byte), [][]byte{{2, 3}, {1}}},
		{`[` + ph(1) + `]`, new([2]any), [2]any{[]byte{2, 3}, nil}},
		{`{"data":` + ph(0) + `}`, new(inner), inner{[]byte{1}}},
		{`{"data":` + ph(0) + `,"Name":"n"}`, new(embedsValue), embedsValue{inner{[]byte{1}}, "n"}},
		{
			`{"name":"n","pixels":` + ph(0) + `,"any":{"x":` + ph(1) + `},"map":{"k":` + ph(1) + `},"inner":{"data":` + ph(0) + `}}`,
			new(photo), photo{
				Name: "n", Pixels: []byte{1}, Any: map[string]any{"x": []byte{2, 3}},
				Map: map[string][]byte{"k": {2, 3}}, Inner: &inner{[]byte{1}},
			},
		},
		{`{"R":[` + ph(1) + `,1],"B":` + ph(0) + `}`, new(withRaw), withRaw{json.RawMessage(`[` + ph(1) + `,1]`), []byte{1}}},
		{`{"a":` + ph(0) + `}`, new(map[string]json.RawMessage), map[string]json.RawMessage{"a": json.RawMessage(ph(0))}},
		{`{"a":{"V":` + ph(0) + `}}`, new(map[string]holder), map[string]holder{"a": {[]byte{1}}}},
		{`{"V":` + ph(0) + `}`, new(custom), custom{[]byte{1}}},
		{ph(7), new(any), map[string]any{"_placeholder": true, "num": 7.0}},
	}
	var c binding.Codec
	for _, tt := range tests {
		if err := c.Decode([]byte(tt.raw), att, tt.dst); err != nil {
			t.Errorf("%s into %T: %v", tt.raw, tt.dst, err)
			continue
		}
		if got := reflect.ValueOf(tt.dst).Elem().Interface(); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s into %T: %#v, want %#v", tt.raw, tt.dst, got, tt.want)
		}
	}
}

type embedsValue struct {
	inner
	Name string
}

type withRaw struct {
	R json.RawMessage
	B []byte
}

type holder struct{ V any }

// custom keeps its bytes where no walk finds them.
type custom struct{ hidden []byte }

func (c *custom) UnmarshalJSON(data []byte) error {
	var v struct{ V []byte }
	err := json.Unmarshal(data, &v)
	c.hidden = v.V
	return err
}

func TestDecodeErrors(t *testing.T) {
	att := [][]byte{{1}}
	tests := []struct {
		raw string
		dst any
	}{
		{`1`, new(string)}, {`"a"`, new(int)}, {`1.5`, new(int)}, {`128`, new(int8)}, {`-1`, new(uint)},
		{`1e400`, new(float64)}, {`"a"`, new(bool)}, {`{}`, new([]any)}, {`[]`, new(inner)}, {`{"data":5}`, new(inner)},
		{ph(0), new(string)}, {ph(0), new(int)}, {ph(0), new(inner)}, {`{"name":` + ph(0) + `}`, new(photo)},
		{`[` + ph(0) + `]`, new([]string)}, {`{"a":` + ph(0) + `}`, new(map[string]string)},
	}
	var c binding.Codec
	for _, tt := range tests {
		err := c.Decode([]byte(tt.raw), att, tt.dst)
		var typeErr *json.UnmarshalTypeError
		if !errors.As(err, &typeErr) {
			t.Errorf("%s into %T: %v", tt.raw, tt.dst, err)
		}
	}
	for _, raw := range []string{``, `{`, `01`, `1.`, `"`, `"\x"`, `tru`, `nul`, `-`, "\"\x01\"", `+1`, `0x10`, `1_0`, `inf`} {
		for _, dst := range []any{new(string), new(int), new(uint8), new(float64), new(bool), new(any), new([]byte), new(json.RawMessage), new(inner)} {
			if err := c.Decode([]byte(raw), nil, dst); err == nil {
				t.Errorf("%q into %T was taken", raw, dst)
			}
		}
	}
	for _, dst := range []any{nil, 1, (*int)(nil), (*string)(nil), (*any)(nil), (*[]byte)(nil), (*json.RawMessage)(nil), (*float64)(nil), (*bool)(nil)} {
		for _, raw := range []string{`1`, `"a"`, `true`, ph(0)} {
			var invalid *json.InvalidUnmarshalError
			if err := c.Decode([]byte(raw), att, dst); !errors.As(err, &invalid) {
				t.Errorf("%s into %T: %v", raw, dst, err)
			}
		}
	}
}

func TestDecodeSharesAttachments(t *testing.T) {
	var c binding.Codec
	att := [][]byte{{1, 2, 3}}
	var b []byte
	var v any
	if err := errors.Join(c.Decode([]byte(ph(0)), att, &b), c.Decode([]byte(ph(0)), att, &v)); err != nil {
		t.Fatal(err)
	}
	if &b[0] != &att[0][0] || &v.([]byte)[0] != &att[0][0] {
		t.Error("a whole argument should not be copied")
	}
}

func TestDecodeKeepsNoRaw(t *testing.T) {
	var c binding.Codec
	for _, text := range []string{`"plain"`, `"esc\n"`, `{"a":"b"}`, `["x"]`} {
		var v any
		var r json.RawMessage
		raw := []byte(text)
		if err := errors.Join(c.Decode(raw, nil, &v), c.Decode(raw, nil, &r)); err != nil {
			t.Fatal(err)
		}
		before := fmt.Sprint(v)
		for i := range raw {
			raw[i] = 'Z'
		}
		if fmt.Sprint(v) != before || string(r) != text {
			t.Errorf("%s: the result changed with the input", text)
		}
	}
}

func TestCustomFunctions(t *testing.T) {
	var marshaled, unmarshaled int
	c := binding.Codec{
		Marshal: func(v any) ([]byte, error) { marshaled++; return json.Marshal(v) },
		Unmarshal: func(data []byte, v any) error {
			unmarshaled++
			dec := json.NewDecoder(bytes.NewReader(data))
			dec.UseNumber()
			return dec.Decode(v)
		},
	}
	if got, att, err := c.AppendArgs(nil, nil, inner{[]byte{1}}); err != nil || string(got) != `{"data":`+ph(0)+`}` || len(att) != 1 || marshaled != 1 {
		t.Errorf("%s, %v, %v, %d calls", got, att, err, marshaled)
	}
	var v any
	if err := c.Decode([]byte(`9007199254740993`), nil, &v); err != nil || v != json.Number("9007199254740993") || unmarshaled != 1 {
		t.Errorf("%v, %v, %d calls", v, err, unmarshaled)
	}
	c = binding.Codec{Marshal: func(any) ([]byte, error) { return nil, nil }}
	if _, _, err := c.AppendArgs(nil, nil, inner{}); err == nil {
		t.Error("an empty result would break the packet")
	}
}

// Many goroutines meet the same types for the first time.
func TestUseFromManyGoroutines(t *testing.T) {
	var c binding.Codec
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				raw, att, err := c.AppendArgs(nil, nil, photo{Name: "n", Pixels: []byte{1}, Inner: &inner{[]byte{2}}})
				var got photo
				if err = errors.Join(err, c.Decode(raw, att, &got)); err != nil || got.Pixels[0] != 1 || got.Inner.Data[0] != 2 {
					t.Error(got, err)
				}
			}
		})
	}
	wg.Wait()
}
