// SPDX-License-Identifier: MIT

// This file tests the logger that is used if none was given.

package telemetry_test

import (
	"bytes"
	"log/slog"
	"testing"

	"socketio/internal/telemetry"
)

func TestLogger(t *testing.T) {
	var given, standard bytes.Buffer
	plain := func(b *bytes.Buffer) *slog.Logger {
		return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
	}
	if l := plain(&given); telemetry.Logger(l) != l {
		t.Error("a logger that was given is not the one")
	}
	l := telemetry.Logger(nil)
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(plain(&standard)) // after Logger: the one of the moment counts
	l.Debug("no")
	l.Info("no")
	l.Warn("a", "x", 1)
	l.With("y", 2).WithGroup("g").With("z", 3).Error("b", "w", 4)
	const want = "level=WARN msg=a x=1\nlevel=ERROR msg=b y=2 g.z=3 g.w=4\n"
	if got := standard.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
