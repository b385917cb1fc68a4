// SPDX-License-Identifier: MIT

// This file holds the network and its faults.

// Package membus is a cluster.Bus inside one process, with faults, for tests. With
// testing/synctest, delays are virtual, and a test of minutes takes milliseconds.
//
//	network := membus.New(1)
//	opts.Cluster = cluster.New(network.Node("a"), nil)
//
// Messages take the time of Delay, are lost with the probability of Lose and come twice
// with that of Duplicate. What happens to the n-th message from one node to another
// depends only on the seed. Messages of one node arrive at another in order; those of
// different nodes do not wait for each other. A node can be paused, killed, cut off from
// others, deaf, or without its connection. WithLog is a node that has logs too: they can
// be trimmed, or be replaced.
//
// Reading order: membus.go (the network and its faults), node.go (the bus of a node),
// inbox.go (what is on the way to a node), log.go (the logs), table.go (the sessions at
// the broker), sessions.go (their store, as a node reaches it).
package membus

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"socketio/adapter/cluster"
)

var (
	// ErrDown is returned by a node whose connection is broken; see Node.Break.
	ErrDown = errors.New("membus: the bus is down")
	// ErrKilled is returned by a node after Kill or Close.
	ErrKilled = errors.New("membus: the node is gone")
)

// A Network connects nodes. All methods may be called from any goroutine.
type Network struct {
	seed uint64

	mu          sync.Mutex // guards the fields below, and those of nodes that say so
	nodes       []*Node
	subscribers map[cluster.Channel][]*Node
	least, most time.Duration
	lose, twice float64
	confirm     time.Duration
	byChannel   bool
	noCounts    error // returned by Counting.Subscribers
	kept        sessionTable
	failBefore  func(node, method string) error // of a call for kept; may be nil
	failAfter   func(node, method string) error // may be nil
	counts      Counts
	divided     bool // by Partition
	logs        map[string]*eventLog
	replaced    int // how often ReplaceLogs was called
	appends     int // of a node that may be under way; 0: any number
}

// Counts counts messages since the network was made.
type Counts struct {
	Published int // by all nodes
	Delivered int // to all nodes
	Lost      int // by Lose, by a partition, or because an inbox was full
}

// New returns a network without faults.
func New(seed uint64) *Network {
	return &Network{
		seed: seed, subscribers: make(map[cluster.Channel][]*Node), logs: make(map[string]*eventLog),
		kept: make(sessionTable),
	}
}

// Delay makes each message take a time between least and most.
func (w *Network) Delay(least, most time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.least, w.most = least, most
}

// Lose loses each message with a probability.
func (w *Network) Lose(probability float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = probability
}

// Duplicate delivers each message twice with a probability.
func (w *Network) Duplicate(probability float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.twice = probability
}

// Confirm is how long a subscription takes.
func (w *Network) Confirm(after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.confirm = after
}

// OrderByChannel keeps the order only among the messages of a node to one channel, as
// some brokers do.
func (w *Network) OrderByChannel() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byChannel = true
}

// Partition divides the nodes: those of different islands, by name, do not reach each
// other. Nodes that are not named are on an island of their own together. Without
// islands, all reach each other.
func (w *Network) Partition(islands ...[]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.nodes {
		n.island = 1 + slices.IndexFunc(islands, func(names []string) bool { return slices.Contains(names, n.name) })
	}
	w.divided = len(islands) > 0
	w.resumeLogsLocked()
}

// FailCounts makes Counting.Subscribers return an error, or none if it is nil.
func (w *Network) FailCounts(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.noCounts = err
}

// Counts returns the counts.
func (w *Network) Counts() Counts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts
}

// Subscriptions returns the number of channels that a node is subscribed to.
func (w *Network) Subscriptions(n *Node) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(n.channels)
}

// Node returns the bus of a new node.
func (w *Network) Node(name string) *Node {
	n := &Node{network: w, name: name, channels: make(map[cluster.Channel]bool), links: make(map[link]*linkState)}
	n.log.readings, n.log.tokens = make(map[string]*reading), make(map[string]uint64)
	n.inbox.init()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes = append(w.nodes, n)
	return n
}

// A link is a way to a node: from another, and to one channel if the order is by channel.
type link struct {
	from    *Node
	channel cluster.Channel
}

// A linkState is what a link needs for order and for faults.
type linkState struct {
	last time.Time // when the latest message arrives
	rand *rand.Rand
}

// linkLocked returns the state of a link to n.
func (w *Network) linkLocked(n, from *Node, c cluster.Channel) *linkState {
	key := link{from: from}
	if w.byChannel {
		if key.channel = c; c.Class == cluster.ClassRequests {
			key.channel.Class = cluster.ClassEvents // they are one; see cluster.OrderedByChannel
		}
	}
	s := n.links[key]
	if s == nil {
		h := fnv.New64a()
		for _, text := range []string{from.name, n.name, key.channel.Namespace, key.channel.Name} {
			_, _ = h.Write(append([]byte(text), 0))
		}
		s = &linkState{rand: rand.New(rand.NewPCG(w.seed, h.Sum64()+uint64(key.channel.Class)))}
		n.links[key] = s
	}
	return s
}

// sendLocked sends a message of from to n, with the faults of the network.
func (w *Network) sendLocked(n, from *Node, c cluster.Channel, data []byte) {
	if n.deaf || n.broken != nil || n.island != from.island {
		w.loseLocked(from)
		return
	}
	now := time.Now()
	if w.most == 0 && w.lose == 0 && w.twice == 0 && len(n.links) == 0 {
		w.putLocked(n, from, item{due: now, channel: c, data: data})
		return
	}
	s := w.linkLocked(n, from, c)
	lost, again := s.rand.Float64() < w.lose, s.rand.Float64() < w.twice
	for copies := 0; copies == 0 || again && copies == 1; copies++ {
		delay := w.least
		if w.most > w.least {
			delay += time.Duration(s.rand.Int64N(int64(w.most - w.least)))
		}
		due := now.Add(delay)
		if due.Before(s.last) {
			due = s.last
		}
		s.last = due
		if lost {
			w.loseLocked(from)
			return
		}
		w.putLocked(n, from, item{due: due, channel: c, data: data})
	}
}

func (w *Network) putLocked(n, from *Node, i item) {
	if n.inbox.put(i) {
		w.counts.Delivered++
	} else {
		w.loseLocked(from)
	}
}

// loseLocked counts a message of from that a node does not get.
func (w *Network) loseLocked(from *Node) {
	w.counts.Lost++
	from.lost++
}

// A logSide is what a Node has of the logs. The network's lock guards it.
type logSide struct {
	readings map[string]*reading
	flights  []flight
	tokens   map[string]uint64 // the latest of each namespace
	lag      time.Duration
	rand     *rand.Rand
}

// logDelayLocked returns how long an entry takes from or to a node.
func (w *Network) logDelayLocked(n *Node) time.Duration {
	if w.most == 0 {
		return 0
	}
	if n.log.rand == nil {
		h := fnv.New64a()
		_, _ = h.Write([]byte(n.name))
		n.log.rand = rand.New(rand.NewPCG(w.seed, h.Sum64()))
	}
	delay := w.least
	if w.most > w.least {
		delay += time.Duration(n.log.rand.Int64N(int64(w.most - w.least)))
	}
	return delay
}
