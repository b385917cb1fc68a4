// SPDX-License-Identifier: MIT

// This file holds the long-polling of a Dialer: one loop reads the responses of polls,
// another sends the queue.

package engineio

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"unicode/utf8"

	"socketio/internal/netpoll"
)

// A poller is the client of one polling session.
type poller struct {
	d    *Dialer
	a    *address
	c    *Conn           // nil until the session is open
	ctx  context.Context // ends with the session
	http http.Client
}

// dialPolling opens a connection on polling. Its loops begin when it is open.
func (d *Dialer) dialPolling(ctx context.Context, a *address, accept func(*Conn) Handler) (*Conn, error) {
	session, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, cancel)
	p := &poller{d: d, a: a, ctx: session, http: http.Client{
		Transport: d.http, Jar: a.jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	in, open, err := p.open()
	if err == nil && !stop() {
		in.close()
		p.leave(open.SID)
		return nil, context.Cause(ctx)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	c, ok := d.newConn(a, open)
	if !ok {
		in.close()
		cancel()
		p.leave(open.SID)
		return nil, ErrClosed
	}
	p.c, a.sid = c, open.SID
	client := &pollClient{cancel: cancel, changed: make(chan struct{})}
	polls, g := newPolling(c), new(parkedGET)
	polls.client, polls.get = client, g
	c.begin(polls, nil, nil, accept)
	c.readEnd()
	// Two per connection, and one while it upgrades, owned by the Dialer; they end with
	// the session, whose end cancels their requests. Dialer.Close waits for them; the
	// call of Dial is counted meanwhile.
	d.running.Go(func() { p.receive(in) })
	d.running.Go(func() { p.send(g) })
	if !d.opts.DisableUpgrades && slices.Contains(d.opts.Transports, WebSocket) && slices.Contains(open.Upgrades, WebSocket) {
		d.running.Go(func() { d.upgrade(c, a) })
	}
	return c, nil
}

// open does the handshake. in has the packets that follow the open packet.
func (p *poller) open() (in *pollBody, open *openPacket, err error) {
	if in, err = p.poll(); err != nil {
		return nil, nil, err
	}
	first, err := in.next()
	if err == nil {
		open, err = parseOpen(first)
	} else if err == io.EOF {
		err = errors.New("engineio: dial: the response of the server is empty")
	}
	if err != nil {
		in.close()
		return nil, nil, err
	}
	return in, open, nil
}

// leave ends a session that Dial does not return: without a close packet the server would
// keep it until its ping timeout. Dial does not wait for that, but Close does.
func (p *poller) leave(sid string) {
	p.a.sid = sid
	p.d.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), netpoll.LingerTimeout)
		defer cancel()
		p.ctx = ctx
		if resp, err := p.do(http.MethodPost, appendFrame(nil, packetMsg(packetClose, "").frame(0))); err == nil {
			_ = resp.Body.Close()
		}
	})
}

// poll sends a GET. It returns before the body of the response has been read.
func (p *poller) poll() (*pollBody, error) {
	resp, err := p.do(http.MethodGet, nil)
	if err != nil {
		return nil, err
	}
	return &pollBody{body: resp.Body, limit: p.d.opts.MaxPayload}, nil
}

// do sends a request. A response other than 200 is an error.
func (p *poller) do(method string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(p.ctx, method, p.a.url(Polling), nil)
	if err != nil {
		return nil, fmt.Errorf("engineio: dial: %w", err)
	}
	if r.Header = p.d.header(); body != nil {
		r.Header.Set("Content-Type", textType)
		r.ContentLength = int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(postReader{p, bytes.NewReader(body)}), nil
		}
		r.Body, _ = r.GetBody()
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	resp, err := p.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("engineio: a request of polling failed: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusalOf(resp)
	}
	return resp, nil
}

// receive hands up the packets of polls, beginning with in.
func (p *poller) receive(in *pollBody) {
	for {
		err := p.handUp(in)
		in.close()
		if err == nil && p.rest() {
			in, err = p.poll()
		} else if err == nil {
			return
		}
		if err != nil {
			p.fail(err)
			return
		}
	}
}

