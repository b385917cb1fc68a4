// SPDX-License-Identifier: MIT

// Socket.IO packets: parser against npm socket.io-parser, which defines the protocol in
// practice. If ours rejects what npm accepts, the case must match an entry of
// decided_test.go. The reverse must not happen.

package difftest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// comparePackets passes messages to both decoders and compares each step.
func comparePackets(t *testing.T, o *oracle, messages []message) (steps int, reason string) {
	t.Helper()
	theirs := o.ask(t, messages)
	var d parser.Decoder
	for i, m := range messages {
		p, ok, err := d.Add(nil, m.binary, m.data)
		if i >= len(theirs) {
			t.Fatalf("no step %d from npm for %s", i, show(messages))
		}
		want := theirs[i]
		if err != nil {
			if want.Error != "" {
				return i + 1, "both"
			}
			var e *parser.DecodeError
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			if reason := decided(e, m); reason != "" {
				return i + 1, reason
			}
			t.Fatalf("ours refuses: %v (%s at %d)\nnpm: %s\nmessage %d of %s", e, e.Detail, e.Offset, showStep(want), i, show(messages))
		}
		if want.Error != "" {
			t.Fatalf("ours takes what npm refuses: %s\nmessage %d of %s", want.Error, i, show(messages))
		}
		if ok == want.More {
			t.Fatalf("ours complete: %v, npm: %s\nmessage %d of %s", ok, showStep(want), i, show(messages))
		}
		if ok {
			if why := differs(&p, want.Packet); why != "" {
				t.Fatalf("%s\nours: %+v\nnpm: %s\nmessage %d of %s", why, p, showStep(want), i, show(messages))
			}
		}
	}
	return len(messages), "none"
}

// differs compares a packet of ours with one of npm's.
func differs(p *parser.Packet, q *packet) string {
	kind := p.Type
	switch kind { // npm forgets that a packet was binary
	case parser.TypeBinaryEvent:
		kind = parser.TypeEvent
	case parser.TypeBinaryAck:
		kind = parser.TypeAck
	}
	id := json.Number("")
	if p.ID != parser.NoID {
		id = json.Number(strconv.FormatInt(p.ID, 10))
	}
	switch {
	case int(kind) != q.Type:
		return "type"
	case p.Namespace != q.Nsp:
		return "namespace"
	case id != q.ID:
		return "id"
	case (p.Data == nil) != (q.Data == nil):
		return "data or none"
	case p.Data != nil && !reflect.DeepEqual(value(withBytes(p)), value(q.Data)):
		return "data"
	}
	return ""
}

// withBytes replaces placeholders by their attachments.
func withBytes(p *parser.Packet) []byte {
	var out []byte
	from := 0
	for len(p.Attachments) > 0 {
		start, end, num := jsontext.NextPlaceholder(p.Data, from)
		if start < 0 {
			break
		}
		out = fmt.Appendf(append(out, p.Data[from:start]...), `{"$bytes":"%s"}`, base64.StdEncoding.EncodeToString(p.Attachments[num]))
		from = end
	}
	return append(out, p.Data[from:]...)
}

// value decodes JSON as JavaScript does: numbers are doubles, and those out of
// range, which JSON.stringify writes as null, are nil.
func value(raw []byte) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic(fmt.Sprintf("%q: %v", raw, err))
	}
	return doubles(v)
}

func doubles(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		if errors.Is(err, strconv.ErrRange) && (f > 1 || f < -1) {
			return nil
		}
		return f
	case []any:
		for i := range v {
			v[i] = doubles(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = doubles(v[k])
		}
	}
	return v
}

func show(messages []message) string {
	var b strings.Builder
	for _, m := range messages {
		if m.binary {
			fmt.Fprintf(&b, "[binary %x] ", m.data)
		} else {
			fmt.Fprintf(&b, "%q ", m.data)
		}
	}
	return b.String()
}

func showStep(s step) string {
	switch {
	case s.Error != "":
		return "error " + s.Error
	case s.More:
		return "more is awaited"
	}
	return fmt.Sprintf("%+v data %s", *s.Packet, s.Packet.Data)
}

