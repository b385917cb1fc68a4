// SPDX-License-Identifier: MIT

// Package forward passes requests for Engine.IO sessions on to the server that has the
// session, so that a load balancer may send each request of a client to any server: no
// sticky sessions are needed. It is the engineio.Forwarder of a server:
//
//	node := forward.New(&forward.Options{Secret: secret, URL: "http://10.0.0.7:7000/"})
//	opts.Engine.Forward = node
//	opts.Cluster = cluster.New(bus, &cluster.Options{Announcer: node})
//	go http.ListenAndServe("10.0.0.7:7000", node) // reached by the other servers only
//
// # Which server
//
// The id of a session begins with the tag of its server: six random characters, new each
// time a server starts. Announcements say which tag is at which URL; a bus carries them
// from server to server, and they are signed with the secret, so that nobody else on the
// bus can attract requests. A request is answered from the table of announcements alone:
// an id with an unknown tag costs one look-up.
//
// # What is protected
//
// Each request carries the request of the client in one header, and a signature (HMAC-SHA256,
// with a key derived from the secret) over it: method, URI, header, length of the body, the
// address of the client, its TLS connection, the verdict on its Origin, the tags of both
// servers, the time, and a number that is used once. The server that receives it believes
// nothing else: not its other headers, and not the header of a client that happens to have
// the same name. A body is signed too, by its last 32 bytes, so that it is streamed and not
// collected first; the bytes before are passed on as they come, and the end is only passed on
// after the signature has been checked. A request that is forged, changed, repeated, too
// late or for another server is rejected before the session is looked up, and a request is
// forwarded once at most.
//
// Without TLS between the servers, who can read the network between them reads the sessions,
// and who can change it can change responses and the bytes of WebSockets. Requests can't
// be forged or changed even then.
//
// # WebSockets
//
// A WebSocket that reaches another server is forwarded for its life. On Linux, and if both
// connections are plain TCP, an event loop copies the bytes: while nothing arrives, it needs
// no goroutine and less than 4 KB.
//
// # Reading order
//
// options.go, keys.go (keys, the numbers used once), request.go (a forwarded request as
// bytes), body.go (its body), table.go (which tag is where), splice.go (two connections
// become one), client.go (whether the client is still there), stats.go, node.go (Node),
// receive.go (the handler for other servers), send.go (polls and POSTs), upgrade.go
// (WebSockets).
package forward
