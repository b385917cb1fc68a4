// SPDX-License-Identifier: MIT

// This file holds Store, the contract for what recovery keeps: the events of a namespace
// with their positions, and the sessions of clients that may come back.

package adapter

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"
	"time"
)

// A Store keeps events and sessions for recovery. It belongs to one server. NewMemoryStore
// returns one that lives as long as its process. All methods may be called from any
// goroutine, except Open and Close, which are called once each. The contexts given to
// methods have deadlines, except that of Close. RunStore of package adaptertest tests a
// Store, and its Disk is one that fails when a test says so.
type Store interface {
	// Open is called before all other methods. It must not wait for the network. If the
	// Store has live sessions (Session.Ended is zero) of a server that did not end them,
	// it ends them now. If Open returns an error, the server logs it, recovers nothing, and
	// calls no other method.
	Open(n Node, r Retention) error
	// Durable reports whether sessions can outlive the process. Sessions are then saved
	// while their sockets live: before the client knows its session, and after each change
	// of rooms or data. Otherwise they are saved when the socket has ended.
	Durable() bool
	// Log returns the log of a namespace. It is called when the namespace is created, which
	// may happen again after Log.Close; the events are still there then. If it returns an error,
	// the server logs it, and recovers no clients of the namespace until it is created again.
	Log(namespace string) (Log, error)

	// Save stores a session, replacing an earlier one with the same secret in the
	// namespace. It returns when the session is stored. It may retain s, which the caller
	// does not change. If the sessions exceed a bound of Retention, those that have ended
	// first are dropped; Expire reports them.
	Save(ctx context.Context, namespace string, s *Session) error
	// Take returns the session with the given secret, which nobody can take again then. Of
	// several concurrent callers, on any server, one receives it; the others get
	// ErrNoSession. The caller must not change it. It saves the session again, or drops it.
	// If its process ends before, a durable Store has the session as it was when it is
	// opened again.
	Take(ctx context.Context, namespace, secret string) (*Session, error)
	// Drop removes a session, also one that was taken. It is not reported by Expire. For a
	// session that does not exist it returns nil.
	Drop(ctx context.Context, namespace, secret string) error
	// Expire drops the events stored before a time and the sessions that have ended before
	// it. It calls expired for these sessions and for those dropped by a bound, without
	// locks. A session can't be taken once expired is called for it, and is removed after
	// expired has returned: a durable Store may report it again after a crash. left reports
	// whether events, or sessions that have ended, remain. It is not called beside itself.
	Expire(ctx context.Context, before time.Time, expired func(namespace string, s *Session)) (left bool, err error)

	// Close is called after all Logs have been closed. It stores what is not stored yet,
	// unless ctx ends. Calls of other methods that wait return ErrStoreClosed.
	Close(ctx context.Context) error
}

// A ReplyStore is a Store that can add to the replies of a session, without storing the
// rest of it again. A server uses it before each reply to a client that may send its
// events again.
type ReplyStore interface {
	Store
	// AddReplies adds data to the end of Session.Replies of a session that was saved while
	// its socket was connected, and returns when it is stored. Take and Expire return the
	// session with it, and its size counts when the session has ended. Save replaces all
	// replies. It returns ErrNoSession for a session that does not exist, has ended or was
	// taken; a SharedStore returns ErrTaken if another server has the session. It may retain
	// data, which the caller does not change. For one session, it is not called beside itself
	// or Save.
	AddReplies(ctx context.Context, namespace, secret string, data []byte) error
}

// Retention says how much a Store keeps. A Store drops the oldest first.
type Retention struct {
	// Window is how long events are kept at least, and sessions after their end, unless a
	// bound below is reached.
	Window time.Duration
	// MaxBytes bounds the size of the events, and separately that of the sessions that have
	// ended, as returned by their Size methods. Sessions of connected clients do not count,
	// so that these do not end those of others: the server bounds what is added to each.
	MaxBytes int
	// MaxSessions bounds the sessions that have ended.
	MaxSessions int
}

