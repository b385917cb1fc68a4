// SPDX-License-Identifier: MIT

//go:build linux

// Package load is the load driver: thousands of WebSocket clients on one event
// loop. They speak Engine.IO and Socket.IO as far as a benchmark needs it, or the JSON of
// centrifuge.
//
// Reading order: wire.go (what is sent), runs.go (connecting and the runs), loop.go (reading
// and sending), rooms.go, latency.go; polling.go and secure.go have clients of their own.
package load

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"socketio/internal/ws"
)

// What a server that knows no Socket.IO says so that the clients go on. The sizes
// are those of a real server.
const (
	SID          = "AAAAAAAAAAAAAAAAAAAA"
	OpenPacket   = `0{"sid":"` + SID + `","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
	JoinedPacket = `40{"sid":"` + SID + `"}`
)

// IsJoin, IsBroadcast and the others classify a message for such a server.
func IsJoin(b []byte) bool      { return len(b) == 2 && b[1] == '0' }
func IsBroadcast(b []byte) bool { return len(b) > 4 && b[4] == 'b' }

// IsRoomJoin reports whether a client enters a room, and which.
func IsRoomJoin(b []byte) (room string, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte(`420["join","`))
	return string(bytes.TrimSuffix(rest, []byte(`"]`))), ok
}

// IsRoomMessage reports whether a message is for a room, and for which.
func IsRoomMessage(b []byte) (room []byte, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte(`42["room","`))
	room, _, _ = bytes.Cut(rest, []byte{'"'})
	return room, ok
}

// payload is 64 bytes. In messages to rooms the last stampSize are the time of sending.
const (
	payload   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	stampSize = 16
)

const (
	echoPacket = `42["echo","` + payload + `"]`
	blobPacket = `451-["blob",{"_placeholder":true,"num":0}]`

	// BlobSize and LargeSize are the bytes of the events with bytes.
	BlobSize  = 64 << 10
	LargeSize = 1_000_000
)

// A dialect is the protocol of a server.
type dialect struct {
	centrifuge        bool
	open              []byte // sent when the WebSocket is open; nil: after the open packet
	join, pong, close []byte
	echo, ack, bcast  []byte
	joinRoom, toRoom  func(room string) []byte
	tail              int    // bytes of a message after its payload
	blob, large       []byte // nil: not in this protocol
}

var socketIO = &dialect{
	join:  frame(ws.Text, `40`),
	pong:  frame(ws.Text, `3`),
	close: frame(ws.Close, "\x03\xe8"), // 1000
	echo:  frame(ws.Text, echoPacket),
	ack:   frame(ws.Text, `420["ack","`+payload+`"]`),
	bcast: frame(ws.Text, `42["bcast","`+payload+`"]`),
	joinRoom: func(room string) []byte {
		return frame(ws.Text, `420["join","`+room+`"]`)
	},
	toRoom: func(room string) []byte { return frame(ws.Text, `42["room","`+room+`","`+payload+`"]`) },
	tail:   len(`"]`),
	blob:   blobFrames(BlobSize),
	large:  blobFrames(LargeSize),
}

var centrifuge = &dialect{
	centrifuge: true,
	join:       frame(ws.Text, `{"id":1,"connect":{}}`),
	pong:       frame(ws.Text, `{}`),
	close:      socketIO.close,
	echo:       rpc("echo"),
	ack:        rpc("ack"),
	bcast:      rpc("bcast"),
	joinRoom:   func(room string) []byte { return rpc("join:" + room) },
	toRoom:     func(room string) []byte { return rpc("room:" + room) },
	tail:       len(`"}}}`),
}

func rpc(method string) []byte {
	return frame(ws.Text, `{"id":2,"rpc":{"method":"`+method+`","data":"`+payload+`"}}`)
}

func blobFrames(size int) []byte {
	return append(frame(ws.Text, blobPacket), frame(ws.Binary, strings.Repeat(payload, size/len(payload)+1)[:size])...)
}

var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// frame returns a final, masked frame.
func frame(op ws.Opcode, data string) []byte {
	return ws.AppendMasked(nil, op, true, mask, []byte(data))
}

// stamp writes a time into a masked frame whose message has tail bytes after the payload.
func stamp(frame []byte, tail int, ns int64) {
	const head = 6 // of a frame of less than 126 bytes
	const digits = "0123456789abcdef"
	end := len(frame) - tail
	for i := range stampSize {
		at := end - 1 - i
		frame[at] = digits[ns>>(4*i)&0xf] ^ mask[(at-head)%4]
	}
}

// stamped reads it from a message.
func stamped(data []byte, tail int) (ns int64, ok bool) {
	if len(data) < stampSize+tail {
		return 0, false
	}
	for _, d := range data[len(data)-tail-stampSize : len(data)-tail] {
		switch {
		case d >= '0' && d <= '9':
			d -= '0'
		case d >= 'a' && d <= 'f':
			d -= 'a' - 10
		default:
			return 0, false
		}
		ns = ns<<4 | int64(d)
	}
	return ns, true
}

// request is a handshake, with browser with the headers of a Chromium page: then about 900
// bytes. It is made once and sent by thousands of clients, which internal/ws/wstest does
// not do.
func request(addr string, browser bool) []byte {
	lines := []string{
		"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
		"Host: " + addr,
		"Connection: Upgrade",
		"Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: " + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef")),
	}
	if browser {
		for _, h := range browserHeaders(addr) {
			lines = append(lines, h[0]+": "+h[1])
		}
		lines = append(lines, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
	}
	return []byte(strings.Join(append(lines, "", ""), "\r\n"))
}

// browserHeaders are those that a page sends with every request.
func browserHeaders(addr string) [][2]string {
	return [][2]string{
		{"Pragma", "no-cache"},
		{"Cache-Control", "no-cache"},
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
		{"Origin", "http://" + addr},
		{"Accept-Encoding", "gzip, deflate, br, zstd"},
		{"Accept-Language", "en-GB,en;q=0.9,de;q=0.8"},
		{"Cookie", "session=3f9a0c5e7b1d4f6a8e2c9b0d1a3f5e7c; theme=dark; _ga=GA1.1.1234567890.1700000000; consent=1"},
	}
}

// head splits the header of a server's frame from b. size 0 means that it is not all there.
func head(b []byte) (op byte, length, size int, err error) {
	if len(b) < 2 {
		return 0, 0, 0, nil
	}
	length, size = int(b[1]), 2
	switch {
	case length > 127:
		return 0, 0, 0, fmt.Errorf("load: the server sent a frame header of % x", b[:2])
	case length == 127:
		if len(b) < 10 {
			return 0, 0, 0, nil
		}
		length, size = int(binary.BigEndian.Uint64(b[2:])), 10
		if length > 2*LargeSize {
			return 0, 0, 0, fmt.Errorf("load: the server sent a frame of %d bytes", length)
		}
	case length == 126:
		if len(b) < 4 {
			return 0, 0, 0, nil
		}
		length, size = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	return b[0] & 0xf, length, size, nil
}
