// SPDX-License-Identifier: MIT

// This file holds Conn: the life of one Engine.IO connection, what comes in and
// what goes out.

package engineio

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"socketio/internal/lock"
	"socketio/internal/wheel"
	"socketio/internal/ws"
)

// A Handler receives what a Conn reads. HandleMessage calls come one at a time,
// in order, from the goroutine that reads. None of the methods may block or run
// an application's code. A Handler may also have a method MaxInflated() int: what a
// compressed message may inflate to now, in bytes, if that is less than
// Options.MaxPayload. It is called for each compressed message, before it is inflated.
type Handler interface {
	// HandleMessage gets one message. data is valid until return and may be
	// changed in place. A text over MaxInlineUTF8 bytes may not be valid UTF-8:
	// checking it takes too long for an event loop, so it is left to the Handler.
	HandleMessage(binary bool, data []byte)
	// HandleReadEnd is called after the messages that one read brought, before
	// the reader waits for more, and once when the connection has opened.
	// HandleMessage and HandleReadEnd come one at a time.
	HandleReadEnd()
	// HandleClose is called once, when the connection ends. A HandleMessage
	// that runs at that moment may end after it.
	HandleClose(reason CloseReason, err error)
	// HandleTimer is called after the time given to Conn.SetTimer.
	HandleTimer()
	// HandleUpgrade is called when messages begin to travel over WebSocket, or
	// WebTransport, instead of polling.
	HandleUpgrade()
}

// Life of a Conn. Changed only by finish and closed.
//
//	open ──Close · violation · timeout · transport gone──► closing
//	closing ──output flushed, dropped, or out of time──► closed
//
// The Handler hears of the end when open ends. While closing, only output goes on.
type connState uint8

const (
	stateOpen connState = iota
	stateClosing
	stateClosed
)

// A Conn is one Engine.IO connection: a session over polling, WebSocket or
// WebTransport, or over polling and then one of the others. All methods may be called from any goroutine.
type Conn struct {
	// Immutable after newConn.
	srv       *Server
	number    uint64
	id        string
	handshake Handshake
	ctx       context.Context // values of Options.Handshake, nil if none
	handler   Handler         // set by begin, before anything is read
	wheel     *wheel.Wheel

	pending *list.Element // in Server.pending; guarded by Server.mu
	passed  *passedOn     // nil if nothing is passed on to an upgrade; guarded by Server.mu

	// readMu is held while one message is handed up: during an upgrade a POST
	// and a WebSocket may both have one. HandleMessage does not block, so
	// holding it across that call is short.
	readMu lock.Mutex

	// Atomic; safe from anywhere.
	deflates atomic.Bool  // messages may go out compressed
	paused   atomic.Bool  // the Handler wants no more messages for now
	hadPOST  atomic.Bool  // one has arrived
	logged   atomic.Bool  // its packets are logged
	ended    atomic.Bool  // the Handler has heard, or is about to hear, of the end
	charged  atomic.Int64 // bytes of the queue that Server.budget knows of; written under mu

	mu       lock.Mutex // guards the fields below; never held across I/O or a call up, but to a TrafficObserver
	state    connState
	ws       *wsTransport // nil exactly while the session is on polling
	poll     *polling     // nil for a session that began on WebSocket
	up       upgrade
	beat     heartbeat
	corks    int           // calls of Cork without Uncork
	pausedAt int64         // since when paused, by Server.now; 0 if not
	dropped  int           // messages, by their policy
	unlogged []*Message    // of Append, whose callers may hold locks: for the next line of the log
	drained  chan struct{} // closed when nothing waits, or at the end; nil unless somebody waits
	due      deadlines
}

func newConn(s *Server, id string, h Handshake, ctx context.Context) *Conn {
	return &Conn{srv: s, number: s.lastNumber.Add(1), id: id, handshake: h, ctx: ctx, wheel: s.nextWheel()}
}

// ID is the session id. It is a secret between this server and the client: who
// knows it can speak for the client.
func (c *Conn) ID() string { return c.id }

// Handshake is what is kept of the request that opened the connection. It must
// not be changed.
func (c *Conn) Handshake() *Handshake { return &c.handshake }

// Context carries the values of the context that Options.Handshake returned. It
// never ends.
func (c *Conn) Context() context.Context {
	if c.ctx == nil {
		return context.Background()
	}
	return c.ctx
}

// Transport is the name of the transport that carries messages now.
func (c *Conn) Transport() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transportLocked()
}

func (c *Conn) transportLocked() string {
	if c.ws != nil {
		return c.ws.name()
	}
	return Polling
}

// Buffered returns how many messages and bytes wait to be sent.
func (c *Conn) Buffered() (messages, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queueLocked()
	return q.len(), q.bytes
}

