// SPDX-License-Identifier: MIT

// This file holds Conn: one Engine.IO connection, with clients of namespaces or raw
// packets.

package siotest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/parser"
)

// Reasons for the end of a connection, other than network errors.
var (
	errKilled      = errors.New("the client was killed")
	errServerClose = errors.New("the server has sent a close packet")
	errPingTimeout = errors.New("the server's ping did not come")
)

// An OpenPacket is the first packet from the server.
type OpenPacket struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"` // ms
	PingTimeout  int      `json:"pingTimeout"`  // ms
	MaxPayload   int      `json:"maxPayload"`   // bytes
}

// A Conn is a connection. It answers pings, and ends if a ping does not arrive in time.
// Until the first Join it keeps received messages, for Hear.
type Conn struct {
	// Immutable after newConn; opened and session are set by start.
	env    *env
	name   string
	link   *Link
	rec    *recorder
	server *rawclient.Server
	polls  rawclient.Line
	posts  rawclient.Line
	opened OpenPacket
	ctx    context.Context
	cancel context.CancelFunc

	mute    atomic.Bool
	running sync.WaitGroup // reading, writing
	ended   chan struct{}  // closed when the connection has ended; end is set before
	end     error

	heard queue[any]  // messages before the first Join
	said  queue[unit] // to be written

	decoder parser.PacketDecoder // owned by the reading goroutine
	limits  parser.Limits

	pause  chan struct{} // closed to end polling for an upgrade
	paused chan struct{} // closed when the reading goroutine has ended

	mu      sync.Mutex         // guards the fields below
	session *rawclient.Session // nil until the connection is open
	over    bool
	decodes bool               // a Join was called
	clients map[string]*Client // by namespace, the last one of each
	watch   *time.Timer        // for the next ping
}

// A unit is written at once: packets, on polling in one request, or an action between
// them.
type unit struct {
	packets []any
	do      func() error
	done    chan error // buffered; nil if no goroutine waits
}

// newConn returns a connection to the server at base, which start opens.
func newConn(e *env, base string, o *ClientOptions) *Conn {
	c := &Conn{
		env:     e,
		name:    o.Name,
		link:    o.Link,
		rec:     &recorder{start: time.Now()},
		polls:   rawclient.Line{Dial: o.Link.dial},
		posts:   rawclient.Line{Dial: o.Link.dial},
		ended:   make(chan struct{}),
		decoder: e.codec.NewDecoder(),
		limits:  parser.Limits{MaxAttachments: maxAttachments, MaxIncompleteBytes: 64 << 20},
		clients: make(map[string]*Client),
	}
	c.mute.Store(o.Mute)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.server = c.newServer(base, o)
	return c
}

// write is the writing goroutine. It ends with the connection, after trying to write all
// units.
func (c *Conn) write() {
	defer c.running.Done()
	for {
		u, err := c.said.next(0)
		if err != nil {
			return
		}
		if u.do != nil {
			err = u.do()
		} else {
			err = c.transmit(u.packets)
		}
		if err != nil {
			c.finish(err)
		}
		if u.done != nil {
			u.done <- err
		}
	}
}

// finish ends the connection. The first reason is kept.
func (c *Conn) finish(reason error) {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	c.over = true
	session := c.session
	clients := slices.Collect(maps.Values(c.clients))
	if c.watch != nil {
		c.watch.Stop()
	}
	c.mu.Unlock()

	c.rec.note("the end: %v", reason)
	c.end = reason
	c.heard.close(fmt.Errorf("the connection has ended: %w", reason))
	c.said.close(fmt.Errorf("the connection has ended: %w", reason))
	why := TransportClose
	if errors.Is(reason, errPingTimeout) {
		why = PingTimeout
	}
	for _, client := range clients {
		client.leave(why, reason)
	}
	close(c.ended)
	c.cancel()
	c.polls.Close()
	c.posts.Close()
	if session != nil {
		session.Close()
	}
}

// watchPings ends the connection if no ping arrives in time.
func (c *Conn) watchPings() {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := time.Duration(c.opened.PingInterval+c.opened.PingTimeout) * time.Millisecond
	if c.over || wait <= 0 {
		return
	}
	if c.watch != nil {
		c.watch.Reset(wait)
		return
	}
	c.watch = time.AfterFunc(wait, func() { c.finish(errPingTimeout) })
}

// packet handles an Engine.IO packet, on the reading goroutine. An error ends the
// connection.
func (c *Conn) packet(p any) error {
	text, is := p.(string)
	if text == "6" {
		return nil // it only ends a poll
	}
	c.rec.packet(false, p)
	switch {
	case !is:
		return c.message(p, true, p.([]byte))
	case text == "":
		return errors.New("siotest: the server has sent an empty packet")
	case text == "1":
		return errServerClose
	case text == "2":
		c.watchPings()
		if !c.mute.Load() {
			return c.said.put(unit{packets: []any{"3"}})
		}
	case text[0] == '4':
		return c.message(p, false, []byte(text[1:]))
	default:
		return fmt.Errorf("siotest: the server has sent %q", shorten(text))
	}
	return nil
}

