// SPDX-License-Identifier: MIT

// This file holds Socket: its properties, its context, and its handshake.

package socketio

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"sync/atomic"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/ack"
	"socketio/internal/binding"
	"socketio/internal/lock"
	"socketio/internal/serial"
	"socketio/parser"
)

// A Socket is one client in one namespace. Its handlers, except those of Parallel, run
// one at a time, in the order in which the client's events arrived; the handlers of
// different sockets run at the same time. All methods may be called from any goroutine,
// including inside handlers.
type Socket struct {
	// Immutable after newSocket.
	ns      *Namespace
	conn    *conn
	eio     *engineio.Conn // of conn: a broadcast reads less memory
	firstID string         // before it was recovered; see ID

	rare atomic.Pointer[rare] // what most sockets do not need; nil until it is

	// Safe from anywhere; empty for most sockets.
	on socketHandlers

	// Atomic; safe from anywhere. Written under mu.
	state atomic.Int32

	joins int32 // calls of Join by room, also for rooms that were left or joined again; guarded by mu

	inbox serial.Inbox[item]

	mu      lock.Mutex // guards the fields below; see doc.go for the lock order
	joining *admission // nil when it has joined, also after it has left
}

// A rare is what most connected sockets do not need.
type rare struct {
	// Immutable after newSocket.
	session *session  // what recovery keeps; nil without it
	repeats *repeats  // nil if the client does not send events again; changed by journal.succeed only
	auth    []byte    // in the format of the server; JSON in revision 4
	told    toldRooms // of a server with a RoomObserver; guarded by Socket.mu

	// Guarded by Socket.mu.
	reason DisconnectReason
	cause  error
	life   *lifetime // nil until Context is called

	// Safe from anywhere.
	acks      ackTable
	data      socketData
	reporting atomic.Bool // an event that could not be encoded
}

// rareOf returns what most sockets do not need, for something to be put there.
func rareOf(s *Socket) *rare {
	if r := s.rare.Load(); r != nil {
		return r
	}
	s.rare.CompareAndSwap(nil, new(rare))
	return s.rare.Load()
}

// A lifetime is the context of a socket.
type lifetime struct {
	ctx context.Context
	end context.CancelCauseFunc
}

// kept returns what recovery keeps of the socket, or nil.
func (s *Socket) kept() *session {
	if r := s.rare.Load(); r != nil {
		return r.session
	}
	return nil
}

// repeatsOf returns the events that the client may send again, or nil if it sends none again.
func repeatsOf(s *Socket) *repeats {
	if r := s.rare.Load(); r != nil {
		return r.repeats
	}
	return nil
}

// authOf returns the auth of the client, in the format of the server, or nil.
func authOf(s *Socket) []byte {
	if r := s.rare.Load(); r != nil {
		return r.auth
	}
	return nil
}

// valuesOf returns the values of the socket by DataKey.
func valuesOf(s *Socket) dataMap {
	if r := s.rare.Load(); r != nil {
		return r.data.now()
	}
	return nil
}

// joinedLocked reports whether the socket has joined its namespace, even if it has left.
func joinedLocked(s *Socket) bool { return s.joining == nil }

// An ackTable holds the acknowledgements awaited from one socket.
type ackTable = ack.Table[*Socket, Args]

// An ackWaiter waits for acknowledgements. Its methods may be called with a Socket.mu or
// a conn.mu held.
type ackWaiter = ack.Waiter[*Socket, Args]

func newSocket(ns *Namespace, c *conn, auth []byte) *Socket {
	s := &Socket{ns: ns, conn: c, eio: c.eio, firstID: newSocketID(ns, c)}
	if ns.server.opts.ReserveSocketIDs {
		ns.server.socketIDs.add(s.ID(), 1)
	}
	if ns.keeper != nil && !c.legacy() {
		rareOf(s).session = new(session)
		auth = ns.keeper.presented(s.kept(), auth)
	}
	if !c.legacy() {
		var nonce string
		if nonce, auth = announced(ns.server.format, auth); nonce != "" {
			rareOf(s).repeats = newRepeats(nonce)
		}
	}
	if len(auth) > 0 {
		rareOf(s).auth = append(make([]byte, 0, len(auth)), auth...)
	}
	return s
}

