// SPDX-License-Identifier: MIT

// This file holds Saves, which saves a state that several goroutines change.

package recovery

import "socketio/internal/lock"

// Saves lets goroutines save the latest state of something, one at a time. Its zero value
// is ready. All methods may be called from any goroutine.
type Saves struct {
	mu     lock.Mutex    // guards the fields below; not held while save runs
	wanted uint64        // calls of Do so far
	saved  uint64        // those whose state is saved
	done   chan struct{} // closed when the save that runs has returned; nil if none runs
}

// Do calls save, which saves the state of that moment, and returns when the state at its
// own call is saved. Of several calls that wait, one saves for all.
func (s *Saves) Do(save func()) {
	s.mu.Lock()
	s.wanted++
	own := s.wanted
	for s.done != nil {
		done := s.done
		s.mu.Unlock()
		<-done
		s.mu.Lock()
		if s.saved >= own {
			s.mu.Unlock()
			return
		}
	}
	wanted, done := s.wanted, make(chan struct{})
	s.done = done
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.saved, s.done = wanted, nil
		s.mu.Unlock()
		close(done)
	}()
	save()
}
