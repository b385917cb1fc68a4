// SPDX-License-Identifier: MIT

// This file holds the inbox of a socket: the items for its handlers, and how package
// serial runs them.

package socketio

import (
	"bytes"
	"context"

	"socketio/internal/serial"
	"socketio/parser"
)

// An itemKind is the kind of an item.
type itemKind uint8

const (
	itemJoin    itemKind = iota // run the middlewares, then the connection handlers
	itemEvent                   // run the handlers of an event
	itemUpgrade                 // run the upgrade handlers
	itemLeave                   // run the disconnection handlers
)

// An item is a unit of work for the worker of a socket. When the inboxes of a connection
// hold Options.Limits.MaxInboxPackets or MaxInboxBytes together, the connection is not
// read, so they exceed the bound by at most one read.
type item struct {
	kind        itemKind
	id          int64 // of the requested acknowledgement, or noAck
	data        []byte
	attachments [][]byte
	size        int
}

// eventItem copies the contents of a packet, since the item outlives the read buffer. The
// packet of a binary event owns its memory already.
func eventItem(p parser.Packet) item {
	it := item{kind: itemEvent, id: p.ID, data: p.Data, attachments: p.Attachments}
	if !p.Type.Binary() {
		it.data = append(make([]byte, 0, len(p.Data)), p.Data...)
	}
	it.size = len(it.data)
	for _, a := range it.attachments {
		it.size += len(a)
	}
	return it
}

// A worker runs the inboxes of sockets.
type worker = serial.Worker[item]

// A runner is a Socket as package serial sees it, in the same memory: its methods are not
// methods of Socket.
type runner Socket

// Inbox implements serial.Runner, as the methods below do.
func (r *runner) Inbox() *serial.Inbox[item] { return &r.inbox }

// Run runs an item.
func (r *runner) Run(it item, w *worker) {
	s := (*Socket)(r)
	s.conn.taken(1, it.size)
	if s.conn.isPaused() { // there is one item less
		s.conn.checkInboxes()
	}
	switch it.kind {
	case itemJoin:
		s.mu.Lock()
		a := s.joining
		s.mu.Unlock()
		defer func() {
			s.conn.endTurn(a)
			if !joinedLocked(s) { // written only by join
				s.settle()
			}
		}()
		a.join()
	case itemEvent:
		if s.ns.server.barred(s) {
			s.watch().eventsDropped(s, 1)
			return
		}
		s.ns.server.handling.runEvent(s, it, w)
	case itemUpgrade:
		s.upgrade()
	case itemLeave:
		s.leave()
	}
}

// barred waits until the gate is open. It reports whether another server has taken the
// session of the socket: none of its handlers begins then.
func (s *Server) barred(socket *Socket) bool {
	if s.gate == nil {
		return false
	}
	if s.gate.Lapsed() {
		_ = s.gate.Await(context.Background()) // it opens when the server is closed
	}
	return socket.kept() != nil && socket.kept().taken.Load()
}

// Cork delays what handlers send, so that the answers to a burst are sent together with
// the last one.
func (r *runner) Cork() {
	r.conn.eio.Cork()
	r.ns.server.bursts.running.Add(1)
}

func (r *runner) Uncork() {
	r.ns.server.bursts.running.Add(-1)
	r.conn.eio.Uncork()
}

func (r *runner) Flush() {
	r.conn.eio.Flush()
	r.ns.server.bursts.write()
}

// runner returns the socket as package serial sees it.
func (s *Socket) runner() *runner { return (*runner)(s) }

// start runs the inbox on a worker.
func (r *runner) start() { r.ns.server.workers.Start(r) }

// join adds the joining to the inbox. It is done at the end of this read, so that a
// packet which arrives with the CONNECT, before its answer, is always rejected as too
// early; see also conn.mayStartLocked.
func (r *runner) join() { r.pushEvent(item{kind: itemJoin}) }

// push appends an item to the inbox and starts a worker if no worker runs.
func (r *runner) push(it item) {
	s := (*Socket)(r)
	s.conn.arrived(&it)
	start, ok := s.ns.server.workers.Push(&s.inbox, it)
	if !ok {
		s.conn.taken(1, it.size)
	}
	if start {
		r.start()
	}
}

// pushEvent is push for the read side, which starts the worker after it has handed up
// everything that it has read. An event that arrives after the end is dropped: the read
// side may have looked up the socket just before.
func (r *runner) pushEvent(it item) {
	s := (*Socket)(r)
	full := s.conn.arrived(&it) // before a worker can take it
	start, ok := s.ns.server.workers.Push(&s.inbox, it)
	if !ok {
		s.conn.taken(1, it.size)
		s.watch().eventsDropped(s, 1)
	}
	if start {
		s.conn.startLater(s)
	}
	if full {
		s.conn.checkInboxes()
	}
}

// pushLast appends the end of the socket, behind all waiting items and those that run in
// lanes.
func (r *runner) pushLast() {
	s := (*Socket)(r)
	it := item{kind: itemLeave}
	s.conn.arrived(&it)
	if s.ns.server.workers.PushLast(&s.inbox, it) {
		r.start()
	}
}

// dropEvents removes the waiting events. No more are accepted.
func (r *runner) dropEvents() {
	s := (*Socket)(r)
	n, bytes := 0, 0
	s.inbox.Drop(func(it item) bool {
		if it.kind != itemEvent {
			return false
		}
		n++
		bytes += it.size
		return true
	})
	s.conn.taken(n, bytes)
	s.watch().eventsDropped(s, n)
}

// handleEvent accepts an event from the read side. It reports false if the socket has not
// joined yet.
func (r *runner) handleEvent(p parser.Packet) bool {
	s := (*Socket)(r)
	switch s.settledState() {
	case stateJoining:
		return false
	case stateConnected:
		it := eventItem(p)
		s.watch().eventIn(s, it.size)
		r.pushEvent(it)
	}
	return true
}

// handleAck ends a wait. It bypasses the inbox, since a handler may be waiting for it. An
// id that nothing awaits is ignored; handleAck reports false if the id was never issued.
func (r *runner) handleAck(p parser.Packet) (asked bool) {
	s := (*Socket)(r)
	rare := s.rare.Load()
	if rare == nil {
		return false // nothing was ever awaited
	}
	w, asked, changed := rare.acks.Take(&s.conn.awaited, p.ID)
	if w == nil {
		return asked
	}
	data := p.Data
	if !p.Type.Binary() {
		data = bytes.Clone(data)
	}
	args := Args{codec: s.ns.server.format.Codec(), attachments: p.Attachments}
	args.raw = args.codec.SplitArray(nil, data)
	w.Answered(s, args)
	if changed {
		s.conn.checkInboxes()
	}
	return true
}
