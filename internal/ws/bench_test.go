// SPDX-License-Identifier: MIT

// Benchmarks of the parser and of masking.

package ws_test

import (
	"fmt"
	"testing"

	"socketio/internal/ws"
)

func BenchmarkFeed(b *testing.B) {
	for _, op := range []ws.Opcode{ws.Text, ws.Binary} {
		for _, size := range []int{16, 64, 1 << 10, 64 << 10} {
			stream := frame(op, true, string(make([]byte, size)))
			buf := make([]byte, len(stream))
			b.Run(fmt.Sprintf("%v-%d", op, size), func(b *testing.B) {
				var p ws.Parser
				r := new(counter)
				b.SetBytes(int64(len(stream)))
				b.ReportAllocs()
				for b.Loop() {
					copy(buf, stream)
					if _, err := p.Feed(server, r, buf); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// A message that comes in reads of 16 KiB.
func BenchmarkFeedInPieces(b *testing.B) {
	stream := frame(ws.Binary, true, string(make([]byte, 256<<10)))
	buf := make([]byte, 16<<10)
	var p ws.Parser
	r := new(counter)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := stream; len(rest) > 0; {
			n := copy(buf, rest)
			rest = rest[n:]
			if _, err := p.Feed(server, r, buf[:n]); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkDeflate(b *testing.B) {
	data := jsonData()
	for _, size := range []int{1 << 10, 16 << 10, 128 << 10} {
		payload := []byte(data[:size])
		d := ws.NewDeflate(nil)
		b.Run(fmt.Sprintf("compress-%d", size), func(b *testing.B) {
			var wire []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				wire = d.AppendCompressed(wire[:0], ws.Text, payload)
			}
			b.ReportMetric(float64(len(wire))/float64(size), "ratio")
		})
		b.Run(fmt.Sprintf("inflate-%d", size), func(b *testing.B) {
			msg := []byte(stdDeflate(string(payload), 6))
			dst := make([]byte, 0, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Inflate(dst, ws.Text, msg, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkXor(b *testing.B) {
	buf := make([]byte, 64<<10)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		ws.Xor(buf, 0x12345678)
	}
}
