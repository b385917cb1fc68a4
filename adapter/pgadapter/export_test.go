// SPDX-License-Identifier: MIT

// This file shows the tests what the package does not export.

package pgadapter

import (
	"context"

	"github.com/jackc/pgx/v5"

	"socketio/adapter/cluster"
)

// NewLogBus returns the bus of Outbox.
func NewLogBus(postgres *pgx.ConnConfig, o *Options) cluster.LogBus {
	opts := o.withDefaults()
	return newLogBus(postgres, &opts)
}

// Sweep makes a bus clean its tables now.
func Sweep(ctx context.Context, b cluster.LogBus) error { return b.(*logBus).sweeper.sweep(ctx) }
