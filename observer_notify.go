// SPDX-License-Identifier: MIT

// This file calls the observers of observer.go. The core knows them as a watcher.

package socketio

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/telemetry"
)

// observers are the values of Options.Observers, by the interfaces that they implement.
// It is immutable after newWatcher.
type observers struct {
	sockets    telemetry.List[SocketObserver]
	recoveries telemetry.List[RecoveryObserver]
	rooms      telemetry.List[RoomObserver]
	clusters   telemetry.List[ClusterObserver]
	namespaces telemetry.List[NamespaceObserver]
	events     telemetry.List[EventObserver]
	retries    telemetry.List[RetryObserver]
	sends      telemetry.List[SendObserver]
	errors     telemetry.List[ErrorObserver]
	traces     telemetry.List[TraceObserver]
	acks       telemetry.List[AckObserver]
	pressure   telemetry.List[PressureObserver]
}

func newObservers(log *slog.Logger, all []any) *observers {
	for _, v := range all {
		if !observesConns(v) && !observesSockets(v) {
			panic(fmt.Sprintf("socketio: Options.Observers: %T implements none of ConnObserver, UpgradeObserver, RefusalObserver, "+
				"TrafficObserver, DropObserver, SocketObserver, RecoveryObserver, RoomObserver, ClusterObserver, NamespaceObserver, EventObserver, "+
				"RetryObserver, SendObserver, ErrorObserver, TraceObserver, AckObserver, PressureObserver", v))
		}
	}
	return &observers{
		sockets:    telemetry.Pick[SocketObserver](log, all),
		recoveries: telemetry.Pick[RecoveryObserver](log, all),
		rooms:      telemetry.Pick[RoomObserver](log, all),
		clusters:   telemetry.Pick[ClusterObserver](log, all),
		namespaces: telemetry.Pick[NamespaceObserver](log, all),
		events:     telemetry.Pick[EventObserver](log, all),
		retries:    telemetry.Pick[RetryObserver](log, all),
		sends:      telemetry.Pick[SendObserver](log, all),
		errors:     telemetry.Pick[ErrorObserver](log, all),
		traces:     telemetry.Pick[TraceObserver](log, all),
		acks:       telemetry.Pick[AckObserver](log, all),
		pressure:   telemetry.Pick[PressureObserver](log, all),
	}
}

func observesSockets(v any) bool {
	switch v.(type) {
	case SocketObserver, RecoveryObserver, RoomObserver, ClusterObserver, NamespaceObserver, EventObserver, RetryObserver, SendObserver,
		ErrorObserver, TraceObserver, AckObserver, PressureObserver:
		return true
	}
	return false
}

// newWatcher returns the watcher of a server.
func newWatcher(log *slog.Logger, all []any) watcher {
	obs := newObservers(log, all)
	if !slices.ContainsFunc(all, observesSockets) {
		return unwatched{}
	}
	return obs
}

// infoOf returns a socket as observers see it.
func infoOf(s *Socket) SocketInfo {
	return SocketInfo{ID: s.publicID(), Namespace: s.ns.name, Conn: s.conn.eio.Number(), Socket: s}
}

// socketJoined implements watcher, as the methods below do.
func (obs *observers) socketJoined(s *Socket) {
	if l := &obs.sockets; l.Any() {
		info := infoOf(s)
		l.Each(func(o SocketObserver) { o.SocketJoined(info) })
	}
}

func (obs *observers) socketRefused(s *Socket, err error) {
	if l := &obs.sockets; l.Any() {
		info := infoOf(s)
		l.Each(func(o SocketObserver) { o.SocketRefused(info, err) })
	}
}

func (obs *observers) recoveryAsked(s *Socket, missed int, reason string) {
	if obs.recoveries.Any() {
		info := infoOf(s)
		if reason == "" {
			obs.recoveries.Each(func(o RecoveryObserver) { o.SocketRecovered(info, missed) })
		} else {
			obs.recoveries.Each(func(o RecoveryObserver) { o.SocketNotRecovered(info, reason) })
		}
	}
}

func (obs *observers) connectRefused(c *engineio.Conn, namespace, message string) {
	if l := &obs.sockets; l.Any() {
		info := SocketInfo{Namespace: namespace, Conn: c.Number()}
		l.Each(func(o SocketObserver) { o.SocketRefused(info, &ConnectError{Message: message}) })
	}
}

func (obs *observers) socketLeft(s *Socket, reason DisconnectReason, cause error) {
	if l := &obs.sockets; l.Any() {
		info := infoOf(s)
		l.Each(func(o SocketObserver) { o.SocketLeft(info, reason, cause) })
	}
}

func (obs *observers) hearsRooms() bool { return obs.rooms.Any() }

func (obs *observers) roomsJoined(s *Socket, rooms []string) {
	for _, room := range rooms {
		info := infoOf(s)
		obs.rooms.Each(func(o RoomObserver) { o.RoomJoined(info, room) })
	}
}

func (obs *observers) roomsLeft(s *Socket, rooms []string) {
	for _, room := range rooms {
		info := infoOf(s)
		obs.rooms.Each(func(o RoomObserver) { o.RoomLeft(info, room) })
	}
}

func (obs *observers) clusterChanged(h adapter.Health) {
	obs.clusters.Each(func(o ClusterObserver) { o.ClusterChanged(h) })
}

func (obs *observers) namespaceCreated(name string) {
	obs.namespaces.Each(func(o NamespaceObserver) { o.NamespaceCreated(NamespaceInfo{name}) })
}

func (obs *observers) namespaceRemoved(name string) {
	obs.namespaces.Each(func(o NamespaceObserver) { o.NamespaceRemoved(NamespaceInfo{name}) })
}

