// SPDX-License-Identifier: MIT

// This file holds attacks with work: handlers, searches and namespaces, also of clients
// that have disconnected.

package hostile

import (
	"fmt"
	"strings"
	"sync/atomic"

	"socketio/parser"
)

// workAttacks are these attacks over the ways that each has.
func workAttacks() (all []attack) {
	over := func(name string, c config, memory int, run func(a *attacker, way string), ways ...string) {
		for _, way := range ways {
			c.EIO3, c.Msgpack = way == overEIO3, way == overMsgpack
			all = append(all, attack{
				name: name + ", " + way, config: c, memory: memory, alike: way == overPolling,
				run: func(a *attacker) { run(a, way) },
			})
		}
	}
	over("events for 128 namespaces", config{}, freeMemory, eventsForAll, overWebSocket, overPolling, overMsgpack, overEIO3)
	over("searches of clients that have gone", config{Tenants: true, MaxConnections: 20}, 0, searchesOfTheGone, overWebSocket, overPolling)
	over("searches that look for their clients", config{Tenants: true}, 0, searchesThatLook, overWebSocket, overMsgpack)
	// 18 clients may leave 2 MiB each; and 8 MiB may be left by all.
	over("full inboxes of clients that have gone", config{MaxConnections: 20}, 18<<21+reserve+freeMemory, inboxesOfTheGone, overWebSocket, overPolling)
	over("full inboxes of clients without number", config{QueueBudget: 8 << 20}, 16<<20+freeMemory, inboxesOfTheGone, overWebSocket, overMsgpack)
	over("leaving a handler behind, and joining anew", config{}, 0, leavesHandlers, overWebSocket, overPolling, overMsgpack, overEIO3)
	over("joining and leaving in good order", config{}, 0, joinsAndLeaves, overWebSocket, overPolling, overMsgpack, overEIO3)
	over("79 clients that make namespaces", config{Tenants: true}, 2*freeMemory, makesNamespaces, overWebSocket, overPolling, overEIO3)
	over("79 clients that make namespaces which are kept", config{Tenants: true, KeepEmpty: true}, 2*freeMemory, makesNamespaces, overWebSocket)
	over("refused clients that use namespaces up", config{Tenants: true, KeepEmpty: true, MaxDynamicNamespaces: 50}, 0, refusedInNamespaces, overWebSocket, overPolling)
	over("places that are taken and not used", config{MaxConnections: 100}, 0, takesPlaces, overWebSocket, overPolling)
	return all
}

func namespaces(format string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf(format, i))
	}
	return names
}

// event is an event of some size for a namespace.
func event(namespace, name string, size int) parser.Outgoing {
	p := parser.Outgoing{Type: parser.TypeEvent, Namespace: namespace, Event: name}
	if size > 0 {
		p.Args = []any{strings.Repeat("x", size)}
	}
	return p
}

// pours runs fill in n goroutines, whose connections the server may stop reading, until
// nothing more is sent; then it closes them. It calls at before that.
func (a *attacker) pours(n int, fill func(i int), at func()) {
	done := make(chan struct{})
	var over atomic.Bool
	go func() { // ends with hangUp at the latest
		defer close(done)
		a.each(n, fill)
		over.Store(true)
	}()
	last := a.sent.Load()
	for steady := 0; steady < 20 && !over.Load(); steady++ {
		a.bystander.rounds(10)
		if now := a.sent.Load(); now != last {
			steady, last = -1, now
		}
	}
	at()
	a.hangUp()
	<-done
}

// Each namespace has an inbox, and all of them together have a bound.
func eventsForAll(a *attacker, way string) {
	names := namespaces("/n%d", 127)
	var sent atomic.Int64
	a.pours(2, func(int) {
		l := a.link(way)
		if err := l.joins(append([]string{"/"}, names...)...); err != nil {
			a.fail("joining: %v", err)
		}
		for _, name := range names {
			if l.says(event(name, "stick", 0)) != nil {
				return
			}
			for range 9 {
				if l.says(event(name, "x", 60_000)) != nil {
					return
				}
				sent.Add(1)
			}
		}
	}, func() {
		if n := sent.Load(); n < 20 {
			a.t.Errorf("%d events of 60 KB were sent: was nothing measured?", n)
		}
	})
	a.p.goOn() // otherwise the server notices late that a client it does not read has gone
}

