// SPDX-License-Identifier: MIT

// This file holds NewServer, which assembles a server.

package socketio

import (
	"context"
	"net/http"
	"reflect"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/call"
	"socketio/internal/telemetry"
)

// NewServer returns a Server. opts may be nil. It panics on invalid options, with a
// message that names them. Call Close or Shutdown when the server is no longer needed.
func NewServer(opts *Options) *Server {
	s := &Server{compiler: newCompiler()}
	s.services.init(opts, newID())
	s.bursts.workers = &s.workers
	s.registry = newRegistry(s)
	s.watch = newWatcher(s.opts.Logger, s.opts.Observers)
	s.handling = newHandlers(s.watch)
	s.files.read(&s.opts.Options)
	s.engine = engineio.NewServer(s.opts.engine(), func(c *engineio.Conn) engineio.Handler {
		return newConn(s, c)
	})
	// All options have been checked: a panic would leave an open cluster behind.
	if err := s.opts.Cluster.Open(adapter.Node{ID: s.node, Logger: s.opts.Logger, Linger: s.opts.linger(), Changed: s.watch.clusterChanged}); err != nil {
		s.opts.Logger.Error("the cluster did not start: the server reaches only its own clients until it is restarted", "error", telemetry.Error(err))
	}
	if s.opts.Recovery != nil {
		s.keepers = newRecoverer(s)
	}
	s.adapters = clusterAdapters{s.opts.Cluster}
	s.root = s.registry.Of("/")
	s.audience = s.root.audience
	return s
}

func newCompiler() *compiler {
	return call.New[incoming, *Socket, Args, Ack](&call.Words{
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
