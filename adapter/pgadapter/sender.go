// SPDX-License-Identifier: MIT

// This file holds the connection that sends.

package pgadapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// A sender keeps a connection that sends the messages of a queue, in transactions.
type sender struct {
	config *pgx.ConnConfig
	queue  *queue
	state  *state
	format *format
	schema *schema
	probe  string  // a channel that nobody listens to
	writer *writer // of logs; nil in Notify
	ctx    context.Context
	lost   atomic.Uint64 // messages

	left    []message // of the goroutine: what may have been sent when a connection broke
	retried bool      // left was sent twice
}

// run sends until the queue is closed and empty, or the bus is closed. When a connection
// that was of use breaks, what waits is sent by the next one; when none can be made, it is
// lost.
func (s *sender) run() {
	defer s.queue.Finish()
	var p pause
	for s.ctx.Err() == nil {
		began := time.Now()
		served, err := s.serve()
		if err == nil || s.ctx.Err() != nil {
			return
		}
		switch {
		case !served || s.retried:
			s.state.sends(err)
			s.lose(s.queue.Drop())
		case len(s.left) > 0 && s.writer == nil:
			s.state.sends(fmt.Errorf("%w: %d messages may be lost: %w", ErrDown, len(s.left), err))
		}
		if s.writer == nil || !served || s.retried {
			s.lose(s.left)
			s.left, s.retried = nil, false
		}
		s.retried = len(s.left) > 0
		if !served && s.queue.Closed() {
			return
		}
		if served && time.Since(began) > steadyAfter {
			p = 0
		} else if !p.wait(s.ctx) {
			return
		}
	}
}

// lose forgets messages that are not sent, or may not have been.
func (s *sender) lose(lost []message) {
	s.lost.Add(uint64(len(lost)))
	if s.writer != nil {
		s.writer.lose(lost)
	}
}

// settle is called when no transaction is under way.
func (s *sender) settle() {
	if s.writer != nil {
		s.writer.settle()
	}
}

// serve connects and sends. served reports whether the connection was of use. err is nil
// when nothing is left to send.
func (s *sender) serve() (served bool, err error) {
	link, err := connect(s.ctx, s.config, nil)
	if err != nil {
		return false, err
	}
	defer link.end()
	defer context.AfterFunc(s.ctx, link.cut)()
	if err := s.schema.ensure(s.ctx, link); err != nil {
		return false, err
	}
	if s.writer != nil {
		if s.left, err = s.writer.register(s.ctx, link, s.left); err != nil {
			return false, err
		}
	}
	s.state.sends(nil)
	if s.left, err = s.send(link, s.left); err != nil {
		return true, err
	}
	s.retried = false
	s.settle()
	for {
		part, more := s.queue.Take()
		if len(part) > 0 {
			s.left, err = s.send(link, part)
			s.queue.Sent(part)
			if err != nil {
				return true, err
			}
			s.settle()
			continue
		}
		if !more {
			return true, nil
		}
		if err := s.idle(link); err != nil {
			return true, err
		}
	}
}

// idle waits for messages. It looks at the connection now and then.
func (s *sender) idle(link *link) error {
	t := time.NewTimer(sweepEvery)
	defer t.Stop()
	select {
	case <-s.queue.Wake():
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-t.C:
		defer link.within(s.ctx, answersIn)()
		return link.Ping(context.Background())
	}
}

// send sends messages in one transaction. If Postgres refuses it, each message is sent
// alone. The error is that of the connection; left are then those that may have been sent,
// and those that were not.
func (s *sender) send(link *link, part []message) (left []message, err error) {
	if len(part) == 0 {
		return nil, nil
	}
	err = s.transact(link, part)
	if codeOf(err) == codeNoPartition && s.writer != nil {
		if err = s.schema.partitions(s.ctx, link); err == nil {
			err = s.transact(link, part)
		}
	}
	switch code := codeOf(err); {
	case err == nil:
		s.state.deny(nil)
		return nil, nil
	case code == codeQueueFull:
		s.lose(part)
		return nil, s.full(link, err)
	case breaks(code) || link.IsClosed():
		return part, err
	}
	if len(part) == 1 {
		s.lose(part)
		s.state.deny(err)
		return nil, nil
	}
	for i := range part {
		if left, err := s.send(link, part[i:i+1]); err != nil {
			return append(left[:len(left):len(left)], part[i+1:]...), err
		}
	}
	return nil, nil
}

// breaks reports whether a connection is of no further use after an error of a SQLSTATE:
// it is lost, the server does not write, another connection sends for this server, or it
// ends.
func breaks(code string) bool {
	return code == "" || strings.HasPrefix(code, "25") || strings.HasPrefix(code, "57") || code == codeDivision
}

// full waits until the queue of notifications has room.
func (s *sender) full(link *link, err error) error {
	s.state.sends(fmt.Errorf("%w: %w", ErrNotifyQueueFull, err))
	for {
		s.lose(s.queue.Drop())
		t := time.NewTimer(mostPause)
		select {
		case <-t.C:
		case <-s.ctx.Done():
			t.Stop()
			return s.ctx.Err()
		}
		stop := link.within(s.ctx, answersIn)
		_, err := link.Exec(context.Background(), "SELECT pg_notify($1, '')", s.probe)
		stop()
		if err == nil {
			s.state.sends(nil)
			return nil
		}
		if codeOf(err) != codeQueueFull {
			return err
		}
	}
}

const notifySQL = "SELECT pg_notify(c, p) FROM unnest($1::text[], $2::text[]) AS t (c, p)"

// transact sends messages in one transaction: statements that are sent together are one.
// Entries come last, since they take the lock of the log.
func (s *sender) transact(link *link, part []message) error {
	s.state.begin()
	defer s.state.answered()
	defer link.within(s.ctx, answersIn)()
	var b pgx.Batch
	var channels, payloads []string
	var entries []message
	flush := func() {
		if len(channels) > 0 {
			b.Queue(notifySQL, channels, payloads)
			channels, payloads = nil, nil
		}
	}
	for _, m := range part {
		if m.token != 0 {
			entries = append(entries, m)
		} else if text, ok := s.format.payload(m.data); ok {
			channels, payloads = append(channels, m.channel), append(payloads, text)
		} else {
			flush()
			b.Queue(s.format.insertSQL(), m.data, m.channel, s.format.header())
		}
	}
	flush()
	if len(entries) > 0 {
		s.writer.queue(&b, entries)
	}
	results := link.SendBatch(context.Background(), &b)
	for range b.Len() {
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	if len(entries) > 0 {
		s.writer.committed(entries)
	}
	return nil
}
