// SPDX-License-Identifier: MIT

// This file holds what all namespaces of a node share.

package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// services are what the namespaces of a node share. The fields are constant after Open,
// except those below mu.
type services struct {
	opts     Options
	bus      Bus
	node     adapter.Node
	log      *slog.Logger
	uid      string // From in messages
	name     string // for people
	members  *members
	health   *health
	pending  *pending
	counter  counter
	reporter *reporter

	answering chan struct{} // one token for each request that is being answered
	ctx       context.Context
	cancel    context.CancelFunc
	work      sync.WaitGroup // all goroutines of the node; none starts after Close

	mu     sync.RWMutex // guards the fields below
	spaces map[string]namespace
	closed bool
}

// A namespace receives the messages of its channels.
type namespace interface {
	// wants reports whether a message of a channel may have receivers.
	wants(c Channel) bool
	handle(c Channel, m *nodewire.Message)
	// hello asks the other nodes whether they have the namespace.
	hello()
}

// newUID returns 16 random hexadecimal digits, as identifiers have in Node.js.
func newUID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// publish encodes m as a message of this node and publishes it.
func (s *services) publish(c Channel, m *nodewire.Message) error {
	m.From, m.Namespace, m.Go = s.uid, c.Namespace, true
	data, err := s.opts.Codec.Append(nil, c, m)
	if err == nil && len(data) > s.opts.MaxMessage {
		err = ErrTooLarge
	}
	if err == nil {
		err = s.bus.Publish(c, data)
	}
	if err != nil {
		s.counter.failed.Add(1)
		return err
	}
	s.counter.published.Add(1)
	return nil
}

// space returns a namespace of this node, or nil.
func (s *services) space(name string) namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.spaces[name]
}

// open adds a namespace, unless the node is closed.
func (s *services) open(name string, n namespace) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.spaces[name] = n
	s.members.open(name)
	return true
}

// close removes a namespace. It reports false if the name belongs to another by now.
func (s *services) close(name string, n namespace) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spaces[name] != n {
		return false
	}
	delete(s.spaces, name)
	s.members.close(name)
	return true
}

// start starts a goroutine of the node, unless the node is closed. It must end when ctx
// ends.
func (s *services) start(fn func()) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.work.Go(fn)
	return true
}

// all returns the namespaces of this node.
func (s *services) all() []namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]namespace, 0, len(s.spaces))
	for _, n := range s.spaces {
		all = append(all, n)
	}
	return all
}

// drop counts and reports a message that is not handled.
func (s *services) drop(reason string, c Channel, from string) {
	s.reporter.dropped(&s.counter, reason, c, from)
}