// split reads a case of the fuzzer: messages with 0xFF between them, the binary ones with
// 0xFE in front. Text that is not UTF-8 never reaches a decoder; such cases have no
// messages.
func split(script []byte) []message {
	var messages []message
	for m := range bytes.SplitSeq(script, []byte{0xFF}) {
		data, binary := bytes.CutPrefix(m, []byte{0xFE})
		if !binary && !utf8.Valid(data) {
			return nil
		}
		messages = append(messages, message{binary, data})
	}
	return messages
}

func FuzzPackets(f *testing.F) {
	for _, s := range packetSeeds {
		f.Add([]byte(s))
	}
	for seed := range uint64(20) {
		f.Add(join(dialogue(rand.New(rand.NewPCG(seed, 4)))))
	}
	o := startOracle(f)
	f.Fuzz(func(t *testing.T, script []byte) {
		if messages := split(script); messages != nil {
			comparePackets(t, o, messages)
		}
	})
}

// join is the inverse of split.
func join(messages []message) []byte {
	var parts [][]byte
	for _, m := range messages {
		if m.binary {
			m.data = append([]byte{0xFE}, bytes.ReplaceAll(m.data, []byte{0xFF}, nil)...)
		}
		parts = append(parts, m.data)
	}
	return bytes.Join(parts, []byte{0xFF})
}

func TestPacketsAsNPM(t *testing.T) {
	o := startOracle(t)
	for _, s := range packetSeeds {
		comparePackets(t, o, split([]byte(s)))
	}
	reasons := make(map[string]int)
	steps := 0
	for seed := range uint64(generated) {
		messages := dialogue(rand.New(rand.NewPCG(seed, 5)))
		n, reason := comparePackets(t, o, messages)
		reasons[reason]++
		steps += n
	}
	for _, reason := range append([]string{"none", "both"}, reasonsOf()...) {
		if reasons[reason] == 0 {
			t.Errorf("of %d dialogues none ended with %q", generated, reason)
		}
	}
	if reasons["none"] < generated/3 {
		t.Errorf("only %d of %d dialogues were taken whole", reasons["none"], generated)
	}
	t.Log(steps, "messages;", reasons)
}

var packetSeeds = []string{
	"0", "0{}", `0{"token":1}`, "0/admin,", "0/admin", `0/admin?a=b,{}`, "0[]", "0null", "1", "1/admin,", "1{}", "1null", "1false", `2["a"]`, `2/a,12["a",1]`,
	`2[]`, `2[1]`, `2[null]`, `2[-0]`, `2[1e999]`, `2["connect"]`, `2["\u0063onnect"]`, `2["connection"]`, `2["a"]x`, `2["a"] `, `2{"a":1}`, "2", "3", "30[]",
	`3[]`, `3{}`, `312["é😀"]`, `4`, `4"no"`, `4{"message":"no"}`, `4[]`, `41`, `4null`, "7", "", " ", "\n", "x", "/", "2/", "2/,[1]", "2,[1]", "2/a[1]",
	`51-["a",{"_placeholder":true,"num":0}]` + "\xff\xfe\x01\x02", `52-["a",{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}]` + "\xff\xfe1\xff\xfe2",
	`51-/a,7["a",[{"b":{"_placeholder":true,"num":0}}]]` + "\xff\xfe", `61-7[{"_placeholder":true,"num":0}]` + "\xff\xfe\x00", `51-["a"]` + "\xff\xfe\x00",
	`51-["a",{"_placeholder":true,"num":1}]` + "\xff\xfe", `51-["a",{"_placeholder":true,"num":0}]` + "\xff" + `2["a"]`, "\xfe1", `50-["a"]`, `5["a"]`, `511-["a"]`,
	`5-["a"]`, `5-1-["a"]`, `51.0-["a"]`, `51e0-["a"]`, `5 1-["a"]`, `501-["a"]`, `50x1-["a"]`, `51-`, `61-`, `51-0`, `2["__proto__",{"__proto__":1}]`, `2["a",{"a":1,"a":2}]`,
	`20["a"]`, `200["a"]`, `29007199254740991["a"]`, `29007199254740992["a"]`, `2 ["a"]`, `21 ["a"]`, "2\u00a0[\"a\"]", `2-1["a"]`, `21.5["a"]`, `2["a","\ud800"]`, `2["\ud83d\ude00"]`,
}
