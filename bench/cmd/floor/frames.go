// SPDX-License-Identifier: MIT

//go:build linux

// This file holds what the server does with bytes: the handshake, and frames that
// go back as they came.

package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"

	"socketio/bench/internal/load"
)

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455, 1.3

// feed handles read bytes, appends answers to l.out and returns an incomplete rest. It
// reports whether the connection continues.
func (l *loop) feed(slot int32, b []byte) (rest []byte, ok bool) {
	if !l.conns[slot].upgrade {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		if end < 0 {
			return b, len(b) < 8<<10
		}
		if !l.answer(b[:end+2]) {
			return nil, false
		}
		l.conns[slot].upgrade = true
		b = b[end+4:]
	}
	for {
		op, data, size := unmask(b)
		if size <= 0 {
			return b, size == 0
		}
		if len(data) >= large {
			if len(l.out) > 0 {
				l.write(slot, l.out)
				l.out = l.out[:0]
			}
			// The client's header is longer than the server's: this one fits before the data.
			l.write(slot, inPlace(b[:size], op, len(data)))
			b = b[size:]
			continue
		}
		b = b[size:]
		switch {
		case op == 8:
			l.append(op, data)
			return nil, false
		case op != 1:
			l.append(op, data)
		case load.IsJoin(data):
			l.conns[slot].index = int32(len(l.members))
			l.members = append(l.members, slot)
			l.append(op, []byte(load.JoinedPacket))
		case load.IsBroadcast(data):
			l.broadcast(data)
		default:
			l.text(slot, data)
		}
	}
}

// text handles what is for rooms, and sends anything else back.
func (l *loop) text(slot int32, data []byte) {
	if room, ok := load.IsRoomJoin(data); ok {
		l.rooms[room] = append(l.rooms[room], slot) // for good: these clients stay
		l.append(1, []byte(`430["joined"]`))
		return
	}
	room, ok := load.IsRoomMessage(data)
	if !ok {
		l.append(1, data)
		return
	}
	l.frame = appendFrame(l.frame[:0], 1, data)
	for _, member := range l.rooms[string(room)] {
		if l.conns[member].open {
			l.write(member, l.frame)
		}
	}
}

// answer accepts a WebSocket and greets it.
func (l *loop) answer(head []byte) bool {
	name := []byte("\r\nSec-WebSocket-Key: ")
	_, key, found := bytes.Cut(head, name)
	key, _, whole := bytes.Cut(key, []byte("\r\n"))
	if !found || !whole {
		return false
	}
	sum := sha1.Sum(append(bytes.Clone(key), guid...))
	l.out = append(l.out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	l.out = base64.StdEncoding.AppendEncode(l.out, sum[:])
	l.out = append(l.out, "\r\n\r\n"...)
	l.append(1, []byte(load.OpenPacket))
	return true
}

// append appends a frame to the output.
func (l *loop) append(op byte, data []byte) { l.out = appendFrame(l.out, op, data) }

func appendFrame(dst []byte, op byte, data []byte) []byte {
	if n := len(data); n < 126 {
		dst = append(dst, 0x80|op, byte(n))
	} else {
		dst = append(dst, 0x80|op, 126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	}
	return append(dst, data...)
}

// large is from where on a frame has a length of 64 bits.
const large = 1 << 16

// inPlace puts the header of a large frame before its last n bytes, which are its data.
func inPlace(frame []byte, op byte, n int) []byte {
	out := frame[len(frame)-n-10:]
	out[0], out[1] = 0x80|op, 127
	binary.BigEndian.PutUint64(out[2:], uint64(n))
	return out
}

// broadcast writes a message to everyone.
func (l *loop) broadcast(data []byte) {
	frame := appendFrame(nil, 1, data)
	for i := len(l.members) - 1; i >= 0; i-- { // a failed write takes its member out
		l.write(l.members[i], frame)
	}
}

// most is the largest frame.
const most = 2_000_000

// need returns how many bytes the frame that b begins has, 0 if that is not known.
func need(b []byte) int {
	if len(b) < 10 || b[1]&0x7f != 127 {
		return 0
	}
	return min(14+int(binary.BigEndian.Uint64(b[2:])), most)
}

// unmask splits the first frame from b. size 0 means that it is not all there, -1
// that the clients of this benchmark do not send such a thing.
func unmask(b []byte) (op byte, data []byte, size int) {
	if len(b) < 2 {
		return 0, nil, 0
	}
	if b[1]&0x80 == 0 {
		return 0, nil, -1
	}
	n, head := int(b[1]&0x7f), 6
	switch {
	case n == 126 && len(b) >= 4:
		n, head = int(binary.BigEndian.Uint16(b[2:])), 8
	case n == 127 && len(b) >= 10:
		n, head = int(binary.BigEndian.Uint64(b[2:])), 14
	case n > 125:
		return 0, nil, 0
	}
	if n > most {
		return 0, nil, -1
	}
	if size = head + n; len(b) < size {
		return 0, nil, 0
	}
	data = b[head:size]
	mask := binary.LittleEndian.Uint32(b[head-4:])
	mask64 := uint64(mask)<<32 | uint64(mask)
	i := 0
	for ; i+32 <= n; i += 32 {
		d := data[i : i+32]
		binary.LittleEndian.PutUint64(d, binary.LittleEndian.Uint64(d)^mask64)
		binary.LittleEndian.PutUint64(d[8:], binary.LittleEndian.Uint64(d[8:])^mask64)
		binary.LittleEndian.PutUint64(d[16:], binary.LittleEndian.Uint64(d[16:])^mask64)
		binary.LittleEndian.PutUint64(d[24:], binary.LittleEndian.Uint64(d[24:])^mask64)
	}
	for ; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(data[i:], binary.LittleEndian.Uint64(data[i:])^mask64)
	}
	for ; i < n; i++ {
		data[i] ^= b[head-4+i%4]
	}
	return b[0] & 0xf, data, size
}
