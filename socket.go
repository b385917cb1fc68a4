// SPDX-License-Identifier: MIT

// This file holds Socket: its life, its rooms, and what is sent to it.

package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/parser"
)

// Life of a Socket. Changed only by join, refuse, peerGone and Disconnect.
//
//	joining ──middlewares passed──► connected ──peer gone · Disconnect──► gone
//	joining ──middleware refused · peer gone──► gone
const (
	stateJoining int32 = iota
	stateConnected
	stateGone
)

const maxRoomName = 512

// A Socket is one client in one namespace. Its handlers run one at a time, in the
// order in which the client's events arrived; the handlers of different sockets
// run at the same time. All methods may be called from any goroutine, also inside
// handlers.
type Socket struct {
	// Immutable after newSocket.
	ns   *Namespace
	conn *conn
	id   string
	auth []byte // in the format of the server; JSON in revision 4

	inbox inbox

	// Atomic; safe from anywhere. Written under mu.
	state atomic.Int32

	mu        sync.Mutex  // guards the fields below; see doc.go for the lock order
	wasJoined bool        // here it takes no room
	events    []*listener // in the order of registration
	any       listeners[func(string, Args)]
	uses      []EventMiddleware
	leaving   listeners[func(DisconnectReason, error)]
	left      listeners[func(DisconnectReason, error)]
	acks      ackTable
	rooms     []string            // joined while joining
	toldRooms map[string]struct{} // observers heard that they were joined
	joins     int                 // rooms joined, those joined again or left counted too
	reason    DisconnectReason
	cause     error
	ctx       context.Context // nil until asked for
	cancel    context.CancelFunc

	// Atomic; see outgoing.go and data.go. Nil for most sockets.
	outgoing atomic.Pointer[[]*outgoingFunc]
	data     atomic.Pointer[dataMap]
}

func newSocket(ns *Namespace, c *conn, auth []byte) *Socket {
	s := &Socket{ns: ns, conn: c, id: c.socketID(ns)}
	if len(auth) > 0 {
		s.auth = append(make([]byte, 0, len(auth)), auth...)
	}
	return s
}

// newID returns 120 random bits as 20 characters.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ID is the public id of the socket: random, unlike any other, and the name of a
// room with this socket in it. Clients of Socket.IO 1 and 2 compute it from their
// Engine.IO session id, so that for them it is that id, on "/", or ends with it;
// who learns it can speak for such a client.
func (s *Socket) ID() string { return s.id }

// Namespace is the namespace of the socket.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Connected reports whether the socket has joined its namespace and not left it.
func (s *Socket) Connected() bool { return s.state.Load() == stateConnected }

// Conn is the Engine.IO connection that carries the socket, with the other
// namespaces of its client. Closing it lets the client come back by itself, which
// Disconnect does not.
func (s *Socket) Conn() *engineio.Conn { return s.conn.eio }

// Transport is what carries the socket now: "polling", "websocket" or "webtransport".
func (s *Socket) Transport() string { return s.conn.eio.Transport() }

// A Handshake is what is known of the request that opened the connection, and of
// the client's wish to join the namespace. What it has of the request, such as URL,
// RemoteAddr and Time, is described at engineio.Handshake.
type Handshake struct {
	*engineio.Handshake
	// Auth is the JSON object the client sent as auth, or nil. It must not be
	// changed. Of a client of Socket.IO 1 or 2 it is the query it joined the
	// namespace with, as an object of strings.
	Auth json.RawMessage

	raw   []byte       // Auth in the format of codec
	codec parser.Codec // nil if that is JSON
}

// DecodeAuth decodes Auth into dst, a non-nil pointer. Without Auth it leaves dst
// alone.
func (h Handshake) DecodeAuth(dst any) error {
	if h.Auth == nil {
		return nil
	}
	var err error
	if h.codec != nil {
		err = h.codec.Decode(h.raw, nil, dst)
	} else {
		err = json.Unmarshal(h.Auth, dst)
	}
	if err != nil {
		return fmt.Errorf("socketio: auth: %w", err)
	}
	return nil
}

// Handshake tells how the client came: headers, query, address, auth.
func (s *Socket) Handshake() Handshake {
	return s.conn.handshake(s.auth)
}

func (c *conn) handshake(auth []byte) Handshake {
	codec := c.server.codec
	if c.revision4() {
		codec = nil // see queryAuth
	}
	return Handshake{Handshake: c.eio.Handshake(), Auth: toJSON(codec, auth), raw: auth, codec: codec}
}

