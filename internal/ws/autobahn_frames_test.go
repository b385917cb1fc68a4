// SPDX-License-Identifier: MIT

// Autobahn, categories 1 to 5: frames, pings, reserved bits, opcodes, fragments.

package ws_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"socketio/internal/ws"
)

func TestAutobahn1Framing(t *testing.T) {
	var cases []abCase
	for i, op := range []ws.Opcode{text, bin} {
		payload := sample
		if op == bin {
			payload = noise
		}
		for j, n := range []int{0, 125, 126, 127, 128, 65535, 65536, 65536} {
			c := abCase{id: fmt.Sprintf("1.%d.%d", i+1, j+1), what: fmt.Sprintf("%v of %d bytes", op, n)}
			c.send = []raw{fin(op, payload(n))}
			c.want = c.send
			if j == 7 {
				c.what += " in pieces of 997"
				c.chop = 997
			}
			cases = append(cases, c)
		}
	}
	abRun(t, ws.Config{}, 16, cases)
}

func TestAutobahn2PingPong(t *testing.T) {
	max125 := strings.Repeat("\xFE", 125)
	var pings, pongs []raw
	for i := range 10 {
		pings = append(pings, fin(ping, fmt.Sprintf("payload %d", i)))
		pongs = append(pongs, fin(pong, fmt.Sprintf("payload %d", i)))
	}
	abRun(t, ws.Config{}, 11, []abCase{
		{id: "2.1", what: "a ping without payload", send: []raw{fin(ping, "")}, want: []raw{fin(pong, "")}},
		{id: "2.2", what: "a ping with a text", send: []raw{fin(ping, "Hello, world!")}, want: []raw{fin(pong, "Hello, world!")}},
		{id: "2.3", what: "a ping with bytes that are not text", send: []raw{fin(ping, "\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF")}, want: []raw{fin(pong, "\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF")}},
		{id: "2.4", what: "a ping of 125 bytes", send: []raw{fin(ping, max125)}, want: []raw{fin(pong, max125)}},
		{id: "2.5", what: "a ping of 126 bytes", send: []raw{fin(ping, max125+"\xFE")}, code: 1002},
		{id: "2.6", what: "a ping of 125 bytes, byte by byte", send: []raw{fin(ping, max125)}, want: []raw{fin(pong, max125)}, chop: 1},
		{id: "2.7", what: "a pong nobody asked for", send: []raw{fin(pong, "")}},
		{id: "2.8", what: "a pong nobody asked for, with payload", send: []raw{fin(pong, "unsolicited")}},
		{id: "2.9", what: "a pong nobody asked for, then a ping", send: []raw{fin(pong, "unsolicited"), fin(ping, "ping")}, want: []raw{fin(pong, "ping")}},
		{id: "2.10", what: "ten pings", send: pings, want: pongs},
		{id: "2.11", what: "ten pings, byte by byte", send: pings, want: pongs, chop: 1},
	})
}

func TestAutobahn3ReservedBits(t *testing.T) {
	hello := fin(text, "Hello, world!")
	rsv := func(bits byte, op ws.Opcode, payload string) raw { return raw{0x80 | bits<<4 | byte(op), payload} }
	abRun(t, ws.Config{}, 7, []abCase{
		{id: "3.1", what: "a text with bit 1 of 3", send: []raw{rsv(1, text, "Hello, world!")}, code: 1002},
		{id: "3.2", what: "a text, then one with bit 2, then a ping", send: []raw{hello, rsv(2, text, "Hello, world!"), fin(ping, "")}, want: []raw{hello}, code: 1002},
		{id: "3.3", what: "a text, then one with bits 1 and 2, then a ping, at once", send: []raw{hello, rsv(3, text, "Hello, world!"), fin(ping, "")}, want: []raw{hello}, code: 1002},
		{id: "3.4", what: "a text, then one with bit 3, then a ping, byte by byte", send: []raw{hello, rsv(4, text, "Hello, world!"), fin(ping, "")}, want: []raw{hello}, code: 1002, chop: 1},
		{id: "3.5", what: "a binary message with bits 1 and 3", send: []raw{rsv(5, bin, "\x00\xFF\xFE\xFD\xFC\xFB\x00\xFF")}, code: 1002},
		{id: "3.6", what: "a ping with bits 2 and 3", send: []raw{rsv(6, ping, "Hello, world!")}, code: 1002},
		{id: "3.7", what: "a close frame with all bits", send: []raw{rsv(7, closed, "")}, code: 1002},
	})
}

