// SPDX-License-Identifier: MIT

// This file holds conn: one Engine.IO connection, the sockets multiplexed on it,
// and the way of each packet to its socket.

package socketio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"socketio/engineio"
	"socketio/internal/lock"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// WebSocket close codes that we send.
const (
	closeProtocol uint16 = 1002
	closePolicy   uint16 = 1008
	closeInternal uint16 = 1011

	closeInvalidData uint16 = 1007
)

const (
	// A client may be refused this often, may answer this often what nobody asked, and
	// may ask this often to join a namespace, within rateWindow.
	maxRefusals  = 20
	maxStrayAcks = 1000
	maxJoins     = 2000
	rateWindow   = 1000 // rateTicks
	rateTick     = 10e6 // ns
	// While an acknowledgement is awaited, an inbox takes this many times its
	// bound.
	awaitFactor = 4
)

var (
	errProtocol     = errors.New("socketio: protocol violation")
	errInvalidUTF8  = errors.New("socketio: a text message is not valid UTF-8")
	errCodec        = errors.New("socketio: the codec can't encode a packet of the protocol")
	errNoConnect    = errors.New("socketio: the client joined no namespace in time")
	errIncomplete   = errors.New("socketio: attachments did not arrive in time")
	errManyRefusals = errors.New("socketio: too many refused connections to namespaces")
	errManyJoins    = errors.New("socketio: too many wishes to join a namespace")
	errManyAcks     = errors.New("socketio: too many acknowledgements that nobody asked for")
)

// A rate counts what happens within rateWindow.
type rate struct {
	count uint32
	since uint32 // in ticks, by Server.now; it wraps
}

// add counts one more. It reports whether that is more than limit.
func (r *rate) add(now int64, limit uint32) (over bool) {
	if tick := uint32(now / rateTick); tick-r.since > rateWindow {
		r.since, r.count = tick, 0
	}
	r.count++
	return r.count > limit
}

// A conn is one Engine.IO connection. It implements engineio.Handler.
type conn struct {
	// Immutable after newConn.
	server *Server
	eio    *engineio.Conn

	// Owned by the read side: HandleMessage calls come one at a time.
	decoder   parser.PacketDecoder
	strayAcks rate
	joins     rate

	// Atomic; what waits in the inboxes of all sockets, those that have departed too.
	inboxBytes atomic.Int64
	inboxItems atomic.Int32

	// Guarded by mu; here because there is room.
	work int32 // sockets and searches of which something may still run; see doneLocked

	admitted atomic.Bool // some CONNECT is answered, or is about to be

	mu           lock.Mutex // guards the fields below; never held across a call to a Socket that locks it, or to user code
	sockets      []*Socket
	firstSockets [1]*Socket           // where sockets begins
	departed     map[*Socket]struct{} // off the connection, but handlers of theirs have yet to run
	searches     *searches            // for namespaces that do not exist yet; nil until the first
	left         []string             // namespaces the server left, the latest last: late packets for them are dropped
	turns        *turn                // CONNECTs that are not answered yet, in order; see turns.go
	starting     []*Socket            // sockets whose worker starts at the end of this read
	decoding     bool                 // a long text is being decoded: nothing is read meanwhile
	joined       bool                 // some namespace was joined once
	pending      bool                 // attachments are awaited: the timer runs for them
	closed       bool
	paused       bool // the engine was asked to stop reading
	waiting      int  // acknowledgements awaited on this connection

	refusals rate
}

func newConn(s *Server, eio *engineio.Conn) *conn {
	c := &conn{server: s, eio: eio, decoder: s.format.Codec().NewDecoder()}
	c.sockets = c.firstSockets[:0]
	if c.revision4() {
		c.joinRoot()
	} else {
		eio.SetTimer(s.opts.ConnectTimeout)
	}
	return c
}

// inlineText is the longest text that is decoded by the goroutine that reads: an
// event loop serves others too.
const inlineText = engineio.MaxInlineUTF8

// HandleMessage implements engineio.Handler.
func (c *conn) HandleMessage(binary bool, data []byte) {
	if len(data) > inlineText && (!binary || !c.server.format.Default()) {
		c.decodeLater(binary, bytes.Clone(data))
		return
	}
	c.decode(binary, data)
}

