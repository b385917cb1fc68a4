// SPDX-License-Identifier: MIT

// Fuzz targets: any stream, cut anywhere; and what we write, we read.

package ws_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"socketio/internal/ws"
)

// FuzzParser feeds any bytes whole, one by one, and in pieces of step bytes,
// without and with compression. All must deliver the same and end the same,
// within the limits.
func FuzzParser(f *testing.F) {
	f.Add([]byte{0x81, 0x05, 'H', 'e', 'l', 'l', 'o'}, uint8(2), false)
	f.Add(frame(ws.Text, true, "κόσμε"), uint8(3), true)
	f.Add(join(frame(ws.Text, false, "\xF0\x9D"), frame(ws.Ping, true, "p"), frame(ws.Continuation, true, "\x84\x9E")), uint8(5), true)
	f.Add(join(frame(ws.Binary, true, string(make([]byte, 300))), frame(ws.Close, true, code(1000, "bye"))), uint8(100), true)
	f.Add(join(packed(ws.Text, false, "\xFF"), frame(ws.Ping, true, ""), frame(ws.Continuation, true, "a"), packed(ws.Binary, true, "")), uint8(1), true)
	f.Fuzz(func(t *testing.T, stream []byte, step uint8, fromClient bool) {
		cfg := &ws.Config{FromClient: fromClient, MaxMessage: 2000, MaxFragments: 5, UncheckedOver: 1000}
		whole := feed(cfg, stream, 0)
		for _, size := range []int{1, int(step)} {
			if got := feed(cfg, stream, size); got != whole {
				t.Fatalf("in pieces of %d: got\n%s\nwhole\n%s", size, got, whole)
			}
		}
		feedPacked := func(size int) string {
			var p ws.Parser
			p.AllowCompressed()
			return feedTo(&p, cfg, stream, size)
		}
		if whole, got := feedPacked(0), feedPacked(int(step)); got != whole {
			t.Fatalf("compression allowed, in pieces of %d: got\n%s\nwhole\n%s", step, got, whole)
		}
		limits := new(limits)
		var p ws.Parser
		p.Feed(cfg, limits, bytes.Clone(stream))
		p.Release()
		if limits.broken != "" {
			t.Fatal(limits.broken)
		}
	})
}

// limits is a Receiver that looks whether FuzzParser's Config is kept.
type limits struct{ broken string }

func (l *limits) OnMessage(op ws.Opcode, data []byte) bool {
	switch {
	case op != ws.Text && op != ws.Binary:
		l.broken = "message with " + op.String()
	case len(data) > 2000:
		l.broken = "message over the limit"
	case op == ws.Text && len(data) <= 1000 && !utf8.Valid(data):
		l.broken = "text that is not UTF-8"
	}
	return true
}

func (l *limits) OnControl(op ws.Opcode, data []byte) bool {
	switch {
	case !op.IsControl():
		l.broken = "control frame with " + op.String()
	case len(data) > ws.MaxControl:
		l.broken = "control frame over the limit"
	}
	return true
}

// FuzzRoundTrip writes a message in fragments as a client would, and reads it.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello"), uint8(2), uint8(3), uint32(0x01020304))
	f.Add([]byte{}, uint8(1), uint8(1), uint32(0))
	f.Fuzz(func(t *testing.T, data []byte, fragment, step uint8, k uint32) {
		size := max(int(fragment), len(data)/4000+1)
		key := [4]byte{byte(k), byte(k >> 8), byte(k >> 16), byte(k >> 24)}
		var stream []byte
		op, rest := ws.Binary, data
		for len(rest) > size {
			stream = ws.AppendMasked(stream, op, false, key, rest[:size])
			op, rest = ws.Continuation, rest[size:]
		}
		stream = ws.AppendMasked(stream, op, true, key, rest)
		want := got(ws.Binary, string(data)) + "end"
		if got := feed(&ws.Config{FromClient: true, MaxMessage: -1}, stream, int(step)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