// Context ends when the socket does: at once when its client goes, before the
// handlers of events that have arrived. Its values are those of the context that
// Options.Handshake returned.
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(s.conn.eio.Context())
		if s.state.Load() == stateGone {
			s.cancel()
		}
	}
	return s.ctx
}

// start puts the joining into the inbox. It is done at the end of this read, so
// that a packet which comes with the CONNECT, before it is answered, is always too
// early; see also conn.mayStartLocked.
func (s *Socket) start() { s.pushEvent(item{kind: itemJoin}) }

// push gives the worker something to do.
func (s *Socket) push(it item) {
	if start, _, _ := s.inbox.push(it, &s.ns.server.opts); start {
		s.startWorker()
	}
}

// pushEvent gives the worker an event. It is called by the read side, which
// starts the worker when it has handed up all it has.
func (s *Socket) pushEvent(it item) {
	start, full, dropped := s.inbox.push(it, &s.ns.server.opts)
	if dropped {
		s.tellDropped(1)
	}
	if start {
		s.conn.startLater(s)
	}
	if full {
		s.conn.checkInboxes()
	}
}

func (s *Socket) startWorker() { s.ns.server.workers.run(s) }

// work runs what is in the inbox. While there is more, what the handlers send is
// held back, so that the answers to a burst leave as one with that of the last.
func (s *Socket) work() {
	corked, held := false, false
	defer func() {
		if corked { // what was to come was dropped, or a handler ended the goroutine
			s.conn.eio.Uncork()
		}
		if held {
			s.conn.eio.Flush()
		}
	}()
	for {
		it, more, ok := s.inbox.next()
		if !ok {
			return
		}
		switch {
		case more && !corked:
			s.conn.eio.Cork()
			corked, held = true, true
		case !more && corked:
			s.conn.eio.Uncork()
			corked = false
		}
		s.run(it)
		if held && !corked {
			s.conn.eio.Flush()
			held = false
		}
	}
}

func (s *Socket) run(it item) {
	switch it.kind {
	case itemJoin:
		s.join()
		if !s.wasJoined { // written by join alone
			s.settle()
		}
	case itemEvent:
		s.dispatch(it)
		if s.conn.isPaused() {
			s.conn.checkInboxes()
		}
	case itemLeave:
		s.leave()
		s.settle()
	}
}

// settle tells that no handler of the socket will run any more.
func (s *Socket) settle() {
	s.conn.settled(s)
	s.ns.server.registry.release(s.ns)
}

// join runs the middlewares and, if they let the socket in, makes it a member of
// its namespace and runs the connection handlers.
func (s *Socket) join() {
	if !s.passes() {
		return
	}
	m, err := s.connectReply()
	if err != nil {
		s.refuse(err)
		return
	}
	// A broadcast may reach the socket as soon as it is a member, but must come
	// after the CONNECT packet; see settledState.
	s.mu.Lock()
	if s.state.Load() != stateJoining {
		s.mu.Unlock()
		return
	}
	s.ns.adapter.Add(s, s.rooms)
	rooms := s.noteRoomsLocked(s.rooms)
	s.rooms = nil
	s.wasJoined = true
	err = s.conn.eio.Append(m)
	s.state.Store(stateConnected)
	s.mu.Unlock()
	s.tellJoined(rooms)
	if err != nil {
		return // the connection is closed and peerGone is on its way
	}
	s.conn.eio.Flush()
	s.conn.socketJoined()
	for _, fn := range s.ns.connectionHandlers() {
		s.report("connection", s.guard(func() error { fn(s); return nil }))
	}
}

// passes runs the middlewares. It reports whether all let the socket in.
func (s *Socket) passes() bool {
	middlewares := s.ns.middlewareChain()
	if len(middlewares) == 0 {
		return true
	}
	// Its goroutine ends when the refusal is queued. That is waited for: the socket
	// must be off its connection before this worker says that it has settled.
	refused := make(chan struct{})
	limit := time.AfterFunc(s.ns.server.opts.MiddlewareTimeout, func() {
		defer close(refused)
		s.refuse(&ConnectError{Message: timedOut})
	})
	defer func() {
		if !limit.Stop() {
			<-refused
		}
	}()
	for _, use := range middlewares {
		if s.state.Load() != stateJoining {
			return false
		}
		if err := s.guard(func() error { return use(s) }); err != nil {
			s.refuse(err)
			return false
		}
	}
	return true
}

