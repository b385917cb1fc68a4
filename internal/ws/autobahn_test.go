// SPDX-License-Identifier: MIT

// The cases of the Autobahn suite in our own words: the notation of a case, the echo that
// it uses, and the check of its outcome. Each case keeps its number. The cases are in the
// other autobahn files, by category; 8 and 11 do not exist.
//
// An echo sends messages back unchanged, answers pings, and closes as soon as it is told
// to or the parser fails. Each case runs with the echo as server and as client, its
// stream in one piece and in small ones. Frames are written and read here by hand, so
// that nothing is tested against itself.

package ws_test

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"socketio/internal/ws"
)

// A raw frame: the first byte as it is (FIN, reserved bits, opcode), and the
// payload. fin and more make one.
type raw struct {
	first   byte
	payload string
}

func fin(op ws.Opcode, payload string) raw  { return raw{0x80 | byte(op), payload} }
func more(op ws.Opcode, payload string) raw { return raw{byte(op), payload} }

// An abCase is one case.
type abCase struct {
	id, what string
	send     []raw
	want     []raw  // expected before the close frame
	code     uint16 // of the expected close frame; 0: 1000, which is sent after send
	chop     int    // the only size of pieces to try, if not 0
}

// abRun runs cases, whose number must be that of the suite.
func abRun(t *testing.T, cfg ws.Config, count int, cases []abCase) {
	t.Helper()
	seen := make(map[string]bool)
	for _, c := range cases {
		seen[c.id] = true
		t.Run(c.id+" "+c.what, func(t *testing.T) { c.run(t, cfg) })
	}
	if len(seen) != count || len(cases) != count {
		t.Errorf("%d cases with %d numbers, want %d", len(cases), len(seen), count)
	}
}

func (c abCase) run(t *testing.T, cfg ws.Config) {
	send, want := c.send, c.want
	switch c.code {
	case 0:
		send = append(send[:len(send):len(send)], fin(closed, code(1000, "")))
		want = append(want[:len(want):len(want)], fin(closed, code(1000, "")))
	case ws.CodeNoStatus:
		want = append(want[:len(want):len(want)], fin(closed, ""))
	default:
		want = append(want[:len(want):len(want)], fin(closed, code(c.code, "")))
	}
	for _, fromClient := range []bool{true, false} {
		cfg.FromClient = fromClient
		var stream []byte
		for _, size := range c.cuts(rawSize(send), fromClient) {
			if stream == nil {
				stream = rawStream(send, fromClient)
			}
			e := echo{cfg: cfg, out: make([]byte, 0, rawSize(want))}
			e.feedAll(stream, size)
			e.check(t, want, fmt.Sprintf("fromClient %v, pieces of %d", fromClient, size))
		}
	}
}

// cuts are the sizes of pieces: single bytes only if that is fast.
func (c abCase) cuts(length int, fromClient bool) []int {
	switch {
	case underRace && length > 300_000 && !fromClient:
		return nil
	case c.chop != 0:
		return []int{c.chop}
	case length > 300_000 && (underRace || !fromClient):
		return []int{16381}
	case length > 300_000:
		return []int{length, 16381}
	}
	return []int{length, 1, 7, 997}
}

// An echo is one end of a connection. It implements ws.CompressedReceiver.
type echo struct {
	cfg    ws.Config
	parser ws.Parser
	out    []byte
	ended  bool // a close frame is in out

	deflate *ws.Deflate // nil: no compression
	params  ws.DeflateParams
}

func (e *echo) feedAll(stream []byte, size int) {
	buf := make([]byte, size)
	for len(stream) > 0 {
		n := copy(buf, stream)
		stream = stream[n:]
		e.feed(buf[:n])
	}
	e.parser.Release()
}

func (e *echo) feed(b []byte) {
	_, err := e.parser.Feed(&e.cfg, e, b)
	if err != nil && !e.ended {
		e.fail(err)
	}
}

func (e *echo) fail(err error) {
	e.ended = true
	e.write(ws.Close, binary.BigEndian.AppendUint16(nil, err.(*ws.CloseError).Code))
}

func (e *echo) OnMessage(op ws.Opcode, data []byte) bool {
	e.write(op, data)
	return true
}

