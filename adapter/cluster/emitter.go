// SPDX-License-Identifier: MIT

// This file holds Emitter, which sends to the clients of servers from a process without
// one.

package cluster

import (
	"fmt"
	"slices"
	"strings"

	"socketio/adapter"
	"socketio/adapter/nodewire"
	"socketio/parser"
)

// An Emitter sends events to the clients of a cluster from a process that is not one of
// its servers, such as a worker. Packages of engines make it: redisadapter.NewEmitter,
// pgadapter.NewEmitter. An Emitter receives nothing: it can't ask for acknowledgements or
// find sockets.
//
// Each call waits until the broker has the message, which says nothing about the servers:
// see the function that has made the Emitter. Calls of one goroutine arrive in order,
// within the ordering of the engine.
//
// Its methods may be called from any goroutine, if the function permits it. Each method of
// a broadcast returns a modified copy, as those of socketio.Broadcast.
type Emitter struct{ selection }

// An EmitterBroadcast selects sockets of a namespace, as a socketio.Broadcast does. It is
// a value, which can be stored and used again.
type EmitterBroadcast struct{ selection }

// A selection is the sockets that an operation is for.
type selection struct {
	send   func(m *nodewire.Message) error
	nsp    string
	target adapter.Target
	flags  adapter.Flags
}

// NewEmitter returns an Emitter for the namespace "/". It is for packages of engines. send
// publishes a message; it may change m, and waits until the broker has answered. It is
// called on the goroutine that uses the Emitter.
func NewEmitter(send func(m *nodewire.Message) error) *Emitter {
	return &Emitter{selection{send: send, nsp: "/"}}
}

// Of returns an Emitter for another namespace. "" is "/", and a missing leading slash is
// added.
func (e *Emitter) Of(namespace string) *Emitter {
	if !strings.HasPrefix(namespace, "/") {
		namespace = "/" + namespace
	}
	return &Emitter{selection{send: e.send, nsp: namespace}}
}

// ServerSideEmit sends an event to the servers, which receive it by OnServerSideEmit in
// the namespace of the same name. Otherwise it is like Emit, with the reserved names
// connect, connection and new_namespace.
func (e *Emitter) ServerSideEmit(event string, args ...any) error {
	switch event {
	case "connect", "connection", "new_namespace":
		return reserved(event)
	}
	p, err := nodewire.EncodeEvent(event, args...)
	if err != nil {
		return err
	}
	return e.publish(&nodewire.Message{Kind: nodewire.KindServerSideEmit, Event: p})
}

// To adds rooms; see socketio.Broadcast. Without To, all sockets of the namespace are
// selected. To() without arguments selects no sockets unless other rooms are added.
func (s selection) To(rooms ...string) EmitterBroadcast {
	s.target.Rooms = append(slices.Grow(slices.Clip(s.target.Rooms), len(rooms)), rooms...)
	if s.target.Rooms == nil {
		s.target.Rooms = []string{}
	}
	return EmitterBroadcast{s}
}

// In is the same as To.
func (s selection) In(rooms ...string) EmitterBroadcast { return s.To(rooms...) }

// Except excludes the sockets in rooms, even those selected by To.
func (s selection) Except(rooms ...string) EmitterBroadcast {
	s.target.Except = append(slices.Clip(s.target.Except), rooms...)
	return EmitterBroadcast{s}
}

// Volatile drops the event for a client that can't receive it immediately.
func (s selection) Volatile() EmitterBroadcast {
	s.flags.Volatile = true
	return EmitterBroadcast{s}
}

// Compress sets whether the event may be compressed. The default is true.
func (s selection) Compress(compress bool) EmitterBroadcast {
	s.flags.Uncompressed = !compress
	return EmitterBroadcast{s}
}

// Emit sends an event to the selected sockets. Arguments are encoded as by
// socketio.Broadcast.Emit. It returns socketio.ErrReservedEvent for a name that clients
// use themselves, an error from encoding an argument, cluster.ErrTooLarge, or the error of
// the broker: then no server has received the event, or it is not known.
func (s selection) Emit(event string, args ...any) error {
	if parser.IsReserved(event) {
		return reserved(event)
	}
	p, err := nodewire.EncodeEvent(event, args...)
	if err != nil {
		return err
	}
	return s.publish(&nodewire.Message{Kind: nodewire.KindBroadcast, Event: p, Flags: s.flags})
}

// Send emits the event "message".
func (s selection) Send(args ...any) error { return s.Emit("message", args...) }

// SocketsJoin adds the selected sockets to rooms. They join soon after it returns. It
// returns socketio.ErrRoomName for a name of more than 512 bytes, or the error of the
// broker.
func (s selection) SocketsJoin(rooms ...string) error {
	for _, room := range rooms {
		if len(room) > adapter.MaxRoomName {
			return fmt.Errorf("%w: %d bytes, at most %d", adapter.ErrRoomName, len(room), adapter.MaxRoomName)
		}
	}
	return s.change(nodewire.KindSocketsJoin, rooms)
}

// SocketsLeave removes the selected sockets from rooms. They leave soon after it returns.
// It returns the error of the broker.
func (s selection) SocketsLeave(rooms ...string) error {
	return s.change(nodewire.KindSocketsLeave, rooms)
}

func (s selection) change(kind nodewire.Kind, rooms []string) error {
	if len(rooms) == 0 {
		return nil
	}
	return s.publish(&nodewire.Message{Kind: kind, Rooms: rooms})
}

// DisconnectSockets disconnects the selected sockets from the namespace. It returns the
// error of the broker.
func (s selection) DisconnectSockets() error {
	return s.publish(&nodewire.Message{Kind: nodewire.KindDisconnect})
}

// CloseConns closes the connections of the selected sockets, with all their namespaces. It
// returns the error of the broker.
func (s selection) CloseConns() error {
	return s.publish(&nodewire.Message{Kind: nodewire.KindDisconnect, Close: true})
}

// nobody reports whether no sockets are selected.
func (s selection) nobody() bool { return s.target.Rooms != nil && len(s.target.Rooms) == 0 }

// publish sends a message, unless it is for nobody.
func (s selection) publish(m *nodewire.Message) error {
	if s.nobody() {
		return nil
	}
	m.From, m.Namespace, m.Target = nodewire.FromEmitter, s.nsp, s.target
	return s.send(m)
}

func reserved(event string) error {
	return fmt.Errorf("%w %q: choose another", adapter.ErrReservedEvent, event)
}