// message handles the message in packet p.
func (c *Conn) message(p any, binary bool, data []byte) error {
	c.mu.Lock()
	decodes := c.decodes
	c.mu.Unlock()
	if !decodes {
		return c.heard.put(p)
	}
	packet, ok, err := c.decoder.Add(&c.limits, binary, data)
	if err != nil {
		return fmt.Errorf("siotest: the server has sent an invalid packet: %w", err)
	}
	if !ok {
		return nil
	}
	c.mu.Lock()
	client := c.clients[packet.Namespace]
	c.mu.Unlock()
	switch {
	case client == nil:
		return fmt.Errorf("siotest: the server has sent a packet for %s, which was not joined", packet.Namespace)
	case client.arrived.ended() != nil:
		return nil // late
	}
	return client.handle(packet)
}

// post encodes a packet and has it written, as one unit.
func (c *Conn) post(p parser.Outgoing) error {
	enc, err := c.env.codec.AppendPacket(nil, p)
	if err != nil {
		return err
	}
	var packets []any
	if enc.Binary {
		packets = append(packets, enc.Data)
	} else {
		packets = append(packets, "4"+string(enc.Data))
	}
	for _, b := range enc.Attachments {
		packets = append(packets, slices.Clone(b))
	}
	return c.said.put(unit{packets: packets})
}

// Join joins a namespace over the connection; auth is as in ClientOptions. The test fails
// if the client is rejected.
func (c *Conn) Join(namespace string, auth any) *Client {
	c.env.t.Helper()
	client, err := c.TryJoin(namespace, auth)
	if err != nil {
		c.env.t.Fatalf("%s wants to join %s, but %v", c.name, namespace, err)
	}
	c.env.settle()
	return client
}

// TryJoin is like Join but returns an error instead of failing the test: a *ConnectError
// if the client is rejected.
func (c *Conn) TryJoin(namespace string, auth any) (*Client, error) {
	if auth != nil {
		if err := checkAuth(c.env.codec, auth); err != nil {
			return nil, err
		}
	}
	client := &Client{conn: c, namespace: namespace, replies: make(map[int64]*Reply), handlers: make(map[string]func(*Event))}
	c.mu.Lock()
	over := c.over
	c.decodes = true
	client.follows = c.clients[namespace] != nil
	c.clients[namespace] = client
	c.mu.Unlock()
	if over {
		<-c.ended
		return nil, c.end
	}
	if err := client.post(parser.Outgoing{Type: parser.TypeConnect, ID: parser.NoID, Payload: auth}); err != nil {
		return nil, err
	}
	answer, err := client.joined.next(c.env.patience)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		client.leave("refused", err)
		return nil, err
	}
	client.id = answer.id
	return client, nil
}

// checkAuth checks that a server accepts auth.
func checkAuth(codec parser.Codec, auth any) error {
	enc, err := encodeArgs(codec, []any{auth})
	if err != nil {
		return fmt.Errorf("siotest: Auth: %w", err)
	}
	if text := enc.Raw(0); len(text) == 0 || text[0] != '{' {
		return fmt.Errorf("siotest: Auth must be a JSON object, not %s", shorten(string(text)))
	}
	return nil
}

// Name returns the client's name in messages.
func (c *Conn) Name() string { return c.name }

// Link returns the network of the connection.
func (c *Conn) Link() *Link { return c.link }

// OpenPacket returns the first packet from the server.
func (c *Conn) OpenPacket() OpenPacket { return c.opened }

// Mute controls whether the client ignores the server's pings from now on.
func (c *Conn) Mute(mute bool) { c.mute.Store(mute) }

// Kill ends the connection as if the client's program had ended: its network connections
// close and it does nothing more. The server notices, unless the Link prevents it: for a
// client whose network fails silently, call Drop(Both) on its Link before Kill.
func (c *Conn) Kill() { c.finish(errKilled) }

// Close closes the connection with a close packet or frame, and waits until it has ended.
func (c *Conn) Close() {
	c.env.t.Helper()
	if err := c.said.put(unit{do: c.sayGoodbye}); err != nil {
		return // it has ended
	}
	if err := c.wait(); err != nil {
		c.env.t.Fatalf("%s says goodbye, but %v", c.name, err)
	}
}

// wait waits until the connection has ended.
func (c *Conn) wait() error {
	limit := time.NewTimer(c.env.patience)
	defer limit.Stop()
	select {
	case <-c.ended:
		return nil
	case <-limit.C:
		return fmt.Errorf("the connection is still open after %v", c.env.patience)
	}
}

// Ended returns a channel that is closed when the connection has ended.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// Err returns the reason why the connection ended, or nil while it is open.
func (c *Conn) Err() error {
	select {
	case <-c.ended:
		return c.end
	default:
		return nil
	}
}

