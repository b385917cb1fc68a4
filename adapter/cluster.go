// SPDX-License-Identifier: MIT

// This file holds Cluster, which connects a server to others.

package adapter

import (
	"context"
	"log/slog"
)

// A Node is one server of a cluster.
type Node struct {
	// ID is random and differs each time a server starts.
	ID string
	// Logger is the logger of the server.
	Logger *slog.Logger
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

// Each returns a Cluster without shared state. It calls newAdapter for each namespace.
func Each(newAdapter func(l Local) Adapter) Cluster { return each(newAdapter) }

// Alone returns the Cluster of a single server. Each namespace has a Memory.
func Alone() Cluster { return Each(func(Local) Adapter { return NewMemory() }) }

type each func(l Local) Adapter

func (e each) Open(Node) error { return nil }

func (e each) Adapter(l Local) Adapter { return e(l) }

func (e each) Close(context.Context) error { return nil }
