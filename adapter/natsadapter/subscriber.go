// SPDX-License-Identifier: MIT

// This file subscribes and unsubscribes.

package natsadapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"socketio/adapter/cluster"
)

// A change adds or removes channels.
type change struct {
	channels []cluster.Channel
	add      bool
	done     func(error) // of those that are added
}

// A subscriber makes the changes in order, and waits for NATS once for all that have
// gathered. It is used by one goroutine, except where it says something else.
type subscriber struct {
	subjects subjects
	link     *link
	state    *state
	peers    *peers
	inbox    string         // the beginning of the subjects for answers
	messages chan *nats.Msg // of all subscriptions, in the order of their arrival
	ctx      context.Context
	wake     chan struct{}

	nc        *nats.Conn
	subs      map[cluster.Channel]*nats.Subscription
	own       []*nats.Subscription // for answers, and for questions of peers
	pending   []change             // not confirmed by NATS
	confirmed int                  // the connection that has all but the pending
	denied    map[cluster.Channel]bool
	again     time.Time // when those are tried again
	gone      uint64    // messages that subscriptions have dropped which have ended
	dropped   atomic.Uint64

	mu       sync.RWMutex // guards the fields below
	changes  []change
	channels map[string]cluster.Channel // by subject, for the receiver
	refusals []string                   // errors of NATS
	closed   bool
}

// tryAgain is the pause before subscriptions that NATS has taken away are tried again.
const tryAgain = 5 * time.Second

func (s *subscriber) init() {
	s.subs, s.channels = make(map[cluster.Channel]*nats.Subscription), make(map[string]cluster.Channel)
	s.denied, s.wake = make(map[cluster.Channel]bool), make(chan struct{}, 1)
}

// put adds a change. It may be called from any goroutine.
func (s *subscriber) put(c change) {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.changes = append(s.changes, c)
	}
	s.mu.Unlock()
	if closed && c.done != nil {
		c.done(cluster.ErrClosed)
		return
	}
	poke(s.wake)
}

// refuse records that NATS has refused something. It may be called from any goroutine.
func (s *subscriber) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const most = 1024
	if len(s.refusals) < most {
		s.refusals = append(s.refusals, err.Error())
	}
	poke(s.wake)
}

// channel returns the channel of a subscription. It may be called from any goroutine.
func (s *subscriber) channel(subject string) (c cluster.Channel, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok = s.channels[subject]
	return c, ok
}

// run makes changes until ctx ends.
func (s *subscriber) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for s.ctx.Err() == nil {
		for s.round() {
		}
		wait := time.Hour
		if len(s.denied) > 0 {
			wait = time.Until(s.again)
		}
		timer.Reset(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-s.ctx.Done():
		}
	}
	s.mu.Lock()
	s.closed = true
	rest := append(s.pending, s.changes...)
	s.pending, s.changes = nil, nil
	s.mu.Unlock()
	for _, c := range rest {
		if c.done != nil {
			c.done(cluster.ErrClosed)
		}
	}
}

// round makes the changes that have gathered. It reports whether there may be more.
func (s *subscriber) round() bool {
	nc, epoch := s.link.current()
	if nc == nil || s.ctx.Err() != nil {
		return false
	}
	before := nc.LastError()
	if nc != s.nc {
		s.renew(nc)
	}
	for _, c := range s.take() {
		for _, channel := range c.channels {
			if c.add {
				s.subscribe(channel)
			} else {
				s.unsubscribe(channel)
			}
		}
		if c.add {
			s.pending = append(s.pending, c)
		}
	}
	if epoch == 0 {
		return false // nats.go subscribes when it has connected
	}
	s.lost(epoch)
	if len(s.pending) == 0 && epoch == s.confirmed {
		return false
	}
	if epoch != s.confirmed {
		s.count() // messages that are dropped end the connection
		s.join()
	}
	if err := s.flush(); err != nil {
		if s.ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			s.link.end(errNoAnswer)
		}
		return false // the next connection wakes this goroutine
	}
	all := s.pending
	s.pending = nil
	doubt := refused(nc.LastError(), before)
	for _, c := range all {
		c.done(s.check(c, doubt))
	}
	if _, now := s.link.current(); now == epoch && s.confirmed != epoch {
		s.confirmed = epoch
		s.state.set(causeSubscriptions, nil)
	}
	return true
}

// take returns the changes to make.
func (s *subscriber) take() []change {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.changes
	s.changes = nil
	return all
}

// renew subscribes again, to a connection that has nothing.
func (s *subscriber) renew(nc *nats.Conn) {
	s.count()
	for _, sub := range s.subs {
		s.gone += droppedBy(sub)
	}
	s.nc, s.own = nc, nil
	if sub, err := nc.ChanSubscribe(s.inbox+".*", s.messages); err == nil {
		s.own = append(s.own, sub)
	}
	s.mu.RLock()
	var all []cluster.Channel
	for _, c := range s.channels {
		all = append(all, c)
	}
	s.mu.RUnlock()
	s.subs = make(map[cluster.Channel]*nats.Subscription)
	for _, c := range all {
		s.subscribe(c)
	}
}

