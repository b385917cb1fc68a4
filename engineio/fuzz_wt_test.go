// SPDX-License-Identifier: MIT

// This file holds the fuzz target of WebTransport's frames. It is inside the package
// because they are.

package engineio

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"socketio/internal/ws"
)

// frameLog records the frames that a streamParser finds, and may stop it each time.
type frameLog struct {
	lines []string
	sizes int
	stops bool
}

func (l *frameLog) OnMessage(op ws.Opcode, data []byte) bool {
	l.lines = append(l.lines, fmt.Sprintf("%v %q", op, data))
	l.sizes += len(data)
	clear(data) // may be changed in place
	return !l.stops
}

// However a stream is split into reads, the frames are the same, and encoding them again
// gives the stream, except for lengths in a longer form.
func FuzzStreamFrames(f *testing.F) {
	for _, s := range []string{
		"\x010", "\x064hello\x83\x01\x02\x03", "\x00", "\x80", "\x7e\x00\x024a", "\x7f\x00\x00\x00\x00\x00\x00\x00\x024b",
		"\x7f\x00\x20\x00\x00\x00\x00\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x7e\x01\x2c4", "\x024\xff", "\x06",
	} {
		f.Add([]byte(s), uint8(1))
		f.Add([]byte(s), uint8(3))
	}
	const limit = 300
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		var whole frameLog
		var p streamParser
		n, err := p.feed(limit, &whole, slices.Clone(in))
		if err == nil && n != len(in) {
			t.Fatalf("%x: took %d of %d", in, n, len(in))
		}
		if cap(p.msg) > 2*limit {
			t.Fatalf("%x: %d bytes of memory", in, cap(p.msg))
		}

		cut := frameLog{stops: true}
		var q streamParser
		var cutErr error
		for chunk := range slices.Chunk(in, max(int(size), 1)) {
			chunk = slices.Clone(chunk)
			for len(chunk) > 0 && cutErr == nil {
				held := cap(q.msg)
				took, err := q.feed(limit, &cut, chunk)
				if took == 0 && err == nil {
					t.Fatalf("%x: no progress", in)
				}
				chunk, cutErr = chunk[took:], err
				if now := cap(q.msg); now != held && now > 2*(len(q.msg)+1) {
					t.Fatalf("%x: %d bytes of memory for %d that came", in, now, len(q.msg))
				}
			}
		}
		if !slices.Equal(whole.lines, cut.lines) || err != cutErr || err == nil && p.partial() != q.partial() {
			t.Fatalf("%x: whole: %q %v; cut: %q %v", in, whole.lines, err, cut.lines, cutErr)
		}
		if whole.sizes+len(whole.lines) > len(in) { // each has a header
			t.Fatalf("%x: more came out than went in: %q", in, whole.lines)
		}
	})
}

// FuzzStreamForm encodes a message and decodes it again.
func FuzzStreamForm(f *testing.F) {
	f.Add("hello", []byte{1, 2, 3})
	f.Add("", []byte(nil))
	f.Fuzz(func(t *testing.T, text string, data []byte) {
		m := NewMessage(append(make([]byte, HeaderRoom), text...), [][]byte{data})
		form := m.streamForm()
		var wire []byte
		for i := range form.frames() {
			wire = append(wire, form.frame(i).wire...)
		}
		if len(wire) != form.size || m.streamForm() != form {
			t.Fatalf("%d bytes, the size says %d", len(wire), form.size)
		}
		var got frameGather
		var p streamParser
		if _, err := p.feed(-1, &got, wire); err != nil && err != errInvalidUTF8 {
			t.Fatal(err)
		} else if err == errInvalidUTF8 {
			return
		}
		if len(got) != 2 || string(got[0].data) != text || got[0].binary || !bytes.Equal(got[1].data, data) || !got[1].binary {
			t.Fatalf("%q and %x came out as %+v", text, data, got)
		}
	})
}

// frameGather decodes its input like a connection.
type frameGather []packet

func (g *frameGather) OnMessage(op ws.Opcode, data []byte) bool {
	p := packet{typ: packetMessage, binary: true, data: bytes.Clone(data)}
	if op == ws.Text {
		p, _ = decodePacket(bytes.Clone(data))
	}
	*g = append(*g, p)
	return true
}