// newSocketID returns the id of a new socket. For a legacy client it is an id that the
// client can compute.
func newSocketID(ns *Namespace, c *conn) string {
	switch {
	case !c.legacy():
		return newID()
	case ns.name == "/":
		return c.eio.ID()
	}
	return ns.name + "#" + c.eio.ID()
}

// newID returns 120 random bits as 20 characters.
func newID() string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ID is the public id of the socket: random, unique, and the name of a room that contains
// this socket. Clients of Socket.IO 1 and 2 compute it from their Engine.IO session id,
// so for them it is that id, on "/", or ends with it; anyone who learns it can act as
// such a client.
func (s *Socket) ID() string {
	if k := s.kept(); k != nil {
		if id := k.id.Load(); id != nil {
			return *id
		}
	}
	return s.firstID
}

// Recovered reports whether the socket continues the session of an earlier connection:
// its ID, Rooms and values by DataKey are those of that session, and its client has been
// sent the events that it had missed; see Options.Recovery. It is false in middlewares.
func (s *Socket) Recovered() bool {
	k := s.kept()
	return k != nil && k.recovered.Load()
}

// Namespace is the namespace of the socket.
func (s *Socket) Namespace() *Namespace { return s.ns }

// Connected reports whether the socket has joined its namespace and has not left it.
func (s *Socket) Connected() bool { return s.state.Load() == stateConnected }

// Transport is the transport that carries the socket now: "polling", "websocket" or
// "webtransport".
func (s *Socket) Transport() string { return s.conn.eio.Transport() }

// Rooms returns the rooms of the socket, including its own id, sorted by name. In a
// middleware they are the rooms that it will join. The caller owns the result.
func (s *Socket) Rooms() []string {
	s.mu.Lock()
	rooms := s.member().roomsLocked()
	s.mu.Unlock()
	slices.Sort(rooms)
	return slices.Compact(rooms)
}

// roomsLocked returns the rooms, or those that the socket will join. The caller owns the
// result.
func (m *member) roomsLocked() []string {
	s := (*Socket)(m)
	if joinedLocked(s) {
		return s.ns.adapter.Rooms(m)
	}
	return slices.Clone(s.joining.rooms)
}

// OnUpgrade calls fn when a client that began on polling has moved to another transport,
// with the name of that transport. fn runs like a handler of an event, in order with the
// others. remove unregisters fn.
func (s *Socket) OnUpgrade(fn func(transport string)) (remove func()) {
	if fn == nil {
		panic("socketio: OnUpgrade: the handler is nil")
	}
	return s.on.others().upgraded.Add(&fn)
}

// upgrade runs the handlers of OnUpgrade.
func (s *Socket) upgrade() {
	rare := s.on.rare.Load()
	if rare == nil || !s.Connected() {
		return
	}
	for _, fn := range rare.upgraded.All() {
		s.ns.server.handling.attempt(s, "upgrade", func() { (*fn)(s.Transport()) })
	}
}

// A Handshake describes the request that opened the connection and the client's CONNECT
// to the namespace. The fields of the request, such as URL, RemoteAddr and Time, are
// described at engineio.Handshake.
type Handshake struct {
	*engineio.Handshake
	// Auth is the JSON object that the client sent as auth. It is {} if the client sent
	// none or, with Options.Codec, one that JSON can't express. It must not be changed.
	// For a client of Socket.IO 1 or 2 it is the query of its CONNECT, as an object of
	// strings.
	Auth json.RawMessage

	raw   []byte       // Auth in the format of codec
	codec parser.Codec // nil if that is JSON
	ctx   context.Context
}

