// SPDX-License-Identifier: MIT

// This file holds Cluster: what joins a server to others, one object per server.

package adapter

import (
	"context"
	"log/slog"
)

// A Node is one server of a cluster.
type Node struct {
	// ID is random, new for each start of a server.
	ID string
	// Logger is that of the server.
	Logger *slog.Logger
}

// A Cluster joins one server to others. It has what all namespaces share: connections,
// membership, subscriptions. All methods may be called from any goroutine.
type Cluster interface {
	// Open is called once, by NewServer, before anything else. It must not wait for the
	// network. The server logs its error and goes on without other nodes.
	Open(n Node) error
	// Adapter makes the Adapter of a namespace. It is called when the namespace is made,
	// maybe again after that has ended, and, by a server that has ended, after Close: then
	// the Adapter keeps rooms only. It must not ask the server for that namespace.
	Adapter(l Local) Adapter
	// Close is called once, after all Adapters were closed: goroutines have ended when it
	// returns. What was published before leaves the node first, unless ctx ends.
	Close(ctx context.Context) error
}

// Each returns a Cluster whose namespaces share nothing: it makes an Adapter for each by
// calling newAdapter.
func Each(newAdapter func(l Local) Adapter) Cluster { return each(newAdapter) }

// Alone returns the Cluster of a single server: each namespace has a Memory.
func Alone() Cluster { return Each(func(Local) Adapter { return NewMemory() }) }

type each func(l Local) Adapter

func (e each) Open(Node) error { return nil }

func (e each) Adapter(l Local) Adapter { return e(l) }

func (e each) Close(context.Context) error { return nil }
