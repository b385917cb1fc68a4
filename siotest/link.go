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

// A Break is how a connection ends that is cut.
type Break uint8

const (
	// FIN ends it in order: both sides read what has come out of the link, then the
	// end. What Delay or Stall still hold is lost.
	FIN Break = iota
	// Reset breaks it: both sides get an error where the end would be, in memory after
	// what was on its way; over TCP that may be lost.
	Reset
)

// A Link is the network between a client and the server. All connections of the
// client go through it: one for WebSocket, several for polling. It passes everything
// on until a fault is set. A fault counts for the bytes that come after it, on
// connections that are open and on those to come.
//
// The same faults in the same order have the same effect, in memory to the byte. Over
// polling that does not hold for a cut that counts bytes: which of the connections is
// ahead is a race. Over TCP the kernel's buffers lie behind the Link, which Stall and
// Split can't control.
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

// errShut is what dialling gives after the end of the test.
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

// Drop makes the link dead: from now on it discards bytes, and hides the end of a
// connection from the other side. Lost bytes stay lost after Heal; new connections work.
func (l *Link) Drop(d Direction) { l.set(d, func(f *faults) { f.dropped = true }) }

// Stall holds bytes back until Heal. Once the buffers are full the writer has to
// wait: a client that does not read is Stall(Down).
func (l *Link) Stall(d Direction) { l.set(d, func(f *faults) { f.stalled = true }) }

// Delay lets bytes, and the end of a connection, arrive by delay later. Their order
// stays. Zero ends it for the bytes to come. Delay panics if delay is positive and
// below one millisecond: 50*time.Millisecond, not 50.
func (l *Link) Delay(d Direction, delay time.Duration) {
	durations.Check("siotest: Link.Delay", delay, time.Millisecond)
	l.set(d, func(f *faults) { f.delay = delay })
}

// Split lets the receiver read no more than n bytes at a time. Zero ends it. Over TCP
// the server may still read several pieces at once.
func (l *Link) Split(d Direction, n int) { l.set(d, func(f *faults) { f.split = max(n, 0) }) }

// CutAfter cuts the connection on which byte n from now passes, behind that byte. All
// connections count together. Several cuts can be set; each happens once.
func (l *Link) CutAfter(d Direction, n int, how Break) {
	l.set(d, func(f *faults) { f.cuts = append(f.cuts, cut{after: max(n, 0), how: how}) })
}

// CutAt cuts the connection on which pattern passes next, behind its last byte. The
// pattern is looked for in what stands on the wire: HTTP, and WebSocket frames, which
// this package's clients mask with the key zero, so that their text stands there as it
// is. It happens once. An empty pattern panics.
func (l *Link) CutAt(d Direction, pattern string, how Break) {
	if pattern == "" {
		panic("siotest: CutAt without a pattern")
	}
	l.set(d, func(f *faults) { f.cuts = append(f.cuts, cut{pattern: []byte(pattern), how: how}) })
}

// Heal ends all faults: stalled bytes go on, cuts that did not happen are forgotten.
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

// close ends the link and waits until nothing of it runs.
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

// now returns the faults of a direction, without its cuts, and what is closed when
// they change.
func (l *Link) now(d Direction) (faults, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := *l.of(d)
	f.cuts = nil
	return f, l.changed
}

// passes tells how many of the bytes pass before a cut. tail is what passed before
// them on the same connection. The cut that happens is used up.
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

// longest is the length of the longest pattern that is looked for.
func (l *Link) longest(d Direction) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.of(d).cuts {
		n = max(n, len(c.pattern))
	}
	return n
}
