// SPDX-License-Identifier: MIT

// This file holds Conn: the life of one Engine.IO connection, its input and its
// output.

package engineio

import (
	"context"
	"encoding/base64"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"socketio/internal/lock"
	"socketio/internal/wheel"
)

// A Handler receives the messages of a Conn. HandleMessage is called for one message at a
// time, in order, on the goroutine that reads. The methods must not block or run
// application code. A Handler may also have a method MaxInflated() int: the current bound
// on the inflated size of a compressed message, in bytes, if it is less than
// Options.MaxPayload. It is called before each compressed message is inflated. And it may
// have a method Warm() int, which is called when messages have arrived that HandleMessage
// is given after those of other connections: it reads from the memory that HandleMessage
// will visit, so that the processor fetches it for several connections at once. It is
// called on any goroutine that reads, and its result is ignored.
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

// A given is what few connections of a Server have, and all of a Dialer. It is immutable
// once the connection is in use.
type given struct {
	ctx        context.Context // values of Options.Handshake, nil if none
	limits     *limits         // of a Dialer's, which the server has chosen; nil for those of the Server
	maxPayload int             // of a Dialer's: bytes of one message, and of one POST, that the server accepts; 0 means no bound
}

// limitsOf returns the limits of a connection.
func limitsOf(c *Conn) *limits {
	if g := c.given; g != nil && g.limits != nil {
		return g.limits
	}
	return &c.svc.limits
}

// fits reports whether the peer accepts all parts of m.
func (g *given) fits(m *Message, polling bool) bool {
	if g == nil || g.maxPayload <= 0 {
		return true
	}
	for i := range m.frames() {
		f := m.frame(i)
		size := len(f.wire) - int(f.body)
		if f.binary && polling {
			size = 1 + base64.StdEncoding.EncodedLen(size)
		}
		if size > g.maxPayload {
			return false
		}
	}
	return true
}

// An owner is the end that a Conn belongs to: it keeps the table of connections.
type owner interface {
	forget(c *Conn)                                 // all is over
	retire(c *Conn)                                 // closing, with pending output
	upgraded(c *Conn)                               // from polling
	established(c *Conn)                            // see Conn.Established
	outlive(c *Conn, bytes int)                     // see Conn.Outlive
	settled(c *Conn)                                // see Conn.Settled
	relieve()                                       // the queues together are over their bound
	inBackground() bool                             // admits a goroutine, which ends with services.background.Done
	closeWait(queued bool) time.Duration            // how long a closed polling session waits for a poll
	unheard(why CloseReason, err error, flush bool) // a session ended that was polled and sent nothing
}

// A shared is what all connections of a Server have in common, or of a Dialer.
type shared struct {
	services

	// Immutable once the first connection exists.
	owner  owner
	wheels []*wheel.Wheel[*waker]
}

// init is that of the services, and creates the wheels.
func (s *shared) init(l limits, log *slog.Logger) {
	s.services.init(l, log)
	for range runtime.GOMAXPROCS(0) {
		s.wheels = append(s.wheels, wheel.New[*waker](s.tick))
	}
}

// close ends the goroutines that served connections, which have been closed.
func (s *shared) close() {
	s.services.close()
	for _, w := range s.wheels {
		w.Close()
	}
}

// wheel returns the wheel of a connection. They take them in turns.
func (s *shared) wheel(number uint64) *wheel.Wheel[*waker] {
	return s.wheels[number%uint64(len(s.wheels))]
}

// Life of a Conn. Changed only by finish and closed.
//
//	open ──Close · violation · timeout · transport gone──► closing
//	closing ──output flushed, dropped, or out of time──► closed
//
// HandleClose is called when open ends. While closing, only output continues.
type connState uint8

const (
	stateOpen connState = iota
	stateClosing
	stateClosed
)

// A Conn is one Engine.IO connection: a session over polling, WebSocket or
// WebTransport, or over polling and then one of the others. All methods may be called
// from any goroutine.
type Conn struct {
	// First what each message that is sent needs, in one cache line.

	// Immutable after newConn.
	svc   *shared
	given *given // nil if there is nothing in it

	mu   lock.Mutex   // guards the fields that say so; never held across I/O or a call up, but to a TrafficObserver
	ws   *wsTransport // guarded by mu; nil exactly while the session is on polling
	poll *polling     // guarded by mu; nil for a session that began on WebSocket; set once, by begin

	charged atomic.Int64 // bytes of the queue that Server.budget knows of; written under mu
	flags   flags
	corks   uint16    // guarded by mu: calls of Cork without Uncork
	state   connState // guarded by mu
	own     bool      // owned by the read side: see TakeMessage

	timer wheel.Timer[*waker]

	// Guarded by mu.
	due   deadlines
	beat  heartbeat
	aside *aside // nil until it is needed

	// Immutable after newConn.
	handler Handler // set by begin, before anything is read
	number  uint64
	id      string
	opening opening

	passed atomic.Pointer[passedOn] // nil if nothing is passed on to an upgrade
}

