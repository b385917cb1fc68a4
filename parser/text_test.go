// SPDX-License-Identifier: MIT

// This file tests event names and argument spans.

package parser_test

import (
	"testing"

	"socketio/parser"
)

func TestSplitArray(t *testing.T) {
	tests := []struct {
		data string
		want []string
	}{
		{`[]`, nil},
		{`[ ]`, nil},
		{`["a"]`, []string{`"a"`}},
		{` [ "a" , 1 , true , null ] `, []string{`"a"`, `1`, `true`, `null`}},
		{`[[1,[2]],{"a":[",]}"]},"\"],[",-1.5e3]`, []string{`[1,[2]]`, `{"a":[",]}"]}`, `"\"],["`, `-1.5e3`}},
		{"[1\n,\t2\r]", []string{`1`, `2`}},
		{``, nil}, {`x`, nil}, {`{}`, nil}, {`[`, nil}, {`["a`, []string{`"a`}}, {`["\`, []string{`"\`}}, {`[[`, []string{`[`}},
	}
	for _, tt := range tests {
		got := parser.SplitArray(nil, []byte(tt.data))
		if len(got) != len(tt.want) {
			t.Errorf("%q: %q, want %q", tt.data, got, tt.want)
			continue
		}
		for i := range got {
			if string(got[i]) != tt.want[i] {
				t.Errorf("%q: element %d is %q, want %q", tt.data, i, got[i], tt.want[i])
			}
		}
	}
	data := []byte(`[1,2]`)
	first := parser.SplitArray(nil, data)[0]
	_ = append(first, 'x')
	if string(data) != `[1,2]` {
		t.Error("appending to an element must not reach its neighbour")
	}
}

func TestEventNameOfOtherPayloads(t *testing.T) {
	for _, data := range []string{``, `{}`, `[]`, `[ `, `[null]`, `[{}]`, `["a`, `[-`, `"a"`} {
		if name := parser.EventName([]byte(data)); name != nil {
			t.Errorf("%q has the name %q", data, name)
		}
	}
	if name := parser.EventName([]byte(`[""]`)); name == nil || len(name) != 0 {
		t.Error("the empty name is a name")
	}
}

func TestTypeNames(t *testing.T) {
	if parser.TypeEvent.String() != "EVENT" || parser.TypeBinaryAck.String() != "BINARY_ACK" || parser.Type(7).String() != "Type(7)" {
		t.Error("names of types")
	}
}

func TestErrorTextOfUnknownKind(t *testing.T) {
	if s := (&parser.DecodeError{Kind: 200}).Error(); s == "" {
		t.Error("no text")
	}
}
