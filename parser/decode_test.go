// SPDX-License-Identifier: MIT

// This file tests the Decoder: the wire examples, each error, ownership and
// memory.

package parser_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// bin is a binary message in the tables below; strings are text messages.
type bin []byte

// feed passes messages to d and returns the decoded packets.
func feed(d *parser.Decoder, l *parser.Limits, messages ...any) ([]parser.Packet, error) {
	var out []parser.Packet
	for _, m := range messages {
		var p parser.Packet
		var ok bool
		var err error
		switch m := m.(type) {
		case string:
			p, ok, err = d.Add(l, false, []byte(m))
		case bin:
			p, ok, err = d.Add(l, true, m)
		}
		if err != nil {
			return out, err
		}
		if ok {
			out = append(out, p)
		}
	}
	return out, nil
}

func raw(s string) []byte { return []byte(s) }

// The wire table of protocol revision 5, without the Engine.IO prefix.
var wireTable = []struct {
	messages []any
	want     parser.Packet
}{
	{[]any{`0`}, parser.Packet{Type: parser.TypeConnect, Namespace: "/", ID: -1}},
	{[]any{`0{"token":"123"}`}, parser.Packet{Type: parser.TypeConnect, Namespace: "/", ID: -1, Data: raw(`{"token":"123"}`)}},
	{[]any{`0{"sid":"a","pid":"b"}`}, parser.Packet{Type: parser.TypeConnect, Namespace: "/", ID: -1, Data: raw(`{"sid":"a","pid":"b"}`)}},
	{[]any{`0/admin,{"token":"1"}`}, parser.Packet{Type: parser.TypeConnect, Namespace: "/admin", ID: -1, Data: raw(`{"token":"1"}`)}},
	{[]any{`0/admin,`}, parser.Packet{Type: parser.TypeConnect, Namespace: "/admin", ID: -1}},
	{[]any{`0/admin?token=abc,`}, parser.Packet{Type: parser.TypeConnect, Namespace: "/admin?token=abc", ID: -1}},
	{[]any{`4/none,{"message":"Invalid namespace"}`}, parser.Packet{Type: parser.TypeConnectError, Namespace: "/none", ID: -1, Data: raw(`{"message":"Invalid namespace"}`)}},
	{[]any{`4/deny,{}`}, parser.Packet{Type: parser.TypeConnectError, Namespace: "/deny", ID: -1, Data: raw(`{}`)}},
	{[]any{`4"no"`}, parser.Packet{Type: parser.TypeConnectError, Namespace: "/", ID: -1, Data: raw(`"no"`)}},
	{[]any{`2["foo"]`}, parser.Packet{Type: parser.TypeEvent, Namespace: "/", ID: -1, Data: raw(`["foo"]`)}},
	{[]any{`2/admin,["bar",1]`}, parser.Packet{Type: parser.TypeEvent, Namespace: "/admin", ID: -1, Data: raw(`["bar",1]`)}},
	{[]any{`212["foo"]`}, parser.Packet{Type: parser.TypeEvent, Namespace: "/", ID: 12, Data: raw(`["foo"]`)}},
	{[]any{`20["foo"]`}, parser.Packet{Type: parser.TypeEvent, Namespace: "/", ID: 0, Data: raw(`["foo"]`)}},
	{[]any{`2/admin,7["q"]`}, parser.Packet{Type: parser.TypeEvent, Namespace: "/admin", ID: 7, Data: raw(`["q"]`)}},
	{[]any{`2[1,"a"]`}, parser.Packet{Type: parser.TypeEvent, Namespace: "/", ID: -1, Data: raw(`[1,"a"]`)}},
	{[]any{`312["bar"]`}, parser.Packet{Type: parser.TypeAck, Namespace: "/", ID: 12, Data: raw(`["bar"]`)}},
	{[]any{`3/admin,7[]`}, parser.Packet{Type: parser.TypeAck, Namespace: "/admin", ID: 7, Data: raw(`[]`)}},
	{[]any{`1`}, parser.Packet{Type: parser.TypeDisconnect, Namespace: "/", ID: -1}},
	{[]any{`1/admin,`}, parser.Packet{Type: parser.TypeDisconnect, Namespace: "/admin", ID: -1}},
	{
		[]any{`51-["baz",{"_placeholder":true,"num":0}]`, bin{1, 2, 3}},
		parser.Packet{Type: parser.TypeBinaryEvent, Namespace: "/", ID: -1, Data: raw(`["baz",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1, 2, 3}}},
	},
	{
		[]any{`52-/admin,13["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, bin{1}, bin{}},
		parser.Packet{Type: parser.TypeBinaryEvent, Namespace: "/admin", ID: 13, Data: raw(`["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`), Attachments: [][]byte{{1}, {}}},
	},
	{
		[]any{`61-/admin,1[{"_placeholder":true,"num":0}]`, bin{9}},
		parser.Packet{Type: parser.TypeBinaryAck, Namespace: "/admin", ID: 1, Data: raw(`[{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{9}}},
	},
}

func TestWireExamples(t *testing.T) {
	for _, tt := range wireTable {
		var d parser.Decoder
		got, err := feed(&d, nil, tt.messages...)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], tt.want) {
			t.Errorf("%q: got %+v, %v; want %+v", tt.messages, got, err, tt.want)
			continue
		}
		if d.Pending() || d.Buffered() != 0 {
			t.Errorf("%q: the decoder still waits", tt.messages)
		}
		if text := string(parser.AppendPacket(nil, &got[0])); text != tt.messages[0] {
			t.Errorf("encoded again: %q, want %q", text, tt.messages[0])
		}
	}
}

func TestSameMeaningOtherSpelling(t *testing.T) {
	tests := []struct{ text, canonical string }{
		{`0/admin`, `0/admin,`},
		{`1/admin`, `1/admin,`},
		{`2/,["a"]`, `2["a"]`},
		{`0/`, `0`},
	}
	for _, tt := range tests {
		var d parser.Decoder
		got, err := feed(&d, nil, tt.text)
		if err != nil || len(got) != 1 {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if again := string(parser.AppendPacket(nil, &got[0])); again != tt.canonical {
			t.Errorf("%q: canonical %q, want %q", tt.text, again, tt.canonical)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	long := strings.Repeat("n", 255)
	tests := []struct {
		why      string
		messages []any
		kind     parser.ErrorKind
		text     string
	}{
		{"empty", []any{``}, parser.KindPacketType, "unknown packet type NaN"},
		{"no digit", []any{`x["a"]`}, parser.KindPacketType, "unknown packet type NaN"},
		{"seven", []any{`7`}, parser.KindPacketType, "unknown packet type 7"},
		{"nine", []any{`999`}, parser.KindPacketType, "unknown packet type 9"},

		{"no count", []any{`5["a"]`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"no dash", []any{`51["a"]`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"nothing after the count", []any{`51`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"only a type", []any{`6`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"dash first", []any{`5-["a"]`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"zero", []any{`50-["a"]`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"leading zero", []any{`501-["a",{"_placeholder":true,"num":0}]`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"negative", []any{`5-1-["a"]`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"fraction", []any{`51.5-["a"]`}, parser.KindAttachmentCount, "Illegal attachments"},
		{"eleven", []any{`511-["a"]`}, parser.KindTooManyAttachments, "too many attachments"},
		{"three digits", []any{`5100-["a"]`}, parser.KindTooManyAttachments, "too many attachments"},
		{"very many digits", []any{`5` + strings.Repeat("9", 400) + `-["a"]`}, parser.KindTooManyAttachments, "too many attachments"},

		{"namespace too long", []any{`0/` + long + `,`}, parser.KindNamespace, "invalid namespace"},
		{"namespace with a control character", []any{"0/a\nb,"}, parser.KindNamespace, "invalid namespace"},
		{"namespace with DEL", []any{"0/a\x7f,"}, parser.KindNamespace, "invalid namespace"},
		{"namespace with a C1 control", []any{"0/a\u0085,"}, parser.KindNamespace, "invalid namespace"},
		{"namespace not UTF-8", []any{"0/a\xff,"}, parser.KindNamespace, "invalid namespace"},

		{"CONNECT with an array", []any{`0[]`}, parser.KindPayload, "invalid payload"},
		{"CONNECT with a string", []any{`0"a"`}, parser.KindPayload, "invalid payload"},
		{"CONNECT with null", []any{`0null`}, parser.KindPayload, "invalid payload"},
		{"DISCONNECT with a payload", []any{`1{}`}, parser.KindPayload, "invalid payload"},
		{"event without payload", []any{`2`}, parser.KindPayload, "invalid payload"},
		{"event without payload on a namespace", []any{`2/admin,`}, parser.KindPayload, "invalid payload"},
		{"event with an object", []any{`2{}`}, parser.KindPayload, "invalid payload"},
		{"event without a name", []any{`2[]`}, parser.KindPayload, "invalid payload"},
		{"event of spaces", []any{`2[ `}, parser.KindPayload, "invalid payload"},
		{"space for an id", []any{`2 ["a"]`}, parser.KindPayload, "invalid payload"},
		{"truncated", []any{`2["some","data"`}, parser.KindPayload, "invalid payload"},
		{"trailing garbage", []any{`2["a"]x`}, parser.KindPayload, "invalid payload"},
		{"two values", []any{`2["a"]["b"]`}, parser.KindPayload, "invalid payload"},
		{"ack with an object", []any{`3{}`}, parser.KindPayload, "invalid payload"},
		{"ack without payload", []any{`31`}, parser.KindPayload, "invalid payload"},
		{"CONNECT_ERROR with a number", []any{`4/,1`}, parser.KindPayload, "invalid payload"},
		{"CONNECT_ERROR with an array", []any{`4[]`}, parser.KindPayload, "invalid payload"},
		{"CONNECT_ERROR without payload", []any{`4`}, parser.KindPayload, "invalid payload"},
		{"negative id", []any{`2-1["a"]`}, parser.KindPayload, "invalid payload"},
		{"id with leading zeros", []any{`2007["a"]`}, parser.KindPayload, "invalid payload"},
		{"two zeros", []any{`200["a"]`}, parser.KindPayload, "invalid payload"},
		{"id over 2^53-1", []any{`29007199254740992["a"]`}, parser.KindPayload, "invalid payload"},
		{"id of 17 digits", []any{`210000000000000000["a"]`}, parser.KindPayload, "invalid payload"},
		{"id of 400 digits", []any{`2` + strings.Repeat("9", 400) + `["a"]`}, parser.KindPayload, "invalid payload"},
		{"invalid UTF-8", []any{"2[\"a\",\"\xc3\x28\"]"}, parser.KindPayload, "invalid payload"},
		{"control character", []any{"2[\"a\",\"\x01\"]"}, parser.KindPayload, "invalid payload"},
		{"binary event without payload", []any{`51-`}, parser.KindPayload, "invalid payload"},

		{"stray binary", []any{bin{1}}, parser.KindStrayBinary, "got binary data when not reconstructing a packet"},
		{"binary after a plain event", []any{`2["a"]`, bin{1}}, parser.KindStrayBinary, "got binary data when not reconstructing a packet"},
		{
			"one binary too many",
			[]any{`51-["a",{"_placeholder":true,"num":0}]`, bin{1}, bin{2}},
			parser.KindStrayBinary, "got binary data when not reconstructing a packet",
		},
		{
			"text while attachments are awaited",
			[]any{`51-["a",{"_placeholder":true,"num":0}]`, `2["b"]`},
			parser.KindStrayText, "got plaintext data when reconstructing a packet",
		},
	}
	for _, tt := range tests {
		var d parser.Decoder
		_, err := feed(&d, nil, tt.messages...)
		var e *parser.DecodeError
		if !errors.As(err, &e) || e.Kind != tt.kind || err.Error() != tt.text {
			t.Errorf("%s: %q: got %v, want %q", tt.why, tt.messages, err, tt.text)
		}
		if d.Pending() || d.Buffered() != 0 {
			t.Errorf("%s: the decoder keeps memory after an error", tt.why)
		}
	}
}

func TestLimitsOfIDs(t *testing.T) {
	var d parser.Decoder
	got, err := feed(&d, nil, `29007199254740991["a"]`)
	if err != nil || got[0].ID != 1<<53-1 {
		t.Errorf("the largest id: %v, %v", got, err)
	}
}

func TestNamespaceLengthIsInBytes(t *testing.T) {
	var d parser.Decoder
	name := "/" + strings.Repeat("n", 254)
	got, err := feed(&d, nil, `0`+name+`,`)
	if err != nil || got[0].Namespace != name {
		t.Errorf("255 bytes: %v", err)
	}
	if _, err := feed(&d, &parser.Limits{MaxNamespace: 3}, `0/été,`); err == nil {
		t.Error("/été is six bytes and was let through a limit of three")
	}
}

func TestEventNameTypes(t *testing.T) {
	good := map[string]string{
		`"a"`: "a", `""`: "", `1`: "1", `-7`: "-7", `0`: "0", `-0`: "0", `1.0`: "1", `1.5`: "1.5",
		`1e3`: "1000", `1e21`: "1e+21", `1e-6`: "0.000001", `1e-7`: "1e-7", `123456789012345680000`: "123456789012345680000",
		`12345678901234567`: "12345678901234568", `1e400`: "Infinity", `-1e400`: "-Infinity",
		`"\u0061b"`: "ab", `"caf\u00e9"`: "café", `"été"`: "été", `"\ud83d\ude00"`: "😀", `"\ud83d"`: "\uFFFD",
		`"error"`: "error", `"connection"`: "connection", `"__proto__"`: "__proto__", `"toString"`: "toString",
		`"constructor"`: "constructor", `"Connect"`: "Connect", `"connect "`: "connect ", `"connec"`: "connec",
		`"connect_errors"`: "connect_errors", `"\u0000connect"`: "\x00connect",
	}
	for name, want := range good {
		for _, text := range []string{`2[` + name + `]`, `2[ ` + name + ` , 1]`} {
			var d parser.Decoder
			got, err := feed(&d, nil, text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			if n := parser.EventName(got[0].Data); string(n) != want {
				t.Errorf("%s: name %q, want %q", text, n, want)
			}
		}
	}
	bad := []string{
		`{}`, `{"toString":1}`, `[]`, `["a"]`, `null`, `true`, `false`, `01`, `+1`, `.5`, `1.`, `"\x"`, `'a'`, `a`,
		`{"toString":"a","valueOf":"b"}`,
	}
	for _, name := range bad {
		for _, text := range []string{`2[` + name + `]`, `2[` + name + `,1]`, `51-[` + name + `,{"_placeholder":true,"num":0}]`} {
			var d parser.Decoder
			if _, err := feed(&d, nil, text); err == nil || err.Error() != "invalid payload" {
				t.Errorf("%s: got %v, want invalid payload", text, err)
			}
		}
	}
}

func TestReservedNames(t *testing.T) {
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		if !parser.IsReserved(name) {
			t.Errorf("%s is reserved", name)
		}
		escaped := ""
		for _, c := range name {
			escaped += fmt.Sprintf(`\u%04X`, c)
		}
		for _, spelling := range []string{name, escaped, escaped[:6] + name[1:]} {
			for _, text := range []string{`2["` + spelling + `"]`, `21["` + spelling + `",1]`, `2[ "` + spelling + `"]`, `51-["` + spelling + `",{"_placeholder":true,"num":0}]`} {
				var d parser.Decoder
				if _, err := feed(&d, nil, text); err == nil || err.Error() != "invalid payload" {
					t.Errorf("%s: got %v, want invalid payload", text, err)
				}
			}
			var d parser.Decoder
			if _, err := feed(&d, nil, `31["`+spelling+`"]`); err != nil {
				t.Errorf("an ack may start with %q: %v", spelling, err)
			}
		}
	}
}

func TestAttachmentLimits(t *testing.T) {
	event := func(n int) string {
		text := fmt.Sprintf(`5%d-["a"`, n)
		for i := range n {
			text += "," + string(jsontext.AppendPlaceholder(nil, i))
		}
		return text + "]"
	}
	for _, tt := range []struct {
		n, max int
		ok     bool
	}{{1, 0, true}, {10, 0, true}, {11, 0, false}, {2, 1, false}, {99, 99, true}, {99, 1000, true}, {100, 1000, false}} {
		var d parser.Decoder
		l := &parser.Limits{MaxAttachments: tt.max}
		messages := []any{event(tt.n)}
		for i := range tt.n {
			messages = append(messages, bin{byte(i)})
		}
		got, err := feed(&d, l, messages...)
		if ok := err == nil && len(got) == 1 && len(got[0].Attachments) == tt.n; ok != tt.ok {
			t.Errorf("%d attachments with MaxAttachments %d: %v", tt.n, tt.max, err)
		}
	}

	l := &parser.Limits{MaxIncompleteBytes: 100}
	var d parser.Decoder
	if _, err := feed(&d, l, event(2), bin(make([]byte, 30)), bin(make([]byte, 30))); err == nil || err.Error() != "incomplete packet too large" {
		t.Errorf("the sum of the sizes is bounded: %v", err)
	}
	if _, err := feed(&d, l, event(4)); err == nil || err.Error() != "incomplete packet too large" {
		t.Errorf("the size of the text counts: %v", err)
	}
}

func TestZeroAttachments(t *testing.T) {
	for _, text := range []string{`50-["a"]`, `60-1[]`, `500-["a"]`} {
		var d parser.Decoder
		if _, err := feed(&d, nil, text); err == nil || err.Error() != "Illegal attachments" {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := feed(&d, nil, bin{1}); err == nil || !strings.HasPrefix(err.Error(), "got binary data") {
			t.Errorf("%s: a binary message after it was taken: %v", text, err)
		}
	}
}

func TestBadPlaceholders(t *testing.T) {
	good := []string{
		`51-["a",{"_placeholder":true,"num":0}]`,
		`51-["a",{"num":0,"_placeholder":true}]`,
		"51-[\"a\", { \"_placeholder\" : true ,\n\"num\" : 0 } ]",
		`51-["a",[[{"b":{"_placeholder":true,"num":0}}]]]`,
		`52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`,
		`51-["a",{"_placeholder":false,"num":0},{"_placeholder":true,"num":0}]`,
		`51-["a",{"_placeholder":"true","num":0},{"_placeholder":true,"num":0}]`,
		`51-["a","{\"_placeholder\":true,\"num\":1}",{"_placeholder":true,"num":0}]`,
		`51-["a",{"num":5},{"_placeholder":true,"num":0}]`,
	}
	for _, text := range good {
		var d parser.Decoder
		if _, err := feed(&d, nil, text); err != nil || !d.Pending() {
			t.Errorf("%s: %v", text, err)
		}
	}
	const fine = `{"_placeholder":true,"num":0}`
	bad := []string{
		`{"_placeholder":true,"num":"0"}`, `{"_placeholder":true,"num":"splice"}`, `{"_placeholder":true,"num":-1}`,
		`{"_placeholder":true,"num":1}`, `{"_placeholder":true,"num":99}`, `{"_placeholder":true,"num":100}`,
		`{"_placeholder":true,"num":0.0}`, `{"_placeholder":true,"num":0.5}`, `{"_placeholder":true,"num":0e0}`,
		`{"_placeholder":true,"num":1e400}`, `{"_placeholder":true,"num":-0}`, `{"_placeholder":true,"num":null}`,
		`{"_placeholder":true,"num":true}`, `{"_placeholder":true,"num":[0]}`, `{"_placeholder":true,"num":{}}`,
		`{"_placeholder":true,"num":"length"}`, `{"_placeholder":true,"num":"__proto__"}`,
		`{"_placeholder":true}`, `{"num":0}`, `{"_placeholder":true,"Num":0}`, `{"_placeholder":true,"num":0,"num":0}`,
		`{"_placeholder":true,"num":0,"x":1}`, `{"x":1,"_placeholder":true,"num":0}`,
		`{"_placeholder":true,"_placeholder":true,"num":0}`, `{"_placeholder":true,"n\u0075m":0}`,
		`{"_placeholder":1,"num":0}`, `{"_placeholder":"true","num":0}`, `{"_placeholder":false,"num":0}`,
		`{"_placeholder":null,"num":0}`, `{"_placeholder":[true],"num":0}`, `{"_Placeholder":true,"num":0}`,
		`{"\u005fplaceholder":true,"num":0}`, `{"num":0,"num":0}`, `{"num":10,"_placeholder":true}`,
		fine + `,` + fine, `[` + fine + `,{"b":` + fine + `}]`, fine + `,{"_placeholder":true,"num":1}`,
		fine + `,{"_placeholder":true}`, fine + `,{"_placeholder":true,"num":"x"}`, `{}`, `null`,
		fine + `,{"a":1,"_placeholder": true}`,
	}
	if len(bad) < 30 {
		t.Fatalf("only %d cases", len(bad))
	}
	for _, arg := range bad {
		for _, text := range []string{`51-["a",` + arg + `]`, `61-3[` + arg + `]`} {
			var d parser.Decoder
			if _, err := feed(&d, nil, text); err == nil || err.Error() != "illegal attachments" {
				t.Errorf("%s: got %v, want illegal attachments", text, err)
			}
			if d.Pending() {
				t.Errorf("%s: attachments are awaited", text)
			}
		}
	}
	// Without attachments such objects are plain data.
	var d parser.Decoder
	if _, err := feed(&d, nil, `2["a",{"_placeholder":true,"num":0}]`); err != nil {
		t.Errorf("a plain event: %v", err)
	}
}

func TestDepth(t *testing.T) {
	event := func(depth int) string {
		return `2["a",` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `]`
	}
	for _, tt := range []struct {
		depth, max int
		ok         bool
	}{{512, 0, true}, {513, 0, false}, {3, 3, true}, {4, 3, false}, {1024, 5000, true}, {1025, 5000, false}, {400_000, 0, false}} {
		var d parser.Decoder
		_, err := feed(&d, &parser.Limits{MaxDepth: tt.max}, event(tt.depth))
		if (err == nil) != tt.ok {
			t.Errorf("depth %d with MaxDepth %d: %v", tt.depth, tt.max, err)
		}
	}
	objects := `2["a",` + strings.Repeat(`{"k":`, 511) + `1` + strings.Repeat(`}`, 511) + `]`
	var d parser.Decoder
	if _, err := feed(&d, nil, objects); err != nil {
		t.Errorf("512 levels of objects: %v", err)
	}
	binary := `51-["a",` + strings.Repeat(`[`, 511) + `{"_placeholder":true,"num":0}` + strings.Repeat(`]`, 511) + `]`
	if _, err := feed(&d, nil, binary); err == nil || err.Error() != "invalid payload" {
		t.Errorf("a placeholder counts as a level: %v", err)
	}
}

func TestOwnership(t *testing.T) {
	var d parser.Decoder
	text := []byte(`2/ns,["a",1]`)
	p, ok, err := d.Add(nil, false, text)
	if !ok || err != nil {
		t.Fatal(err)
	}
	if &p.Data[0] != &text[len(`2/ns,`)] {
		t.Error("the payload of a plain event should alias the message")
	}
	clear(text)
	if p.Namespace != "/ns" {
		t.Error("the namespace must not alias the message")
	}

	text = []byte(`51-["a",{"_placeholder":true,"num":0}]`)
	attachment := []byte{1, 2, 3}
	if _, ok, err := d.Add(nil, false, text); ok || err != nil || !d.Pending() {
		t.Fatal(ok, err)
	}
	clear(text)
	p, ok, err = d.Add(nil, true, attachment)
	if !ok || err != nil {
		t.Fatal(err)
	}
	clear(attachment)
	if string(p.Data) != `["a",{"_placeholder":true,"num":0}]` || !bytes.Equal(p.Attachments[0], []byte{1, 2, 3}) {
		t.Error("a packet with attachments must own its memory")
	}
}

func TestReset(t *testing.T) {
	var d parser.Decoder
	if _, err := feed(&d, nil, `52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, bin{1, 2}); err != nil {
		t.Fatal(err)
	}
	if !d.Pending() || d.Buffered() == 0 {
		t.Fatal("attachments should be awaited")
	}
	d.Reset()
	if d.Pending() || d.Buffered() != 0 {
		t.Fatal("Reset should drop the incomplete packet")
	}
	if got, err := feed(&d, nil, `2["b"]`); err != nil || len(got) != 1 {
		t.Fatalf("after Reset: %v", err)
	}
}

func TestErrorsSayNothingOfThePeer(t *testing.T) {
	var d parser.Decoder
	_, err := feed(&d, nil, "x\x1b[31mevil")
	if strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), "evil") {
		t.Errorf("peer text in %q", err)
	}
}