func (e *echo) OnCompressed(op ws.Opcode, data []byte) bool {
	data, err := e.deflate.Inflate(nil, op, data, e.cfg.MaxMessage)
	if err != nil {
		e.fail(err)
		return false
	}
	e.write(op, data)
	return true
}

func (e *echo) OnControl(op ws.Opcode, data []byte) bool {
	switch op {
	case ws.Ping:
		e.write(ws.Pong, data)
	case ws.Close:
		e.ended = true
		e.write(ws.Close, data[:min(len(data), 2)])
	}
	return true
}

func (e *echo) write(op ws.Opcode, data []byte) {
	switch {
	case !e.cfg.FromClient:
		e.out = ws.AppendMasked(e.out, op, true, key, data)
	case e.params.Allows(len(data)) && !op.IsControl():
		e.out = e.deflate.AppendCompressed(e.out, op, data)
	default:
		e.out = ws.AppendFrame(e.out, op, data)
	}
}

// check compares the output of the echo with want.
func (e *echo) check(t *testing.T, want []raw, how string) {
	t.Helper()
	got := rawFrames(t, e.out, !e.cfg.FromClient)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("%s: nothing came, want %v", how, want[i])
		case i >= len(want):
			t.Errorf("%s: %v came, want nothing", how, got[i])
		case got[i] != want[i]:
			t.Errorf("%s: frame %d is %v, want %v", how, i, got[i], want[i])
		default:
			continue
		}
		return
	}
}

func (r raw) String() string {
	return fmt.Sprintf("%02X and %d bytes %.40q", r.first, len(r.payload), r.payload)
}

// rawStream writes frames, masked or not.
func rawStream(frames []raw, masked bool) []byte {
	b := make([]byte, 0, rawSize(frames))
	for _, f := range frames {
		b = append(b, f.first)
		mask := byte(0)
		if masked {
			mask = 0x80
		}
		switch n := len(f.payload); {
		case n < 126:
			b = append(b, mask|byte(n))
		case n < 65536:
			b = append(b, mask|126, byte(n>>8), byte(n))
		default:
			b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
		}
		if !masked {
			b = append(b, f.payload...)
			continue
		}
		b = append(b, key[:]...)
		start := len(b)
		b = append(b, f.payload...)
		unmask(b[start:])
	}
	return b
}

// rawSize is room enough for frames.
func rawSize(frames []raw) int {
	n := 0
	for _, f := range frames {
		n += 14 + len(f.payload)
	}
	return n
}

// unmask masks and unmasks.
func unmask(b []byte) {
	pad := bytes.Repeat(key[:], 1<<10)
	for len(b) > 0 {
		b = b[subtle.XORBytes(b, b, pad):]
	}
}

// rawFrames reads the frames of b, all of them whole.
func rawFrames(t *testing.T, b []byte, masked bool) []raw {
	t.Helper()
	var frames []raw
	for len(b) > 0 {
		if len(b) < 2 || b[1]&0x80 != 0 != masked {
			t.Fatalf("frame header % x", b[:min(len(b), 14)])
		}
		first, n, size := b[0], int(b[1]&0x7F), 2
		switch n {
		case 126:
			n, size = int(binary.BigEndian.Uint16(b[2:])), 4
		case 127:
			n, size = int(binary.BigEndian.Uint64(b[2:])), 10
		}
		if masked {
			if [4]byte(b[size:]) != key {
				t.Fatalf("mask % x", b[size:size+4])
			}
			size += 4
			unmask(b[size : size+n])
		}
		frames = append(frames, raw{first, string(b[size : size+n])})
		b = b[size+n:]
	}
	return frames
}

// fragments cuts a payload into frames of size bytes.
func fragments(op ws.Opcode, payload string, size int) []raw {
	var frames []raw
	for len(payload) > size {
		frames = append(frames, more(op, payload[:size]))
		op, payload = cont, payload[size:]
	}
	return append(frames, fin(op, payload))
}

// sample is text of n bytes, in characters of one to four bytes.
func sample(n int) string {
	const some = "aé€𝄞"
	return strings.Repeat(some, n/len(some)) + strings.Repeat("*", n%len(some))
}

// noise is n bytes that are not text.
func noise(n int) string {
	b := make([]byte, min(n, 64<<10))
	x := uint32(n) + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	if n > 0 {
		b[0] = 0xFE
	}
	return strings.Repeat(string(b), n/max(len(b), 1)) + string(b[:n%max(len(b), 1)])
}
