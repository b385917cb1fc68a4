// SPDX-License-Identifier: MIT

// Compressed WebSocket messages: internal/ws against github.com/gobwas/ws, with
// wsflate for the bits of the frames and compress/flate for what is in them: the
// reader of wsflate takes a zero to follow each message that nobody has sent, and
// ignores what follows a block that calls itself the last. What those do not do is
// settled here:
//
//   - the reserved bits 2 and 3: their reader leaves them to its extensions
//   - the limit on the size of the output, and streams that follow a last block: theirInflate

package difftest

import (
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"

	"socketio/internal/ws"
)

// compressedBit marks the first frame of a compressed message.
const compressedBit ws.Opcode = 0x40

// notInflated is the reason of a verdict that Deflate.Inflate gave.
const notInflated = "what a compressed message holds"

var errInflate = errors.New("a compressed message that can't be inflated, or is not UTF-8")

var deflate = ws.NewDeflate(nil)

// OnCompressed is for messages that only Inflate can judge.
func (r recorder) OnCompressed(op ws.Opcode, data []byte) bool {
	out, err := deflate.Inflate(nil, op, data, maxMessage)
	if ce := (*ws.CloseError)(nil); errors.As(err, &ce) {
		r.v.end, r.v.reason = fmt.Sprint(ce.Code), notInflated
		return false
	}
	return r.OnMessage(op, out)
}

// An extension is permessage-deflate for their reader, whose limit it takes over:
// the reader would hold a length against it before anybody sees the bits.
type extension struct {
	wsflate.MessageState
	rd   *wsutil.Reader
	left int64 // of the limit of the message under way
}

func extend(rd *wsutil.Reader) *extension {
	x := &extension{rd: rd}
	rd.State = rd.State.Set(gobwas.StateExtended)
	rd.MaxMessageSize = 0
	rd.Extensions = []wsutil.RecvExtension{x}
	return x
}

// UnsetBits implements wsutil.RecvExtension.
func (x *extension) UnsetBits(h gobwas.Header) (gobwas.Header, error) {
	h, err := x.MessageState.UnsetBits(h)
	switch {
	case err != nil:
		return h, err
	case h.Rsv != 0:
		return h, gobwas.ErrProtocolNonZeroRsv
	case h.OpCode.IsControl():
		return h, nil
	case h.OpCode != gobwas.OpContinuation:
		x.left = maxMessage
	}
	if x.left -= h.Length; x.left < 0 {
		return h, wsutil.ErrMessageTooLarge
	}
	x.rd.CheckUTF8 = !x.IsCompressed()
	return h, nil
}

func (x *extension) compressed() bool { return x != nil && x.IsCompressed() }

// theirInflate inflates a message: one stream after the other, until nothing of it
// is left, with or without the bytes that every sender leaves out.
func theirInflate(op gobwas.OpCode, msg []byte) (out []byte, err error) {
	const tail = "\x00\x00\xFF\xFF\x01\x00\x00\xFF\xFF"
	for src := strings.NewReader(string(msg) + tail); ; {
		b, err := io.ReadAll(flate.NewReader(src))
		out = append(out, b...)
		switch {
		case len(out) > maxMessage:
			return nil, wsutil.ErrMessageTooLarge
		case err != nil:
			return nil, errInflate
		case src.Len() > 0 && src.Len() != len(tail):
		case op == gobwas.OpText && !utf8.Valid(out):
			return nil, errInflate
		default:
			return out, nil
		}
	}
}

