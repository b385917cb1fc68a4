// SPDX-License-Identifier: MIT

// This file holds Server: the http.Handler, its namespaces and its end.

package socketio

import (
	"context"
	"fmt"
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
// long-polling and WebSocket, and the browser client at paths that end in its file names.
// It ignores the rest of the path: the mux decides where the server is mounted. Clients
// request /socket.io/ unless their path option says otherwise. All methods may be called
// from any goroutine.
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
	keepers  keeperMaker // nil without recovery
	registry *spaces

	workers serial.Workers[item]
	bursts  bursts
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

// ServeStream serves a client over WebTransport. It is for package
// socketio/engineio/webtransport; see engineio.Server.ServeStream.
func (s *Server) ServeStream(w http.ResponseWriter, r *http.Request, open func(ctx context.Context) (net.Conn, error)) {
	s.engine.ServeStream(w, r, open)
}

// Of returns a namespace, creating it if it does not exist. "" is "/", and a missing
// leading slash is added. A namespace that a parent has created for a client becomes
// permanent. If a pattern of OfPattern matches the name, its parent is the parent of the
// namespace. Of panics on a name that no client can request: longer than 255 bytes, not
// UTF-8, or with a comma or a control character. It panics on one that the Cluster can't
// have; see adapter.NamespaceChecker.
//
// Of does not call the functions of OfMatch, so a namespace that it creates accepts
// clients without their middlewares; a warning is logged. If the name comes from a
// request, such as the name of a tenant, use Lookup.
func (s *Server) Of(name string) *Namespace {
	name = namespaceName(name)
	if err := s.adapters.checkNamespace(name); err != nil {
		panic("socketio: Of: the cluster can't have this namespace: " + err.Error())
	}
	return s.registry.Of(name)
}

// Lookup returns a namespace if it exists, without creating it: it is for names that come
// from a request. "" is "/", and a missing leading slash is added. For a name that no
// client can request, it finds nothing. A namespace that a parent has created for a
// client is removed with its last socket, even if the caller still holds it; events sent
// to it then reach no socket.
func (s *Server) Lookup(name string) (ns *Namespace, ok bool) {
	if !strings.HasPrefix(name, "/") {
		name = "/" + name
	}
	return s.registry.Lookup(name)
}

// OnNewNamespace calls fn for each namespace that is created from now on, by Of or for a
// client, before a socket joins it; Namespace.Use and OnConnection, called by fn, miss
// nothing. remove unregisters fn.
func (s *Server) OnNewNamespace(fn func(*Namespace)) (remove func()) {
	if fn == nil {
		panic("socketio: OnNewNamespace: the handler is nil")
	}
	return s.made.Add(&fn)
}

// Close closes all connections at once. Sockets end with ReasonShutdown, queued messages
// are dropped, and clients will try to reconnect. New sessions are answered 503, and
// emits return ErrClosed. Close does not affect the HTTP server and does not wait for
// running handlers. It may be called more than once, also by a handler, but not by an
// observer that an event loop calls.
func (s *Server) Close() error {
	err := s.engine.Close()
	s.end()
	return err
}

// closeTimeout is how long Close waits for a cluster to send everything published.
const closeTimeout = 5 * time.Second

// end stops the parts of the server that send: its adapters, including those of
// namespaces created later, the cluster, and the idle workers. The sockets have ended,
// but may not have left their rooms yet.
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
		if s.keepers != nil {
			s.guard("Store.Close", func() { s.keepers.closeStore(ctx) })
		}
	})
}

// Shutdown shuts the server down gracefully: new sessions are answered 503, connections
// close in random order at Options.Engine.ShutdownRate, so that their clients do not all
// reconnect at the same moment, queued messages are sent first, and running handlers may
// finish. The sockets end with ReasonShutdown. Adapters are closed after the last handler
// has ended, so events that OnDisconnect emits still reach other servers. Shutdown does
// not affect the HTTP server. It returns when all that is done or, when ctx ends, with an
// error that wraps that of ctx and says what has not ended; then everything is closed as
// by Close. Call it before http.Server.Shutdown, which waits for polls. It must not be
// called from a handler, for which it would wait.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.engine.Shutdown(ctx)
	if closeErr := s.engine.Close(); err == nil {
		err = closeErr
	}
	if waitErr := s.workers.Wait(ctx); waitErr != nil {
		waitErr = fmt.Errorf("socketio: Shutdown: handlers are still running (%d): %w", s.workers.Busy(), waitErr)
		s.opts.Logger.Warn("Shutdown does not wait longer for handlers; it must not be called from one", "error", telemetry.Error(waitErr))
		if err != nil {
			waitErr = fmt.Errorf("%w; %w", err, waitErr)
		}
		err = waitErr
	}
	s.end()
	return err
}

// Engine returns the underlying Engine.IO server, for HTTP middleware (Use) and rejected
// requests (OnConnectionError). Use Close and Shutdown of this Server, not those of the
// Engine.IO server.
func (s *Server) Engine() *engineio.Server { return s.engine }

// Connections returns the number of open connections, in whichever namespaces.
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
