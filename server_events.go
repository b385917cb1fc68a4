// SPDX-License-Identifier: MIT

// This file holds events between the servers of a cluster.

package socketio

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"socketio/adapter"
	"socketio/internal/call"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// serverSideReserved are names that Socket.IO servers in other languages use internally.
var serverSideReserved = []string{"connect", "connection", "new_namespace"}

// ServerSideEmit sends an event to the other servers of the cluster, which receive it by
// OnServerSideEmit in the namespace of the same name. This server does not receive it; a
// single server sends nothing. Arguments are as for Emit. It returns ErrClosed after
// Server.Close, ErrReservedEvent for connect, connection and new_namespace, an error from
// encoding an argument, or the error of an adapter that could not reach other servers.
func (ns *Namespace) ServerSideEmit(event string, args ...any) error {
	e, err := ns.serverSidePayload(event, args)
	if err != nil {
		return err
	}
	return ns.adapter.ServerSideEmit(e)
}

// ServerSideEmitWithAck is like ServerSideEmit but ranges over the answers, one from each
// other server, like Broadcast.EmitWithAck: the last step has a *PartialError if some did
// not answer. On a single server the range ends at once. Without a deadline it waits 20
// s.
func (ns *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return func(yield func(Reply, error) bool) {
		ctx, cancel := withDefaultDeadline(ctx)
		defer cancel()
		if err := ctx.Err(); err != nil {
			yield(Reply{}, err)
			return
		}
		e, err := ns.serverSidePayload(event, args)
		if err != nil {
			yield(Reply{}, err)
			return
		}
		call := adapter.NewCall()
		defer call.Close()
		published := ns.adapter.ServerSideEmitWithAck(ctx, e, call)
		call.Seal()
		rangeOver(ctx, call, published, yield)
	}
}

func (ns *Namespace) serverSidePayload(event string, args []any) (adapter.Payload, error) {
	if ns.server.closed.Load() {
		return adapter.Payload{}, ErrClosed
	}
	if slices.Contains(serverSideReserved, event) {
		return adapter.Payload{}, fmt.Errorf("%w %q: choose another", ErrReservedEvent, event)
	}
	e, err := ns.server.format.payload(&event, args)
	if err != nil {
		return e, fmt.Errorf("socketio: server side emit %q: %w", event, err)
	}
	return e, nil
}

// OnServerSideEmit registers fn for the named event sent by ServerSideEmit of another
// server. fn is a function as for Socket.On, but without a *Socket. Its context ends when
// a sender that awaits an answer gives up. Its results are the answer. Events of one
// server arrive in order; the adapter determines whether several run concurrently. Errors
// and panics are logged to Options.Logger. OnServerSideEmit panics if event is reserved
// or fn has another shape. remove unregisters fn.
func (ns *Namespace) OnServerSideEmit(event string, fn any) (remove func()) {
	if slices.Contains(serverSideReserved, event) {
		panic("socketio: OnServerSideEmit: no server can send an event named " + event)
	}
	if t := reflect.TypeOf(fn); t != nil && t.Kind() == reflect.Func {
		for i := range t.NumIn() {
			if t.In(i) == reflect.TypeFor[*Socket]() {
				ns.server.compiler.Bad(event, "an event of a server has no *socketio.Socket")
			}
		}
	}
	if _, is := fn.(parallel); is {
		ns.server.compiler.Bad(event, parallelMisplaced)
	}
	l := &listener{event: event, call: ns.server.compiler.Compile(event, fn)}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.serverSide = append(slices.Clip(ns.serverSide), l)
	return func() {
		ns.mu.Lock()
		defer ns.mu.Unlock()
		ns.serverSide = call.Without(ns.serverSide, l)
	}
}

// handleServerSide runs the handlers of an event of another server.
func (ns *Namespace) handleServerSide(ctx context.Context, e adapter.Payload, answer func(adapter.Payload)) {
	raw := parser.SplitArray(nil, e.JSON)
	if len(raw) == 0 {
		return
	}
	name := string(parser.EventName(e.JSON))
	ns.mu.RLock()
	list := ns.serverSide
	ns.mu.RUnlock()
	var r *reply
	if answer != nil {
		r = &reply{server: ns.server, answer: answer}
	}
	var said call.Answers
	for _, l := range list {
		if l.event != name {
			continue
		}
		ev := &event{ctx: ctx, name: []byte(name), reply: r}
		ev.args = Args{raw: raw[1:], attachments: e.Attachments, codec: ns.server.format.Wire()}
		how, err := call.Run(l.call, incoming(ev), newPanicError)
		if err != nil {
			ns.server.opts.Logger.Error("a handler of a server side event failed", "nsp", ns.name, "event", telemetry.Text(name), "error", telemetry.Error(err))
			r.fail(err)
		}
		said.Add(how)
	}
	if said.EmptyDue() { // see Socket.runHandlers
		_ = r.send() // an empty list can be encoded
	}
}

// ServerSideEmit sends an event to the other servers of a cluster, in the namespace "/";
// see Namespace.ServerSideEmit.
func (s *Server) ServerSideEmit(event string, args ...any) error {
	return s.root.ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck sends an event to the other servers of a cluster, in the
// namespace "/", and ranges over their answers; see Namespace.ServerSideEmitWithAck.
func (s *Server) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return s.root.ServerSideEmitWithAck(ctx, event, args...)
}

// OnServerSideEmit calls fn for events of other servers, in the namespace "/"; see
// Namespace.OnServerSideEmit.
func (s *Server) OnServerSideEmit(event string, fn any) (remove func()) {
	return s.root.OnServerSideEmit(event, fn)
}
