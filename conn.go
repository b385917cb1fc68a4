// SPDX-License-Identifier: MIT

// This file holds conn: one Engine.IO connection, and the path of each packet to its
// socket. The sockets multiplexed on it are in conn_slots.go, their CONNECTs in
// conn_connect.go.

package socketio

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"socketio/engineio"
	"socketio/internal/ack"
	"socketio/internal/call"
	"socketio/internal/lock"
	"socketio/internal/slots"
	"socketio/internal/telemetry"
	"socketio/internal/turns"
	"socketio/parser"
)

// WebSocket close codes that we send.
const (
	closeProtocol uint16 = 1002
	closePolicy   uint16 = 1008
	closeInternal uint16 = 1011

	closeInvalidData uint16 = 1007
)

// While an acknowledgement is awaited, the inboxes may hold this many times their bound.
const awaitFactor = 4

var (
	errProtocol     = errors.New("socketio: protocol violation")
	errInvalidUTF8  = errors.New("socketio: a text message is not valid UTF-8")
	errCodec        = errors.New("socketio: the codec can't encode a packet of the protocol")
	errNoConnect    = errors.New("socketio: the client joined no namespace in time")
	errIncomplete   = errors.New("socketio: attachments did not arrive in time")
	errManyRefusals = errors.New("socketio: too many rejected CONNECTs")
	errManyJoins    = errors.New("socketio: too many CONNECTs")
	errManyAcks     = errors.New("socketio: too many unsolicited acknowledgements")
)

// A conn is one Engine.IO connection. It implements engineio.Handler.
type conn struct {
	// Immutable after newConn.
	server *Server
	eio    *engineio.Conn

	spare atomic.Pointer[spare] // what most connections do not need; nil until it is

	// Atomic; the items in the inboxes of all sockets, including departed ones.
	inboxBytes atomic.Int64
	inboxItems atomic.Int32

	awaited ack.Count // acknowledgements, from all sockets

	joined atomic.Bool // a namespace has been joined, or is about to be; written under mu
	paused atomic.Bool // the engine was asked to stop reading; written under mu

	// Guarded by mu; here because they need no padding.
	work     int32 // sockets and searches that may still run code; see doneLocked
	decoding bool  // a long text is being decoded; reading waits for that
	pending  bool  // attachments are awaited; the timer is for them
	closed   bool

	asked bool // for a namespace, by a CONNECT; owned by the read side

	first atomic.Pointer[Socket] // comes before those of spare.crowd: a lone event takes no lock

	turns turns.Line // CONNECTs without an answer, in order

	mu    lock.Mutex                  // guards the fields below; never held across a call to a Socket that locks it, or to user code
	slots slots.Table[Socket, search] // by namespace; Recent needs no lock
}

// A spare is what most connections do not need.
type spare struct {
	// Owned by the read side: HandleMessage calls come one at a time.
	decoder   parser.PacketDecoder // nil until it is needed; see conn.add
	strayAcks rate
	joins     rate // but for the first

	crowd crowd

	// Guarded by conn.mu.
	searches *searches // for namespaces that do not exist yet; nil until the first
	refusals rate
}

// have returns what most connections do not need, for something to be put there.
func (c *conn) have() *spare {
	if s := c.spare.Load(); s != nil {
		return s
	}
	c.spare.CompareAndSwap(nil, new(spare))
	return c.spare.Load()
}

// A crowd is the sockets whose workers start at the end of this read, but for the first.
type crowd struct {
	waits   atomic.Bool // sockets is not empty; written under conn.mu
	sockets []*Socket   // guarded by conn.mu
}

// heldLocked reports whether sockets wait for the end of a read.
func (c *conn) heldLocked() bool {
	spare := c.spare.Load()
	return spare != nil && len(spare.crowd.sockets) > 0
}

func newConn(s *Server, eio *engineio.Conn) *conn {
	c := &conn{server: s, eio: eio}
	if c.legacy() {
		c.joinRoot()
	} else {
		eio.SetTimer(s.opts.ConnectTimeout)
	}
	return c
}

