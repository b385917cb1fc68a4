// SPDX-License-Identifier: MIT

// This file holds which channels are wanted, and which Postgres has.

package pgadapter

import (
	"context"
	"sync"

	"socketio/adapter/cluster"
)

// A table holds the subscriptions.
type table struct {
	name naming

	mu        sync.Mutex // guards the fields below
	wanted    map[string]*subscription
	heard     map[string]bool // the names that the connection listens to
	waiting   []waiting
	pending   bool               // something has changed since the listener looked
	interrupt context.CancelFunc // ends the listener's wait, or nil
	closed    bool
}

// A subscription is a name with users.
type subscription struct {
	channel cluster.Channel
	users   int
}

// A waiting is a call of Subscribe whose names are not heard yet.
type waiting struct {
	names []string
	done  func(error)
}

func newTable(name naming) *table {
	return &table{name: name, wanted: make(map[string]*subscription), heard: make(map[string]bool)}
}

// poke makes the listener look.
func (t *table) poke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pokeLocked()
}

func (t *table) pokeLocked() {
	t.pending = true
	if t.interrupt != nil {
		t.interrupt()
	}
}

// begin returns a context for a wait, which ends when something changes. It reports false
// if something has changed already. end must be called after the wait.
func (t *table) begin(ctx context.Context) (_ context.Context, end func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending {
		t.pending = false
		return nil, nil, false
	}
	ctx, cancel := context.WithCancel(ctx)
	t.interrupt = cancel
	return ctx, func() {
		cancel()
		t.mu.Lock()
		t.interrupt = nil
		t.mu.Unlock()
	}, true
}

// add adds users of channels. done is called when they are heard.
func (t *table) add(channels []cluster.Channel, done func(error)) {
	var names []string
	var err error
	for _, c := range channels {
		name := t.name(c)
		if bad := checkChannel(name); bad != nil {
			err = bad
		}
		names = append(names, name)
	}
	t.mu.Lock()
	if t.closed {
		err = cluster.ErrClosed
	}
	if err != nil {
		t.mu.Unlock()
		done(err)
		return
	}
	for i, name := range names {
		s := t.wanted[name]
		if s == nil {
			s = &subscription{channel: channels[i]}
			t.wanted[name] = s
		}
		s.users++
	}
	t.waiting = append(t.waiting, waiting{names, done})
	t.pokeLocked()
	t.mu.Unlock()
}

// remove is the reverse of add.
func (t *table) remove(channels []cluster.Channel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range channels {
		name := t.name(c)
		if s := t.wanted[name]; s != nil {
			if s.users--; s.users == 0 {
				delete(t.wanted, name)
			}
		}
	}
	t.pokeLocked()
}

// channel returns the channel of a name. ok is false if it is not wanted any longer.
func (t *table) channel(name string) (c cluster.Channel, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.wanted[name]; s != nil {
		return s.channel, true
	}
	return cluster.Channel{}, false
}

// lost forgets what the connection has heard.
func (t *table) lost() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.heard)
	t.pending = true
}

// changes returns the names that are wanted and not heard, and the reverse.
func (t *table) changes() (add, remove []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.wanted {
		if !t.heard[name] {
			add = append(add, name)
		}
	}
	for name := range t.heard {
		if t.wanted[name] == nil {
			remove = append(remove, name)
		}
	}
	return add, remove
}

// changed records changes of the connection, and calls those who wait for them.
func (t *table) changed(add, remove []string) {
	t.mu.Lock()
	for _, name := range add {
		t.heard[name] = true
	}
	for _, name := range remove {
		delete(t.heard, name)
	}
	var ready []func(error)
	kept := t.waiting[:0]
	for _, w := range t.waiting {
		all := true
		for _, name := range w.names {
			all = all && (t.heard[name] || t.wanted[name] == nil) // or unsubscribed meanwhile
		}
		if all {
			ready = append(ready, w.done)
		} else {
			kept = append(kept, w)
		}
	}
	clear(t.waiting[len(kept):])
	t.waiting = kept
	t.mu.Unlock()
	for _, done := range ready {
		done(nil)
	}
}

// close ends all waits.
func (t *table) close() {
	t.mu.Lock()
	t.closed = true
	all := t.waiting
	t.waiting = nil
	t.pokeLocked()
	t.mu.Unlock()
	for _, w := range all {
		w.done(cluster.ErrClosed)
	}
}
