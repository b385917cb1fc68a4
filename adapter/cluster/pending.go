// SPDX-License-Identifier: MIT

// This file holds the requests of this node that await answers.

package cluster

import (
	"context"
	"errors"
	"slices"
	"sync"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// A waiter awaits the answers to a request in a namespace.
type waiter interface {
	space() string
	// answered takes an answer of a node.
	answered(m *nodewire.Message)
	// gone is called when a node will no longer answer.
	gone(uid string, why error)
}

// pending is the table of requests. Each is removed by its maker, at the latest when its
// context ends.
type pending struct {
	mu  sync.Mutex // guards the field below
	all map[string]waiter
}

// add adds a request under a new id.
func (t *pending) add(w waiter) (id string) {
	id = newUID()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[id] = w
	return id
}

func (t *pending) remove(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, id)
}

// answered passes an answer on. It reports false if nobody awaits it.
func (t *pending) answered(m *nodewire.Message) bool {
	t.mu.Lock()
	w := t.all[m.RequestID]
	t.mu.Unlock()
	if w != nil {
		w.answered(m)
	}
	return w != nil
}

// gone notifies the requests in a namespace, or in all of them, that a node will not
// answer.
func (t *pending) gone(uid, space string, all bool) {
	t.mu.Lock()
	var waiters []waiter
	for _, w := range t.all {
		if all || w.space() == space {
			waiters = append(waiters, w)
		}
	}
	t.mu.Unlock()
	for _, w := range waiters {
		w.gone(uid, adapter.ErrNodeGone)
	}
}

// A callWaiter passes answers to a Call.
type callWaiter struct {
	namespace string
	call      *adapter.Call
	local     adapter.Local
	names     map[string]string // of the nodes that are asked, by uid
}

// errSilent is the reason why sockets of another node will not answer.
var errSilent = errors.New("cluster: some sockets of the node do not answer")

func (w *callWaiter) space() string { return w.namespace }

func (w *callWaiter) answered(m *nodewire.Message) {
	name, ok := w.names[m.From]
	if !ok {
		return
	}
	switch m.Kind {
	case nodewire.KindClientCount:
		ids := m.IDs
		if m.Go && ids == nil {
			ids = []string{}
		}
		w.call.NodeAsked(name, m.Count, ids)
	case nodewire.KindClientAnswer:
		w.call.NodeAnswer(name, m.Socket, w.local.DecodeArgs(m.Event))
	case nodewire.KindServerSideAnswer:
		w.call.NodeAnswer(name, "", w.local.DecodeArgs(m.Event))
	case nodewire.KindNoMoreAnswers:
		w.call.NodeDone(name, errSilent)
	}
}

func (w *callWaiter) gone(uid string, why error) {
	if name, ok := w.names[uid]; ok {
		w.call.NodeDone(name, why)
	}
}

// A fetch collects the sockets of other nodes.
type fetch struct {
	namespace string

	mu      sync.Mutex        // guards the fields below
	waiting map[string]string // the names of the nodes that have not answered, by uid
	parts   map[string]int    // the number of the next part of each
	silent  []string          // the names of those that will not answer
	why     error             // of the first of them
	found   []adapter.Found
	done    chan struct{} // closed when waiting is empty
}

func newFetch(space string, names map[string]string) *fetch {
	f := &fetch{namespace: space, waiting: names, parts: make(map[string]int), done: make(chan struct{})}
	if len(names) == 0 {
		close(f.done)
	}
	return f
}

func (f *fetch) space() string { return f.namespace }

// answered takes a part of an answer. Parts come in order; a part that comes again is
// ignored, and after one that was lost the node counts as silent.
func (f *fetch) answered(m *nodewire.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, ok := f.waiting[m.From]
	if !ok || m.Kind != nodewire.KindSockets || m.Part != f.parts[m.From] {
		return
	}
	f.parts[m.From]++
	for i := range m.Sockets {
		info := m.Sockets[i]
		info.Node = name
		f.found = append(f.found, adapter.Found{Info: info})
	}
	if !m.More {
		f.endLocked(m.From)
	}
}

func (f *fetch) gone(uid string, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name, ok := f.waiting[uid]; ok {
		f.silent = append(f.silent, name)
		if f.why == nil {
			f.why = why
		}
		f.endLocked(uid)
	}
}

func (f *fetch) endLocked(uid string) {
	delete(f.waiting, uid)
	if len(f.waiting) == 0 {
		close(f.done)
	}
}

// wait waits for all answers, or for the end of ctx, and returns what was found.
func (f *fetch) wait(ctx context.Context) ([]adapter.Found, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
	}
	return f.result(ctx.Err())
}

// result returns what was found until now, and an error with the nodes that are missing.
// ended is the reason why the others are not awaited any longer.
func (f *fetch) result(ended error) ([]adapter.Found, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := &adapter.PartialError{Nodes: f.silent, Err: f.why}
	if len(f.waiting) > 0 {
		e.Err = ended
		for uid, name := range f.waiting {
			e.Nodes = append(e.Nodes, name)
			delete(f.waiting, uid)
		}
	}
	if len(e.Nodes) == 0 {
		return f.found, nil
	}
	slices.Sort(e.Nodes)
	return f.found, e
}
