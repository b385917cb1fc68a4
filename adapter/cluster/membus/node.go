// SPDX-License-Identifier: MIT

// This file holds the bus of a node, with its faults.

package membus

import (
	"context"
	"slices"
	"sync"
	"time"

	"socketio/adapter/cluster"
)

// A Node is the bus of one node: a cluster.Bus.
type Node struct {
	network *Network
	name    string
	inbox   inbox
	work    sync.WaitGroup // the reader

	// The network's lock guards the fields below.
	receiver cluster.Receiver
	channels map[cluster.Channel]bool
	links    map[link]*linkState
	island   int
	broken   error
	deaf     bool
	refuse   func(cluster.Channel) error // may be nil
	gone     bool
	lost     uint64
	waiting  []func(error) // of subscriptions, while the node is broken
	resume   chan struct{} // not nil while the node is paused; closed when it ends
	stop     chan struct{} // closed when the node is gone; nil before Open
	log      logSide
}

// Open implements cluster.Bus.
func (n *Node) Open(r cluster.Receiver) error {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.receiver, n.stop = r, make(chan struct{})
	n.work.Go(n.read) // ends with Kill or Close
	return nil
}

// read delivers what arrives.
func (n *Node) read() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for n.awake() {
		i, wait, ok := n.inbox.next()
		switch {
		case ok && i.call != nil:
			i.call()
			continue
		case ok:
			if n.hears(i.channel) {
				n.receiver.Receive(i.channel, i.data)
			}
			continue
		case wait < 0:
			timer.Stop()
		default:
			timer.Reset(wait)
		}
		select {
		case <-n.inbox.wake:
		case <-timer.C:
		case <-n.stop:
			return
		}
	}
}

// awake waits until the node is not paused. It reports false if the node is gone.
func (n *Node) awake() bool {
	n.network.mu.Lock()
	gone, resume := n.gone, n.resume
	n.network.mu.Unlock()
	if resume != nil && !gone {
		select {
		case <-resume:
			return n.awake()
		case <-n.stop:
			return false
		}
	}
	return !gone
}

// hears reports whether the node is subscribed to a channel.
func (n *Node) hears(c cluster.Channel) bool {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	return n.channels[c] || c.Class == cluster.ClassRoom && n.channels[anyRoom(c)]
}

func anyRoom(c cluster.Channel) cluster.Channel {
	return cluster.Channel{Class: cluster.ClassAnyRoom, Namespace: c.Namespace}
}

// Publish implements cluster.Bus. While the node is paused, it waits, as all of a frozen
// process does.
func (n *Node) Publish(c cluster.Channel, data []byte) error {
	if !n.awake() {
		return ErrKilled
	}
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.gone {
		return ErrKilled
	}
	if n.broken != nil {
		return n.broken
	}
	w.counts.Published++
	for _, to := range w.subscribers[c] {
		w.sendLocked(to, n, c, data)
	}
	if c.Class == cluster.ClassRoom {
		for _, to := range w.subscribers[anyRoom(c)] {
			if !to.channels[c] {
				w.sendLocked(to, n, c, data)
			}
		}
	}
	return nil
}

// Subscribe implements cluster.Bus.
func (n *Node) Subscribe(channels []cluster.Channel, done func(error)) {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.gone {
		n.inboxClosed(done)
		return
	}
	if err := n.refusedLocked(channels); err != nil {
		n.inbox.put(item{due: time.Now().Add(w.confirm), call: func() { done(err) }})
		return
	}
	for _, c := range channels {
		if !n.channels[c] {
			n.channels[c] = true
			w.subscribers[c] = append(w.subscribers[c], n)
		}
	}
	if n.broken != nil {
		n.waiting = append(n.waiting, done)
		return
	}
	n.confirmLocked(done)
}

// Refuse makes subscriptions fail, of calls with a channel for which fn returns an error.
// It may be nil.
func (n *Node) Refuse(fn func(cluster.Channel) error) {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.refuse = fn
}

func (n *Node) refusedLocked(channels []cluster.Channel) error {
	if n.refuse == nil {
		return nil
	}
	for _, c := range channels {
		if err := n.refuse(c); err != nil {
			return err
		}
	}
	return nil
}

