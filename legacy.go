// SPDX-License-Identifier: MIT

// This file holds how clients of Socket.IO 1 and 2 send their auth: as the query of a
// namespace. They speak revision 4 of the Socket.IO protocol over revision 3 of Engine.IO;
// conn.legacy says whether a client is one of them. What else is different stands where it
// happens: they join "/" without asking (newConn), know the ids of their sockets before
// they join (newSocketID, conn.mayStartLocked), and get a refusal without a field
// "message" (encodeRefusal).

package socketio

import (
	"net/url"
	"strings"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// maxNamespaceQuery is how long the namespace of a legacy client may be with its query,
// in bytes.
const maxNamespaceQuery = 8 << 10

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
