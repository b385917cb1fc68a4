// SPDX-License-Identifier: MIT

// This file holds Cluster, which connects a server to others.

package adapter

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// A Node is one server of a cluster.
type Node struct {
	// ID is random and differs each time a server starts.
	ID string
	// Logger is the logger of the server.
	Logger *slog.Logger
	// Linger is how long a room still gets the events of other nodes after its last member
	// has left, at least: they are kept for clients that come back.
	Linger time.Duration
	// Changed, if not nil, is called when the cluster becomes degraded and when it works
	// again, in order and without locks. It must not block.
	Changed func(Health)
}

// Health is the state of the connection to the other nodes.
type Health struct {
	// Degraded is nil while the connection works. Otherwise events of this node do not
	// reach the others, or theirs do not reach this one, and this is the reason.
	Degraded error
	// Since is when Degraded became nil, or an error. It is zero before the first change.
	Since time.Time
	// Lag is how long the latest message from this node to itself took.
	Lag time.Duration
}

// ErrDegraded is returned by a join that other nodes may not know of: their events to the
// room do not reach this node until the cluster works again. The socket has joined.
var ErrDegraded = errors.New("socketio: the cluster is degraded")

// A JoinWaiter is an Adapter whose other nodes learn of joins later. The server calls it
// after Join, without locks.
type JoinWaiter interface {
	// WaitJoined waits until events that other nodes publish to rooms will reach this
	// node. It waits for a bounded time at most, then returns ErrDegraded; while the
	// connection is known to be down, it returns that at once.
	WaitJoined(rooms []string) error
}

// A Cluster connects one server to others. It holds the state that all namespaces share:
// connections, membership, subscriptions. All methods may be called from any goroutine.
type Cluster interface {
	// NewServer calls Open once, before any other method. It must not wait for the
	// network. If it returns an error, the server logs it and continues as a single node.
	Open(n Node) error
	// Adapter returns a new Adapter for a namespace. It is called when the namespace is
	// created, which may happen again after the namespace has ended. A closed server may
	// call it after Close; the Adapter then only keeps rooms. It must not look up the
	// namespace on the server.
	Adapter(l Local) Adapter
	// Close is called once, after all Adapters have been closed. It sends everything
	// published before, unless ctx ends, and returns after the goroutines of the Cluster
	// have ended.
	Close(ctx context.Context) error
}

// A NamespaceChecker is a Cluster that can't have each namespace.
type NamespaceChecker interface {
	// CheckNamespace returns an error for a namespace that the Cluster can't have. Server.Of
	// panics with it, and clients can't connect to such a namespace.
	CheckNamespace(name string) error
}

// Each returns a Cluster without shared state. It calls newAdapter for each namespace.
func Each(newAdapter func(l Local) Adapter) Cluster { return each(newAdapter) }

// Alone returns the Cluster of a single server. Each namespace has a Memory.
func Alone() Cluster { return Each(func(Local) Adapter { return NewMemory() }) }

type each func(l Local) Adapter

func (e each) Open(Node) error { return nil }

func (e each) Adapter(l Local) Adapter { return e(l) }

func (e each) Close(context.Context) error { return nil }
