// SPDX-License-Identifier: MIT

// The rules of RFC 6455 as a table, each fed whole and in pieces.

package ws_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"socketio/internal/ws"
)

const (
	text   = ws.Text
	bin    = ws.Binary
	cont   = ws.Continuation
	closed = ws.Close
	ping   = ws.Ping
	pong   = ws.Pong
)

// code is the payload of a close frame.
func code(c uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, c)) + reason
}

func TestRules(t *testing.T) {
	small := &ws.Config{FromClient: true, MaxMessage: 10, MaxFragments: 3}
	max125 := strings.Repeat("m", 125)
	for _, c := range []struct {
		name   string
		cfg    *ws.Config
		stream []byte
		want   string
	}{
		{"nothing", server, nil, "end"},
		{"the example of the RFC, masked", server, []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, got(text, "Hello") + "end"},
		{"the example of the RFC, unmasked", client, []byte{0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}, got(text, "Hello") + "end"},
		{"the example of the RFC, fragmented", client, []byte{0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f}, got(text, "Hello") + "end"},
		{"empty text", server, frame(text, true, ""), got(text, "") + "end"},
		{"empty binary", server, frame(bin, true, ""), got(bin, "") + "end"},
		{"several", server, join(frame(text, true, "a"), frame(bin, true, "bb"), frame(ping, true, ""), frame(text, true, "ccc")),
			got(text, "a") + got(bin, "bb") + got(ping, "") + got(text, "ccc") + "end"},
		{"a mask of zeroes", server, ws.AppendMasked(nil, text, true, [4]byte{}, []byte("plain")), got(text, "plain") + "end"},

		{"part of a header", server, []byte{0x81}, "partial"},
		{"part of a payload", server, frame(text, true, "abc")[:8], "partial"},
		{"part of a message", server, frame(text, false, "abc"), "partial"},
		{"header without a byte of payload", server, frame(text, true, "abc")[:6], "partial"},

		{"fragments", server, join(frame(text, false, "a"), frame(cont, false, "b"), frame(cont, true, "c")), got(text, "abc") + "end"},
		{"empty fragments", server, join(frame(bin, false, ""), frame(cont, false, ""), frame(cont, true, "")), got(bin, "") + "end"},
		{"all in the last fragment", server, join(frame(text, false, ""), frame(cont, true, "abc")), got(text, "abc") + "end"},
		{"control frames between fragments", server, join(frame(text, false, "a"), frame(ping, true, "1"), frame(cont, false, "b"), frame(pong, true, "2"), frame(cont, true, "c")),
			got(ping, "1") + got(pong, "2") + got(text, "abc") + "end"},
		{"a message inside a message", server, join(frame(text, false, "a"), frame(text, true, "b")), "error 1002"},
		{"a binary message inside a text", server, join(frame(text, false, "a"), frame(bin, false, "b")), "error 1002"},
		{"continuation of nothing", server, frame(cont, true, "a"), "error 1002"},
		{"continuation of nothing, more to come", server, frame(cont, false, "a"), "error 1002"},
		{"continuation after the end", server, join(frame(text, false, "a"), frame(cont, true, "b"), frame(cont, true, "c")), got(text, "ab") + "error 1002"},

		{"largest control frame", server, frame(ping, true, max125), got(ping, max125) + "end"},
		{"control frame too long", server, frame(ping, true, max125+"x"), "error 1002"},
		{"control frame with a long length", server, []byte{0x89, 0x80 | 127}, "error 1002"},
		{"fragmented ping", server, frame(ping, false, "a"), "error 1002"},
		{"fragmented close", server, frame(closed, false, ""), "error 1002"},

		{"not masked by a client", server, ws.AppendFrame(nil, text, []byte("a")), "error 1002"},
		{"masked by a server", client, frame(text, true, "a"), "error 1002"},
		{"first reserved bit", server, []byte{0xC1}, "error 1002"},
		{"second reserved bit", server, []byte{0xA1}, "error 1002"},
		{"third reserved bit", server, []byte{0x91}, "error 1002"},
		{"reserved bit after a message", server, join(frame(text, true, "a"), []byte{0xC2, 0x80}), got(text, "a") + "error 1002"},

		{"16 bit length that fits in 7", server, []byte{0x82, 0x80 | 126, 0, 125}, "error 1002"},
		{"64 bit length that fits in 16", server, []byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, "error 1002"},
		{"64 bit length of zero", server, []byte{0x82, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0}, "error 1002"},
		{"64 bit length with the highest bit", server, []byte{0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0}, "error 1002"},
		{"all bits of a length", &ws.Config{FromClient: true, MaxMessage: -1}, bytes.Repeat([]byte{0x82, 0xFF}, 7), "error 1002"},
		{"largest length", server, []byte{0x82, 0x80 | 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, "error 1009"},
		{"2^62", server, []byte{0x82, 0x80 | 127, 0x40, 0, 0, 0, 0, 0, 0, 0}, "error 1009"},

		{"as large as allowed", small, frame(text, true, "0123456789"), got(text, "0123456789") + "end"},
		{"one byte over", small, frame(text, true, "0123456789a")[:2], "error 1009"},
		{"fragments as large as allowed", small, join(frame(text, false, "01234"), frame(cont, true, "56789")), got(text, "0123456789") + "end"},
		{"fragments one byte over", small, join(frame(text, false, "01234"), frame(ping, true, max125), frame(cont, true, "56789a")), got(ping, max125) + "error 1009"},
		{"fragments whose sum wraps around", small, join(frame(bin, false, "01234"), []byte{0x80, 0x80 | 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}), "error 1009"},
		{"the sum starts again", small, join(frame(text, true, "0123456789"), frame(text, true, "0123456789")), got(text, "0123456789") + got(text, "0123456789") + "end"},
		{"as many fragments as allowed", small, join(frame(text, false, ""), frame(cont, false, ""), frame(cont, true, "")), got(text, "") + "end"},
		{"one fragment more", small, join(frame(text, false, ""), frame(cont, false, ""), frame(cont, false, ""), frame(cont, true, "")), "error 1008"},
		{"fragments of several messages", small, bytes.Repeat(join(frame(bin, false, "a"), frame(cont, false, ""), frame(cont, true, "b")), 2), got(bin, "ab") + got(bin, "ab") + "end"},
		{"limits off", &ws.Config{FromClient: true, MaxMessage: -1, MaxFragments: -1}, join(frame(bin, false, "a"), bytes.Repeat(frame(cont, false, "b"), 5000), frame(cont, true, "c")), got(bin, "a"+strings.Repeat("b", 5000)+"c") + "end"},

		{"empty close", server, frame(closed, true, ""), got(closed, "") + "end"},
		{"close of one byte", server, frame(closed, true, "x"), "error 1002"},
		{"close with a reason", server, frame(closed, true, code(1000, "bye")), got(closed, code(1000, "bye")) + "end"},
		{"longest close", server, frame(closed, true, code(1000, max125[2:])), got(closed, code(1000, max125[2:])) + "end"},
		{"close with a broken reason", server, frame(closed, true, code(1000, "\xC0\xAF")), "error 1007"},
		{"close with half a character", server, frame(closed, true, code(1000, "\xE2\x82")), "error 1007"},
		{"anything after a close", server, join(frame(closed, true, ""), frame(text, true, "a"), []byte{0xFF, 0xFF}), got(closed, "") + "end"},
		{"close inside a message", server, join(frame(text, false, "a"), frame(closed, true, ""), frame(cont, true, "b")), got(closed, "") + "end"},

		{"text", server, frame(text, true, "κόσμε 𝄞 €"), got(text, "κόσμε 𝄞 €") + "end"},
		{"binary is not text", server, frame(bin, true, "\xFF\xFE"), got(bin, "\xFF\xFE") + "end"},
		{"a character over two fragments", server, join(frame(text, false, "a\xF0\x9D"), frame(ping, true, ""), frame(cont, true, "\x84\x9E")), got(ping, "") + got(text, "a𝄞") + "end"},
		{"a character over four fragments", server, join(frame(text, false, "\xF0"), frame(cont, false, "\x9D"), frame(cont, false, "\x84"), frame(cont, true, "\x9E")), got(text, "𝄞") + "end"},
		{"half a character at the end", server, frame(text, true, "a\xE2\x82"), "error 1007"},
		{"half a character at the end of fragments", server, join(frame(text, false, "a\xE2\x82"), frame(cont, true, "")), "error 1007"},
		{"half a character, then another", server, join(frame(text, false, "\xE2\x82"), frame(cont, true, "a")), "error 1007"},
		{"broken text, found before its end", server, frame(text, true, "a\xFFbcdef")[:9], "error 1007"},
		{"a character too large, found at its second byte", server, join(frame(text, false, "\xF4\x90")), "error 1007"},
		{"a surrogate, found at its second byte", server, join(frame(text, false, "\xED\xA0")), "error 1007"},
		{"an overlong form, found at its first byte", server, join(frame(text, false, "\xC0")), "error 1007"},
		{"broken text in a later fragment", server, join(frame(text, false, "fine"), frame(cont, false, "\x80")), "error 1007"},
	} {
		t.Run(c.name, func(t *testing.T) { check(t, c.cfg, c.stream, c.want) })
	}
}

func TestReservedOpcodes(t *testing.T) {
	for op := range ws.Opcode(16) {
		switch op {
		case text, bin, cont, closed, ping, pong:
		default:
			check(t, server, frame(op, true, ""), "error 1002")
			check(t, server, join(frame(text, true, "a"), frame(op, true, "b")), got(text, "a")+"error 1002")
		}
	}
}

func TestCloseCodes(t *testing.T) {
	for c := range uint16(6000) {
		want := "error 1002"
		if c >= 1000 && c <= 1003 || c >= 1007 && c <= 1014 || c >= 3000 && c < 5000 {
			want = got(closed, code(c, "")) + "end"
		}
		if got := feed(server, frame(closed, true, code(c, "")), 0); got != want {
			t.Errorf("code %d: got %q, want %q", c, got, want)
		}
	}
}

func TestAllLengths(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 31, 32, 33, 124, 125, 126, 127, 128, 255, 256, 257, 65535, 65536, 65537, 131072} {
		payload := make([]byte, n)
		for i := range payload {
			payload[i] = byte('!' + i%90)
		}
		stream := join(frame(text, true, string(payload)), frame(bin, true, string(payload)))
		check(t, server, stream, got(text, string(payload))+got(bin, string(payload))+"end")
		stream = ws.AppendFrame(nil, bin, payload)
		check(t, client, stream, got(bin, string(payload))+"end")
	}
}

