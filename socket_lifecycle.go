// SPDX-License-Identifier: MIT

// This file holds the life of a Socket: how it joins and how it ends.

package socketio

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/telemetry"
	"socketio/internal/turns"
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

// settle records that no handler of the socket will run again.
func (s *Socket) settle() {
	if s.ns.server.opts.ReserveSocketIDs {
		s.ns.server.socketIDs.add(s.ID(), -1)
	}
	if s.kept() != nil {
		s.ns.keeper.settled(s)
	}
	s.conn.settled(s)
	s.ns.server.registry.Release(s.ns.entry)
}

// An admission is the state of a CONNECT until it is answered. Once the namespace is
// found, it decides whether the socket may join.
type admission struct {
	turn   turns.Turn
	socket *Socket // nil during the search for the namespace; immutable after addSocketLocked

	// Guarded by Socket.mu.
	rooms  []string                // joined by middlewares
	cancel context.CancelCauseFunc // of life; nil if there is none

	life context.Context // see present; used by the goroutine of join
}

// join runs the middlewares and, if they accept the socket, makes it a member of its
// namespace and runs the connection handlers.
func (a *admission) join() {
	s := a.socket
	defer a.endLife()
	if s.kept() != nil {
		s.ns.keeper.join(a)
		return
	}
	_ = s.ns.waitJoined(nil) // a server that has just started does not get yet what others emit
	if !a.passes() {
		return
	}
	m, err := connectReply(s, binding.Admission{SID: s.ID()})
	if err != nil {
		a.refuse(err)
		return
	}
	s.member().reserveRoom()
	// A broadcast may reach the socket as soon as it is a member, but must come
	// after the CONNECT packet; see settledState.
	s.mu.Lock()
	if s.state.Load() != stateJoining {
		s.mu.Unlock()
		return
	}
	news := a.addLocked()
	err = a.enterLocked(m)
	s.mu.Unlock()
	a.entered(news, err)
}

// addLocked makes the socket a member of its namespace. It returns the rooms that the
// watcher is to be notified of.
func (a *admission) addLocked() (news []string) {
	s := a.socket
	s.ns.adapter.Add(s.member(), a.rooms)
	rooms, _ := s.member().leaveReservedLocked(a.rooms)
	if s.watch().hearsRooms() {
		news = rareOf(s).told.joined(s.ID(), rooms)
	}
	return news
}

// enterLocked puts the answer and what follows it into the queue, after which the socket
// is connected. An error says that the connection is closed and peerGone is on its way.
func (a *admission) enterLocked(ms ...*engineio.Message) (err error) {
	s := a.socket
	s.joining = nil
	s.ns.entry.Use()
	s.conn.socketJoined(s) // before the client can know, so that the order is that of the answers
	for _, m := range ms {
		if err = s.conn.eio.Append(m); err != nil {
			break
		}
	}
	s.state.Store(stateConnected)
	return err
}

// entered runs the connection handlers, unless enterLocked has returned an error. It is
// called without locks.
func (a *admission) entered(news []string, err error) {
	s := a.socket
	s.conn.endTurn(a)
	s.watch().socketJoined(s)
	s.watch().roomsJoined(s, news)
	if err != nil {
		return
	}
	s.conn.eio.Flush()
	if s.ns.server.barred(s) {
		return
	}
	for _, fn := range s.ns.connectionHandlers() {
		s.ns.server.handling.attempt(s, "connection", func() { (*fn)(s) })
	}
}

// changed is called without locks after a change of the rooms or data of the socket.
func (s *Socket) changed() {
	if s.ns.keeper != nil && s.Connected() {
		s.ns.keeper.changed(s)
	}
}

