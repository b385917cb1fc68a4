// SPDX-License-Identifier: MIT

// This file tests values: the dialect of MessagePack, and the rules for what Node.js must
// never get.

package nodewire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// answerOf reads a ClientAnswer of the classic format whose packet is a value.
func answerOf(value string) (*nodewire.Message, error) {
	head := "83a47479706509a9726571756573744964a27237a67061636b6574"
	data, err := hex.DecodeString(head + value)
	if err != nil {
		panic(err)
	}
	return nodewire.DecodeClassicAnswer(data)
}

// What the two encoders of Node.js write, and the legacy extensions of the older one.
func TestValuesOfNode(t *testing.T) {
	for _, test := range []struct{ value, want string }{
		{"c0", `null`}, {"c2", `false`}, {"c3", `true`},
		{"81a175c0", `{"u":null}`}, {"80", `{}`},
		{"7f", `127`}, {"cc80", `128`}, {"cd0100", `256`}, {"ce00010000", `65536`},
		{"ff", `-1`}, {"e0", `-32`}, {"d0df", `-33`}, {"d1ff7f", `-129`}, {"d2ffff7fff", `-32769`},
		{"cf0000010000000000", `1099511627776`}, {"d3ffffff0000000000", `-1099511627776`},
		{"cb4340000000000000", `9007199254740992`}, {"cf0020000000000000", `9007199254740992`},
		{"cb3ff8000000000000", `1.5`}, {"ca3fc00000", `1.5`}, {"cb7ff8000000000000", `null`}, {"cb7ff0000000000000", `null`},
		{"cb8000000000000000", `0`}, {"cb7e37e43c8800759c", `1e+300`}, {"cb3e7ad7f29abcaf48", `1e-7`},
		{"d90568656c6c6f", `"hello"`}, {"da000568656c6c6f", `"hello"`}, {"db0000000568656c6c6f", `"hello"`},
		{"dc000101", `[1]`}, {"dd0000000101", `[1]`}, {"de0001a16101", `{"a":1}`}, {"df00000001a16101", `{"a":1}`},
		{"820102ff03", `{"1":2,"-1":3}`},
		{"d6ff6553f100", `"2023-11-14T22:13:20.000Z"`}, {"d7ff1d5353006553f100", `"2023-11-14T22:13:20.123Z"`},
		{"c70cff3b8b87c0ffffffffffffffff", `"1969-12-31T23:59:59.999Z"`},
		{"91d40000", `[null]`}, {"82a175d40000a17601", `{"v":1}`}, {"81a175d40000", `{}`},
		{"d7000000018bcfe5687b", `"2023-11-14T22:13:20.123Z"`}, {"d7007fffffffffffffff", `null`},
		{"c70cff00000000000040b9cbf8c480", `null`},
		{"d7000000e677d21fdc00", `"+010000-01-01T00:00:00.000Z"`},
		{"d700ffffc77590fba000", `"0000-01-01T00:00:00.000Z"`}, {"d700ffffc7758bd54400", `"-000001-12-31T00:00:00.000Z"`},
		{"a3eda080", "\"\ufffd\ufffd\ufffd\""}, {"a4f0908080", `"𐀀"`},
	} {
		m, err := answerOf(test.value)
		if err != nil {
			t.Errorf("%s: %v", test.value, err)
			continue
		}
		if got := string(m.Event.JSON); got != "["+test.want+"]" {
			t.Errorf("%s: %s, want [%s]", test.value, got, test.want)
		}
		if !json.Valid(m.Event.JSON) {
			t.Errorf("%s: %s is not JSON", test.value, m.Event.JSON)
		}
	}
}

