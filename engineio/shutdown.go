// SPDX-License-Identifier: MIT

// This file holds the end of a Server, and of some of its connections.

package engineio

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// StopAccepting rejects new sessions with status 503 from now on. Open sessions continue.
func (s *Server) StopAccepting() {
	s.sessions.stopAccepting()
}

// Shutdown rejects new sessions and closes all connections after sending their queues. It
// returns when all have ended or, when ctx ends, an error that wraps that of ctx and says
// how many are left. Messages that a client on polling has not polled after 10 s are lost.
// Call Close afterwards.
func (s *Server) Shutdown(ctx context.Context) error {
	s.StopAccepting()
	if err := s.closeInWaves(ctx); err != nil {
		return s.unfinished(err)
	}
	select {
	case <-s.sessions.awaitEmpty():
		return nil
	case <-ctx.Done():
		return s.unfinished(ctx.Err())
	}
}

// unfinished is the error of a Shutdown whose context has ended, with err.
func (s *Server) unfinished(err error) error {
	return fmt.Errorf("engineio: Shutdown: connections have not ended (%d): %w", s.sessions.left(), err)
}

// CloseSome closes n of the open connections, which it chooses at random, after sending
// their queues: perSecond of them in a second, spread evenly. It returns how many it has
// closed, with the error of ctx if that ends before. Their error is ErrMoved.
func (s *Server) CloseSome(ctx context.Context, n, perSecond int) (closed int, err error) {
	conns := s.sessions.all()
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	conns = conns[:max(min(n, len(conns)), 0)]
	return closeConns(ctx, conns, perSecond, time.Duration(math.MaxInt64), ErrMoved)
}

// wavePause is the time between two waves of connections that are closed.
const wavePause = 10 * time.Millisecond

// closeInWaves closes all connections in random order, in waves, so that the clients
// do not all come back to another server at the same moment.
func (s *Server) closeInWaves(ctx context.Context) error {
	conns := s.sessions.all()
	for _, c := range conns {
		hurry(c, s.svc.now())
	}
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	most := time.Duration(math.MaxInt64)
	if deadline, ok := ctx.Deadline(); ok {
		most = time.Until(deadline) / 2 // the rest is for queued messages
	}
	_, err := closeConns(ctx, conns, s.cfg.ShutdownRate, most, ErrShutdown)
	return err
}

// closeConns closes connections in waves, perSecond in a second but within a time, after
// sending their queues. It returns how many it has closed.
func closeConns(ctx context.Context, conns []*Conn, perSecond int, most time.Duration, why error) (closed int, err error) {
	span := min(time.Duration(len(conns))*time.Second/time.Duration(max(perSecond, 1)), most)
	waves := max(int(span/wavePause), 1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range waves {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return closed, ctx.Err()
		}
		for _, c := range conns[i*len(conns)/waves : (i+1)*len(conns)/waves] {
			if !c.Closed() {
				closed++
			}
			c.finish(ReasonForcedClose, why, ending{flush: true, code: closeGoingAway})
		}
		timer.Reset(wavePause)
	}
	return closed, nil
}

// hurry gives a session that was closed before, and waits for a poll that can tell the
// client, as little time as Shutdown gives: a client that is alive polls at once.
func hurry(c *Conn, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	soon := c.svc.momentOf(now + int64(shutdownPollTimeout))
	if at := c.due.at[dueClose]; c.state == stateClosing && c.ws == nil && at != 0 && soon.before(at) {
		setMomentLocked(c, dueClose, soon)
	}
}

// Close ends all connections, drops their queues, and returns when no goroutine of the
// server is left. It may be called more than once; it must not be called from a Handler.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.sessions.beginClose()
		for _, c := range s.sessions.all() {
			c.finish(ReasonForcedClose, ErrShutdown, ending{code: closeGoingAway})
		}
		for _, c := range s.sessions.all() {
			c.closed() // closing already, on polling, waiting for a request
		}
		s.end()
		s.foreign.close()
		s.sessions.takeovers.Wait()
		s.svc.close()
		close(s.closedC)
	})
	<-s.closedC
	return nil
}
