// SPDX-License-Identifier: MIT

// This file runs the exams of clusters over real servers.

package pgadapter_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
)

// modes are the ways to use Postgres.
var modes = map[string]func(postgres *pgx.ConnConfig, o *pgadapter.Options) *cluster.Cluster{
	"notify": pgadapter.Notify,
	"outbox": pgadapter.Outbox,
}

var prefixes atomic.Int64

// newPrefix returns a prefix that keeps the clusters of one Postgres apart.
func newPrefix() string { return fmt.Sprint("cluster", prefixes.Add(1)) }

// options returns options for a cluster of its own.
func options(prefix string) *pgadapter.Options {
	return &pgadapter.Options{Prefix: prefix, TablePrefix: prefix + "_", Table: prefix + "_attachments"}
}

// The exam of several nodes, in each mode.
func TestNodes(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			adaptertest.RunCluster(t, adaptertest.Factory{
				New: func(*testing.T) func() adapter.Cluster {
					o := options(newPrefix())
					o.Cluster.Introduction = 50 * time.Millisecond
					return func() adapter.Cluster { return mode(server.Config(), o) }
				},
			})
		})
	}
}
