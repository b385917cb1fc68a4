// SPDX-License-Identifier: MIT

// This file compares us with the JavaScript implementation, whose answers are
// recorded in testdata/npm by conformance/msgpack/record.mjs.

package msgpack_test

import (
	"encoding/hex"
	"encoding/json"
	"hash/fnv"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"socketio/parser"
	"socketio/parser/msgpack"
)

func readCorpus(t testing.TB, name string, entries any) {
	t.Helper()
	data, err := os.ReadFile("testdata/npm/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, entries); err != nil {
		t.Fatal(err)
	}
}

// Values of the recorder's notation that our decoder does not produce.
type (
	undefined   struct{}
	arrayBuffer []byte
	invalidDate struct{}
)

// unnote returns the value of the recorder's notation, in the types that our
// decoder has, and undefined, arrayBuffer and invalidDate.
func unnote(t testing.TB, v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = unnote(t, v[i])
		}
	case map[string]any:
		switch v["$"] {
		case nil:
			for k := range v {
				v[k] = unnote(t, v[k])
			}
		case "undefined":
			return undefined{}
		case "date":
			ms, err := strconv.ParseInt(v["ms"].(string), 10, 64)
			if err != nil {
				return invalidDate{}
			}
			return time.UnixMilli(ms).UTC()
		case "bytes":
			return append([]byte{}, unhex(t, v["hex"].(string))...)
		case "buffer":
			return append(arrayBuffer{}, unhex(t, v["hex"].(string))...)
		case "number":
			f, err := strconv.ParseFloat(v["text"].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	return v
}

// same reports whether got, from our decoder, equals the JavaScript value.
func same(got, want any) bool {
	switch want := want.(type) {
	case undefined:
		return got == nil
	case invalidDate:
		_, ok := got.(time.Time)
		return ok
	case arrayBuffer:
		return reflect.DeepEqual(got, []byte(want))
	case float64:
		f, ok := got.(float64)
		return ok && (f == want || math.IsNaN(f) && math.IsNaN(want))
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !same(list[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		m, ok := got.(map[string]any)
		members := 0
		for k, v := range want {
			if _, is := v.(undefined); is {
				continue
			}
			members++
			if x, there := m[k]; !there || !same(x, v) {
				return false
			}
		}
		return ok && len(m) == members
	}
	return reflect.DeepEqual(got, want)
}

// writable reports whether Go can write the value: not undefined, and bytes only as bin.
func writable(v any) bool {
	switch v := v.(type) {
	case undefined, arrayBuffer, invalidDate:
		return false
	case float64:
		return !(v == 0 && math.Signbit(v)) // the recorder's -0 comes out as 0
	case []any:
		for _, x := range v {
			if !writable(x) {
				return false
			}
		}
	case map[string]any:
		for _, x := range v {
			if !writable(x) {
				return false
			}
		}
	}
	return true
}

// check compares a decoded packet with the recorded one.
func check(t *testing.T, wire string, p parser.Packet, want map[string]any) {
	t.Helper()
	var c msgpack.Codec
	if float64(p.Type) != want["type"] || p.Namespace != want["nsp"] {
		t.Errorf("%s: %v %q, want %v %v", wire, p.Type, p.Namespace, want["type"], want["nsp"])
	}
	id := float64(-1)
	if n, ok := want["id"].(float64); ok {
		id = n
	}
	if float64(p.ID) != id {
		t.Errorf("%s: id %d, want %v", wire, p.ID, want["id"])
	}
	var data any
	if p.Data != nil {
		if err := c.Decode(p.Data, nil, &data); err != nil {
			t.Errorf("%s: %v", wire, err)
			return
		}
	}
	if !same(data, want["data"]) {
		t.Errorf("%s: data %#v, want %#v", wire, data, want["data"])
	}
	if list, ok := data.([]any); ok && len(list) != len(c.SplitArray(nil, p.Data)) {
		t.Errorf("%s: %d elements", wire, len(c.SplitArray(nil, p.Data)))
	}
}

// Each packet of the JavaScript encoder is decoded and, if Go can express it, encoded
// byte for byte.
func TestNPMEncoder(t *testing.T) {
	var entries []struct {
		Packet map[string]any
		Wire   string
		Make   struct {
			Of string
			N  int
		}
		Length int
		FNV    uint32
	}
	readCorpus(t, "encode.json", &entries)
	written := 0
	var c msgpack.Codec
	for _, e := range entries {
		if e.Length > 0 {
			large(t, e.Make.Of, e.Make.N, e.Length, e.FNV)
			continue
		}
		want := unnote(t, e.Packet).(map[string]any)
		p, err := decode(unhex(t, e.Wire))
		if err != nil {
			t.Errorf("%s: %v", e.Wire, err)
			continue
		}
		check(t, e.Wire, p, want)
		if _, extra := want["options"]; extra || !writable(want) {
			continue
		}
		out := parser.Outgoing{Type: p.Type, Namespace: p.Namespace, ID: p.ID}
		list, _ := want["data"].([]any)
		switch p.Type {
		case parser.TypeEvent:
			out.Event, out.Args = list[0].(string), list[1:]
		case parser.TypeAck:
			out.Args = list
		default:
			out.Payload = want["data"]
		}
		enc, err := c.AppendPacket(nil, out)
		if err != nil || hex.EncodeToString(enc.Data) != e.Wire {
			t.Errorf("%v:\n got %x, %v\nwant %s", want, enc.Data, err, e.Wire)
		}
		written++
	}
	if written < 70 {
		t.Errorf("only %d packets were written", written)
	}
}

// large compares the bytes of a packet too long to be recorded.
func large(t *testing.T, of string, n, length int, sum uint32) {
	t.Helper()
	var v any
	switch of {
	case "string":
		v = strings.Repeat("x", n)
	case "bytes":
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(i)
		}
		v = b
	case "array":
		list := make([]int, n)
		for i := range list {
			list[i] = 1
		}
		v = list
	case "map":
		m := make(map[string]any, n)
		for i := range n {
			m["k"+strings.Repeat("0", 5-len(strconv.Itoa(i)))+strconv.Itoa(i)] = i
		}
		v = m
	default:
		return // an ArrayBuffer, which Go does not write
	}
	var c msgpack.Codec
	enc, err := c.AppendPacket(nil, event("value", v))
	if err != nil {
		t.Fatal(err)
	}
	h := fnv.New32a()
	h.Write(enc.Data)
	if len(enc.Data) != length || h.Sum32() != sum {
		t.Errorf("%s of %d: %d bytes, sum %d; want %d, %d", of, n, len(enc.Data), h.Sum32(), length, sum)
	}
}

// The differences from the JavaScript decoder, and why. The names are its result and
// ours.
var differences = map[[2]string]string{
	{"accepted", "Could not parse"}:             "text that is not UTF-8, or keys that are neither strings nor integers",
	{"accepted", "invalid payload"}:             "an event name that is reserved, or neither a string nor a number",
	{"accepted", "invalid namespace"}:           "no leading slash, commas, control characters",
	{"accepted", "invalid packet id"}:           "below 0, or over 2^53-1",
	{"invalid payload", "accepted"}:             "nil stands for an absent payload",
	{"invalid packet id", "accepted"}:           "nil stands for an absent id",
	{"invalid packet type", "Could not parse"}:  "text and keys are checked first",
	{"invalid namespace", "Could not parse"}:    "text and keys are checked first",
	{"invalid payload", "Could not parse"}:      "text and keys are checked first",
	{"invalid payload", "invalid namespace"}:    "the namespace is checked first, and more of it",
	{"invalid packet id", "invalid namespace"}:  "the namespace is checked first, and more of it",
	{"N trailing bytes", "Could not parse"}:     "text and keys; or they read past the end and counted below zero",
	{"out of bounds", "Could not parse"}:        "they read past the end",
	{"null has no type", "invalid packet type"}: "they looked for the members of null",
}

var digits = regexp.MustCompile(`^-?\d+ `)

// outcome names the result of either side.
func outcome(text string) string {
	switch {
	case text == "":
		return "accepted"
	case strings.HasPrefix(text, "The value of"), strings.HasPrefix(text, "Attempt to access memory"):
		return "out of bounds"
	case strings.HasPrefix(text, "Cannot read properties of"):
		return "null has no type"
	}
	return digits.ReplaceAllString(text, "N ")
}

// Each message, most of them damaged, has the result of the JavaScript decoder, except
// for the differences above.
func TestNPMDecoder(t *testing.T) {
	var entries []struct {
		Wire   string
		Packet map[string]any
		Error  string
	}
	readCorpus(t, "decode.json", &entries)
	met := map[[2]string]int{}
	accepted := 0
	for _, e := range entries {
		p, err := decode(unhex(t, e.Wire))
		ours := ""
		if err != nil {
			ours = err.Error()
		}
		pair := [2]string{outcome(e.Error), outcome(ours)}
		switch {
		case pair[0] != pair[1]:
			met[pair]++
			if differences[pair] == "" {
				t.Errorf("%s: %q, JavaScript says %q", e.Wire, ours, e.Error)
			}
		case ours != e.Error:
			t.Errorf("%s: %q, JavaScript says %q", e.Wire, ours, e.Error)
		case err == nil:
			accepted++
			check(t, e.Wire, p, unnote(t, e.Packet).(map[string]any))
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d messages accepted", accepted)
	}
	for pair, why := range differences {
		if met[pair] == 0 {
			t.Errorf("%q does not occur", pair)
		}
		t.Logf("%4d times %q, JavaScript: %q: %s", met[pair], pair[1], pair[0], why)
	}
}
