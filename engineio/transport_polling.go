// SPDX-License-Identifier: MIT

// This file holds the long-polling transport: one pending GET carries packets
// out, POSTs carry packets in. net/http serves both; the goroutine of the
// request does the waiting.

package engineio

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var (
	errPollOverlap     = errors.New("engineio: two polls at once")
	errPostOverlap     = errors.New("engineio: two POSTs at once")
	errPollAborted     = errors.New("engineio: the client gave up a poll")
	errPostAborted     = errors.New("engineio: the body of a POST ended too early")
	errContentType     = errors.New("engineio: a POST with a binary body; revision 4 sends text")
	errContentEncoding = errors.New("engineio: the body of a POST is encoded; it must be sent as it is")
	errBodyTooLarge    = fmt.Errorf("%w: the body of a POST", ErrTooLarge)
	errBodySlow        = errors.New("engineio: the body of a POST came too slowly")
)

// polling is the transport of a session that began on polling, guarded by
// Conn.mu.
//
//	GET:  absent ──request──► parked ──something to send · closing──► absent
//	POST: idle ──request──► reading ──answered──► idle
//	reading ──answered with an error──► held ──answerGrace · "1" of the client──► closed
//
// A second request in either slot closes the session.
type polling struct {
	c       *Conn
	q       sendQueue
	get     *parkedGET // nil exactly while no GET waits
	posting bool
	base64  bool          // revision 3: responses are always text
	resumed chan struct{} // not nil while a POST waits for Conn.Resume

	held bool          // closing: a POST was answered with an error, which the client shall see before it is told the end
	over chan struct{} // not nil while requests wait for the end of it all

	final     packetType // the last packet, once closing; 0 before
	afterNoop bool       // a noop goes before final: the poll comes after the close
}

// A parkedGET is a GET that waits for something to carry.
type parkedGET struct {
	signal chan struct{} // one token: look again
	noop   bool          // answer with a noop if there is nothing else
	final  packetType    // answer with this and what waits
}

// wake tells a parked GET that there is something for it. It takes what waits
// when it runs, so that a burst leaves in one response.
func (p *polling) wake() {
	if p.get != nil {
		select {
		case p.get.signal <- struct{}{}:
		default:
		}
	}
}

// release answers a parked GET with a noop.
func (p *polling) release() {
	if p.get != nil {
		p.get.noop = true
		p.wake()
	}
}

// resume lets a waiting POST go on.
func (p *polling) resume() {
	if p.resumed != nil {
		close(p.resumed)
		p.resumed = nil
	}
}

// switched ends polling in favour of a WebSocket. A GET that is still parked is
// told that this transport is closed.
func (p *polling) switched() {
	if p.get != nil {
		p.get.final = packetClose
		p.wake()
		p.get = nil
	}
	p.resume()
}

// finish closes the transport. It reports whether the session is over: if
// something should still be said and no GET is there to carry it, the session
// waits for the next one.
func (p *polling) finish(c *Conn, e ending) (gone bool) {
	reply := e.reply
	if reply == 0 {
		reply = packetClose
	}
	if !e.flush {
		p.q.discard()
	}
	p.final = reply
	if e.held {
		p.held = true
		c.setDueLocked(dueClose, c.srv.now()+int64(answerGrace))
		return false
	}
	if e.flush && e.reply == 0 && p.q.len() > 0 {
		// What is said before the end goes in a response of its own: clients
		// handle a close packet before the messages that came with it.
		p.afterNoop = true
		p.wake()
		c.setDueLocked(dueClose, c.srv.now()+int64(c.srv.pollCloseTimeout()))
		return false
	}
	if p.get != nil {
		p.get.final = reply
		p.wake()
		return true
	}
	if e.flush && !e.lost && e.reply == 0 {
		p.afterNoop = true
		c.setDueLocked(dueClose, c.srv.now()+int64(c.srv.pollCloseTimeout()))
		return false
	}
	c.state = stateClosed
	return true
}

// answerGrace is how long a client has to see the error that answers its POST, before
// its poll hears of the end: npm's client takes what comes first for the reason.
const answerGrace = 750 * time.Millisecond