// passes runs the middlewares. It reports whether all accepted the socket.
func (a *admission) passes() bool {
	s := a.socket
	middlewares := s.ns.middlewareChain()
	if len(middlewares) == 0 {
		s.conn.awaitTurn(a)
		return true
	}
	s.conn.mayWait(a, s.conn.server.waits.decide)
	overdue := &s.ns.server.overdue
	if overdue.full() {
		s.ns.server.sampled.Warn("a socket was rejected: too many middlewares run although their contexts have ended; pass ctx to whatever they wait for",
			"nsp", telemetry.Text(s.ns.name), "max", maxOverdue)
		a.refuse(&ConnectError{Message: busy})
		return false
	}
	ctx, ok := a.present()
	if !ok {
		return false
	}
	timed, stop := context.WithTimeoutCause(ctx, s.ns.server.opts.MiddlewareTimeout, ErrMiddlewareTimeout)
	defer stop()
	// Its goroutine ends when the rejection is queued. The worker waits for that: the
	// socket must be off its connection before the worker reports that it has settled.
	refused := make(chan struct{})
	limit := context.AfterFunc(timed, func() {
		defer close(refused)
		overdue.count(1)
		if context.Cause(timed) == ErrMiddlewareTimeout {
			a.refuse(&ConnectError{Message: timedOut})
		}
	})
	decided := false
	defer func() {
		if !decided { // a middleware ended the goroutine
			s.ns.server.handling.report(s, "connection", errGoexit)
			a.refuse(&ConnectError{Message: oursFault})
		}
		if !limit() {
			<-refused
			overdue.count(-1)
		}
	}()
	err := a.runMiddlewares(timed, middlewares)
	decided = true
	if err != nil && context.Cause(timed) == ErrMiddlewareTimeout {
		err = &ConnectError{Message: timedOut} // whatever error the middleware returned
	}
	s.conn.awaitTurn(a)
	if err != nil {
		a.refuse(err) // does nothing if the socket has ended
	}
	return err == nil
}

// present returns the context of what is done for the client before it is answered: it ends
// with the socket, or with join. ok is false if the socket has already ended.
func (a *admission) present() (ctx context.Context, ok bool) {
	s := a.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != stateJoining {
		return nil, false
	}
	if a.life == nil {
		a.life, a.cancel = context.WithCancelCause(s.conn.eio.Context())
	}
	return a.life, true
}

// endLife ends the context of present.
func (a *admission) endLife() {
	if a.life != nil {
		a.cancel(nil)
	}
}

// busy is the message for clients beyond maxOverdue.
const busy = "server busy"

// runMiddlewares returns the first error, or ErrClosed if the socket ends meanwhile.
func (a *admission) runMiddlewares(ctx context.Context, middlewares []func(context.Context, *Socket) error) error {
	s := a.socket
	for _, use := range middlewares {
		if s.state.Load() != stateJoining {
			return ErrClosed
		}
		if err := guard(func() error { return use(ctx, s) }); err != nil {
			return err
		}
	}
	return nil
}

// refuse rejects the socket with an error.
func (a *admission) refuse(err error) {
	s := a.socket
	s.mu.Lock()
	if s.state.Load() != stateJoining {
		s.mu.Unlock()
		return
	}
	s.endLocked(ReasonServerDisconnect, err)
	s.mu.Unlock()
	s.watch().socketRefused(s, err)
	logRefused(s, err)
	var m *engineio.Message
	if crash := guard(func() error { m = encodeRefusal(s, err); return nil }); crash != nil {
		m = encodeRefusal(s, crash) // a method of the error, or a marshaler of its data
	}
	s.conn.forget(s, false)
	if s.conn.countRefusal() {
		_ = s.conn.send(m) // a closed connection needs no answer
	}
}

// logRefused logs that a middleware rejected the socket. It calls methods of the
// application's error.
func logRefused(s *Socket, err error) {
	if log := s.ns.server.opts.Logger; log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug("a socket was rejected", "nsp", telemetry.Text(s.ns.name), "sid", s.publicID(), "error", telemetry.Error(err))
	}
}

