// SPDX-License-Identifier: MIT

// This file holds the WebSocket transport, which also serves WebTransport: it passes the
// bytes of a driver to the frame parser, whole messages to the Conn, and the queue to the
// driver in batches.

package engineio

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"

	"socketio/internal/netpoll"
	"socketio/internal/ws"
)

const (
	// A peer may send this many WebSocket pings in one window.
	maxPings   = 60
	pingWindow = 1000 // pingTicks
	pingTick   = 10e6 // ns
)

var (
	errPingFlood   = &ws.CloseError{Code: closePolicy, Reason: "too many pings"}
	errMessageSlow = errors.New("engineio: a message did not arrive in time")
	errProbe       = errors.New("engineio: unexpected packet while probing")
)

// A wsTransport is one WebSocket of a Conn, or one WebTransport: its transport, or
// a candidate that probes. It implements netpoll.Handler and ws.Receiver. The two
// differ in their frames, and in that WebTransport has no control frames.
type wsTransport struct {
	// Immutable after newWSTransport.
	c       *Conn
	nc      netpoll.Conn
	deflate ws.DeflateParams
	waits   bool // nc reports progress only for whole batches
	base64  bool // bytes go out as text
	flags   flags

	// Guarded by Conn.mu.
	q sendQueue

	// Owned by the read side.
	dead      bool // input is discarded
	reading   bool // holds polling.readMu
	peerEnds  bool // the peer has sent a close frame; guarded by Conn.mu, here because it needs no padding
	pings     uint8
	pingSince uint32 // in pingTicks, by services.now; it wraps
	parser    ws.Parser
	stream    *streamParser // of a WebTransport, in place of parser; nil for a WebSocket; immutable

	// Atomic: when the message that is arriving began, by services.now; 0 if none is.
	// Written by the read side, and by Resume.
	begun atomic.Int64
}

// Feed implements netpoll.Handler.
func (t *wsTransport) Feed(b []byte) (int, bool) {
	if t.flags.has(isInflating) {
		return 0, false
	}
	if t.dead {
		return len(b), true
	}
	defer t.endRead()
	n := 0
	for n < len(b) && !t.isPaused() && !t.dead { // again if Resume came meanwhile
		took, err := t.parse(b[n:])
		n += took
		if err != nil {
			t.fail(err)
		}
	}
	if t.flags.has(isInflating) {
		return n, false
	}
	if !t.flags.has(isProbing) {
		t.readEnd()
	}
	if t.dead || !t.isPartial() {
		t.messageEnds()
	} else if t.begun.Load() == 0 {
		t.messageBegins()
	}
	if t.dead {
		t.parser.Release()
		return len(b), true
	}
	return n, n == len(b) && !t.isPaused()
}

// Room implements netpoll.Handler.
func (t *wsTransport) Room() []byte {
	if t.stream != nil || t.dead || t.flags.has(isInflating) {
		return nil
	}
	return t.parser.Room()
}

// Warm implements netpoll.Warmer.
func (t *wsTransport) Warm() int {
	c, n := t.c, 0
	if t.flags.has(isInflating) || t.begun.Load() != 0 || c.svc == nil || c.flags.has(isPaused) || c.beat.waiting.Load() {
		n++
	}
	if h, ok := c.handler.(netpoll.Warmer); ok {
		n += h.Warm()
	}
	return n
}

// lockRead keeps POSTs from being handled during the messages of one read. A session that
// began on a WebSocket has one reader and needs no lock.
func (t *wsTransport) lockRead() {
	if !t.reading && t.c.poll != nil {
		t.c.poll.readMu.Lock()
		t.reading = true
	}
}

func (t *wsTransport) unlockRead() {
	if t.reading {
		t.reading = false
		t.c.poll.readMu.Unlock()
	}
}

// endRead ends a Feed, unless the goroutine that inflates owns the read side now.
func (t *wsTransport) endRead() {
	if !t.flags.has(isInflating) {
		t.unlockRead()
	}
}

// readEnd calls HandleReadEnd: no more messages are available for now.
func (t *wsTransport) readEnd() {
	t.lockRead()
	t.c.handler.HandleReadEnd()
}

