// SPDX-License-Identifier: MIT

// This file holds the constructors of clusters.

package pgadapter

import (
	"github.com/jackc/pgx/v5"

	"socketio/adapter/cluster"
)

// Notify returns the Cluster of one server, which uses NOTIFY and LISTEN as the npm package
// @socket.io/postgres-adapter does. Servers in Node.js can be part of the cluster.
//
// postgres says where Postgres is, and is copied; pgx.ParseConfig and the field ConnConfig
// of a pgxpool.Config have it. The connections belong to the result, which makes them when
// its server starts, and again whenever they break. If o is nil, the defaults are used.
//
// Server.Of panics for a namespace whose channel has more than 63 bytes, and clients can't
// connect to one; see ErrNamespace.
func Notify(postgres *pgx.ConnConfig, o *Options) *cluster.Cluster {
	opts := o.withDefaults()
	opts.Cluster.Codec, opts.Cluster.Rooms, opts.Cluster.Ordering = codec{}, cluster.RoomsTogether, cluster.OrderedByNode
	opts.Cluster.NodeHeartbeats = true
	return cluster.New(newBus(postgres, &opts, asNode(opts.Prefix), true), &opts.Cluster)
}

// Outbox returns the Cluster of one server in Go; servers in Node.js can't be part of it. It
// is a cluster.LogBus: with socketio.Options.Recovery, clients that come back are recovered
// on each server. Events are rows of a table, and one notification wakes the servers for
// all that a transaction has. Names of namespaces may have any length. Otherwise it is like
// Notify.
func Outbox(postgres *pgx.ConnConfig, o *Options) *cluster.Cluster {
	opts := o.withDefaults()
	opts.Cluster.Codec, opts.Cluster.Rooms, opts.Cluster.Ordering = cluster.Envelope{}, cluster.RoomsTogether, cluster.OrderedByNode
	opts.Cluster.NodeHeartbeats = false
	return cluster.New(newLogBus(postgres, &opts), &opts.Cluster)
}
