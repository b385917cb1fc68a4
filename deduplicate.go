// SPDX-License-Identifier: MIT

// This file holds Deduplication: how an application recognizes events that clients send
// again.

package socketio

// Deduplication recognizes an event that a client sends again, because it did not receive
// the acknowledgement of the first, by a key of the application; see
// Namespace.Deduplicate. A zero field means its default.
type Deduplication struct {
	// Key returns the key of an event, or "" for an event that is not deduplicated. It is
	// called for each event whose client waits for an acknowledgement, before middlewares
	// of the socket and handlers, on the goroutine of the handlers. If it panics, the
	// event is not deduplicated.
	//
	// All clients of the namespace share the keys, and a client that sends a known key is
	// sent the reply to the first event: a key must include what identifies the user, such as
	// a value that a middleware has stored with DataKey, and not only an id that the
	// client has chosen.
	Key func(s *Socket, event string, args Args) string
	// MaxKeys bounds the keys that are kept, with the replies. The oldest are dropped
	// first. Default 65,536.
	MaxKeys int
	// MaxBytes bounds the size of their replies. Default 16 MiB.
	MaxBytes int
}

// Deduplicate makes the namespace handle an event only once, even if a client sends it
// several times: handlers run for the first, and each further one is sent the reply to the
// first, or waits for it while a handler runs. The keys are kept in the memory of this server, also
// after a client has disconnected, up to the bounds of d. A later call replaces d and
// forgets all keys.
//
// It is for clients with the option retries. The browser client of this project needs it
// only without Options.Recovery: it announces that it sends events again, and its socket
// keeps the replies to its last 1024 events, at most 1 MiB. With Options.Recovery they are
// kept with its session.
//
// It panics if d.Key is nil or a bound is negative.
func (ns *Namespace) Deduplicate(d Deduplication) { ns.deduplicate(d) }

// Deduplicate is Namespace.Deduplicate for the namespace "/".
func (s *Server) Deduplicate(d Deduplication) { s.root.Deduplicate(d) }

// Deduplicate is Namespace.Deduplicate for all namespaces of the parent that do not have
// a Deduplication of their own. They share the bounds, and keep their keys apart.
func (p *ParentNamespace) Deduplicate(d Deduplication) { p.deduplicate(d) }

func (h *hooks) deduplicate(d Deduplication) {
	if d.Key == nil {
		panic("socketio: Deduplicate: Key is nil")
	}
	if d.MaxKeys < 0 || d.MaxBytes < 0 {
		panic("socketio: Deduplicate: MaxKeys and MaxBytes must not be negative")
	}
	setDefault(&d.MaxKeys, 65_536)
	setDefault(&d.MaxBytes, 16<<20)
	h.dedup.Store(&deduplication{key: d.Key, window: newKeyed(d.MaxKeys, d.MaxBytes)})
}
