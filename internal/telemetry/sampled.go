// SPDX-License-Identifier: MIT

// This file holds Sampled, for warnings that clients can cause at will.

package telemetry

import (
	"log/slog"
	"time"

	"socketio/internal/lock"
)

// samplePeriod is the minimum time between two warnings of a kind.
const samplePeriod = time.Minute

// Sampled logs at most one warning of each kind per minute. Its methods may be called
// from any goroutine.
type Sampled struct {
	log *slog.Logger

	mu    lock.Mutex // guards kinds; not held while the logger runs
	kinds map[string]*sample
}

// A sample is the state of one kind of warning.
type sample struct {
	last time.Time // of the latest record
	more int       // suppressed since
}

// NewSampled returns a Sampled that writes to log.
func NewSampled(log *slog.Logger) *Sampled {
	return &Sampled{log: log, kinds: make(map[string]*sample)}
}

// Warn logs a warning as slog.Logger.Warn does, unless one with the same msg was logged
// less than a minute ago. The kind is msg, so msg must be a constant. If warnings were
// suppressed since the last record, their number is added under the key more. Warn
// reports whether it has logged the warning.
func (s *Sampled) Warn(msg string, args ...any) (logged bool) {
	more, due := s.due(msg)
	if !due {
		return false
	}
	log := s.log
	if more > 0 {
		log = log.With("more", more)
	}
	log.Warn(msg, args...)
	return true
}

func (s *Sampled) due(kind string) (more int, due bool) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kinds[kind]
	if k == nil {
		s.kinds[kind] = &sample{last: now}
		return 0, true
	}
	if now.Sub(k.last) < samplePeriod {
		k.more++
		return 0, false
	}
	more = k.more
	*k = sample{last: now}
	return more, true
}