// encodeRefusal encodes the error with which a middleware rejected the socket. It calls
// methods of the application's error.
func encodeRefusal(s *Socket, err error) *engineio.Message {
	refusal, ok := asConnectError(err)
	var crashed *PanicError
	switch {
	case errors.As(err, &crashed):
		s.ns.server.handling.report(s, "connection", err)
		refusal = &ConnectError{Message: "internal error"}
	case !ok:
		refusal = &ConnectError{Message: err.Error()}
	}
	if s.conn.legacy() {
		return s.ns.server.format.legacyError(s.ns.name, refusal)
	}
	return s.ns.server.format.connectError(s.ns.name, refusal)
}

// connectReply encodes the packet that tells the client that its socket has joined.
func connectReply(s *Socket, reply binding.Admission) (*engineio.Message, error) {
	p := parser.Outgoing{Type: parser.TypeConnect, Namespace: s.ns.name, ID: noAck}
	reply.Once = repeatsOf(s) != nil
	if !s.conn.legacy() {
		p.Payload = reply
	}
	return s.ns.server.format.Packet(p)
}

// endLocked is the only transition to gone.
func (s *Socket) endLocked(reason DisconnectReason, cause error) {
	if s.kept() != nil {
		s.kept().atEnd = s.ns.keeper.last() // while it gets all events
	}
	s.state.Store(stateGone)
	r := rareOf(s)
	r.reason, r.cause = reason, cause
	if s.joining != nil {
		s.joining.rooms = nil
		if s.joining.cancel != nil {
			s.joining.cancel(s.endCauseLocked())
		}
	}
	if r.life != nil {
		r.life.end(s.endCauseLocked())
	}
	r.acks.Fail(&s.conn.awaited, s, ErrClosed) // the caller checks the inboxes without locks
}

// An endError is the cause with which a Socket's context ends: ErrClosed and the error
// behind it.
type endError struct{ err error }

func (e *endError) Error() string { return e.err.Error() }

func (e *endError) Unwrap() []error { return []error{ErrClosed, e.err} }

// endCauseLocked returns the cause with which the context of a socket ends.
func (s *Socket) endCauseLocked() error {
	if cause := rareOf(s).cause; cause != nil {
		return &endError{cause}
	}
	return ErrClosed
}

// OnDisconnecting calls fn when the socket ends: after the events that have arrived were
// handled, and before the socket leaves its rooms. context.Cause(s.Context()) is the
// error behind the reason, if there is one; see Context. fn runs on the goroutine of the
// socket's handlers. remove unregisters fn.
func (s *Socket) OnDisconnecting(fn func(reason DisconnectReason)) (remove func()) {
	if fn == nil {
		panic("socketio: OnDisconnecting: the handler is nil")
	}
	return s.on.others().leaving.Add(&fn)
}

// OnDisconnect calls fn when the socket has ended and left its rooms. It is the last
// handler to run. Otherwise it is like OnDisconnecting.
func (s *Socket) OnDisconnect(fn func(reason DisconnectReason)) (remove func()) {
	if fn == nil {
		panic("socketio: OnDisconnect: the handler is nil")
	}
	return s.on.left.Add(&fn)
}

// peerGone ends the socket because its client has disconnected. Events that have arrived
// are still handled, then the disconnection handlers run. It reports whether the socket
// had joined.
func (s *Socket) peerGone(reason DisconnectReason, cause error) (joined bool) {
	s.mu.Lock()
	joined = joinedLocked(s)
	if s.state.Load() == stateGone {
		s.mu.Unlock()
		return joined
	}
	s.endLocked(reason, cause)
	s.mu.Unlock()
	if joined {
		s.runner().pushLast()
	}
	return joined
}

// CloseConn disconnects all sockets of the client, in every namespace that it has joined
// over the connection of this socket, and closes the connection. Each socket is
// disconnected as by Disconnect, so the client does not reconnect automatically. If the
// socket is not connected, CloseConn does nothing.
func (s *Socket) CloseConn() {
	if !s.Connected() {
		return
	}
	for _, other := range s.conn.allSockets() {
		other.Disconnect()
	}
	s.conn.eio.Close()
}