// dueCloseLocked ends a closing session whose time is up. It returns what is to be done
// without the lock.
func (p *polling) dueCloseLocked() func() {
	if p.get != nil { // what carries the news also closes
		p.get.final = p.final
		p.wake()
		return nil
	}
	return p.c.closed
}

// endLocked lets go whoever waits for the end.
func (p *polling) endLocked() {
	if p.get != nil && p.get.final == 0 {
		p.get.final = p.final
		p.wake()
	}
	if p.over != nil {
		close(p.over)
		p.over = nil
	}
}

// awaitEnd waits until the session is over, limit has passed, or the client has gone.
// limit may be 0, which is none.
func (c *Conn) awaitEnd(r *http.Request, limit time.Duration) {
	c.mu.Lock()
	if c.state == stateClosed || c.ws != nil {
		c.mu.Unlock()
		return
	}
	if c.poll.over == nil {
		c.poll.over = make(chan struct{})
	}
	over := c.poll.over
	c.mu.Unlock()
	var after <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-over:
	case <-after:
	case <-r.Context().Done():
	}
}

// serveGET answers a poll.
func (c *Conn) serveGET(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	// The host's timeouts would cut a parked poll short: over HTTP/2 also that for
	// writing, which runs from the request's beginning.
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Time{})

	c.mu.Lock()
	p := c.poll
	if p == nil || c.ws != nil { // since the request was checked
		c.mu.Unlock()
		c.srv.refuse(w, r, errUpgraded())
		return
	}
	if p.get != nil {
		c.mu.Unlock()
		w.WriteHeader(http.StatusBadRequest)
		c.finish(ReasonTransportError, errPollOverlap, ending{})
		return
	}
	if p.held {
		c.mu.Unlock()
		c.awaitEnd(r, 0)
		c.srv.refuse(w, r, errOver())
		return
	}
	g := &parkedGET{signal: make(chan struct{}, 1)}
	if p.q.len() == 0 {
		g.final = p.final
	}
	p.get = g
	if c.up.pausing {
		c.setDueLocked(dueNoop, c.srv.now()+int64(noopDelay))
	}
	if end, ok := r.Context().Deadline(); ok {
		defer c.releaseBefore(g, end).Stop()
	}
	for p.q.len() == 0 && !g.noop && g.final == 0 {
		c.mu.Unlock()
		select {
		case <-g.signal:
			c.mu.Lock()
		case <-r.Context().Done():
			c.mu.Lock()
			ours := p.get == g // else the session has moved to WebSocket
			if ours {
				p.get = nil
			}
			c.mu.Unlock()
			if ours {
				c.finish(ReasonTransportError, errPollAborted, ending{lost: true})
			}
			return
		}
	}
	var items []*Message
	if c.ws == nil {
		items = p.q.take()
		c.noteQueueLocked()
	}
	if p.get == g {
		p.get = nil
	}
	final := g.final
	noop := final == 0 && len(items) == 0 || final != 0 && p.afterNoop
	moved := c.ws != nil // to WebSocket: this response carries nothing
	over := final != 0 && !moved
	c.mu.Unlock()

	if noop {
		items = append(items, c.srv.noopMessage)
	}
	if final != 0 {
		items = append(items, packetMsg(final, ""))
	}
	c.srv.addHeaders(w.Header(), r, false)
	err := p.write(w, r, rc, items)
	if over {
		c.closed()
	} else if err != nil && !moved {
		c.finish(ReasonTransportError, err, ending{lost: true})
	}
}

// releaseBefore answers a parked GET with a noop before its context ends: a handler
// around this one gives each request a time, and would answer in our place.
func (c *Conn) releaseBefore(g *parkedGET, end time.Time) *time.Timer {
	left := time.Until(end)
	return time.AfterFunc(left-min(left/4, time.Second), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.poll.get == g {
			c.poll.release()
		}
	})
}

