// SPDX-License-Identifier: MIT

// This file counts the messages that were lost.

package natsadapter

import (
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// markEvery is the time between two marks.
const markEvery = 100 * time.Millisecond

// losses count the messages that nats.go has taken and that NATS may not have. NATS
// handles those of a connection in order, so when a mark comes back, a message of this
// server to itself, it has all that were sent before.
type losses struct {
	subject string // the beginning of the subject of marks

	mu     sync.Mutex // guards the fields below
	sent   uint64     // messages
	known  uint64     // of these, those that NATS has, or that are counted in lost
	marked uint64     // the latest mark: the number of messages before it
	lost   uint64
}

// sending counts a message that is about to be sent. It is called before, since the
// connection may end meanwhile.
func (l *losses) sending() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
}

// notSent takes the latest message back: it is sent later.
func (l *losses) notSent() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent--; l.known > l.sent { // the connection has ended meanwhile
		l.known--
		l.lost--
	}
}

// mark returns a mark to send, or nil if there is nothing new to know.
func (l *losses) mark() *nats.Msg {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marked == l.sent {
		return nil
	}
	l.marked = l.sent
	return &nats.Msg{Subject: l.subject + strconv.FormatUint(l.sent, 10)}
}

// cameBack records that a mark has come back.
func (l *losses) cameBack(number string) {
	n, err := strconv.ParseUint(number, 10, 64)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && n <= l.sent {
		l.known = max(l.known, n)
	}
}

// allCame records that NATS has all messages.
func (l *losses) allCame() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = l.sent
}

// disconnected records that the connection has ended: what NATS is not known to have
// counts as lost.
func (l *losses) disconnected() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost += l.sent - l.known
	l.known, l.marked = l.sent, l.sent
}

// lose counts messages that NATS has refused, or that this server could not take.
func (l *losses) lose(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost += n
}

func (l *losses) count() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}
