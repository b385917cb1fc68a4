// SPDX-License-Identifier: MIT

// Fuzz targets for compressed messages, against the standard library.

package ws_test

import (
	"bytes"
	stdflate "compress/flate"
	"io"
	"testing"

	"socketio/internal/ws"
)

// stdInflater does by the standard library what Deflate.Inflate does, slowly.
func stdInflater(msg []byte) (out []byte, ok bool) {
	const tail = "\x00\x00\xFF\xFF\x01\x00\x00\xFF\xFF"
	src := bytes.NewReader(append(bytes.Clone(msg), tail...))
	for {
		b, err := io.ReadAll(io.LimitReader(stdflate.NewReader(src), 1<<20))
		out = append(out, b...)
		switch {
		case err != nil || len(out) >= 1<<20:
			return out, false
		case src.Len() == 0 || src.Len() == len(tail):
			return out, true
		}
	}
}

// FuzzInflate inflates any bytes: never past the limit, and to the same as the
// standard library.
func FuzzInflate(f *testing.F) {
	for _, s := range []string{
		"", "00", "f248cdc9c90700", "000500faff48656c6c6f00", "f348cdc9c9070000", "f24805000000ffffcac9c90700", "030000", "4a042200",
	} {
		f.Add(unhex(s), uint16(100))
	}
	f.Add([]byte(stdDeflate(proseData()[:3000], 6)), uint16(2999))
	f.Add([]byte(stdDeflate(string(make([]byte, 60000)), 9)), uint16(60000))
	d := ws.NewDeflate(nil)
	f.Fuzz(func(t *testing.T, msg []byte, limit uint16) {
		want, ok := stdInflater(msg)
		if len(want) >= 1<<20 {
			return // the comparison has a limit of its own
		}
		most := max(int(limit), 1)
		got, err := d.Inflate(nil, ws.Binary, msg, most)
		switch {
		case err == nil && (!ok || len(got) > most || !bytes.Equal(got, want)):
			t.Fatalf("%d bytes at limit %d; the standard library: %d bytes, %v", len(got), most, len(want), ok)
		case err != nil && ok && len(want) <= most:
			t.Fatalf("%v at limit %d; the standard library: %d bytes", err, most, len(want))
		case err != nil && err.(*ws.CloseError).Code == ws.CodeTooBig && len(want) <= most && ok:
			t.Fatalf("too big at limit %d, but it has %d bytes", most, len(want))
		case cap(got) > most:
			t.Fatalf("room for %d bytes at limit %d", cap(got), most)
		}
	})
}

// FuzzCompress compresses any message, reads the frame and inflates it, by our
// own means and by those of the standard library.
func FuzzCompress(f *testing.F) {
	f.Add([]byte("hello hello hello hello"))
	f.Add([]byte{})
	f.Add([]byte(jsonData()[:5000]))
	d := ws.NewDeflate(&ws.DeflateOptions{Threshold: -1})
	f.Fuzz(func(t *testing.T, payload []byte) {
		wire := d.AppendCompressed(nil, ws.Binary, payload)
		e := echo{cfg: ws.Config{MaxMessage: -1}, deflate: d}
		e.parser.AllowCompressed()
		e.feedAll(bytes.Clone(wire), 13)
		e.check(t, []raw{fin(bin, string(payload))}, "back")
		frame := rawFrames(t, wire, false)[0]
		if frame.first&compressedBit != 0 {
			if len(frame.payload) >= len(payload) {
				t.Fatalf("%d bytes have grown to %d", len(payload), len(frame.payload))
			}
			frame.payload = stdInflate(t, frame.payload)
		}
		if frame.payload != string(payload) {
			t.Fatal("the standard library reads something else")
		}
	})
}
