// SPDX-License-Identifier: MIT

// What the tests of this package share: a receiver that writes down what it
// gets, ways to cut a stream into pieces, and shorthand for frames.

package ws_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"socketio/internal/leakcheck"
	"socketio/internal/ws"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

var (
	server = &ws.Config{FromClient: true}
	client = &ws.Config{}
)

// A recorder writes down what a Parser delivers, one event per line, and spoils
// the bytes, as a Receiver may.
type recorder struct {
	log  bytes.Buffer
	stop bool // return more == false each time
	size int  // of the largest message
}

func (r *recorder) OnMessage(op ws.Opcode, data []byte) bool {
	r.size = max(r.size, len(data))
	r.write(op, data)
	for i := range data {
		data[i] = 0xAA
	}
	return !r.stop
}

func (r *recorder) OnCompressed(op ws.Opcode, data []byte) bool {
	r.log.WriteString("compressed ")
	return r.OnMessage(op, data)
}

func (r *recorder) OnControl(op ws.Opcode, data []byte) bool {
	if len(data) > ws.MaxControl {
		panic("control frame too long")
	}
	r.write(op, data)
	for i := range data {
		data[i] = 0xAA
	}
	return !r.stop
}

func (r *recorder) write(op ws.Opcode, data []byte) {
	r.log.WriteString(op.String() + " " + hex.EncodeToString(data) + "\n")
}

// feed gives stream to a new Parser in pieces of at most size bytes (0: all at
// once), and returns what was delivered and then how it ended.
func feed(cfg *ws.Config, stream []byte, size int) string {
	var p ws.Parser
	return feedTo(&p, cfg, stream, size)
}

func feedTo(p *ws.Parser, cfg *ws.Config, stream []byte, size int) string {
	r := new(recorder)
	stream = bytes.Clone(stream)
	if size == 0 {
		size = max(len(stream), 1)
	}
	defer p.Release()
	for len(stream) > 0 {
		piece := stream[:min(size, len(stream))]
		stream = stream[len(piece):]
		n, err := p.Feed(cfg, r, piece)
		if err != nil {
			var closed *ws.CloseError
			if !errors.As(err, &closed) {
				panic(err)
			}
			if _, again := p.Feed(cfg, r, []byte{0x81, 0}); again != err {
				panic("the error is not final")
			}
			return fmt.Sprintf("%serror %d", r.log.String(), closed.Code)
		}
		if n != len(piece) {
			panic("a piece was not taken whole")
		}
	}
	if p.Partial() {
		return r.log.String() + "partial"
	}
	return r.log.String() + "end"
}

var cuts = []int{0, 1, 2, 3, 7, 13, 61, 997}

// check feeds stream in all cuts and wants the same each time.
func check(t *testing.T, cfg *ws.Config, stream []byte, want string) {
	t.Helper()
	for _, size := range cuts {
		if got := feed(cfg, stream, size); got != want {
			t.Errorf("in pieces of %d: got\n%.300s\nwant\n%.300s", size, got, want)
			return
		}
	}
}

var key = [4]byte{0x37, 0xFA, 0x21, 0x3D}

// frame is one frame from a client.
func frame(op ws.Opcode, fin bool, payload string) []byte {
	return ws.AppendMasked(nil, op, fin, key, []byte(payload))
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// got is the line the recorder writes.
func got(op ws.Opcode, payload string) string {
	return op.String() + " " + hex.EncodeToString([]byte(payload)) + "\n"
}
