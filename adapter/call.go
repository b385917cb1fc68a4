// SPDX-License-Identifier: MIT

// This file holds Call, which collects the answers to a broadcast with acknowledgements.

package adapter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"socketio/internal/lock"
)

// An Answer is a single answer to a Call.
type Answer struct {
	// Socket is the id of the socket that answered. It is "" if a server answered, or if
	// the node does not report socket ids.
	Socket string
	// Node is the name of the node, or "" for this node.
	Node string
	// Args are the arguments of the answer in the server's representation; see
	// Local.EncodeArgs.
	Args any
}

// A Call collects the answers to a broadcast with acknowledgements. Each recipient is
// announced with Expect or ExpectNode before it can answer. Seal marks the end of the
// announcements. Each recipient answers at most once, so a Call queues at most one answer
// for each.
//
// Only one goroutine may call Next. All other methods may be called from any goroutine.
type Call struct {
	more chan struct{} // one token: something has changed

	mu      lock.Mutex // guards the fields below; no other lock is taken under it
	waiting map[Member]struct{}
	nodes   map[string]*node
	queue   []Answer
	silent  []string // ids of members that will not answer
	cause   error    // the error of the first of them
	sealed  bool
	expired bool // Next has given up: the remaining members count as silent
	closed  bool
}

// A node is the state of another node in a Call.
type node struct {
	reported bool
	done     bool
	missing  int                 // number of answers to come, once reported
	sockets  map[string]struct{} // ids of their sockets; nil if not reported
	group    *group              // not nil if it stands for several nodes
}

// A group is several nodes that can't be told apart.
type group struct {
	size    int // -1 while it is not known
	reports int // how many of them have reported
}

// waits reports whether the node may still answer.
func (d *node) waits() bool {
	if d.group != nil {
		return !d.done && (d.missing > 0 || d.group.reports < d.group.size || d.group.size < 0)
	}
	return !d.done && d.missing > 0
}

// failed reports whether the node has not sent all answers.
func (d *node) failed() bool {
	if g := d.group; g != nil {
		return d.missing > 0 || g.reports < g.size || g.size < 0
	}
	return d.missing > 0
}

// NewCall returns a Call without recipients.
func NewCall() *Call { return &Call{more: make(chan struct{}, 1)} }

// Expect announces a member of this node as a recipient. It must be called before the
// member can answer. It reports false if the Call is closed; the event must then not be
// sent to the member.
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

// Closed reports whether Close has been called.
func (c *Call) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Answer adds the answer of an expected member. Other answers are ignored.
func (c *Call) Answer(m Member, args any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[m]; ok && !c.expired {
		delete(c.waiting, m)
		c.queue = append(c.queue, Answer{Socket: m.ID(), Args: args})
		c.wakeLocked()
	}
}

// Fail records that an expected member will not answer, and the reason.
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

// ExpectNode announces another node as a recipient. NodeAsked, NodeAnswer (for an answer
// of the node itself) or NodeDone must follow. It reports false if the Call is closed.
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

// ExpectNodes announces other nodes that can't be told apart. NodesExpected must follow,
// and for each of them NodeAsked with the same name. It reports false if the Call is closed.
func (c *Call) ExpectNodes(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	if c.nodes == nil {
		c.nodes = make(map[string]*node)
	}
	c.nodes[name] = &node{reported: true, group: &group{size: -1}}
	return true
}

// NodesExpected says how many nodes a name stands for. They may have answered before.
func (c *Call) NodesExpected(name string, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.nodes[name]; d != nil && d.group != nil {
		d.group.size = size
		c.wakeLocked()
	}
}

// maxReports bounds the reports of nodes that can't be told apart.
const maxReports = 10_000

// NodeAsked records that a node has sent the event to n of its sockets, whose answers
// follow. n may be 0. sockets are their ids, or nil if the node does not report them.
func (c *Call) NodeAsked(name string, n int, sockets []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.nodes[name]
	if d != nil && d.group != nil {
		if g := d.group; !d.done && g.reports < maxReports {
			g.reports++
			d.missing += n
			c.wakeLocked()
		}
		return
	}
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

// NodeAnswer adds the answer of a socket of another node. socket is "" if the node does
// not report socket ids, or answers itself. Unexpected answers are ignored.
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

// NodeDone records that no more answers will come from a node: it has left the cluster,
// or its remaining sockets will not answer.
func (c *Call) NodeDone(name string, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.nodes[name]
	if d == nil || !d.waits() {
		return
	}
	d.done = true
	if c.cause == nil {
		c.cause = why
	}
	c.wakeLocked()
}

// Seal marks the end of the announcements.
func (c *Call) Seal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
	c.wakeLocked()
}

func (c *Call) wakeLocked() {
	select {
	case c.more <- struct{}{}:
	default: // a wake-up is already pending
	}
}

// Asked returns the ids of the recipients on this node, for a report to another node.
// Call it after Seal and before the first Next.
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

// Next waits for the next answer. It reports false if no more answers will come, ctx has
// ended, or the Call is closed. Once ctx has ended, later answers are ignored, so each
// recipient has either answered or is in the error of Err.
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
			last = true // return answers that have already come
		}
	}
}

// pendingLocked reports whether an answer may still come.
func (c *Call) pendingLocked() bool {
	if len(c.waiting) > 0 {
		return true
	}
	for _, d := range c.nodes {
		if d.waits() {
			return true
		}
	}
	return false
}

// Err returns nil if all recipients have answered, otherwise a *PartialError. That wraps
// ended, the reason why the wait ended, or the reason why the first silent recipient will
// not answer.
func (c *Call) Err(ended error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &PartialError{Sockets: slices.Clone(c.silent), Err: c.cause}
	for m := range c.waiting {
		e.Sockets = append(e.Sockets, m.ID())
	}
	e.Missing = len(e.Sockets)
	for name, d := range c.nodes {
		if !d.failed() {
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

// Close ends the Call. Queued answers are dropped and later ones ignored. It returns the
// members that were still expected, so that the caller can remove their registrations.
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

// A PartialError reports the recipients of a broadcast that did not answer. It wraps the
// reason: usually the error of the context, otherwise the reason why the first of them
// will not answer.
type PartialError struct {
	// Sockets are the ids of sockets that did not answer, sorted.
	Sockets []string
	// Nodes are the nodes that did not report, or whose sockets did not all
	// answer, sorted.
	Nodes []string
	// Missing is the number of sockets that are known not to have answered. It exceeds
	// len(Sockets) if a node does not report socket ids.
	Missing int
	Err     error
}

// Error names up to three sockets and nodes.
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

// ErrNodeGone is the reason to pass to NodeDone when a node has left the cluster.
var ErrNodeGone = errors.New("socketio: a node has left")
