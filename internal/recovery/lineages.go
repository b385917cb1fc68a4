// SPDX-License-Identifier: MIT

// This file holds Lineages: sessions by their secret, while a client is connected or
// continues one.

package recovery

import (
	"socketio/adapter"
	"socketio/internal/lock"
)

// Lineages are the sessions of a namespace that have a socket S, or that a client
// continues at this moment. Its zero value is empty. All methods may be called from any
// goroutine. None blocks.
type Lineages[S any] struct {
	mu  lock.Mutex // guards the field below, and those of the lineages
	all map[string]*entry[S]
}

// An entry is a Lineage in a table.
type entry[S any] struct {
	*Lineage
	socket *S // nil when it has ended
}

// A Lineage is a session that goes on over several connections, under one secret.
//
//	live ──Claim──► live and claimed ──Close──► ended and claimed ──Resume──► live
//	live ──Close──► gone
//	ended and claimed ──Drop──► gone
type Lineage struct {
	secret  string
	claimed bool             // a client continues it
	next    chan bool        // of the client that waits for its turn, or nil
	final   *adapter.Session // when it has ended; nil if it can't be continued
	stored  bool             // the store has final
	over    chan struct{}    // closed when it has ended
}

// Begin adds a new session with a socket.
func (t *Lineages[S]) Begin(secret string, s *S) *Lineage {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.addLocked(&Lineage{secret: secret, over: make(chan struct{})}, s)
}

func (t *Lineages[S]) addLocked(l *Lineage, s *S) *Lineage {
	if t.all == nil {
		t.all = make(map[string]*entry[S])
	}
	t.all[l.secret] = &entry[S]{l, s}
	return l
}

// Claim claims a session for one client. If another client has claimed it, l is nil, and
// next is sent true when that one gives it back or its socket ends; false when one more
// client waits instead. known is false if the session is new here; the caller then calls
// Found or Drop.
func (t *Lineages[S]) Claim(secret string) (l *Lineage, known bool, next <-chan bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.all[secret]
	switch {
	case e == nil:
		l = &Lineage{secret: secret, claimed: true, over: make(chan struct{})}
		close(l.over)
		return t.addLocked(l, nil), false, nil
	case e.claimed:
		e.turn(false)
		e.next = make(chan bool, 1)
		return nil, true, e.next
	}
	e.claimed = true
	return e.Lineage, true, nil
}

// turn tells the client that waits whether its turn has come.
func (l *Lineage) turn(come bool) {
	if l.next != nil {
		l.next <- come
		l.next = nil
	}
}

// Live returns the socket of a session, or nil.
func (t *Lineages[S]) Live(secret string) *S {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.all[secret]; e != nil {
		return e.socket
	}
	return nil
}

// Found sets the state of a claimed session that was taken out of the store.
func (t *Lineages[S]) Found(l *Lineage, s *adapter.Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.final = s
}

// State returns the socket of a session, or its state if it has ended, which is nil if the
// session can't be continued. stored reports whether the store has that state too.
func (t *Lineages[S]) State(l *Lineage) (live *S, final *adapter.Session, stored bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.socketLocked(l), l.final, l.stored
}

func (t *Lineages[S]) socketLocked(l *Lineage) *S {
	if e := t.all[l.secret]; e != nil && e.Lineage == l {
		return e.socket
	}
	return nil
}

// Over is closed when the socket of a claimed session has ended.
func (t *Lineages[S]) Over(l *Lineage) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.over
}

// Taken records that the store no longer has the state of a session.
func (t *Lineages[S]) Taken(l *Lineage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.stored = false
}

// Claimed reports whether a client continues the session.
func (t *Lineages[S]) Claimed(l *Lineage) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.claimed
}

// Close ends the socket of a session. final is nil if the session can't be continued;
// otherwise stored reports whether the store has it. Close returns false, and does
// nothing, if the store has to have it because nobody claims it.
func (t *Lineages[S]) Close(l *Lineage, final *adapter.Session, stored bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if final != nil && !l.claimed && !stored {
		return false
	}
	l.final, l.stored = final, stored
	close(l.over)
	if !l.claimed || final == nil {
		t.dropLocked(l)
	} else {
		t.all[l.secret].socket = nil
	}
	return true
}

// Resume gives a claimed session its new socket.
func (t *Lineages[S]) Resume(l *Lineage, s *S) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.claimed, l.final, l.stored, l.over = false, nil, false, make(chan struct{})
	t.all[l.secret].socket = s
}

// Release gives back a claimed session. If it has ended in the meantime, Release returns
// its state: the caller stores it, if it is not nil, and calls Drop.
func (t *Lineages[S]) Release(l *Lineage) (final *adapter.Session, ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.socketLocked(l) != nil {
		l.claimed = false
		l.turn(true)
		return nil, false
	}
	return l.final, true
}

// Drop forgets a session that has ended.
func (t *Lineages[S]) Drop(l *Lineage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropLocked(l)
}

func (t *Lineages[S]) dropLocked(l *Lineage) {
	if e := t.all[l.secret]; e != nil && e.Lineage == l {
		delete(t.all, l.secret)
		l.turn(true)
	}
}

// Sockets returns the sockets of all sessions.
func (t *Lineages[S]) Sockets() (sockets []*S) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.all {
		if e.socket != nil {
			sockets = append(sockets, e.socket)
		}
	}
	return sockets
}