// fail closes the session because of an invalid response or a failed request.
func (p *poller) fail(err error) {
	if errors.Is(err, errTooLargeBody) || errors.Is(err, errUnknownPacket) || errors.Is(err, errEmptyPacket) ||
		errors.Is(err, errBase64) || errors.Is(err, errInvalidUTF8) {
		p.c.parseError(err)
		return
	}
	p.c.finish(ReasonTransportError, err, ending{lost: true})
	p.c.closed()
}

// handUp hands up the packets of a response.
func (p *poller) handUp(in *pollBody) error {
	defer p.c.readEnd()
	for {
		packet, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !p.awaitResume() || !p.c.handUp(packet) {
			return nil
		}
	}
}

// awaitResume waits while the connection is paused. It reports whether it is open.
func (p *poller) awaitResume() bool {
	c := p.c
	for {
		c.mu.Lock()
		if !c.flags.has(isPaused) || c.state != stateOpen {
			open := c.state == stateOpen
			c.mu.Unlock()
			return open
		}
		if c.poll.resumed == nil {
			c.poll.resumed = make(chan struct{})
		}
		resumed := c.poll.resumed
		c.mu.Unlock()
		c.readEnd() // the messages handed up must run, or nothing would resume
		select {
		case <-resumed:
		case <-p.ctx.Done():
		}
	}
}

// rest is called by each loop between two requests. It waits while an upgrade pauses
// polling, and reports whether polling continues. The second loop to wait commits the
// upgrade.
func (p *poller) rest() bool {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.poll.client
	for c.state == stateOpen && c.ws == nil && c.poll.up.pausing {
		changed := client.changed
		client.resting++
		last := client.resting == 2
		c.mu.Unlock()
		if last {
			p.commit()
		} else {
			select {
			case <-changed:
			case <-p.ctx.Done():
			}
		}
		c.mu.Lock()
		client.resting--
	}
	return c.ws == nil && (c.state == stateOpen || c.state == stateClosing && c.poll.final != 0)
}

// commit makes the candidate of a client the connection's transport, if it still is a
// candidate. The upgrade packet is sent first, then the queue.
func (p *poller) commit() {
	c := p.c
	c.mu.Lock()
	t := c.poll.up.candidate
	if t == nil || !c.poll.up.pausing || c.state != stateOpen {
		c.mu.Unlock()
		return
	}
	t.q.append(&c.svc.backlogs, packetMsg(packetUpgrade, ""))
	t.q.keep() // a close frame means nothing before the upgrade packet
	t.switchLocked()
	flush := t.q.takeWriting()
	c.mu.Unlock()
	if flush {
		t.nc.Flush(nil)
	}
	c.handler.HandleUpgrade()
	c.svc.obs.upgraded(c)
}

// send sends the queue until polling ends.
func (p *poller) send(g *parkedGET) {
	c := p.c
	for p.rest() {
		c.mu.Lock()
		final := c.poll.final
		if c.poll.q.len() == 0 && final == 0 {
			changed := c.poll.client.changed
			if c.poll.up.pausing || c.ws != nil || c.state != stateOpen {
				c.mu.Unlock()
				continue
			}
			c.mu.Unlock()
			select {
			case <-p.c.poll.signal:
			case <-changed:
			case <-p.ctx.Done():
			}
			continue
		}
		var items []*Message
		items, g.size = c.poll.q.take(limitsOf(c).maxQueueBytes)
		c.poll.writing = g
		c.noteQueueLocked(true)
		more := c.poll.q.len() > 0
		c.mu.Unlock()
		if final != 0 && !more {
			last := packetMsg(final, "")
			items = append(items, last)
			c.logOut(last)
		}
		err := p.post(items)
		c.mu.Lock()
		c.poll.written(g)
		c.noteQueueLocked(true)
		c.mu.Unlock()
		if err != nil {
			p.fail(err)
			return
		}
		if final != 0 && !more {
			c.closed()
			return
		}
	}
}