// A search continues when its client has disconnected, and counts until it ends.
func searchesOfTheGone(a *attacker, way string) {
	var refused atomic.Int64
	a.each(4, func(part int) {
		for i := range 15 {
			l := a.link(way)
			if l == nil {
				refused.Add(1)
				continue
			}
			if err := l.joins("/"); err != nil {
				a.fail("joining: %v", err)
			}
			var wishes []parser.Outgoing
			for _, name := range namespaces(fmt.Sprintf("/stuck-%d-%d-%%d", part, i), 16) {
				wishes = append(wishes, parser.Outgoing{Type: parser.TypeConnect, Namespace: name})
			}
			_ = l.says(wishes...) // isServed tells
			if err := l.isServed(); err != nil {
				a.fail("a client that asks for namespaces: %v", err)
			}
			l.goes()
		}
	})
	a.until("the clients have gone", func() bool { return a.p.stats().Connections <= 2 })
	// Four disconnect at once, and the place of one may be taken before its work counts.
	if n := a.p.stats().Searches; n < 8 || n > (18+4)*8 {
		a.t.Errorf("%d searches run for nobody, want 8 for each of 18 clients, and for four that came meanwhile", n)
	}
	if refused.Load() == 0 {
		a.t.Error("no client was told that the server is full")
	}
	a.p.goOn()
	a.until("the searches end", func() bool { return a.p.stats().Searches == 0 })
	a.isFree(way)
}

// isFree expects the server to accept one more client.
func (a *attacker) isFree(way string) {
	a.t.Helper()
	var l *link
	a.until("there is a place again", func() bool {
		l = a.link(way)
		return l != nil
	})
	if l == nil {
		return
	}
	if err := l.joins("/"); err != nil {
		a.t.Errorf("joining afterwards: %v", err)
	} else if err := l.isServed(); err != nil {
		a.t.Errorf("an event afterwards: %v", err)
	}
	l.goes()
}

// A function that looks at the context of the handshake ends with its client.
func searchesThatLook(a *attacker, way string) {
	a.each(40, func(i int) {
		l := a.link(way)
		if err := l.joins("/"); err != nil {
			a.fail("joining: %v", err)
		}
		for _, name := range namespaces(fmt.Sprintf("/watching-%d-%%d", i), 12) {
			_ = l.says(parser.Outgoing{Type: parser.TypeConnect, Namespace: name}) // isServed tells
		}
		if err := l.isServed(); err != nil {
			a.fail("a client that asks for namespaces: %v", err)
		}
		if i%2 == 0 {
			l.goes()
		} else {
			_ = l.leaves(namespaces(fmt.Sprintf("/watching-%d-%%d", i), 12)...)
		}
	})
	a.until("no search is left", func() bool { return a.p.stats().Searches == 0 })
}

// Events that wait for a handler are dropped when the handler has ended, not when its
// client disconnects.
func inboxesOfTheGone(a *attacker, way string) {
	before := a.p.heap()
	var left, refused atomic.Int64
	a.each(4, func(int) {
		for range 25 {
			l := a.link(way)
			if l == nil {
				refused.Add(1)
				continue
			}
			if err := l.joins("/", "/n1"); err != nil {
				a.fail("joining: %v", err)
			}
			_ = l.says(event("/n1", "stick", 0)) // awaits tells
			if err := l.awaits(parser.TypeEvent, "/n1"); err != nil {
				a.fail("a handler that takes its time: %v", err)
			}
			for range 30 {
				_ = l.says(event("/n1", "x", 60_000))
			}
			if err := l.isServed(); err != nil {
				a.fail("a client with a full inbox: %v", err)
			}
			l.goes()
			left.Add(1)
		}
	})
	a.until("the clients have gone", func() bool { return a.p.stats().Connections <= 2 })
	if left.Load() == 0 || refused.Load() == 0 {
		a.t.Errorf("%d clients have left a full inbox, %d were told that the server is full", left.Load(), refused.Load())
	}
	a.p.goOn()
	a.until("no handler runs", func() bool { return a.p.stats().Stuck == 0 })
	a.until("what waited is given back", func() bool { return a.p.heap() < before+8<<20 })
	a.isFree(way)
}