// refuse answers the wish to join with an error.
func (s *Socket) refuse(err error) {
	s.mu.Lock()
	if s.state.Load() != stateJoining {
		s.mu.Unlock()
		return
	}
	s.endLocked(ReasonServerDisconnect, err)
	s.mu.Unlock()
	s.tellRefused(err)
	var m *engineio.Message
	if crash := s.guard(func() error { m = s.encodeRefusal(err); return nil }); crash != nil {
		m = s.encodeRefusal(crash) // a method of the error, or a marshaler in its data
	}
	s.conn.forget(s, false)
	if s.conn.countRefusal() {
		_ = s.conn.send(m) // a closed connection needs no answer
	}
}

// encodeRefusal encodes why a middleware refused the socket. It calls methods of
// the application's error.
func (s *Socket) encodeRefusal(err error) *engineio.Message {
	refusal, ok := asConnectError(err)
	var crashed *PanicError
	switch {
	case errors.As(err, &crashed):
		s.report("connection", err)
		refusal = &ConnectError{Message: "internal error"}
	case !ok:
		refusal = &ConnectError{Message: err.Error()}
	}
	if s.conn.revision4() {
		return s.ns.server.encodeError4(s.ns.name, refusal)
	}
	return s.ns.server.encodeConnectError(s.ns.name, refusal)
}

// endLocked is the one way into gone.
func (s *Socket) endLocked(reason DisconnectReason, cause error) {
	s.state.Store(stateGone)
	s.reason, s.cause = reason, cause
	s.rooms = nil
	if s.cancel != nil {
		s.cancel()
	}
	s.conn.awaitFailed(s.acks.fail(s, ErrClosed))
}

// peerGone ends the socket because its client has left. Events that have arrived
// are still handled, then the disconnection handlers run. It reports whether the
// socket had joined.
func (s *Socket) peerGone(reason DisconnectReason, cause error) (joined bool) {
	s.mu.Lock()
	joined = s.wasJoined
	if s.state.Load() == stateGone {
		s.mu.Unlock()
		return joined
	}
	s.endLocked(reason, cause)
	s.mu.Unlock()
	if joined {
		s.push(item{kind: itemLeave})
	}
	return joined
}

// Disconnect makes the client leave the namespace; with close it also closes the
// whole connection, with all its namespaces. The client gets "io server
// disconnect" and does not come back by itself. Events of the client that wait
// for their handlers are dropped. On a socket that is not connected it does
// nothing; in a middleware return an error instead.
func (s *Socket) Disconnect(close bool) {
	if !s.Connected() {
		return
	}
	if !close {
		s.disconnect()
		return
	}
	for _, other := range s.conn.allSockets() {
		other.disconnect()
	}
	s.conn.eio.Close()
}

func (s *Socket) disconnect() {
	s.mu.Lock()
	if s.state.Load() != stateConnected {
		s.mu.Unlock()
		return
	}
	s.endLocked(ReasonServerDisconnect, nil)
	s.mu.Unlock()
	s.conn.forget(s, true)
	if m, err := s.ns.server.encodeDisconnect(s.ns.name); err == nil {
		_ = s.conn.send(m) // a closed connection needs no answer
	}
	s.tellDropped(s.inbox.dropEvents())
	s.conn.checkInboxes()
	s.push(item{kind: itemLeave})
}

// leave runs the disconnection handlers. In between the socket leaves its rooms.
func (s *Socket) leave() {
	s.mu.Lock()
	reason, cause := s.reason, s.cause
	s.mu.Unlock()
	for _, fn := range s.leaving.all(&s.mu) {
		s.report("disconnecting", s.guard(func() error { fn(reason, cause); return nil }))
	}
	s.ns.adapter.Remove(s)
	s.tellLeft(reason, cause)
	for _, fn := range s.left.all(&s.mu) {
		s.report("disconnect", s.guard(func() error { fn(reason, cause); return nil }))
	}
}

// settledState is the state, waiting for join to finish its last step: the client
// may have its CONNECT packet, and a broadcast may find the socket among the
// members, a moment before the state says so.
func (s *Socket) settledState() int32 {
	state := s.state.Load()
	if state == stateJoining {
		s.mu.Lock()
		state = s.state.Load()
		s.mu.Unlock()
	}
	return state
}

// Deliver implements adapter.Member: it takes a broadcast. It is not for
// applications.
func (s *Socket) Deliver(p *adapter.Packet) {
	if s.settledState() != stateConnected {
		return
	}
	if p.Call != nil {
		s.ask(p)
		return
	}
	_ = s.deliver(p) // the connection tells its sockets of its end
}

