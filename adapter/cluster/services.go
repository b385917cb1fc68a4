// SPDX-License-Identifier: MIT

// This file holds what all namespaces of a node share.

package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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
	repeats  *repeats
	number   atomic.Uint64 // of the latest message
	gate     gate
	holding  holding
	tokens   atomic.Uint64 // the latest of an entry in a log

	answering chan struct{} // one token for each request that is being answered
	handing   chan struct{} // the same for handovers, which do not wait for clients: others do not delay them
	ctx       context.Context
	cancel    context.CancelFunc
	work      sync.WaitGroup // all goroutines of the node; none starts after Close

	changing sync.Mutex // held while channels of a namespace are subscribed or unsubscribed

	mu     sync.RWMutex // guards the fields below
	spaces map[string]namespace
	logs   map[string]*eventLog
	closed bool
}

// A namespace receives the messages of its channels.
type namespace interface {
	// wants reports whether a message of a channel may have receivers.
	wants(c Channel) bool
	// handle takes a message. b, if not nil, may hold what it sends to clients.
	handle(c Channel, m *nodewire.Message, b *adapter.Batch)
	// ready reports whether the channels are subscribed.
	ready() bool
	// hello asks the other nodes whether they have the namespace.
	hello()
}

// newUID returns 16 random hexadecimal digits, as identifiers have in Node.js.
func newUID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// encode encodes m as a message of this node.
func (s *services) encode(c Channel, m *nodewire.Message) ([]byte, error) {
	m.From, m.Namespace, m.Go = s.uid, c.Namespace, true
	if c.Class != ClassNodes {
		m.Number = s.number.Add(1)
	}
	data, err := s.opts.Codec.Append(nil, c, m)
	if err != nil {
		return nil, err
	}
	if s.opts.Sealed {
		data = seal(s.opts.Secret, c, data)
	}
	if len(data) > s.opts.MaxMessage {
		return nil, ErrTooLarge
	}
	return data, nil
}

// decode is the reverse of encode. reason says why a message can't be read.
func (s *services) decode(c Channel, data []byte) (m *nodewire.Message, reason string) {
	if len(data) > s.opts.MaxMessage {
		return nil, "larger than MaxMessage"
	}
	if s.opts.Sealed {
		var ok bool
		if data, ok = unseal(s.opts.Secret, c, data); !ok {
			return nil, "without the seal of the cluster"
		}
	}
	m, err := s.opts.Codec.Decode(c, data)
	if err != nil {
		return nil, reasonOf(err)
	}
	return m, ""
}

// publish publishes m as a message of this node.
func (s *services) publish(c Channel, m *nodewire.Message) error {
	if l := s.eventLog(c.Namespace); l != nil && c.Class != ClassNodes {
		m.After = l.Last() // others have read as much when they handle it
	}
	data, err := s.encode(c, m)
	if err == nil {
		err = s.bus.Publish(c, data)
	}
	s.published(err)
	return err
}

// subscribe subscribes to channels that the node or a namespace needs until it ends, and
// calls done. While it fails, the cluster is degraded. It tries again as long as they are
// wanted.
func (s *services) subscribe(channels []Channel, wanted func() bool, done func()) {
	s.trySubscribe(channels, 0, wanted, done)
}

// trySubscribe is subscribe after a failure and a pause, or 0.
func (s *services) trySubscribe(channels []Channel, pause time.Duration, wanted func() bool, done func()) {
	end := func() {
		if pause > 0 {
			s.health.setFailing(-1, nil)
		}
	}
	if !s.subscribeNow(channels, wanted, func(err error) {
		switch {
		case err == nil:
			end()
			done()
		case !wanted():
			end()
		default:
			if pause == 0 {
				s.health.setFailing(1, fmt.Errorf("%w: %w", errNotSubscribed, err))
			}
			s.start(func() {
				next := min(max(2*pause, firstPause), longPause)
				timer := time.NewTimer(next)
				defer timer.Stop()
				select {
				case <-timer.C:
					s.trySubscribe(channels, next, wanted, done)
				case <-s.ctx.Done():
				}
			})
		}
	}) {
		end()
	}
}

