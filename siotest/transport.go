// SPDX-License-Identifier: MIT

// This file holds the transports: polling, WebSocket, and upgrades.

package siotest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// urls builds the requests of a connection.
type urls struct {
	base   string
	query  url.Values
	header http.Header
}

func newURLs(base string, o *ClientOptions) urls {
	u := urls{base: base, query: url.Values{"EIO": {"4"}}, header: o.Header.Clone()}
	for name, values := range o.Query {
		u.query[name] = values
	}
	return u
}

// of returns the URL for a transport and a session; "" means no session.
func (u *urls) of(transport, sid string) string {
	q := url.Values{"transport": {transport}}
	if sid != "" {
		q.Set("sid", sid)
	}
	for name, values := range u.query {
		q[name] = values
	}
	return u.base + "?" + q.Encode()
}

// wires are the network connections of a Conn.
type wires struct {
	get, post line // of polling

	mu      sync.Mutex // guards the fields below
	closed  bool
	socket  *wstest.Client // nil on polling
	probing *wstest.Client // an upgrade under way
	pause   chan struct{}  // closed to end polling for an upgrade
	paused  chan struct{}  // closed when polling has ended
}

func (w *wires) close() {
	w.get.close()
	w.post.close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, socket := range []*wstest.Client{w.socket, w.probing} {
		if socket != nil {
			_ = socket.Close()
		}
	}
}

// current returns the WebSocket, or nil on polling.
func (w *wires) current() *wstest.Client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.socket
}

// Transport returns the transport in use: Polling or WebSocket.
func (c *Conn) Transport() Transport {
	if c.wires.current() == nil {
		return Polling
	}
	return WebSocket
}

// start opens the connection and starts its goroutines.
func (c *Conn) start(transport Transport) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.env.patience)
	defer cancel()
	switch transport {
	case WebSocket, "":
		return c.startWebSocket(ctx)
	case Polling, Upgrade:
		return c.startPolling(ctx)
	}
	return fmt.Errorf("siotest: unknown transport %q", transport)
}

// open handles the open packet.
func (c *Conn) open(packet string) error {
	open, err := rawclient.ParseOpen(packet)
	if c.opened = OpenPacket(open); err != nil {
		return fmt.Errorf("siotest: the server begins with %q", shorten(packet))
	}
	c.rec.names(c.opened.SID, "session")
	c.rec.packet(false, packet)
	c.watchPings()
	return nil
}

func (c *Conn) startWebSocket(ctx context.Context) error {
	socket, err := c.dialWebSocket(ctx, "")
	if err != nil {
		return err
	}
	c.wires.mu.Lock()
	c.wires.socket = socket
	c.wires.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { _ = socket.Close() })
	defer stop()
	_, open, err := socket.ReadMessage()
	if err != nil {
		return err
	}
	if err := c.open(string(open)); err != nil {
		return err
	}
	c.running.Add(2)
	go c.write()
	go c.readWebSocket(socket)
	return nil
}

func (c *Conn) dialWebSocket(ctx context.Context, sid string) (*wstest.Client, error) {
	socket, resp, err := wstest.Dial(ctx, c.link.dial, c.urls.of("websocket", sid), c.urls.header)
	if err != nil {
		return nil, err
	}
	if socket == nil {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		return nil, refused(resp.StatusCode, string(body))
	}
	return socket, nil
}

// readWebSocket is the reading goroutine. It ends with the connection.
func (c *Conn) readWebSocket(socket *wstest.Client) {
	defer c.running.Done()
	for {
		op, data, err := socket.ReadMessage()
		switch {
		case err != nil:
		case op == ws.Binary:
			err = c.packet(data)
		default:
			err = c.packet(string(data))
		}
		if err != nil {
			c.finish(err)
			return
		}
	}
}

func (c *Conn) startPolling(ctx context.Context) error {
	body, err := c.get(ctx, "")
	if err != nil {
		return err
	}
	packets := rawclient.Split(body)
	if err := c.open(packets[0]); err != nil {
		return err
	}
	c.running.Add(1)
	go c.write()
	c.startPolls(packets[1:])
	return nil
}

// startPolls starts polling, with packets that have already arrived.
func (c *Conn) startPolls(packets []string) {
	pause, paused := make(chan struct{}), make(chan struct{})
	c.wires.pause, c.wires.paused = pause, paused
	c.running.Add(1)
	go c.poll(packets, pause, paused)
}

func (c *Conn) get(ctx context.Context, sid string) (string, error) {
	r, err := newRequest(http.MethodGet, c.urls.of("polling", sid), "", c.urls.header)
	if err != nil {
		return "", err
	}
	return c.wires.get.do(ctx, r)
}

