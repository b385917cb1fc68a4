// SPDX-License-Identifier: MIT

// This file holds the default logger.

package telemetry

import (
	"context"
	"log/slog"
)

// Logger returns l or, if l is nil, a logger that passes warnings and errors on to
// slog.Default: a panic in a handler, or a rejected page of another origin, must not go
// unnoticed without a configured logger.
func Logger(l *slog.Logger) *slog.Logger {
	if l != nil {
		return l
	}
	return slog.New(fallback{})
}

// A fallback is a handler in front of the handler of slog.Default at the time of each
// record.
type fallback struct {
	with func(slog.Handler) slog.Handler // nil if there is nothing to add
}

func (f fallback) handler() slog.Handler {
	h := slog.Default().Handler()
	if f.with != nil {
		h = f.with(h)
	}
	return h
}

// Enabled implements slog.Handler.
func (f fallback) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && slog.Default().Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (f fallback) Handle(ctx context.Context, r slog.Record) error { return f.handler().Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (f fallback) WithAttrs(attrs []slog.Attr) slog.Handler {
	return f.then(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (f fallback) WithGroup(name string) slog.Handler {
	return f.then(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (f fallback) then(next func(slog.Handler) slog.Handler) fallback {
	before := f.with
	return fallback{with: func(h slog.Handler) slog.Handler {
		if before != nil {
			h = before(h)
		}
		return next(h)
	}}
}