// encode encodes the body of a response.
func (p *polling) encode(items []*Message) (body []byte, contentType string) {
	if p.c.handshake.Revision == 3 {
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

// write answers a request with messages.
func (p *polling) write(w http.ResponseWriter, r *http.Request, rc *http.ResponseController, items []*Message) error {
	body, contentType := p.encode(items)
	body = p.c.srv.compressor.encode(w.Header(), r.Header["Accept-Encoding"], items, body)
	return writePoll(w, rc, contentType, body, p.c.srv.cfg.WriteTimeout)
}

// writeChunk is how much of a response has to be taken within the time allowed.
const writeChunk = 64 << 10

// writePoll writes a whole response. The peer has the time allowed for each part of
// it: a slow one is not gone.
func writePoll(w http.ResponseWriter, rc *http.ResponseController, contentType string, body []byte, timeout time.Duration) error {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	var err error
	for err == nil && len(body) > 0 {
		part := body[:min(len(body), writeChunk)]
		_ = rc.SetWriteDeadline(time.Now().Add(timeout)) // not every writer can
		_, err = w.Write(part)
		body = body[len(part):]
	}
	if err == nil {
		err = rc.Flush()
		if errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
	}
	_ = rc.SetWriteDeadline(time.Time{}) // the connection goes on to other handlers
	return err
}

// servePOST takes what a client sends.
func (c *Conn) servePOST(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{}) // the answer may have to wait for handlers
	c.mu.Lock()
	p := c.poll
	if p == nil || c.ws != nil { // since the request was checked
		c.mu.Unlock()
		c.srv.refuse(w, r, errUpgraded())
		return
	}
	if p.posting {
		c.mu.Unlock()
		c.failPOST(w, r, rc, nil, ReasonTransportError, errPostOverlap)
		return
	}
	p.posting = true
	leaving := c.state == stateClosing && !p.held
	c.mu.Unlock()
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		e := &requestError{status: http.StatusUnsupportedMediaType, code: codeBadRequest, message: "Unsupported content encoding"}
		c.failPOST(w, r, rc, e, ReasonTransportError, errContentEncoding)
		return
	}
	in := payload{revision: c.handshake.Revision, binary: strings.HasPrefix(r.Header.Get("Content-Type"), binaryType)}
	if in.binary && in.revision == 4 {
		c.failPOST(w, r, rc, nil, ReasonTransportError, errContentType)
		return
	}
	body, err := c.readBody(r, rc)
	if err != nil {
		c.refuseBody(w, r, rc, err)
		return
	}
	_ = rc.SetReadDeadline(time.Time{})
	if err := in.begin(body); err != nil {
		c.failPOST(w, r, rc, refuse(codeBadRequest, err.Error()), ReasonParseError, err)
		return
	}
	switch took, present := c.deliver(r, &in); {
	case !present:
	case took, leaving: // who is yet to be told the end may go on until it is
		c.posted() // before the answer: a client may send its next POST as soon as it has it
		c.srv.addHeaders(w.Header(), r, false)
		_ = writePoll(w, rc, "text/html", []byte("ok"), c.srv.cfg.WriteTimeout) // the next request tells
	default:
		// The poll tells the client why, if it can: npm's client would take this
		// answer for the reason.
		c.awaitEnd(r, answerGrace)
		c.posted()
		errOver().write(w)
	}
}

// posted lets the next POST in.
func (c *Conn) posted() {
	c.mu.Lock()
	c.poll.posting = false
	c.mu.Unlock()
}

// errOver refuses what comes, or is not yet taken, when its session has ended. It is not
// told to who counts refusals: the client did not guess.
func errOver() *requestError { return refuse(codeUnknownSID, "the session has ended") }

// failPOST ends the session because of a POST, and answers with e, or with 400 and no
// body if e is nil. The client sees the answer although it is still sending: some more of
// the body is read, and its poll hears of the end a little later.
func (c *Conn) failPOST(w http.ResponseWriter, r *http.Request, rc *http.ResponseController, e *requestError, reason CloseReason, err error) {
	c.finish(reason, err, ending{held: true})
	if err != errPostOverlap { // then another has the place
		c.posted()
	}
	// In HTTP/2 a stream ends alone, whatever of it has not been read; "Connection: close"
	// would take others along.
	whole := r.ProtoMajor == 1
	if whole {
		w.Header().Set("Connection", "close")
		_ = rc.EnableFullDuplex() // the body can be read after the answer
	}
	if e == nil {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusBadRequest)
	} else {
		e.write(w)
	}
	if whole {
		flushAnswer(rc)
	}
	c.mu.Lock()
	if c.poll.held && c.state == stateClosing {
		c.setDueLocked(dueClose, c.srv.now()+int64(answerGrace))
	}
	c.mu.Unlock()
	if !whole || r.Header.Get("Expect") != "" || errors.Is(err, errBodySlow) {
		return // nothing need come, or will
	}
	// net/http closes a connection on which more comes than is read: the client would see
	// a reset.
	_ = rc.SetReadDeadline(time.Now().Add(c.srv.cfg.BodyTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, int64(c.srv.cfg.MaxPayload))
}