// Context ends when the function of OfMatch that received h no longer needs to answer:
// the client has disconnected or has left the namespace, or
// Options.Limits.MiddlewareTimeout has passed. Its values are those of the context that
// Options.Handshake returned. The Handshake of a Socket has a context without values that
// never ends: use Socket.Context.
func (h Handshake) Context() context.Context {
	if h.ctx == nil {
		return context.Background()
	}
	return h.ctx
}

// DecodeAuth decodes Auth into dst, a non-nil pointer. If the client sent none, it leaves
// dst unchanged. Its error wraps the cause; if a middleware returns it, the client sees
// only "invalid auth".
func (h Handshake) DecodeAuth(dst any) error {
	if h.raw == nil && (h.Auth == nil || string(h.Auth) == noAuth) {
		return nil
	}
	var err error
	if h.raw != nil && h.codec != nil {
		err = h.codec.Decode(h.raw, nil, dst)
	} else {
		err = json.Unmarshal(h.Auth, dst)
	}
	if err != nil {
		return &authError{err}
	}
	return nil
}

// An authError tells the client only that its auth is invalid.
type authError struct{ err error }

func (e *authError) Error() string { return "socketio: auth: " + e.err.Error() }

func (e *authError) Unwrap() []error { return []error{&ConnectError{Message: "invalid auth"}, e.err} }

// Handshake returns how the client connected: headers, query, address, auth.
func (s *Socket) Handshake() Handshake {
	return s.conn.handshake(authOf(s))
}

func (c *conn) handshake(auth []byte) Handshake {
	codec := c.server.format.Codec()
	if c.legacy() {
		codec = nil // see queryAuth
	}
	h := Handshake{Handshake: c.eio.Handshake(), Auth: binding.JSON(codec, auth), raw: auth, codec: codec}
	if h.Auth == nil {
		h.Auth = json.RawMessage(noAuth)
	}
	return h
}

// noAuth is the Auth of a client that sent none.
const noAuth = "{}"

// Context ends when the socket does: at once when its client disconnects, before the
// handlers of events that have already arrived. A query made with it then fails; for work
// that must be done although the client has disconnected, use context.WithoutCancel of
// it. Its values are those of the context that Options.Handshake returned.
//
// context.Cause returns the reason. errors.Is always matches ErrClosed; if the server
// knows more, the cause also wraps that: ErrShutdown after Server.Close or Shutdown,
// ErrMoved after Rebalance, ErrSlowConsumer, ErrTooLarge, or an error of the network.
func (s *Socket) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := rareOf(s)
	if r.life == nil {
		ctx, end := context.WithCancelCause(s.conn.eio.Context())
		r.life = &lifetime{ctx, end}
		if s.state.Load() == stateGone {
			end(s.endCauseLocked())
		}
	}
	return r.life.ctx
}

// A watcher is notified of the events in the life of a server's sockets: the observers of
// the server, or nothing. It is called without locks.
type watcher interface {
	socketJoined(s *Socket)
	socketRefused(s *Socket, err error)
	// recoveryAsked: a client has asked to continue a session, and was sent what it had
	// missed, or was refused for a reason.
	recoveryAsked(s *Socket, missed int, reason string)
	// connectRefused: a CONNECT was rejected before there was a socket. namespace is ""
	// if no namespace has that name.
	connectRefused(c *engineio.Conn, namespace, message string)
	socketLeft(s *Socket, reason DisconnectReason, cause error)

	// hearsRooms reports whether roomsJoined and roomsLeft must be called.
	hearsRooms() bool
	roomsJoined(s *Socket, rooms []string)
	roomsLeft(s *Socket, rooms []string)

	clusterChanged(h adapter.Health)

	namespaceCreated(name string)
	namespaceRemoved(name string)

	// hearsEvents reports whether broadcastOut must be called.
	hearsEvents() bool
	eventIn(s *Socket, size int)
	eventsDropped(s *Socket, n int)
	// eventRepeated: a client has sent an event again.
	// The outcome is one of EventRepeated in RetryObserver.
	eventRepeated(s *Socket, event string, known bool, outcome string)
	eventOut(s *Socket, event string, m *engineio.Message)
	broadcastOut(namespace, event string, m *engineio.Message, recipients int)
	handlerFailed(s *Socket, e *HandlerError)

	// ackAsked: an acknowledgement is awaited from a socket. ended, if not nil, must be
	// called when the wait ends. acksAsked is the same for several sockets.
	ackAsked(ctx context.Context, s *Socket, event string) (ended func(error))
	acksAsked(ctx context.Context, namespace, event string) (ended func(error))

	readingPaused(c *engineio.Conn)
	readingResumed(c *engineio.Conn)
}

