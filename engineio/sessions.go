// SPDX-License-Identifier: MIT

// This file holds the table of sessions: which are admitted, how they are found, and how
// they leave.

package engineio

import (
	"slices"
	"sync"
	"time"

	"socketio/internal/idtable"
	"socketio/internal/lock"
)

// sessions are the connections of a Server. It is their owner. All methods may be called
// from any goroutine.
type sessions struct {
	// Immutable.
	svc            *services
	maxConnections int // 0 means no bound
	maxPending     int // 0 means no bound

	// Safe from anywhere.
	passing   passing
	strays    strays
	mutes     mutes
	takeovers sync.WaitGroup // requests inside serveWebSocket and ServeStream; none begins after closing

	mu      lock.RWMutex // guards the fields below; taken before that of passing
	conns   *idtable.Table[*Conn]
	pending pendings           // used if there is a bound
	leaving map[*Conn]struct{} // closing, with pending output

	outliving      map[*Conn]int // ended, with work of the Handler going on, and the bytes kept for it
	outlivingBytes int64

	opening  int           // streams that have not said which session they are for
	refusing bool          // no new sessions
	closing  bool          // no new WebSockets and streams
	empty    chan struct{} // closed when conns and leaving are empty; nil unless Shutdown waits
}

func newSessions(svc *services, maxConnections, maxPending int, streams bool) *sessions {
	s := &sessions{
		svc:            svc,
		maxConnections: maxConnections,
		maxPending:     maxPending,

		conns:     idtable.New[*Conn](),
		leaving:   make(map[*Conn]struct{}),
		outliving: make(map[*Conn]int),
	}
	s.strays.sampled, s.mutes.sampled = svc.sampled, svc.sampled
	if streams {
		s.passing.sessions = make(map[string]int)
	}
	return s
}

func (s *sessions) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conns.Len()
}

func (s *sessions) lookup(sid string) *Conn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conns.Get(sid)
}

func (s *sessions) all() []*Conn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.AppendSeq(make([]*Conn, 0, s.conns.Len()), s.conns.All())
}

// maxOutliving is how many connections that have ended may have work going on before
// new ones are rejected.
const maxOutliving = 50_000

// admit registers a new connection, if there is room and its id is free.
func (s *sessions) admit(c *Conn) *requestError {
	s.mu.Lock()
	budget := s.svc.budget.limit
	if s.refusing || s.maxConnections > 0 && s.conns.Len()+len(s.outliving) >= s.maxConnections ||
		len(s.outliving) >= maxOutliving || budget > 0 && s.outlivingBytes >= budget {
		s.mu.Unlock()
		return unavailable()
	}
	if !s.conns.Put(c) {
		s.mu.Unlock()
		s.svc.log.Error("a session was rejected: Options.GenerateID made an id that is in use")
		return refuseFor(CauseSessionID, codeBadRequest, "the session id is in use")
	}
	s.passing.begin(c.passed.Load())
	var oldest *Conn
	if s.maxPending > 0 {
		if s.pending.n >= s.maxPending {
			oldest = s.pending.oldest()
			s.pending.remove(oldest)
		}
		s.pending.add(c)
	}
	s.mu.Unlock()
	if oldest != nil {
		oldest.finish(ReasonTransportError, errPending, ending{code: closePolicy, text: "too many pending connections"})
	}
	return nil
}

// takeOver admits a takeover, which must end with takeovers.Done. It reports false
// once the server closes.
func (s *sessions) takeOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.takeovers.Add(1)
	}
	return !s.closing
}

// beginOpening counts a stream that has not sent its first packet. There may be as many
// as pending sessions. It reports false for one more.
func (s *sessions) beginOpening() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.maxPending > 0 && s.opening >= s.maxPending {
		return false
	}
	s.opening++
	return true
}

func (s *sessions) endOpening() {
	s.mu.Lock()
	s.opening--
	s.mu.Unlock()
}