// legacy reports whether the client speaks Socket.IO 1 or 2; see legacy.go.
func (c *conn) legacy() bool { return c.eio.Revision() == 3 }

// inlineText is the length of the longest text that is decoded by the goroutine that
// reads, which may be an event loop.
const inlineText = engineio.MaxInlineUTF8

// HandleMessage implements engineio.Handler.
func (c *conn) HandleMessage(binary bool, data []byte) {
	if g := c.server.gate; g != nil && g.Lapsed() || len(data) > inlineText && (!binary || !c.server.format.Default()) {
		if !c.eio.TakeMessage() {
			data = bytes.Clone(data)
		}
		c.decodeLater(binary, data)
		return
	}
	c.decode(binary, data, binary && c.eio.TakeMessage())
}

// Warm reads from the memory that the path of an event visits; see engineio.Handler.
func (c *conn) Warm() int {
	n := 0
	if c.server.gate != nil || c.paused.Load() {
		n++
	}
	s := c.slots.Last()
	if s == nil {
		return n
	}
	if s.conn != c || s.state.Load() == stateGone {
		n++
	}
	return n + s.on.events.Now().Len()
}

// decodeLater decodes a message on a goroutine of its own: a long one, or one that waits
// for the gate. Reading waits for it, so the order is kept.
func (c *conn) decodeLater(binary bool, data []byte) {
	c.mu.Lock()
	c.decoding = true
	c.mu.Unlock()
	c.checkInboxes()
	c.server.workers.Begin()
	// One per connection at a time; ends when the message is decoded, or with the
	// connection; counted by Server.workers.
	go func() {
		defer c.server.workers.End()
		c.decodeLong(binary, data)
		c.HandleReadEnd()
		c.mu.Lock()
		c.decoding = false
		c.mu.Unlock()
		c.checkInboxes()
	}()
}

func (c *conn) decodeLong(binary bool, data []byte) {
	if g := c.server.gate; g != nil && g.Lapsed() && (g.Await(c.eio.Context()) != nil || c.eio.Closed()) {
		return // its sessions may have been taken
	}
	if !binary && !utf8.Valid(data) {
		c.eio.Abort(engineio.ReasonTransportError, errInvalidUTF8, closeInvalidData, "")
		return
	}
	if p := call.Try(func() { c.decode(binary, data, true) }); p != nil { // as on an event loop, it ends this connection only
		c.server.opts.Logger.Error("panic while decoding", "error", telemetry.Error(p.Value), "stack", string(p.Stack))
		c.abort(fmt.Errorf("%w: %v", errProtocol, p.Value))
	}
}

// decode decodes a message. own means that nobody else uses data.
func (c *conn) decode(binary bool, data []byte, own bool) {
	limits := c.server.format.Limits()
	if c.legacy() {
		limits = &c.server.limits4
	}
	p, ok, err := c.add(limits, binary, data, own)
	if err != nil {
		c.abort(err)
		return
	}
	if !ok {
		if err := c.checkAwaited(); err != nil {
			if d, ok := c.have().decoder.(interface{ Reset() }); ok {
				d.Reset() // the connection may take long to close
			}
			c.abort(err)
			return
		}
		c.awaitAttachments(true)
		return
	}
	if p.Type.Binary() {
		c.awaitAttachments(false)
	}
	c.route(p)
}

// add passes a message to the decoder of the connection. A connection of the default format
// has none until it needs one: for a packet of several messages, or for the name of a
// namespace other than "/".
func (c *conn) add(l *parser.Limits, binary bool, data []byte, own bool) (p parser.Packet, ok bool, err error) {
	if spare := c.spare.Load(); spare != nil && spare.decoder != nil {
		if d, ok := spare.decoder.(*parser.Decoder); ok && own { // not one that embeds it: its Add would be passed over
			return d.AddOwned(l, binary, data)
		}
		return spare.decoder.Add(l, binary, data)
	}
	if !c.server.format.Default() {
		d := c.server.format.Codec().NewDecoder()
		c.have().decoder = d
		return d.Add(l, binary, data)
	}
	var d parser.Decoder // it is empty before and after most packets
	if own {
		p, ok, err = d.AddOwned(l, binary, data)
	} else {
		p, ok, err = d.Add(l, binary, data)
	}
	if d.Pending() || p.Namespace != "/" && err == nil {
		kept := d
		c.have().decoder = &kept
	}
	return p, ok, err
}