// Sequences of two, three and four bytes at the edges of the ranges, against
// the standard library.
func TestUTF8(t *testing.T) {
	cfg := &ws.Config{}
	try := func(s string) {
		want := "error 1007"
		if utf8.ValidString(s) {
			want = got(text, s) + "end"
		}
		stream := ws.AppendFrame(nil, text, []byte(s))
		for _, size := range []int{0, 1} {
			if got := feed(cfg, stream, size); got != want {
				t.Fatalf("% x in pieces of %d: got %q, want %q", s, size, got, want)
			}
		}
	}
	edges := []byte{0, 'a', 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF}
	for a := range 256 {
		for _, b := range edges {
			try(string([]byte{byte(a), b}))
			for _, c := range edges {
				try(string([]byte{byte(a), b, c}))
			}
		}
	}
	for _, a := range []byte{'a', 0xE0, 0xED, 0xF0, 0xF4} {
		for _, b := range edges {
			for _, c := range []byte{'a', 0x7F, 0x80, 0xBF, 0xC2, 0xF0} {
				for _, d := range []byte{'a', 0x7F, 0x80, 0xBF, 0xC2, 0xF0} {
					try(string([]byte{a, b, c, d}))
				}
			}
		}
	}
}

func TestUncheckedOver(t *testing.T) {
	cfg := &ws.Config{FromClient: true, UncheckedOver: 4}
	check(t, cfg, frame(text, true, "\xFF\xFF\xFF\xFF"), "error 1007")
	check(t, cfg, frame(text, true, "\xFF\xFF\xFF\xFFx"), got(text, "\xFF\xFF\xFF\xFFx")+"end")
	check(t, cfg, join(frame(text, false, "ab\xE2"), frame(cont, true, "x\xFF")), got(text, "ab\xE2x\xFF")+"end")
	check(t, cfg, join(frame(text, false, "\xFF"), frame(cont, true, "abcdefg")), "error 1007")
	check(t, cfg, join(frame(text, true, "abcde"), frame(text, true, "\xFF")), got(text, "abcde")+"error 1007")
}

