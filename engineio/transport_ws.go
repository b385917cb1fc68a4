// SPDX-License-Identifier: MIT

// This file holds the WebSocket transport, which is also that of WebTransport: what
// a driver feeds goes to the frame parser, whole messages go to the Conn, and the
// queue goes out in batches.

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
	pingWindow = 10e9 // ns
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
	waits   bool // nc tells what has left only when a whole batch has

	stream *streamParser // of a WebTransport, in place of parser; nil for a WebSocket

	base64 bool // bytes go out as text

	// Owned by the read side.
	parser    ws.Parser
	dead      bool // what comes is discarded
	partial   bool // a message has begun to arrive: a deadline is set
	probing   bool // a candidate: not yet the connection's transport
	pings     uint16
	pingSince int64

	// Atomic; while set, the read side belongs to the goroutine that inflates.
	inflating atomic.Bool

	// Guarded by Conn.mu.
	q sendQueue
}

// Feed implements netpoll.Handler.
func (t *wsTransport) Feed(b []byte) (int, bool) {
	if t.inflating.Load() {
		return 0, false
	}
	if t.dead {
		return len(b), true
	}
	n := 0
	for n < len(b) && !t.isPaused() && !t.dead { // again if Resume came meanwhile
		took, err := t.parse(b[n:])
		n += took
		if err != nil {
			t.fail(err)
		}
	}
	if t.inflating.Load() {
		return n, false
	}
	if !t.probing {
		t.c.readEnd()
	}
	if p := t.isPartial() && !t.dead; p != t.partial {
		t.partial = p
		t.c.watchMessage(t, p)
	}
	if t.dead {
		t.parser.Release()
		return len(b), true
	}
	return n, n == len(b) && !t.isPaused()
}

// parse feeds the parser.
func (t *wsTransport) parse(b []byte) (int, error) {
	if t.stream != nil {
		return t.stream.feed(t.c.srv.cfg.MaxPayload, t, b)
	}
	n, err := t.parser.Feed(&t.c.srv.wsConfig, t, b)
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

// isPaused reports whether the Handler wants no more. A candidate is read all
// the same: its probe is not for the Handler.
func (t *wsTransport) isPaused() bool {
	return t.inflating.Load() || !t.probing && t.c.paused.Load()
}

// OnMessage implements ws.Receiver.
func (t *wsTransport) OnMessage(op ws.Opcode, data []byte) bool {
	p := packet{typ: packetMessage, binary: true, data: data}
	var err error
	switch {
	case t.c.handshake.Revision == 3:
		p, err = decodePacketV3(data, op == ws.Binary)
	case op == ws.Text:
		p, err = decodePacket(data)
	}
	if err != nil {
		t.fail(err)
		return false
	}
	if t.probing {
		t.handleProbe(p)
		return !t.dead && !t.isPaused()
	}
	goes := t.c.handUp(p)
	t.dead = t.dead || !goes
	return goes && !t.isPaused()
}

// OnControl implements ws.Receiver.
func (t *wsTransport) OnControl(op ws.Opcode, data []byte) bool {
	switch op {
	case ws.Ping:
		now := t.c.srv.now()
		if now-t.pingSince > pingWindow {
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
		if t.probing {
			t.abandon(code)
		} else {
			t.c.finish(ReasonTransportClose, nil, ending{code: code})
		}
		return false
	}
	return true
}

// fail ends the transport because of what the peer sent.
func (t *wsTransport) fail(err error) {
	t.dead = true
	if !t.probing {
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
	t.q.append(m)
	flush := t.q.takeWriting()
	t.c.mu.Unlock()
	if flush {
		t.nc.Flush()
	}
}

// watchWriteLocked sets a deadline for the peer to take something more.
func (t *wsTransport) watchWriteLocked() {
	if t.c.ws == t && t.c.state == stateOpen {
		t.c.setDueLocked(dueWrite, t.c.srv.now()+int64(t.c.srv.cfg.WriteTimeout))
	}
}

// watchMessage sets a deadline for a message that has begun to arrive, or takes it
// back.
func (c *Conn) watchMessage(t *wsTransport, begun bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ws != t || c.state != stateOpen:
	case begun:
		c.setDueLocked(dueMessage, c.srv.now()+int64(c.srv.cfg.MessageTimeout))
	default:
		c.due.at[dueMessage] = 0
	}
}

// sayCloseLocked appends a close frame as the last thing this transport sends. A
// WebTransport has none: there the end of the stream says it. It reports whether
// the caller must flush.
func (t *wsTransport) sayCloseLocked(code uint16, text string) bool {
	if t.q.last {
		return false
	}
	if t.stream != nil {
		t.q.last = true
		flush := !t.q.writing
		t.q.writing = true // also with nothing to write: NextBatch sees the end
		return flush
	}
	t.q.append(rawMsg(ws.AppendClose(nil, code, text)))
	t.q.last = true
	return t.q.takeWriting()
}

// NextBatch implements netpoll.Handler.
func (t *wsTransport) NextBatch(bufs [][]byte) [][]byte {
	t.c.mu.Lock()
	bufs = t.q.batch(bufs, netpoll.BatchBuffers, netpoll.BatchBytes)
	done, main := false, t.c.ws == t
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
		t.nc.Shutdown()
		if main {
			t.c.srv.forget(t.c)
		}
	}
	return bufs
}

// Sent implements netpoll.Handler.
func (t *wsTransport) Sent(n int) {
	t.c.mu.Lock()
	t.q.sent(n)
	if t.c.ws == t {
		t.c.noteQueueLocked()
	}
	if !t.waits && t.q.len() > 0 && (n > 0 || t.c.due.at[dueWrite] == 0) {
		t.watchWriteLocked()
	}
	t.c.mu.Unlock()
}

// Ended implements netpoll.Handler.
func (t *wsTransport) Ended(err error) {
	t.parser.Release()
	t.c.mu.Lock()
	main := t.c.ws == t
	if t.c.up.candidate == t {
		t.c.up.drop()
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
