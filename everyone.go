// SPDX-License-Identifier: MIT

// This file holds what a Server, a Namespace and a ParentNamespace can send to, and
// do with, all of their sockets: each is a Broadcast without a choice.

package socketio

import (
	"context"
	"iter"
	"time"
)

// all is every socket of the namespace.
func (ns *Namespace) all() Broadcast { return Broadcast{ns: ns} }

// Emit sends an event to every socket of the namespace; see Broadcast.Emit.
func (ns *Namespace) Emit(event string, args ...any) error { return ns.all().Emit(event, args...) }

// Send is Emit of the event "message".
func (ns *Namespace) Send(args ...any) error { return ns.all().Send(args...) }

// EmitWithAck sends an event to every socket of the namespace and ranges over their
// acknowledgements; see Broadcast.EmitWithAck.
func (ns *Namespace) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return ns.all().EmitWithAck(ctx, event, args...)
}

// To starts a broadcast to rooms; see Broadcast.To.
func (ns *Namespace) To(rooms ...string) Broadcast { return ns.all().To(rooms...) }

// In is To.
func (ns *Namespace) In(rooms ...string) Broadcast { return ns.all().In(rooms...) }

// Except starts a broadcast without the sockets of rooms; see Broadcast.Except.
func (ns *Namespace) Except(rooms ...string) Broadcast { return ns.all().Except(rooms...) }

// Local starts a broadcast to the sockets of this server alone; see
// Broadcast.Local.
func (ns *Namespace) Local() Broadcast { return ns.all().Local() }

// Volatile starts a broadcast that may be dropped; see Broadcast.Volatile.
func (ns *Namespace) Volatile() Broadcast { return ns.all().Volatile() }

// Compress starts a broadcast that may be compressed, or not; see
// Broadcast.Compress.
func (ns *Namespace) Compress(compress bool) Broadcast { return ns.all().Compress(compress) }

// Timeout starts a broadcast that waits for answers no longer than d; see
// Broadcast.Timeout.
func (ns *Namespace) Timeout(d time.Duration) Broadcast { return ns.all().Timeout(d) }

// FetchSockets returns the sockets of the namespace, on all servers; see
// Broadcast.FetchSockets.
func (ns *Namespace) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return ns.all().FetchSockets(ctx)
}

// SocketsJoin puts every socket of the namespace into rooms; see
// Broadcast.SocketsJoin.
func (ns *Namespace) SocketsJoin(rooms ...string) error { return ns.all().SocketsJoin(rooms...) }

// SocketsLeave takes every socket of the namespace out of rooms; see
// Broadcast.SocketsLeave.
func (ns *Namespace) SocketsLeave(rooms ...string) error { return ns.all().SocketsLeave(rooms...) }

// DisconnectSockets disconnects every socket of the namespace; see
// Broadcast.DisconnectSockets.
func (ns *Namespace) DisconnectSockets() error { return ns.all().DisconnectSockets() }

// CloseConns closes the connections of every socket of the namespace; see
// Broadcast.CloseConns.
func (ns *Namespace) CloseConns() error { return ns.all().CloseConns() }

// Emit sends an event to every socket of the namespace "/"; see Broadcast.Emit.
func (s *Server) Emit(event string, args ...any) error { return s.root.all().Emit(event, args...) }

// Send is Emit of the event "message".
func (s *Server) Send(args ...any) error { return s.root.all().Send(args...) }

// EmitWithAck sends an event to every socket of the namespace "/" and ranges over their
// acknowledgements; see Broadcast.EmitWithAck.
func (s *Server) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return s.root.all().EmitWithAck(ctx, event, args...)
}

// To starts a broadcast to rooms of the namespace "/"; see Broadcast.To.
func (s *Server) To(rooms ...string) Broadcast { return s.root.all().To(rooms...) }

// In is To.
func (s *Server) In(rooms ...string) Broadcast { return s.root.all().In(rooms...) }

// Except starts a broadcast without the sockets of rooms; see Broadcast.Except.
func (s *Server) Except(rooms ...string) Broadcast { return s.root.all().Except(rooms...) }

// Local starts a broadcast to the sockets of this server alone; see
// Broadcast.Local.
func (s *Server) Local() Broadcast { return s.root.all().Local() }

// Volatile starts a broadcast that may be dropped; see Broadcast.Volatile.
func (s *Server) Volatile() Broadcast { return s.root.all().Volatile() }

// Compress starts a broadcast that may be compressed, or not; see
// Broadcast.Compress.
func (s *Server) Compress(compress bool) Broadcast { return s.root.all().Compress(compress) }

// Timeout starts a broadcast that waits for answers no longer than d; see
// Broadcast.Timeout.
func (s *Server) Timeout(d time.Duration) Broadcast { return s.root.all().Timeout(d) }