// parse feeds the parser.
func (t *wsTransport) parse(b []byte) (int, error) {
	if t.stream != nil {
		return t.stream.feed(limitsOf(t.c).maxPayload, t, b)
	}
	n, err := t.parser.Feed(&t.c.svc.wsConfig, t, b)
	if size := t.parser.Oversize(); err != nil && size > 0 {
		err = oversize{err, size}
	}
	return n, err
}

// isPartial reports whether a message has begun to arrive.
func (t *wsTransport) isPartial() bool {
	if t.stream != nil {
		return t.stream.partial()
	}
	return t.parser.Partial()
}

// name is the name of the transport.
func (t *wsTransport) name() string {
	if t.stream != nil {
		return WebTransport
	}
	return WebSocket
}

// isPaused reports whether reading is paused. A candidate is read even then: its probe is
// not for the Handler.
func (t *wsTransport) isPaused() bool {
	return t.flags.has(isInflating) || !t.flags.has(isProbing) && t.c.flags.has(isPaused)
}

// messageEnds stops the time of the arriving message. The next one in the same read has a
// time of its own.
func (t *wsTransport) messageEnds() {
	if t.begun.Load() != 0 {
		t.begun.Store(0)
	}
}

// messageBegins starts the time of a message that has arrived in part. The deadline is
// checked when it is due, so a client that sends message after message changes only begun.
func (t *wsTransport) messageBegins() {
	t.begun.Store(t.c.svc.now())
	if !t.flags.has(isWatched) {
		t.watchMessage()
	}
}

// OnMessage implements ws.Receiver.
func (t *wsTransport) OnMessage(op ws.Opcode, data []byte) bool {
	t.messageEnds()
	return t.message(op, data, t.parser.Take())
}

// message handles a message. own means that the Handler may keep data.
func (t *wsTransport) message(op ws.Opcode, data []byte, own bool) bool {
	p := packet{typ: packetMessage, binary: true, data: data}
	var err error
	switch {
	case t.c.Revision() == 3:
		p, err = decodePacketV3(data, op == ws.Binary)
	case op == ws.Text:
		p, err = decodePacket(data)
	}
	if err != nil {
		t.fail(err)
		return false
	}
	if t.flags.has(isProbing) {
		t.handleProbe(p)
		return !t.dead && !t.isPaused()
	}
	p.own = own
	t.lockRead()
	goes := t.c.handlePacket(p)
	t.dead = t.dead || !goes
	return goes && !t.isPaused()
}

// OnControl implements ws.Receiver.
func (t *wsTransport) OnControl(op ws.Opcode, data []byte) bool {
	if !t.parser.InMessage() {
		t.messageEnds()
	}
	switch op {
	case ws.Ping:
		if now := uint32(t.c.svc.now() / pingTick); now-t.pingSince > pingWindow {
			t.pingSince, t.pings = now, 0
		}
		if t.pings++; t.pings > maxPings {
			t.fail(errPingFlood)
			return false
		}
		wire := ws.AppendHeader(make([]byte, 0, ws.MaxHeader+len(data)), ws.Pong, len(data))
		t.send(rawMsg(append(wire, data...)))
	case ws.Close:
		code := closeNormal
		if len(data) >= 2 {
			code = binary.BigEndian.Uint16(data)
		}
		t.dead = true
		t.c.mu.Lock()
		t.peerEnds = true
		t.c.mu.Unlock()
		if t.flags.has(isProbing) {
			t.abandon(code)
		} else {
			t.c.finish(ReasonTransportClose, nil, ending{code: code})
		}
		return false
	}
	return true
}

// fail closes the transport because of invalid input.
func (t *wsTransport) fail(err error) {
	t.dead = true
	if !t.flags.has(isProbing) {
		t.c.parseError(err)
		return
	}
	code := closeProtocol
	var ce *ws.CloseError
	if asCloseError(err, &ce) {
		code = ce.Code
	}
	t.abandon(code)
}

func asCloseError(err error, ce **ws.CloseError) bool { return errors.As(err, ce) }

// send appends m to this transport's own queue: control frames and the answer
// to a probe.
func (t *wsTransport) send(m *Message) {
	t.c.mu.Lock()
	if t.q.last {
		t.c.mu.Unlock()
		return
	}
	t.q.append(&t.c.svc.backlogs, m)
	flush := t.q.takeWriting()
	t.c.mu.Unlock()
	if flush {
		t.nc.Flush(nil)
	}
}

