// SPDX-License-Identifier: MIT

// This file holds the contract of a bus with a log: events have positions that all nodes
// agree on, and stay readable for clients that come back to another node.

package cluster

import (
	"context"
	"iter"
	"time"

	"socketio/adapter"
)

// A LogBus is a Bus that has a log for each namespace, and keeps sessions. What is
// appended to a log reaches every node, this one too, in one order. Messages that await
// answers, and those of ClassNodes, still go by Publish; the two are not ordered with each
// other. The Receiver given to Open is a LogReceiver. All methods may be called from any
// goroutine.
type LogBus interface {
	Bus
	// OpenLog begins to read the log of a namespace at its present end. It does not wait.
	// The bus calls LogReceiver.LogOpened when it has found the end, and goes on after the
	// entry it has read last when it has lost its connection.
	OpenLog(namespace string)
	// CloseLog is the reverse of OpenLog. Afterwards no method of the LogReceiver is called
	// for the namespace.
	CloseLog(namespace string)
	// Append adds an entry to the log of a namespace. It does not wait for the network. It
	// returns an error if the bus is down, or if too much is waiting to be sent: the entry
	// is not in the log then. token is not 0, and greater than that of the call before in
	// the namespace. The entry comes back by LogReceiver.Entry, with its token: entries of
	// one node in the order of their tokens. Append may retain data, does not call the
	// LogReceiver, and may be called while locks are held. Options.Codec has encoded data
	// for ClassLog.
	Append(namespace string, token uint64, data []byte) error
	// Read ranges over the entries after one number up to another, in order, and skips
	// none. If some of them are no longer stored, the last step has adapter.ErrTrimmed, or
	// another error if they can't be read. Entry.Token may be 0 also for those of this node.
	Read(ctx context.Context, namespace string, after, upTo uint64) iter.Seq2[Entry, error]
	// Position returns the text that clients keep for the number of an entry.
	Position(namespace string, number uint64) string
	// Number is the reverse of Position. ok is false for a text that can't be a position
	// of the namespace. It does not wait, and does not know whether there is such an entry.
	Number(namespace, position string) (number uint64, ok bool)
	// Sessions returns the store of sessions.
	Sessions() Sessions
}

// An Entry is what one Append has added to a log.
type Entry struct {
	// Number is greater than that of each entry before, not necessarily by one.
	Number uint64
	// Time is when it was added, by the clock of the broker; it may be rounded.
	Time time.Time
	// Token is that of Append if this node has appended the entry, otherwise 0.
	Token uint64
	// Data is what was appended. Nobody may change it.
	Data []byte
}

// A LogReceiver is the node that uses a LogBus. Its methods do not block; they may call
// Publish and Append. Those of the log of one namespace are called one at a time; those of
// a Receiver may be called beside them.
type LogReceiver interface {
	Receiver
	// LogOpened is called before the first Entry of a namespace, with a number that is less
	// than those that follow and not less than those before. What this node has appended
	// since OpenLog follows, also if it was in the log before its end was found: the number
	// is less than that of the first such entry. LogOpened is called again if the log
	// was lost or was replaced by another: all positions of before are void then. epoch
	// identifies the log: it has letters, digits, hyphens and underscores, at most 64.
	LogOpened(namespace, epoch string, last uint64)
	// Entry takes the next entry of a log.
	Entry(namespace string, e Entry)
	// Settled is called when all entries that this node has appended with tokens up to
	// this one have come, or never will: those that have not come are not in the log. The
	// bus calls it for entries that it has not sent, or that were under way when its
	// connection was lost: after the Entry of those that have come and before that of later
	// ones.
	Settled(namespace string, token uint64)
	// Gap is called instead of Entry for entries up to a number that can't be read any
	// more, because they were removed before this node had read them. The bus settles the
	// tokens of those that this node has appended.
	Gap(namespace string, upTo uint64)
}

// A BatchLogReceiver is a LogReceiver that can send to a client what several entries cause
// in one write. The nodes of this package are BatchLogReceivers.
type BatchLogReceiver interface {
	LogReceiver
	// EntryMany is Entry, except that it may leave events in the queues of clients until
	// b.Flush. The bus calls that before it waits for more.
	EntryMany(b *adapter.Batch, namespace string, e Entry)
}

// Sessions keeps the sessions of all nodes. The contexts given to its methods have
// deadlines. All methods may be called from any goroutine.
type Sessions interface {
	// Put stores a session whose socket is on the node owner, replacing what is stored. It
	// returns ErrTaken, and stores nothing, if another node owns the session. A session
	// that has ended (Session.Ended is set) is owned until it is taken; owner is then the
	// node that held it last.
	Put(ctx context.Context, namespace, owner string, s *adapter.Session) error
	// Get returns a session and its owner. It returns adapter.ErrNoSession if there is
	// none, or if Expire has taken it. The owner of a session that a server in Node.js has
	// written is "", its Epoch is "", and its end is set: by the engine if need be.
	Get(ctx context.Context, namespace, secret string) (s *adapter.Session, owner string, err error)
	// Take makes the node by the owner of a session and returns it as it was stored, if
	// its owner is from, which may be by, and it has ended; with live, also if it has not.
	// Otherwise it returns ErrTaken. It returns adapter.ErrNoSession if it does not exist, or
	// if Expire has taken it. Of several concurrent callers of other nodes one succeeds.
	Take(ctx context.Context, namespace, secret, by, from string, live bool) (*adapter.Session, error)
	// Drop removes a session that owner owns. For one that does not exist, or that another
	// node owns, it returns nil.
	Drop(ctx context.Context, namespace, secret, owner string) error
	// Owned returns those of the secrets whose sessions owner owns, and Expire has not
	// taken. A node that was frozen asks for its sockets.
	Owned(ctx context.Context, namespace, owner string, secrets []string) ([]string, error)
	// Expire takes, for the node by, at most limit sessions: its own that have ended before
	// a time, and those of owners that alive does not report that have ended before it or,
	// if they have not ended, were stored before it. It calls expired for each, without
	// locks, and removes it after expired has returned. Of several nodes one gets a
	// session, another only if alive no longer reports that one. left reports whether
	// sessions remain, of any owner. alive does not block, and returns false for "". For one
	// node it is not called beside itself: what that has taken at the beginning of a call is
	// left by an earlier one.
	Expire(ctx context.Context, by string, before time.Time, alive func(owner string) bool, limit int, expired func(namespace string, s *adapter.Session)) (left bool, err error)
}

// A ReplySessions is a Sessions that can add to the replies of a session without storing
// the rest of it again; see adapter.ReplyStore.
type ReplySessions interface {
	Sessions
	// AddReplies adds data to the end of Session.Replies of a session that owner owns, and
	// returns when it is stored. Get, Take and Expire return the session with it; Put
	// replaces all replies. It returns ErrTaken if another node owns the session, and
	// adapter.ErrNoSession if that does not exist, has ended, or if Expire has taken it. If
	// it returns another error, the data may be stored, or stored later, also twice. For one
	// session, a node does not call it beside itself or Put. It does not change data.
	AddReplies(ctx context.Context, namespace, owner, secret string, data []byte) error
}

// A Retainer is a Sessions whose broker drops sessions by itself.
type Retainer interface {
	// Retain says how long sessions that have ended are kept at least. It is called once,
	// before all other methods.
	Retain(window time.Duration)
}

// ErrTaken is returned for a session that another node owns.
var ErrTaken = adapter.ErrTaken