func TestStopAndGoOn(t *testing.T) {
	stream := join(frame(text, true, "a"), frame(ping, true, "b"), frame(text, false, "c"), frame(ping, true, "d"), frame(cont, true, "e"), frame(closed, true, ""), []byte("rest"))
	whole := len(stream) - len("rest")
	var p ws.Parser
	r := &recorder{stop: true}
	calls := 0
	for len(stream) > 0 {
		n, err := p.Feed(server, r, stream)
		if err != nil {
			t.Fatal(err)
		}
		if calls == 0 && n != len(frame(text, true, "a")) {
			t.Errorf("the first Feed took %d bytes", n)
		}
		stream = stream[n:]
		calls++
	}
	want := got(text, "a") + got(ping, "b") + got(ping, "d") + got(text, "ce") + got(closed, "")
	if r.log.String() != want || calls != 6 {
		t.Errorf("%d calls over %d bytes delivered\n%swant\n%s", calls, whole, r.log.String(), want)
	}
}

func TestParserIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(ws.Parser{}); size > 64 {
		t.Errorf("a Parser has %d bytes, want at most 64", size)
	}
}

// Memory follows what has arrived, whatever the header announces.
func TestMemoryFollowsTheBytes(t *testing.T) {
	cfg := &ws.Config{FromClient: true, MaxMessage: 1 << 30}
	for _, fin := range []bool{true, false} {
		var p ws.Parser
		r := new(recorder)
		stream := binary.BigEndian.AppendUint64([]byte{byte(bin), 0x80 | 127}, 1<<29)
		if fin {
			stream[0] |= 0x80
		}
		p.Feed(cfg, r, append(stream, key[:]...))
		if n := p.Capacity(); n != 0 {
			t.Fatalf("%d bytes taken for a header", n)
		}
		chunk := make([]byte, 1000)
		for have := len(chunk); have < 5<<20; have += len(chunk) {
			if _, err := p.Feed(cfg, r, chunk); err != nil {
				t.Fatal(err)
			}
			if n := p.Capacity(); p.Held() != have || n > max(2*have, 256) {
				t.Fatalf("%d bytes held in %d after %d", p.Held(), n, have)
			}
		}
		if !p.Partial() {
			t.Error("in the middle of a frame, but not Partial")
		}
		p.Release()
		if p.Held() != 0 {
			t.Error("held after Release")
		}
	}
}

