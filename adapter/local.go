// SPDX-License-Identifier: MIT

// This file holds Local, the interface that a server offers to an Adapter, and the
// representation of events and sockets between nodes.

package adapter

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Local is the server's side of a namespace on this node. An Adapter with other nodes
// serves their requests with Local and a Memory that holds the members of this node. All
// methods may be called from any goroutine. None blocks except HandleServerSideEmit.
type Local interface {
	// Namespace is the name of the namespace, with its leading slash.
	Namespace() string

	// Payload returns the event of a packet. Another node needs it, with the packet's
	// Flags and the Target, to deliver the event. The caller must not change it.
	Payload(p *Packet) (Payload, error)
	// Packet returns a packet for an event of another node. If c is not nil, the packet
	// asks for acknowledgements, with an id of this node: pass it to
	// Memory.BroadcastWithAck, then seal c. Packet may retain e.
	Packet(e Payload, f Flags, c *Call) (*Packet, error)
	// End closes the Call of a packet and forgets the acknowledgements that it still
	// awaits from members of this node. It must be called for each Call passed to Packet.
	End(p *Packet)

	// EncodeArgs encodes the Args of an Answer for another node.
	EncodeArgs(args any) (Payload, error)
	// DecodeArgs decodes the Args of an Answer of another node.
	DecodeArgs(p Payload) any

	// Describe returns the description of a member for other nodes.
	Describe(m Member) MemberInfo

	// HandleServerSideEmit runs the handlers of an event of another node and returns when
	// they have returned. reply, if not nil, is called once with the answer, possibly
	// later; it is not called if the event has no handler. The handlers' context ends
	// with ctx.
	HandleServerSideEmit(ctx context.Context, e Payload, reply func(Payload))
}

// A Keeper is a Local that may keep events for recovery.
type Keeper interface {
	// Keep delivers an event of another node to the members of this node that are selected
	// by t, and keeps it. members is Memory.Members. It returns the number of members. If
	// kept is false, nothing has happened: the Adapter delivers the event with Packet. It
	// is not called for events with a Call.
	Keep(e Payload, f Flags, t Target, members func(Target) []Member) (count int, kept bool)
}

// A Payload is a list of values: the name of an event and its arguments, or the
// arguments of an answer.
type Payload struct {
	// JSON is a JSON array. Byte slices are replaced by the protocol's placeholder
	// objects: {"_placeholder":true,"num":i}.
	JSON []byte
	// Attachments are the byte slices in the order of their numbers.
	Attachments [][]byte
	// Meta describes the event.
	Meta
}

// A Found is a socket returned by FetchSockets. Member is set for a socket of this node,
// Info for a socket of another node.
type Found struct {
	Member Member
	Info   MemberInfo
}

// A MemberInfo describes a socket to other nodes.
type MemberInfo struct {
	ID        string
	Node      string // the name of its node; "" for this node
	Handshake HandshakeInfo
	Rooms     []string
	// Data are the values of the socket's data keys: a JSON object.
	Data json.RawMessage
}

// A HandshakeInfo describes the handshake of a client. It has all headers and the auth
// object of the client. Both may contain secrets, which all nodes of the cluster can
// read.
type HandshakeInfo struct {
	URL        string // path and query
	RemoteAddr string
	Host       string
	Header     http.Header
	Time       time.Time
	Secure     bool
	Auth       json.RawMessage // a JSON object; nil is {}
}
