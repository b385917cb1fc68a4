// SPDX-License-Identifier: MIT

// This file holds the bound on arrays and objects.

package parser_test

import (
	"strings"
	"testing"

	"socketio/parser"
)

func TestElements(t *testing.T) {
	many := func(s string, n int) string {
		return `2["x",[` + strings.TrimSuffix(strings.Repeat(s+",", n), ",") + `]]`
	}
	limits := &parser.Limits{MaxElements: 100}
	for _, row := range []struct {
		what, text string
		l          *parser.Limits
		ok         bool
	}{
		{"arrays", many("[]", 98), limits, true},
		{"an array more", many("[]", 99), limits, false},
		{"arrays of something", many("[1]", 98), limits, true},
		{"one more", many("[1]", 99), limits, false},
		{"nested", many("[[]]", 49), limits, true},
		{"nested, one more", many("[[]]", 50), limits, false},
		{"objects", many("{}", 24), limits, true},
		{"an object more", many("{}", 25), limits, false},
		{"objects with something", many(`{"":null}`, 24), limits, true},
		{"one more of those", many(`{"":null}`, 25), limits, false},
		{"brackets in strings", many(`"[{[{"`, 1000), limits, true},
		{"numbers", many("1", 1000), limits, true},
		{"members", `2["x",{` + strings.TrimSuffix(strings.Repeat(`"a":1,`, 1000), ",") + `}]`, limits, true},
		{"an acknowledgement", "37" + many("{}", 25)[1:], limits, false},
		{"a CONNECT", `0{"a":` + many("{}", 25)[5:], limits, false},
		{"by default", many("{}", 1<<16-1), nil, true},
		{"by default, one more", many("{}", 1<<16), nil, false},
		{"arrays by default", many("[]", 1<<18-2), nil, true},
		{"arrays by default, one more", many("[]", 1<<18-1), nil, false},
	} {
		_, ok, err := new(parser.Decoder).Add(row.l, false, []byte(row.text))
		if ok != row.ok || (err == nil) != row.ok {
			t.Errorf("%s: %v %v, want %v", row.what, ok, err, row.ok)
		}
	}
}
