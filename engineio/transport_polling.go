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
	"strings"
	"time"

	"socketio/internal/coding"
	"socketio/internal/ws"
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
//	reading ──answered with an error──► held ──errorGrace · "1" of the client──► closed
//
// A second request in either slot closes the session.
type polling struct {
	c       *Conn
	q       sendQueue
	get     *parkedGET // nil exactly while no GET waits
	posting bool
	base64  bool          // revision 3: responses are always text
	polled  bool          // a GET has come
	writing *parkedGET    // that is being answered; nil if none
	resumed chan struct{} // not nil while a POST waits for Conn.Resume

	releasedFor time.Time // the deadline of a request for which a GET was released last

	held bool          // closing: a POST was answered with an error, which the client shall see before it is told the end
	over chan struct{} // not nil while requests wait for the end of it all

	final     packetType // the last packet, once closing; 0 before
	afterNoop bool       // a noop goes before final: the poll comes after the close
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
		c.setDueLocked(dueClose, c.srv.now()+int64(errorGrace))
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
	if !e.lost && e.reply == 0 && (e.flush || c.up.pausing) {
		p.afterNoop = true
		c.setDueLocked(dueClose, c.srv.now()+int64(c.srv.pollCloseTimeout()))
		return false
	}
	c.state = stateClosed
	return true
}

// A client has errorGrace to see the error that answers its POST, before its poll is
// told the end: npm's client takes for the reason what it sees first, and a busy one
// takes its time. A POST that the end cuts off waits answerGrace for the poll to tell
// the end.
const (
	errorGrace  = 2 * time.Second
	answerGrace = 750 * time.Millisecond
)

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
	h := newHost(w, r)
	cut := h.lift()

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
	p.polled = true
	g := &parkedGET{signal: make(chan struct{}, 1)}
	if p.q.len() == 0 {
		g.final = p.final
	}
	p.get = g
	if c.up.pausing {
		c.setDueLocked(dueNoop, c.srv.now()+int64(noopDelay))
	}
	if !c.parkLocked(g, h, cut) {
		return
	}
	var items []*Message
	if c.ws == nil {
		items, g.size = p.q.take(c.srv.cfg.MaxQueueBytes)
		p.writing = g
		c.noteQueueLocked(true)
	}
	if p.get == g {
		p.get = nil
	}
	final := g.final
	noop := final == 0 && len(items) == 0 || final != 0 && p.afterNoop
	moved := c.ws != nil // to WebSocket: this response carries nothing
	over := final != 0 && !moved
	c.mu.Unlock()

	err := errWriterPanic
	defer func() { // also if a writer panics: what it was given is lost
		c.mu.Lock()
		p.written(g)
		c.noteQueueLocked(true)
		c.mu.Unlock()
		if over {
			c.closed()
		} else if err != nil && !moved {
			c.finish(ReasonTransportError, err, ending{lost: true})
		}
	}()
	if noop {
		items = append(items, c.srv.noopMessage)
		c.logOut(c.srv.noopMessage)
	}
	if final != 0 {
		last := packetMsg(final, "")
		items = append(items, last)
		c.logOut(last)
	}
	c.srv.addHeaders(w.Header(), r, false)
	err = p.write(h, items, g)
}

