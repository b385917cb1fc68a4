// SPDX-License-Identifier: MIT

// This file tests WebSockets whose bytes arrive in portions of any size, and broken
// frames.

package engineio_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

const rawHandshake = "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// rawWebSocket writes a handshake, then the rest with write, and returns the peer after
// the 101.
func (r *rig) rawWebSocket(then []byte, write func(net.Conn, []byte) error) *bufio.Reader {
	r.t.Helper()
	conn, err := r.dial(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.keep(conn)
	conn.SetDeadline(time.Now().Add(r.w.patience))
	if err := write(conn, append(fmt.Appendf(nil, rawHandshake, r.path), then...)); err != nil {
		r.t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil || resp.StatusCode != 101 {
		r.t.Fatalf("the handshake got %v, %v", resp, err)
	}
	return br
}

func atOnce(conn net.Conn, b []byte) error {
	_, err := conn.Write(b)
	return err
}

func byteByByte(conn net.Conn, b []byte) error {
	for i := range b {
		if _, err := conn.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// wantTail reads until the data after the 101 ends with tail.
func wantTail(t *testing.T, br *bufio.Reader, tail string) {
	t.Helper()
	var got []byte
	for !strings.HasSuffix(string(got), tail) {
		b, err := br.ReadByte()
		if err != nil {
			t.Fatalf("got %q (%v), want %q at its end", got, err, tail)
		}
		got = append(got, b)
	}
	if !strings.Contains(string(got), `"sid"`) {
		t.Fatalf("got %q, without the open packet", got)
	}
}

// rest reads everything after the 101, as text.
func rest(t *testing.T, br *bufio.Reader) string {
	t.Helper()
	b, err := io.ReadAll(br)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFramesInTheSegmentOfTheHandshake(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		for range 30 {
			wantTail(w.t, r.rawWebSocket(wstest.Frame(ws.Text, true, []byte("4early")), atOnce), "\x81\x064early")
		}
		for range 30 {
			br := r.rawWebSocket([]byte{0xff, 0x80, 0, 0, 0, 0}, atOnce)
			if got := rest(w.t, br); !strings.Contains(got, "\x03\xeareserved bits set") {
				w.t.Fatalf("a bad frame: got %q, want a close frame with 1002", got)
			}
		}
	})
}

func TestByteByByte(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		frames := append(wstest.Frame(ws.Text, true, []byte("4"+strings.Repeat("é", 100))), wstest.Frame(ws.Binary, true, []byte{1, 2})...)
		wantTail(w.t, r.rawWebSocket(frames, byteByByte), "4"+strings.Repeat("é", 100)+"\x82\x02\x01\x02")

		p := r.polling()
		conn := r.rawPost(p, "Content-Length: 6", "")
		if err := byteByByte(conn, []byte("4é€")); err != nil {
			w.t.Fatal(err)
		}
		p.want("the echo", "4é€")
	})
}

func TestFragments(t *testing.T) {
	everywhere(t, func(w *world) {
		c := w.serve(hosting{}).websocket()
		c.raw(
			wstest.Frame(ws.Text, false, []byte("4a\xe2")),
			wstest.Frame(ws.Ping, true, []byte("p")),
			wstest.Frame(ws.Continuation, false, []byte("\x82")),
			wstest.Frame(ws.Continuation, false, nil),
			wstest.Frame(ws.Continuation, true, []byte("\xacb")),
		)
		c.want("the pong comes first", "pong p", "4a€b")
		c.raw(wstest.Frame(ws.Binary, false, []byte{1}))
		c.raw(wstest.Frame(ws.Continuation, true, []byte{2}))
		c.want("bytes", "<0102>")
	})
}

func TestBrokenFrames(t *testing.T) {
	for name, row := range map[string]struct {
		frames []byte
		code   int
	}{
		"text that is not UTF-8":       {wstest.Frame(ws.Text, true, []byte("4\xff")), 1007},
		"text that ends in a sequence": {wstest.Frame(ws.Text, true, []byte("4\xe2\x82")), 1007},
		"an overlong sequence":         {wstest.Frame(ws.Text, true, []byte("4\xc0\x80")), 1007},
		"not masked":                   {ws.AppendFrame(nil, ws.Text, []byte("4x")), 1002},
		"reserved bits":                {[]byte{0xc1, 0x80, 0, 0, 0, 0}, 1002},
		"reserved opcode":              {wstest.Frame(3, true, nil), 1002},
		"continuation of nothing":      {wstest.Frame(ws.Continuation, true, nil), 1002},
		"a long control frame":         {wstest.Frame(ws.Ping, true, make([]byte, 126)), 1002},
		"an invalid close code":        {wstest.Frame(ws.Close, true, []byte{0x03, 0xed}), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{})
				c := r.websocket()
				c.raw(wstest.Frame(ws.Text, true, []byte("4before")), row.frames)
				got := c.next("the echo of what came before, or the close frame")
				if got == "4before" {
					got = c.next("the close frame")
				}
				if !strings.HasPrefix(got, fmt.Sprintf("close %d", row.code)) {
					w.t.Errorf("got %q, want close %d", got, row.code)
				}
				c.wantEOF("the end")
				r.side(c.id()).wantEnded("the peer broke the rules", engineio.ReasonTransportError, nil)
				r.side(c.id()).wantHeard("what came before counts", "before")
			})
		})
	}
}
