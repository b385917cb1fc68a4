// SPDX-License-Identifier: MIT

// This file holds the inbox of a socket: the items for its handlers, and how package
// serial runs them.

package socketio

import (
	"bytes"

	"socketio/internal/serial"
	"socketio/parser"
)

// An itemKind says what an inbox item is.
type itemKind uint8

const (
	itemJoin    itemKind = iota // run the middlewares, then the connection handlers
	itemEvent                   // run the handlers of an event
	itemUpgrade                 // run the upgrade handlers
	itemLeave                   // run the disconnection handlers
)

// An item is one thing for the worker of a socket to do. Once the inboxes of a
// connection hold Options.Limits.MaxInboxPackets or MaxInboxBytes together the connection is not
// read, so they grow by at most what was being read.
type item struct {
	kind        itemKind
	id          int64 // of the acknowledgement asked for, or noAck
	data        []byte
	attachments [][]byte
	size        int
}

// eventItem copies what a packet holds: it outlives the read buffer. The packet
// of a binary event owns its memory already.
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

// A runner is a Socket as package serial sees it, in the same memory: its methods are
// not among those of Socket.
type runner Socket

// Inbox implements serial.Runner, as the methods below do.
func (r *runner) Inbox() *serial.Inbox[item] { return &r.inbox }

// Run runs an item.
func (r *runner) Run(it item, w *worker) {
	s := (*Socket)(r)
	s.conn.taken(1, it.size)
	if s.conn.isPaused() { // there is one less
		s.conn.checkInboxes()
	}
	switch it.kind {
	case itemJoin:
		s.mu.Lock()
		a := s.joining
		s.mu.Unlock()
		defer func() {
			s.conn.endTurn(a)
			if !s.wasJoined { // written by join alone
				s.settle()
			}
		}()
		a.join()
	case itemEvent:
		s.ns.server.handling.runEvent(s, it, w)
	case itemUpgrade:
		s.upgrade()
	case itemLeave:
		s.leave()
	}
}

// Cork holds back what handlers send, so that the answers to a burst leave as one with
// that of the last.
func (r *runner) Cork()   { r.conn.eio.Cork() }
func (r *runner) Uncork() { r.conn.eio.Uncork() }
func (r *runner) Flush()  { r.conn.eio.Flush() }

// runner returns the socket as package serial sees it.
func (s *Socket) runner() *runner { return (*runner)(s) }

// start runs the inbox on a worker.
func (r *runner) start() { r.ns.server.workers.Start(r) }

// join puts the joining into the inbox. It is done at the end of this read, so that a
// packet which comes with the CONNECT, before it is answered, is always too early; see
// also conn.mayStartLocked.
func (r *runner) join() { r.pushEvent(item{kind: itemJoin}) }

// push appends an item to the inbox and starts a worker if there is none.
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

// pushEvent is push for the read side, which starts the worker when it has handed up all
// it has. An event that comes after the end is dropped: the read side may have seen the
// socket just before.
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

// pushLast appends the end of the socket, behind what waits and what runs in lanes.
func (r *runner) pushLast() {
	s := (*Socket)(r)
	it := item{kind: itemLeave}
	s.conn.arrived(&it)
	if s.ns.server.workers.PushLast(&s.inbox, it) {
		r.start()
	}
}

// dropEvents removes the events that wait; no more are taken.
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

// handleEvent takes an event from the read side. It reports false if the socket has not
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

// handleAck ends a wait. It does not go through the inbox: a handler may be waiting for
// it. An id that nobody awaits is ignored; handleAck reports false for one that nobody
// gave out.
func (r *runner) handleAck(p parser.Packet) (asked bool) {
	s := (*Socket)(r)
	w, asked, changed := s.acks.Take(&s.conn.awaited, p.ID)
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
