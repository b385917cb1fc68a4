// SPDX-License-Identifier: MIT

// This file holds the compression of polling responses.

package engineio

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"

	"socketio/internal/coding"
)

// HTTPCompression compresses the responses of polling with gzip or deflate for clients
// that accept it. The size of a compressed response reveals something about its content:
// leave compression off, or use Message.Uncompressed, where a message has secrets beside
// text that other people choose.
type HTTPCompression struct {
	// Threshold is the size in bytes of the smallest response that is compressed. If
	// zero, 1024. If negative, all responses are compressed.
	Threshold int
}

// A compressor compresses responses. Each response borrows a writer from a pool.
type compressor struct {
	threshold     int
	gzip, deflate sync.Pool // of resetWriter
}

type resetWriter interface {
	io.WriteCloser
	Reset(io.Writer)
}

func newCompressor(o *HTTPCompression) *compressor {
	if o == nil {
		return nil
	}
	z := &compressor{threshold: o.Threshold}
	if z.threshold == 0 {
		z.threshold = 1024
	}
	z.gzip.New = func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level exists
		return w
	}
	z.deflate.New = func() any {
		w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
		return w
	}
	return z
}

// encode returns the body of a response, compressed if it may be, and sets the headers for
// that. A response is compressed if one of its messages may be.
func (z *compressor) encode(h http.Header, accept []string, items []*Message, body []byte) []byte {
	if z == nil || len(body) < z.threshold || !compressible(items) {
		return body
	}
	h.Add("Vary", "Accept-Encoding")
	best, _ := coding.Named(accept, "identity")
	name, pool := "", (*sync.Pool)(nil)
	if weight := coding.Weight(accept, "gzip"); weight > 0 && weight >= best {
		name, pool, best = "gzip", &z.gzip, weight
	}
	if weight := coding.Weight(accept, "deflate"); weight > best || weight > 0 && weight == best && pool == nil {
		name, pool = "deflate", &z.deflate
	}
	if pool == nil {
		return body
	}
	w := pool.Get().(resetWriter)
	defer pool.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	_, _ = w.Write(body) // a bytes.Buffer takes all
	_ = w.Close()
	w.Reset(nil)
	if out.Len() >= len(body) {
		return body
	}
	h.Set("Content-Encoding", name)
	return out.Bytes()
}

// compressible reports whether one of the messages of an application may be
// compressed.
func compressible(items []*Message) bool {
	for _, m := range items {
		f := &m.first
		if !m.plain && (f.binary || f.wire[f.body] == byte(packetMessage)) {
			return true
		}
	}
	return false
}
