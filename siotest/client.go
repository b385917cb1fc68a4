// SPDX-License-Identifier: MIT

// This file holds Client: a client in one namespace.

package siotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"socketio/parser"
)

// The reasons for which a Client is disconnected, as in the JavaScript client.
const (
	// ServerDisconnect: the server has disconnected the socket.
	ServerDisconnect = "io server disconnect"
	// ClientDisconnect: the client has left the namespace.
	ClientDisconnect = "io client disconnect"
	// TransportClose: the connection has ended.
	TransportClose = "transport close"
	// PingTimeout: no ping of the server arrived in time.
	PingTimeout = "ping timeout"
)

// A gone is the reason why no more events arrive in a namespace.
type gone struct {
	reason string
	cause  error
}

func (g *gone) Error() string {
	if g.cause != nil {
		return fmt.Sprintf("it is disconnected: %s (%v)", g.reason, g.cause)
	}
	return "it is disconnected: " + g.reason
}

// A ConnectError reports that the server has rejected the client's request to join a
// namespace.
type ConnectError struct {
	Namespace string
	Message   string
	Data      json.RawMessage // data added by the server, or nil
}

func (e *ConnectError) Error() string {
	text := fmt.Sprintf("the server rejects %s: %s", e.Namespace, e.Message)
	if len(e.Data) > 0 {
		text += " " + string(e.Data)
	}
	return text
}

// A Client is a client that has joined a namespace. Events that arrive are kept in order
// until the test reads them.
type Client struct {
	conn      *Conn
	namespace string
	follows   bool // the connection had a client in the namespace before
	answered  bool // the server has answered CONNECT; owned by the reading goroutine

	joined  queue[joinAnswer] // one, when the server has answered
	id      string            // set by join
	arrived queue[*Event]

	mu       sync.Mutex // guards the fields below
	replies  map[int64]*Reply
	lastAck  int64
	handlers map[string]func(*Event)
}

// A joinAnswer is the server's answer to CONNECT.
type joinAnswer struct {
	id  string
	err error
}

// ID returns the id of the socket on the server.
func (c *Client) ID() string { return c.id }

// Namespace returns the name of the namespace.
func (c *Client) Namespace() string { return c.namespace }

// Conn returns the connection, which clients of other namespaces may share.
func (c *Client) Conn() *Conn { return c.conn }

// Link returns the network of the connection.
func (c *Client) Link() *Link { return c.conn.link }

// String returns the client's name, with the namespace if it is not "/".
func (c *Client) String() string {
	if c.namespace == "/" {
		return c.conn.name
	}
	return c.conn.name + " in " + c.namespace
}

// socketName is the name for the client's id in transcripts of other connections.
func (c *Client) socketName() string {
	if c.namespace == "/" {
		return c.conn.name + "'s socket"
	}
	return c.conn.name + "'s socket in " + c.namespace
}

func (c *Client) t() TB { return c.conn.env.t }

// post encodes a packet and passes it to the connection.
func (c *Client) post(p parser.Outgoing) error {
	if err := c.arrived.ended(); err != nil {
		return err
	}
	p.Namespace = c.namespace
	return c.conn.post(p)
}

// Emit sends an event. It returns at once: the client writes packets in order on its own
// goroutine. The test fails if the client is disconnected or a value can't be encoded.
func (c *Client) Emit(event string, args ...any) {
	c.t().Helper()
	if err := c.TryEmit(event, args...); err != nil {
		c.t().Fatalf("%s can't emit %q: %v", c, event, err)
	}
}

// Send emits the event "message".
func (c *Client) Send(args ...any) {
	c.t().Helper()
	c.Emit("message", args...)
}

// TryEmit is like Emit but returns an error instead of failing the test.
func (c *Client) TryEmit(event string, args ...any) error {
	return c.post(parser.Outgoing{Type: parser.TypeEvent, ID: parser.NoID, Event: event, Args: args})
}

