// SPDX-License-Identifier: MIT

// This file holds the upgrade of a polling session to WebSocket or WebTransport: the probe,
// the noop that ends a poll meanwhile, and the switch.

package engineio

import (
	"math"
	"time"
)

// maxUpgradeAttempts bounds the candidates one session may bring.
const maxUpgradeAttempts = 3

// An upgrade is the probe of a second transport, guarded by Conn.mu.
//
//	none ──WebSocket or stream with our sid──► probing ("2probe" expected)
//	probing ──"2probe", answered "3probe"──► pausing (polls are released)
//	pausing ──"5"──► switched: the candidate is the transport
//	probing, pausing ──anything else · closed · UpgradeTimeout──► none
//
// Until "5" all messages travel over polling, so a failed upgrade loses none. At "5" the
// client has no open request that could carry data, and the rest of the queue moves to the
// candidate in order.
//
// A closing session keeps its candidate, unless a parked poll can carry the close packet: a
// client that has received "3probe" no longer polls, so the rest of the queue and the close
// are sent after "5", or with another poll if one arrives first.
type upgrade struct {
	candidate *wsTransport
	pausing   bool
	attempts  uint8

	code uint16 // the close code of a candidate that becomes the transport after the end
	text string
}

// drop forgets the candidate and returns it.
func (u *upgrade) drop() *wsTransport {
	t := u.candidate
	u.candidate, u.pausing = nil, false
	return t
}

// dropCandidateLocked forgets the candidate and returns it. The loops of a polling client
// continue.
func (c *Conn) dropCandidateLocked() *wsTransport {
	if c.poll == nil {
		return nil
	}
	t := c.poll.up.drop()
	if t != nil && c.poll.client != nil {
		c.poll.client.changedLocked()
	}
	return t
}

// candidate returns the candidate, or nil. p may be nil.
func (p *polling) candidate() *wsTransport {
	if p == nil {
		return nil
	}
	return p.up.candidate
}

// beginUpgrade makes t the candidate. It reports false if the session can't
// upgrade now.
func (t *wsTransport) beginUpgrade() bool {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != stateOpen || c.ws != nil || c.poll == nil {
		return false
	}
	up := &c.poll.up
	if up.candidate != nil || up.attempts >= maxUpgradeAttempts {
		return false
	}
	up.attempts++
	up.candidate = t
	c.setDueLocked(dueUpgrade, c.svc.now()+int64(limitsOf(c).upgradeTimeout))
	return true
}

// handleProbe handles a packet of a candidate.
func (t *wsTransport) handleProbe(p packet) {
	c := t.c
	c.logIn(p)
	switch {
	case c.svc.dials:
		t.probed(p)
	case p.typ == packetPing && string(p.data) == "probe":
		c.mu.Lock()
		if c.poll.candidate() == t {
			c.poll.up.pausing = true // before the client knows: the session may end in between
		}
		c.mu.Unlock()
		c.logOut(c.svc.probeMessage)
		t.send(c.svc.probeMessage)
		c.mu.Lock()
		if c.poll.candidate() == t {
			c.poll.release()
		}
		c.mu.Unlock()
	case p.typ == packetUpgrade:
		t.commit()
	default:
		t.fail(errProbe)
	}
}

// probed handles the answer to our own probe. The polling loops commit the upgrade once
// both are idle.
func (t *wsTransport) probed(p packet) {
	c := t.c
	if p.typ != packetPong || string(p.data) != "probe" {
		t.fail(errProbe)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.poll.candidate() == t {
		c.poll.up.pausing = true
		c.poll.client.changedLocked()
	}
}

// noopDelay is how long a poll that parks during an upgrade waits for data before it is
// answered with a noop. One that is parked already when the probe comes is answered at once.
const noopDelay = 100 * time.Millisecond

// parkedLocked is called when a GET has parked: during an upgrade it must not stay so.
func (p *polling) parkedLocked() {
	if p.up.pausing {
		p.c.setDueLocked(dueNoop, p.c.svc.now()+int64(noopDelay))
	}
}

// release answers a parked GET with a noop. That is for upgrades, and for GETs that can't
// stay parked for another reason: see releaseIn.
func (p *polling) release() {
	if p.get != nil {
		p.get.noop = true
		p.wake()
	}
}

// switchLocked makes t the transport and moves the queue over.
func (t *wsTransport) switchLocked() {
	c := t.c
	c.poll.up.drop()
	c.due.at[dueUpgrade], c.due.at[dueNoop] = 0, 0
	t.flags.set(isProbing, false)
	c.ws = t
	c.flags.set(isDeflating, t.deflate.Negotiated())
	items, _ := c.poll.q.take(math.MaxInt)
	for _, m := range items {
		t.q.append(&c.svc.backlogs, c.formLocked(m))
	}
	c.poll.switched()
}

// commit makes the candidate the connection's transport.
func (t *wsTransport) commit() {
	c := t.c
	c.mu.Lock()
	if c.state == stateClosed || c.poll.candidate() != t {
		c.mu.Unlock()
		t.dead = true
		t.nc.Close()
		return
	}
	t.switchLocked()
	closing, flush := c.state == stateClosing, false
	if closing {
		t.dead = true
		flush = t.sayCloseLocked(c.poll.up.code, c.poll.up.text)
		c.setDueLocked(dueClose, c.svc.now()+int64(closeTimeout))
	} else {
		flush = t.q.takeWriting()
	}
	c.mu.Unlock()
	if closing {
		c.svc.owner.retire(c)
	} else {
		c.svc.owner.upgraded(c)
	}
	if flush {
		t.nc.Flush(nil)
	}
	if !closing {
		c.handler.HandleUpgrade()
		c.svc.obs.upgraded(c)
	}
}

// abandon closes a candidate and leaves the session on polling.
func (t *wsTransport) abandon(code uint16) {
	c := t.c
	c.mu.Lock()
	if c.poll.candidate() == t {
		c.dropCandidateLocked()
		c.due.at[dueUpgrade], c.due.at[dueNoop] = 0, 0
	}
	flush := t.sayCloseLocked(code, "")
	c.mu.Unlock()
	if flush {
		t.nc.Flush(nil)
	}
}
