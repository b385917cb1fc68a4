// SPDX-License-Identifier: MIT

// This file counts the servers in Node.js, which do not announce themselves.

package cluster

import (
	"context"
	"sync"
	"time"
)

// isCounted reports whether a bus may have subscribers that do not announce themselves.
func isCounted(bus Bus) bool {
	_, ok := bus.(PeerCounter)
	return ok
}

// countUnnamed returns how many subscribers of the namespace are not among known nodes. A
// node that was frozen for longer than its lease may still be subscribed: it is not
// counted.
func (n *space) countUnnamed(ctx context.Context, known int) (int, error) {
	counter, ok := n.core.bus.(PeerCounter)
	if !ok {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.core.opts.EchoTimeout)
	defer cancel()
	lapsed := n.core.members.lapsedIn(n.nsp)
	channels := []Channel{n.channel(ClassRequests)}
	for _, uid := range lapsed {
		channels = append(channels, Channel{Class: ClassNode, Namespace: n.nsp, Name: uid})
	}
	subscribers, err := counter.Subscribers(ctx, channels)
	if err != nil || len(subscribers) != len(channels) {
		return 0, err
	}
	count := subscribers[0] - 1 - known
	for i, uid := range lapsed {
		if subscribers[i+1] > 0 {
			count--
		} else {
			n.core.members.forget(uid)
		}
	}
	return max(0, count), nil
}

// expectUnnamed tells a Call how many servers in Node.js will answer. It asks the broker
// elsewhere, since the caller must not wait.
func (n *space) expectUnnamed(ctx context.Context, w *callWaiter) {
	if !n.core.start(func() {
		count, err := n.countUnnamed(ctx, len(w.names))
		if err != nil {
			w.call.NodeDone(unnamed, err)
			return
		}
		w.expect(count)
	}) {
		w.call.NodeDone(unnamed, ErrClosed)
	}
}

// A recounter corrects how many servers in Node.js requests await. A request that was sent
// before a node had subscribed, but counted after, awaits that node as a server in Node.js.
// So the subscribers are counted again when the node has had time to answer.
type recounter struct {
	space *space

	mu      sync.Mutex // guards the fields below; a leaf
	running bool       // the goroutine
	again   bool       // a node has come since it began to wait
}

// newcomer is called when a node says for the first time that it has the namespace.
func (r *recounter) newcomer() {
	core := r.space.core
	if !isCounted(core.bus) || !core.pending.any(r.space.nsp) {
		return
	}
	r.mu.Lock()
	runs := r.running
	r.running, r.again = true, runs
	r.mu.Unlock()
	if !runs {
		core.start(r.run) // does nothing when the node is closed
	}
}

// run counts, as long as nodes have come in the meantime.
func (r *recounter) run() {
	core := r.space.core
	for again := true; again; {
		timer := time.NewTimer(core.opts.Introduction)
		select {
		case <-timer.C:
		case <-core.ctx.Done():
			timer.Stop()
			return
		}
		r.mu.Lock()
		again = r.again
		r.running, r.again = again, false
		r.mu.Unlock()
		r.count(core)
	}
}

func (r *recounter) count(core *services) {
	known := core.members.in(r.space.nsp)
	count, err := r.space.countUnnamed(core.ctx, 0)
	if err != nil {
		return
	}
	now := core.members.in(r.space.nsp)
	for uid := range known {
		if _, still := now[uid]; !still {
			delete(known, uid) // it may have been counted or not
		}
	}
	core.pending.recounted(r.space.nsp, max(0, count-len(known)), known)
}
