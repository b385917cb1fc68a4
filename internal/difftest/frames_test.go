// SPDX-License-Identifier: MIT

// WebSocket frames: internal/ws against github.com/gobwas/ws.
//
// Of the well-kept libraries it is the one whose reader takes any io.Reader and
// starts no goroutine, so that a stream of bytes has one outcome; it checks
// headers and UTF-8 as it reads. What it does not check is settled here:
//
//   - lengths that are not in their shortest form: it takes them, see notShortest
//   - the payload of close frames: it has functions for it, which judge calls
//   - close codes 1012 to 1014, registered after its table was made: it refuses them
//   - close codes from 5000 on: it takes them

package difftest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	gobwas "github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"socketio/internal/ws"
)

const maxMessage = 3000

// A verdict is the result of a parser for a stream: what it delivered, and how it ended:
// "end" between frames, "partial" inside one, "closed" after a close frame, or a close
// code.
type verdict struct {
	delivered []string
	end       string
	reason    string // ours only
	took      int    // ours only: bytes fed before the error
}

func (v verdict) String() string { return strings.Join(v.delivered, "\n") + "\n" + v.end }

func note(op byte, payload []byte) string { return fmt.Sprintf("%x:%x", op, payload) }

// recorder is the ws.Receiver of ours.
type recorder struct{ v *verdict }

func (r recorder) OnMessage(op ws.Opcode, data []byte) bool {
	r.v.delivered = append(r.v.delivered, note(byte(op), data))
	return true
}

func (r recorder) OnControl(op ws.Opcode, data []byte) bool {
	r.v.delivered = append(r.v.delivered, note(byte(op), data))
	if op == ws.Close {
		r.v.end = "closed"
	}
	return true
}

// terms are the facts that both ends know about a stream.
type terms struct {
	fromClient bool
	deflate    bool // permessage-deflate, without context takeover, was negotiated
}

// ours feeds stream to our parser in the pieces that next returns.
func ours(stream []byte, on terms, next func() int) (v verdict) {
	cfg := &ws.Config{FromClient: on.fromClient, MaxMessage: maxMessage, MaxFragments: -1}
	var p ws.Parser
	if on.deflate {
		p.AllowCompressed()
	}
	defer p.Release()
	for rest := bytes.Clone(stream); len(rest) > 0; {
		piece := rest[:min(next(), len(rest))]
		rest = rest[len(piece):]
		if _, err := p.Feed(cfg, recorder{&v}, piece); err != nil {
			var ce *ws.CloseError
			if !errors.As(err, &ce) {
				panic(err)
			}
			v.end, v.reason, v.took = fmt.Sprint(ce.Code), ce.Reason, len(stream)-len(rest)
			return v
		}
		if v.reason == notInflated {
			return v
		}
	}
	switch {
	case v.end != "":
	case p.Partial():
		v.end = "partial"
	default:
		v.end = "end"
	}
	return v
}

// pieces is an io.Reader that returns a stream in the pieces that next returns.
type pieces struct {
	rest []byte
	next func() int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest[:min(p.next(), len(p.rest))])
	p.rest = p.rest[n:]
	return n, nil
}

var errClosed = errors.New("a close frame was read")

// theirs reads stream with wsutil.Reader.
func theirs(stream []byte, on terms, next func() int) (v verdict) {
	state := gobwas.StateClientSide
	if on.fromClient {
		state = gobwas.StateServerSide
	}
	control := func(h gobwas.Header, r io.Reader) error {
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return io.ErrUnexpectedEOF
		}
		if h.OpCode == gobwas.OpClose {
			if err := judgeClose(payload); err != nil {
				return err
			}
		}
		v.delivered = append(v.delivered, note(byte(h.OpCode), payload))
		if h.OpCode == gobwas.OpClose {
			return errClosed
		}
		return nil
	}
	src := &pieces{stream, next}
	rd := &wsutil.Reader{
		Source: src, State: state, CheckUTF8: true,
		MaxMessageSize: maxMessage, OnIntermediate: control,
	}
	var ext *extension
	if on.deflate {
		ext = extend(rd)
	}
	for {
		left := len(src.rest)
		h, err := rd.NextFrame()
		if err == io.EOF && len(src.rest) < left {
			err = io.ErrUnexpectedEOF // after two bytes of a header
		}
		if err == nil && h.OpCode.IsControl() {
			if err = control(h, rd); err == nil && h.Length == 0 {
				_, err = rd.Read(nil) // it needs to see the end of each frame
				if err == io.EOF {
					err = nil
				}
			}
		} else if err == nil {
			var payload []byte
			if payload, err = io.ReadAll(rd); err == nil && ext.compressed() {
				payload, err = theirInflate(h.OpCode, payload)
			}
			if err == nil {
				v.delivered = append(v.delivered, note(byte(h.OpCode), payload))
			}
		}
		if err != nil {
			v.end = theirEnd(err)
			return v
		}
	}
}

