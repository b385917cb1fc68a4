// SPDX-License-Identifier: MIT

// This file holds the time for which this node may handle what its clients send.

package cluster

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A gate closes when the other nodes may take this one for dead because its process was
// frozen: a Lease after its latest heartbeat. While the bus is down, no heartbeat is sent,
// but the node extends the time itself: it serves its clients alone. The gate opens when
// the node knows which of its sessions were taken.
type gate struct {
	lease  time.Duration // constant after begin
	base   time.Time     // constant after begin
	until  atomic.Int64  // nanoseconds after base; 0 while there is nothing to guard
	echoes chan struct{} // receives when a heartbeat has come back

	mu      sync.Mutex    // guards the fields below, and changes of until
	opened  chan struct{} // closed when the gate opens; nil unless somebody waits
	echo    time.Time     // when the latest heartbeat was sent that has come back
	suspect bool          // the bus was down so long that sessions may have been taken
	asking  bool          // a goroutine asks which were taken
}

// begin makes the gate guard.
func (g *gate) begin(lease time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lease, g.base = lease, time.Now()
	g.until.Store(int64(lease))
}

// end opens the gate for ever.
func (g *gate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until.Store(0)
	g.openLocked()
}

func (g *gate) guards() bool { return g.until.Load() != 0 }

// lapsed reports whether the gate is closed.
func (g *gate) lapsed() bool {
	until := g.until.Load()
	return until != 0 && int64(time.Since(g.base)) > until
}

// returned records that a heartbeat has come back that was sent at a time.
func (g *gate) returned(sent time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if sent.After(g.echo) {
		g.echo = sent
		select {
		case g.echoes <- struct{}{}:
		default:
		}
	}
}

// extend keeps the gate open until a Lease after a time, unless it is closed.
func (g *gate) extend(from time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := int64(from.Sub(g.base) + g.lease); g.guards() && !g.lapsed() && until > g.until.Load() {
		g.until.Store(until)
	}
}

// latest returns when the latest heartbeat was sent that has come back.
func (g *gate) latest() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.echo
}

// reopen opens the gate until a Lease after a time. It reports false if that has passed.
func (g *gate) reopen(from time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.guards() {
		return true
	}
	g.until.Store(max(g.until.Load(), int64(from.Sub(g.base)+g.lease)))
	if g.lapsed() {
		return false
	}
	g.openLocked()
	return true
}

func (g *gate) openLocked() {
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

// wait waits until the gate is open. ask is called if it is closed.
func (g *gate) wait(ctx context.Context, ask func()) error {
	for g.lapsed() {
		ask()
		g.mu.Lock()
		if !g.lapsed() {
			g.mu.Unlock()
			return nil
		}
		if g.opened == nil {
			g.opened = make(chan struct{})
		}
		opened := g.opened
		g.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// doubt records whether the bus is down. It reports true once when the bus works again and
// sessions may have been taken meanwhile.
func (g *gate) doubt(down bool) (ask bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if down {
		g.suspect = g.suspect || g.guards() && time.Since(g.echo) > g.lease
		return false
	}
	ask, g.suspect = g.suspect, false
	return ask
}

// begins reports whether the caller is the one that asks which sessions were taken. It
// calls asked when it knows.
func (g *gate) begins() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asking {
		return false
	}
	g.asking = true
	return true
}

func (g *gate) asked() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asking = false
}
