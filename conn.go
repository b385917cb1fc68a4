// SPDX-License-Identifier: MIT

// This file holds conn: one Engine.IO connection, the sockets multiplexed on it,
// and the way of each packet to its socket.

package socketio

import (
	"errors"
	"fmt"
	"sync"

	"socketio/engineio"
	"socketio/parser"
)

// WebSocket close codes that we send.
const (
	closeProtocol uint16 = 1002
	closePolicy   uint16 = 1008
)

const (
	// A client may be refused this often within refusalWindow.
	maxRefusals   = 20
	refusalWindow = 10e9 // ns
	// While an acknowledgement is awaited, an inbox takes this many times its
	// bound.
	awaitFactor = 4
)

var (
	errProtocol     = errors.New("socketio: protocol violation")
	errNoConnect    = errors.New("socketio: the client joined no namespace in time")
	errIncomplete   = errors.New("socketio: attachments did not arrive in time")
	errManyRefusals = errors.New("socketio: too many refused connections to namespaces")
)

// A conn is one Engine.IO connection. It implements engineio.Handler.
type conn struct {
	// Immutable after newConn.
	server *Server
	eio    *engineio.Conn

	// Owned by the read side: HandleMessage calls come one at a time.
	decoder       parser.Decoder
	refusals      int
	refusalsSince int64

	mu      sync.Mutex // guards the fields below; never held across a call to a Socket that locks it, or to user code
	sockets map[string]*Socket
	left    map[string]struct{} // namespaces the server left: late packets for them are dropped
	joined  bool                // some namespace was joined once
	pending bool                // attachments are awaited: the timer runs for them
	closed  bool
	waiting int  // acknowledgements awaited on this connection
	paused  bool // the engine was asked to stop reading
}

func newConn(s *Server, eio *engineio.Conn) *conn {
	c := &conn{server: s, eio: eio, sockets: make(map[string]*Socket, 1)}
	eio.SetTimer(s.opts.ConnectTimeout)
	return c
}

// HandleMessage implements engineio.Handler.
func (c *conn) HandleMessage(binary bool, data []byte) {
	p, ok, err := c.decoder.Add(&c.server.limits, binary, data)
	if err != nil {
		c.abort(err)
		return
	}
	if !ok {
		c.awaitAttachments(true)
		return
	}
	if p.Type.Binary() {
		c.awaitAttachments(false)
	}
	c.route(p)
}

// awaitAttachments starts or stops the clock for the attachments of a packet.
func (c *conn) awaitAttachments(pending bool) {
	c.mu.Lock()
	changed := c.pending != pending
	c.pending = pending
	joined := c.joined
	c.mu.Unlock()
	switch {
	case !changed:
	case pending:
		c.eio.SetTimer(c.server.opts.AttachmentTimeout)
	case joined:
		c.eio.SetTimer(0)
	default:
		c.eio.SetTimer(c.server.opts.ConnectTimeout)
	}
}

// HandleTimer implements engineio.Handler: nothing was joined, or attachments
// did not come.
func (c *conn) HandleTimer() {
	c.mu.Lock()
	err := errNoConnect
	if c.pending {
		err = errIncomplete
	}
	idle := !c.pending && c.joined
	c.mu.Unlock()
	if !idle {
		c.eio.Abort(engineio.ReasonForcedClose, err, closePolicy, "")
	}
}

// HandleUpgrade implements engineio.Handler.
func (c *conn) HandleUpgrade() {}

// HandleClose implements engineio.Handler.
func (c *conn) HandleClose(reason engineio.CloseReason, err error) {
	c.mu.Lock()
	c.closed = true
	sockets := c.sockets
	c.sockets = nil
	c.mu.Unlock()
	r := DisconnectReason(reason)
	if c.server.closing.Load() {
		r = ReasonShutdown
	}
	for _, s := range sockets {
		s.peerGone(r, err)
	}
}

// abort ends the connection because the client broke the protocol.
func (c *conn) abort(err error) {
	c.eio.Abort(engineio.ReasonForcedClose, err, closeProtocol, "")
}

