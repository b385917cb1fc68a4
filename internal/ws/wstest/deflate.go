// SPDX-License-Identifier: MIT

// This file holds compressed messages. They are compressed by compress/flate of the
// standard library, which the server does not use.

package wstest

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	"socketio/internal/ws"
)

const (
	compressedBit = 0x40
	flushTail     = "\x00\x00\xFF\xFF"
	endTail       = "\x01\x00\x00\xFF\xFF"
)

// AllowCompressed makes ReadMessage accept compressed messages: the handshake has agreed
// on permessage-deflate without context takeover. Call it before the first read.
func (c *Client) AllowCompressed() { c.deflate = true }

// Compressed reports whether the last message of ReadMessage was compressed. Call it on
// the goroutine that reads.
func (c *Client) Compressed() bool { return c.compressed }

// WriteCompressed sends one compressed message in one frame, also if the handshake has not
// agreed on compression. payload is copied.
func (c *Client) WriteCompressed(op ws.Opcode, payload []byte) error {
	return c.WriteFrame(Frame(op|compressedBit, true, Compress(payload)))
}

// Compress returns the payload of a compressed message.
func Compress(payload []byte) []byte {
	var b bytes.Buffer
	// Neither a valid level nor a bytes.Buffer fails.
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write(payload)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte(flushTail))
}

// inflate is the inverse of Compress. It returns at most maxPayload bytes.
func inflate(data []byte) ([]byte, error) {
	r := flate.NewReader(io.MultiReader(bytes.NewReader(data), bytes.NewReader([]byte(flushTail+endTail))))
	message, err := io.ReadAll(io.LimitReader(r, maxPayload+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("wstest: compressed message: %w", err)
	case len(message) > maxPayload:
		return nil, fmt.Errorf("wstest: compressed message of more than %d bytes", maxPayload)
	}
	return message, nil
}