// decodeLater decodes a long message on a goroutine of its own. Nothing more is read
// until that is done, so the order stays.
func (c *conn) decodeLater(binary bool, data []byte) {
	c.mu.Lock()
	c.decoding = true
	c.mu.Unlock()
	c.checkInboxes()
	c.server.workers.Begin()
	// One per connection at a time; ends when the text is decoded; counted by
	// Server.workers.
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
	defer func() {
		if v := recover(); v != nil { // as an event loop would: one connection pays
			c.server.opts.Logger.Error("panic while decoding", "error", telemetry.Error(v), "stack", string(debug.Stack()))
			c.abort(fmt.Errorf("%w: %v", errProtocol, v))
		}
	}()
	if !binary && !utf8.Valid(data) {
		c.eio.Abort(engineio.ReasonTransportError, errInvalidUTF8, closeInvalidData, "")
		return
	}
	c.decode(binary, data)
}

func (c *conn) decode(binary bool, data []byte) {
	limits := c.server.format.Limits()
	if c.revision4() {
		limits = &c.server.limits4
	}
	p, ok, err := c.decoder.Add(limits, binary, data)
	if err != nil {
		c.abort(err)
		return
	}
	if !ok {
		if err := c.checkAwaited(); err != nil {
			if d, ok := c.decoder.(interface{ Reset() }); ok {
				d.Reset() // the connection may take its time to close
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

// checkAwaited refuses to gather the attachments of a packet that no socket can take: of
// a namespace that was not joined.
func (c *conn) checkAwaited() error {
	d, ok := c.decoder.(interface {
		Awaited() (parser.Type, string, bool)
	})
	if !ok { // another format: it tells at the end for whom the packet is
		c.mu.Lock()
		defer c.mu.Unlock()
		if !c.joined && !c.closed {
			return fmt.Errorf("%w: a packet of several messages before a namespace was joined", errProtocol)
		}
		return nil
	}
	t, namespace, ok := d.Awaited()
	if !ok {
		return nil
	}
	if c.revision4() {
		namespace, _, _ = strings.Cut(namespace, "?")
	}
	c.mu.Lock()
	s := c.socketLocked(namespace)
	late := c.closed || slices.Contains(c.left, namespace)
	c.mu.Unlock()
	if s == nil && !late || s != nil && s.settledState() == stateJoining {
		return fmt.Errorf("%w: %s packet for a namespace that was not joined", errProtocol, t)
	}
	return nil
}

// HandleReadEnd implements engineio.Handler: the workers start when all that one
// read brought is in the inboxes, so that they see a burst as one.
func (c *conn) HandleReadEnd() {
	for {
		c.mu.Lock()
		i := 0
		for i < len(c.starting) && !c.mayStartLocked(c.starting[i]) {
			i++
		}
		if i == len(c.starting) {
			c.mu.Unlock()
			return
		}
		s := c.starting[i]
		c.starting = slices.Delete(c.starting, i, i+1)
		c.mu.Unlock()
		s.startWorker()
	}
}

// startLater starts the worker of a socket at the end of this read.
func (c *conn) startLater(s *Socket) {
	c.mu.Lock()
	c.starting = append(c.starting, s)
	c.mu.Unlock()
}

// awaitAttachments starts or stops the clock for the attachments of a packet.
func (c *conn) awaitAttachments(pending bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := c.pending != pending
	c.pending = pending
	switch {
	case !changed:
	case pending:
		c.eio.SetTimer(c.server.opts.AttachmentTimeout)
	case c.joined, c.revision4():
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
	idle := !c.pending && (c.joined || c.revision4())
	if c.pending && c.paused { // they may be there, unread
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
		s.push(item{kind: itemUpgrade})
	}
}

// HandleClose implements engineio.Handler.
func (c *conn) HandleClose(reason engineio.CloseReason, err error) {
	c.mu.Lock()
	c.closed = true
	paused := c.paused
	sockets := c.sockets
	c.sockets, c.departed = nil, nil
	c.searches.endAll()
	c.searches = nil
	if c.work > 0 {
		c.eio.Outlive(int(c.inboxBytes.Load()))
	}
	c.endTurnsLocked()
	c.mu.Unlock()
	r := DisconnectReason(reason)
	if errors.Is(err, engineio.ErrShutdown) {
		r = ReasonShutdown
	}
	for _, s := range sockets {
		s.peerGone(r, err)
	}
	if paused {
		c.tellPressure(PressureObserver.ReadingResumed)
	}
}

// abort ends the connection because the client broke the protocol.
func (c *conn) abort(err error) {
	c.eio.Abort(engineio.ReasonForcedClose, err, closeProtocol, "")
}

// route takes a packet to its socket.
func (c *conn) route(p parser.Packet) {
	if c.revision4() {
		cutQuery(&p)
	}
	if p.Type == parser.TypeConnect {
		c.handleConnect(p)
		return
	}
	c.mu.Lock()
	s := c.socketLocked(p.Namespace)
	left := slices.Contains(c.left, p.Namespace)
	closed := c.closed
	c.mu.Unlock()
	if s == nil {
		if p.Type == parser.TypeDisconnect && c.takeBack(p.Namespace) {
			c.countRefusal()
			return
		}
		if !left && !closed {
			c.abort(fmt.Errorf("%w: %s packet for a namespace that was not joined", errProtocol, p.Type))
		}
		return
	}
	switch p.Type {
	case parser.TypeEvent, parser.TypeBinaryEvent:
		if !s.handleEvent(p) {
			c.abort(fmt.Errorf("%w: event before the namespace was joined", errProtocol))
		}
	case parser.TypeAck, parser.TypeBinaryAck:
		if !s.handleAck(p) && c.strayAcks.add(c.server.now(), maxStrayAcks) {
			c.eio.Abort(engineio.ReasonForcedClose, errManyAcks, closePolicy, "")
		}
	case parser.TypeDisconnect:
		c.forget(s, false)
		if !s.peerGone(ReasonClientDisconnect, nil) {
			c.countRefusal() // a CONNECT taken back costs as much as one refused
		}
		c.checkInboxes()
	default:
		c.abort(fmt.Errorf("%w: a client sent a %s packet", errProtocol, p.Type))
	}
}

// handleConnect begins the life of a socket.
func (c *conn) handleConnect(p parser.Packet) {
	ns, parents := c.server.registry.find(p.Namespace)
	if ns == nil && (len(parents) == 0 || len(p.Namespace) > maxNamespaceName) {
		c.tellRefused(nil, noSuch)
		c.refuse(p.Namespace, noSuch)
		return
	}
	o := &c.server.opts
	if c.joins.add(c.server.now(), maxJoins) {
		c.release(ns)
		c.eio.Abort(engineio.ReasonForcedClose, errManyJoins, closePolicy, "")
		return
	}
	c.mu.Lock()
	twice := c.socketLocked(p.Namespace) != nil || c.searches.find(p.Namespace) != nil
	full := len(c.sockets)+c.searches.len() >= o.MaxNamespaces
	large := c.authTooLargeLocked(len(p.Data))
	var s *Socket
	var sr *search
	switch {
	case twice, full, large != "", c.closed:
	case ns != nil:
		s = c.addSocketLocked(ns, p.Data)
		if t := c.takeTurnLocked(s, len(ns.middlewareChain()) > 0); !c.mayStartLocked(s) {
			t.until = 0 // nobody waits for it
		}
	default:
		sr = c.newSearchLocked(p.Namespace, p.Data, parents)
		if t := c.takeTurnLocked(sr, true); sr.asks && c.searches.asking+len(c.searches.waiting) > maxSearches {
			t.until = c.server.now() + 4*int64(makeLimit) // it waits for others
		}
	}
	c.mu.Unlock()
	if s == nil {
		c.release(ns)
	}
	switch {
	case twice:
		c.abort(fmt.Errorf("%w: CONNECT to a namespace that was joined or is being joined", errProtocol))
	case full:
		c.tellRefused(ns, tooMany)
		c.refuse(p.Namespace, tooMany)
	case large != "":
		c.tellRefused(ns, large)
		c.refuse(p.Namespace, large)
	case s != nil:
		s.start()
	case sr != nil:
		c.startSearch()
	}
}

// authTooLargeLocked says what is wrong with an auth of n bytes, which is kept for the
// life of its socket; "" if nothing is.
func (c *conn) authTooLargeLocked(n int) string {
	o := &c.server.opts
	if n > o.MaxAuthBytes {
		return fmt.Sprintf("auth too large: %d bytes, at most %d", n, o.MaxAuthBytes)
	}
	if n == 0 {
		return ""
	}
	for _, s := range c.sockets {
		n += len(s.auth)
	}
	for s := range c.departed {
		n += len(s.auth)
	}
	for _, sr := range c.searches.all() {
		n += len(sr.auth)
	}
	if n > o.MaxConnAuthBytes {
		return fmt.Sprintf("auth too large: %d bytes with that of the client's other namespaces, at most %d", n, o.MaxConnAuthBytes)
	}
	return ""
}

// addSocketLocked begins the life of a socket.
func (c *conn) addSocketLocked(ns *Namespace, auth []byte) *Socket {
	s := newSocket(ns, c, auth)
	c.sockets = append(c.sockets, s)
	c.work++
	c.hereLocked(ns.name)
	return s
}

// hereLocked tells that the client asks for a namespace anew.
func (c *conn) hereLocked(namespace string) {
	if i := slices.Index(c.left, namespace); i >= 0 {
		c.left = slices.Delete(c.left, i, i+1)
	}
}

// release takes back the user of a namespace that registry.find has counted.
func (c *conn) release(ns *Namespace) {
	if ns != nil {
		c.server.registry.release(ns)
	}
}

// logRefused logs a CONNECT that does not get as far as a socket.
func (c *conn) logRefused(namespace, message string) {
	log := c.server.opts.Logger
	if !log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	switch message {
	case noSuch:
		message += ": no Of, OfPattern or OfMatch has that name"
	case tooMany:
		message += ": at most Options.MaxNamespaces for one client"
	}
	log.Debug("a namespace was refused", "nsp", telemetry.Text(namespace), "conn", c.eio.Number(), "error", message)
}

// countRefusal bounds how often a client may ask in vain. It reports false once
// that was too often and the connection is closed.
func (c *conn) countRefusal() bool {
	now := c.server.now()
	c.mu.Lock()
	tooMany := c.refusals.add(now, maxRefusals)
	c.mu.Unlock()
	if tooMany {
		c.eio.Abort(engineio.ReasonForcedClose, errManyRefusals, closePolicy, "")
		return false
	}
	return true
}

// send gives a message to the engine; nil, which is one that could not be encoded,
// ends the connection. An error means that the connection is
// closed, of which HandleClose tells.
func (c *conn) send(m *engineio.Message) error {
	if m == nil {
		c.eio.Abort(engineio.ReasonForcedClose, errCodec, closeInternal, "")
		return ErrClosed
	}
	switch err := c.eio.Send(m); {
	case errors.Is(err, engineio.ErrClosed):
		return ErrClosed
	case errors.Is(err, engineio.ErrDropped):
		return ErrDropped
	default:
		return err
	}
}

// socketJoined stops the clock that runs until the first namespace is joined, and puts
// the socket behind those that joined before: that is the order in which they end.
func (c *conn) socketJoined(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.sockets, s); i >= 0 && i < len(c.sockets)-1 {
		c.sockets = append(slices.Delete(c.sockets, i, i+1), s)
	}
	if !c.joined && !c.pending {
		c.eio.SetTimer(0)
	}
	if !c.joined {
		c.joined = true
		c.eio.Established()
	}
}

// forget takes a socket off the connection. late tells that the client may not
// know yet and still send packets for it. Until settled is called, what waits in
// its inbox counts: leaving and joining again is no way around the bound.
func (c *conn) forget(s *Socket, late bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.sockets, s)
	if i < 0 {
		return
	}
	c.sockets = slices.Delete(c.sockets, i, i+1)
	if c.departed == nil {
		c.departed = make(map[*Socket]struct{})
	}
	c.departed[s] = struct{}{}
	if !late {
		return
	}
	// A client that knows can't be told from one that does not, so names stay until
	// there are too many: the oldest are of long ago.
	if len(c.left) >= 2*c.server.opts.MaxNamespaces {
		c.left = slices.Delete(c.left, 0, 1)
	}
	c.left = append(c.left, s.ns.name)
}

// settled tells that no handler of a departed socket will run any more.
func (c *conn) settled(s *Socket) {
	c.mu.Lock()
	delete(c.departed, s)
	c.doneLocked()
	paused, held := c.paused, len(c.starting) > 0
	c.mu.Unlock()
	if paused {
		c.checkInboxes()
	}
	if held && c.revision4() {
		c.HandleReadEnd()
	}
}

// doneLocked tells that of one socket, or search, nothing runs any more. Until then a
// connection that has ended counts as one.
func (c *conn) doneLocked() {
	if c.work--; c.work == 0 && c.closed {
		c.eio.Settled()
	}
}

// allSockets returns the sockets of the connection: those that have joined in the order
// in which they did.
func (c *conn) allSockets() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sockets)
}

// socketLocked finds the socket of a namespace. There are few, most often one.
func (c *conn) socketLocked(namespace string) *Socket {
	for _, s := range c.sockets {
		if s.ns.name == namespace {
			return s
		}
	}
	return nil
}

// maxUnjoined is what a compressed message may inflate to, in bytes, before its client
// has joined a namespace.
const maxUnjoined = 64 << 10

// MaxInflated says what a compressed message may inflate to now; see engineio.Handler.
func (c *conn) MaxInflated() int {
	if c.admitted.Load() || c.revision4() {
		return c.server.opts.MaxHTTPBufferSize
	}
	return maxUnjoined
}