// A buffer that comes back from the pool must not show what was in it.
func TestPooledBuffersDoNotBleed(t *testing.T) {
	secret := strings.Repeat("S", 3000)
	for n := range 200 {
		feed(server, frame(bin, true, secret), 999)
		want := strings.Repeat("x", n*7)
		if got := feed(server, join(frame(bin, false, want), frame(ping, true, "p"), frame(cont, true, "")), 5); strings.Contains(got, "5353") {
			t.Fatalf("delivered %q", got)
		}
	}
}

func TestAWholeFrameAllocatesNothing(t *testing.T) {
	var p ws.Parser
	r := counter{}
	stream := join(frame(text, true, "hello"), frame(ping, true, "x"), frame(bin, true, strings.Repeat("b", 200)))
	buf := make([]byte, len(stream))
	if n := testing.AllocsPerRun(1000, func() {
		copy(buf, stream)
		if _, err := p.Feed(server, &r, buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// A counter is a Receiver that does nearly nothing.
type counter struct{ messages, bytes int }

func (c *counter) OnMessage(_ ws.Opcode, data []byte) bool {
	c.messages++
	c.bytes += len(data)
	return true
}

func (c *counter) OnControl(ws.Opcode, []byte) bool { return true }

// keeper takes the messages that it may take.
type keeper struct {
	p     *ws.Parser
	taken [][]byte
	got   int
}

func (k *keeper) OnMessage(_ ws.Opcode, data []byte) bool {
	if k.got++; k.p.Take() {
		k.taken = append(k.taken, data)
	}
	return true
}

func (k *keeper) OnControl(ws.Opcode, []byte) bool { return true }

// A large message that comes in pieces is read into its own memory, never much more than has
// arrived, and its receiver may keep that.
func TestRoom(t *testing.T) {
	for _, size := range []int{1 << 10, 8 << 10, 64 << 10, 70_000, 900_000} {
		for _, read := range []int{100, 4 << 10, 64 << 10} {
			if size > 1000*read {
				continue // slow
			}
			var want [2]string
			stream := ""
			for i := range want {
				want[i] = strings.Repeat(string(rune('a'+i)), size)
				stream += string(frame(ws.Binary, true, want[i]))
			}
			var p ws.Parser
			k := &keeper{p: &p}
			own := make([]byte, read)
			copied := 0
			for stream != "" {
				buf := p.Room()
				if held := p.Held(); len(buf) > max(held+1, 256) {
					t.Errorf("%d bytes in reads of %d: room for %d more bytes than the %d that have arrived", size, read, len(buf), held)
				}
				if buf == nil {
					buf = own
				}
				n := copy(buf[:min(len(buf), read)], stream)
				stream = stream[n:]
				if &buf[0] == &own[0] {
					copied += n
				}
				if took, err := p.Feed(server, k, buf[:n]); took != n || err != nil {
					t.Fatalf("%d bytes in reads of %d: Feed: %d of %d, %v", size, read, took, n, err)
				}
			}
			if k.got != len(want) {
				t.Fatalf("%d bytes in reads of %d: %d messages", size, read, k.got)
			}
			if size <= read || size < 8<<10 {
				continue
			}
			if most := len(want) * (2*read + 2<<10); copied > most {
				t.Errorf("%d bytes in reads of %d: %d bytes were read elsewhere, want at most %d", size, read, copied, most)
			}
			if len(k.taken) != len(want) {
				t.Fatalf("%d bytes in reads of %d: %d messages were given away", size, read, len(k.taken))
			}
			for i, data := range k.taken {
				if string(data) != want[i] || cap(data) != size {
					t.Errorf("%d bytes in reads of %d: message %d has changed, or memory of %d bytes", size, read, i, cap(data))
				}
			}
			if p.Take() {
				t.Error("Take outside OnMessage")
			}
		}
	}
}
