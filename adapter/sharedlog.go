// SPDX-License-Identifier: MIT

// This file holds SharedLog, the contract of a Log that all servers of a cluster have.

package adapter

import (
	"context"
	"errors"
)

// A SharedLog is a Log that all servers of a cluster share: a client may come back to
// another server. Its numbers grow, but not by one. An event gets its number when the log
// has stored it, some time after Share has returned; then it is delivered on each server,
// in one order. Log.Append returns an error. Last is the number up to which this server
// has read. Epoch may change: the log was replaced by another. All methods may be called
// from any goroutine.
type SharedLog interface {
	Log
	// Follow sets who takes what is read. It is called once, before the Adapter of the
	// namespace is made.
	Follow(r LogReader)
	// Share adds an event to the log, without its Number and Time. It does not wait. If
	// the event may reach the log, it calls queued before, with a token: a number greater
	// than that of the call before. LogReader.Own gets the token. queued must not block,
	// and is called with a lock held. An error means that the event is not in the log; it
	// may have been queued.
	Share(e *KeptEvent, queued func(token uint64)) error
	// CatchUp waits until this server has read up to a number. It waits for a bounded time
	// at most.
	CatchUp(ctx context.Context, number uint64) error
	// Position returns the text that clients keep for a number.
	Position(number uint64) string
	// Number is the reverse of Position. ok is false for a text that can't be a position.
	Number(position string) (number uint64, ok bool)
}

// A LogReader takes what a server reads from a SharedLog. Its methods are called one at a
// time, in the order of the log. They do not block.
type LogReader interface {
	// Opened is called before all other methods, with a number that is less than those
	// that follow. It is called again if the log was replaced by another.
	Opened(epoch string, last uint64)
	// Own takes an event of this server.
	Own(token, number uint64)
	// Foreign takes an event of another server, and returns the number of recipients.
	// members is Memory.Members. b, if not nil, allows it to leave the event in the queues
	// of the recipients until b.Flush.
	Foreign(e *KeptEvent, members func(Target) []Member, b *Batch) int
	// Passed takes an entry that is not an event for this namespace's sockets.
	Passed(number uint64)
	// Settled is called when events of this server with tokens up to this one that have
	// not come are not in the log.
	Settled(token uint64)
	// Gap takes the number up to which events were removed before this server has read
	// them.
	Gap(upTo uint64)
	// Lost takes what MarkLost was given on another server.
	Lost(after uint64)
}

var (
	// ErrLost is the error of Log.Since of a SharedLog if a server has delivered events in
	// between that are not in the log.
	ErrLost = errors.New("adapter: events were delivered that are not in the log")
	// ErrBehind is returned by SharedLog.CatchUp if this server has not read up to the
	// number in time.
	ErrBehind = errors.New("adapter: this server has not read the log up to there")
)