// packed is text as a compressed message has it, with a mistake once in a while.
func packed(rng *rand.Rand, text string) string {
	var b strings.Builder
	w, _ := flate.NewWriter(&b, pick(rng, flate.HuffmanOnly, flate.NoCompression, 1, 6, 9))
	if oneIn(rng, 12) { // refers to what came before the message
		w, _ = flate.NewWriterDict(&b, 6, []byte("hello hello éé€€"))
	}
	for !oneIn(rng, 3) && len(text) > 0 { // in more than one block
		cut := rng.IntN(len(text) + 1)
		_, _ = io.WriteString(w, text[:cut])
		_ = w.Flush()
		text = text[cut:]
	}
	_, _ = io.WriteString(w, text)
	switch rng.IntN(10) {
	default:
		_ = w.Flush()
		text = strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
	case 0: // the tail is left where it is
		_ = w.Flush()
		text = b.String()
	case 1: // a last block, with or without the byte that has to follow, or with another stream
		_ = w.Close()
		text = b.String() + pick(rng, "", "\x00", b.String(), b.String()+"\x00", "x")
	case 2: // half of it
		_ = w.Flush()
		text = b.String()[:rng.IntN(b.Len())]
	}
	if oneIn(rng, 8) && len(text) > 0 {
		raw := []byte(text)
		raw[rng.IntN(len(raw))] ^= 1 << rng.IntN(8)
		text = string(raw)
	}
	if oneIn(rng, 20) {
		text = pick(rng, "", "\x00", "\x06", "\x03\x00", "\x03\x00\x00", "\x4a\x04\x22\x00", "\x00\x05\x00\xfa\xffHello", "\x00\x05\x00\xfa\xfeHello\x00", "Hello")
	}
	return text
}

// compressedStream returns some frames, most of them of compressed messages.
func compressedStream(rng *rand.Rand, fromClient bool) []byte {
	var out []byte
	for range 1 + rng.IntN(5) {
		if oneIn(rng, 6) {
			out = control(rng, out, fromClient)
			continue
		}
		op, payload := ws.Text, text(rng)
		if oneIn(rng, 3) {
			op = ws.Binary
		}
		if oneIn(rng, 6) {
			payload = strings.Repeat(pick(rng, "x", "ab", "é"), pick(rng, 100, 1000, maxMessage/2, maxMessage/2+1, maxMessage-1, maxMessage, maxMessage+1, 40*maxMessage))
		}
		if !oneIn(rng, 5) {
			op, payload = op|compressedBit, packed(rng, payload)
		}
		for !oneIn(rng, 3) && len(payload) > 0 {
			cut := rng.IntN(len(payload) + 1)
			out = frame(rng, out, op, false, payload[:cut], fromClient)
			op, payload = ws.Continuation, payload[cut:]
			if oneIn(rng, 25) {
				op |= compressedBit
			}
			if oneIn(rng, 3) {
				out = control(rng, out, fromClient)
			}
		}
		out = frame(rng, out, op, !oneIn(rng, 30), payload, fromClient)
	}
	if len(out) > 0 && oneIn(rng, 8) {
		out[rng.IntN(len(out))] ^= 1 << rng.IntN(8)
	}
	if oneIn(rng, 6) {
		out = out[:rng.IntN(len(out)+1)]
	}
	return out
}

func TestCompressedFramesAsGobwas(t *testing.T) {
	const streams = generated / 4 // a compressor is large
	ends, inflated := make(map[string]int), 0
	for seed := range uint64(streams) {
		rng := rand.New(rand.NewPCG(seed, 7))
		on := terms{fromClient: rng.IntN(4) > 0, deflate: true}
		s := compressedStream(rng, on.fromClient)
		compareFrames(t, s, on, seed)
		v := ours(s, on, func() int { return 4096 })
		ends[strings.TrimSpace(v.end+" "+v.reason)]++
		inflated += len(v.delivered)
	}
	for _, end := range []string{"end", "partial", "closed", "1002 reserved bits set", "1007 " + notInflated, "1009 " + notInflated} {
		if ends[end] < streams/500 {
			t.Errorf("only %d of %d streams ended with %s", ends[end], streams, end)
		}
	}
	if inflated < streams {
		t.Errorf("only %d messages were delivered", inflated)
	}
	t.Log(ends)
}

func FuzzCompressedFrames(f *testing.F) {
	for _, s := range []string{
		"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", "\xc1\x00", "\xc0\x00", "\xc9\x00", "\xe1\x00",
		"\x41\x00\xc0\x00", "\x41\x03\xf2\x48\xcd\x89\x00\x80\x04\xc9\xc9\x07\x00", "\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
		"\xc1\x0e\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x48\xcd\xc9\xc9\x07\x00",
	} {
		f.Add([]byte(s), false, uint64(1))
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 8))
		fromClient := seed%2 == 0
		f.Add(compressedStream(rng, fromClient), fromClient, seed)
	}
	f.Fuzz(func(t *testing.T, stream []byte, fromClient bool, seed uint64) {
		compareFrames(t, stream, terms{fromClient, true}, seed)
	})
}
