// SPDX-License-Identifier: MIT

// This file holds Call: a question to many, and their answers as they come.

package adapter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"socketio/internal/lock"
)

// An Answer is one answer to a Call.
type Answer struct {
	// Socket is the id of the socket that answered. It is "" for an answer of a
	// server, and of a node that does not tell.
	Socket string
	// Node is the name of the node; "" for this one.
	Node string
	// Args are the arguments of the answer, as the server has made them. See
	// Local.EncodeArgs.
	Args any
}

// A Call is a question to many, and their answers as they come. Those who are
// asked are announced first, with Expect and ExpectNode; Seal tells that nobody
// will be added. Each answers once at most. What waits in a Call is bounded by
// one answer for each who was asked.
//
// One goroutine calls Next. All else may be called from any goroutine.
type Call struct {
	more chan struct{} // one token: something has changed

	mu      lock.Mutex // guards the fields below; no other lock is taken under it
	waiting map[Member]struct{}
	nodes   map[string]*node
	queue   []Answer
	silent  []string // ids of those who will not answer any more
	cause   error    // why the first of them will not
	sealed  bool
	expired bool // Next has given up: who has not answered is silent
	closed  bool
}

// A node is what a Call knows of another node.
type node struct {
	reported bool
	done     bool
	missing  int                 // answers to come, once it has reported
	sockets  map[string]struct{} // whose they are; nil if it does not tell
}

// NewCall returns a Call that nobody has been asked yet.
func NewCall() *Call { return &Call{more: make(chan struct{}, 1)} }

// Expect tells that a member of this node is asked. It must come before the
// question can be answered. It reports false if the Call is closed: then the
// member must not be asked.
func (c *Call) Expect(m Member) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.waiting == nil {
		c.waiting = make(map[Member]struct{})
	}
	c.waiting[m] = struct{}{}
	return true
}

// Closed reports whether Close has been called: nobody waits for answers any more.
func (c *Call) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Answer hands in the answer of a member that is expected; others are ignored.
func (c *Call) Answer(m Member, args any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[m]; ok && !c.expired {
		delete(c.waiting, m)
		c.queue = append(c.queue, Answer{Socket: m.ID(), Args: args})
		c.wakeLocked()
	}
}

// Fail tells that a member that is expected will not answer, and why.
func (c *Call) Fail(m Member, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[m]; !ok {
		return
	}
	delete(c.waiting, m)
	c.silent = append(c.silent, m.ID())
	if c.cause == nil {
		c.cause = why
	}
	c.wakeLocked()
}

// ExpectNode tells that another node is asked: it will report by NodeAsked, or
// answer as a server by NodeAnswer, or be given up by NodeDone. It reports false
// if the Call is closed.
func (c *Call) ExpectNode(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.nodes == nil {
		c.nodes = make(map[string]*node)
	}
	if c.nodes[name] == nil {
		c.nodes[name] = &node{missing: 1}
	}
	return true
}

// NodeAsked tells that a node has asked n of its sockets, maybe none, whose
// answers follow. sockets are their ids, or nil if the node does not tell.
func (c *Call) NodeAsked(name string, n int, sockets []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.nodes[name]
	if d == nil || d.reported || d.done {
		return
	}
	d.reported, d.missing = true, n
	if sockets != nil {
		d.sockets = make(map[string]struct{}, len(sockets))
		for _, id := range sockets {
			d.sockets[id] = struct{}{}
		}
		d.missing = len(d.sockets)
	}
	c.wakeLocked()
}

// NodeAnswer hands in the answer of another node's socket, or, with socket "", of
// one that it does not name or of the node itself. Answers that are not expected
// are ignored.
func (c *Call) NodeAnswer(name, socket string, args any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.nodes[name]
	if d == nil || d.done || d.missing == 0 || c.closed || c.expired {
		return
	}
	if d.sockets != nil {
		if _, ok := d.sockets[socket]; !ok {
			return
		}
		delete(d.sockets, socket)
	}
	d.reported = true
	d.missing--
	c.queue = append(c.queue, Answer{Socket: socket, Node: name, Args: args})
	c.wakeLocked()
}

// NodeDone tells that nothing more comes from a node: it has left the cluster, or
// those of its sockets that have not answered never will.
func (c *Call) NodeDone(name string, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.nodes[name]
	if d == nil || d.done || d.missing == 0 {
		return
	}
	d.done = true
	if c.cause == nil {
		c.cause = why
	}
	c.wakeLocked()
}

