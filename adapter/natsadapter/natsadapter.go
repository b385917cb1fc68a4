// SPDX-License-Identifier: MIT

// This file holds the constructors of clusters.

package natsadapter

import "socketio/adapter/cluster"

// Core returns the Cluster of one server, which uses subjects of core NATS. Nothing is
// stored: what a server can't receive is lost.
//
// urls are the addresses of NATS servers, separated by commas. Those of the same NATS
// cluster are found. The connection belongs to the result, which makes it when its server
// starts, and again whenever it breaks. If o is nil, the defaults are used.
func Core(urls string, o *Options) *cluster.Cluster {
	opts := o.withDefaults()
	return cluster.New(newBus(urls, &opts), &opts.Cluster)
}

// JetStream is like Core, and has a log: events have positions that all servers agree on,
// and sessions outlive their server. With Options.Recovery of the server, clients are
// recovered on any of them. It needs NATS 2.11 or newer with JetStream.
//
// Options.Log says how much is kept, and how safely. JetStream confirms what it has not
// written to its disk yet; see the documentation of the package.
func JetStream(urls string, o *Options) *cluster.Cluster {
	opts := o.withDefaults()
	return cluster.New(newJet(urls, &opts), &opts.Cluster)
}