func (c *Conn) queueLocked() *sendQueue {
	if c.ws != nil {
		return &c.ws.q
	}
	return &c.poll.q
}

// Send appends m to what goes to the peer and returns without waiting. It
// returns ErrClosed on a closed connection. When the queue is full it does what
// Message.Overflow says: ErrSlowConsumer means that this has closed the
// connection, ErrQueueFull that m was not taken, ErrDropped that it was dropped.
func (c *Conn) Send(m *Message) error {
	c.prepare(m)
	c.logOut(m)
	c.mu.Lock()
	if c.state != stateOpen {
		c.mu.Unlock()
		return ErrClosed
	}
	v, lost := c.queueLocked().push(c.formLocked(m), &c.srv.cfg)
	c.dropped += lost
	switch v {
	case pushed:
		c.tellOutLocked(m)
		over := c.noteQueueLocked(false)
		c.wakeWriterLocked()
		if over {
			c.srv.relieve()
		}
		c.tellDropped(lost, DropOverflow)
		return nil
	case closes:
		why := c.overBoundLocked(queueFactor, m.size)
		c.mu.Unlock()
		c.closeSlow(why, ending{})
		return ErrSlowConsumer
	}
	c.mu.Unlock()
	if v == refused {
		return ErrQueueFull
	}
	c.tellDropped(lost, DropOverflow)
	return ErrDropped
}

// prepare compresses m, once for all connections, if this one can take it so.
// That takes time, so it is done without the lock.
func (c *Conn) prepare(m *Message) {
	if c.deflates.Load() {
		m.pack(c.srv.deflate)
	}
}

// Append is Send without policies, without calls to the Handler and without
// writing: the message leaves with the next one, or with Flush. It is for what a
// protocol must say. At 16 times the bounds of the queue it returns ErrSlowConsumer
// and the connection closes a moment later.
func (c *Conn) Append(m *Message) error {
	c.mu.Lock()
	if c.state != stateOpen {
		c.mu.Unlock()
		return ErrClosed
	}
	q := c.queueLocked()
	if c.srv.cfg.overfull(q.len(), q.bytes+m.size) {
		why := c.overBoundLocked(queueFactor, m.size)
		c.mu.Unlock()
		if c.srv.inBackground() {
			// One per connection that ends so, since the caller may hold locks that its
			// Handler needs; ends at once; Server.Close waits for it.
			go func() {
				defer c.srv.background.Done()
				c.closeSlow(why, ending{})
			}()
		}
		return ErrSlowConsumer
	}
	q.append(c.formLocked(m))
	c.tellOutLocked(m)
	if c.logged.Load() {
		c.unlogged = append(c.unlogged, m)
	}
	over := c.noteQueueLocked(false)
	c.mu.Unlock()
	if over {
		c.srv.relieve()
	}
	return nil
}

// SendVolatile sends m only if the peer can take it now: nothing waits before it
// and, on polling, a request is there to carry it. It reports whether it was
// sent.
func (c *Conn) SendVolatile(m *Message) bool {
	c.prepare(m)
	c.mu.Lock()
	q := c.queueLocked()
	busy := q.len() > 0 && (q.writing || c.ws == nil)
	if open := c.state == stateOpen; !open || busy || c.ws == nil && c.poll.get == nil {
		c.mu.Unlock()
		if open {
			c.tellDropped(1, DropVolatile)
		}
		return false
	}
	q.append(c.formLocked(m))
	c.tellOutLocked(m)
	over := c.noteQueueLocked(false)
	c.wakeWriterLocked()
	c.logOut(m)
	if over {
		c.srv.relieve()
	}
	return true
}

// Cork holds back what is sent from now on, so that a burst leaves in one write.
// Each Cork needs an Uncork. What is held back for long leaves by itself, at the
// next tick of the server's clock.
func (c *Conn) Cork() {
	c.mu.Lock()
	c.corks++
	c.mu.Unlock()
}

// Uncork ends a Cork. What was held back leaves with the next thing that is sent,
// or with Flush.
func (c *Conn) Uncork() {
	c.mu.Lock()
	c.corks--
	c.mu.Unlock()
}

// Flush sends what was held back, corked or not.
func (c *Conn) Flush() {
	c.logHeld()
	c.mu.Lock()
	c.flushLocked()
}

// wakeWriterLocked gets the queue moving and releases mu.
func (c *Conn) wakeWriterLocked() {
	if c.corks > 0 {
		if c.due.at[dueCork] == 0 && c.state == stateOpen {
			c.setDueLocked(dueCork, c.srv.now()+int64(c.srv.cfg.tick()))
		}
		c.mu.Unlock()
		return
	}
	c.flushLocked()
}

