// SPDX-License-Identifier: MIT

// This file holds Session: one session, from its open packet to its end.

package rawclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A Packet is an Engine.IO packet: text as it is in a text frame, or the bytes of a binary
// message. In revision 3 the text form of a binary message stays text.
type Packet struct {
	Text   string
	Binary []byte // nil for text
}

// Text returns text packets.
func Text(packets ...string) []Packet {
	all := make([]Packet, len(packets))
	for i, text := range packets {
		all[i].Text = text
	}
	return all
}

// A Session is a client's end of a session. One goroutine may read while others write;
// writes follow one another. Close may be called at any time.
type Session struct {
	server *Server

	First  string      // the open packet as it came
	Opened OpenPacket  // the same, parsed
	Header http.Header // of the response that opened the session

	unread  []string      // of the last poll, owned by the reader
	writing chan struct{} // a lock; waiting for a mutex would stop the clock of a bubble

	mu     sync.Mutex // guards the fields below
	socket *wstest.Client
	probed *wstest.Client // the WebSocket of an upgrade that has begun
	closed bool
}

func (s *Server) session() *Session { return &Session{server: s, writing: make(chan struct{}, 1)} }

// Polling opens a session over polling.
func (s *Server) Polling(ctx context.Context) (*Session, error) {
	c := s.session()
	got, err := c.poll(ctx)
	if err != nil {
		return nil, err
	}
	c.Header = got.Header
	c.First, c.unread = c.unread[0], c.unread[1:]
	c.Opened, err = ParseOpen(c.First)
	return c, err
}

// Open opens a session over WebSocket.
func (s *Server) Open(ctx context.Context) (*Session, error) {
	socket, resp, err := s.WebSocket(ctx, "")
	if err != nil {
		return nil, err
	}
	c := s.session()
	c.socket, c.Header = socket, resp.Header
	first, err := c.Read(ctx)
	if err == nil {
		c.First = first.Text
		c.Opened, err = ParseOpen(c.First)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Socket returns the WebSocket, or nil on polling.
func (c *Session) Socket() *wstest.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.socket
}

// Unread reports how many packets Read returns without polling.
func (c *Session) Unread() int { return len(c.unread) }

// poll sends a GET and keeps the packets of the response, at least one.
func (c *Session) poll(ctx context.Context) (got Reply, err error) {
	got = c.server.Poll(ctx, c.Opened.SID)
	if got.Err != nil || got.Status != http.StatusOK {
		return got, (&Rejection{got}).orErr()
	}
	if c.server.Revision == 3 {
		c.unread, err = Split3(got.Body)
	} else {
		c.unread = Split(got.Body)
	}
	if err == nil && len(c.unread) == 0 {
		err = errors.New("the server answers a poll with an empty payload")
	}
	return got, err
}

// Read returns the next packet. On polling it polls if necessary. On WebSocket pings of
// WebSocket are answered, and a close frame is a *ws.CloseError. If ctx ends before, a
// WebSocket is closed.
func (c *Session) Read(ctx context.Context) (Packet, error) {
	if socket := c.Socket(); socket != nil {
		return read(ctx, socket)
	}
	if len(c.unread) == 0 {
		if _, err := c.poll(ctx); err != nil {
			return Packet{}, err
		}
	}
	text := c.unread[0]
	c.unread = c.unread[1:]
	if c.server.Revision == 3 {
		return Packet{Text: text}, nil
	}
	data, binary, err := ParseBinary(text)
	if binary || err != nil {
		return Packet{Binary: data}, err
	}
	return Packet{Text: text}, nil
}

func read(ctx context.Context, socket *wstest.Client) (Packet, error) {
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	defer stop()
	op, data, err := socket.ReadMessage()
	switch {
	case err != nil && ctx.Err() != nil:
		return Packet{}, context.Cause(ctx)
	case err != nil:
		return Packet{}, err
	case op == ws.Binary:
		return Packet{Binary: data}, nil
	}
	return Packet{Text: string(data)}, nil
}

// Write sends packets, on polling in one payload. ctx bounds only a request.
func (c *Session) Write(ctx context.Context, packets ...Packet) error {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	if socket := c.Socket(); socket != nil {
		return c.writeFrames(socket, packets)
	}
	got := c.server.Post(ctx, c.Opened.SID, c.payload(packets))
	if got.Err != nil || got.Status != http.StatusOK || got.Body != "ok" {
		return (&Rejection{got}).orErr()
	}
	return nil
}

func (c *Session) payload(packets []Packet) string {
	texts := make([]string, len(packets))
	for i, p := range packets {
		switch {
		case p.Binary == nil:
			texts[i] = p.Text
		case c.server.Revision == 3:
			texts[i] = Binary3(p.Binary)
		default:
			texts[i] = Binary(p.Binary)
		}
	}
	if c.server.Revision == 3 {
		return Join3(texts...)
	}
	return Join(texts...)
}

func (c *Session) writeFrames(socket *wstest.Client, packets []Packet) error {
	var frames []byte
	for _, p := range packets {
		frames = c.appendFrame(frames, p)
		if c.server.Apart {
			if err := socket.WriteFrame(frames); err != nil {
				return err
			}
			frames = frames[:0]
		}
	}
	if len(frames) == 0 {
		return nil
	}
	return socket.WriteFrame(frames)
}

// appendFrame appends the frame of a packet.
func (c *Session) appendFrame(dst []byte, p Packet) []byte {
	op, data := ws.Binary, p.Binary
	if data == nil {
		op, data = ws.Text, []byte(p.Text)
	}
	if c.server.Plain {
		return ws.AppendMasked(dst, op, true, [4]byte{}, data)
	}
	return append(dst, wstest.Frame(op, true, data)...)
}

// Connect begins an upgrade: it opens a WebSocket for a session on polling, which stays
// on polling.
func (c *Session) Connect(ctx context.Context) error {
	socket, _, err := c.server.WebSocket(ctx, c.Opened.SID)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = socket.Close()
		return net.ErrClosed
	}
	c.probed = socket
	return nil
}

// Probe sends the probe over the WebSocket of Connect and reads its answer. If it fails,
// that WebSocket is closed.
func (c *Session) Probe(ctx context.Context) error {
	c.mu.Lock()
	socket := c.probed
	c.mu.Unlock()
	err := c.writeFrames(socket, Text("2probe"))
	var got Packet
	if err == nil {
		got, err = read(ctx, socket)
	}
	if err == nil && got.Text != "3probe" {
		err = fmt.Errorf("the server answers %.100q", got.Text+string(got.Binary))
	}
	if err != nil {
		_ = socket.Close()
	}
	return err
}

// Switch ends an upgrade: from now on the session is on the WebSocket of Connect. No Read
// may be under way. Packets of an earlier poll that are unread are lost.
func (c *Session) Switch() error {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	c.mu.Lock()
	socket := c.probed
	c.mu.Unlock()
	if err := c.writeFrames(socket, Text("5")); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.socket, c.probed = socket, nil
	return nil
}

// Close closes the WebSockets of the session without a packet. On polling it sends
// nothing.
func (c *Session) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, socket := range []*wstest.Client{c.socket, c.probed} {
		if socket != nil {
			_ = socket.Close()
		}
	}
}
