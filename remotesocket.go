// SPDX-License-Identifier: MIT

// This file holds RemoteSocket, a socket of any server of a cluster.

package socketio

import (
	"context"
	"encoding/json"
	"slices"

	"socketio/adapter"
)

// A RemoteSocket is a socket of this server or of another server of the cluster.
// Handshake, Rooms and data are as of the call to FetchSockets. It is a value and may be
// used from any goroutine. Events to a socket of another server are sent to the room
// named by its id, so they do not reach a socket that has left that room.
type RemoteSocket struct {
	ns    *Namespace
	local *Socket             // nil for a socket of another server
	info  *adapter.MemberInfo // nil for a socket of this server
	rooms []string
	data  dataMap
}

// FetchSockets returns the selected sockets of all servers of the cluster, in no
// particular order. If some servers do not answer in time, it returns the sockets of the
// others and a *PartialError with the names of those servers. Without a deadline of ctx
// or a Timeout, it waits 20 s. On a single server it does not wait, and fails only if ctx
// has already ended. In OnDisconnecting and OnDisconnect, the disconnecting socket is not
// found, and its Context has ended: use another context.
func (b audience) FetchSockets(ctx context.Context) ([]RemoteSocket, error) {
	ctx, cancel := b.deadline(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var sockets []RemoteSocket
	var first error
	for _, ns := range b.namespaces() {
		found, err := ns.adapter.FetchSockets(ctx, b.target)
		if err != nil && first == nil {
			first = err
		}
		sockets = ns.appendRemote(slices.Grow(sockets, len(found)), found)
	}
	return sockets, first
}

// appendRemote appends the found sockets that are connected.
func (ns *Namespace) appendRemote(sockets []RemoteSocket, found []adapter.Found) []RemoteSocket {
	for i := range found {
		f := &found[i]
		if f.Member == nil {
			sockets = append(sockets, RemoteSocket{ns: ns, info: &f.Info, rooms: f.Info.Rooms, data: parseData(f.Info.Data)})
			continue
		}
		if s := socketOf(f.Member); s.settledState() == stateConnected {
			sockets = append(sockets, RemoteSocket{ns: ns, local: s, rooms: s.Rooms(), data: valuesOf(s)})
		}
	}
	return sockets
}

// Namespace is the namespace of the socket.
func (r RemoteSocket) Namespace() *Namespace { return r.ns }

// ID is the public id of the socket; see Socket.ID.
func (r RemoteSocket) ID() string {
	if r.local != nil {
		return r.local.ID()
	}
	return r.info.ID
}

// Node is the adapter's name for the server of the socket, or "" for this server.
func (r RemoteSocket) Node() string {
	if r.local != nil {
		return ""
	}
	return r.info.Node
}

// Handshake is the handshake of the client. It must not be changed.
func (r RemoteSocket) Handshake() adapter.HandshakeInfo {
	if r.local != nil {
		return handshakeInfo(r.local)
	}
	h := r.info.Handshake
	if h.Auth == nil {
		h.Auth = json.RawMessage(noAuth)
	}
	return h
}

// Rooms returns the sorted names of the rooms of the socket, including its id. The caller
// owns the result.
func (r RemoteSocket) Rooms() []string {
	rooms := slices.Clone(r.rooms)
	slices.Sort(rooms)
	return rooms
}

// Data returns the values of the socket's data keys as a JSON object. Use DataKey.Get for
// a single value.
func (r RemoteSocket) Data() json.RawMessage {
	return r.data.json()
}

func (r RemoteSocket) dataValue(name string) any { return r.data[name] }

// self is the broadcast to this socket only.
func (r RemoteSocket) self() Broadcast { return r.ns.To(r.ID()) }

// Emit sends an event to this socket only; see Broadcast.Emit. For a socket of this
// server it also returns the errors of Socket.Emit.
func (r RemoteSocket) Emit(event string, args ...any) error {
	if r.local != nil {
		return r.local.Emit(event, args...)
	}
	return r.self().Emit(event, args...)
}

// EmitWithAck sends an event and waits for the client's acknowledgement; see
// Socket.EmitWithAck. Without a deadline it waits 20 s. It returns ErrClosed if the
// socket is not found.
func (r RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	ctx, cancel := withDefaultDeadline(ctx)
	defer cancel()
	if r.local != nil {
		return r.local.EmitWithAck(ctx, event, args...)
	}
	to := r.self()
	a := to.question(ctx, event, args)
	return a.One()
}

// Ask sends an event without waiting for the client's acknowledgement; see Socket.Ask.
func (r RemoteSocket) Ask(ctx context.Context, event string, args ...any) *Answers {
	ctx, cancel := withDefaultDeadline(ctx)
	if r.local != nil {
		return r.local.question(ctx, new(adapter.Flags), event, args).detach(cancel)
	}
	to := r.self()
	return to.question(ctx, event, args).detach(cancel)
}

// Join adds the socket to rooms; see Broadcast.SocketsJoin.
func (r RemoteSocket) Join(rooms ...string) error {
	if r.local != nil {
		return r.local.Join(rooms...)
	}
	return r.self().SocketsJoin(rooms...)
}

// Leave removes the socket from rooms; see Broadcast.SocketsLeave.
func (r RemoteSocket) Leave(rooms ...string) error {
	if r.local == nil {
		return r.self().SocketsLeave(rooms...)
	}
	r.local.Leave(rooms...)
	return nil
}

// Disconnect disconnects the socket from its namespace; see Socket.Disconnect.
func (r RemoteSocket) Disconnect() error {
	if r.local == nil {
		return r.self().DisconnectSockets()
	}
	r.local.Disconnect()
	return nil
}

// CloseConn closes the connection of the socket; see Socket.CloseConn.
func (r RemoteSocket) CloseConn() error {
	if r.local == nil {
		return r.self().CloseConns()
	}
	r.local.CloseConn()
	return nil
}
