// SPDX-License-Identifier: MIT

// This file holds Link: the network of a client, and its faults.

package siotest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"socketio/internal/durations"
)

// A Direction is one way through a network, or both.
type Direction uint8

const (
	// Up is from the client to the server.
	Up Direction = 1 << iota
	// Down is from the server to the client.
	Down
	// Both is Up and Down.
	Both = Up | Down
)

// A Break is the way in which a cut ends a connection.
type Break uint8

const (
	// FIN ends it gracefully: both sides read the bytes that have left the link, then the
	// end. Bytes held by Delay or Stall are lost.
	FIN Break = iota
	// Reset resets it: both sides get an error instead of the end, in memory after the
	// bytes in transit, which may be lost over TCP.
	Reset
)

// A Link is the network between a client and the server. All connections of the client
// use it: one for WebSocket, several for polling. It forwards all bytes until a fault is
// set. A fault applies to later bytes, on open and on new connections.
//
// The same faults in the same order have the same effect, in memory to the byte. This
// does not apply to CutAfter over polling, since its connections race with each other.
// Over TCP, Stall and Split can't control the buffers of the kernel.
type Link struct {
	dialServer func(context.Context) (net.Conn, error)
	relays     sync.WaitGroup // goroutines of relays

	mu      sync.Mutex // guards the fields below
	open    map[*relay]struct{}
	shut    bool
	up      faults
	down    faults
	changed chan struct{} // closed at the next change of a fault
}

// faults are the faults in one direction.
type faults struct {
	dropped bool
	stalled bool
	delay   time.Duration
	split   int
	cuts    []cut
}

// A cut is a place where connections end.
type cut struct {
	after   int // bytes still to pass, if pattern is nil
	pattern []byte
	how     Break
}

// errShut is returned by dial after the end of the test.
var errShut = errors.New("siotest: the test is over")

func newLink(dial func(context.Context) (net.Conn, error)) *Link {
	return &Link{dialServer: dial, open: make(map[*relay]struct{}), changed: make(chan struct{})}
}

// set changes the faults of a direction.
func (l *Link) set(d Direction, change func(f *faults)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d&Up != 0 {
		change(&l.up)
	}
	if d&Down != 0 {
		change(&l.down)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// Drop makes the link discard all bytes, and hide the end of a connection from the other
// side. Lost bytes stay lost after Heal; new connections work.
func (l *Link) Drop(d Direction) { l.set(d, func(f *faults) { f.dropped = true }) }

// Stall holds bytes back until Heal. Once the buffers are full, the writer must wait.
// Stall(Down) simulates a client that does not read.
func (l *Link) Stall(d Direction) { l.set(d, func(f *faults) { f.stalled = true }) }

// Delay delays bytes and the end of a connection, keeping their order. Zero ends the
// delay for later bytes. Delay panics if delay is positive and below one millisecond,
// which indicates a missing unit: write 50*time.Millisecond, not 50.
func (l *Link) Delay(d Direction, delay time.Duration) {
	durations.Check("siotest: Link.Delay", delay, time.Millisecond)
	l.set(d, func(f *faults) { f.delay = delay })
}

// Split limits each read of the receiver to n bytes. Zero ends the limit. Over TCP the
// server may still read several pieces at once.
func (l *Link) Split(d Direction, n int) { l.set(d, func(f *faults) { f.split = max(n, 0) }) }

// CutAfter cuts a connection after n more bytes have passed over all connections
// together. Several cuts can be set; each happens once.
func (l *Link) CutAfter(d Direction, n int, how Break) {
	l.set(d, func(f *faults) { f.cuts = append(f.cuts, cut{after: max(n, 0), how: how}) })
}

// CutAt cuts the connection on which pattern passes next, after its last byte. The
// pattern is matched against the bytes on the wire: HTTP, and WebSocket frames, which are
// plain text because the clients of this package mask with the key zero. It cuts once.
// CutAt panics if pattern is empty.
func (l *Link) CutAt(d Direction, pattern string, how Break) {
	if pattern == "" {
		panic("siotest: CutAt without a pattern")
	}
	l.set(d, func(f *faults) { f.cuts = append(f.cuts, cut{pattern: []byte(pattern), how: how}) })
}

// Heal ends all faults: stalled bytes continue, pending cuts are removed.
func (l *Link) Heal() { l.set(Both, func(f *faults) { *f = faults{} }) }

// Cut cuts all connections that are open now, in both directions.
func (l *Link) Cut(how Break) {
	for _, r := range l.relaysNow() {
		r.cut(how)
	}
}

func (l *Link) relaysNow() []*relay {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*relay
	for r := range l.open {
		all = append(all, r)
	}
	return all
}

// dial opens a connection through the link.
func (l *Link) dial(ctx context.Context) (net.Conn, error) {
	server, err := l.dialServer(ctx)
	if err != nil {
		return nil, err
	}
	r := newRelay(l, server)
	l.mu.Lock()
	if l.shut {
		l.mu.Unlock()
		r.cut(Reset)
		return nil, errShut
	}
	l.open[r] = struct{}{}
	l.relays.Add(2)
	l.mu.Unlock()
	r.start()
	return r.client, nil
}

// close ends the link and waits for its goroutines.
func (l *Link) close() {
	l.mu.Lock()
	l.shut = true
	l.mu.Unlock()
	for _, r := range l.relaysNow() {
		r.end()
	}
	l.relays.Wait()
}

func (l *Link) forget(r *relay) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, r)
}

func (l *Link) of(d Direction) *faults {
	if d == Up {
		return &l.up
	}
	return &l.down
}

// now returns the faults of a direction, without its cuts, and a channel that is closed
// when they change.
func (l *Link) now(d Direction) (faults, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := *l.of(d)
	f.cuts = nil
	return f, l.changed
}

// passes returns the number of bytes that pass before a cut. tail holds the bytes that
// passed before them on the same connection. A cut that happens is removed.
func (l *Link) passes(d Direction, tail, data []byte) (n int, how Break, isCut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.of(d)
	n, which := len(data), -1
	for i, c := range f.cuts {
		at := c.after
		if c.pattern != nil {
			keep := tail[max(0, len(tail)-len(c.pattern)+1):]
			found := bytes.Index(append(bytes.Clone(keep), data...), c.pattern)
			if found < 0 {
				continue
			}
			at = found + len(c.pattern) - len(keep)
		}
		if at < n || at == n && which < 0 {
			n, which, how = at, i, c.how
		}
	}
	for i := range f.cuts {
		if f.cuts[i].pattern == nil {
			f.cuts[i].after -= n
		}
	}
	if which >= 0 {
		f.cuts = append(f.cuts[:which:which], f.cuts[which+1:]...)
	}
	return n, how, which >= 0
}

// longest returns the length of the longest pattern.
func (l *Link) longest(d Direction) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.of(d).cuts {
		n = max(n, len(c.pattern))
	}
	return n
}
