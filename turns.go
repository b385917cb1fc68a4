// SPDX-License-Identifier: MIT

// This file holds the order in which the CONNECTs of a connection are answered.

package socketio

import "time"

// CONNECTs are answered in the order in which they came, where none of them waits: a
// later one waits for those before it, but not for one that a lookup or a middleware
// keeps for longer than these. Only what is refused at once does not wait for those at
// all.
const (
	// decideLimit is for what decides whether a client may join. One that looks
	// something up takes longer; one that decides at once takes much less.
	decideLimit = 50 * time.Millisecond
	// makeLimit is for the making of a namespace.
	makeLimit = 250 * time.Millisecond
	// turnLimit is for the rest: a goroutine has to run.
	turnLimit = 5 * time.Second
)

// A turn is the place of a CONNECT among those of its connection that are not answered
// yet, guarded by conn.mu.
type turn struct {
	owner any           // a *Socket, a *search, or the turn itself for a refusal
	next  *turn         // of the CONNECT after it
	asks  bool          // the application decides; a refusal does not wait for it
	until int64         // by Server.now: from then on nobody waits for it
	done  chan struct{} // closed when it is answered; nil unless somebody waits
}

// takeTurnLocked notes a CONNECT. asks tells that the application decides about it.
func (c *conn) takeTurnLocked(owner any, asks bool) *turn {
	t := &turn{owner: owner, asks: asks, until: c.server.now() + int64(turnLimit)}
	if owner == nil {
		t.owner = t
	}
	last := &c.turns
	for *last != nil {
		last = &(*last).next
	}
	*last = t
	return t
}

// mayWait tells for how long from now on the others wait for a CONNECT: the application
// has something to say about it, or has said it. Who is not waited for any more stays so.
func (c *conn) mayWait(owner any, limit time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.server.now()
	for t := c.turns; t != nil; t = t.next {
		if t.owner == owner && t.until > now {
			t.until = now + int64(limit)
			t.end() // who waits looks again
			t.done = nil
		}
	}
}

// awaitTurn waits until the CONNECTs before that of owner are answered, or are not to be
// waited for. The application has decided about its own by now: the time in which it
// waits for others is not held against it, or those after it would overtake.
func (c *conn) awaitTurn(owner any) {
	_, refusal := owner.(*turn)
	c.mayWait(owner, turnLimit)
	for {
		c.mu.Lock()
		now := c.server.now()
		t := c.turns
		for t != nil && t.owner != owner && (t.until <= now || t.asks && refusal) {
			t = t.next
		}
		if t == nil || t.owner == owner {
			c.mu.Unlock()
			return
		}
		if t.done == nil {
			t.done = make(chan struct{})
		}
		done, left := t.done, time.Duration(t.until-now)
		c.mu.Unlock()
		timer := time.NewTimer(left)
		select {
		case <-done:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// endTurn tells that a CONNECT was answered, or will not be. It may be called twice.
func (c *conn) endTurn(owner any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endTurnLocked(owner)
}

func (c *conn) endTurnLocked(owner any) {
	for p := &c.turns; *p != nil; p = &(*p).next {
		if t := *p; t.owner == owner {
			*p = t.next
			t.end()
			return
		}
	}
}

func (t *turn) end() {
	if t.done != nil {
		close(t.done)
	}
}

// endTurnsLocked lets everybody go: the connection has ended.
func (c *conn) endTurnsLocked() {
	for t := c.turns; t != nil; t = t.next {
		t.end()
	}
	c.turns = nil
}

// passTurnLocked makes a socket the owner of the turn of a search.
func (c *conn) passTurnLocked(from *search, to *Socket) {
	for t := c.turns; t != nil; t = t.next {
		if t.owner == from {
			t.owner = to
		}
	}
}

// refuse answers a CONNECT that does not get as far as a socket.
func (c *conn) refuse(namespace, message string) {
	c.logRefused(namespace, message)
	if !c.countRefusal() {
		return
	}
	c.mu.Lock()
	first := c.turns
	for first != nil && first.asks {
		first = first.next
	}
	if first == nil {
		c.mu.Unlock()
		c.sendRefusal(namespace, message)
		return
	}
	t := c.takeTurnLocked(nil, false)
	c.mu.Unlock()
	c.server.workers.Begin()
	// One per refusal, of which countRefusal bounds the number, behind CONNECTs that are
	// not answered yet; ends within turnLimit; counted by Server.workers.
	go func() {
		defer c.server.workers.End()
		defer c.endTurn(t)
		c.awaitTurn(t)
		c.sendRefusal(namespace, message)
	}()
}

func (c *conn) sendRefusal(namespace, message string) {
	_ = c.send(c.server.encodeConnectError(namespace, &ConnectError{Message: message})) // a closed connection needs no answer
}
