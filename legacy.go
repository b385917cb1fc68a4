// SPDX-License-Identifier: MIT

// This file holds the auth of clients of Socket.IO 1 and 2, which is the query of a
// namespace. They speak revision 4 of the Socket.IO protocol over revision 3 of
// Engine.IO; conn.legacy reports whether a client is one of them. The other differences
// are in the code that they concern: these clients join "/" without asking (newConn),
// know the ids of their sockets before they join (newSocketID, conn.mayStartLocked), and
// get a rejection without a field "message" (encodeRefusal).

package socketio

import (
	"net/url"
	"strings"

	"socketio/internal/jsontext"
	"socketio/parser"
)

// maxNamespaceQuery is the maximum length, in bytes, of a legacy client's namespace with
// its query.
const maxNamespaceQuery = 8 << 10

// cutQuery removes the query from the namespace of a packet. The query of a CONNECT
// becomes its payload.
func cutQuery(p *parser.Packet) {
	var query string
	p.Namespace, query, _ = strings.Cut(p.Namespace, "?")
	if p.Type == parser.TypeConnect {
		p.Data = queryAuth(query)
	}
}

// queryAuth returns a query as a JSON object, in the order of the query, or nil if it is
// empty. The value of a repeated name is an array.
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

// unescapeQuery decodes s, or returns it unchanged if it is malformed.
func unescapeQuery(s string) string {
	if text, err := url.QueryUnescape(s); err == nil {
		return text
	}
	return s
}