// inboxClosed calls done of a subscription of a node that is gone.
func (n *Node) inboxClosed(done func(error)) {
	n.network.mu.Unlock()
	done(ErrKilled)
	n.network.mu.Lock()
}

func (n *Node) confirmLocked(done func(error)) {
	n.inbox.put(item{due: time.Now().Add(n.network.confirm), call: func() { done(nil) }})
}

// Unsubscribe implements cluster.Bus.
func (n *Node) Unsubscribe(channels []cluster.Channel) {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range channels {
		n.unsubscribeLocked(c)
	}
}

func (n *Node) unsubscribeLocked(c cluster.Channel) {
	w := n.network
	delete(n.channels, c)
	nodes := slices.DeleteFunc(w.subscribers[c], func(o *Node) bool { return o == n })
	if w.subscribers[c] = nodes; len(nodes) == 0 {
		delete(w.subscribers, c)
	}
}

// Lost implements cluster.LossCounter: how many of its messages another node did not get,
// one for each such node, and how many were on the way to it when its connection broke.
func (n *Node) Lost() uint64 {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	return n.lost
}

// Counting is a Node that is a cluster.PeerCounter, as buses are that servers in Node.js
// share.
type Counting struct{ *Node }

// Subscribers implements cluster.PeerCounter. A node that is paused or cut off is still
// subscribed.
func (n Counting) Subscribers(_ context.Context, channels []cluster.Channel) ([]int, error) {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case n.gone:
		return nil, ErrKilled
	case n.broken != nil:
		return nil, n.broken
	case w.noCounts != nil:
		return nil, w.noCounts
	}
	counts := make([]int, len(channels))
	for i, c := range channels {
		counts[i] = len(w.subscribers[c])
	}
	return counts, nil
}

// Reset implements cluster.Bus: a deaf node hears again.
func (n *Node) Reset() {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.deaf = false
}

// Deafen makes the node receive nothing, without an error, until it is Reset.
func (n *Node) Deafen() {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	n.deaf = true
}

// Break breaks the connection of the node: it receives nothing, and Publish returns
// ErrDown. Messages on the way are lost; of its appends that are under way, the first half
// arrive.
func (n *Node) Break() {
	n.network.mu.Lock()
	arrive := (len(n.log.flights) + 1) / 2
	n.network.mu.Unlock()
	n.Sever(arrive)
}

// Sever is Break, and the first arrive of its appends that are under way arrive.
func (n *Node) Sever(arrive int) {
	w := n.network
	w.mu.Lock()
	n.broken = ErrDown
	n.lost += uint64(n.inbox.clear())
	w.breakLogsLocked(n, arrive)
	w.mu.Unlock()
	n.inbox.put(item{due: time.Now(), call: func() { n.receiver.Down(ErrDown) }})
}

// Mend connects the node again.
func (n *Node) Mend() {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	n.broken = nil
	for _, done := range n.waiting {
		n.confirmLocked(done)
	}
	n.waiting = nil
	w.mendLogsLocked(n)
	n.inbox.put(item{due: time.Now().Add(w.confirm), call: func() { n.receiver.Up() }})
}

// Pause freezes the node: it receives nothing and its calls of Publish wait. Messages to
// it wait too.
func (n *Node) Pause() {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	if n.resume == nil {
		n.resume = make(chan struct{})
	}
}

// Resume ends a Pause.
func (n *Node) Resume() {
	n.network.mu.Lock()
	defer n.network.mu.Unlock()
	if n.resume != nil {
		close(n.resume)
		n.resume = nil
	}
}

// Kill removes the node without a word, as the end of its process does.
func (n *Node) Kill() {
	w := n.network
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.gone {
		return
	}
	n.gone = true
	for c := range n.channels {
		n.unsubscribeLocked(c)
	}
	w.nodes = slices.DeleteFunc(w.nodes, func(o *Node) bool { return o == n })
	if n.stop != nil {
		close(n.stop)
	}
}

// Close implements cluster.Bus.
func (n *Node) Close(context.Context) error {
	n.Kill()
	n.work.Wait()
	return nil
}