// Ask emits an event with an acknowledgement and returns at once. The Reply receives the
// acknowledgement. The test fails if the event can't be sent.
func (c *Client) Ask(event string, args ...any) *Reply {
	c.t().Helper()
	r := &Reply{env: c.conn.env, client: c, event: event}
	c.mu.Lock()
	id := c.lastAck
	c.lastAck++
	c.replies[id] = r
	c.mu.Unlock()
	if err := c.post(parser.Outgoing{Type: parser.TypeEvent, ID: id, Event: event, Args: args}); err != nil {
		c.t().Fatalf("%s can't emit %q: %v", c, event, err)
	}
	return r
}

// EmitWithAck emits an event and waits for its acknowledgement. The test fails if none
// arrives.
func (c *Client) EmitWithAck(event string, args ...any) Args {
	c.t().Helper()
	return c.Ask(event, args...).Args()
}

// On calls fn for each later event with this name, in order, on the client's reading
// goroutine; such events are not kept for Want. fn may emit and acknowledge; it must not
// wait for other events, and must not end the test. A nil fn removes the handler.
func (c *Client) On(event string, fn func(*Event)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fn == nil {
		delete(c.handlers, event)
		return
	}
	c.handlers[event] = fn
}

// TryNext waits for the next event. It returns an error if none arrives.
func (c *Client) TryNext() (*Event, error) { return c.arrived.next(c.conn.env.patience) }

// Next waits for the next event. The test fails if none arrives.
func (c *Client) Next() *Event {
	c.t().Helper()
	e, err := c.TryNext()
	if err != nil {
		c.t().Fatalf("%s wants an event, but %v", c, err)
	}
	return e
}

// Want waits for the next event and fails the test if it is another one, or has other
// arguments. Arguments are equal if they have the same JSON and the same bytes. An Any is
// equal to any argument.
func (c *Client) Want(event string, args ...any) {
	c.t().Helper()
	wanted := fmt.Sprintf("%q %s", event, describe(c.conn.env.codec, args))
	e, err := c.TryNext()
	if err != nil {
		c.t().Fatalf("%s wants %s, but %v", c, wanted, err)
	}
	same, err := e.equals(args)
	if e.Name != event || err != nil || !same {
		c.t().Fatalf("%s wants %s, but gets %v%s", c, wanted, e, because(err))
	}
}

// WantEvent waits for the next event and fails the test if it has another name.
func (c *Client) WantEvent(event string) *Event {
	c.t().Helper()
	e, err := c.TryNext()
	if err != nil {
		c.t().Fatalf("%s wants %q, but %v", c, event, err)
	}
	if e.Name != event {
		c.t().Fatalf("%s wants %q, but gets %v", c, event, e)
	}
	return e
}

// Await waits for an event with this name and skips all others that arrive before it.
func (c *Client) Await(event string) *Event {
	c.t().Helper()
	var others []string
	for {
		e, err := c.TryNext()
		if err != nil {
			c.t().Fatalf("%s waits for %q, but %v; before that came: %s", c, event, err, shorten(strings.Join(others, ", ")))
		}
		if e.Name == event {
			return e
		}
		others = append(others, e.String())
	}
}

// WantNothing fails the test if there is an unread event. In a bubble it first waits
// until all goroutines are blocked, without any time passing; to include later events,
// let time pass before (time.Sleep). Outside a bubble it waits for ServerOptions.Quiet.
func (c *Client) WantNothing() {
	c.t().Helper()
	c.conn.env.quiet()
	if e, ok, _, _ := c.arrived.take(); ok {
		c.t().Fatalf("%s wants nothing, but gets %v", c, e)
	}
}

// Drain returns the unread events. In a bubble in which all goroutines are blocked these
// are all events; otherwise more may be in transit.
func (c *Client) Drain() []*Event { return c.arrived.drain() }