func theirEnd(err error) string {
	var protocol gobwas.ProtocolError
	switch {
	case err == io.EOF:
		return "end"
	case err == io.ErrUnexpectedEOF:
		return "partial"
	case err == errClosed:
		return "closed"
	case errors.Is(err, wsutil.ErrInvalidUTF8), err == errInflate, err == gobwas.ErrProtocolInvalidUTF8:
		return "1007"
	case errors.Is(err, wsutil.ErrMessageTooLarge):
		return "1009"
	case errors.As(err, &protocol), err == gobwas.ErrHeaderLengthMSB:
		return "1002"
	}
	return err.Error()
}

func judgeClose(payload []byte) error {
	if len(payload) == 0 {
		return nil
	}
	code, reason := gobwas.ParseCloseFrameData(payload)
	switch {
	case code >= 5000:
		return gobwas.ErrProtocolStatusCodeUnknown
	case code >= 1012 && code <= 1014:
		code = gobwas.StatusNormalClosure
	}
	return gobwas.CheckCloseFrameData(code, reason)
}

// notShortest reports whether v, our verdict of a stream fed byte by byte, is
// about a length that could have been written shorter, which theirs takes. The
// last byte taken ends the length, or is the one that tells its form.
func notShortest(stream []byte, v verdict) bool {
	b := stream[:v.took]
	switch v.reason {
	case "length not in its shortest form":
		if len(b) >= 4 && b[len(b)-3]&0x7F == 126 && binary.BigEndian.Uint16(b[len(b)-2:]) < 126 {
			return true
		}
		return len(b) >= 10 && b[len(b)-9]&0x7F == 127 && binary.BigEndian.Uint64(b[len(b)-8:]) <= 0xFFFF
	case "control frame too long":
		return b[len(b)-1]&0x7F >= 126
	}
	return false
}

// compareFrames passes stream to both, byte by byte, and to ours also in pieces.
func compareFrames(t *testing.T, stream []byte, on terms, seed uint64) {
	t.Helper()
	one := func() int { return 1 }
	rng := rand.New(rand.NewPCG(seed, 1))
	mine := ours(stream, on, one)
	for _, most := range []int{3, 40, 5000} {
		cut := ours(stream, on, func() int { return 1 + rng.IntN(most) })
		if cut.String() != mine.String() || cut.reason != mine.reason {
			t.Fatalf("%x\nin pieces of up to %d:\n%v\nbyte by byte:\n%v", stream, most, cut, mine)
		}
	}
	other := theirs(stream, on, func() int { return 1 + rng.IntN(40) })
	if mine.String() == other.String() {
		return
	}
	sameSoFar := len(other.delivered) >= len(mine.delivered) &&
		strings.Join(other.delivered[:len(mine.delivered)], "\n") == strings.Join(mine.delivered, "\n")
	if sameSoFar && mine.took > 0 {
		if notShortest(stream, mine) {
			return
		}
		// Ours fails as soon as a byte decides it, theirs when a header or a piece is
		// complete: then both must have the same result.
		if other.end == "partial" || other.end == "end" {
			whole := append(bytes.Clone(stream[:mine.took]), make([]byte, maxMessage+100)...)
			if other = theirs(whole, on, one); mine.String() == other.String() {
				return
			}
		}
	}
	t.Fatalf("%+v, stream %x\nours (%s):\n%v\ntheirs:\n%v", on, stream, mine.reason, mine, other)
}

func FuzzFrames(f *testing.F) {
	for _, s := range frameSeeds {
		f.Add([]byte(s), false, uint64(1))
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		fromClient := seed%2 == 0
		f.Add(stream(rng, fromClient), fromClient, seed)
	}
	f.Fuzz(func(t *testing.T, stream []byte, fromClient bool, seed uint64) {
		compareFrames(t, stream, terms{fromClient: fromClient}, seed)
	})
}

func TestFramesAsGobwas(t *testing.T) {
	ends := make(map[string]int)
	for seed := range uint64(generated) {
		rng := rand.New(rand.NewPCG(seed, 3))
		fromClient := rng.IntN(4) > 0
		s := stream(rng, fromClient)
		on := terms{fromClient: fromClient}
		compareFrames(t, s, on, seed)
		v := ours(s, on, func() int { return 4096 })
		ends[v.end]++
	}
	// A generator whose streams all end the same would compare nothing.
	for _, end := range []string{"end", "partial", "closed", "1002", "1007", "1009"} {
		if ends[end] < generated/500 {
			t.Errorf("only %d of %d streams ended with %s", ends[end], generated, end)
		}
	}
	t.Log(ends)
}

var frameSeeds = []string{
	"\x81\x05Hello", "\x01\x03Hel\x80\x02lo", "\x89\x05Hello", "\x88\x02\x03\xe8", "\x88\x00", "\x88\x01\x00", "\x81\x7e\x00\x05Hello",
	"\x88\x04\x03\xe8\xff\xfe", "\x88\x02\x03\xf4", "\x88\x02\x13\x88", "\x81\x02\xc0\x80", "\x01\x01\xe2\x89\x00\x80\x02\x82\xac", "\xc1\x00", "\x83\x00",
	"\x09\x00", "\x80\x00", "\x01\x00\x01\x00", "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "\x82\x7e\x0b\xb9", "\x89\x7e\x00\x01a", "\x81",
}
