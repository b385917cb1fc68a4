// SPDX-License-Identifier: MIT

// This file adds entries to a stream.

package redisadapter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
)

const (
	// maxPipeline is the maximum number of entries, or sessions, that are sent before Redis has
	// answered, and maxPipelineBytes that of their bytes, except for a single one.
	maxPipeline      = 512
	maxPipelineBytes = 1 << 20
)

// An appender sends what is added to one stream, on a connection of its own. Redis adds it
// in order. If the connection breaks, what Redis has not answered may be in the stream or
// not; before anything else is sent, the connection is closed on the side of Redis too.
type appender struct {
	stream string
	maxLen int
	sealed bool
	mark   string // of this bus
	finder *finder
	feed   *feed
	news   func() // the state may have changed
	most   int    // bytes that may wait
	wake   chan struct{}
	done   chan struct{} // closed when everything is sent after close
	lost   atomic.Uint64 // entries that Redis may not have, or has refused, or that were not sent

	// Only run uses these.
	peer    string            // the connection, as Redis sees it: its id and its address
	unknown map[string]uint64 // the latest tokens by namespace that Redis has not answered
	top     uint64            // the number of the latest entry that Redis has answered

	mu      sync.Mutex // guards the fields below
	waiting []addition
	bytes   int
	closed  bool
	since   time.Time         // when the entries were sent that Redis has not answered
	doubted time.Time         // when it was noticed that they take long
	down    error             // why nothing can be added
	refused error             // the error of the latest entry, if Redis has refused it
	added   map[string]uint64 // the latest tokens by namespace that Redis has answered
}

// put adds an entry to those that wait.
func (a *appender) put(x addition) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := x.size()
	switch {
	case a.closed:
		return cluster.ErrClosed
	case a.down != nil:
		return a.down
	case a.stalledLocked(time.Now()):
		return errStalled
	case a.bytes > 0 && a.bytes+size > a.most:
		return ErrQueueFull
	}
	a.waiting = append(a.waiting, x)
	a.bytes += size
	poke(a.wake)
	return nil
}

// stalledLocked reports whether Redis has not answered for stalledAfter, and not since this
// was first noticed a moment ago: a process that was frozen has not read the answer yet.
func (a *appender) stalledLocked(now time.Time) bool {
	const moment = time.Second
	if a.since.IsZero() || now.Sub(a.since) < stalledAfter-moment {
		return false
	}
	if a.doubted.Before(a.since) {
		a.doubted = now
	}
	return now.Sub(a.doubted) > moment
}

// err returns why entries can't be added, or nil.
func (a *appender) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down != nil {
		return a.down
	}
	return a.refused
}

// fail records why entries can't be added, or nil.
func (a *appender) fail(err error) {
	a.mu.Lock()
	changed := (a.down == nil) != (err == nil)
	a.down = err
	a.mu.Unlock()
	if changed {
		a.news()
	}
}

// tokens returns the latest tokens that Redis has answered.
func (a *appender) tokens() map[string]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make(map[string]uint64, len(a.added))
	for name, token := range a.added {
		all[name] = token
	}
	return all
}

// take returns the next entries, and whether more may come.
func (a *appender) take() (next []addition, more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	bytes, n := 0, 0
	for n < len(a.waiting) && n < maxPipeline && (n == 0 || bytes < maxPipelineBytes) {
		bytes += a.waiting[n].size()
		n++
	}
	next, a.waiting = a.waiting[:n:n], a.waiting[n:]
	a.bytes -= bytes
	if len(a.waiting) == 0 {
		a.waiting = nil
	}
	if n > 0 {
		a.since = time.Now()
	}
	return next, !a.closed
}

// again puts entries before those that wait.
func (a *appender) again(all []addition) {
	if len(all) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(all[:len(all):len(all)], a.waiting...)
	for i := range all {
		a.bytes += all[i].size()
	}
}

// keptFor is how long entries wait for a connection. Older ones are not sent: this server
// has long delivered them to its own clients.
const keptFor = 10 * time.Second

// stale removes the entries that have waited for too long, and returns their tokens.
func (a *appender) stale(now time.Time) map[string]uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	tokens := make(map[string]uint64)
	for len(a.waiting) > 0 && now.Sub(a.waiting[0].at) > keptFor {
		x := a.waiting[0]
		tokens[x.namespace] = x.token
		a.lost.Add(1)
		a.bytes -= x.size()
		a.waiting = a.waiting[1:]
	}
	return tokens
}

