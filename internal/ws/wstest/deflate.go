// SPDX-License-Identifier: MIT

// Compressed messages, by the compress/flate of the standard library: not what
// the server uses.

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

// AllowCompressed says that the handshake has agreed on permessage-deflate
// without context takeover: ReadMessage takes compressed messages from now on.
// It is called before the first read.
func (c *Client) AllowCompressed() { c.deflate = true }

// Compressed reports whether the message that ReadMessage returned last came
// compressed. It belongs to the goroutine that reads.
func (c *Client) Compressed() bool { return c.compressed }

// WriteCompressed sends one compressed message in one frame, whatever was
// agreed on. payload is copied.
func (c *Client) WriteCompressed(op ws.Opcode, payload []byte) error {
	return c.WriteFrame(Frame(op|compressedBit, true, Compress(payload)))
}

// Compress returns payload as it goes into a compressed message.
func Compress(payload []byte) []byte {
	var b bytes.Buffer
	// Neither a valid level nor a bytes.Buffer fails.
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write(payload)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte(flushTail))
}

// inflate is the way back. It takes maxPayload bytes at most.
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