// Disconnect leaves the namespace. The connection stays open for its other namespaces.
func (c *Client) Disconnect() {
	c.t().Helper()
	if err := c.post(parser.Outgoing{Type: parser.TypeDisconnect, ID: parser.NoID}); err != nil {
		c.t().Fatalf("%s can't disconnect: %v", c, err)
	}
	c.leave(ClientDisconnect, nil)
}

// WantDisconnect waits until the client is disconnected. It fails the test if the reason
// is another one, or if an event arrives instead. The reasons are constants of this
// package.
func (c *Client) WantDisconnect(reason string) {
	c.t().Helper()
	e, err := c.TryNext()
	if err == nil {
		c.t().Fatalf("%s wants to be disconnected (%s), but gets %v", c, reason, e)
	}
	var g *gone
	if !errors.As(err, &g) || g.reason != reason {
		c.t().Fatalf("%s wants to be disconnected (%s), but %v", c, reason, err)
	}
}

// Disconnected returns the reason why the client is disconnected, or "" while it is
// connected.
func (c *Client) Disconnected() string {
	var g *gone
	if errors.As(c.arrived.ended(), &g) {
		return g.reason
	}
	return ""
}

// leave disconnects the client permanently.
func (c *Client) leave(reason string, cause error) {
	end := &gone{reason, cause}
	c.joined.close(end)
	c.arrived.close(end)
	c.mu.Lock()
	replies := c.replies
	c.replies = make(map[int64]*Reply)
	c.mu.Unlock()
	for _, r := range replies {
		r.answer.close(end)
	}
}

// handle handles a packet of the namespace, on the reading goroutine. It does not keep
// the packet's memory.
func (c *Client) handle(p parser.Packet) error {
	codec := c.conn.env.codec
	data := p.Data
	if !p.Type.Binary() {
		data = bytes.Clone(data)
	}
	args := Args{attachments: p.Attachments, codec: codec}
	switch p.Type {
	case parser.TypeConnect, parser.TypeConnectError:
		c.answered = true
	default:
		if c.follows && !c.answered {
			return nil // it was in transit to the client before
		}
	}
	switch p.Type {
	case parser.TypeConnect:
		var answer struct{ SID string }
		if err := codec.Decode(data, nil, &answer); err != nil || answer.SID == "" {
			return fmt.Errorf("siotest: a CONNECT without an id: %s %w", data, err)
		}
		c.conn.rec.names(answer.SID, "")
		c.conn.env.ids.add(answer.SID, c.socketName())
		return c.joined.put(joinAnswer{id: answer.SID})
	case parser.TypeConnectError:
		refusal := &ConnectError{Namespace: c.namespace}
		if err := codec.Decode(data, nil, refusal); err != nil {
			return fmt.Errorf("siotest: a CONNECT_ERROR with %s: %w", data, err)
		}
		return c.joined.put(joinAnswer{err: refusal})
	case parser.TypeDisconnect:
		c.leave(ServerDisconnect, nil)
	case parser.TypeAck, parser.TypeBinaryAck:
		args.raw = codec.SplitArray(nil, data)
		c.mu.Lock()
		r := c.replies[p.ID]
		delete(c.replies, p.ID)
		c.mu.Unlock()
		if r == nil && c.arrived.ended() != nil {
			return nil // it was in transit when the client left
		}
		if r == nil {
			return fmt.Errorf("siotest: the server acknowledges %d, which nobody asked", p.ID)
		}
		return r.answer.put(args)
	default:
		args.raw = codec.SplitArray(nil, data)[1:]
		e := &Event{Name: string(bytes.Clone(codec.EventName(data))), Args: args, env: c.conn.env, to: c, who: c.conn.name, id: p.ID}
		c.mu.Lock()
		fn := c.handlers[e.Name]
		c.mu.Unlock()
		if fn == nil {
			if err := c.arrived.put(e); errors.Is(err, errFull) {
				return err
			}
			break
		}
		fn(e)
	}
	return nil
}