// watchWriteLocked sets the deadline by which the peer must take more bytes.
func (t *wsTransport) watchWriteLocked() {
	if t.c.ws == t && t.c.state == stateOpen {
		t.c.setDueLocked(dueWrite, t.c.svc.now()+int64(limitsOf(t.c).writeTimeout))
	}
}

// watchMessage sets the deadline for the message that is arriving.
func (t *wsTransport) watchMessage() {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws == t && c.state == stateOpen {
		t.flags.set(isWatched, true)
		c.setDueLocked(dueMessage, c.svc.now()+int64(limitsOf(c).messageTimeout))
	}
}

// messageDueLocked reports whether the arriving message is late. If it is not, it sets a
// new deadline, unless none is arriving.
func (t *wsTransport) messageDueLocked(now int64) (late bool) {
	c := t.c
	t.flags.set(isWatched, false) // before begun is loaded: see messageBegins
	begun, limit := t.begun.Load(), int64(limitsOf(c).messageTimeout)
	switch {
	case begun == 0:
		return false
	case c.flags.has(isPaused): // it may have arrived, unread
		begun = now
	}
	if now-begun >= limit {
		return true
	}
	t.flags.set(isWatched, true)
	c.setDueLocked(dueMessage, begun+limit)
	return false
}

// resumedLocked excludes the length of a pause from the time of the arriving message.
func (t *wsTransport) resumedLocked(paused int64) {
	if begun := t.begun.Load(); begun != 0 {
		t.begun.CompareAndSwap(begun, begun+paused)
	}
}

// sayCloseLocked appends a close frame as the last output of this transport. WebTransport
// has no close frames: there the stream ends. It reports whether the caller must flush.
func (t *wsTransport) sayCloseLocked(code uint16, text string) bool {
	if t.q.last {
		return false
	}
	if t.stream != nil {
		t.q.last = true
		flush := !t.q.writing
		t.q.writing = true // even with nothing to write: Next sees the end
		return flush
	}
	t.q.append(&t.c.svc.backlogs, rawMsg(ws.AppendClose(nil, code, text)))
	t.q.last = true
	return t.q.takeWriting()
}

// Next implements netpoll.Handler.
func (t *wsTransport) Next(sent int, bufs [][]byte) [][]byte {
	t.c.mu.Lock()
	if sent > 0 {
		t.sentLocked(sent)
	}
	bufs = t.q.batch(bufs, netpoll.BatchBuffers, netpoll.BatchBytes)
	done, main, last := false, t.c.ws == t, t.peerEnds
	switch {
	case len(bufs) == 0:
		t.q.writing = false
		done = t.q.last
		if main {
			t.c.due.at[dueWrite] = 0
		}
	case t.waits:
		t.watchWriteLocked()
	}
	t.c.mu.Unlock()
	if done {
		t.nc.Shutdown(last)
		if main {
			t.c.svc.owner.forget(t.c)
		}
	}
	return bufs
}

// Sent implements netpoll.Handler.
func (t *wsTransport) Sent(n int) {
	t.c.mu.Lock()
	t.sentLocked(n)
	m, from, offset := t.q.lent()
	t.c.mu.Unlock()
	if m == nil {
		return
	}
	rest := m.owned(from, offset) // takes time, so without the lock; the position does not change while the right to write is held
	t.c.mu.Lock()
	m.rest, m.lent = rest, false
	t.c.mu.Unlock()
}

func (t *wsTransport) sentLocked(n int) {
	t.q.sent(&t.c.svc.backlogs, n)
	if t.c.ws == t {
		t.c.noteQueueLocked(n > 0)
	}
	if !t.waits && t.q.len() > 0 && (n > 0 || t.c.due.at[dueWrite] == 0) {
		t.watchWriteLocked()
	}
}

// Ended implements netpoll.Handler.
func (t *wsTransport) Ended(err error) {
	t.parser.Release()
	t.c.mu.Lock()
	t.q.drop() // handlers may hold the connection for long
	main := t.c.ws == t
	if t.c.poll.candidate() == t {
		t.c.dropCandidateLocked()
	}
	t.c.mu.Unlock()
	if main {
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		t.c.finish(ReasonTransportClose, err, ending{lost: true})
		t.c.closed()
	}
}