// flushAnswer sends what was written, where the writer can: some panic when they wrap
// one that can't.
func flushAnswer(rc *http.ResponseController) {
	defer func() { _ = recover() }()
	_ = rc.Flush()
}

// A body may take bodyGrace, and then a second more for each bodyRate bytes it
// has brought, within Options.BodyTimeout.
const (
	bodyGrace = 5 * time.Second
	bodyRate  = 1 << 10
)

// readBody reads a whole body, growing with what has arrived.
func (c *Conn) readBody(r *http.Request, rc *http.ResponseController) ([]byte, error) {
	limit := int64(c.srv.cfg.MaxPayload)
	start := time.Now()
	if r.ContentLength > limit {
		_ = rc.SetReadDeadline(start.Add(c.srv.cfg.BodyTimeout))
		return nil, oversize{errBodyTooLarge, uint64(r.ContentLength)}
	}
	size := r.ContentLength + 1 // room to see the end without growing
	if size <= 0 || size > 4096 {
		size = 4096
	}
	body := make([]byte, 0, size)
	in := io.LimitReader(r.Body, limit+1)
	for {
		earned := bodyGrace + time.Duration(len(body)/bodyRate)*time.Second
		_ = rc.SetReadDeadline(start.Add(min(earned, c.srv.cfg.BodyTimeout)))
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if int64(len(body)) > limit {
			return nil, errBodyTooLarge
		}
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

// refuseBody closes the session and answers a POST whose body could not be read.
func (c *Conn) refuseBody(w http.ResponseWriter, r *http.Request, rc *http.ResponseController, err error) {
	switch {
	case errors.Is(err, errBodyTooLarge):
		_, err = c.tooLarge(err)
		e := &requestError{status: http.StatusRequestEntityTooLarge, code: codeBadRequest, message: "Payload too large"}
		c.failPOST(w, r, rc, e, ReasonTransportError, err)
	case errors.Is(err, errTimeout):
		e := &requestError{status: http.StatusRequestTimeout, code: codeBadRequest, message: "Request timeout"}
		c.failPOST(w, r, rc, e, ReasonTransportError, errBodySlow)
	default:
		c.failPOST(w, r, rc, nil, ReasonTransportError, errPostAborted)
	}
}

// deliver hands up the packets of a body, waiting out pauses. It reports whether they
// were taken, to the last or to the one that ended the session, and whether the client
// is still there to be answered.
func (c *Conn) deliver(r *http.Request, in *payload) (took, present bool) {
	defer c.readEnd()
	for !in.done {
		if open, present := c.awaitResume(r); !open {
			if in.closes() {
				c.closed() // it will not come back to be told
				return true, present
			}
			return false, present
		}
		p, err := in.next()
		if err != nil {
			c.parseError(err)
			return true, true
		}
		if !c.handUp(p) {
			return p.typ != packetMessage, true // a message was too late
		}
	}
	return true, true
}

// readEnd tells the Handler that no more messages come for now.
func (c *Conn) readEnd() {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	c.handler.HandleReadEnd()
}

// awaitResume waits while the connection is paused. It reports whether the
// connection is open, and whether the client still waits for its answer.
func (c *Conn) awaitResume(r *http.Request) (open, present bool) {
	for {
		c.mu.Lock()
		if c.pausedAt == 0 || c.state != stateOpen {
			open = c.state == stateOpen
			c.mu.Unlock()
			return open, true
		}
		if c.poll.resumed == nil {
			c.poll.resumed = make(chan struct{})
		}
		resumed := c.poll.resumed
		c.mu.Unlock()
		c.readEnd() // what was handed up must run, or nothing would resume
		select {
		case <-resumed:
		case <-r.Context().Done():
			c.finish(ReasonTransportError, errPostAborted, ending{lost: true})
			return false, false
		}
	}
}
