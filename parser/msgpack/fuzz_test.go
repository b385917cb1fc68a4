// SPDX-License-Identifier: MIT

// This file fuzzes: messages of a hostile peer, and values against encoding/json.

package msgpack_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio/parser"
	"socketio/parser/msgpack"
)

// weigh returns the number of bytes that the lists of v take, and its number of values.
func weigh(v any) (size, values int) {
	switch v := v.(type) {
	case []any:
		size, values = 16*cap(v), 1
		for _, x := range v {
			s, n := weigh(x)
			size, values = size+s, values+n
		}
	case map[string]any:
		values = 1
		for k, x := range v {
			s, n := weigh(x)
			size, values = size+s+len(k), values+n
		}
	case []byte:
		return cap(v), 1
	case string:
		return len(v), 1
	default:
		values = 1
	}
	return size, values
}

// No message does harm, and an accepted one is unchanged after encoding and decoding.
func FuzzMsgpack(f *testing.F) {
	for _, tt := range wireTable {
		f.Add(unhex(f, tt.wire))
	}
	var entries []struct{ Wire string }
	readCorpus(f, "decode.json", &entries)
	for i := 0; i < len(entries); i += 8 {
		f.Add(unhex(f, entries[i].Wire))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c msgpack.Codec
		before := bytes.Clone(data)
		// For any message, the methods that take payloads do not panic.
		c.EventName(data)
		for _, raw := range c.SplitArray(nil, data) {
			c.EventName(raw)
		}
		var v any
		if c.Decode(data, nil, &v) == nil {
			// A list slot takes 16 bytes; an extension becomes three values.
			if size, values := weigh(v); values > 2*len(data) || size > 32*len(data) {
				t.Fatalf("%d bytes became %d values of %d bytes", len(data), values, size)
			}
		}
		for _, dst := range []any{new(Everything), new([]Point), new(map[int][]string), new(time.Time), new(json.RawMessage), new([2][]byte)} {
			_ = c.Decode(data, nil, dst) // must not panic; errors are tested elsewhere
		}
		p, err := decode(data)
		if !bytes.Equal(data, before) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			return
		}
		if p.Type > parser.TypeConnectError || !strings.HasPrefix(p.Namespace, "/") || p.ID < parser.NoID || p.ID > 1<<53-1 {
			t.Fatalf("%+v", p)
		}
		again(t, &c, p)
	})
}

// again encodes a packet and decodes it, and checks that it is the same.
func again(t *testing.T, c *msgpack.Codec, p parser.Packet) {
	t.Helper()
	out := parser.Outgoing{Type: p.Type, Namespace: p.Namespace, ID: p.ID}
	switch p.Type {
	case parser.TypeEvent, parser.TypeAck:
		spans := c.SplitArray(nil, p.Data)
		for _, raw := range spans {
			var v any
			if err := c.Decode(raw, nil, &v); err != nil {
				t.Fatal(err)
			}
			out.Args = append(out.Args, v)
		}
		if p.Type == parser.TypeEvent {
			if len(spans) == 0 {
				t.Fatal("an event without a name")
			}
			out.Event, out.Args = string(c.EventName(p.Data)), out.Args[1:]
			if parser.IsReserved(out.Event) || c.EventName(p.Data) == nil {
				t.Fatalf("an event named %q", out.Event)
			}
		}
	default:
		if p.Data == nil {
			break
		}
		if err := c.Decode(p.Data, nil, &out.Payload); err != nil {
			t.Fatal(err)
		}
	}
	enc, err := c.AppendPacket(nil, out)
	if err != nil {
		t.Fatal(err)
	}
	q, err := decode(enc.Data)
	if err != nil {
		t.Fatalf("%x is refused: %v", enc.Data, err)
	}
	var first, second any
	if p.Data != nil {
		if c.Decode(p.Data, nil, &first) != nil || c.Decode(q.Data, nil, &second) != nil {
			t.Fatal("payload does not decode")
		}
	}
	if list, ok := first.([]any); ok && p.Type == parser.TypeEvent {
		list[0] = out.Event // a number became its text
	}
	if q.Type != p.Type || q.Namespace != p.Namespace || q.ID != p.ID || !same(trim(second), trim(first)) {
		t.Fatalf("%+v became %+v\n%#v\n%#v", p, q, first, second)
	}
}

// trim cuts times to what a Date holds.
func trim(v any) any {
	switch v := v.(type) {
	case time.Time:
		return time.UnixMilli(v.UnixMilli()).UTC()
	case []any:
		for i := range v {
			v[i] = trim(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = trim(v[k])
		}
	}
	return v
}

// JSON text and its MessagePack form decode to the same Go values.
func FuzzAsEncodingJSON(f *testing.F) {
	text, err := json.Marshal(everything())
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(text), `null`, `{"id":1,"Same":"x","same":"y","b\"ad":3}`, `[{"X":1},{"x":2.0}]`, `[1,2,3]`, `"AQID"`, `{"1":["a"],"b":[]}`,
		`"2023-11-14T22:13:20Z"`, `[[1],["x"]]`, `1e400`, `-0`, `[0.1,1e21,1e-7,123456789012345678901]`, `{"any":{"a":null},"ptr":{"X":1},"Quoted":"5","QuotedP":"null"}`,
		`{"map":{"a":1,"a":2},"list":[{"X":1},null],"array":[1,2,3,4],"raw":{"a":[1]},"number":1.50,"upper":"a","temp":{"deg":1}}`, `"\ud800é"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		var c msgpack.Codec
		raw, err := encodeValue(&c, json.RawMessage(text))
		if err != nil {
			return // a number out of range, or nested too deep for a packet
		}
		for _, target := range []any{new(any), new(Everything), new([]Point), new([]int), new(map[string]any), new(map[int][]string), new([]byte),
			new(string), new(float64), new(*bool), new(time.Time), new([]json.Number), new([2]any)} {
			typ := reflect.TypeOf(target).Elem()
			theirs, ours := reflect.New(typ), reflect.New(typ)
			theirErr, ourErr := json.Unmarshal([]byte(text), theirs.Interface()), c.Decode(raw, nil, ours.Interface())
			switch {
			case theirErr == nil && ourErr != nil:
				t.Errorf("%s into %v: %v", text, typ, ourErr)
			case theirErr == nil && normal(ours) != normal(theirs) && !numbersIn(typ):
				t.Errorf("%s into %v:\n got %v\nwant %v", text, typ, normal(ours), normal(theirs))
			}
		}
	})
}

// numbersIn reports whether a type keeps the text of numbers, which we do not.
func numbersIn(t reflect.Type) bool { return t == reflect.TypeFor[[]json.Number]() }