// parkLocked waits until there is something to answer a GET with. It reports false, and
// has released mu, if the client is gone. cut is what host.lift returns.
func (c *Conn) parkLocked(g *parkedGET, h *host, cut time.Duration) (present bool) {
	p, ctx := c.poll, h.r.Context()
	if cut > 0 {
		defer c.releaseIn(g, cut, time.Time{}).Stop()
	}
	// A handler around this one that gives each request a time would answer in our
	// place. A time that comes again is none of a request.
	if end, ok := ctx.Deadline(); ok && ctx.Err() == nil && !end.Equal(p.releasedFor) {
		left := time.Until(end)
		defer c.releaseIn(g, left-min(left/4, time.Second), end).Stop()
	}
	ended, gone := ctx.Done(), (<-chan bool)(nil)
	// One answer at a time: what is being written is not in the queue any more.
	for p.writing != nil && c.ws == nil || p.q.len() == 0 && !g.noop && g.final == 0 {
		c.mu.Unlock()
		lost := false
		select {
		case <-g.signal:
		case <-ended:
			// That may be a wish of the host, which is nothing to a client that is there.
			ended = nil
			var ok bool
			if gone, ok = h.gone(); !ok {
				defer c.releaseIn(g, unsurePoll, time.Time{}).Stop() // once
			}
		case <-gone:
			lost = true
		}
		c.mu.Lock()
		if lost {
			ours := p.get == g // else the session has moved to WebSocket
			if ours {
				p.get = nil
			}
			c.mu.Unlock()
			if ours {
				c.finish(ReasonTransportError, errPollAborted, ending{lost: true})
			}
			return false
		}
	}
	return true
}

// releaseIn answers a GET with a noop after d, if it is still parked then. end is the
// deadline of its request that is the reason, if it is that.
func (c *Conn) releaseIn(g *parkedGET, d time.Duration, end time.Time) *time.Timer {
	return time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if p := c.poll; p.get == g {
			p.releasedFor = end
			p.release()
		}
	})
}

// unsurePoll is how long a GET stays that may have lost its client: there is no other
// way to know than to answer it.
const unsurePoll = time.Second

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
func (p *polling) write(h *host, items []*Message, g *parkedGET) error {
	body, contentType := p.encode(items)
	coded := coding.Applied(h.w.Header())
	if !coded {
		body = p.c.srv.compressor.encode(h.w.Header(), h.r.Header["Accept-Encoding"], items, body)
	}
	return h.writePoll(contentType, body, coded, p.c.srv.cfg.WriteTimeout, g)
}

