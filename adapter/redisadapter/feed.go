// SPDX-License-Identifier: MIT

// This file gives the entries of a stream to the node.

package redisadapter

import (
	"sync"

	"socketio/adapter/cluster"
)

// A feed calls the LogReceiver for the namespaces of one stream.
type feed struct {
	receiver cluster.LogReceiver
	mark     string        // of this bus
	begun    chan struct{} // closed when the end of the stream has been found

	mu      sync.Mutex // is held while the receiver is called; guards the fields below
	ready   bool
	epoch   string
	last    uint64 // the number of the latest entry
	settles []settlement

	names  sync.Mutex // a leaf; guards the field below
	wanted map[string]*namespace
}

// A namespace is one whose log is open.
type namespace struct{ told bool } // told: LogOpened was called; the lock of the feed guards it

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

// begin calls LogOpened for a namespace, if the end of the stream has been found.
func (f *feed) begin(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tellLocked(name, f.get(name))
}

func (f *feed) tellLocked(name string, n *namespace) {
	if n != nil && !n.told && f.ready {
		n.told = true
		f.receiver.LogOpened(name, f.epoch, f.last)
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
	f.epoch, f.last = epoch, last
	for name, n := range f.all() {
		n.told = false
		f.tellLocked(name, n)
	}
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
			if n := f.get(name); n != nil {
				f.tellLocked(name, n)
				f.receiver.Settled(name, token)
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
	f.last = upTo
	for name, n := range f.all() {
		if n.told {
			f.receiver.Gap(name, upTo)
		}
	}
	f.settleLocked(upTo)
}

// deliver takes the next entries.
func (f *feed) deliver(rows []row) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rows {
		if r.number <= f.last {
			continue
		}
		if len(f.settles) > 0 {
			f.settleLocked(r.number - 1)
		}
		name := r.field(fieldNamespace)
		switch n := f.get(name); {
		case n != nil:
			f.tellLocked(name, n)
			f.last = r.number
			f.receiver.Entry(name, r.entry(f.mark))
		case name == "":
			f.last = r.number
			if epoch := r.field(fieldEpoch); epoch != "" && epoch != f.epoch {
				f.epoch = epoch
				for name, n := range f.all() {
					n.told = false
					f.tellLocked(name, n)
				}
			}
		default:
			f.last = r.number
		}
	}
	f.settleLocked(f.last)
}