// hearPOST notes that a POST of a session has arrived, whether it is accepted or not.
func (s *sessions) hearPOST(sid string) {
	if c := s.lookup(sid); c != nil {
		c.flags.set(hadPOST, true)
		s.mutes.hear()
	}
}

// established implements owner.
func (s *sessions) established(c *Conn) {
	if s.maxPending <= 0 {
		return
	}
	s.mu.Lock()
	s.pending.remove(c)
	s.mu.Unlock()
}

// pendings are the pending connections, which have the flag isPending, the oldest first. A
// connection that is pending no longer keeps its place until half of all places are such.
type pendings struct {
	conns []*Conn
	n     int // of those in conns that are pending
}

func (p *pendings) add(c *Conn) {
	p.conns = append(p.conns, c)
	p.n++
	c.flags.set(isPending, true)
}

// remove removes a connection, if it is there.
func (p *pendings) remove(c *Conn) {
	if !c.flags.has(isPending) {
		return
	}
	c.flags.set(isPending, false)
	p.n--
	if len(p.conns) >= 2*p.n {
		p.conns = slices.DeleteFunc(p.conns, func(c *Conn) bool { return !c.flags.has(isPending) })
	}
}

// oldest returns the oldest pending connection. There is one.
func (p *pendings) oldest() *Conn {
	for !p.conns[0].flags.has(isPending) {
		p.conns[0] = nil
		p.conns = p.conns[1:]
	}
	return p.conns[0]
}

// outlive implements owner.
func (s *sessions) outlive(c *Conn, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outliving[c] = bytes
	s.outlivingBytes += int64(bytes)
}

// settled implements owner.
func (s *sessions) settled(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outlivingBytes -= int64(s.outliving[c])
	delete(s.outliving, c)
}

// forget implements owner.
func (s *sessions) forget(c *Conn) {
	s.upgraded(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns.Delete(c) // another session may have the id by now
	s.pending.remove(c)
	delete(s.leaving, c)
	s.noteEmptyLocked()
}

// retire implements owner.
func (s *sessions) retire(c *Conn) {
	s.upgraded(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns.Delete(c) { // it may be gone already
		s.pending.remove(c)
		s.leaving[c] = struct{}{}
	}
}

// upgraded implements owner. The connection no longer polls, so it passes nothing on.
func (s *sessions) upgraded(c *Conn) {
	s.passing.end(c.passed.Swap(nil))
}

// unheard implements owner.
func (s *sessions) unheard(why CloseReason, err error, flush bool) {
	s.mutes.unheard(why, err, flush)
}

// closeWait implements owner: it is how long a closed polling session waits for a poll
// that can tell the client, or that carries what is queued.
func (s *sessions) closeWait(queued bool) time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case !s.refusing:
		return pollCloseTimeout
	case queued: // a slow client or network may need a while between two polls
		return closeTimeout
	}
	return shutdownPollTimeout
}

// inBackground implements owner: it admits a goroutine, which must end with
// background.Done. It reports false once the server closes.
func (s *sessions) inBackground() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closing { // else Close empties all
		s.svc.background.Add(1)
	}
	return !s.closing
}

func (s *sessions) stopAccepting() {
	s.mu.Lock()
	s.refusing = true
	s.mu.Unlock()
}

// beginClose is stopAccepting, for WebSockets and streams of open sessions too.
func (s *sessions) beginClose() {
	s.mu.Lock()
	s.refusing, s.closing = true, true
	s.mu.Unlock()
}

// awaitEmpty returns a channel that is closed when the last connection has gone.
func (s *sessions) awaitEmpty() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.noteEmptyLocked()
	return empty
}

// left returns the number of connections that have not ended.
func (s *sessions) left() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.conns.Len() + len(s.leaving)
}

// noteEmptyLocked closes the channel of awaitEmpty when the last connection has gone.
func (s *sessions) noteEmptyLocked() {
	if s.empty != nil && s.conns.Len() == 0 && len(s.leaving) == 0 {
		close(s.empty)
		s.empty = nil
	}
}