// checkAwaited rejects attachments of a packet whose namespace was not joined, before
// they arrive.
func (c *conn) checkAwaited() error {
	d, ok := c.have().decoder.(interface {
		Awaited() (parser.Type, string, bool)
	})
	if !ok { // another format, in which the namespace is known only at the end
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.joined.Load() && !c.closed {
			return fmt.Errorf("%w: a packet of several messages before a namespace was joined", errProtocol)
		}
		return nil
	}
	t, namespace, ok := d.Awaited()
	if !ok {
		return nil
	}
	if c.legacy() {
		namespace, _, _ = strings.Cut(namespace, "?")
	}
	c.mu.Lock()
	s, late := c.slots.Member(namespace)
	late = late || c.closed
	c.mu.Unlock()
	if s == nil && !late || s != nil && s.settledState() == stateJoining {
		return fmt.Errorf("%w: %s packet for a namespace that was not joined", errProtocol, t)
	}
	return nil
}

// HandleReadEnd implements engineio.Handler. The workers start when all packets of one
// read are in the inboxes, so that a burst is handled together.
func (c *conn) HandleReadEnd() {
	if s := c.first.Swap(nil); s != nil {
		s.runner().start()
	}
	spare := c.spare.Load()
	for spare != nil && spare.crowd.waits.Load() {
		waiting := &spare.crowd
		c.mu.Lock()
		i := slices.IndexFunc(waiting.sockets, c.mayStartLocked)
		if i < 0 {
			c.mu.Unlock()
			return
		}
		s := waiting.sockets[i]
		waiting.sockets = slices.Delete(waiting.sockets, i, i+1)
		waiting.waits.Store(len(waiting.sockets) > 0)
		c.mu.Unlock()
		s.runner().start()
	}
}

// startLater starts the worker of a socket at the end of this read. In revision 4 it may
// have to wait longer; see mayStartLocked.
func (c *conn) startLater(s *Socket) {
	if !c.legacy() && c.first.CompareAndSwap(nil, s) {
		return
	}
	c.mu.Lock()
	waiting := &c.have().crowd
	waiting.sockets = append(waiting.sockets, s)
	waiting.waits.Store(true)
	c.mu.Unlock()
}

// awaitAttachments starts or stops the timer for the attachments of a packet.
func (c *conn) awaitAttachments(pending bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.pending != pending
	c.pending = pending
	switch {
	case !changed:
	case pending:
		c.eio.SetTimer(c.server.opts.AttachmentTimeout)
	case c.joined.Load(), c.legacy():
		c.eio.SetTimer(0)
	default:
		c.eio.SetTimer(c.server.opts.ConnectTimeout)
	}
}

// HandleTimer implements engineio.Handler: no namespace was joined in time, or
// attachments did not arrive.
func (c *conn) HandleTimer() {
	c.mu.Lock()
	err := errNoConnect
	if c.pending {
		err = errIncomplete
	}
	idle := !c.pending && (c.joined.Load() || c.legacy())
	if c.pending && c.paused.Load() { // they may have arrived and not been read
		c.eio.SetTimer(c.server.opts.AttachmentTimeout)
		idle = true
	}
	c.mu.Unlock()
	if !idle {
		c.eio.Abort(engineio.ReasonForcedClose, err, closePolicy, "")
	}
}

// HandleUpgrade implements engineio.Handler.
func (c *conn) HandleUpgrade() {
	for _, s := range c.allSockets() {
		s.runner().push(item{kind: itemUpgrade})
	}
}