// The handlers of a socket run one at a time, and a client can't evade that by leaving.
func leavesHandlers(a *attacker, way string) {
	a.pours(1, func(int) {
		l := a.link(way)
		if err := l.joins("/"); err != nil {
			a.fail("joining: %v", err)
		}
		for range 512 {
			if l.joins("/n1") != nil || l.says(event("/n1", "stick", 0)) != nil || l.awaits(parser.TypeEvent, "/n1") != nil || l.leaves("/n1") != nil {
				return
			}
		}
	}, func() {
		least, most := int64(8), int64(17)
		if way == overEIO3 {
			least, most = 1, 1 // its ids say the same again, so the next one waits
		}
		if n := a.p.stats().Stuck; n < least || n > most {
			a.t.Errorf("%d handlers of one client run at once, want %d at most", n, most)
		}
	})
	a.p.goOn()
	a.until("no handler runs", func() bool { return a.p.stats().Stuck == 0 })
}

// Nothing is left behind; but no regular client joins this often.
func joinsAndLeaves(a *attacker, way string) {
	a.each(4, func(int) {
		l := a.link(way)
		if err := l.joins("/"); err != nil {
			a.fail("joining: %v", err)
		}
		names := namespaces("/n%d", 100)
		for range 100 {
			if l.joins(names...) != nil || l.leaves(names...) != nil {
				return
			}
		}
		a.fail("a client has joined 10,000 times, one after another")
	})
}

// A few clients can't create all possible namespaces. They leave before too many
// rejections would close them.
func makesNamespaces(a *attacker, way string) {
	var made atomic.Int64
	a.each(8, func(part int) {
		for i := part; i < 79; i += 8 {
			l := a.link(way)
			if err := l.joins("/"); err != nil {
				a.fail("joining: %v", err)
			}
			for n := 0; n < 127; n += 4 {
				if l.joins(namespaces(fmt.Sprintf("/tenant-%d-%d-%%d", i, n), min(4, 127-n))...) != nil {
					break
				}
				made.Add(4)
			}
		}
	})
	if made.Load() < 79*28 {
		a.t.Errorf("%d namespaces were made: was nothing measured?", made.Load())
	}
	for i := range 30 {
		l := a.link(way)
		if err := l.joins("/", fmt.Sprintf("/tenant-new-%d", i)); err != nil {
			a.fail("another client makes a namespace: %v", err)
		}
		l.goes()
	}
}

// A rejected client leaves no namespace behind.
func refusedInNamespaces(a *attacker, way string) {
	for i := range 10 {
		l := a.link(way)
		if err := l.joins("/"); err != nil {
			a.fail("joining: %v", err)
		}
		for _, name := range namespaces(fmt.Sprintf("/tenant-closed-%d-%%d", i), 15) {
			if l.joins(name) == nil {
				a.fail("%s lets a client in", name)
			}
		}
		l.goes()
	}
	l := a.link(way)
	if err := l.joins("/", "/tenant-open"); err != nil {
		a.t.Errorf("a client that may join: %v", err)
	}
}

// A client that only opens sessions takes no place from one that joins.
func takesPlaces(a *attacker, way string) {
	a.each(4, func(int) {
		for range 60 {
			if a.link(way) == nil {
				a.fail("the server is full of clients that have not joined")
			}
		}
	})
	for range 10 {
		l := a.link(way)
		if l == nil {
			a.fail("no place for a client that joins")
		}
		if err := l.joins("/"); err != nil {
			a.fail("joining: %v", err)
		}
		if err := l.isServed(); err != nil {
			a.fail("an event: %v", err)
		}
	}
}