// FetchSockets returns the sockets of the namespace "/", on all servers; see
// Broadcast.FetchSockets.
func (s *Server) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return s.root.all().FetchSockets(ctx)
}

// SocketsJoin puts every socket of the namespace "/" into rooms; see
// Broadcast.SocketsJoin.
func (s *Server) SocketsJoin(rooms ...string) error { return s.root.all().SocketsJoin(rooms...) }

// SocketsLeave takes every socket of the namespace "/" out of rooms; see
// Broadcast.SocketsLeave.
func (s *Server) SocketsLeave(rooms ...string) error { return s.root.all().SocketsLeave(rooms...) }

// DisconnectSockets disconnects every socket of the namespace "/"; see
// Broadcast.DisconnectSockets.
func (s *Server) DisconnectSockets() error { return s.root.all().DisconnectSockets() }

// CloseConns closes the connections of every socket of the namespace "/"; see
// Broadcast.CloseConns.
func (s *Server) CloseConns() error { return s.root.all().CloseConns() }

// ServerSideEmit sends an event to the other servers, on the namespace "/"; see
// Namespace.ServerSideEmit.
func (s *Server) ServerSideEmit(event string, args ...any) error {
	return s.root.ServerSideEmit(event, args...)
}

// ServerSideEmitWithAck sends an event to the other servers, on the namespace "/",
// and ranges over their answers; see Namespace.ServerSideEmitWithAck.
func (s *Server) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return s.root.ServerSideEmitWithAck(ctx, event, args...)
}

// OnServerSideEmit calls fn for events of other servers, on the namespace "/"; see
// Namespace.OnServerSideEmit.
func (s *Server) OnServerSideEmit(event string, fn any) (remove func()) {
	return s.root.OnServerSideEmit(event, fn)
}

// all is every socket of the children that exist on this server.
func (p *ParentNamespace) all() Broadcast { return Broadcast{parent: p} }

// Emit sends an event to every socket of all children; see Broadcast.Emit.
func (p *ParentNamespace) Emit(event string, args ...any) error { return p.all().Emit(event, args...) }

// Send is Emit of the event "message".
func (p *ParentNamespace) Send(args ...any) error { return p.all().Send(args...) }

// EmitWithAck sends an event to every socket of all children and ranges over their
// acknowledgements; see Broadcast.EmitWithAck.
func (p *ParentNamespace) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Reply, error] {
	return p.all().EmitWithAck(ctx, event, args...)
}

// To starts a broadcast to rooms; see Broadcast.To.
func (p *ParentNamespace) To(rooms ...string) Broadcast { return p.all().To(rooms...) }

// In is To.
func (p *ParentNamespace) In(rooms ...string) Broadcast { return p.all().In(rooms...) }

// Except starts a broadcast without the sockets of rooms; see Broadcast.Except.
func (p *ParentNamespace) Except(rooms ...string) Broadcast { return p.all().Except(rooms...) }

// Local starts a broadcast to the sockets of this server alone; see
// Broadcast.Local.
func (p *ParentNamespace) Local() Broadcast { return p.all().Local() }

// Volatile starts a broadcast that may be dropped; see Broadcast.Volatile.
func (p *ParentNamespace) Volatile() Broadcast { return p.all().Volatile() }

// Compress starts a broadcast that may be compressed, or not; see
// Broadcast.Compress.
func (p *ParentNamespace) Compress(compress bool) Broadcast { return p.all().Compress(compress) }

// Timeout starts a broadcast that waits for answers no longer than d; see
// Broadcast.Timeout.
func (p *ParentNamespace) Timeout(d time.Duration) Broadcast { return p.all().Timeout(d) }

// FetchSockets returns the sockets of all children, on all servers; see
// Broadcast.FetchSockets.
func (p *ParentNamespace) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	return p.all().FetchSockets(ctx)
}

// SocketsJoin puts every socket of all children into rooms; see
// Broadcast.SocketsJoin.
func (p *ParentNamespace) SocketsJoin(rooms ...string) error { return p.all().SocketsJoin(rooms...) }

// SocketsLeave takes every socket of all children out of rooms; see
// Broadcast.SocketsLeave.
func (p *ParentNamespace) SocketsLeave(rooms ...string) error { return p.all().SocketsLeave(rooms...) }

// DisconnectSockets disconnects every socket of all children; see
// Broadcast.DisconnectSockets.
func (p *ParentNamespace) DisconnectSockets() error { return p.all().DisconnectSockets() }

// CloseConns closes the connections of every socket of all children; see
// Broadcast.CloseConns.
func (p *ParentNamespace) CloseConns() error { return p.all().CloseConns() }
