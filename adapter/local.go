// SPDX-License-Identifier: MIT

// This file holds what the server offers to an Adapter, and the forms in which
// events and sockets travel between nodes.

package adapter

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Local is the server's side of a namespace on this node. It is for an Adapter
// that reaches other nodes: what they ask for is done with Local and with a
// Memory that has the members of this node. All methods may be called from any
// goroutine; but for HandleServerSideEmit none waits.
type Local interface {
	// Namespace is the name of the namespace, with its leading slash.
	Namespace() string

	// Payload returns the event in a packet: what another node needs, with the
	// packet's Flags and the Target, to send it on. The caller must not change it.
	Payload(p *Packet) (Payload, error)
	// Packet makes a packet of an event of another node. If c is not nil, the
	// packet asks for acknowledgements, with an id of this node; give it to
	// Memory.BroadcastWithAck, then seal c. e may be kept.
	Packet(e Payload, f Flags, c *Call) (*Packet, error)
	// End closes the Call of a packet and forgets the acknowledgements it still
	// awaits from members of this node. Who made a Call for Packet must call it.
	End(p *Packet)

	// EncodeArgs returns the Args of an Answer in a form that travels.
	EncodeArgs(args any) (Payload, error)
	// DecodeArgs is its counterpart: what an Answer of another node needs.
	DecodeArgs(p Payload) any

	// Describe returns what another node may know of a member.
	Describe(m Member) MemberInfo

	// HandleServerSideEmit runs the handlers of an event of another node and
	// returns when they are done. reply, if not nil, gets the answer, once, maybe
	// later; not if nobody handles the event. ctx ends the handlers' context.
	HandleServerSideEmit(ctx context.Context, e Payload, reply func(Payload))
}

// A Payload is a list of values: the name of an event and its arguments, or the
// arguments of an answer.
type Payload struct {
	// JSON is a JSON array. Where a value has bytes, the placeholder object of the
	// protocol stands: {"_placeholder":true,"num":i}.
	JSON []byte
	// Attachments are those bytes, in the order of their numbers.
	Attachments [][]byte
	// Meta is that of the event.
	Meta
}

// A Found is a socket that FetchSockets found: Member, if it is of this node,
// else Info.
type Found struct {
	Member Member
	Info   MemberInfo
}

// A MemberInfo is what nodes tell each other of a socket.
type MemberInfo struct {
	ID        string
	Node      string // the name of its node; "" for this one
	Handshake HandshakeInfo
	Rooms     []string
	// Data are the values of the socket's data keys: a JSON object.
	Data json.RawMessage
}

// A HandshakeInfo is how a client came. It has all headers and what the client sent
// as auth, which may be secrets: all nodes of a cluster see them.
type HandshakeInfo struct {
	URL        string // path and query
	RemoteAddr string
	Host       string
	Header     http.Header
	Time       time.Time
	Secure     bool
	Auth       json.RawMessage // a JSON object; nil is {}
}
