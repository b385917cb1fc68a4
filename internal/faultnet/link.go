// SPDX-License-Identifier: MIT

// This file holds Link: the network of a client, and its faults.

package faultnet

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"time"
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

// An Action is what happens at a Point.
type Action uint8

const (
	// FIN ends the connection gracefully: both sides read the bytes that have left the
	// link, then the end. Bytes held by Delay, Stall or Hold are lost.
	FIN Action = iota
	// Reset resets it: both sides get an error instead of the end.
	Reset
	// Hold keeps the later bytes of this direction of the connection until Heal.
	Hold
	// Swallow discards the later bytes of both directions and hides the end of the
	// connection from the other side.
	Swallow
)

// A Point is a place in the bytes that pass in one direction.
type Point struct {
	// Pattern is matched against the bytes of each connection: HTTP, and WebSocket frames
	// with the mask removed. The point is after its last byte. If it is empty, the bytes
	// of all connections are counted together.
	Pattern string
	// Skip is the number of matches to let pass first.
	Skip int
	// More is the number of bytes to let pass after the match, on the same connection.
	More int
}

// ErrClosed is returned by Carry after Close.
var ErrClosed = errors.New("faultnet: the link is closed")

// A Link is the network between a client and the server. It carries any number of
// connections, and forwards all bytes until a fault is set. A fault applies to later
// bytes, on open and on new connections. All methods are safe for concurrent use.
type Link struct {
	relays  sync.WaitGroup // goroutines of relays
	onPoint func(d Direction, p Point, a Action)

	mu      sync.Mutex // guards the fields below
	open    map[*relay]struct{}
	shut    bool
	up      faults
	down    faults
	heals   int           // calls of Heal
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

// A cut is a Point that has not been reached.
type cut struct {
	point   Point // as it was set
	pattern []byte
	skip    int
	after   int   // bytes still to pass, if pattern is nil
	on      *pump // the connection on which they are counted; nil counts all
	action  Action
}

// NewLink returns a link without faults. onPoint, if not nil, is called each time that a
// point is reached, by the goroutine that carries the connection.
func NewLink(onPoint func(d Direction, p Point, a Action)) *Link {
	return &Link{onPoint: onPoint, open: make(map[*relay]struct{}), changed: make(chan struct{})}
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
func (l *Link) Stall(d Direction) { l.set(d, func(f *faults) { f.stalled = true }) }

// Delay delays bytes and the end of a connection, keeping their order. Zero ends the
// delay for later bytes.
func (l *Link) Delay(d Direction, delay time.Duration) {
	l.set(d, func(f *faults) { f.delay = delay })
}

// Split limits each write to the receiver to n bytes. Zero ends the limit.
func (l *Link) Split(d Direction, n int) { l.set(d, func(f *faults) { f.split = max(n, 0) }) }

// At sets what happens when a point is passed. Several can be set; each happens once.
func (l *Link) At(d Direction, p Point, a Action) {
	l.set(d, func(f *faults) {
		c := cut{point: p, skip: p.Skip, after: max(p.More, 0), action: a}
		if p.Pattern != "" {
			c.pattern = []byte(p.Pattern)
		}
		f.cuts = append(f.cuts, c)
	})
}

// Heal ends all faults: stalled and held bytes continue, points are removed.
func (l *Link) Heal() {
	l.mu.Lock()
	l.heals++
	l.mu.Unlock()
	l.set(Both, func(f *faults) { *f = faults{} })
}

// Cut ends all connections that are open now, by FIN or Reset.
func (l *Link) Cut(how Action) {
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

// Carry carries a connection: it joins the link's end towards the client with its end
// towards the server, and returns at once. Both belong to the link then. After Close it
// resets both and returns ErrClosed.
func (l *Link) Carry(client, server net.Conn) error {
	r := newRelay(l, client, server)
	l.mu.Lock()
	if l.shut {
		l.mu.Unlock()
		r.cut(Reset)
		return ErrClosed
	}
	l.open[r] = struct{}{}
	l.relays.Add(2)
	l.mu.Unlock()
	r.start()
	return nil
}

// Close ends all connections and waits for the goroutines that carry them.
func (l *Link) Close() {
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

// now returns the faults of a direction, without its cuts, how often the link has healed,
// and a channel that is closed when they change.
func (l *Link) now(d Direction) (f faults, heals int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f = *l.of(d)
	f.cuts = nil
	return f, l.heals, l.changed
}

// passes returns the number of bytes that pass on a connection before the next point, and
// that point if it is reached. p.tail holds the bytes that passed before them. A point
// that is reached is removed. n is -1 if the direction is stalled: no byte passes then, even
// if the pump has found it open a moment ago.
func (l *Link) passes(p *pump, data []byte) (n int, reached *cut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.of(p.d)
	if f.stalled {
		return -1, nil
	}
	n, which := len(data), -1
	for i := range f.cuts {
		c := &f.cuts[i]
		if c.pattern != nil && !c.match(p, data) || c.on != nil && c.on != p {
			continue
		}
		if c.after < n || c.after == n && which < 0 {
			n, which = c.after, i
		}
	}
	for i := range f.cuts {
		if c := &f.cuts[i]; c.pattern == nil && (c.on == nil || c.on == p) {
			c.after -= n
		}
	}
	if which >= 0 {
		c := f.cuts[which]
		f.cuts = append(f.cuts[:which:which], f.cuts[which+1:]...)
		reached = &c
	}
	return n, reached
}

// match looks for the pattern in data, which follows p.tail, and reports whether it was
// found. Then the cut counts the bytes of p, from the beginning of data on.
func (c *cut) match(p *pump, data []byte) bool {
	keep := p.tail[max(0, len(p.tail)-len(c.pattern)+1):]
	window := append(bytes.Clone(keep), data...)
	for from := 0; ; {
		found := bytes.Index(window[from:], c.pattern)
		if found < 0 {
			return false
		}
		from += found + len(c.pattern)
		if c.skip == 0 {
			c.on, c.pattern, c.after = p, nil, c.after+from-len(keep)
			return true
		}
		c.skip--
		from -= len(c.pattern) - 1 // matches may overlap
	}
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
