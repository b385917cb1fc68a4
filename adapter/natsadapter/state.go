// SPDX-License-Identifier: MIT

// This file holds whether the bus works.

package natsadapter

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"socketio/adapter/cluster"
)

// A cause is a part of the bus that may not work.
type cause int

const (
	causeConnection    cause = iota // there is no connection
	causeSubscriptions              // NATS does not have all subscriptions
	causeDenied                     // it refuses some that it had
	causeLog                        // JetStream does not work
	causeAppends                    // it is not known which entries are stored
	causes
)

// A state knows what does not work.
type state struct {
	news chan struct{} // it has changed

	mu     sync.Mutex // guards the fields below
	errs   [causes]error
	missed error // the bus did not work since the last look
}

func newState() *state {
	s := &state{news: make(chan struct{}, 1)}
	s.errs[causeConnection] = down(errFirst)
	return s
}

// down wraps the reason of an outage.
func down(err error) error { return fmt.Errorf("%w: %w", ErrDown, err) }

// set records that a part does not work, or that it works.
func (s *state) set(c cause, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.errs[c] == nil && err == nil {
		return
	}
	if s.errs[c] = err; err != nil && s.missed == nil {
		s.missed = err
	}
	poke(s.news)
}

// connected records that there is a connection, which has no subscriptions yet. If it is the
// first one, and nothing has failed before, that is no outage.
func (s *state) connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs[causeSubscriptions] = s.errs[causeConnection]
	if s.missed != nil || !errors.Is(s.errs[causeConnection], errFirst) {
		s.errs[causeSubscriptions] = down(errSubscribes)
	}
	s.errs[causeConnection] = nil
	poke(s.news)
}

// err returns why a part does not work.
func (s *state) err(c cause) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.errs[c]
}

// look returns why the bus does not work, or nil, and why it did not since the last look.
func (s *state) look() (now, missed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	missed, s.missed = s.missed, nil
	for _, err := range s.errs {
		if err != nil && !errors.Is(err, errFirst) { // a beginning is no outage
			return err, missed
		}
	}
	return nil, missed
}

// tell calls Down and Up of a receiver until ctx ends.
func (s *state) tell(ctx context.Context, r cluster.Receiver) {
	isDown := false
	var told string
	for {
		select {
		case <-s.news:
		case <-ctx.Done():
			return
		}
		now, missed := s.look()
		if now == nil && !isDown && missed != nil {
			now, missed = missed, nil // it was short
			r.Down(now)
			r.Up()
			continue
		}
		switch {
		case now != nil && (!isDown || now.Error() != told):
			isDown, told = true, now.Error()
			r.Down(now)
		case now == nil && isDown:
			isDown = false
			r.Up()
		}
	}
}