// servePOST takes what a client sends.
func (c *Conn) servePOST(w http.ResponseWriter, r *http.Request) {
	h := newHost(w, r)
	begun, cut := time.Now(), h.liftWrite() // the answer may have to wait for handlers
	c.mu.Lock()
	p := c.poll
	if p == nil || c.ws != nil { // since the request was checked
		c.mu.Unlock()
		c.srv.refuse(w, r, errUpgraded())
		return
	}
	if p.posting {
		c.mu.Unlock()
		c.failPOST(h, nil, ReasonTransportError, errPostOverlap)
		return
	}
	p.posting = true
	leaving := c.state == stateClosing && !p.held
	c.mu.Unlock()
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		e := &requestError{status: http.StatusUnsupportedMediaType, code: codeBadRequest, message: "Unsupported content encoding"}
		c.failPOST(h, e, ReasonTransportError, errContentEncoding)
		return
	}
	in := payload{revision: c.handshake.Revision, binary: strings.HasPrefix(r.Header.Get("Content-Type"), binaryType)}
	if in.binary && in.revision == 4 {
		c.failPOST(h, nil, ReasonTransportError, errContentType)
		return
	}
	body, err := c.readBody(h)
	if err != nil {
		c.refuseBody(h, err)
		return
	}
	_ = h.SetReadDeadline(time.Time{})
	if err := in.begin(body); err != nil {
		c.failPOST(h, refuse(codeBadRequest, err.Error()), ReasonParseError, err)
		return
	}
	switch took, present := c.deliver(h, &in); {
	case !present:
	case took, leaving: // who is yet to be told the end may go on until it is
		c.posted() // before the answer: a client may send its next POST as soon as it has it
		c.srv.addHeaders(w.Header(), r, false)
		_ = h.writePoll("text/html", []byte("ok"), coding.Applied(w.Header()), c.srv.cfg.WriteTimeout, nil) // the next request tells
		if cut > 0 && time.Since(begun) > cut {
			c.srv.sampled.Warn("a POST waited for handlers until http.Server.WriteTimeout cut its answer; give the ResponseWriter of the middleware around this handler a method Unwrap", "conn", c.number)
		}
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
func (c *Conn) failPOST(h *host, e *requestError, reason CloseReason, err error) {
	w, r := h.w, h.r
	code := closeProtocol
	if errors.Is(err, ErrTooLarge) {
		code = ws.CodeTooBig
	}
	c.finish(reason, err, ending{held: true, code: code})
	if err != errPostOverlap { // then another has the place
		c.posted()
	}
	// In HTTP/2 a stream ends alone, whatever of it has not been read; "Connection: close"
	// would take others along.
	whole := r.ProtoMajor == 1
	if whole {
		w.Header().Set("Connection", "close")
		_ = h.EnableFullDuplex() // the body can be read after the answer
	}
	if e == nil {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusBadRequest)
	} else {
		e.write(w)
	}
	if whole {
		_ = h.Flush()
	}
	c.mu.Lock()
	if c.poll.held && c.state == stateClosing {
		c.setDueLocked(dueClose, c.srv.now()+int64(errorGrace))
	}
	c.mu.Unlock()
	if !whole || r.Header.Get("Expect") != "" || errors.Is(err, errBodySlow) {
		return // nothing need come, or will
	}
	// net/http closes a connection on which more comes than is read: the client would see
	// a reset.
	_ = h.SetReadDeadline(time.Now().Add(c.srv.cfg.BodyTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, int64(c.srv.cfg.MaxPayload))
}

// A body may take bodyGrace, and then a second more for each bodyRate bytes it
// has brought, within Options.BodyTimeout.
const (
	bodyGrace = 5 * time.Second
	bodyRate  = 1 << 10
)

// readBody reads a whole body, growing with what has arrived.
func (c *Conn) readBody(h *host) ([]byte, error) {
	r := h.r
	limit := int64(c.srv.cfg.MaxPayload)
	start := time.Now()
	if r.ContentLength > limit {
		_ = h.SetReadDeadline(start.Add(c.srv.cfg.BodyTimeout))
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
		_ = h.SetReadDeadline(start.Add(min(earned, c.srv.cfg.BodyTimeout)))
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
func (c *Conn) refuseBody(h *host, err error) {
	var cut *http.MaxBytesError
	switch {
	case errors.As(err, &cut):
		c.srv.sampled.Warn("closed: the body of a POST is larger than a handler around this one allows; to allow it raise the bound of its http.MaxBytesHandler or http.MaxBytesReader", "conn", c.number, "max", cut.Limit)
		err = fmt.Errorf("%w: the body of a POST: more than the %d bytes of http.MaxBytesReader", ErrTooLarge, cut.Limit)
		e := &requestError{status: http.StatusRequestEntityTooLarge, code: codeBadRequest, message: "Payload too large"}
		c.failPOST(h, e, ReasonTransportError, err)
	case errors.Is(err, errBodyTooLarge):
		_, err = c.tooLarge(err)
		e := &requestError{status: http.StatusRequestEntityTooLarge, code: codeBadRequest, message: "Payload too large"}
		c.failPOST(h, e, ReasonTransportError, err)
	case errors.Is(err, errTimeout):
		e := &requestError{status: http.StatusRequestTimeout, code: codeBadRequest, message: "Request timeout"}
		c.failPOST(h, e, ReasonTransportError, errBodySlow)
	default:
		c.failPOST(h, nil, ReasonTransportError, errPostAborted)
	}
}

// deliver hands up the packets of a body, waiting out pauses. It reports whether they
// were taken, to the last or to the one that ended the session, and whether the client
// is still there to be answered.
func (c *Conn) deliver(h *host, in *payload) (took, present bool) {
	defer c.readEnd()
	for !in.done {
		if open, present := c.awaitResume(h); !open {
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
func (c *Conn) awaitResume(h *host) (open, present bool) {
	ended, gone := h.r.Context().Done(), (<-chan bool)(nil)
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
		case <-ended:
			ended = nil // the host may wish it; the client may still be there
			gone, _ = h.gone()
		case <-gone:
			c.finish(ReasonTransportError, errPostAborted, ending{lost: true})
			return false, false
		}
	}
}
