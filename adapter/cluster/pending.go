// SPDX-License-Identifier: MIT

// This file holds the requests of this node that await answers.

package cluster

import (
	"cmp"
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
	// recounted is called some time after a node has come. others is the number of
	// subscribers that are not known nodes.
	recounted(others int, known map[string]string)
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

// in returns the requests in a namespace, or in all of them.
func (t *pending) in(space string, all bool) (waiters []waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.all {
		if all || w.space() == space {
			waiters = append(waiters, w)
		}
	}
	return waiters
}

// gone notifies the requests in a namespace, or in all of them, that a node will not
// answer.
func (t *pending) gone(uid, space string, all bool) {
	for _, w := range t.in(space, all) {
		w.gone(uid, adapter.ErrNodeGone)
	}
}

// any reports whether a namespace has requests.
func (t *pending) any(space string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.all {
		if w.space() == space {
			return true
		}
	}
	return false
}

// recounted notifies the requests in a namespace of the number of servers in Node.js.
func (t *pending) recounted(space string, others int, known map[string]string) {
	for _, w := range t.in(space, false) {
		w.recounted(others, known)
	}
}

// unnamed is the name of servers in Node.js, in the errors of requests.
const unnamed = "servers in Node.js"

// A callWaiter passes answers to a Call.
type callWaiter struct {
	namespace string
	call      *adapter.Call
	local     adapter.Local
	names     map[string]string // of the nodes that are asked, by uid

	mu     sync.Mutex      // guards the contents of others, and the field below it
	others map[string]bool // the uids of others that have answered, or nil
	most   int             // how many others are awaited, -1 while it is not known
}

// errSilent is the reason why sockets of another node will not answer.
var errSilent = errors.New("cluster: some sockets of the node do not answer")

func (w *callWaiter) space() string { return w.namespace }

func (w *callWaiter) answered(m *nodewire.Message) {
	name, ok := w.names[m.From]
	if !ok {
		w.other(m)
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

// other takes an answer of a server in Node.js, or of a node that was not known when the
// request was sent.
func (w *callWaiter) other(m *nodewire.Message) {
	if w.others == nil {
		return
	}
	switch m.Kind {
	case nodewire.KindClientCount:
		if w.first(m.From) {
			w.call.NodeAsked(unnamed, m.Count, nil)
		}
	case nodewire.KindClientAnswer:
		w.call.NodeAnswer(unnamed, m.Socket, w.local.DecodeArgs(m.Event))
	case nodewire.KindServerSideAnswer:
		if w.first(m.From) {
			w.call.NodeAsked(unnamed, 1, nil)
			w.call.NodeAnswer(unnamed, "", w.local.DecodeArgs(m.Event))
		}
	}
}

// first reports whether a node has not answered before. Those without a uid can't be told
// apart.
func (w *callWaiter) first(uid string) bool {
	if uid == "" {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.others[uid] || len(w.others) >= maxPeers {
		return false
	}
	w.others[uid] = true
	return true
}

// expect says how many others must answer, at most.
func (w *callWaiter) expect(count int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.most < 0 || count < w.most {
		w.most = count
		w.call.NodesExpected(unnamed, count)
	}
}

// recounted implements waiter. The nodes among the others that have answered count too.
func (w *callWaiter) recounted(others int, known map[string]string) {
	if w.others == nil {
		return
	}
	w.mu.Lock()
	for uid := range w.others {
		if _, node := known[uid]; node {
			others++
		}
	}
	w.mu.Unlock()
	w.expect(others)
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
	counted bool          // others is known, or no server is in Node.js
	others  int           // how many servers in Node.js must answer
	came    int           // how many others have answered
	uids    []string      // of those of them that have some
	done    chan struct{} // closed when all have answered
	ended   bool          // done is closed
}

// newFetch returns a fetch that waits for named nodes and, if others is set, for as many
// others as expect will say.
func newFetch(space string, names map[string]string, others bool) *fetch {
	f := &fetch{namespace: space, waiting: names, parts: make(map[string]int), counted: !others, done: make(chan struct{})}
	f.lookLocked()
	return f
}

// expect says how many others must answer, at most.
func (f *fetch) expect(others int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expectLocked(others, err)
}

// recounted implements waiter. The nodes among the others that have answered count too.
func (f *fetch) recounted(others int, known map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, uid := range f.uids {
		if _, node := known[uid]; node {
			others++
		}
	}
	f.expectLocked(others, nil)
}

func (f *fetch) expectLocked(others int, err error) {
	if f.counted && others >= f.others && err == nil {
		return
	}
	f.counted, f.others = true, others
	if err != nil {
		f.silentLocked(unnamed, err)
	}
	f.lookLocked()
}

func (f *fetch) space() string { return f.namespace }

// answered takes a part of an answer. Parts come in order; a part that comes again is
// ignored, and after one that was lost the node counts as silent.
func (f *fetch) answered(m *nodewire.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name, named := f.waiting[m.From]
	if m.Kind != nodewire.KindSockets || m.Part != f.parts[m.From] || !named && (f.counted && f.came >= f.others && len(f.waiting) == 0 || f.came >= maxPeers) {
		return
	}
	if name = cmp.Or(name, m.From, unnamed); m.From != "" {
		f.parts[m.From]++
	}
	for i := range m.Sockets {
		info := m.Sockets[i]
		info.Node = name
		f.found = append(f.found, adapter.Found{Info: info})
	}
	if m.More {
		return
	}
	if m.From != "" {
		f.parts[m.From] = -1 // an answer that comes again is ignored
	}
	delete(f.waiting, m.From)
	if !named {
		f.came++
		if m.From != "" {
			f.uids = append(f.uids, m.From)
		}
	}
	f.lookLocked()
}

// lookLocked ends the wait if all have answered.
func (f *fetch) lookLocked() {
	if len(f.waiting) == 0 && f.counted && f.came >= f.others && !f.ended {
		f.ended = true
		close(f.done)
	}
}

func (f *fetch) silentLocked(name string, why error) {
	f.silent = append(f.silent, name)
	if f.why == nil {
		f.why = why
	}
}

func (f *fetch) gone(uid string, why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name, ok := f.waiting[uid]; ok {
		f.silentLocked(name, why)
		delete(f.waiting, uid)
		f.lookLocked()
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
	if f.came < f.others || !f.counted {
		e.Err, e.Nodes = ended, append(e.Nodes, unnamed)
		f.counted, f.others = true, 0
	}
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
