// SPDX-License-Identifier: MIT

// This file gives the entries of a stream to the node.

package redisadapter

import (
	"slices"
	"sync"
	"sync/atomic"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// A feed calls the LogReceiver for the namespaces of one stream.
type feed struct {
	receiver cluster.LogReceiver
	mark     string        // of this bus
	begun    chan struct{} // closed when the end of the stream has been found
	batch    adapter.Batch // what the entries of one read have caused; only deliver uses it

	mu      sync.Mutex // is held while the receiver is called; guards the fields below
	ready   bool
	epoch   string
	last    uint64   // the number of the latest entry
	recent  []uint64 // the numbers of the latest entries, in order and without a gap
	settles []settlement
	opening bool // LogOpened was not called for all namespaces

	names  sync.Mutex // a leaf; guards the field below
	wanted map[string]*namespace
}

// A namespace is one whose log is open. The lock of the feed guards the fields.
type namespace struct {
	asked   bool   // the end of the stream was found after OpenLog
	after   uint64 // that end
	told    bool   // LogOpened was called
	skipped uint64 // a token that is settled after LogOpened, or 0

	first atomic.Uint64 // the token of the first Append, or 0; also without the lock
}

// A settlement is a call of Settled for each of some namespaces, after an entry.
type settlement struct {
	after  uint64
	tokens map[string]uint64
}

func newFeed(r cluster.LogReceiver, mark string) *feed {
	return &feed{receiver: r, mark: mark, begun: make(chan struct{}), wanted: make(map[string]*namespace)}
}

// want adds a namespace. begin must be called for it on another goroutine.
func (f *feed) want(name string) {
	f.names.Lock()
	defer f.names.Unlock()
	if f.wanted[name] == nil {
		f.wanted[name] = new(namespace)
	}
}

// adding is called before each Append.
func (f *feed) adding(name string, token uint64) {
	if n := f.get(name); n != nil {
		n.first.CompareAndSwap(0, token)
	}
}

// get returns a namespace, or nil if it is not wanted.
func (f *feed) get(name string) *namespace {
	f.names.Lock()
	defer f.names.Unlock()
	return f.wanted[name]
}

// all returns the namespaces.
func (f *feed) all() map[string]*namespace {
	f.names.Lock()
	defer f.names.Unlock()
	all := make(map[string]*namespace, len(f.wanted))
	for name, n := range f.wanted {
		all[name] = n
	}
	return all
}

// forget removes a namespace, and returns after the last call for it.
func (f *feed) forget(name string) {
	f.names.Lock()
	delete(f.wanted, name)
	f.names.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
}

// begin is called with the end of the stream after want, if the stream is already read.
func (f *feed) begin(name string, end uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.get(name); n != nil && !n.told {
		n.asked, n.after = true, max(n.after, end)
		f.tellLocked(name, n)
		f.opening = f.opening || !n.told
	}
}

// tellLocked calls LogOpened for a namespace when its end has been read.
func (f *feed) tellLocked(name string, n *namespace) {
	if n.told || !f.ready || !n.asked || f.last < n.after {
		return
	}
	f.openLocked(name, n, f.last)
}

// openLocked calls LogOpened.
func (f *feed) openLocked(name string, n *namespace, last uint64) {
	n.told = true
	f.receiver.LogOpened(name, f.epoch, last)
	if n.skipped > 0 {
		f.receiver.Settled(name, n.skipped)
		n.skipped = 0
	}
}

// tellAllLocked calls LogOpened again for all namespaces: what was read before is void.
func (f *feed) tellAllLocked() {
	for name, n := range f.all() {
		n.asked, n.after, n.told = true, 0, false
		f.tellLocked(name, n)
	}
}

// open is called when the end of the stream has been found, and again if the log is another:
// an earlier number may come again then.
func (f *feed) open(epoch string, last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready && f.epoch == epoch {
		return
	}
	if !f.ready {
		f.ready = true
		close(f.begun)
	}
	f.epoch, f.last, f.recent = epoch, last, nil
	f.tellAllLocked()
	f.settleLocked(f.last)
}

// state returns the epoch and the number of the latest entry.
func (f *feed) state() (epoch string, last uint64, ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.epoch, f.last, f.ready
}

// settle has Settled called after the entry with a number.
func (f *feed) settle(after uint64, tokens map[string]uint64) {
	if len(tokens) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settles = append(f.settles, settlement{after, tokens})
	if f.ready {
		f.settleLocked(f.last)
	}
}

// settleLocked makes the calls of Settled that are due after the entry with a number.
func (f *feed) settleLocked(number uint64) {
	for len(f.settles) > 0 && f.settles[0].after <= number {
		for name, token := range f.settles[0].tokens {
			n := f.get(name)
			switch {
			case n == nil:
			case n.told:
				f.receiver.Settled(name, token)
			default:
				n.skipped = max(n.skipped, token)
			}
		}
		f.settles = f.settles[1:]
	}
}

// gap is called for entries up to a number that can't be read.
func (f *feed) gap(upTo uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if upTo <= f.last {
		return
	}
	f.last, f.recent = upTo, nil
	for name, n := range f.all() {
		if n.told {
			f.receiver.Gap(name, upTo)
		}
	}
	f.settleLocked(upTo)
}

// maxRecent is how many numbers a feed remembers.
const maxRecent = 16384

func (f *feed) rememberLocked(number uint64) {
	if len(f.recent) == 2*maxRecent {
		f.recent = append(f.recent[:0], f.recent[maxRecent:]...)
	}
	f.recent = append(f.recent, number)
}

// follows reports whether this server has read the entry with a number directly after
// another.
func (f *feed) follows(number, after uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, found := slices.BinarySearch(f.recent, number)
	return found && i > 0 && f.recent[i-1] == after
}

// deliver takes the next entries. What they cause leaves in one write for each client.
func (f *feed) deliver(rows []row) {
	f.hand(rows)
	f.batch.Flush()
}

// give calls Entry.
func (f *feed) give(name string, e cluster.Entry) {
	if many, ok := f.receiver.(cluster.BatchLogReceiver); ok {
		many.EntryMany(&f.batch, name, e)
		return
	}
	f.receiver.Entry(name, e)
}

func (f *feed) hand(rows []row) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rows {
		if r.number <= f.last {
			continue
		}
		if len(f.settles) > 0 {
			f.settleLocked(r.number - 1)
		}
		f.last = r.number
		f.rememberLocked(r.number)
		name := r.field(fieldNamespace)
		if name == "" {
			if epoch := r.field(fieldEpoch); epoch != "" && epoch != f.epoch {
				f.epoch = epoch
				f.tellAllLocked()
			}
			continue
		}
		n := f.get(name)
		if n == nil {
			continue
		}
		e := r.entry(f.mark)
		if first := n.first.Load(); !n.told && first > 0 && e.Token >= first {
			f.openLocked(name, n, r.number-1) // it was added since OpenLog
		}
		if n.told {
			f.give(name, e)
			continue
		}
		f.tellLocked(name, n)
	}
	f.settleLocked(f.last)
	if f.opening {
		f.opening = false
		for name, n := range f.all() {
			f.tellLocked(name, n)
			f.opening = f.opening || !n.told
		}
	}
}
