// SPDX-License-Identifier: MIT

// This file holds the place of the log of a later mode.

package pgadapter

import (
	"context"

	"github.com/jackc/pgx/v5"
)

type writer struct{}

func (w *writer) lose([]message)              {}
func (w *writer) committed([]message)         {}
func (w *writer) queue(*pgx.Batch, []message) {}
func (w *writer) register(context.Context, *link, []message) ([]message, error) {
	return nil, nil
}

type reader struct{ channel string }

func (r *reader) read(context.Context, *link) error { return nil }
func (r *reader) woken(string)                      {}