// route takes a packet to its socket.
func (c *conn) route(p parser.Packet) {
	if p.Type == parser.Connect {
		c.handleConnect(p)
		return
	}
	c.mu.Lock()
	s := c.sockets[p.Namespace]
	_, left := c.left[p.Namespace]
	closed := c.closed
	c.mu.Unlock()
	if s == nil {
		if !left && !closed {
			c.abort(fmt.Errorf("%w: %s packet for a namespace that was not joined", errProtocol, p.Type))
		}
		return
	}
	switch p.Type {
	case parser.Event, parser.BinaryEvent:
		if !s.handleEvent(p) {
			c.abort(fmt.Errorf("%w: event before the namespace was joined", errProtocol))
		}
	case parser.Ack, parser.BinaryAck:
		s.handleAck(p)
	case parser.Disconnect:
		c.forget(s, false)
		s.peerGone(ReasonClientDisconnect, nil)
	default:
		c.abort(fmt.Errorf("%w: a client sent a %s packet", errProtocol, p.Type))
	}
}

// handleConnect begins the life of a socket.
func (c *conn) handleConnect(p parser.Packet) {
	ns := c.server.namespace(p.Namespace)
	if ns == nil {
		c.refuse(p.Namespace, "Invalid namespace")
		return
	}
	c.mu.Lock()
	_, twice := c.sockets[p.Namespace]
	full := len(c.sockets) >= c.server.opts.MaxNamespaces
	var s *Socket
	if !twice && !full && !c.closed {
		s = newSocket(ns, c, p.Data)
		c.sockets[p.Namespace] = s
		delete(c.left, p.Namespace)
	}
	c.mu.Unlock()
	switch {
	case twice:
		c.abort(fmt.Errorf("%w: CONNECT to a namespace that was joined or is being joined", errProtocol))
	case full:
		c.refuse(p.Namespace, "Too many namespaces")
	case s != nil:
		s.start()
	}
}

// refuse answers a CONNECT that does not get as far as a socket.
func (c *conn) refuse(namespace, message string) {
	if !c.countRefusal() {
		return
	}
	c.send(c.server.encodeConnectError(namespace, &ConnectError{Message: message}))
}

// countRefusal bounds how often a client may ask in vain. It is called by the
// read side.
func (c *conn) countRefusal() bool {
	now := c.server.now()
	if now-c.refusalsSince > refusalWindow {
		c.refusalsSince, c.refusals = now, 0
	}
	c.refusals++
	if c.refusals > maxRefusals {
		c.eio.Abort(engineio.ReasonForcedClose, errManyRefusals, closePolicy, "")
		return false
	}
	return true
}

// send gives a message to the engine. An error means that the connection is
// closed, of which HandleClose tells.
func (c *conn) send(m *engineio.Message) error {
	err := c.eio.Send(m)
	if errors.Is(err, engineio.ErrClosed) {
		return ErrClosed
	}
	return err
}

// socketJoined stops the clock that runs until the first namespace is joined.
func (c *conn) socketJoined() {
	c.mu.Lock()
	first := !c.joined
	c.joined = true
	pending := c.pending
	c.mu.Unlock()
	if first && !pending {
		c.eio.SetTimer(0)
	}
}

// forget takes a socket off the connection. late tells that the client may not
// know yet and still send packets for it.
func (c *conn) forget(s *Socket, late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sockets[s.ns.name] != s {
		return
	}
	delete(c.sockets, s.ns.name)
	if late {
		if c.left == nil {
			c.left = make(map[string]struct{})
		}
		c.left[s.ns.name] = struct{}{}
	}
}

// allSockets returns the sockets of the connection.
func (c *conn) allSockets() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*Socket, 0, len(c.sockets))
	for _, s := range c.sockets {
		all = append(all, s)
	}
	return all
}

func (c *conn) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// awaitBegins and awaitEnds count the acknowledgements awaited on this
// connection: while there are any, it is read beyond the bound of an inbox.
func (c *conn) awaitBegins() { c.changeWaiting(1) }
func (c *conn) awaitEnds()   { c.changeWaiting(-1) }

func (c *conn) changeWaiting(d int) {
	c.mu.Lock()
	c.waiting += d
	c.mu.Unlock()
	c.checkInboxes()
}

// checkInboxes stops or resumes reading as the inboxes ask. Pausing and resuming
// are done under mu, so that the last decision is the one that stays.
func (c *conn) checkInboxes() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	factor := 1
	if c.waiting > 0 {
		factor = awaitFactor
	}
	full, low := false, true
	for _, s := range c.sockets {
		f, l := s.inbox.level(&c.server.opts, factor)
		full = full || f
		low = low && l
	}
	switch {
	case full && !c.paused:
		c.paused = true
		c.eio.Pause()
	case c.paused && low:
		c.paused = false
		c.eio.Resume()
	}
	if full && c.waiting > 0 {
		for _, s := range c.sockets {
			s.acks.fail(ErrInboxFull)
		}
	}
}