// flushLocked gets the queue moving and releases mu.
func (c *Conn) flushLocked() {
	if c.state != stateOpen {
		c.mu.Unlock()
		return
	}
	t := c.ws
	if t == nil {
		if c.poll.q.len() > 0 {
			c.poll.wake()
		}
		c.mu.Unlock()
		return
	}
	flush := t.q.takeWriting()
	c.mu.Unlock()
	if flush {
		t.nc.Flush()
	}
}

// Close ends the connection after what was sent before has left, or could not
// leave in time. The Handler hears ReasonForcedClose before Close returns.
func (c *Conn) Close() {
	c.finish(ReasonForcedClose, nil, ending{flush: true, code: closeNormal})
}

// Abort ends the connection at once with a WebSocket close code; what waits to
// be sent is dropped. A client in the middle of an upgrade, which does not poll any
// more, is told when it completes it. The Handler hears the reason and err before Abort returns.
func (c *Conn) Abort(reason CloseReason, err error, code uint16, text string) {
	c.finish(reason, err, ending{code: code, text: text})
}

// Pause asks that no further message be read. The message being handed up is the
// last one. While paused the pong deadline is suspended; pings go on. After
// Options.PauseTimeout the connection closes.
func (c *Conn) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pausedAt == 0 {
		c.pausedAt = c.srv.now()
		c.paused.Store(true)
		if c.state == stateOpen {
			c.setDueLocked(duePause, c.pausedAt+int64(c.srv.cfg.PauseTimeout))
		}
	}
}

// Resume continues after Pause.
func (c *Conn) Resume() {
	c.mu.Lock()
	if c.pausedAt == 0 {
		c.mu.Unlock()
		return
	}
	if c.ws != nil {
		c.ws.resumedLocked(c.srv.now() - c.pausedAt)
	}
	c.pausedAt = 0
	c.due.at[duePause] = 0
	c.paused.Store(false)
	c.beat.resumed(c)
	if c.poll != nil {
		c.poll.resume()
	}
	t := c.ws
	c.mu.Unlock()
	if t != nil {
		t.nc.Resume()
	}
}

// WebSocket close codes that we send.
const (
	closeNormal    uint16 = 1000
	closeGoingAway uint16 = 1001
	closeProtocol  uint16 = 1002
	closePolicy    uint16 = 1008
)

// An ending says how a connection takes its leave.
type ending struct {
	lost  bool       // the transport is gone: nothing can be sent
	flush bool       // what waits is sent first; else it is dropped
	cut   bool       // what has begun to leave is dropped too, if it is long
	code  uint16     // WebSocket close code
	text  string     // WebSocket close reason
	reply packetType // what a parked poll gets; 0 means the close packet
	held  bool       // a POST is answered with an error: the poll hears of the end when the client has had time to see that
}

// finish ends the open state, once, and tells the Handler.
func (c *Conn) finish(reason CloseReason, err error, e ending) {
	rest, _ := c.end(reason, err, e)
	rest()
}

// end is finish without the part that writes and calls up, which is rest. It reports
// whether the connection was open.
func (c *Conn) end(reason CloseReason, err error, e ending) (rest func(), ended bool) {
	c.mu.Lock()
	if c.state != stateOpen {
		t := c.ws
		c.mu.Unlock()
		return func() {
			if e.lost && t != nil {
				t.nc.Close()
			}
		}, false
	}
	c.state = stateClosing
	c.ended.Store(true)
	probeBy := c.due.at[dueUpgrade]
	c.due.at = [dueCount]int64{}
	t, flush := c.ws, false
	gone, mute := true, c.muteLocked(reason, err, e)
	switch {
	case t == nil && c.poll == nil: // the handshake has not got that far
	case t == nil:
		gone = c.poll.finish(c, e)
	case e.cut && t.q.begun() > cutOver:
		e.lost = true
		t.q.drop()
	case !e.lost:
		if !e.flush {
			t.q.discard()
		}
		flush = t.sayCloseLocked(e.code, e.text)
		c.setDueLocked(dueClose, c.srv.now()+int64(closeTimeout))
	}
	if c.poll != nil {
		c.poll.resume()
	}
	var candidate *wsTransport
	if gone {
		candidate = c.up.drop()
	} else if c.up.candidate != nil { // a client that has stopped polling hears the rest there
		c.up.code, c.up.text = e.code, e.text
		c.setDueLocked(dueUpgrade, probeBy)
	}
	var cut *parkedGET
	if e.cut && c.poll != nil {
		cut = c.poll.cutWriting()
	}
	h := c.handler
	c.noteQueueLocked(false)
	c.mu.Unlock()
	return func() {
		if gone {
			if t != nil && !e.lost {
				c.srv.retire(c)
			} else {
				c.srv.forget(c)
			}
			if t == nil {
				c.wheel.Stop(&c.due.timer)
			}
		}
		cut.cutOff()
		if candidate != nil {
			candidate.abandon(closeNormal)
		}
		if flush {
			t.nc.Flush()
		} else if t != nil && e.lost {
			t.nc.Close()
		}
		if h != nil {
			h.HandleClose(reason, err)
			c.tellClosed(reason, err)
		}
		if mute {
			c.srv.warnMute()
		}
	}, true
}