// Seal tells that all who are asked have been announced.
func (c *Call) Seal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	c.wakeLocked()
}

func (c *Call) wakeLocked() {
	select {
	case c.more <- struct{}{}:
	default: // Next will look in any case
	}
}

// Asked returns the ids of the members of this node that were asked. It is for what
// another node has to be told, after Seal and before the first Next.
func (c *Call) Asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]string, 0, len(c.waiting)+len(c.queue)+len(c.silent))
	for m := range c.waiting {
		ids = append(ids, m.ID())
	}
	for _, a := range c.queue {
		ids = append(ids, a.Socket)
	}
	return append(ids, c.silent...)
}

// Next returns the next answer. It reports false when none will come: all have
// answered or will not, or ctx has ended, or the Call is closed. When it is ctx that has
// ended, answers are ignored from then on: each who was asked has answered, or is in
// the error of Err.
func (c *Call) Next(ctx context.Context) (Answer, bool) {
	for last := false; ; {
		c.mu.Lock()
		if len(c.queue) > 0 {
			a := c.queue[0]
			c.queue[0] = Answer{}
			c.queue = c.queue[1:]
			c.mu.Unlock()
			return a, true
		}
		done := c.closed || c.sealed && !c.pendingLocked()
		c.expired = c.expired || last && !done
		c.mu.Unlock()
		if done || last {
			return Answer{}, false
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			last = true // what has come counts
		}
	}
}

// pendingLocked reports whether an answer may still come.
func (c *Call) pendingLocked() bool {
	if len(c.waiting) > 0 {
		return true
	}
	for _, d := range c.nodes {
		if d.missing > 0 && !d.done {
			return true
		}
	}
	return false
}

// Err returns nil if all who were asked have answered, else a *PartialError. Its
// Err is ended, which is why nobody waits any more, or why the first who will not
// answer does not.
func (c *Call) Err(ended error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &PartialError{Sockets: slices.Clone(c.silent), Err: c.cause}
	for m := range c.waiting {
		e.Sockets = append(e.Sockets, m.ID())
	}
	e.Missing = len(e.Sockets)
	for name, d := range c.nodes {
		if d.missing == 0 {
			continue
		}
		e.Nodes = append(e.Nodes, name)
		if d.reported {
			e.Missing += d.missing
		}
		for id := range d.sockets {
			e.Sockets = append(e.Sockets, id)
		}
	}
	if len(e.Sockets) == 0 && len(e.Nodes) == 0 {
		return nil
	}
	if ended != nil && c.pendingLocked() || e.Err == nil {
		e.Err = ended
	}
	slices.Sort(e.Sockets)
	slices.Sort(e.Nodes)
	return e
}

// Close ends the Call: answers are ignored from now on, and those that wait are
// dropped. It returns the members that were still expected, so that what waits
// for them can be taken away.
func (c *Call) Close() []Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	members := make([]Member, 0, len(c.waiting))
	for m := range c.waiting {
		members = append(members, m)
	}
	c.closed = true
	c.waiting, c.nodes, c.queue = nil, nil, nil
	c.wakeLocked()
	return members
}

// A PartialError tells who did not answer a question to many. It wraps the reason:
// the error of the context, most often, or why the first of them could not.
type PartialError struct {
	// Sockets are the ids of sockets that did not answer, sorted.
	Sockets []string
	// Nodes are the nodes that did not report, or whose sockets did not all
	// answer, sorted.
	Nodes []string
	// Missing is how many sockets are known to have been asked in vain. It is
	// more than there are in Sockets if a node does not name its sockets.
	Missing int
	Err     error
}

// Error names a few of them.
func (e *PartialError) Error() string {
	var b strings.Builder
	b.WriteString("socketio: no answer")
	if e.Missing > 0 {
		fmt.Fprintf(&b, " from %d sockets", e.Missing)
	}
	few(&b, " ", e.Sockets)
	few(&b, ", nodes ", e.Nodes)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func few(b *strings.Builder, label string, names []string) {
	const most = 3
	if len(names) == 0 {
		return
	}
	b.WriteString(label + "(" + strings.Join(names[:min(most, len(names))], ", "))
	if len(names) > most {
		b.WriteString(", ...")
	}
	b.WriteString(")")
}

func (e *PartialError) Unwrap() error { return e.Err }

// ErrNodeGone is a reason for NodeDone.
var ErrNodeGone = errors.New("socketio: a node has left")
