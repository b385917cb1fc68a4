// SPDX-License-Identifier: MIT

// This file holds the types that have a meaning of their own in the handlers of this
// package; see package call.

package socketio

import (
	"context"
	"net/http"
	"reflect"

	"socketio/engineio"
	"socketio/internal/call"
)

// A handlerFunc is a compiled handler.
type handlerFunc = call.Handler[*event]

// A compiler makes handlers for events of sockets.
type compiler = call.Compiler[*event, *Socket, Args, Ack]

func newCompiler() *compiler {
	return call.New[*event, *Socket, Args, Ack](&call.Words{
		Package: "socketio",
		Ours: []reflect.Type{
			reflect.TypeFor[Socket](), reflect.TypeFor[Ack](), reflect.TypeFor[context.Context](),
			reflect.TypeFor[http.ResponseWriter](), reflect.TypeFor[http.Request](), reflect.TypeFor[http.Response](),
			reflect.TypeFor[Server](), reflect.TypeFor[Namespace](), reflect.TypeFor[ParentNamespace](), reflect.TypeFor[RemoteSocket](),
			reflect.TypeFor[Broadcast](), reflect.TypeFor[engineio.Conn](), reflect.TypeFor[engineio.Server](),
		},
		Sent:    []reflect.Type{reflect.TypeFor[Args](), reflect.TypeFor[Handshake](), reflect.TypeFor[engineio.Handshake]()},
		Instead: insteadOfType,
	})
}

// insteadOfType says how a handler gets what it wants from a parameter that no client
// can fill.
func insteadOfType(base reflect.Type) string {
	switch base {
	case reflect.TypeFor[Handshake](), reflect.TypeFor[engineio.Handshake]():
		return ": take a *socketio.Socket and call its Handshake"
	}
	if base.PkgPath() == "net/http" {
		return ", which no client can send; Socket.Handshake has the request that opened the connection"
	}
	return ""
}