// cutOver is how much of a message that has begun to leave goes out after an ending
// that cuts. The client sees why only if it does.
const cutOver = 64 << 10

// cut lets go of what a connection that closes still has to send. It ends with rest.
func (c *Conn) cut() (rest func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws != nil {
		c.ws.q.drop()
	}
	var cut *parkedGET
	if p := c.poll; p != nil {
		p.q.drop()
		cut = p.cutWriting()
		if p.get != nil {
			p.get.final = p.final
			p.wake()
		}
	}
	c.noteQueueLocked(false)
	t := c.ws
	return func() {
		cut.cutOff()
		if t != nil {
			t.nc.Close()
		} else {
			c.closed()
		}
	}
}

// closed marks the end of everything: the transport is gone.
func (c *Conn) closed() {
	c.mu.Lock()
	c.state = stateClosed
	if c.poll != nil { // a handler may hold the connection for long
		c.poll.q.drop()
	}
	c.noteQueueLocked(false)
	c.due.at = [dueCount]int64{}
	candidate := c.up.drop()
	if c.poll != nil {
		c.poll.endLocked()
	}
	c.mu.Unlock()
	c.wheel.Stop(&c.due.timer)
	c.srv.forget(c)
	if candidate != nil {
		candidate.abandon(closeNormal)
	}
}

// handUp consumes one packet, alone. It reports whether the connection goes on.
func (c *Conn) handUp(p packet) bool {
	c.logIn(p)
	c.readMu.Lock()
	defer c.readMu.Unlock() // a panic costs one connection, which must still end
	return c.handlePacket(p)
}

// handlePacket consumes one packet from either transport. It reports whether the
// connection goes on. The caller holds readMu.
func (c *Conn) handlePacket(p packet) bool {
	if c.ended.Load() {
		return false
	}
	c.beat.heard(c)
	switch p.typ {
	case packetMessage:
		c.tellIn(len(p.data))
		c.handler.HandleMessage(p.binary, p.data)
		return true
	case packetPing, packetPong:
		return c.handleBeat(p.typ)
	case packetClose:
		c.finish(ReasonTransportClose, io.EOF, ending{flush: true, code: closeNormal, reply: packetNoop})
	case packetNoop, packetOpen, packetUpgrade: // no client sends them here; upstream ignores them
		return true
	default:
		c.finish(ReasonParseError, errUnknownPacket, ending{code: closeProtocol})
	}
	return false
}

// tooLarge is what a close frame says of what is over MaxPayload, and the error. It is
// logged: somebody may want another bound.
func (c *Conn) tooLarge(cause error) (text string, err error) {
	what := "a message"
	if errors.Is(cause, errBodyTooLarge) {
		what = "the body of a POST"
	}
	limit := c.srv.cfg.MaxPayload
	warning := "closed: " + what + " is too large; to allow it raise Options.MaxHTTPBufferSize (MaxPayload in package engineio)"
	sizes := fmt.Sprintf("more than %d bytes", limit)
	var found oversize
	if errors.As(cause, &found) {
		sizes = fmt.Sprintf("%d bytes, at most %d", found.size, limit)
		c.srv.sampled.Warn(warning, "conn", c.number, "transport", c.Transport(), "max", limit, "size", found.size)
	} else {
		c.srv.sampled.Warn(warning, "conn", c.number, "transport", c.Transport(), "max", limit)
	}
	return "message too big: " + sizes, fmt.Errorf("%w: %s: %s", ErrTooLarge, what, sizes)
}

// parseError ends the connection because of what the peer sent.
func (c *Conn) parseError(err error) {
	reason, e := ReasonParseError, ending{code: closeProtocol}
	var ce *ws.CloseError
	if asCloseError(err, &ce) {
		reason, e = ReasonTransportError, ending{code: ce.Code, text: ce.Reason}
		if ce.Code == ws.CodeTooBig {
			e.text, err = c.tooLarge(err)
		}
	} else if errors.Is(err, ErrTooLarge) {
		_, err = c.tooLarge(err)
	}
	c.finish(reason, err, e)
}
