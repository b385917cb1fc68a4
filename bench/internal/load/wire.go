// SPDX-License-Identifier: MIT

//go:build linux

// Package load is the load driver: thousands of WebSocket clients on one event
// loop. They speak Engine.IO and Socket.IO as far as a benchmark needs it.
package load

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"socketio/internal/ws"
)

// What a server that knows no Socket.IO says so that the clients go on. The sizes
// are those of a real server.
const (
	OpenPacket   = `0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
	JoinedPacket = `40{"sid":"AAAAAAAAAAAAAAAAAAAA"}`
)

// IsJoin and IsBroadcast classify a message for such a server.
func IsJoin(b []byte) bool      { return len(b) == 2 && b[1] == '0' }
func IsBroadcast(b []byte) bool { return len(b) > 4 && b[4] == 'b' }

const payload = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" // 64 B

const (
	echoPacket = `42["echo","` + payload + `"]`
	blobPacket = `451-["blob",{"_placeholder":true,"num":0}]`
	blobSize   = 64 << 10
)

// The frames that clients send, masked.
var (
	frameJoin  = frame(ws.Text, `40`)
	framePong  = frame(ws.Text, `3`)
	frameClose = frame(ws.Close, "\x03\xe8") // 1000
	frameEcho  = frame(ws.Text, echoPacket)
	frameAck   = frame(ws.Text, `420["ack","`+payload+`"]`)
	frameBcast = frame(ws.Text, `42["bcast","`+payload+`"]`)
	frameBlob  = append(frame(ws.Text, blobPacket), frame(ws.Binary, strings.Repeat(payload, blobSize/len(payload)))...)
)

// frame returns a final, masked frame.
func frame(op ws.Opcode, data string) []byte {
	return ws.AppendMasked(nil, op, true, [4]byte{0x37, 0xfa, 0x21, 0x3d}, []byte(data))
}

// request is a handshake with the headers of a Chromium page, about 900 bytes. It is made
// once and sent by thousands of clients, which internal/ws/wstest does not do.
func request(addr string) []byte {
	lines := []string{
		"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
		"Host: " + addr,
		"Connection: Upgrade",
		"Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
	}
	for _, h := range browserHeaders(addr) {
		lines = append(lines, h[0]+": "+h[1])
	}
	return []byte(strings.Join(append(lines,
		"Sec-WebSocket-Key: "+base64.StdEncoding.EncodeToString([]byte("0123456789abcdef")),
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
		"", "",
	), "\r\n"))
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

// nextFrame splits the first frame of a server from b, without a copy. size 0 means that
// it is not all there. The raw client of the tests reads from one connection and blocks;
// here one loop reads for all clients, so that the driver costs little beside the server.
func nextFrame(b []byte) (op byte, data []byte, size int, err error) {
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	n, head := int(b[1]), 2
	switch {
	case n > 127:
		return 0, nil, 0, fmt.Errorf("load: the server sent a frame header of % x", b[:2])
	case n == 127:
		if len(b) < 10 {
			return 0, nil, 0, nil
		}
		n, head = int(binary.BigEndian.Uint64(b[2:])), 10
		if n > 2*blobSize {
			return 0, nil, 0, fmt.Errorf("load: the server sent a frame of %d bytes", n)
		}
	case n == 126:
		if len(b) < 4 {
			return 0, nil, 0, nil
		}
		n, head = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if len(b) < head+n {
		return 0, nil, 0, nil
	}
	return b[0] & 0xf, b[head : head+n], head + n, nil
}
