// SPDX-License-Identifier: MIT

// Tests of what is written: headers, frames, close frames, masks.

package ws_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"socketio/internal/ws"
)

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		length int
		want   []byte
	}{
		{0, []byte{0x81, 0}},
		{125, []byte{0x81, 125}},
		{126, []byte{0x81, 126, 0, 126}},
		{65535, []byte{0x81, 126, 0xFF, 0xFF}},
		{65536, []byte{0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
		{1 << 30, []byte{0x81, 127, 0, 0, 0, 0, 0x40, 0, 0, 0}},
	} {
		if got := ws.AppendHeader([]byte("x"), ws.Text, c.length); !bytes.Equal(got[1:], c.want) || got[0] != 'x' {
			t.Errorf("AppendHeader of %d: % x", c.length, got)
		}
		for _, room := range []int{ws.MaxHeader, ws.MaxHeader + 5} {
			b := bytes.Repeat([]byte{0xEE}, room)
			start := ws.PutHeader(b, ws.Text, c.length)
			if !bytes.Equal(b[start:], c.want) {
				t.Errorf("PutHeader of %d in %d: % x", c.length, room, b[start:])
			}
			if bytes.Count(b[:start], []byte{0xEE}) != start {
				t.Errorf("PutHeader of %d wrote before its start: % x", c.length, b)
			}
		}
	}
}

// A client's frame is the server's with a mask: a bit, a key, and the payload xor the key.
func TestMaskFrame(t *testing.T) {
	keys := make(map[string]bool)
	for _, length := range []int{0, 1, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte("abcdefg"), length/7+1)[:length]
		frame := append(ws.AppendHeader(nil, ws.Text, length), payload...)
		head := len(frame) - length
		before := bytes.Clone(frame)
		got := ws.MaskFrame(frame)
		if len(got) != len(frame)+4 || !bytes.Equal(frame, before) {
			t.Fatalf("%d bytes: the frame grows from %d to %d bytes", length, len(frame), len(got))
		}
		frame[1] |= 0x80
		key, masked := got[head:head+4], bytes.Clone(got[head+4:])
		for i := range masked {
			masked[i] ^= key[i%4]
		}
		if !bytes.Equal(got[:head], frame[:head]) || !bytes.Equal(masked, payload) {
			t.Errorf("%d bytes: the header % x, the payload %.40q", length, got[:head], masked)
		}
		keys[string(key)] = true
	}
	if len(keys) < 5 { // of 32 random bits
		t.Errorf("%d keys for 6 frames", len(keys))
	}
}

func TestBadArgumentsPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"AppendHeader, negative": func() { ws.AppendHeader(nil, ws.Text, -1) },
		"PutHeader, negative":    func() { ws.PutHeader(make([]byte, ws.MaxHeader), ws.Text, -1) },
		"PutHeader, no room":     func() { ws.PutHeader(make([]byte, ws.MaxHeader-1), ws.Text, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestAppendClose(t *testing.T) {
	for _, c := range []struct {
		code   uint16
		reason string
		want   string
	}{
		{0, "ignored", ""},
		{ws.CodeNoStatus, "ignored", ""},
		{1000, "", code(1000, "")},
		{1008, "slow consumer", code(1008, "slow consumer")},
		{1000, strings.Repeat("a", 200), code(1000, strings.Repeat("a", 123))},
		{1000, strings.Repeat("€", 60), code(1000, strings.Repeat("€", 41))},
		{1000, "a" + strings.Repeat("€", 60), code(1000, "a"+strings.Repeat("€", 40))},
		{1000, "a\xFFb", code(1000, "a\uFFFDb")},
	} {
		b := ws.AppendClose(nil, c.code, c.reason)
		if got, want := feed(client, b, 0), got(closed, c.want)+"end"; got != want {
			t.Errorf("%d %q: %q, want %q", c.code, c.reason, got, want)
		}
		gotCode, reason := ws.ParseClose(b[2:])
		if c.code != 0 && gotCode != c.code || !utf8.Valid(reason) {
			t.Errorf("ParseClose of %d %q: %d %q", c.code, c.reason, gotCode, reason)
		}
	}
}

func TestXor(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for n := range 200 {
		var k [4]byte
		binary.LittleEndian.PutUint32(k[:], rnd.Uint32())
		plain := make([]byte, n)
		want := make([]byte, n)
		for i := range plain {
			plain[i] = byte(rnd.Uint32())
			want[i] = plain[i] ^ k[i%4]
		}
		b := bytes.Clone(plain)
		key, rest := binary.LittleEndian.Uint32(k[:]), b
		for len(rest) > 0 { // in pieces
			m := 1 + rnd.IntN(len(rest))
			key = ws.Xor(rest[:m], key)
			rest = rest[m:]
		}
		if !bytes.Equal(b, want) {
			t.Fatalf("%d bytes: % x, want % x", n, b, want)
		}
	}
}

func TestStrings(t *testing.T) {
	for got, want := range map[string]string{
		ws.Text.String():                                  "text",
		ws.Binary.String():                                "binary",
		ws.Continuation.String():                          "continuation",
		ws.Close.String():                                 "close",
		ws.Ping.String():                                  "ping",
		ws.Pong.String():                                  "pong",
		ws.Opcode(11).String():                            "opcode 11",
		(&ws.CloseError{Code: 1000}).Error():              "ws: close 1000",
		(&ws.CloseError{Code: 1000, Reason: "x"}).Error(): "ws: close 1000: x",
		(&ws.HandshakeError{Status: 400, Message: "no"}).Error(): "ws: handshake: 400 no",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
