// SPDX-License-Identifier: MIT

// Autobahn, category 7: closing.

package ws_test

import (
	"fmt"
	"strings"
	"testing"

	"socketio/internal/ws"
)

func TestAutobahn7Close(t *testing.T) {
	hello := fin(text, "Hello World!")
	bye := fin(closed, code(1000, ""))
	large := fin(text, sample(256<<10))
	max123 := strings.Repeat("*", 123)
	cases := []abCase{
		{id: "7.1.1", what: "a text, then a close frame", send: []raw{hello}, want: []raw{hello}},
		{id: "7.1.2", what: "two close frames", send: []raw{bye, bye}, code: 1000},
		{id: "7.1.3", what: "a ping after the close frame", send: []raw{bye, fin(ping, "")}, code: 1000},
		{id: "7.1.4", what: "a text after the close frame", send: []raw{bye, hello}, code: 1000},
		{id: "7.1.5", what: "a close frame between two fragments", send: []raw{more(text, "fragment1"), bye, fin(cont, "fragment2")}, code: 1000},
		{id: "7.1.6", what: "256 KiB of text, a text, a close frame, a ping", send: []raw{large, hello, bye, fin(ping, "")}, want: []raw{large, hello}, code: 1000},
		{id: "7.3.1", what: "an empty close frame", send: []raw{fin(closed, "")}, code: ws.CodeNoStatus},
		{id: "7.3.2", what: "a close frame of one byte", send: []raw{fin(closed, "a")}, code: 1002},
		{id: "7.3.3", what: "a close frame with a code", send: []raw{bye}, code: 1000},
		{id: "7.3.4", what: "a close frame with a code and a reason", send: []raw{fin(closed, code(1000, "Hello World!"))}, code: 1000},
		{id: "7.3.5", what: "a close frame with the longest reason", send: []raw{fin(closed, code(1000, max123))}, code: 1000},
		{id: "7.3.6", what: "a close frame with a reason one byte too long", send: []raw{fin(closed, code(1000, max123+"*"))}, code: 1002},
		{id: "7.5.1", what: "a close frame with a reason that is not UTF-8", send: []raw{fin(closed, code(1000, greek+"\xed\xa0\x80edited"))}, code: 1007},
	}
	add := func(group string, codes []uint16, what string, answer func(uint16) uint16) {
		for i, c := range codes {
			cases = append(cases, abCase{
				id: fmt.Sprintf("7.%s.%d", group, i+1), what: fmt.Sprintf("%s %d", what, c),
				send: []raw{fin(closed, code(c, ""))}, code: answer(c),
			})
		}
	}
	same := func(c uint16) uint16 { return c }
	refused := func(uint16) uint16 { return 1002 }
	add("7", []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999}, "valid code", same)
	add("9", []uint16{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999}, "invalid code", refused)
	// For these two the suite only reports the behaviour.
	add("13", []uint16{5000, 65535}, "code out of range", refused)
	abRun(t, ws.Config{}, 37, cases)
}
