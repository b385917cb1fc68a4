// SPDX-License-Identifier: MIT

// This file holds observers: where those of observer.go are called. Without any, each
// place costs one comparison.

package socketio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"socketio/engineio"
	"socketio/internal/telemetry"
)

// errGoexit is what observers hear of a handler that ended its goroutine.
var errGoexit = errors.New("socketio: a handler ended its goroutine")

// observers are those of Options.Observers, by what they implement. It is immutable
// after newObservers.
type observers struct {
	sockets    telemetry.List[SocketObserver]
	rooms      telemetry.List[RoomObserver]
	namespaces telemetry.List[NamespaceObserver]
	events     telemetry.List[EventObserver]
	errors     telemetry.List[ErrorObserver]
	traces     telemetry.List[TraceObserver]
	acks       telemetry.List[AckObserver]
	pressure   telemetry.List[PressureObserver]
}

func newObservers(log *slog.Logger, all []any) observers {
	for _, v := range all {
		if !observesConns(v) && !observesSockets(v) {
			panic(fmt.Sprintf("socketio: Options.Observers: %T implements none of ConnObserver, RefusalObserver, "+
				"TrafficObserver, DropObserver, SocketObserver, RoomObserver, NamespaceObserver, EventObserver, "+
				"ErrorObserver, TraceObserver, AckObserver, PressureObserver", v))
		}
	}
	return observers{
		sockets:    telemetry.Pick[SocketObserver](log, all),
		rooms:      telemetry.Pick[RoomObserver](log, all),
		namespaces: telemetry.Pick[NamespaceObserver](log, all),
		events:     telemetry.Pick[EventObserver](log, all),
		errors:     telemetry.Pick[ErrorObserver](log, all),
		traces:     telemetry.Pick[TraceObserver](log, all),
		acks:       telemetry.Pick[AckObserver](log, all),
		pressure:   telemetry.Pick[PressureObserver](log, all),
	}
}

// observesConns reports whether v is an observer for package engineio.
func observesConns(v any) bool {
	switch v.(type) {
	case ConnObserver, RefusalObserver, TrafficObserver, DropObserver:
		return true
	}
	return false
}

func observesSockets(v any) bool {
	switch v.(type) {
	case SocketObserver, RoomObserver, NamespaceObserver, EventObserver, ErrorObserver, TraceObserver,
		AckObserver, PressureObserver:
		return true
	}
	return false
}

// publicID is the id of the socket for observers and logs.
func (s *Socket) publicID() string {
	if s.conn.revision4() {
		return "conn-" + strconv.FormatUint(s.conn.eio.Number(), 10)
	}
	return s.id
}

func (s *Socket) info() SocketInfo {
	return SocketInfo{ID: s.publicID(), Namespace: s.ns.name, Conn: s.conn.eio.Number(), Socket: s}
}

func (s *Socket) obs() *observers { return &s.ns.server.obs }

func (s *Socket) tellJoined(rooms []string) {
	if l := &s.obs().sockets; l.Any() {
		info := s.info()
		l.Each(func(o SocketObserver) { o.SocketJoined(info) })
	}
	s.tellRooms(rooms, RoomObserver.RoomJoined)
}

func (s *Socket) tellRefused(err error) {
	if l := &s.obs().sockets; l.Any() {
		info := s.info()
		l.Each(func(o SocketObserver) { o.SocketRefused(info, err) })
	}
}

// tellRefused tells of a CONNECT that does not get as far as a socket. ns is nil if
// there is no such namespace.
func (c *conn) tellRefused(ns *Namespace, message string) {
	if l := &c.server.obs.sockets; l.Any() {
		info := SocketInfo{Conn: c.eio.Number()}
		if ns != nil {
			info.Namespace = ns.name
		}
		l.Each(func(o SocketObserver) { o.SocketRefused(info, &ConnectError{Message: message}) })
	}
}

// tellLeft tells that the socket has left its rooms and its namespace.
func (s *Socket) tellLeft(reason DisconnectReason, cause error) {
	if s.obs().rooms.Any() {
		s.mu.Lock()
		told := s.toldRooms
		s.toldRooms = nil
		s.mu.Unlock()
		for room := range told {
			s.tellRoom(room, RoomObserver.RoomLeft)
		}
	}
	if l := &s.obs().sockets; l.Any() {
		info := s.info()
		l.Each(func(o SocketObserver) { o.SocketLeft(info, reason, cause) })
	}
}

// noteRoomsLocked returns those of rooms that observers are to be told of: the socket
// was not in them.
func (s *Socket) noteRoomsLocked(rooms []string) (news []string) {
	if !s.obs().rooms.Any() {
		return nil
	}
	for _, room := range rooms {
		if _, known := s.toldRooms[room]; known || room == s.id {
			continue
		}
		if s.toldRooms == nil {
			s.toldRooms = make(map[string]struct{})
		}
		s.toldRooms[room] = struct{}{}
		news = append(news, room)
	}
	return news
}

