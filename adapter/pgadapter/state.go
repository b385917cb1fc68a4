// SPDX-License-Identifier: MIT

// This file holds whether Postgres works.

package pgadapter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"socketio/adapter/cluster"
)

// A state says whether the bus works.
type state struct {
	news chan struct{} // the state may have changed

	mu      sync.Mutex  // guards the fields below
	silent  error       // why nothing is received, or nil
	refuses error       // why nothing is sent, or nil
	denied  error       // the error with which Postgres has lately refused a message, or nil
	until   time.Time   // when denied is forgotten
	flight  uint64      // counts the transactions, and their ends
	stall   *time.Timer // of the transaction
	doubted uint64      // the flight that was noticed to take long
	missed  error       // what has failed since the last look, if it works again, or nil
}

func newState() *state { return &state{news: make(chan struct{}, 1)} }

var (
	errReset   = errors.New("messages do not arrive")
	errStalled = fmt.Errorf("%w: it does not answer", ErrDown)
)

// down returns an error that wraps ErrDown.
func down(err error) error {
	if err == nil || errors.Is(err, ErrDown) || errors.Is(err, ErrNotifyQueueFull) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDown, err)
}

// receives records whether messages are received.
func (s *state) receives(err error) { s.set(&s.silent, down(err)) }

// sends records whether messages are sent.
func (s *state) sends(err error) { s.set(&s.refuses, down(err)) }

func (s *state) set(field *error, err error) {
	s.mu.Lock()
	changed := (*field == nil) != (err == nil)
	*field = err
	if err != nil {
		s.missed = err
	}
	s.mu.Unlock()
	if changed {
		poke(s.news)
	}
}

// moment is the time for which a transaction must take long still: a process that was frozen
// has not read the answer yet.
const moment = time.Second

// begin records that a transaction begins. After a while it counts as stalled, unless answered
// is called before.
func (s *state) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight++
	flight := s.flight
	s.stall = time.AfterFunc(stalledAfter-moment, func() { s.stalled(flight) }) // stopped by answered
}

// stalled records that a transaction takes long, unless it has ended.
func (s *state) stalled(flight uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.flight != flight || s.refuses != nil:
	case s.doubted != flight:
		s.doubted = flight
		s.stall.Reset(moment)
	default:
		s.refuses = errStalled
		poke(s.news)
	}
}

// answered records that a transaction has ended.
func (s *state) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight++
	s.stall.Stop()
	if s.refuses == errStalled { //nolint:errorlint // it is not wrapped
		s.refuses = nil
		poke(s.news)
	}
}

// deniedFor is how long the state remembers that Postgres has refused a message.
const deniedFor = 30 * time.Second

// deny records that Postgres has refused a message, for want of a permission for example, or
// that it has taken some.
func (s *state) deny(err error) {
	now := time.Now()
	s.mu.Lock()
	if err == nil && (s.denied == nil || now.Before(s.until)) {
		s.mu.Unlock()
		return
	}
	s.until = now.Add(deniedFor)
	s.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("pgadapter: Postgres has refused a message: %w", err)
	}
	s.set(&s.denied, err)
}

// look returns why the bus does not work, or nil, and why it did not since the last look.
func (s *state) look() (now, missed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	missed, s.missed = s.missed, nil
	return cmp.Or(s.refuses, s.silent, s.denied), missed
}

// publishes returns why messages are not sent, or nil.
func (s *state) publishes() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuses
}

// notify calls Down and Up of the receiver when the state has changed, until ctx ends.
func (s *state) notify(ctx context.Context, r cluster.Receiver) {
	isDown := false
	for {
		select {
		case <-s.news:
		case <-ctx.Done():
			return
		}
		switch now, missed := s.look(); {
		case now != nil:
			isDown = true
			r.Down(now)
		case isDown:
			isDown = false
			r.Up()
		case missed != nil: // it was short
			r.Down(missed)
			r.Up()
		}
	}
}

// codeOf returns the SQLSTATE with which Postgres has refused a statement, or "" for other
// errors.
func codeOf(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// SQLSTATEs.
const (
	codeQueueFull   = "54000" // program_limit_exceeded: of notifications
	codeNoPartition = "23514" // check_violation
	codeDivision    = "22012" // division_by_zero: of a fence, see writer.queue
)
