// SPDX-License-Identifier: MIT

// This file holds the state of the long-polling transport: one pending GET carries
// packets out, POSTs carry packets in.

package engineio

import (
	"context"
	"time"

	"socketio/internal/lock"
)

// polling is the transport of a session that began on polling, guarded by
// Conn.mu.
//
//	GET:  absent ──request──► parked ──something to send · closing──► absent
//	POST: idle ──request──► reading ──answered──► idle
//	reading ──answered with an error──► held ──errorGrace · "1" of the client──► closed
//
// A second request in either slot closes the session.
type polling struct {
	// readMu is held while the messages of one read, or one of a POST, are handed up:
	// during an upgrade both may have some. HandleMessage does not block, so holding it
	// across that call is short. A session that began on WebSocket does not need it. It is
	// taken before Conn.mu.
	readMu lock.Mutex

	c       *Conn // immutable
	q       sendQueue
	signal  chan struct{} // one token, for the GET that waits: look again
	get     *parkedGET    // nil exactly while no GET waits
	posting bool
	base64  bool          // revision 3: responses are always text
	polled  bool          // a GET has come
	writing *parkedGET    // that is being answered; nil if none
	resumed chan struct{} // not nil while a POST waits for Conn.Resume
	heard   chan struct{} // not nil while Conn.WaitReader waits

	client *pollClient // nil on a server

	up upgrade

	releasedFor time.Time // the deadline of a request for which a GET was released last

	held bool          // closing: a POST was answered with an error, which the client should see before its poll is answered
	over chan struct{} // not nil while requests wait for the end of the session

	final     packetType // the last packet, once closing; 0 before
	afterNoop bool       // a noop precedes final, because the poll came after the close
}

func newPolling(c *Conn) *polling { return &polling{c: c, signal: make(chan struct{}, 1)} }

// wake signals a parked GET that there is output. The GET takes the queue when it runs, so
// that a burst is sent in one response.
func (p *polling) wake() {
	if p.get != nil {
		select {
		case p.signal <- struct{}{}:
		default:
		}
	}
}

// resume wakes a waiting POST, or the loops of a client.
func (p *polling) resume() {
	if p.resumed != nil {
		close(p.resumed)
		p.resumed = nil
	}
}

// hear ends the waiting of Conn.WaitReader: a poll has come, the session has upgraded, or it
// has ended.
func (p *polling) hear() {
	if p.heard != nil {
		close(p.heard)
		p.heard = nil
	}
}

// switched ends polling after an upgrade. A GET that is still parked is answered with a
// close packet.
func (p *polling) switched() {
	if p.get != nil {
		p.get.final = packetClose
		p.wake()
		p.get = nil
	}
	if p.client != nil {
		p.client.changedLocked()
	}
	p.resume()
	p.hear()
}

// finish closes the transport. It reports whether the session has ended: if there is still
// output and no GET to carry it, the session waits for the next GET.
func (p *polling) finish(c *Conn, e ending) (gone bool) {
	p.hear()
	reply := e.reply
	if reply == 0 {
		reply = packetClose
	}
	if !e.flush {
		p.q.discard()
	}
	if p.client != nil {
		return p.finishClient(e)
	}
	p.final = reply
	if e.held {
		p.held = true
		c.setDueLocked(dueClose, c.svc.now()+int64(errorGrace))
		return false
	}
	if e.flush && e.reply == 0 && p.q.len() > 0 {
		// The last messages go in a response of their own: clients handle a close
		// packet before the messages that came with it.
		p.afterNoop = true
		p.wake()
		c.setDueLocked(dueClose, c.svc.now()+int64(c.svc.owner.closeWait(p.get == nil)))
		return false
	}
	if p.get != nil {
		p.get.final = reply
		p.wake()
		return true
	}
	if !e.lost && e.reply == 0 && (e.flush || p.up.pausing) {
		p.afterNoop = true
		c.setDueLocked(dueClose, c.svc.now()+int64(c.svc.owner.closeWait(false)))
		return false
	}
	c.state = stateClosed
	return true
}

// A client has errorGrace to see the error that answers its POST before its poll is
// answered with the close packet: npm's client reports the first reason it sees, and a busy
// client may be late. A POST cut off by the end of the session waits answerGrace for the
// poll to report it.
const (
	errorGrace  = 2 * time.Second
	answerGrace = 750 * time.Millisecond
)

// dueCloseLocked ends a closing session at its deadline. It returns the part that must run
// without the lock.
func (p *polling) dueCloseLocked() func() {
	if p.get != nil && p.client == nil { // what carries the news also closes
		p.get.final = p.final
		p.wake()
		return nil
	}
	return p.c.closed
}

// endLocked releases the requests that wait for the end of the session.
func (p *polling) endLocked() {
	if p.client != nil {
		p.client.cancel()
	}
	if p.get != nil && p.get.final == 0 {
		p.get.final = p.final
		p.wake()
	}
	if p.over != nil {
		close(p.over)
		p.over = nil
	}
}

// encode encodes the body of a response.
func (p *polling) encode(items []*Message) (body []byte, contentType string) {
	if p.c.Revision() == 3 {
		if !p.base64 && hasBinary(items) {
			return appendPayloadV3(nil, items, true), binaryType
		}
		return appendPayloadV3(nil, items, false), textType
	}
	size := 0 // enough for text, whose frames have a header that is left out here
	for _, m := range items {
		size += m.size
	}
	body = make([]byte, 0, size)
	for _, m := range items {
		body = appendPayload(body, m)
	}
	return body, textType
}

// cutWriting releases the response being written and returns it for cutOff.
func (p *polling) cutWriting() *parkedGET {
	g := p.writing
	p.written(g)
	return g
}

// written reports that the response to g was written or released.
func (p *polling) written(g *parkedGET) {
	if p.writing == g {
		p.writing = nil
		p.wake()
	}
}

// A pollClient is the state that the loops of a polling client share with its Conn, guarded
// by Conn.mu. A loop that sends POSTs takes the place of a parked GET of the peer.
type pollClient struct {
	cancel  context.CancelFunc // ends the requests
	changed chan struct{}      // closed when an upgrade begins to pause the loops, or fails
	resting int                // loops that pause for an upgrade
}

// changedLocked wakes the loops.
func (pc *pollClient) changedLocked() {
	close(pc.changed)
	pc.changed = make(chan struct{})
}

// finishClient is finish for a client. It reports whether the session has ended; otherwise
// the queue and the close packet are sent with POSTs.
func (p *polling) finishClient(e ending) (gone bool) {
	p.client.changedLocked()
	if e.lost || e.reply != 0 {
		p.client.cancel()
		p.c.state = stateClosed
		return true
	}
	p.final = packetClose
	p.wake()
	p.c.setDueLocked(dueClose, p.c.svc.now()+int64(closeTimeout))
	return false
}