// An aside is what few connections need. It is guarded by Conn.mu.
type aside struct {
	pausedAt int64         // since when paused, by services.now
	unlogged []*Message    // of Append, whose callers may hold locks: for the next line of the log
	drained  chan struct{} // closed when nothing waits, or at the end; nil unless somebody waits
	dropped  int           // messages, by their policy
}

// asideLocked returns the aside of a connection, for something to be put there.
func asideLocked(c *Conn) *aside {
	if c.aside == nil {
		c.aside = new(aside)
	}
	return c.aside
}

// A request is what opens a connection.
type request struct {
	id       string
	revision uint8
	opening  opening
	ctx      context.Context // values of Options.Handshake, nil if none
}

func newConn(svc *shared, r request) *Conn {
	c := new(Conn)
	c.init(svc, r)
	return c
}

// newWebSocketConn returns a connection that begins on a WebSocket, and its transport.
// They are in one piece of memory.
func newWebSocketConn(svc *shared, r request) (*Conn, *wsTransport) {
	both := new(struct {
		c Conn
		t wsTransport
	})
	both.c.init(svc, r)
	both.t.c = &both.c
	return &both.c, &both.t
}

func (c *Conn) init(svc *shared, r request) {
	c.svc = svc
	c.number, c.id, c.opening = svc.lastNumber.Add(1), r.id, r.opening
	if r.ctx != nil {
		c.given = &given{ctx: r.ctx}
	}
	if r.revision == 3 {
		c.flags.set(isOld, true)
		c.beat.awaits = true
	}
}

// begin gives a new connection its transport, which is one of the two, its first
// messages, which a polling session has already sent, and its Handler, and starts the
// heartbeat. If the owner has been closed since the connection was admitted, HandleClose is
// called at once.
func (c *Conn) begin(p *polling, t *wsTransport, first []*Message, accept func(*Conn) Handler) {
	c.mu.Lock()
	c.poll, c.ws = p, t
	if t != nil {
		c.flags.set(isDeflating, t.deflate.Negotiated())
		for _, m := range first {
			t.q.append(&c.svc.backlogs, c.formLocked(m))
		}
	}
	c.mu.Unlock()
	c.svc.obs.opened(c)
	logOpen(c, first)
	h := accept(c)
	c.mu.Lock()
	c.handler = h
	open := c.state == stateOpen
	if open {
		c.setDueLocked(dueBeat, c.beat.start(c.svc.now(), limitsOf(c)))
	}
	c.mu.Unlock()
	if !open {
		h.HandleClose(ReasonForcedClose, ErrClosed)
		c.noteClosed(ReasonForcedClose, ErrClosed)
		if t != nil {
			t.nc.Close()
		}
	}
}

// ID returns the session id. It is a secret between the server and the client: anyone
// holding it can act as the client.
func (c *Conn) ID() string { return c.id }

// Handshake returns the details of the request that opened the connection. Each call
// decodes them again; the caller owns the result.
func (c *Conn) Handshake() *Handshake { return c.opening.handshake(c.Revision()) }

// Revision returns the revision of Engine.IO that the client speaks: 4 or 3.
func (c *Conn) Revision() uint8 {
	if c.flags.has(isOld) {
		return 3
	}
	return 4
}

// Context returns a context with the values of the one that Options.Handshake returned. It
// is never canceled.
func (c *Conn) Context() context.Context {
	if c.given == nil || c.given.ctx == nil {
		return context.Background()
	}
	return c.given.ctx
}

// Transport returns the name of the current transport.
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

// Buffered returns the number of messages and bytes in the send queue.
func (c *Conn) Buffered() (messages, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queueLocked()
	return q.len(), q.size()
}

func (c *Conn) queueLocked() *sendQueue {
	if c.ws != nil {
		return &c.ws.q
	}
	return &c.poll.q
}

// Close closes the connection once the send queue has been written, or could not be
// written in time. HandleClose is called with ReasonForcedClose before Close returns.
func (c *Conn) Close() {
	c.finish(ReasonForcedClose, nil, ending{flush: true, code: closeNormal})
}

// Abort closes the connection at once with a WebSocket close code and drops the send
// queue. A client in the middle of an upgrade, which no longer polls, is notified when it
// completes the upgrade. HandleClose is called with reason and err before Abort returns.
func (c *Conn) Abort(reason CloseReason, err error, code uint16, text string) {
	c.finish(reason, err, ending{code: code, text: text})
}

// Pause stops reading after the message being handled. While the connection is paused, the
// pong deadline is suspended and pings continue. After Options.PauseTimeout the connection
// closes.
func (c *Conn) Pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.flags.has(isPaused) {
		now := c.svc.now()
		asideLocked(c).pausedAt = now
		c.flags.set(isPaused, true)
		if c.state == stateOpen {
			c.setDueLocked(duePause, now+int64(limitsOf(c).pauseTimeout))
		}
	}
}