// A Log is the events of a namespace, numbered from 1 in the order of their positions. All
// methods may be called from any goroutine.
type Log interface {
	// Epoch identifies the numbering: random, of 8 to 32 letters, digits, hyphens and
	// underscores. It is constant. A Log whose numbering starts again has another.
	Epoch() string
	// Last returns the number of the latest event that was delivered, or 0.
	Last() uint64
	// Append stores an event under the next number. Then it calls r.Deliver, and returns
	// after Deliver has returned. If it returns an error, it has not called Deliver and the
	// event is not in the log. Deliver is called for one record at a time, in the order of
	// the numbers, from any goroutine. It does not block. It must not be called with a lock
	// held that another method of the Log needs. Append may wait for a disk or the network,
	// and returns an error rather than wait longer than 10 s: Emit waits for it. Calls of
	// one goroutine are numbered in their order. Append may retain r.Event, r.Target and
	// r.Flags. After Close it returns ErrStoreClosed.
	Append(r *Record) error
	// Since ranges over the events after one number up to another, in order, and skips
	// none. If some of them are no longer stored, the last step has ErrTrimmed, or another
	// error if they can't be read. The caller must not change the events.
	Since(ctx context.Context, after, upTo uint64) iter.Seq2[KeptEvent, error]
	// MarkLost records that an event which the Log does not have was sent after the one
	// with the given number. It is called after an Append that has failed, and again later
	// until it returns nil.
	MarkLost(after uint64) error
	// Lost returns the largest number that was given to MarkLost. ok is false if there is
	// none. A durable Store keeps it as long as the Epoch.
	Lost() (after uint64, ok bool)
	// Close is called when the namespace ends.
	Close() error
}

// A Record is an event on its way into a Log.
type Record struct {
	KeptEvent // without Number and Time, which the Log sets
	// Deliver sends the event to the members of this node.
	Deliver func(number uint64)
}

// A KeptEvent is an event of a Log.
type KeptEvent struct {
	Number uint64
	Time   time.Time // when it was stored; a Log may round it to seconds
	Event  Payload
	Flags  Flags
	Target Target
	// Socket is the id of the only recipient of an event emitted to one socket; Target is
	// then empty.
	Socket string
}

// Size is the size of the event for Retention.MaxBytes: that of its texts and bytes, and
// 256 for the rest.
func (e *KeptEvent) Size() int {
	n := 256 + len(e.Event.JSON) + len(e.Socket) + len(e.Target.Sender) + len(e.Flags.Conflate)
	for _, a := range e.Event.Attachments {
		n += len(a)
	}
	for _, names := range [][]string{e.Target.Rooms, e.Target.Except} {
		for _, name := range names {
			n += 16 + len(name)
		}
	}
	return n
}

var (
	// ErrNoSession is returned by Store.Take for a session that is unknown, has expired,
	// or was taken before.
	ErrNoSession = errors.New("adapter: no such session")
	// ErrTrimmed is the error of Log.Since for events that are no longer stored.
	ErrTrimmed = errors.New("adapter: the log no longer has these events")
	// ErrStoreClosed is returned by a Store after Close.
	ErrStoreClosed = errors.New("adapter: the store is closed")
)

// A Session is the state of a socket whose client may reconnect. Its numbers are those of
// the events in the log of its namespace.
type Session struct {
	ID     string // of the socket
	Secret string // presented by the client when it reconnects; never logged
	Rooms  []Membership
	Data   []byte // a JSON object; see MemberInfo
	// Epoch is the Log.Epoch of the numbers below.
	Epoch string
	// Start is the number of the last event before the session.
	Start uint64
	// Last is the number of the latest event queued for the client, at least Start.
	Last uint64
	// Checked is a number up to which no event after Last was meant for the client.
	Checked uint64
	// Floor is a number up to which memberships that ended are missing in Rooms, or 0.
	Floor uint64
	// Lost is 0, or a number that the client must have received to continue the session: an
	// event before it was delivered, and is not in the log.
	Lost uint64
	// Stale is the position, not of Epoch, that the client presented when the session
	// began, or "".
	Stale string
	// Nonce distinguishes clients that present the same Secret, or is "". Replies are the
	// replies to events that the client may send again. Neither means anything to a Store.
	Nonce   string
	Replies []byte
	// Ended is when the client disconnected, or zero while it is connected.
	Ended time.Time
}

// A Membership is a time in a room: the events numbered above From, up to To.
type Membership struct {
	Room string
	From uint64
	To   uint64 // 0 if the session is still in the room
}

// Size is the size of the session for Retention.MaxBytes: that of its texts, and 256 for
// the rest.
func (s *Session) Size() int {
	n := 256 + len(s.ID) + len(s.Secret) + len(s.Data) + len(s.Epoch) + len(s.Stale) + len(s.Nonce) + len(s.Replies)
	for _, m := range s.Rooms {
		n += 32 + len(m.Room)
	}
	return n
}

// Position returns the text that clients keep for a number of a Log.
func Position(epoch string, number uint64) string {
	return epoch + "." + strconv.FormatUint(number, 36)
}

// ParsePosition is the reverse of Position. ok is false for a text that Position does not
// return.
func ParsePosition(text string) (epoch string, number uint64, ok bool) {
	epoch, digits, ok := strings.Cut(text, ".")
	if !ok || epoch == "" {
		return "", 0, false
	}
	number, err := strconv.ParseUint(digits, 36, 64)
	if err != nil || Position(epoch, number) != text {
		return "", 0, false
	}
	return epoch, number, true
}
