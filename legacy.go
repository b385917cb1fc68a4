// SPDX-License-Identifier: MIT

// This file holds what is different for clients of protocol revision 4, which are
// those of Socket.IO 1 and 2, over Engine.IO 3: they join "/" without asking, send
// their auth as a query, and know the ids of their sockets beforehand.

package socketio

import (
	"net/url"
	"strings"

	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/jsontext"
	"socketio/parser"
)

// maxNamespaceQuery is how long a namespace with its query may be in revision 4,
// in bytes.
const maxNamespaceQuery = 8 << 10

// revision4 reports whether the client speaks protocol revision 4. It speaks 5
// otherwise.
func (c *conn) revision4() bool { return c.eio.Handshake().Revision == 3 }

// joinRoot makes the client join "/" as soon as the connection has opened.
func (c *conn) joinRoot() {
	s := c.addSocketLocked(c.server.root, nil, new(admission)) // nobody else has c yet
	c.takeTurn(s.joining, s.ns.decides(), turnLimit)
	s.start()
}

// socketID is the id of a new socket: one its client can compute.
func (c *conn) socketID(ns *Namespace) string {
	switch {
	case !c.revision4():
		return newID()
	case ns.name == "/":
		return c.eio.ID()
	}
	return ns.name + "#" + c.eio.ID()
}

// mayStartLocked reports whether the worker of a new socket may start. In revision
// 4 a socket that joins again has the id of the one before, which must have run
// its last handler and left its rooms.
func (c *conn) mayStartLocked(s *Socket) bool {
	if !c.revision4() || c.slots.Quiet(s.ns.name) {
		return true
	}
	member, _ := c.slots.Member(s.ns.name)
	return member != s // it has left already: it will not join
}

// cutQuery takes the query off the namespace of a packet. That of a CONNECT
// becomes its payload.
func cutQuery(p *parser.Packet) {
	var query string
	p.Namespace, query, _ = strings.Cut(p.Namespace, "?")
	if p.Type == parser.TypeConnect {
		p.Data = queryAuth(query)
	}
}

// queryAuth is a query as a JSON object, in the order of the query; nil if it is
// empty. A name that stands there more than once has an array.
func queryAuth(query string) []byte {
	var names []string
	values := make(map[string][]string)
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescapeQuery(name)
		if values[name] == nil {
			names = append(names, name)
		}
		values[name] = append(values[name], unescapeQuery(value))
	}
	if len(names) == 0 {
		return nil
	}
	var auth []byte
	for i, name := range names {
		auth = append(auth, "{,"[min(i, 1)])
		auth = append(jsontext.AppendString(auth, name), ':')
		if all := values[name]; len(all) == 1 {
			auth = jsontext.AppendString(auth, all[0])
		} else {
			for i, value := range all {
				auth = append(auth, "[,"[min(i, 1)])
				auth = jsontext.AppendString(auth, value)
			}
			auth = append(auth, ']')
		}
	}
	return append(auth, '}')
}

// unescapeQuery decodes what it can: a malformed text stays as it is.
func unescapeQuery(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}

// connectReply encodes the packet that lets a socket in.
func (s *Socket) connectReply() (*engineio.Message, error) {
	p := parser.Outgoing{Type: parser.TypeConnect, Namespace: s.ns.name, ID: noAck}
	if !s.conn.revision4() {
		p.Payload = binding.Admission{SID: s.id}
	}
	return s.ns.server.format.Packet(p)
}

// encodeError4 encodes the refusal of a socket in revision 4: the data of the
// error, or else its message.
func (s *Server) encodeError4(namespace string, e *ConnectError) *engineio.Message {
	if e.Data == nil {
		return s.format.refusal(namespace, e.Message, e.Message)
	}
	return s.format.refusal(namespace, e.Data, e.Message)
}
