// SPDX-License-Identifier: MIT

// This file holds the table of sessions: who is let in, who is found, and the end of
// all.

package engineio

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"socketio/internal/lock"
)

// Count is the number of open sessions.
func (s *Server) Count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.conns)
}

// admit registers a new connection, if there is room and its id is free.
func (s *Server) admit(c *Conn) *requestError {
	s.mu.Lock()
	if s.refusing || s.cfg.MaxConnections > 0 && len(s.conns)+len(s.outliving) >= s.cfg.MaxConnections ||
		len(s.outliving) >= maxOutliving || s.budget.limit > 0 && s.outlivingBytes >= s.budget.limit {
		s.mu.Unlock()
		return unavailable()
	}
	if s.conns[c.id] != nil {
		s.mu.Unlock()
		s.cfg.Logger.Error("a session was refused: Options.GenerateID made an id that is in use")
		return refuseFor(CauseSessionID, codeBadRequest, "the session id is in use")
	}
	s.conns[c.id] = c
	s.countPassedLocked(c.passed, 1)
	var oldest *Conn
	if limit := s.cfg.MaxPending; limit > 0 {
		if s.pending.Len() >= limit {
			oldest = s.pending.Remove(s.pending.Front()).(*Conn)
			oldest.pending = nil
		}
		c.pending = s.pending.PushBack(c)
	}
	s.mu.Unlock()
	if oldest != nil {
		oldest.finish(ReasonTransportError, errPending, ending{code: closePolicy, text: "too many pending connections"})
	}
	return nil
}

// takeOver admits a takeover, which must end with takeovers.Done. It reports false
// once the server closes.
func (s *Server) takeOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.takeovers.Add(1)
	}
	return !s.closing
}

// established implements owner.
func (s *Server) established(c *Conn) {
	if s.cfg.MaxPending <= 0 {
		return
	}
	s.mu.Lock()
	s.settleLocked(c)
	s.mu.Unlock()
}

// settleLocked takes a connection off the pending ones.
func (s *Server) settleLocked(c *Conn) {
	if c.pending != nil {
		s.pending.Remove(c.pending)
		c.pending = nil
	}
}

// maxOutliving is how many connections that have ended may have work going on before
// new ones are refused.
const maxOutliving = 50_000

// outlive implements owner.
func (s *Server) outlive(c *Conn, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outliving[c] = bytes
	s.outlivingBytes += int64(bytes)
}

// settled implements owner.
func (s *Server) settled(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outlivingBytes -= int64(s.outliving[c])
	delete(s.outliving, c)
}

func unavailable() *requestError {
	return &requestError{status: http.StatusServiceUnavailable, code: codeForbidden, why: CauseUnavailable, message: "Service unavailable", detail: "full or closing"}
}

func (s *Server) lookup(sid string) *Conn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conns[sid]
}

// strays counts, for a minute, the requests that name no session of this process.
type strays struct {
	mu     lock.Mutex // guards the fields below
	since  int64      // when the minute began, by Server.now
	opened uint64     // sessions opened until then
	before uint64     // and until the minute of strays before began
	n      int
}

// fewStrays is how many strays a minute are normal: laptops wake, servers restart.
const fewStrays = 10

// noteStray warns of a balancer that spreads the requests of one client: then there is
// at least one stray for each two sessions that open.
func (s *Server) noteStray() {
	t := &s.strays
	now, opened := s.now(), s.lastNumber.Load()
	t.mu.Lock()
	if t.n == 0 || now-t.since >= int64(time.Minute) {
		t.since, t.opened, t.before, t.n = now, opened, t.opened, 0
	}
	t.n++
	many := t.n >= fewStrays && uint64(t.n) >= (opened-t.before)/4
	t.mu.Unlock()
	if many {
		s.sampled.Warn("many requests name sessions that are not here; several processes behind a balancer without sticky sessions? (for a moment they also come after a restart)")
	}
}

func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	if s.conns[c.id] == c { // another session may have the id by now
		delete(s.conns, c.id)
	}
	s.settleLocked(c)
	s.endPassingLocked(c)
	delete(s.leaving, c)
	s.noteEmptyLocked()
	s.mu.Unlock()
}

// retire takes a connection off the open ones that still has something to send.
func (s *Server) retire(c *Conn) {
	s.mu.Lock()
	if s.conns[c.id] == c { // it may be gone already
		delete(s.conns, c.id)
		s.settleLocked(c)
		s.endPassingLocked(c)
		s.leaving[c] = struct{}{}
	}
	s.mu.Unlock()
}

// closeWait implements owner: it is how long a closed polling session waits to be told.
func (s *Server) closeWait() time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.refusing {
		return shutdownPollTimeout
	}
	return pollCloseTimeout
}

// StopAccepting makes the server answer 503 to new sessions from now on. Open ones go on.
func (s *Server) StopAccepting() {
	s.mu.Lock()
	s.refusing = true
	s.mu.Unlock()
}

// Shutdown refuses new sessions and closes all connections; what waits to be sent
// goes out first. It returns when all have ended, or the error of ctx when ctx
// ends. Call Close afterwards.
func (s *Server) Shutdown(ctx context.Context) error {
	s.StopAccepting()
	if err := s.closeInWaves(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.noteEmptyLocked()
	s.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wavePause is the time between two waves of Shutdown.
const wavePause = 10 * time.Millisecond

// closeInWaves closes all connections in random order, in waves, so that the clients
// do not all come back to another server at the same moment.
func (s *Server) closeInWaves(ctx context.Context) error {
	conns := s.all()
	for _, c := range conns {
		s.hurry(c)
	}
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	span := time.Duration(len(conns)) * time.Second / time.Duration(s.cfg.ShutdownRate)
	if deadline, ok := ctx.Deadline(); ok {
		span = min(span, time.Until(deadline)/2) // the rest is for what waits to be sent
	}
	waves := max(int(span/wavePause), 1)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := range waves {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, c := range conns[i*len(conns)/waves : (i+1)*len(conns)/waves] {
			c.finish(ReasonForcedClose, ErrShutdown, ending{flush: true, code: closeGoingAway})
		}
		timer.Reset(wavePause)
	}
	return nil
}

// hurry gives a session that was closed before, and waits for a poll to say so, as little
// time as one that Shutdown closes: a client that is there polls at once.
func (s *Server) hurry(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	soon := s.now() + int64(shutdownPollTimeout)
	if c.state == stateClosing && c.ws == nil && c.due.at[dueClose] > soon {
		c.setDueLocked(dueClose, soon)
	}
}

// noteEmptyLocked tells Shutdown that the last connection has gone.
func (s *Server) noteEmptyLocked() {
	if s.empty != nil && len(s.conns) == 0 && len(s.leaving) == 0 {
		close(s.empty)
		s.empty = nil
	}
}

func (s *Server) all() []*Conn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	conns := make([]*Conn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

// Close ends all connections, dropping what waits to be sent, and returns when
// nothing of the server runs any more. It may be called more than once; it must
// not be called from a Handler.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.refusing, s.closing = true, true
		s.mu.Unlock()
		for _, c := range s.all() {
			c.finish(ReasonForcedClose, ErrShutdown, ending{code: closeGoingAway})
		}
		for _, c := range s.all() {
			c.closed() // closing already, on polling, waiting for a request
		}
		s.end()
		s.takeovers.Wait()
		s.services.close()
		close(s.closedC)
	})
	<-s.closedC
	return nil
}