// deliver sends a broadcast.
func (s *Socket) deliver(p *adapter.Packet) error {
	m := p.Message.(*engineio.Message)
	if p.Volatile {
		if !s.conn.eio.SendVolatile(m) {
			return errDropped
		}
	} else if err := s.conn.send(m); err != nil {
		return err
	}
	s.sent(m)
	return nil
}

// Emit sends an event to this socket alone. It does not wait: the event is in the
// queue when it returns. A []byte, at any depth, travels as binary; everything
// else as encoding/json would write it. Errors: ErrClosed, ErrSlowConsumer,
// ErrQueueFull, ErrReservedEvent, or an argument that can't be encoded.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(new(adapter.Flags), event, args)
}

// Send is Emit of the event "message".
func (s *Socket) Send(args ...any) error { return s.Emit("message", args...) }

// Broadcast starts a broadcast to the namespace without this socket.
func (s *Socket) Broadcast() Broadcast {
	return Broadcast{ns: s.ns, target: adapter.Target{Sender: s.id}}
}

// To starts a broadcast to rooms without this socket; see Broadcast.To.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) Broadcast { return s.To(rooms...) }

// Except starts a broadcast without the sockets of rooms, and without this one.
func (s *Socket) Except(rooms ...string) Broadcast { return s.Broadcast().Except(rooms...) }

// alone is this socket, until To, Except or Local choose others in its place.
func (s *Socket) alone() Broadcast { return Broadcast{ns: s.ns, self: s} }

// Volatile lets the event that follows be dropped; see Broadcast.Volatile. It goes to
// this socket, or, where To, Except or Local follow, to others without this one.
func (s *Socket) Volatile() Broadcast { return s.alone().Volatile() }

// Compress says whether the event that follows may be compressed; see
// Broadcast.Compress. It goes to this socket, or, where To, Except or Local follow, to
// others without this one.
func (s *Socket) Compress(compress bool) Broadcast { return s.alone().Compress(compress) }

// Local starts a broadcast to the sockets of this server without this one; see
// Broadcast.Local.
func (s *Socket) Local() Broadcast { return s.Broadcast().Local() }

// Join puts the socket into rooms. A broadcast that begins after Join has
// returned reaches it. In a middleware the rooms wait until the socket is let in.
// On a socket that is gone it does nothing. Errors: ErrRoomName, ErrTooManyRooms;
// then no room was joined.
func (s *Socket) Join(rooms ...string) error {
	if err := checkRoomNames(rooms); err != nil {
		return err
	}
	var news []string
	defer func() { s.tellRooms(news, RoomObserver.RoomJoined) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.roomForLocked(rooms) {
		return fmt.Errorf("%w: at most %d", ErrTooManyRooms, s.ns.server.opts.MaxRooms)
	}
	switch s.state.Load() {
	case stateJoining:
		s.rooms = append(s.rooms, rooms...)
	case stateConnected:
		s.ns.adapter.Join(s, rooms)
		news = s.noteRoomsLocked(rooms)
	}
	return nil
}

// roomForLocked reports whether the socket may join these rooms too. They are
// compared with those it is in only when so many were joined that it matters.
func (s *Socket) roomForLocked(rooms []string) bool {
	limit := s.ns.server.opts.MaxRooms
	if s.joins+len(rooms) <= limit {
		s.joins += len(rooms)
		return true
	}
	now := s.rooms
	if s.wasJoined {
		now = s.ns.adapter.Rooms(s)
	}
	all := make(map[string]struct{}, len(now)+len(rooms))
	for _, names := range [][]string{now, rooms} {
		for _, name := range names {
			all[name] = struct{}{}
		}
	}
	delete(all, s.id) // its own is free
	if len(all) > limit {
		return false
	}
	s.joins = len(all)
	return true
}

// Leave takes the socket out of a room. A broadcast that begins after Leave has
// returned does not reach it.
func (s *Socket) Leave(room string) {
	told := false
	defer func() {
		if told {
			s.tellRoom(room, RoomObserver.RoomLeft)
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wasJoined {
		s.ns.adapter.Leave(s, room)
		told = s.forgetRoomLocked(room)
		return
	}
	kept := s.rooms[:0]
	for _, name := range s.rooms {
		if name != room {
			kept = append(kept, name)
		}
	}
	s.rooms = kept
}

// Rooms returns the rooms of the socket, its own id among them, in no order. The
// caller owns the result.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.wasJoined {
		return append([]string(nil), s.rooms...)
	}
	return s.ns.adapter.Rooms(s)
}
