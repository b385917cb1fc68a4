// SPDX-License-Identifier: MIT

// This file holds the options of recovery, and what an application sees of a session.

package socketio

import (
	"time"

	"socketio/adapter"
	"socketio/internal/recovery"
)

// Recovery configures connection state recovery; see Options.Recovery. A zero field means
// its default.
//
// A client that loses its connection, and connects again within Window, continues its
// session: its new Socket has the same ID, Rooms and values by DataKey, and the client is
// sent the events that it has missed. Socket.Recovered reports true, in the client
// socket.recovered. Sessions that end by Disconnect, or by the client's disconnect(),
// can't be continued. Clients of Socket.IO 1 and 2 are not recovered.
//
// Each event that is stored ends with its position, a string that handlers of clients see
// as an additional last argument. Volatile events whose last argument is a string, or that
// have no argument, end with one too. Events with an acknowledgement, and volatile ones,
// are not stored: a client that has missed them does not get them.
//
// Emit returns when the event is stored. If it can't be stored, it is sent nevertheless
// and Emit returns ErrNotStored. If Options.Cluster has a log, Emit returns before: the
// event is sent when the log has stored it, in the order of the log, to the sockets
// selected at that time. If too many events wait for that, Emit returns ErrTooManyWaiting.
//
// A client proves with a secret that a session is its own; the secret is not in
// Handshake.Auth, nor in any log. If a client is not recovered, its CONNECT packet has a
// field "notRecovered", and a RecoveryObserver gets the same reason: unknown_session,
// other_node, expired, bad_offset, log_trimmed, too_much_missed, in_use, identity,
// store_failed or bus_lost.
type Recovery struct {
	// Window is how long after its disconnection a client may come back and continue
	// where it was. Events are kept as long. Default 2 min, as in npm socket.io.
	Window time.Duration
	// Store keeps events and sessions. It belongs to one server, which opens and closes
	// it. The default is the store of Options.Cluster, if that has a log: servers share it,
	// and a client continues its session on any of them. Otherwise it is
	// adapter.NewMemoryStore, which does not outlive the process. Together with a Cluster,
	// a Store may be set only with LocalOnly, and must be in memory.
	Store adapter.Store
	// MaxBytes bounds the size of the events that are kept for all namespaces, and
	// separately that of the sessions of disconnected clients, and that of replies to their
	// events that were still handled. The oldest are dropped
	// first; clients that need a dropped event or session are not recovered. Default
	// 64 MiB.
	MaxBytes int
	// MaxSessions bounds the sessions of disconnected clients that are kept. Those that
	// have ended first are dropped first. Default 100,000.
	MaxSessions int
	// MaxSessionBytes bounds the state of one session, and separately the events that one
	// client is sent when it comes back, and the replies that were added to a session in a
	// durable Store since it was saved. A client beyond it is not recovered. A session beyond
	// it is not kept: its client is told unknown_session, OnSessionExpired is not called, and
	// a warning is logged. Default 1 MiB.
	MaxSessionBytes int
	// LocalOnly allows recovery together with Options.Cluster, on the same server only: a
	// client that comes back to another server is not recovered, for the reason
	// other_node. Events of other servers are kept like this server's own. It needs a
	// Store in memory, and a Cluster whose adapters are adapter.Sharer, as those of
	// package adapter/cluster are. Without it, NewServer panics if a Cluster is set, unless
	// that has a log and Store is nil.
	LocalOnly bool
	// SkipMiddleware skips the middlewares of Use for a client that is recovered, as npm
	// socket.io does by default. A user whose rights were revoked then comes back.
	SkipMiddleware bool
	// MissedFirst sends the missed events before the CONNECT packet, as npm socket.io
	// does. By default they follow it.
	MissedFirst bool
	// SameIdentity, if not nil, decides whether a client may continue an old session: for
	// example, whether the middlewares have found the same user for both. It runs after
	// the middlewares of the new socket, which current describes. If it returns false or
	// panics, the client gets a new session and the old one stays as it is.
	SameIdentity func(old, current SessionInfo) bool
	// OnSessionExpired, if not nil, is called for each session of a disconnected client
	// that ends without being continued: after Window, or when it is dropped for
	// MaxSessions or MaxBytes. It is not called after Disconnect, nor for a session over
	// MaxSessionBytes. With a durable store it
	// may be called again for the same session after a crash. The calls come one at a
	// time. Of servers that share sessions, the one that had the client calls it or, if
	// that has died, another.
	OnSessionExpired func(SessionInfo)
}

// A SessionInfo is the session of a client. Its values are read with DataKey.Get.
type SessionInfo struct {
	ID        string   // of the socket; for a current one, provisional
	Namespace string   // its name
	Rooms     []string // without that of its id
	data      dataMap
}

func (i SessionInfo) dataValue(name string) any { return i.data[name] }

// sessionInfo returns a session as the application sees it.
func sessionInfo(namespace string, s *adapter.Session) SessionInfo {
	info := SessionInfo{ID: s.ID, Namespace: namespace, data: parseData(s.Data)}
	for _, room := range recovery.Rooms(s) {
		if room != s.ID {
			info.Rooms = append(info.Rooms, room)
		}
	}
	return info
}

// linger is how long rooms without members still get the events of other servers.
func (c *config) linger() time.Duration {
	if c.Recovery == nil {
		return 0
	}
	return c.Recovery.Window
}

// A sharer is a Cluster that has a Store which its servers share, or nil.
type sharer interface{ Store() adapter.Store }

// storeOf returns the Store of a Cluster, or nil.
func storeOf(c adapter.Cluster) adapter.Store {
	if s, ok := c.(sharer); ok {
		return s.Store()
	}
	return nil
}

// withRecovery returns the settings of recovery with defaults filled in, or nil if
// recovery is off.
func withRecovery(r *Recovery, cluster adapter.Cluster) *Recovery {
	if r == nil {
		return nil
	}
	c := *r
	setDefault(&c.Window, 2*time.Minute)
	setDefault(&c.MaxBytes, 64<<20)
	setDefault(&c.MaxSessions, 100_000)
	setDefault(&c.MaxSessionBytes, 1<<20)
	if c.Store == nil && !c.LocalOnly {
		c.Store = storeOf(cluster)
	}
	if c.Store == nil {
		c.Store = adapter.NewMemoryStore()
	}
	return &c
}