func (obs *observers) hearsEvents() bool { return obs.events.Any() }

func (obs *observers) eventIn(s *Socket, size int) {
	if l := &obs.events; l.Any() {
		info := infoOf(s)
		l.Each(func(o EventObserver) { o.EventIn(info, size) })
	}
}

func (obs *observers) eventsDropped(s *Socket, n int) {
	if l := &obs.events; n > 0 && l.Any() {
		info := infoOf(s)
		l.Each(func(o EventObserver) { o.EventsDropped(info, n) })
	}
}

func (obs *observers) eventRepeated(s *Socket, event string, known bool, outcome string) {
	if l := &obs.retries; l.Any() {
		info, e := infoOf(s), EventInfo{Name: event, Known: known, WantsAck: true}
		l.Each(func(o RetryObserver) { o.EventRepeated(info, e, outcome) })
	}
}

func (obs *observers) eventOut(s *Socket, event string, m *engineio.Message) {
	if l := &obs.sends; l.Any() {
		out := OutInfo{Namespace: s.ns.name, Event: event, To: infoOf(s), Recipients: 1, Bytes: m.Size()}
		l.Each(func(o SendObserver) { o.EventOut(out) })
	}
}

func (obs *observers) broadcastOut(namespace, event string, m *engineio.Message, recipients int) {
	if l := &obs.sends; l.Any() {
		out := OutInfo{Namespace: namespace, Event: event, Recipients: recipients, Bytes: m.Size()}
		l.Each(func(o SendObserver) { o.EventOut(out) })
	}
}

func (obs *observers) ackAsked(ctx context.Context, s *Socket, event string) (ended func(error)) {
	if !obs.acks.Any() {
		return nil
	}
	return obs.tellAsked(ctx, infoOf(s), event)
}

func (obs *observers) acksAsked(ctx context.Context, namespace, event string) (ended func(error)) {
	if !obs.acks.Any() {
		return nil
	}
	return obs.tellAsked(ctx, SocketInfo{Namespace: namespace}, event)
}

func (obs *observers) tellAsked(ctx context.Context, info SocketInfo, event string) (ended func(error)) {
	obs.acks.Each(func(o AckObserver) { o.AckAsked(ctx, info, event) })
	asked := time.Now()
	return func(err error) {
		took := time.Since(asked)
		obs.acks.Each(func(o AckObserver) { o.AckEnded(ctx, info, event, took, err) })
	}
}

func (obs *observers) handlerFailed(s *Socket, e *HandlerError) {
	if l := &obs.errors; l.Any() {
		info := infoOf(s)
		l.Each(func(o ErrorObserver) { o.HandlerFailed(info, e) })
	}
}

func (obs *observers) readingPaused(c *engineio.Conn) {
	if l := &obs.pressure; l.Any() {
		info := connInfo(c)
		l.Each(func(o PressureObserver) { o.ReadingPaused(info) })
	}
}

func (obs *observers) readingResumed(c *engineio.Conn) {
	if l := &obs.pressure; l.Any() {
		info := connInfo(c)
		l.Each(func(o PressureObserver) { o.ReadingResumed(info) })
	}
}

func connInfo(c *engineio.Conn) ConnInfo {
	return ConnInfo{Number: c.Number(), Transport: c.Transport(), Handshake: c.Handshake()}
}

// around puts the observers of events and traces, if there are any, around the path of an
// event to its handlers.
func (obs *observers) around(next link) link {
	if !obs.events.Any() && !obs.traces.Any() {
		return next
	}
	return &observing{obs, next}
}

// unwatched is the watcher of a server without observers.
type unwatched struct{}

func (unwatched) socketJoined(*Socket)                                  {}
func (unwatched) socketRefused(*Socket, error)                          {}
func (unwatched) recoveryAsked(*Socket, int, string)                    {}
func (unwatched) connectRefused(*engineio.Conn, string, string)         {}
func (unwatched) socketLeft(*Socket, DisconnectReason, error)           {}
func (unwatched) hearsRooms() bool                                      { return false }
func (unwatched) roomsJoined(*Socket, []string)                         {}
func (unwatched) roomsLeft(*Socket, []string)                           {}
func (unwatched) clusterChanged(adapter.Health)                         {}
func (unwatched) namespaceCreated(string)                               {}
func (unwatched) namespaceRemoved(string)                               {}
func (unwatched) hearsEvents() bool                                     { return false }
func (unwatched) eventIn(*Socket, int)                                  {}
func (unwatched) eventsDropped(*Socket, int)                            {}
func (unwatched) eventRepeated(*Socket, string, bool, string)           {}
func (unwatched) eventOut(*Socket, string, *engineio.Message)           {}
func (unwatched) broadcastOut(string, string, *engineio.Message, int)   {}
func (unwatched) ackAsked(context.Context, *Socket, string) func(error) { return nil }
func (unwatched) acksAsked(context.Context, string, string) func(error) { return nil }
func (unwatched) handlerFailed(*Socket, *HandlerError)                  {}
func (unwatched) readingPaused(*engineio.Conn)                          {}
func (unwatched) readingResumed(*engineio.Conn)                         {}

// An observing is a link of the path of events: the observers of events and traces around
// the rest of the path.
type observing struct {
	obs  *observers
	next link
}

func (o *observing) pass(ev *event) (err error) {
	info, e, begin := infoOf(ev.socket), ev.info(), time.Now()
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

// info returns the event as observers see it. It takes the name from a handler, which has
// it as a string.
func (ev *event) info() EventInfo {
	e := EventInfo{WantsAck: ev.reply != nil}
	if e.Name, e.Known = ev.found.name(ev.name); !e.Known {
		e.Name = telemetry.Text(string(ev.name[:min(len(ev.name), 256)]))
	}
	return e
}
