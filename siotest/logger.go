// SPDX-License-Identifier: MIT

// This file holds Logger: a server's log in that of a test.

package siotest

import (
	"bytes"
	"log/slog"
	"sync"
)

// Logger returns a logger for socketio.Options.Logger that writes to the log of the test,
// which shows it if the test fails: errors of handlers, and the reasons why clients were
// rejected. Call it before NewServer; lines after the end of the test are dropped. It may
// be used from any goroutine.
func Logger(t TB) *slog.Logger {
	w := &logWriter{t: t}
	t.Cleanup(w.end)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{} // transcripts have times
			}
			return a
		},
	}))
}

// A logWriter writes lines to the log of a test until it ends.
type logWriter struct {
	t TB

	mu   sync.Mutex // guards over; held while a line is written, which delays the end
	over bool
}

func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.t.Logf("server: %s", bytes.TrimRight(line, "\n"))
	}
	return len(line), nil
}

func (w *logWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}