// close refuses further entries and waits until those before are sent.
func (a *appender) close(ctx context.Context) error {
	a.mu.Lock()
	a.closed = true
	idle := len(a.waiting) == 0 && a.since.IsZero()
	a.mu.Unlock()
	poke(a.wake)
	if idle {
		return nil
	}
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run sends entries until ctx ends. A connection is made when it is needed, and made
// again at once when it breaks.
func (a *appender) run(ctx context.Context) {
	defer close(a.done)
	select {
	case <-a.feed.begun: // so that this server reads what it adds
	case <-ctx.Done():
		return
	}
	var p pause
	for ctx.Err() == nil {
		began := time.Now()
		ended, err := a.serve(ctx)
		if ended || ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyAfter {
			p = 0
		}
		if p > 0 { // otherwise it may be there again soon
			a.fail(down(err))
		}
		poke(a.finder.kicked)
		if !p.wait(ctx) {
			return
		}
	}
}

// serve sends entries on one connection, until it breaks. ended reports whether everything
// is sent after close.
func (a *appender) serve(ctx context.Context) (ended bool, err error) {
	conn, release, err := a.finder.dedicate(ctx, a.stream)
	if err == nil {
		defer release()
		err = a.greet(ctx, conn)
	}
	if err != nil {
		a.fail(down(err))
		return false, err
	}
	a.fail(nil)
	// A connection that breaks while nothing is sent is noticed at once: what is sent on it
	// is lost.
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(rueidis.PubSubMessage) {}})
	for ctx.Err() == nil {
		next, more := a.take()
		if len(next) > 0 {
			if err := a.send(ctx, conn, next); err != nil {
				return false, err
			}
			continue
		}
		if !more {
			return true, nil
		}
		select {
		case <-a.wake:
		case err := <-lost:
			if err == nil {
				err = errEnded
			}
			return false, err
		case <-ctx.Done():
		}
	}
	return false, ctx.Err()
}

// greet ends the connection of before, finds out up to which entry what was sent on it
// can be, and settles it.
func (a *appender) greet(ctx context.Context, conn rueidis.DedicatedClient) error {
	ctx, cancel := context.WithTimeout(ctx, answersIn)
	defer cancel()
	info, err := conn.Do(ctx, conn.B().Arbitrary("CLIENT", "INFO").Build()).ToString()
	if err != nil {
		return err
	}
	tokens, after := a.unknown, a.top
	if len(tokens) > 0 {
		if id, addr, ok := strings.Cut(a.peer, " "); ok {
			// Both must match: another server may have given the id to another.
			err := conn.Do(ctx, conn.B().Arbitrary("CLIENT", "KILL", "ID", id, "ADDR", addr).Build()).Error()
			if _, answered := rueidis.IsRedisErr(err); err != nil && !answered {
				return err
			}
		}
		if after, err = lastOf(ctx, conn, a.stream, "+"); err != nil {
			return err
		}
	}
	a.unknown, a.peer = nil, identity(info)
	a.feed.settle(after, tokens)
	if tokens := a.stale(time.Now()); len(tokens) > 0 {
		a.feed.settle(after, tokens)
	}
	return nil
}

// identity returns the id and the address of a connection, from CLIENT INFO.
func identity(info string) string {
	var id, addr string
	for word := range strings.FieldsSeq(info) {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "id":
			id = value
		case "addr":
			addr = value
		}
	}
	return id + " " + addr
}

// send sends entries and waits for the answers. It returns an error if the connection is
// of no more use.
func (a *appender) send(ctx context.Context, conn rueidis.DedicatedClient, part []addition) error {
	commands := make([]rueidis.Completed, len(part))
	for i := range part {
		commands[i] = part[i].command(conn.B(), a.stream, a.mark, a.maxLen, a.sealed)
	}
	ctx, cancel := context.WithTimeout(ctx, answersIn)
	defer cancel()
	results := conn.DoMulti(ctx, commands...)
	return a.sort(part, results)
}

// sort looks at the answers. Entries that another server must get are sent again if no
// later one may have been added; those that are not sent again are settled.
func (a *appender) sort(part []addition, results []rueidis.RedisResult) (err error) {
	added, settled, unknown := make(map[string]uint64), make(map[string]uint64), make(map[string]uint64)
	var refused error
	next := len(part) // the first of those that are sent again
	for i := len(part) - 1; i >= 0; i-- {
		x, id, why := part[i], "", results[i].Error()
		if why == nil {
			id, why = results[i].ToString()
		}
		_, answered := rueidis.IsRedisErr(why)
		switch {
		case why == nil:
			added[x.namespace] = max(added[x.namespace], x.token)
			if n, ok := parseID(id); ok {
				a.top = max(a.top, n)
			}
		case !answered:
			a.lost.Add(1)
			unknown[x.namespace], err = max(unknown[x.namespace], x.token), why
		case next == i+1 && len(added)+len(unknown) == 0 && (elsewhere(why) || strings.HasPrefix(why.Error(), "READONLY ")):
			next = i
			err = why
		default:
			a.lost.Add(1)
			settled[x.namespace], refused = max(settled[x.namespace], x.token), why
		}
	}
	a.again(part[next:])
	if len(unknown) > 0 {
		a.unknown = unknown
	}
	a.feed.settle(a.top, settled)
	if refused != nil {
		refused = fmt.Errorf("redisadapter: Redis has refused an entry: %w", refused)
	}
	a.mu.Lock()
	a.since = time.Time{}
	changed := (a.refused == nil) != (refused == nil)
	a.refused = refused
	if a.added == nil {
		a.added = make(map[string]uint64)
	}
	for name, token := range added {
		a.added[name] = max(a.added[name], token)
	}
	a.mu.Unlock()
	if changed {
		a.news()
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return down(err)
}