// A keeper keeps the events of a namespace and the sessions of its sockets. It is called
// without locks, except presented. A namespace without recovery has none.
type keeper interface {
	// presented takes what the client presents to continue a session out of its auth.
	// conn.mu may be held.
	presented(k *session, auth []byte) []byte
	// emit sends an event to a socket or, if s is nil, to the sockets selected by t. It
	// returns the number of the event, or 0 if the event is not kept.
	emit(s *Socket, f adapter.Flags, t adapter.Target, event string, args []any) (number uint64, err error)
	// emitAt is emit to several sockets, and waits for the number if it comes later.
	emitAt(f adapter.Flags, t adapter.Target, event string, args []any) (number uint64, err error)
	// behind makes a packet to a socket wait if events to it wait for their numbers, and
	// reports whether there are any. hurry sends the socket what waits, since it leaves
	// the namespace. leaves keeps what waits for a socket that leaves rooms.
	behind(s *Socket, m *engineio.Message, volatile bool) bool
	hurry(s *Socket)
	leaves(s *Socket, rooms []string)
	// keep delivers an event of another server to the sockets here that members returns. It
	// returns how many they are.
	keep(e adapter.Payload, f adapter.Flags, t adapter.Target, members func(adapter.Target) []adapter.Member) int
	// join does what admission.join does.
	join(a *admission)
	// begin and end are called around changes of rooms. begin returns the number of the
	// latest event. In between the caller may lock s.mu, and must not block.
	begin() (last uint64)
	end()
	// last returns the number of the latest event. It takes no lock.
	last() uint64
	// position returns the text of a number.
	position(number uint64) string
	// changed is called after each change of the rooms or data of a connected socket.
	changed(s *Socket)
	// changedLater is changed, and does not wait.
	changedLater(s *Socket)
	// replied is called before a socket is sent the reply to an event that it may send again.
	replied(s *Socket, id int64, m *engineio.Message)
	// ended is called between the handlers of OnDisconnecting and of OnDisconnect, settled
	// when the last handler has returned. settled is called for all sockets.
	ended(s *Socket)
	settled(s *Socket)
	// close is called once, at the end of the namespace.
	close()
}

// waits makes a packet to the socket wait behind events that wait for their positions, and
// reports whether there are any. Otherwise the caller sends it.
func waits(s *Socket, m *engineio.Message, volatile bool) bool {
	return s.ns.keeper != nil && s.ns.keeper.behind(s, m, volatile)
}

// watch returns the watcher of the socket.
func (s *Socket) watch() watcher { return s.ns.server.watch }

// publicID is the id of the socket for observers and logs.
func (s *Socket) publicID() string {
	if s.conn.legacy() {
		return "conn-" + strconv.FormatUint(s.conn.eio.Number(), 10)
	}
	return s.ID()
}

// A member is a Socket as its adapter sees it, an adapter.Member. It is the same memory
// without the methods for applications.
type member Socket

func (s *Socket) member() *member { return (*member)(s) }

// socketOf returns the socket of a member of one of our adapters.
func socketOf(m adapter.Member) *Socket { return (*Socket)(m.(*member)) }
