// SPDX-License-Identifier: MIT

// This file counts the servers in Node.js, which do not announce themselves.

package cluster

import "context"

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
		w.call.NodesExpected(unnamed, count)
	}) {
		w.call.NodeDone(unnamed, ErrClosed)
	}
}
