// SPDX-License-Identifier: MIT

// This file holds Client: frames and messages over an accepted connection.

package wstest

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"socketio/internal/ws"
)

// maxPayload bounds a frame that a Client reads, and an inflated message.
const maxPayload = 64 << 20

// A Client is the client's end of a WebSocket. One goroutine may read while any number
// of others write.
type Client struct {
	conn net.Conn
	br   *bufio.Reader
	// writing is a lock that is held during a write, so that frames stay whole. It is
	// a channel because waiting for a mutex would stop the clock of a synctest bubble.
	writing chan struct{}

	deflate    bool // compressed messages may arrive
	compressed bool // the last message was one
}

func newClient(conn net.Conn, br *bufio.Reader) *Client {
	return &Client{conn: conn, br: br, writing: make(chan struct{}, 1)}
}

// Over returns a Client on a connection that has made its handshake elsewhere.
func Over(conn net.Conn) *Client { return newClient(conn, bufio.NewReader(conn)) }

// Conn returns the connection. The Client may have read ahead.
func (c *Client) Conn() net.Conn { return c.conn }

// SetDeadline bounds all reads and writes from now on, as on a net.Conn.
func (c *Client) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// Close closes the connection without a close frame.
func (c *Client) Close() error { return c.conn.Close() }

// WriteText sends one text message in one frame.
func (c *Client) WriteText(s string) error { return c.WriteMessage(ws.Text, []byte(s)) }

// WriteBinary sends one binary message in one frame. data is copied.
func (c *Client) WriteBinary(data []byte) error { return c.WriteMessage(ws.Binary, data) }

// WriteMessage sends one final, masked frame with any opcode. payload is copied.
func (c *Client) WriteMessage(op ws.Opcode, payload []byte) error {
	return c.WriteFrame(Frame(op, true, payload))
}

// WriteClose sends a close frame; code 0 makes an empty one. Neither code nor
// reason is checked.
func (c *Client) WriteClose(code uint16, reason string) error {
	var payload []byte
	if code != 0 {
		payload = append(binary.BigEndian.AppendUint16(nil, code), reason...)
	}
	return c.WriteMessage(ws.Close, payload)
}

// WriteFrame sends raw as it is, in one write. It may hold several frames; Frame returns
// one.
func (c *Client) WriteFrame(raw []byte) error {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	_, err := c.conn.Write(raw)
	return err
}

// Frame returns a masked frame with a random key.
func Frame(op ws.Opcode, fin bool, payload []byte) []byte {
	var key [4]byte
	rand.Read(key[:])
	return ws.AppendMasked(nil, op, fin, key, payload)
}

// Await waits until there are bytes to read.
func (c *Client) Await() error {
	_, err := c.br.Peek(1)
	return err
}

// ReadFrame reads one frame of any kind. It fails on frames that no server may send: those
// that are masked or have reserved bits. A compressed payload stays as it is.
func (c *Client) ReadFrame() (ws.Opcode, []byte, error) {
	head, payload, err := c.readFrame()
	return head.op, payload, err
}

// ReadMessage reads the next whole message. It answers pings, skips pongs, and returns a
// *ws.CloseError for a close frame (CodeNoStatus if that is empty), which it does not
// answer. A compressed message is inflated; see AllowCompressed.
func (c *Client) ReadMessage() (ws.Opcode, []byte, error) {
	var (
		message ws.Opcode
		data    []byte
	)
	for {
		head, payload, err := c.readFrame()
		if err != nil {
			return 0, nil, err
		}
		switch head.op {
		case ws.Ping:
			if err := c.WriteMessage(ws.Pong, payload); err != nil {
				return 0, nil, err
			}
			continue
		case ws.Pong:
			continue
		case ws.Close:
			code, reason := ws.ParseClose(payload)
			return 0, nil, &ws.CloseError{Code: code, Reason: string(reason)}
		case ws.Text, ws.Binary:
			if message != 0 {
				return 0, nil, errors.New("wstest: a message begins inside a message")
			}
			message, data, c.compressed = head.op, payload, head.compressed
		case ws.Continuation:
			if message == 0 {
				return 0, nil, errors.New("wstest: continuation without a message")
			}
			data = append(data, payload...)
		default:
			return 0, nil, fmt.Errorf("wstest: frame with %v", head.op)
		}
		if head.fin && c.compressed {
			data, err = inflate(data)
		}
		if head.fin {
			return message, data, err
		}
	}
}

// A frameHead is the first byte of a frame.
type frameHead struct {
	op              ws.Opcode
	fin, compressed bool
}

func (c *Client) readFrame() (first frameHead, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.br, head[:]); err != nil {
		return frameHead{}, nil, err
	}
	first = frameHead{op: ws.Opcode(head[0] & 0x0F), fin: head[0]&0x80 != 0}
	if c.deflate && head[0]&0x70 == 0x40 && (first.op == ws.Text || first.op == ws.Binary) {
		first.compressed = true
	} else if head[0]&0x70 != 0 {
		return frameHead{}, nil, fmt.Errorf("wstest: reserved bits in frame header % x", head)
	}
	if head[1]&0x80 != 0 {
		return frameHead{}, nil, errors.New("wstest: the server masked a frame")
	}
	length := uint64(head[1])
	switch length {
	case 126:
		var b [2]byte
		_, err = io.ReadFull(c.br, b[:])
		length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		_, err = io.ReadFull(c.br, b[:])
		length = binary.BigEndian.Uint64(b[:])
	}
	if err == nil && length > maxPayload {
		err = fmt.Errorf("wstest: frame of %d bytes", length)
	}
	if err == nil {
		payload = make([]byte, length)
		_, err = io.ReadFull(c.br, payload)
	}
	if err != nil {
		return frameHead{}, nil, unexpected(err)
	}
	return first, payload, nil
}

// unexpected returns the error of a read inside a frame.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
