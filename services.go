// SPDX-License-Identifier: MIT

// This file holds services, which all parts of a server use and which knows none of them.

package socketio

import (
	"context"
	"sync/atomic"
	"time"

	"socketio/internal/call"
	"socketio/internal/format"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// services are the options of a server and everything derived from them, its clock, and
// its log.
type services struct {
	// Immutable after init.
	opts    config
	node    string // id of this server in a cluster
	format  encoder
	limits4 parser.Limits      // of revision 4, where a namespace may have a query
	sampled *telemetry.Sampled // warnings that clients can cause
	base    time.Time          // the origin of now
	waits   joinLimits
	batches bool // members of a broadcast use its Batch

	// Immutable after NewServer. It is nil unless other servers may take sessions.
	gate gate

	// Safe from anywhere.
	closed    atomic.Bool // nothing can be sent
	socketIDs socketIDs
	overdue   overdueCount
}

// init must be called once, before the other methods.
func (s *services) init(opts *Options, node string) {
	s.opts, s.base, s.node = withDefaults(opts), time.Now(), node
	s.waits = joinLimits{decide: 50 * time.Millisecond, make: 250 * time.Millisecond, turn: 5 * time.Second}
	s.batches = s.opts.batching()
	s.sampled = telemetry.NewSampled(s.opts.Logger)
	limits := parser.Limits{
		MaxAttachments: s.opts.MaxAttachments,
		// A longer name is answered like any unknown name.
		MaxNamespace:       s.opts.MaxPayload,
		MaxIncompleteBytes: (s.opts.MaxAttachments + 1) * s.opts.MaxPayload,
		// A larger message may have more elements.
		MaxElements: max(parser.DefaultMaxElements, s.opts.MaxPayload/4),
	}
	s.format = encoder{format.New(s.opts.Codec, limits), s.opts.Logger}
	s.limits4 = limits
	s.limits4.MaxNamespace = maxNamespaceQuery
}

// joinLimits are how long a CONNECT may delay later ones. CONNECTs are answered in the
// order of arrival, but do not wait longer than this for one that a lookup or a
// middleware delays. A CONNECT that is rejected at once does not wait for lookups and
// middlewares at all.
type joinLimits struct {
	// decide is the limit for the decision whether a client may join. A decision that
	// looks something up takes longer; any other takes much less.
	decide time.Duration
	// make is the limit for creating a namespace.
	make time.Duration
	// turn is the limit for the rest: a goroutine must run.
	turn time.Duration
}

// A gate is closed while other servers may take the sessions of this one for those of a
// dead server; see adapter.SharedStore. Lapsed is called for each message.
type gate interface {
	Lapsed() bool
	Await(ctx context.Context) error
}

// now returns the time since the server was created, in nanoseconds.
func (s *services) now() int64 { return int64(time.Since(s.base)) }

// guard calls a function of the application or of an adapter. A panic is logged, since it
// has no other receiver.
func (s *services) guard(what string, fn func()) {
	if p := call.Try(fn); p != nil {
		s.opts.Logger.Error("a handler panicked", "handler", what, "error", telemetry.Error(p.Value), "stack", string(p.Stack))
	}
}

// maxOverdue is the number of sockets of a server whose middlewares may run although
// their contexts have ended. Each holds a goroutine and the data of its client.
const maxOverdue = 4096

// An overdueCount counts the sockets whose middlewares ignore the end of their contexts.
type overdueCount struct{ n atomic.Int64 }

func (c *overdueCount) full() bool    { return c.n.Load() >= maxOverdue }
func (c *overdueCount) count(d int64) { c.n.Add(d) }