// post sends messages in as many requests as the server's maxPayload requires.
func (p *poller) post(items []*Message) error {
	most := p.c.given.maxPayload
	var body []byte
	for _, m := range items {
		for i := range m.frames() {
			f := m.frame(i)
			size := len(f.wire) - int(f.body)
			if f.binary {
				size = 1 + base64.StdEncoding.EncodedLen(size)
			}
			if len(body) > 0 && most > 0 && len(body)+1+size > most {
				if err := p.postBody(body); err != nil {
					return err
				}
				body = nil
			}
			body = appendFrame(body, f)
		}
	}
	return p.postBody(body)
}

// postBody sends a POST. WriteTimeout bounds it: the time between two reads of its body,
// and between the last and the end of the response.
func (p *poller) postBody(body []byte) error {
	p.watchWrite(true)
	defer p.watchWrite(false)
	resp, err := p.do(http.MethodPost, body)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxRefusalBody) // "ok"
	return resp.Body.Close()
}

// watchWrite sets the deadline for the server to take something more of a POST, or removes
// it.
func (p *poller) watchWrite(on bool) {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ws != nil: // the deadline is the WebSocket's
	case on && c.state == stateOpen:
		c.setDueLocked(dueWrite, c.svc.now()+int64(limitsOf(c).writeTimeout))
	default:
		c.due.at[dueWrite] = 0
	}
}

// A postReader is the body of a POST. Each read is progress, so reads are short.
type postReader struct {
	p    *poller
	rest *bytes.Reader
}

func (r postReader) Read(b []byte) (int, error) {
	if r.p.c != nil { // leave has no connection
		r.p.watchWrite(true)
	}
	return r.rest.Read(b[:min(len(b), 4<<10)])
}

var errTooLargeBody = fmt.Errorf("%w: a packet of a poll", ErrTooLarge)

// A pollBody is the body of a poll's response, which is parsed as it arrives. It holds one
// packet at a time, so its length needs no bound.
type pollBody struct {
	body  io.ReadCloser
	limit int    // bytes of the data of one packet
	buf   []byte // read and not yet returned
	used  int    // bytes of buf that were returned
	seen  int    // bytes after used without a separator
	ended bool
}

// next returns the next packet, valid until the next call. It returns io.EOF at the end.
func (b *pollBody) next() (packet, error) {
	most := 2 + base64.StdEncoding.EncodedLen(b.limit)
	for {
		rest := b.buf[b.used:]
		i := bytes.IndexByte(rest[b.seen:], payloadSeparator)
		switch {
		case i >= 0:
			i += b.seen
			b.used += i + 1
			b.seen = 0
			return b.take(rest[:i])
		case b.ended && len(rest) == 0:
			return packet{}, io.EOF
		case b.ended:
			b.used = len(b.buf)
			b.seen = 0
			return b.take(rest)
		case len(rest) > most:
			return packet{}, errTooLargeBody
		}
		b.seen = len(rest)
		if err := b.read(); err != nil {
			return packet{}, fmt.Errorf("engineio: the response of a poll ended early: %w", err)
		}
	}
}

// take decodes a packet.
func (b *pollBody) take(data []byte) (packet, error) {
	if len(data) <= MaxInlineUTF8 && !utf8.Valid(data) {
		return packet{}, errInvalidUTF8
	}
	p, err := decodePacket(data)
	if err == nil && len(p.data) > b.limit {
		err = errTooLargeBody
	}
	return p, err
}

// read reads more.
func (b *pollBody) read() error {
	if b.used > 0 {
		b.buf = b.buf[:copy(b.buf, b.buf[b.used:])]
		b.used = 0
	}
	b.buf = slices.Grow(b.buf, 512)
	n, err := b.body.Read(b.buf[len(b.buf):cap(b.buf)])
	b.buf = b.buf[:len(b.buf)+n]
	if err == io.EOF {
		b.ended, err = true, nil
	}
	return err
}

func (b *pollBody) close() { _ = b.body.Close() }