// Resume continues reading after Pause.
func (c *Conn) Resume() {
	c.mu.Lock()
	if !c.flags.has(isPaused) {
		c.mu.Unlock()
		return
	}
	if c.ws != nil {
		c.ws.resumedLocked(c.svc.now() - c.aside.pausedAt)
	}
	c.due.at[duePause] = 0
	c.flags.set(isPaused, false)
	resumeBeatLocked(c)
	if c.poll != nil {
		c.poll.resume()
	}
	t := c.ws
	c.mu.Unlock()
	if t != nil {
		t.nc.Resume()
	}
}

// Dropped returns the number of messages for this connection that were dropped by their
// Overflow policy or replaced by a later one with the same key.
func (c *Conn) Dropped() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.aside == nil {
		return 0
	}
	return c.aside.dropped
}

// Closed reports whether the connection has closed or is closing: messages sent from now
// on are not delivered.
func (c *Conn) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state != stateOpen
}

// WaitDrained waits until the send queue is empty, that is, until it has been passed to the
// network or to the response of a poll. It returns the error of ctx, or ErrClosed if the
// connection closes first.
func (c *Conn) WaitDrained(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.state != stateOpen {
			c.mu.Unlock()
			return ErrClosed
		}
		if c.queueLocked().len() == 0 {
			c.mu.Unlock()
			return nil
		}
		a := asideLocked(c)
		if a.drained == nil {
			a.drained = make(chan struct{})
		}
		drained := a.drained
		c.mu.Unlock()
		select {
		case <-drained:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitReader waits for a sign that the client reads: over polling, for a poll, unless one is
// waiting now. Over other transports it returns at once. It returns the error of ctx, or
// ErrClosed if the connection closes first.
func (c *Conn) WaitReader(ctx context.Context) error {
	c.mu.Lock()
	p := c.poll
	switch {
	case c.state != stateOpen:
		c.mu.Unlock()
		return ErrClosed
	case c.ws != nil, p == nil, p.get != nil, p.client != nil:
		c.mu.Unlock()
		return nil
	}
	if p.heard == nil {
		p.heard = make(chan struct{})
	}
	heard := p.heard
	c.mu.Unlock()
	select {
	case <-heard:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.Closed() {
		return ErrClosed
	}
	return nil
}

// noteQueueLocked is called after the queue changed. It updates the budget of the owner,
// watches the bound, and wakes WaitDrained. moved means that the peer has taken something.
// It reports whether the queues of all connections exceed their bound.
func (c *Conn) noteQueueLocked(moved bool) (over bool) {
	n, size := 0, 0
	if c.state != stateClosed && (c.ws != nil || c.poll != nil) {
		q := c.queueLocked()
		n, size = q.len(), q.size()
		c.watchQueueLocked(q, moved)
	}
	if a := c.aside; a != nil && a.drained != nil && (n == 0 || c.state != stateOpen) {
		close(a.drained)
		a.drained = nil
	}
	if c.poll != nil && c.poll.writing != nil {
		size += c.poll.writing.size
	}
	return c.svc.budget.limit > 0 && c.svc.budget.charge(&c.charged, int64(size))
}

// watchQueueLocked sets a deadline while the queue exceeds its bound.
func (c *Conn) watchQueueLocked(q *sendQueue, moved bool) {
	over, begins := q.overtime(limitsOf(c), c.due.at[dueQueue] != 0, moved)
	switch {
	case !over, c.state != stateOpen:
		c.due.at[dueQueue] = 0
	case begins:
		c.setDueLocked(dueQueue, c.svc.now()+int64(slowTimeout))
	}
}

// Number returns the number of the connection, which is unique for its Server or Dialer;
// see ConnInfo.
func (c *Conn) Number() uint64 { return c.number }

// info implements subject.
func (c *Conn) info() ConnInfo {
	return ConnInfo{Number: c.number, Transport: c.Transport(), Handshake: c.Handshake()}
}

// Established reports to the Server that the connection is in use, so that it no longer
// counts toward Options.MaxPending.
func (c *Conn) Established() { c.svc.owner.established(c) }

// Outlive reports to the Server that work of the Handler continues after the connection has
// closed, and how many bytes it holds. Until Settled is called the connection counts toward
// Options.MaxConnections. New sessions are rejected with 503 while there are 50,000 such
// connections, or while they hold as much as Options.QueueBudget. HandleClose may call it,
// once.
func (c *Conn) Outlive(bytes int) { c.svc.owner.outlive(c, bytes) }

// Settled reports that the work announced by Outlive has ended.
func (c *Conn) Settled() { c.svc.owner.settled(c) }