// Disconnect makes the client leave the namespace. Its other namespaces and its
// connection are not affected; see CloseConn. The client gets the reason "io server
// disconnect" and does not reconnect automatically. Events of the client that are waiting
// for their handlers are dropped. If the socket is not connected, Disconnect does
// nothing; a middleware returns an error instead.
func (s *Socket) Disconnect() {
	if s.kept() != nil && s.Connected() {
		s.ns.keeper.hurry(s)
	}
	s.mu.Lock()
	if s.state.Load() != stateConnected {
		s.mu.Unlock()
		return
	}
	s.endLocked(ReasonServerDisconnect, nil)
	s.mu.Unlock()
	s.conn.forget(s, true)
	if m, err := s.ns.server.format.disconnect(s.ns.name); err == nil {
		_ = s.conn.send(m) // a closed connection needs no answer
	}
	s.runner().dropEvents()
	s.conn.checkInboxes()
	s.runner().pushLast()
}

// leave runs the disconnection handlers. Between them the socket leaves its rooms, even
// if a handler ends the goroutine.
func (s *Socket) leave() {
	s.mu.Lock()
	reason, cause := rareOf(s).reason, rareOf(s).cause
	s.mu.Unlock()
	defer s.settle()
	defer func() {
		for _, fn := range s.on.left.All() {
			s.ns.server.handling.attempt(s, "disconnect", func() { (*fn)(reason) })
		}
	}()
	defer func() {
		if s.kept() != nil {
			s.ns.keeper.ended(s)
		}
		s.ns.adapter.Remove(s.member())
		if s.watch().hearsRooms() {
			s.mu.Lock()
			rooms := rareOf(s).told.all()
			s.mu.Unlock()
			s.watch().roomsLeft(s, rooms)
		}
		s.watch().socketLeft(s, reason, cause)
	}()
	if rare := s.on.rare.Load(); rare != nil {
		for _, fn := range rare.leaving.All() {
			s.ns.server.handling.attempt(s, "disconnecting", func() { (*fn)(reason) })
		}
	}
}

// settledState returns the state after join has finished its last step: the client may
// receive its CONNECT packet, and a broadcast may find the socket among the members, a
// moment before the state is connected.
func (s *Socket) settledState() int32 {
	state := s.state.Load()
	if state == stateJoining {
		s.mu.Lock()
		state = s.state.Load()
		s.mu.Unlock()
	}
	return state
}

// isGone reports whether the socket or its connection has ended.
func (s *Socket) isGone() bool { return s.state.Load() == stateGone || s.conn.eio.Closed() }

// checkReserved rejects the ids of sockets other than own, if ids are reserved.
func (s *Server) checkReserved(rooms []string, own string) error {
	if s.opts.ReserveSocketIDs && s.socketIDs.has(rooms, own) {
		return ErrSocketRoom
	}
	return nil
}

// reserveRoom empties the room of the socket's id before the socket enters it: a client
// of revision 4 knows its id before it joins, and may have published it.
func (m *member) reserveRoom() {
	s := (*Socket)(m)
	if !s.ns.server.opts.ReserveSocketIDs {
		return
	}
	for _, m := range s.ns.adapter.Members(adapter.Target{Rooms: []string{s.ID()}}) {
		if other := socketOf(m); other.ID() != s.ID() {
			m.Leave(s.ID())
		}
	}
}

// leaveReservedLocked leaves the rooms, joined a moment ago, that have become the room of
// another socket meanwhile. It returns the rest.
func (m *member) leaveReservedLocked(rooms []string) (rest []string, err error) {
	s := (*Socket)(m)
	server := s.ns.server
	if server.checkReserved(rooms, s.ID()) == nil {
		return rooms, nil
	}
	rest = slices.DeleteFunc(slices.Clone(rooms), func(name string) bool {
		taken := server.checkReserved([]string{name}, s.ID()) != nil
		if taken {
			s.ns.adapter.Leave(m, name)
		}
		return taken
	})
	return rest, ErrSocketRoom
}