// forgetRoomLocked reports whether observers are to be told that the socket left.
func (s *Socket) forgetRoomLocked(room string) bool {
	_, known := s.toldRooms[room]
	delete(s.toldRooms, room)
	return known
}

func (s *Socket) tellRooms(rooms []string, tell func(RoomObserver, SocketInfo, string)) {
	for _, room := range rooms {
		s.tellRoom(room, tell)
	}
}

func (s *Socket) tellRoom(room string, tell func(RoomObserver, SocketInfo, string)) {
	info := s.info()
	s.obs().rooms.Each(func(o RoomObserver) { tell(o, info, room) })
}

func (ns *Namespace) tell(tell func(NamespaceObserver, string)) {
	ns.server.obs.namespaces.Each(func(o NamespaceObserver) { tell(o, ns.name) })
}

func (s *Socket) tellIn(size int) {
	if l := &s.obs().events; l.Any() {
		info := s.info()
		l.Each(func(o EventObserver) { o.EventIn(info, size) })
	}
}

func (s *Socket) tellDropped(n int) {
	if l := &s.obs().events; n > 0 && l.Any() {
		info := s.info()
		l.Each(func(o EventObserver) { o.EventsDropped(info, n) })
	}
}

// tellOut tells of an event that was sent to this socket alone.
func (s *Socket) tellOut(event string, m *engineio.Message) {
	if l := &s.obs().events; l.Any() {
		out := OutInfo{Namespace: s.ns.name, Event: event, To: s.info(), Recipients: 1, Bytes: m.Size()}
		l.Each(func(o EventObserver) { o.EventOut(out) })
	}
}

// tellOut tells of a broadcast.
func (ns *Namespace) tellOut(event string, m *engineio.Message, recipients int) {
	if l := &ns.server.obs.events; l.Any() {
		out := OutInfo{Namespace: ns.name, Event: event, Recipients: recipients, Bytes: m.Size()}
		l.Each(func(o EventObserver) { o.EventOut(out) })
	}
}

// tellAsked tells of a question, and how to tell of its end.
func (obs *observers) tellAsked(ctx context.Context, info SocketInfo, event string) (ended func(error)) {
	obs.acks.Each(func(o AckObserver) { o.AckAsked(ctx, info, event) })
	asked := time.Now()
	return func(err error) {
		took := time.Since(asked)
		obs.acks.Each(func(o AckObserver) { o.AckEnded(ctx, info, event, took, err) })
	}
}

func (s *Socket) tellFailed(e *HandlerError) {
	if l := &s.obs().errors; l.Any() {
		info := s.info()
		l.Each(func(o ErrorObserver) { o.HandlerFailed(info, e) })
	}
}

func (c *conn) tellPressure(tell func(PressureObserver, ConnInfo)) {
	if l := &c.server.obs.pressure; l.Any() {
		info := ConnInfo{Number: c.eio.Number(), Transport: c.eio.Transport(), Handshake: c.eio.Handshake()}
		l.Each(func(o PressureObserver) { tell(o, info) })
	}
}

// An observing is a link of the way of events: the observers of events and traces around
// the rest of it. A server has one if it has such observers.
type observing struct {
	obs  *observers
	next link
}

func (o *observing) pass(ev *event) (err error) {
	info, e, begin := ev.socket.info(), ev.info(), time.Now()
	err = errGoexit
	defer func() {
		took := time.Since(begin)
		o.obs.events.Each(func(obs EventObserver) { obs.EventHandled(info, e, took, err) })
	}()
	err = o.trace(0, info, e, ev)
	return err
}

// trace runs an event inside the i-th TraceObserver and those after it.
func (o *observing) trace(i int, info SocketInfo, e EventInfo, ev *event) error {
	l := &o.obs.traces
	if i == l.Len() {
		return o.next.pass(ev)
	}
	ctx := ev.Context()
	err := errGoexit
	if l.Call(i, func(obs TraceObserver) {
		if made := obs.HandlerStart(ctx, info, e); made != nil {
			ctx = made
		}
	}) {
		ev.ctx = ctx
		defer func() { l.Call(i, func(obs TraceObserver) { obs.HandlerEnd(ctx, info, e, err) }) }()
	}
	err = o.trace(i+1, info, e, ev)
	return err
}

// info is the event as observers see it. The name of a handler is at hand as a string.
func (ev *event) info() EventInfo {
	e := EventInfo{WantsAck: ev.reply != nil}
	if e.Name, e.Known = ev.found.name(ev.name); !e.Known {
		e.Name = telemetry.Text(string(ev.name[:min(len(ev.name), 256)]))
	}
	return e
}