// subscribeNow subscribes to channels if they are still wanted. It calls done without locks,
// also if the bus does so at once: failures are reported to observers, which may make namespaces.
func (s *services) subscribeNow(channels []Channel, wanted func() bool, done func(error)) bool {
	s.changing.Lock()
	if !wanted() {
		s.changing.Unlock()
		return false
	}
	var mu sync.Mutex // guards the variables below
	locked, early := true, false
	var answer error
	s.bus.Subscribe(channels, func(err error) {
		mu.Lock()
		if locked {
			early, answer = true, err
			mu.Unlock()
			return
		}
		mu.Unlock()
		done(err)
	})
	s.changing.Unlock()
	mu.Lock()
	locked = false
	mu.Unlock()
	if early {
		done(answer)
	}
	return true
}

// unsubscribe is the reverse of subscribe, for channels that are not wanted any longer.
func (s *services) unsubscribe(channels []Channel) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.bus.Unsubscribe(channels)
}

// announce publishes what this node says about itself.
func (s *services) announce(c Channel, kind nodewire.Kind, a *announcement) error {
	a.id, a.name = s.node.ID, s.name
	if kind != nodewire.KindBye {
		a.extra = s.announcer().data(s.uid)
	}
	a.sign(s.opts.Secret, kind, s.uid, c.Namespace)
	return s.publish(c, &nodewire.Message{Kind: kind, Member: a.append(nil)})
}

func (s *services) announcer() announcers { return announcers{s.opts.Announcer, s.log} }

// announced reads what another node says about itself. Without it, or without a proof that
// the node knows the secret, the message is dropped.
func (s *services) announced(c Channel, m *nodewire.Message) (a announcement, ok bool) {
	bare := m.Kind != nodewire.KindHeartbeat || s.opts.NodeHeartbeats && c.Class != ClassNodes
	if m.Member == nil && len(s.opts.Secret) == 0 && bare {
		return a, true
	}
	if a, ok = parseAnnouncement(m.Member); !ok {
		s.drop("a malformed heartbeat", c, m.From)
		return a, false
	}
	if !a.genuine(s.opts.Secret, m.Kind, m.From, c.Namespace) {
		s.drop("a heartbeat without the secret of the cluster, or an old one", c, m.From)
		return a, false
	}
	return a, true
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

// skipped implements logCore.
func (s *services) skipped(namespace string) { s.reporter.skipped(&s.counter, namespace) }

// eventLog returns the log of a namespace of this node, or nil.
func (s *services) eventLog(namespace string) *eventLog {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.logs[namespace]
}

// newLog returns a log for the next space of a name. It is nil if the bus has no logs.
func (s *services) newLog(namespace string) *eventLog {
	bus, ok := s.bus.(LogBus)
	if !ok {
		return nil
	}
	l := &eventLog{core: s, bus: bus, nsp: namespace, node: s.node.ID}
	l.reads = &sharedReads{source: l.records, start: s.start, ctx: s.ctx}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logs[namespace] = l
	return l
}

// takeLog returns the log that was made for a new space, or another.
func (s *services) takeLog(namespace string) *eventLog {
	if l := s.eventLog(namespace); l != nil && l.foreign == nil {
		return l
	}
	return s.newLog(namespace)
}

// dropLog ends a log.
func (s *services) dropLog(l *eventLog) {
	l.bus.CloseLog(l.nsp)
	l.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.logs[l.nsp] == l {
		delete(s.logs, l.nsp)
	}
}

// logOf returns the log of a namespace that is about to be made, for its recovery.
func (s *services) logOf(namespace string) (adapter.Log, error) {
	if l := s.newLog(namespace); l != nil {
		return l, nil
	}
	return nil, errNoLog
}

// nextToken, published, over and degraded implement logCore.
func (s *services) nextToken() uint64 { return s.tokens.Add(1) }

func (s *services) published(err error) {
	if err != nil {
		s.counter.failed.Add(1)
	} else {
		s.counter.published.Add(1)
	}
}

func (s *services) over() <-chan struct{} { return s.ctx.Done() }

func (s *services) degraded() bool { return s.health.err() != nil }

// payload returns the event of a packet for other nodes.
func (s *services) payload(l adapter.Local, p *adapter.Packet) (adapter.Payload, error) {
	e, err := l.Payload(p)
	if e.Origin == s.node.ID {
		e.Origin = "" // the nodes know it
	}
	return e, err
}

// readable reports whether an event is one of this version, and completes it.
func (s *services) readable(c Channel, m *nodewire.Message) bool {
	if m.Event.Version > adapter.Version {
		s.drop("an event of a later version", c, m.From)
		return false
	}
	if m.Event.Origin == "" {
		m.Event.Origin = s.members.idOf(m.From)
	}
	return true
}