func TestAutobahn4Opcodes(t *testing.T) {
	hello := fin(text, "Hello, world!")
	var cases []abCase
	for i, first := range []ws.Opcode{3, 11} {
		for j := range ws.Opcode(5) {
			op := first + j
			c := abCase{id: fmt.Sprintf("4.%d.%d", i+1, j+1), what: fmt.Sprintf("reserved opcode %d", byte(op)), code: 1002}
			switch j {
			case 0:
				c.send = []raw{fin(op, "")}
			case 1:
				c.what += " with payload"
				c.send = []raw{fin(op, "reserved opcode payload")}
			case 2:
				c.what += " after a text"
				c.send, c.want = []raw{hello, fin(op, ""), fin(ping, "")}, []raw{hello}
			default:
				c.what += " with payload after a text"
				c.send, c.want = []raw{hello, fin(op, "reserved opcode payload"), fin(ping, "")}, []raw{hello}
				if j == 4 {
					c.what += ", byte by byte"
					c.chop = 1
				}
			}
			cases = append(cases, c)
		}
	}
	abRun(t, ws.Config{}, 10, cases)
}

// Where the suite sends the same frames one by one, at once, and byte by byte, so do the
// cases; all but the last run with all pieces anyway.
func TestAutobahn5Fragmentation(t *testing.T) {
	one, two := more(text, "fragment1"), fin(cont, "fragment2")
	both := fin(text, "fragment1fragment2")
	hello := fin(text, "Hello, world!")
	lone, loneMore := fin(cont, "non-continuation payload"), more(cont, "non-continuation payload")
	var cases []abCase
	thrice := func(id int, what string, c abCase) {
		for i, how := range []string{", frame by frame", ", at once", ", byte by byte"} {
			c.id, c.what = fmt.Sprintf("5.%d", id+i), what+how
			if i == 2 {
				c.chop = 1
			}
			cases = append(cases, c)
		}
	}
	cases = append(cases,
		abCase{id: "5.1", what: "a ping in two fragments", send: []raw{more(ping, "fragment1"), two}, code: 1002},
		abCase{id: "5.2", what: "a pong in two fragments", send: []raw{more(pong, "fragment1"), two}, code: 1002})
	thrice(3, "a text in two fragments", abCase{send: []raw{one, two}, want: []raw{both}})
	thrice(6, "a text in two fragments with a ping between", abCase{send: []raw{one, fin(ping, "pongme!"), two}, want: []raw{fin(pong, "pongme!"), both}})
	thrice(9, "the last fragment of nothing, then a text", abCase{send: []raw{lone, hello}, code: 1002})
	thrice(12, "a fragment of nothing, then a text", abCase{send: []raw{loneMore, hello}, code: 1002})
	five := []raw{
		more(text, "fragment1"), more(cont, "fragment2"), fin(ping, "pongme 1!"),
		more(cont, "fragment3"), more(cont, "fragment4"), fin(ping, "pongme 2!"), fin(cont, "fragment5"),
	}
	fiveWant := []raw{fin(pong, "pongme 1!"), fin(pong, "pongme 2!"), fin(text, "fragment1fragment2fragment3fragment4fragment5")}
	cases = append(cases,
		abCase{id: "5.15", what: "a text in two fragments, then a fragment of nothing, then a text", send: []raw{one, two, loneMore, hello}, want: []raw{both}, code: 1002},
		abCase{id: "5.16", what: "a fragment of nothing before a text in two, twice", send: slices.Repeat([]raw{more(cont, "fragment1"), more(text, "fragment2"), fin(cont, "fragment3")}, 2), code: 1002},
		abCase{id: "5.17", what: "the last fragment of nothing before a text in two, twice", send: slices.Repeat([]raw{fin(cont, "fragment1"), more(text, "fragment2"), fin(cont, "fragment3")}, 2), code: 1002},
		abCase{id: "5.18", what: "a text in two fragments that both call themselves text", send: []raw{one, fin(text, "fragment2")}, code: 1002},
		abCase{id: "5.19", what: "a text in five fragments with two pings between", send: five, want: fiveWant},
		abCase{id: "5.20", what: "a text in five fragments with two pings between, at once", send: five, want: fiveWant, chop: 1 << 10})
	abRun(t, ws.Config{}, 20, cases)
}
