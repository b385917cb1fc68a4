// SPDX-License-Identifier: MIT

// This file holds the operations on many sockets, and events for servers: they ask for no
// answers.

package cluster

import (
	"errors"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// operate publishes an operation on the sockets selected by t.
func (n *space) operate(t adapter.Target, m *nodewire.Message) error {
	if n.stays(t) {
		return nil
	}
	m.Target = t
	if n.entries != nil {
		return n.entries.append(m, nil)
	}
	return n.core.publish(n.channel(ClassRequests), m)
}

// SocketsJoin implements adapter.Bus.
func (n *space) SocketsJoin(t adapter.Target, rooms []string) error {
	if len(rooms) == 0 {
		return nil
	}
	err := n.operate(t, &nodewire.Message{Kind: nodewire.KindSocketsJoin, Rooms: rooms})
	if here := n.Memory.SocketsJoin(t, rooms); here != nil || err != nil {
		return errors.Join(here, err)
	}
	return n.WaitJoined(rooms)
}

// SocketsLeave implements adapter.Bus.
func (n *space) SocketsLeave(t adapter.Target, rooms []string) error {
	if len(rooms) == 0 {
		return nil
	}
	err := n.operate(t, &nodewire.Message{Kind: nodewire.KindSocketsLeave, Rooms: rooms})
	return errors.Join(n.Memory.SocketsLeave(t, rooms), err)
}

// DisconnectSockets implements adapter.Bus.
func (n *space) DisconnectSockets(t adapter.Target, close bool) error {
	err := n.operate(t, &nodewire.Message{Kind: nodewire.KindDisconnect, Close: close})
	return errors.Join(n.Memory.DisconnectSockets(t, close), err)
}

// ServerSideEmit implements adapter.Bus.
func (n *space) ServerSideEmit(e adapter.Payload) error {
	if n.alone() {
		return nil
	}
	return n.core.publish(n.channel(ClassRequests), &nodewire.Message{Kind: nodewire.KindServerSideEmit, Event: e})
}