// Byte slices and foreign extensions become attachments.
func TestBytesOfNode(t *testing.T) {
	for value, want := range map[string]string{
		"c4020102":         `[{"_placeholder":true,"num":0}] 0102`,
		"c500020102":       `[{"_placeholder":true,"num":0}] 0102`,
		"c6000000020102":   `[{"_placeholder":true,"num":0}] 0102`,
		"c702000102":       `[{"_placeholder":true,"num":0}] 0102`,
		"c800020003ff":     `[{"_placeholder":true,"num":0}] 03ff`,
		"c9000000020003ff": `[{"_placeholder":true,"num":0}] 03ff`,
		"d50507ff":         `[[5,{"_placeholder":true,"num":0}]] 07ff`,
		"92c40107c40108":   `[[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]] 07 08`,
		"d5ff0102":         `[[-1,{"_placeholder":true,"num":0}]] 0102`,
		"d60001020304":     `[[0,{"_placeholder":true,"num":0}]] 01020304`,
		"c400":             `[{"_placeholder":true,"num":0}] `,
	} {
		m, err := answerOf(value)
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		got := string(m.Event.JSON)
		for _, a := range m.Event.Attachments {
			got += " " + hex.EncodeToString(a)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// Numbers are written as JavaScript does: without fraction they are integers in the
// shortest form.
func TestValuesForNode(t *testing.T) {
	for text, want := range map[string]string{
		`null`: "c0", `true`: "c3", `false`: "c2", `0`: "00", `-0`: "00", `127`: "7f", `128`: "cc80", `256`: "cd0100", `65536`: "ce00010000",
		`-1`: "ff", `-33`: "d0df", `-129`: "d1ff7f", `-32769`: "d2ffff7fff", `1099511627776`: "cf0000010000000000",
		`-1099511627776`: "d3ffffff0000000000", `2.0`: "02", `1e2`: "64", `1.5`: "cb3ff8000000000000", `1e300`: "cb7e37e43c8800759c",
		`18446744073709551615`: "cfffffffffffffffff", `18446744073709551616`: "cb43f0000000000000", `1e999`: "cb7ff0000000000000",
		`-9223372036854775808`: "d38000000000000000", `-1e19`: "cbc3e158e460913d00",
		`""`: "a0", `"é"`: "a2c3a9", `"\u00e9\n"`: "a3c3a90a", `"\ud83d\ude00"`: "a4f09f9880",
		`[ ]`: "90", `{ }`: "80", ` [ 1 , [ 2 ] , { "a" : "b" } ] `: "93019102" + "81a161a162",
		`[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]`: "dc0010000102030405060708090a0b0c0d0e0f",
		`{"_placeholder":true,"num":7}`:           "82ac5f706c616365686f6c646572c3a36e756d07", // no such attachment: a value like others
	} {
		m := nodewire.Message{Kind: nodewire.KindClientAnswer, RequestID: "r7", Event: payload("[" + text + "]")}
		data, err := nodewire.AppendClassic(nil, &m)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := strings.TrimPrefix(hex.EncodeToString(data), "83a47479706509a9726571756573744964a27237a67061636b6574")
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Long texts, bytes, arrays and objects have heads of all sizes, and arrive as they were.
func TestSizes(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65536} {
		long, bytes256 := strings.Repeat("x", n), bytes.Repeat([]byte{7}, n)
		var array, object strings.Builder
		for i := range n {
			if i > 0 {
				array.WriteByte(',')
				object.WriteByte(',')
			}
			array.WriteByte('1')
			fmt.Fprintf(&object, `"%d":[]`, i)
		}
		e := payload(fmt.Sprintf(`["e",%q,[%s],{%s},{"_placeholder":true,"num":0}]`, long, array.String(), object.String()), bytes256)
		m := nodewire.Message{Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Event: e}
		data, err := nodewire.AppendEnvelope([]byte("before"), &m, false)
		if err != nil {
			t.Fatal(err)
		}
		got, err := nodewire.DecodeEnvelope(bytes.TrimPrefix(data, []byte("before")))
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if !bytes.Equal(got.Event.JSON, e.JSON) || !bytes.Equal(got.Event.Attachments[0], bytes256) {
			t.Errorf("%d: changed on the way", n)
		}
	}
}

// Absent members are not written, and lists and objects are never null.
func TestNothingIsNull(t *testing.T) {
	for kind := nodewire.KindHello; kind <= nodewire.KindNoMoreAnswers; kind++ {
		m := nodewire.Message{Kind: kind, From: nodeA, Namespace: "/", Event: payload(`["e"]`)}
		data, err := nodewire.AppendEnvelope(nil, &m, false)
		if kind > nodewire.KindBye && kind != nodewire.KindNoMoreAnswers {
			if err != nodewire.ErrKind || len(data) > 0 {
				t.Errorf("kind %d: %q %v", kind, data, err)
			}
			continue
		}
		if err != nil || bytes.Contains(data, []byte("null")) || !json.Valid(data) {
			t.Errorf("kind %d: %s %v", kind, data, err)
		}
		classic, err := nodewire.AppendClassic(nil, &m)
		if err != nil || bytes.Contains(classic, []byte("null")) {
			t.Errorf("kind %d: %s %v", kind, classic, err)
		}
	}
}

func TestWhatNodeCanNotReadIsNotWritten(t *testing.T) {
	for _, text := range []string{"", "{}", "[", "1", `"e"`} {
		for _, kind := range []nodewire.Kind{nodewire.KindBroadcast, nodewire.KindServerSideEmit} {
			m := nodewire.Message{Kind: kind, From: nodeA, Namespace: "/", Event: payload(text)}
			if data, err := nodewire.AppendEnvelope(nil, &m, false); err == nil {
				t.Errorf("%q: %s", text, data)
			}
			if data, err := nodewire.AppendClassic(nil, &m); err == nil {
				t.Errorf("%q: %s", text, data)
			}
		}
	}
	m := nodewire.Message{Kind: nodewire.KindBroadcast, Event: payload(`["e"]`, make([][]byte, 101)...)}
	if data, err := nodewire.AppendEnvelope(nil, &m, false); err == nil {
		t.Errorf("101 attachments: %x", data)
	}
	if data, err := nodewire.AppendClassic(nil, &nodewire.Message{Kind: 99}); err != nodewire.ErrKind {
		t.Errorf("%x %v", data, err)
	}
}

// What only nodes in Go read.
func TestWhatIsForNodesInGo(t *testing.T) {
	meta := adapter.Meta{Origin: "o", Position: "p.1", Version: 2}
	event := payload(`["e"]`)
	event.Meta = meta
	rest := payload(`[1,{"_placeholder":true,"num":0},{"a":{"_placeholder":true,"num":1}}]`, []byte{1}, []byte{2})
	first := payload(`[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1}, []byte{2})
	rest.Version, first.Version = adapter.Version, adapter.Version
	plain := adapter.Payload{Meta: adapter.Meta{Version: adapter.Version}}
	for _, m := range []nodewire.Message{
		{Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Go: true, Event: event, Target: rooms("r"),
			Flags: adapter.Flags{Overflow: adapter.OverflowDropOldest, Conflate: "key"}},
		{Kind: nodewire.KindServerSideAnswer, From: nodeA, Namespace: "/", Go: true, RequestID: "r", Event: rest},
		{Kind: nodewire.KindClientAnswer, From: nodeA, Namespace: "/", Go: true, RequestID: "r", Event: first, Socket: "s"},
		{Kind: nodewire.KindClientCount, From: nodeA, Namespace: "/", Go: true, RequestID: "r", Event: plain, Count: 2, IDs: []string{"a", "b"}},
		{Kind: nodewire.KindSockets, From: nodeA, Namespace: "/", Go: true, RequestID: "r", Event: plain, Part: 3, More: true,
			Sockets: []adapter.MemberInfo{}},
		{Kind: nodewire.KindHeartbeat, From: nodeA, Namespace: "/", Go: true, Event: plain, Member: []byte(`{"name":"n"}`)},
		{Kind: nodewire.KindNoMoreAnswers, From: nodeA, Namespace: "/", Go: true, RequestID: "r", Event: plain},
		{Kind: nodewire.KindHandOver, From: nodeA, Namespace: "/", Go: true, Ask: true, RequestID: "r", Event: plain, Socket: "s"},
		{Kind: nodewire.KindHandOver, From: nodeA, Namespace: "/", Go: true, Event: plain, Socket: "s"},
		{Kind: nodewire.KindHandedOver, From: nodeA, Namespace: "/", Go: true, RequestID: "r", Event: plain, Count: 1},
		{Kind: nodewire.KindNoMoreAnswers, From: nodeA, Namespace: "/", Go: true, RequestID: "r", Event: plain, After: 1<<64 - 1},
		{Kind: nodewire.KindBroadcast, From: nodeA, Namespace: "/", Go: true, Event: event, Target: rooms("s"), Socket: "s"},
	} {
		want := fmt.Sprintf("%+v", m)
		for _, always := range []bool{false, true} {
			data, err := nodewire.AppendEnvelope(nil, &m, always)
			if err != nil {
				t.Fatal(err)
			}
			got, err := nodewire.DecodeEnvelope(data)
			if err != nil {
				t.Fatalf("%q: %v", data, err)
			}
			if fmt.Sprintf("%+v", *got) != want {
				t.Errorf("%q:\n got %+v\nwant %s", data, *got, want)
			}
		}
		data, err := nodewire.AppendClassic(nil, &m)
		if m.Kind > nodewire.KindNoMoreAnswers { // brokers of that format have no logs
			if err != nodewire.ErrKind {
				t.Errorf("classic kind %d: %v", m.Kind, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var got *nodewire.Message
		switch m.Kind {
		case nodewire.KindBroadcast:
			got, err = nodewire.DecodeClassicBroadcast(data)
		case nodewire.KindHeartbeat:
			got, err = nodewire.DecodeClassicRequest(data)
		default:
			got, err = nodewire.DecodeClassicAnswer(data)
		}
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		got.Namespace = "/" // of the channel
		if fmt.Sprintf("%+v", *got) != want {
			t.Errorf("classic %q:\n got %+v\nwant %s", data, *got, want)
		}
	}
}

// What only logs have, which are not of the classic format.
func TestWhatIsLost(t *testing.T) {
	m := nodewire.Message{Kind: nodewire.KindLost, From: nodeA, Namespace: "/", Go: true, After: 1<<60 + 1}
	if data, err := nodewire.AppendClassic(nil, &m); err != nodewire.ErrKind {
		t.Errorf("%q %v", data, err)
	}
	for _, always := range []bool{false, true} {
		data, err := nodewire.AppendEnvelope(nil, &m, always)
		if err != nil {
			t.Fatal(err)
		}
		got, err := nodewire.DecodeEnvelope(data)
		if err != nil || got.Kind != m.Kind || got.After != m.After {
			t.Errorf("%q: %+v %v", data, got, err)
		}
	}
}

func TestPrivateRoomsCountUTF16(t *testing.T) {
	for name, want := range map[string]bool{
		"COAV2NN67ETPnUDwAAAB": true, "": false, strings.Repeat("é", 20): true, strings.Repeat("😀", 10): true,
		strings.Repeat("😀", 20): false, strings.Repeat("x", 19): false, strings.Repeat("x", 21): false, "x" + strings.Repeat("\xff", 19): false,
	} {
		if got := nodewire.LooksPrivate(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
