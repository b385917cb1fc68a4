// SPDX-License-Identifier: MIT

// This file holds unmasker, which reads what a client has written into its frames.

package faultnet

import (
	"bytes"
	"encoding/binary"
)

// maxHead bounds the request headers that an unmasker remembers.
const maxHead = 32 << 10

// An unmasker follows the bytes of a client on one connection: HTTP requests until one
// asks for a WebSocket, then frames. The zero value is at the beginning of a connection.
type unmasker struct {
	head   []byte // of the request that passes, while it may ask for a WebSocket
	frames bool   // frames follow
	frame  []byte // the bytes of a frame's header so far
	left   int    // payload bytes of the frame that are still to come
	key    [4]byte
	at     int // position in key
}

// unmask returns data with the payloads of frames unmasked. It does not change data.
func (u *unmasker) unmask(data []byte) []byte {
	if !u.frames {
		n := u.request(data)
		if n == len(data) {
			return data
		}
		return append(bytes.Clone(data[:n]), u.unmask(data[n:])...)
	}
	plain := bytes.Clone(data)
	for i, b := range plain {
		if u.left > 0 {
			plain[i] = b ^ u.key[u.at&3]
			u.at++
			u.left--
			continue
		}
		u.header(b)
	}
	return plain
}

// request reads bytes of HTTP and returns their number; frames may follow them.
func (u *unmasker) request(data []byte) int {
	seen := len(u.head)
	u.head = append(u.head, data...)
	for {
		end := bytes.Index(u.head, []byte("\r\n\r\n"))
		if end < 0 {
			u.head = u.head[max(0, len(u.head)-maxHead):]
			return len(data)
		}
		end += 4
		if bytes.Contains(bytes.ToLower(u.head[:end]), []byte("\r\nupgrade: websocket\r\n")) {
			u.head, u.frames = nil, true
			return end - seen
		}
		u.head = u.head[end:]
		seen -= end
	}
}

// header reads one byte of a frame's header.
func (u *unmasker) header(b byte) {
	u.frame = append(u.frame, b)
	if len(u.frame) < 2 {
		return
	}
	size, n := 2, int(u.frame[1]&0x7f)
	switch n {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	masked := u.frame[1]&0x80 != 0
	if masked {
		size += 4
	}
	if len(u.frame) < size {
		return
	}
	switch n {
	case 126:
		n = int(binary.BigEndian.Uint16(u.frame[2:]))
	case 127:
		n = int(binary.BigEndian.Uint64(u.frame[2:]))
	}
	u.key = [4]byte{}
	if masked {
		copy(u.key[:], u.frame[size-4:])
	}
	u.left, u.at, u.frame = n, 0, u.frame[:0]
}