// join tells the peers where this server is. The name of the queue group is that of the
// NATS server.
func (s *subscriber) join() {
	server := s.nc.ConnectedServerId()
	if server == "" {
		return
	}
	s.peers.joined(server)
	for len(s.own) > 1 {
		_ = s.own[len(s.own)-1].Unsubscribe()
		s.own = s.own[:len(s.own)-1]
	}
	if sub, err := s.nc.ChanQueueSubscribe(s.peers.subject, server, s.messages); err == nil {
		s.own = append(s.own, sub)
	}
}

func (s *subscriber) subscribe(c cluster.Channel) {
	if s.subs[c] != nil {
		return
	}
	subject, _ := s.subjects.of(c)
	s.mu.Lock()
	s.channels[subject] = c
	s.mu.Unlock()
	if sub, err := s.nc.ChanSubscribe(subject, s.messages); err == nil {
		s.subs[c] = sub // otherwise the connection is closed, and another comes
	}
}

func (s *subscriber) unsubscribe(c cluster.Channel) {
	delete(s.denied, c)
	if len(s.denied) == 0 {
		s.state.set(causeDenied, nil)
	}
	subject, _ := s.subjects.of(c)
	s.mu.Lock()
	delete(s.channels, subject)
	s.mu.Unlock()
	if sub := s.subs[c]; sub != nil {
		delete(s.subs, c)
		s.gone += droppedBy(sub)
		_ = sub.Unsubscribe()
	}
}

// count counts the messages that came while too many others waited.
func (s *subscriber) count() {
	n := s.gone
	for _, sub := range s.subs {
		n += droppedBy(sub)
	}
	s.dropped.Store(n)
}

// droppedBy returns how many messages a subscription has dropped.
func droppedBy(sub *nats.Subscription) uint64 {
	n, err := sub.Dropped()
	if err != nil {
		return 0 // its connection is closed
	}
	return uint64(n)
}

// flush waits until NATS has the subscriptions.
func (s *subscriber) flush() error {
	ctx, cancel := context.WithTimeout(s.ctx, answersIn)
	defer cancel()
	if err := s.nc.FlushWithContext(ctx); err != nil {
		return err
	}
	return s.peers.reach(ctx, s.nc, s.inbox)
}

// refused returns err if it is new, and says that a subscription is refused.
func refused(err, before error) error {
	if err != nil && err != before && (errors.Is(err, nats.ErrMaxSubscriptionsExceeded) ||
		errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(strings.ToLower(err.Error()), "subscription")) {
		return err
	}
	return nil
}

// check returns an error if NATS has refused a channel of c, which then has none
// subscribed. doubt is not nil if it has refused something. NATS tells only the latest
// refusal, so each channel is subscribed alone then.
func (s *subscriber) check(c change, doubt error) error {
	if doubt == nil {
		return nil
	}
	for _, channel := range c.channels {
		if err := s.alone(channel); err != nil {
			for _, channel := range c.channels {
				s.unsubscribe(channel)
			}
			return err
		}
	}
	return nil
}

// alone subscribes to a channel again, and returns an error if NATS refuses.
func (s *subscriber) alone(c cluster.Channel) error {
	s.unsubscribe(c)
	before := s.nc.LastError()
	s.subscribe(c)
	ctx, cancel := context.WithTimeout(s.ctx, answersIn)
	defer cancel()
	if err := s.nc.FlushWithContext(ctx); err != nil {
		return nil // the next connection tells
	}
	if err := refused(s.nc.LastError(), before); err != nil {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return nil
}

// lost finds the subscriptions that NATS had confirmed and no longer has, and
// tries them again from time to time.
func (s *subscriber) lost(epoch int) {
	s.mu.Lock()
	refusals := s.refusals
	s.refusals = nil
	s.mu.Unlock()
	pending := make(map[cluster.Channel]bool)
	for _, c := range s.pending {
		for _, channel := range c.channels {
			pending[channel] = true
		}
	}
	now := time.Now()
	for _, text := range refusals {
		_, rest, _ := strings.Cut(text, `ubscription to "`)
		subject, _, ok := strings.Cut(rest, `"`)
		c, known := s.channel(subject)
		if !ok || !known || pending[c] || s.denied[c] {
			continue
		}
		s.denied[c], s.again = true, now // at once: the refusal may be an old one
	}
	if len(s.denied) == 0 || epoch == 0 || s.again.After(now) {
		return
	}
	var err error
	denied := s.denied
	s.denied = make(map[cluster.Channel]bool)
	for c := range denied {
		if e := s.alone(c); e != nil {
			s.denied[c], err = true, e
		}
	}
	s.again = now.Add(tryAgain)
	if err != nil {
		s.state.set(causeDenied, err)
	} else {
		s.state.set(causeDenied, nil)
	}
}
