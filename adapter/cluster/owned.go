// SPDX-License-Identifier: MIT

// This file holds how this node learns which of its sessions were taken while it was
// frozen, or could not reach the bus.

package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"socketio/adapter"
)

const (
	askPause   = 100 * time.Millisecond // between two attempts to learn which sessions were taken
	askTimeout = 5 * time.Second        // of one attempt
	askAtOnce  = 500                    // sessions in one question
)

// guard looks after the gate. It is called at short intervals.
func (n *node) guard() {
	now := time.Now() // before: the process may be frozen at any point
	if !n.gate.guards() {
		return
	}
	down := n.health.err() != nil
	switch {
	case n.gate.lapsed():
		n.askOwned()
		return
	case down:
		n.gate.extend(now)
	}
	if n.gate.doubt(down) {
		n.askOwned()
	}
}

// askOwned has the sockets ended whose sessions were taken, and then opens the gate. It
// does not wait.
func (n *node) askOwned() {
	if !n.gate.begins() {
		return
	}
	if !n.start(func() {
		defer n.gate.asked()
		if n.gate.lapsed() {
			n.thaw()
		} else {
			n.endTaken(false)
		}
	}) {
		n.gate.asked()
	}
}

// thaw opens the gate when the other nodes hear this one again, and the sockets whose
// sessions they have taken have ended. If that takes longer than a Lease, all sockets with
// sessions are ended: their clients connect again.
func (n *node) thaw() {
	n.log.Warn("the node was frozen: what its clients send waits until it is known which sessions other nodes have taken")
	begun := time.Now()
	pause := time.NewTicker(askPause)
	defer pause.Stop()
	echoes := n.gate.echoes
	for {
		n.checkLease()
		n.beat()
		select {
		case <-pause.C:
		case <-echoes:
		case <-n.ctx.Done():
			return
		}
		heard := n.gate.latest()
		echoes = n.gate.echoes
		switch {
		case !heard.After(begun):
		case !n.endTaken(true):
			echoes = nil // the next heartbeat comes back at once, but the store may fail as fast
		case n.gate.reopen(heard):
			return
		}
		if time.Since(begun) > n.opts.Lease {
			n.log.Error("the node was frozen, and the store of sessions does not answer: all connections with sessions are closed")
			for namespace, secrets := range n.holding.get().Held() {
				n.holding.get().Taken(namespace, secrets)
			}
			if n.gate.reopen(time.Now()) {
				return
			}
		}
	}
}

// endTaken ends the sockets whose sessions this node does not own. It reports false if the
// store did not answer. Unless missing is set, sessions that are not stored do not count:
// they have begun while the store could not be reached.
func (n *node) endTaken(missing bool) bool {
	ctx, cancel := context.WithTimeout(n.ctx, askTimeout)
	defer cancel()
	sessions := n.bus.(LogBus).Sessions()
	for namespace, held := range n.holding.get().Held() {
		for secrets := range slices.Chunk(held, askAtOnce) {
			owned, err := sessions.Owned(ctx, namespace, n.uid, secrets)
			if err != nil {
				n.log.Debug("the store of sessions did not say which this node owns", "error", err)
				return false
			}
			mine := make(map[string]bool, len(owned))
			for _, secret := range owned {
				mine[secret] = true
			}
			var taken []string
			for _, secret := range secrets {
				if mine[secret] {
					continue
				}
				if !missing {
					if _, owner, err := sessions.Get(ctx, namespace, secret); errors.Is(err, adapter.ErrNoSession) || err == nil && owner == n.uid {
						continue
					} else if err != nil {
						return false
					}
				}
				taken = append(taken, secret)
			}
			if len(taken) > 0 {
				n.log.Info("sockets are ended: other nodes have taken their sessions", "nsp", namespace, "count", len(taken))
				n.holding.get().Taken(namespace, taken)
			}
		}
	}
	return true
}
