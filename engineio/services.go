// SPDX-License-Identifier: MIT

// This file holds what connections share with the end that owns them, and what they
// ask of it. A Conn knows no Server.

package engineio

import (
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"socketio/internal/intern"
	"socketio/internal/netpoll"
	"socketio/internal/telemetry"
	"socketio/internal/ws"
)

// names are what the log lines of an end call the others, and its options.
type names struct {
	peer    string // as a subject: "a client"
	sends   string // what a message of the peer is: "a message"
	options string // the type whose fields are the bounds of queues and times
	payload string // the option that bounds a message
}

func (s *services) names() names {
	if s.dials {
		return names{peer: "the server", sends: "a message of the server", options: "engineio.DialerOptions", payload: "engineio.DialerOptions.MaxPayload"}
	}
	return names{peer: "a client", sends: "a message", options: "engineio.Options", payload: "Options.MaxPayload"}
}

// services are shared by the connections of one end. They are immutable once the first
// connection exists, except the counters.
type services struct {
	limits   limits
	dials    bool      // a Dialer's
	base     time.Time // the origin of now
	tick     time.Duration
	log      *slog.Logger
	sampled  *telemetry.Sampled // warnings that peers can cause
	obs      observers
	packets  packetLog
	deflate  *ws.Deflate // nil if messages are not compressed
	wsConfig ws.Config
	constants
	texts    intern.Table // of the requests of clients
	backlogs backlogs

	poller   netpoll.Driver // nil without event loops
	portable *netpoll.Goroutines

	// Atomic; safe from anywhere.
	lastNumber atomic.Uint64  // of a Conn
	background sync.WaitGroup // messages being inflated, the budget being kept
	budget     budget
	reserve    reserve
}

// constants are messages that are always the same.
type constants struct {
	pingMessage, pongMessage, probeMessage, noopMessage *Message
}

func newConstants() constants {
	return constants{
		pingMessage:  packetMsg(packetPing, ""),
		pongMessage:  packetMsg(packetPong, ""),
		probeMessage: packetMsg(packetPong, "probe"),
		noopMessage:  packetMsg(packetNoop, ""),
	}
}

// init sets the fields that the limits determine. The end sets the rest.
func (s *services) init(l limits, log *slog.Logger) {
	s.limits, s.log = l, log
	s.tick = tickFor(l.pingTimeout)
	s.base = time.Now().Add(-s.tick) // so that now is never 0, and ticks are those of the wheels
	s.sampled = telemetry.NewSampled(log)
	s.constants = newConstants()
	s.portable = netpoll.NewGoroutines()
	s.wsConfig = ws.Config{MaxMessage: l.maxPayload, MaxFragments: maxFragments(l.maxPayload), UncheckedOver: MaxInlineUTF8}
}

// openPoller creates the event-loop driver, if the options ask for it.
func (s *services) openPoller(d Driver) {
	if d == DriverGoroutine {
		return
	}
	var err error
	if s.poller, err = netpoll.NewPoller(runtime.GOMAXPROCS(0)); err != nil && d == DriverPoll {
		s.log.Warn("no event loops; each connection gets a goroutine", "error", telemetry.Error(err))
	}
}

// attach passes a connection to a driver that accepts it. It reports whether writes of
// that driver block.
func (s *services) attach(nc net.Conn, h netpoll.Handler) (c netpoll.Conn, waits bool) {
	if d, ok := nc.(netpoll.Driven); ok {
		return d.Drive(h), false
	}
	if s.poller != nil {
		if c, err := s.poller.Attach(nc, h); err == nil {
			return c, false
		}
	}
	return s.portable.Attach(nc, h), true
}

// close ends the goroutines that served connections, which have been closed.
func (s *services) close() {
	if s.poller != nil {
		s.poller.Close(netpoll.LingerTimeout)
	}
	s.portable.Close(netpoll.LingerTimeout)
	s.background.Wait()
	s.reserve.close()
}

// maxFragments is the maximum number of frames of a message: many clients send frames of
// a few KiB, none sends frames smaller than 256 bytes on average.
func maxFragments(maxPayload int) int { return max(4096, maxPayload/256) }

// now returns the time since the end was created, in nanoseconds.
func (s *services) now() int64 { return int64(time.Since(s.base)) }

// tickFor returns the resolution of the deadlines.
func tickFor(pingTimeout time.Duration) time.Duration {
	return min(max(pingTimeout/100, time.Millisecond), 50*time.Millisecond)
}

// guard calls a function of the application. A panic is logged and stops there, except that
// http.ErrAbortHandler is not logged, as in net/http: a response is aborted on purpose.
func (s *services) guard(what string, f func()) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			s.log.Error("panic in "+what, "error", telemetry.Error(v), "stack", string(debug.Stack()))
		}
	}()
	f()
}