// WantClosed waits for the connection to end. On WebSocket the test fails if the server
// closes it with another code, or without one; on polling, which has no codes, and for
// code 0, any end passes. Earlier messages stay queued.
func (c *Conn) WantClosed(code int) {
	c.env.t.Helper()
	if err := c.wait(); err != nil {
		c.env.t.Fatalf("%s wants to be closed, but %v", c.name, err)
	}
	var closed *ws.CloseError
	switch {
	case code == 0 || c.Transport() == Polling:
	case !errors.As(c.end, &closed):
		c.env.t.Fatalf("%s wants to be closed with code %d, but ends: %v", c.name, code, c.end)
	case int(closed.Code) != code:
		c.env.t.Fatalf("%s wants to be closed with code %d, but is with %d %q", c.name, code, closed.Code, closed.Reason)
	}
}

// Say writes Engine.IO packets, in one request on polling: a string is a packet
// ("42[\"hello\"]"), a []byte a binary message. It returns at once. The test fails if
// the connection has ended.
func (c *Conn) Say(packets ...any) {
	c.env.t.Helper()
	if err := checkPackets(packets); err != nil {
		c.env.t.Fatalf("%s: %v", c.name, err)
	}
	if err := c.said.put(unit{packets: packets}); err != nil {
		c.env.t.Fatalf("%s can't say %.100q: %v", c.name, packets, err)
	}
}

// TrySay is like Say but waits until the packets are written, on polling until the server
// has answered, and returns an error instead of failing the test.
func (c *Conn) TrySay(packets ...any) error {
	if err := checkPackets(packets); err != nil {
		return err
	}
	return c.await(unit{packets: packets})
}

// await queues a unit and waits until it is done.
func (c *Conn) await(u unit) error {
	u.done = make(chan error, 1)
	if err := c.said.put(u); err != nil {
		return err
	}
	return <-u.done // even after the end: the writing goroutine empties its queue
}

func checkPackets(packets []any) error {
	for _, p := range packets {
		switch p.(type) {
		case string, []byte:
		default:
			return fmt.Errorf("siotest: a packet is a string or a []byte, not %T", p)
		}
	}
	return nil
}

// TryHear waits for the next message: a string beginning with 4, or a []byte. It is
// for connections without a Join.
func (c *Conn) TryHear() (any, error) { return c.heard.next(c.env.patience) }

// Hear waits for messages, and fails the test if other messages arrive. A packet is a
// string, in which * matches any text, or a []byte. Pings and other packets that are not
// messages are skipped. It is for connections without a Join.
func (c *Conn) Hear(packets ...any) {
	c.env.t.Helper()
	if err := checkPackets(packets); err != nil {
		c.env.t.Fatalf("%s: %v", c.name, err)
	}
	for _, want := range packets {
		got, err := c.TryHear()
		if err != nil {
			c.env.t.Fatalf("%s wants to hear %s, but %v", c.name, show(want), err)
		}
		if !matches(want, got) {
			c.env.t.Fatalf("%s wants to hear %s, but hears %s", c.name, show(want), show(got))
		}
	}
}

// HearNothing is like Client.WantNothing, for a connection without a Join.
func (c *Conn) HearNothing() {
	c.env.t.Helper()
	c.env.quiet()
	if got, ok, _, _ := c.heard.take(); ok {
		c.env.t.Fatalf("%s wants to hear nothing, but hears %s", c.name, show(got))
	}
}

func matches(want, got any) bool {
	w, wantsText := want.(string)
	g, isText := got.(string)
	switch {
	case wantsText != isText:
		return false
	case !isText:
		return string(want.([]byte)) == string(got.([]byte))
	case !strings.Contains(w, "*"):
		return w == g
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(w), `\*`, ".*")
	return regexp.MustCompile("(?s)^" + pattern + "$").MatchString(g)
}

func show(packet any) string {
	if b, is := packet.([]byte); is {
		return shorten(fmt.Sprintf("<% x>", b))
	}
	return shorten(packet.(string))
}

// Transcript returns the packets sent and received so far.
func (c *Conn) Transcript() Transcript {
	return c.rec.transcript(c.env.ids.all())
}

// WantTranscript compares the transcript with a text as Transcript.String makes it; space
// around lines does not count. It first waits like Client.WantNothing.
func (c *Conn) WantTranscript(want string) {
	c.env.t.Helper()
	c.env.quiet()
	got := c.Transcript().String()
	if g, w := trimLines(got), trimLines(want); !slices.Equal(g, w) {
		i := 0
		for i < len(g) && i < len(w) && g[i] == w[i] {
			i++
		}
		c.env.t.Fatalf("%s: the transcript differs in line %d:\n%s\nwant:\n%s", c.name, i+1, strings.Join(g, "\n"), strings.Join(w, "\n"))
	}
}

func trimLines(s string) []string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