// poll is the reading goroutine on polling. It ends with the connection, or when an
// upgrade pauses it.
func (c *Conn) poll(packets []string, pause <-chan struct{}, paused chan<- struct{}) {
	defer c.running.Done()
	defer close(paused)
	for {
		for _, text := range packets {
			if err := c.polled(text); err != nil {
				c.finish(err)
				return
			}
		}
		select {
		case <-pause:
			return
		case <-c.ended:
			return
		default:
		}
		body, err := c.get(c.ctx, c.opened.SID)
		if err != nil {
			c.finish(err)
			return
		}
		packets = rawclient.Split(body)
	}
}

// polled handles a packet in the encoding of polling.
func (c *Conn) polled(text string) error {
	data, binary, err := rawclient.ParseBinary(text)
	if err != nil {
		return fmt.Errorf("siotest: %w", err)
	}
	if !binary {
		return c.packet(text)
	}
	return c.packet(data)
}

// transmit writes packets, on the writing goroutine.
func (c *Conn) transmit(packets []any) error {
	for _, p := range packets {
		c.rec.packet(true, p)
	}
	socket := c.wires.current()
	if socket == nil {
		return c.transmitPolling(packets)
	}
	var frames []byte
	for _, p := range packets {
		frames = appendFrame(frames, p)
	}
	return socket.WriteFrame(frames)
}

// appendFrame appends the frame of a packet, masked with the key zero, so that Link.CutAt
// finds plain text on the wire.
func appendFrame(dst []byte, p any) []byte {
	if b, is := p.([]byte); is {
		return ws.AppendMasked(dst, ws.Binary, true, [4]byte{}, b)
	}
	return ws.AppendMasked(dst, ws.Text, true, [4]byte{}, []byte(p.(string)))
}

func (c *Conn) transmitPolling(packets []any) error {
	texts := make([]string, len(packets))
	for i, p := range packets {
		switch p := p.(type) {
		case []byte:
			texts[i] = rawclient.Binary(p)
		case string:
			texts[i] = p
		}
	}
	r, err := newRequest(http.MethodPost, c.urls.of("polling", c.opened.SID), rawclient.Join(texts...), c.urls.header)
	if err != nil {
		return err
	}
	_, err = c.wires.post.do(c.ctx, r)
	return err
}

// sayGoodbye ends the connection as clients do, on the writing goroutine.
func (c *Conn) sayGoodbye() error {
	if socket := c.wires.current(); socket != nil {
		c.rec.note("a close frame")
		return socket.WriteFrame(ws.AppendMasked(nil, ws.Close, true, [4]byte{}, []byte{0x03, 0xe8}))
	}
	return c.transmit([]any{"1"})
}

// Upgrade moves a connection from polling to WebSocket. The test fails if that is not
// possible.
func (c *Conn) Upgrade() {
	c.env.t.Helper()
	c.env.settle()
	if err := c.TryUpgrade(); err != nil {
		c.env.t.Fatalf("%s can't upgrade: %v", c.name, err)
	}
	c.env.settle()
}

// errNoUpgrade is returned for a second upgrade.
var errNoUpgrade = errors.New("siotest: the connection is not on polling")

// TryUpgrade is like Upgrade but returns an error instead of failing the test. If the
// WebSocket can't be opened or the probe fails, the connection stays on polling.
func (c *Conn) TryUpgrade() error {
	var failed error
	err := c.await(unit{do: func() (fatal error) {
		fatal, failed = c.upgrade()
		return fatal
	}})
	if err != nil {
		return err
	}
	return failed
}

// upgrade runs on the writing goroutine, so nothing is written meanwhile. failed
// leaves the connection on polling.
//
// Polling pauses before the probe. Other clients poll on until the probe is answered,
// which races with the server: a poll that is parked too late stays for 100 ms.
func (c *Conn) upgrade() (fatal, failed error) {
	w := &c.wires
	if w.current() != nil {
		return nil, errNoUpgrade
	}
	socket, err := c.dialWebSocket(c.ctx, c.opened.SID)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.probing = socket
	closed := w.closed
	w.mu.Unlock()
	if closed {
		_ = socket.Close()
		return c.end, nil
	}
	close(w.pause)
	err = c.probe(socket)
	<-w.paused // packets on polling come first
	if err != nil {
		_ = socket.Close()
		c.startPolls(nil)
		return nil, fmt.Errorf("the probe: %w", err)
	}
	c.rec.note("upgrade")
	if err := socket.WriteFrame(appendFrame(nil, "5")); err != nil {
		return err, nil
	}
	w.mu.Lock()
	w.socket, w.probing = socket, nil
	closed = w.closed
	w.mu.Unlock()
	if closed {
		_ = socket.Close()
		return c.end, nil
	}
	c.running.Add(1)
	go c.readWebSocket(socket)
	return nil, nil
}

func (c *Conn) probe(socket *wstest.Client) error {
	if err := socket.WriteFrame(appendFrame(nil, "2probe")); err != nil {
		return err
	}
	op, data, err := socket.ReadMessage()
	if err == nil && (op != ws.Text || string(data) != "3probe") {
		err = fmt.Errorf("the server answers %q", shorten(string(data)))
	}
	return err
}