// HandleClose implements engineio.Handler.
func (c *conn) HandleClose(reason engineio.CloseReason, err error) {
	c.mu.Lock()
	c.closed = true
	paused := c.paused.Load()
	sockets := slices.Collect(c.slots.Members())
	for sr := range c.slots.Searchers() {
		sr.end()
	}
	if spare := c.spare.Load(); spare != nil {
		spare.searches.clear()
		spare.searches = nil
	}
	c.slots.Clear()
	if c.work > 0 {
		c.eio.Outlive(int(c.inboxBytes.Load()))
	}
	c.turns.EndAll()
	c.mu.Unlock()
	r := DisconnectReason(reason)
	if errors.Is(err, engineio.ErrShutdown) {
		r = ReasonShutdown
	}
	for _, s := range sockets {
		s.peerGone(r, err)
	}
	if paused {
		c.server.watch.readingResumed(c.eio)
	}
}

// abort closes the connection because the client violated the protocol.
func (c *conn) abort(err error) {
	c.eio.Abort(engineio.ReasonForcedClose, err, closeProtocol, "")
}

// route passes a packet to its socket.
func (c *conn) route(p parser.Packet) {
	if c.legacy() {
		cutQuery(&p)
	}
	if p.Type == parser.TypeConnect {
		c.handleConnect(p)
		return
	}
	s := c.slots.Recent(p.Namespace)
	if s == nil {
		if s = c.socketOf(&p); s == nil {
			return
		}
	}
	switch p.Type {
	case parser.TypeEvent, parser.TypeBinaryEvent:
		if !s.runner().handleEvent(p) {
			c.abort(fmt.Errorf("%w: event before the namespace was joined", errProtocol))
		}
	case parser.TypeAck, parser.TypeBinaryAck:
		if !s.runner().handleAck(p) && c.have().strayAcks.add(c.server.now(), maxStrayAcks) {
			c.eio.Abort(engineio.ReasonForcedClose, errManyAcks, closePolicy, "")
		}
	case parser.TypeDisconnect:
		c.forget(s, false)
		if !s.peerGone(ReasonClientDisconnect, nil) {
			c.countRefusal() // a CONNECT that the client revokes costs as much as a rejected one
		}
		c.checkInboxes()
	default:
		c.abort(fmt.Errorf("%w: a client sent a %s packet", errProtocol, p.Type))
	}
}

// socketOf returns the socket that a packet is for, or nil. In that case it ends the
// connection, unless the client may have sent the packet in good faith.
func (c *conn) socketOf(p *parser.Packet) *Socket {
	c.mu.Lock()
	s, late := c.slots.Member(p.Namespace)
	late = late || c.closed
	c.mu.Unlock()
	if s != nil {
		return s
	}
	switch {
	case p.Type == parser.TypeDisconnect && c.takeBack(p.Namespace):
		c.countRefusal()
	case !late:
		c.abort(fmt.Errorf("%w: %s packet for a namespace that was not joined", errProtocol, p.Type))
	}
	return nil
}

// send passes a message to the engine. A nil message is one that could not be encoded; it
// closes the connection. It returns ErrClosed if the connection has ended or is about to,
// of which HandleClose notifies the sockets; ErrQueueFull or ErrDropped, according to
// Overflow.
func (c *conn) send(m *engineio.Message) error {
	if m == nil {
		c.eio.Abort(engineio.ReasonForcedClose, errCodec, closeInternal, "")
		return ErrClosed
	}
	return queueError(c.eio.Send(m))
}

// maxUnjoined is the largest size, in bytes, to which a compressed message may inflate
// before its client has joined a namespace.
const maxUnjoined = 64 << 10

// MaxInflated returns the size to which a compressed message may inflate now; see
// engineio.Handler.
func (c *conn) MaxInflated() int {
	if c.joined.Load() || c.legacy() {
		return c.server.opts.MaxPayload
	}
	return maxUnjoined
}
