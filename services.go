// SPDX-License-Identifier: MIT

// This file holds services: what all parts of a server use, and what knows none of them.

package socketio

import (
	"sync/atomic"
	"time"

	"socketio/internal/call"
	"socketio/internal/format"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// services are the options of a server and what follows from them, its clock, and its
// log.
type services struct {
	// Immutable after init.
	opts    config
	node    string // the id of this server in a cluster
	format  encoder
	limits4 parser.Limits      // of revision 4, where a namespace has a query
	sampled *telemetry.Sampled // warnings that clients can cause
	base    time.Time          // the origin of now
	waits   joinLimits

	// Safe from anywhere.
	closed    atomic.Bool // nothing can be sent any longer
	socketIDs socketIDs
	overdue   overdueCount
}

// init must be called once, before the others.
func (s *services) init(opts *Options, node string) {
	s.opts, s.base, s.node = withDefaults(opts), time.Now(), node
	s.waits = joinLimits{decide: 50 * time.Millisecond, make: 250 * time.Millisecond, turn: 5 * time.Second}
	s.sampled = telemetry.NewSampled(s.opts.Logger)
	limits := parser.Limits{
		MaxAttachments: s.opts.MaxAttachments,
		// A longer name is unknown, like any other, and answered so.
		MaxNamespace:       s.opts.MaxPayload,
		MaxIncompleteBytes: (s.opts.MaxAttachments + 1) * s.opts.MaxPayload,
		// A larger message may have more of them.
		MaxElements: max(parser.DefaultMaxElements, s.opts.MaxPayload/4),
	}
	s.format = encoder{format.New(s.opts.Codec, limits), s.opts.Logger}
	s.limits4 = limits
	s.limits4.MaxNamespace = maxNamespaceQuery
}

// joinLimits say for how long a CONNECT may delay those that came after it. They are
// answered in the order in which they came, but do not wait for one that a lookup or a
// middleware keeps for longer than these. What is refused at once does not wait for
// lookups and middlewares at all.
type joinLimits struct {
	// decide is for what decides whether a client may join. One that looks something up
	// takes longer; one that decides at once takes much less.
	decide time.Duration
	// make is for the making of a namespace.
	make time.Duration
	// turn is for the rest: a goroutine has to run.
	turn time.Duration
}

// now is the time since the server was made, in nanoseconds.
func (s *services) now() int64 { return int64(time.Since(s.base)) }

// guard calls a function of the application, or of an adapter, whose panic has nobody to
// go to but the log.
func (s *services) guard(what string, fn func()) {
	if p := call.Try(fn); p != nil {
		s.opts.Logger.Error("a handler panicked", "handler", what, "error", telemetry.Error(p.Value), "stack", string(p.Stack))
	}
}

// maxOverdue is how many sockets of a server may have middlewares that run although their
// contexts have ended. Each keeps a goroutine and its client's data.
const maxOverdue = 4096

// An overdueCount counts the sockets whose middlewares ignore that their contexts have
// ended.
type overdueCount struct{ n atomic.Int64 }

func (c *overdueCount) full() bool    { return c.n.Load() >= maxOverdue }
func (c *overdueCount) count(d int64) { c.n.Add(d) }
