// SPDX-License-Identifier: MIT

// This file holds how the requests of a polling session are served. net/http calls;
// the goroutine of the request does the waiting.

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

// A pollServer serves polls and POSTs, for all sessions. It is immutable.
type pollServer struct {
	refusals    *refusals
	headers     *headers
	compressor  *compressor   // nil if responses are not compressed
	ok          [2]byte       // the body that answers a POST
	bodyTimeout time.Duration // Options.BodyTimeout
}

// An exchange is one request of a polling session and its answer.
type exchange struct {
	host
	s      *pollServer
	c      *Conn
	parked parkedGET // of a GET
	timed  bool      // the body has a deadline; see wait
}

func (s *pollServer) exchange(w http.ResponseWriter, r *http.Request, c *Conn) *exchange {
	return &exchange{host: newHost(w, r), s: s, c: c}
}

// lockPolling locks the connection of a request and returns its transport. If the session
// has upgraded since the request was checked, it answers it and returns nil, unlocked.
func (x *exchange) lockPolling() *polling {
	x.c.mu.Lock()
	if x.c.poll != nil && x.c.ws == nil {
		return x.c.poll
	}
	x.c.mu.Unlock()
	x.s.refusals.answer(x.w, x.r, errUpgraded())
	return nil
}

// get answers a poll.
func (x *exchange) get() {
	c, cut := x.c, x.lift()
	p := x.lockPolling()
	if p == nil {
		return
	}
	if p.get != nil {
		c.mu.Unlock()
		x.w.WriteHeader(http.StatusBadRequest)
		c.finish(ReasonTransportError, errPollOverlap, ending{})
		return
	}
	if p.held {
		c.mu.Unlock()
		x.awaitEnd(0)
		x.s.refusals.answer(x.w, x.r, errOver())
		return
	}
	p.polled = true
	g := &x.parked
	if p.q.len() == 0 {
		g.final = p.final
	}
	p.get = g
	p.hear()
	p.parkedLocked()
	if !x.parkLocked(g, cut) {
		return
	}
	var items []*Message
	if c.ws == nil {
		items, g.size = p.q.take(limitsOf(c).maxQueueBytes)
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
	defer func() { // also if a writer panics: its messages are lost
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
		items = append(items, c.svc.noopMessage)
		c.logOut(c.svc.noopMessage)
	}
	if final != 0 {
		last := packetMsg(final, "")
		items = append(items, last)
		c.logOut(last)
	}
	x.s.headers.add(x.w.Header(), x.r, false)
	err = x.write(items, g)
}

// parkLocked waits until there is something to send to a GET. It reports false, and has
// released mu, if the client is lost. cut is the result of host.lift.
func (x *exchange) parkLocked(g *parkedGET, cut time.Duration) (present bool) {
	c, p, ctx := x.c, x.c.poll, x.r.Context()
	if cut > 0 {
		defer c.poll.releaseIn(g, cut, time.Time{}).Stop()
	}
	// An outer handler that limits the time of each request would respond in our place. A
	// deadline that an earlier poll had too is not that of a request.
	if end, ok := ctx.Deadline(); ok && ctx.Err() == nil && !end.Equal(p.releasedFor) {
		left := time.Until(end)
		defer c.poll.releaseIn(g, left-min(left/4, time.Second), end).Stop()
	}
	var ended <-chan struct{}
	var gone <-chan bool
	watched := false // ended was set; it may have become nil again
	// One response at a time: messages that are being written have left the queue.
	for p.writing != nil && c.ws == nil || p.q.len() == 0 && !g.noop && g.final == 0 {
		c.mu.Unlock()
		if !watched {
			ended, watched = ctx.Done(), true
		}
		lost := false
		select {
		case <-p.signal:
		case <-ended:
			// The host may have ended the context while the client is still connected.
			ended = nil
			var ok bool
			if gone, ok = x.gone(); !ok {
				defer c.poll.releaseIn(g, unsurePoll, time.Time{}).Stop() // once
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
// deadline of its request if that is the reason, otherwise zero.
func (p *polling) releaseIn(g *parkedGET, d time.Duration, end time.Time) *time.Timer {
	return time.AfterFunc(d, func() {
		p.c.mu.Lock()
		defer p.c.mu.Unlock()
		if p.get == g {
			p.releasedFor = end
			p.release()
		}
	})
}

// unsurePoll is how long a GET stays parked whose client may be lost: only a response
// shows whether it is.
const unsurePoll = time.Second

// write answers a request with messages.
func (x *exchange) write(items []*Message, g *parkedGET) error {
	body, contentType := x.c.poll.encode(items)
	coded := coding.Applied(x.w.Header())
	if !coded {
		body = x.s.compressor.encode(x.w.Header(), x.r.Header["Accept-Encoding"], items, body)
	}
	return x.writePoll(contentType, body, coded, limitsOf(x.c).writeTimeout, g)
}

// post serves a POST.
func (x *exchange) post() {
	c, r := x.c, x.r
	begun, cut := time.Now(), x.liftWrite() // the answer may have to wait for handlers
	p := x.lockPolling()
	if p == nil {
		return
	}
	if p.posting {
		c.mu.Unlock()
		x.fail(nil, ReasonTransportError, errPostOverlap)
		return
	}
	p.posting = true
	leaving := c.state == stateClosing && !p.held
	c.mu.Unlock()
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		e := &requestError{status: http.StatusUnsupportedMediaType, code: codeBadRequest, message: "Unsupported content encoding"}
		x.fail(e, ReasonTransportError, errContentEncoding)
		return
	}
	in := payload{revision: c.Revision(), binary: strings.HasPrefix(r.Header.Get("Content-Type"), binaryType)}
	if in.binary && in.revision == 4 {
		x.fail(nil, ReasonTransportError, errContentType)
		return
	}
	body, err := x.readBody()
	if err != nil {
		x.refuseBody(err)
		return
	}
	if err := in.begin(body); err != nil {
		x.fail(refuse(codeBadRequest, err.Error()), ReasonParseError, err)
		return
	}
	switch took, present := x.deliver(&in); {
	case !present:
	case took, leaving: // a client that does not know of the end may go on until it does
		x.posted() // before the answer: a client may send its next POST as soon as it has it
		x.s.headers.add(x.w.Header(), x.r, false)
		_ = x.writePoll("text/html", x.s.ok[:], coding.Applied(x.w.Header()), limitsOf(c).writeTimeout, nil) // the next request shows it
		if cut > 0 && time.Since(begun) > cut {
			c.svc.sampled.Warn("a POST waited for handlers until http.Server.WriteTimeout cut its answer; give the ResponseWriter of the middleware around this handler a method Unwrap", "conn", c.number)
		}
	default:
		// The poll tells the client the reason, if it can: npm's client would take this
		// response for it.
		x.awaitEnd(answerGrace)
		x.posted()
		errOver().write(x.w)
	}
}

// posted admits the next POST.
func (x *exchange) posted() {
	x.c.mu.Lock()
	x.c.poll.posting = false
	x.c.mu.Unlock()
}

// errOver rejects a request whose session has ended meanwhile. For a POST it is not
// reported as a rejection: the client did not guess an id.
func errOver() *requestError { return refuse(codeUnknownSID, "the session has ended") }

// fail ends the session because of a POST, and answers with e, or with 400 and no
// body if e is nil. The client sees the answer although it is still sending: some more of
// the body is read, and its poll is answered a little later.
func (x *exchange) fail(e *requestError, reason CloseReason, err error) {
	c, w, r := x.c, x.w, x.r
	code := closeProtocol
	if errors.Is(err, ErrTooLarge) {
		code = ws.CodeTooBig
	}
	c.finish(reason, err, ending{held: true, code: code})
	if err != errPostOverlap { // then another has the place
		x.posted()
	}
	// In HTTP/2 a stream ends alone, whatever of it has not been read; "Connection: close"
	// would take others along.
	whole := r.ProtoMajor == 1
	if whole {
		w.Header().Set("Connection", "close")
		_ = x.EnableFullDuplex() // the body can be read after the answer
	}
	if e == nil {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusBadRequest)
	} else {
		e.write(w)
	}
	if whole {
		_ = x.Flush()
	}
	c.mu.Lock()
	if c.poll.held && c.state == stateClosing {
		c.setDueLocked(dueClose, c.svc.now()+int64(errorGrace))
	}
	c.mu.Unlock()
	if !whole || r.Header.Get("Expect") != "" || errors.Is(err, errBodySlow) {
		return // nothing more will arrive
	}
	// net/http closes a connection with a body that is not read to its end: the client
	// would see a reset.
	_ = x.SetReadDeadline(time.Now().Add(x.s.bodyTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, int64(limitsOf(c).maxPayload))
}

// A body may take bodyGrace, and then a second more for each bodyRate bytes it
// has brought, within Options.BodyTimeout.
const (
	bodyGrace = 5 * time.Second
	bodyRate  = 1 << 10
)

// allow sets the time until which the body may be read. It is removed before the request
// waits for something else; the HTTP server removes it when the request has ended.
func (x *exchange) allow(until time.Time) {
	_ = x.SetReadDeadline(until)
	x.timed = true
}

// wait removes the deadline of the body: it would end the context of a request that waits.
func (x *exchange) wait() {
	if x.timed {
		x.timed = false
		_ = x.SetReadDeadline(time.Time{})
	}
}

// readBody reads a whole body. Its buffer grows with the bytes that have arrived.
func (x *exchange) readBody() ([]byte, error) {
	r := x.r
	limit := int64(limitsOf(x.c).maxPayload)
	start := time.Now()
	if r.ContentLength > limit {
		x.allow(start.Add(x.s.bodyTimeout))
		return nil, oversize{errBodyTooLarge, uint64(r.ContentLength)}
	}
	size := r.ContentLength + 1 // room to see the end without growing
	if size <= 0 || size > 4096 {
		size = 4096
	}
	body := make([]byte, 0, size)
	for allowed := time.Duration(0); ; {
		earned := min(bodyGrace+time.Duration(len(body)/bodyRate)*time.Second, x.s.bodyTimeout)
		if earned != allowed {
			allowed = earned
			x.allow(start.Add(earned))
		}
		n, err := r.Body.Read(body[len(body):min(int64(cap(body)), limit+1)])
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
func (x *exchange) refuseBody(err error) {
	c := x.c
	var cut *http.MaxBytesError
	switch {
	case errors.As(err, &cut):
		c.svc.sampled.Warn("closed: the body of a POST is larger than a handler around this one allows; to allow it raise the bound of its http.MaxBytesHandler or http.MaxBytesReader", "conn", c.number, "max", cut.Limit)
		err = fmt.Errorf("%w: the body of a POST: more than the %d bytes of http.MaxBytesReader", ErrTooLarge, cut.Limit)
		e := &requestError{status: http.StatusRequestEntityTooLarge, code: codeBadRequest, message: "Payload too large"}
		x.fail(e, ReasonTransportError, err)
	case errors.Is(err, errBodyTooLarge):
		_, err = tooLarge(c, err)
		e := &requestError{status: http.StatusRequestEntityTooLarge, code: codeBadRequest, message: "Payload too large"}
		x.fail(e, ReasonTransportError, err)
	case errors.Is(err, errTimeout):
		e := &requestError{status: http.StatusRequestTimeout, code: codeBadRequest, message: "Request timeout"}
		x.fail(e, ReasonTransportError, errBodySlow)
	default:
		x.fail(nil, ReasonTransportError, errPostAborted)
	}
}

// deliver passes on the packets of a body and waits while the connection is paused. It
// reports whether they were accepted, up to the last or the one that ended the session, and
// whether the client is still there to be answered.
func (x *exchange) deliver(in *payload) (took, present bool) {
	c := x.c
	defer c.readEnd()
	for !in.done {
		if open, present := x.awaitResume(); !open {
			if in.closes() {
				c.closed() // the client will not poll again
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

// awaitResume waits while the connection is paused. It reports whether the
// connection is open, and whether the client still waits for its answer.
func (x *exchange) awaitResume() (open, present bool) {
	c := x.c
	if !c.flags.has(isPaused) && !c.flags.has(hasEnded) { // nearly always
		return true, true
	}
	x.wait()
	ended, gone := x.r.Context().Done(), (<-chan bool)(nil)
	for {
		c.mu.Lock()
		if !c.flags.has(isPaused) || c.state != stateOpen {
			open = c.state == stateOpen
			c.mu.Unlock()
			return open, true
		}
		if c.poll.resumed == nil {
			c.poll.resumed = make(chan struct{})
		}
		resumed := c.poll.resumed
		c.mu.Unlock()
		c.readEnd() // handlers of the messages so far must run, or nothing would resume
		select {
		case <-resumed:
		case <-ended:
			ended = nil // the host may have ended it; the client may still be there
			gone, _ = x.gone()
		case <-gone:
			c.finish(ReasonTransportError, errPostAborted, ending{lost: true})
			return false, false
		}
	}
}

// awaitEnd waits until the session is over, limit has passed, or the client has gone.
// A limit of 0 means none.
func (x *exchange) awaitEnd(limit time.Duration) {
	x.wait()
	c := x.c
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
	case <-x.r.Context().Done():
	}
}
