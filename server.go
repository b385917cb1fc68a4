// SPDX-License-Identifier: MIT

// This file holds Server: the http.Handler, its namespaces and its end.

package socketio

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"socketio/engineio"
	"socketio/internal/call"
	"socketio/internal/serial"
	"socketio/internal/telemetry"
)

// A Server is a Socket.IO server. It is an http.Handler that serves clients over
// long-polling and WebSocket, and the browser client itself at paths that end in
// its file names. It does not look at the rest of the path: the mux decides
// where it is mounted. Clients ask for /socket.io/ unless their path option says
// otherwise. All methods may be called from any goroutine.
type Server struct {
	services
	audience // all sockets of root

	// Immutable after NewServer.
	engine   *engineio.Server
	root     *Namespace
	files    clientFiles
	compiler *compiler
	handling handling
	adapters adapterMaker
	watch    watcher
	keeper   keeper // nil if no sessions are kept
	registry *spaces

	workers serial.Workers[item]
	leave   sync.Once                   // the cluster is closed
	made    call.List[func(*Namespace)] // safe from anywhere
}

// ServeHTTP serves clients, and the files of the browser client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; s.files.has(name) {
		s.files.serve(w, r, name, &s.opts.Options)
		return
	}
	s.engine.ServeHTTP(w, r)
}

// ServeStream serves a client that comes over WebTransport. It is for package
// socketio/engineio/webtransport; see engineio.Server.ServeStream.
func (s *Server) ServeStream(w http.ResponseWriter, r *http.Request, open func(ctx context.Context) (net.Conn, error)) {
	s.engine.ServeStream(w, r, open)
}

// Of returns a namespace and makes it if it does not exist. "" is "/", and a
// missing leading slash is added. A namespace that a parent has made for a client
// stays from now on. If a pattern of OfPattern matches the name, its parent is that of
// the namespace. It panics on a name that no client could ask
// for: longer than 255 bytes, not UTF-8, with a comma or a control character.
//
// The functions of OfMatch are not asked, so a namespace that Of makes lets clients in
// without their middlewares, for which there is a warning. Where a name comes from a
// request, as that of a tenant, use Lookup.
func (s *Server) Of(name string) *Namespace {
	return s.registry.Of(namespaceName(name))
}

// Lookup returns a namespace if it exists, and makes none: it is for names that come
// from a request. "" is "/", and a missing leading slash is added. A name that no client
// could ask for is that of no namespace. One that a parent has made for a client goes
// with the last socket in it, also while the caller has it; what is sent to it then
// reaches nobody.
func (s *Server) Lookup(name string) (ns *Namespace, ok bool) {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return s.registry.Lookup(name)
}

// OnNewNamespace calls fn for each namespace that is made from now on, by Of or for
// a client, before a socket joins it; Namespace.Use and OnConnection inside fn miss
// nothing. remove unregisters fn.
func (s *Server) OnNewNamespace(fn func(*Namespace)) (remove func()) {
	if fn == nil {
		panic("socketio: OnNewNamespace: the handler is nil")
	}
	return s.made.Add(&fn)
}

// Close closes all connections at once. Sockets end with ReasonShutdown, queued messages
// are dropped, clients will try to reconnect. New sessions are
// answered 503, and emits return ErrClosed. It does not touch the HTTP server and does not wait for handlers
// that still run. It may be called more than once, also from a handler, but not by an
// observer that an event loop calls.
func (s *Server) Close() error {
	err := s.engine.Close()
	s.end()
	return err
}

// closeTimeout is how long Close waits for a cluster to send what was published.
const closeTimeout = 5 * time.Second

// end stops what sends for the server: its adapters, now and those of namespaces made
// later, the cluster, and the workers that wait. The sockets have ended, but may not have left their
// rooms yet.
func (s *Server) end() {
	s.closed.Store(true)
	s.workers.Close()
	for _, ns := range s.registry.End() {
		ns.closeAdapter()
	}
	s.leave.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		s.guard("Cluster.Close", func() {
			if err := s.opts.Cluster.Close(ctx); err != nil {
				s.opts.Logger.Error("the cluster did not close", "error", telemetry.Error(err))
			}
		})
		if r := s.opts.Recovery; r != nil {
			s.guard("Store.Close", func() {
				if err := r.Store.Close(ctx); err != nil {
					s.opts.Logger.Error("the store of Options.Recovery did not close", "error", telemetry.Error(err))
				}
			})
		}
	})
}

// Shutdown ends the server in order: new sessions are answered 503, connections
// close in random order at Options.Engine.ShutdownRate, so that their clients do not all
// come back at the same moment, what waits to be sent goes out first, handlers that
// run may finish. The sockets end with ReasonShutdown. Adapters are closed after the last
// handler has ended, so what OnDisconnect emits still reaches other servers. Shutdown
// leaves the HTTP server alone. It returns when all that is done or, with the error of ctx,
// when ctx ends; then everything is closed as by Close. Call it before
// http.Server.Shutdown, which waits for polls. It must not be called from a handler.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.engine.Shutdown(ctx)
	if closeErr := s.engine.Close(); err == nil {
		err = closeErr
	}
	if waitErr := s.workers.Wait(ctx); err == nil {
		err = waitErr
	}
	s.end()
	return err
}

// Engine is the Engine.IO server below: HTTP middleware (Use) and refused requests
// (OnConnectionError) are its business. End it by Close and Shutdown of this
// Server, not by its own.
func (s *Server) Engine() *engineio.Server { return s.engine }

// Connections is the number of open connections, whatever namespaces they have
// joined.
func (s *Server) Connections() int { return s.engine.Count() }

// OnConnection calls fn for each new socket of the namespace "/"; see
// Namespace.OnConnection.
func (s *Server) OnConnection(fn func(*Socket)) (remove func()) { return s.root.OnConnection(fn) }

// OnError calls fn for each error of a handler of the namespace "/"; see
// Namespace.OnError.
func (s *Server) OnError(fn func(*Socket, *HandlerError)) (remove func()) { return s.root.OnError(fn) }

// Use adds a middleware to the namespace "/"; see Namespace.Use.
func (s *Server) Use(fn func(ctx context.Context, s *Socket) error) { s.root.Use(fn) }

// Socket returns a socket of the namespace "/"; see Namespace.Socket.
func (s *Server) Socket(id string) (*Socket, bool) { return s.root.Socket(id) }

// Sockets returns the sockets of the namespace "/" that are connected to this
// server.
func (s *Server) Sockets() []*Socket { return s.root.Sockets() }
