// SPDX-License-Identifier: MIT

// This file puts faults into clean histories of several servers.

package histcheck_test

import (
	"slices"
	"strings"
	"testing"

	hc "socketio/internal/histcheck"
)

func TestEveryFaultOfSeveralServersIsFound(t *testing.T) {
	findAll(t, ofNodes(), nodeFaults, func(seed uint64) *faulty {
		f := faultyOf(cleanNodes(seed), seed)
		f.index = f.indexed()
		return f
	})
}

// A handler that had begun when its server was frozen may record its event afterwards.
func TestHandlerOfAFrozenServer(t *testing.T) {
	tried := 0
	for seed := range uint64(400) {
		f := faultyOf(cleanNodes(seed), seed)
		f.index = f.indexed()
		if !f.takenOver(1) {
			continue
		}
		tried++
		if report := hc.Check(f.History); report.Classes()[hc.Stale] > 0 {
			t.Errorf("seed %d: %s", seed, report)
		}
	}
	if tried < 10 {
		t.Errorf("only %d histories have such a server", tried)
	}
}

// An index is what faults need to know of a clean history of several servers.
type index struct {
	joined map[string]int64    // by session: when it had joined all
	server map[string]string   // by epoch
	visits map[string][]string // by session: its epochs
	ended  map[string]int64    // by epoch: when its server has recorded the end
	wrong  [][2]int64          // from when to when something was wrong with the servers
}

func (f *faulty) indexed() *index {
	x := &index{joined: make(map[string]int64), server: make(map[string]string), visits: make(map[string][]string), ended: make(map[string]int64)}
	const unnoticed = 17_000_000
	var lines []event
	for proc, log := range f.History {
		if isServer(proc) {
			lines = append(lines, log...)
		}
	}
	slices.SortFunc(lines, func(a, b event) int { return int(a.T - b.T) })
	for _, e := range lines {
		switch e.Kind {
		case hc.Health:
			x.wrong = append(x.wrong, [2]int64{e.T - unnoticed - margin, e.T + margin})
		case hc.Join:
			if e.Room == "all" {
				x.joined[e.Session] = e.T
			}
		case hc.Conn:
			x.server[e.Epoch] = e.Proc
			x.visits[e.Session] = append(x.visits[e.Session], e.Epoch)
		case hc.Disc:
			x.ended[e.Epoch] = e.T
		}
	}
	bad, since := 0, int64(0)
	for _, e := range f.History["runner"] {
		switch e.Kind {
		case hc.Freeze, hc.Outage:
			if bad++; bad == 1 {
				since = e.T
			}
		case hc.Thaw, hc.Over:
			if bad--; bad == 0 {
				x.wrong = append(x.wrong, [2]int64{since - margin, e.T + margin})
			}
		case hc.Kill:
			x.wrong = append(x.wrong, [2]int64{e.T - margin, e.T + margin})
		}
	}
	return x
}

// margin is more than what the checker concedes around the faults of servers, and of clocks.
const margin = 3_200_000

func (f *faulty) logged() bool { return f.History["runner"][0].Logged }

// calm reports whether nothing was wrong with any server at a time.
func (f *faulty) calm(t int64) bool {
	return !slices.ContainsFunc(f.index.wrong, func(w [2]int64) bool { return w[0] < t && t < w[1] })
}

// due reports whether an event at a client must have arrived if later ones have: it was for
// all, and its client was connected, and nothing was wrong with the servers.
func (f *faulty) due(s spot) bool {
	e := f.event(s)
	if e.Kind != hc.Recv || isServer(s.proc) || e.Dir != hc.Down {
		return false
	}
	m := f.sent(e)
	return m != nil && !m.Volatile && len(m.To) == 1 && m.To[0] == "all" && m.Except == nil && f.calm(m.T) && f.index.joined[e.Session] > 0 && f.index.joined[e.Session] < m.T
}

// elsewhere reports whether an event came from another server than that of its client.
func (f *faulty) elsewhere(s spot) bool {
	e := f.event(s)
	return f.index.server[e.Epoch] != f.sent(e).Proc
}

// same returns the next event of the same stream to all in the same session.
func (f *faulty) same(s spot) (spot, bool) {
	e := f.event(s)
	return f.next(s, func(n *event) bool {
		return n.Kind == hc.Recv && n.Stream == e.Stream && n.Session == e.Session && slices.Equal(f.sent(n).To, []string{"all"})
	})
}

// dropped removes an event from the log of a client, if it fits.
func (f *faulty) dropped(fits func(s spot) bool) bool {
	s, ok := f.pick(func(s spot, e *event) bool { return f.due(s) && fits(s) })
	if ok {
		f.remove(s)
	}
	return ok
}

func (f *faulty) followed(s spot) bool { _, more := f.same(s); return more }

// isLast reports whether nothing of the stream follows in a connection that saw the end.
func (f *faulty) isLast(s spot) bool {
	e := f.event(s)
	_, more := f.next(s, func(n *event) bool { return n.Kind == hc.Recv && n.Stream == e.Stream })
	_, end := f.next(s, func(n *event) bool { return n.Kind == hc.End && n.Epoch == e.Epoch })
	return !more && end
}

// overCut reports whether an event is the first of a connection that continues a session
// on another server.
func (f *faulty) overCut(s spot) bool {
	e := f.event(s)
	log := f.History[s.proc]
	for i := s.at - 1; i >= 0; i-- {
		switch {
		case log[i].Kind == hc.Recv && log[i].Stream == e.Stream && log[i].Epoch == e.Epoch:
			return false
		case log[i].Kind == hc.Conn:
			return log[i].Recovered && f.followed(s)
		}
	}
	return false
}

// swapped lets an event arrive after the next one of its series.
func (f *faulty) swapped() bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		next, more := f.same(s)
		return f.due(s) && more && f.event(next).Epoch == e.Epoch
	})
	if !ok {
		return false
	}
	next, _ := f.same(s)
	a, b := *f.event(s), *f.event(next)
	a.T, b.T = b.T, a.T
	*f.event(s), *f.event(next) = b, a
	return true
}

// again lets an event arrive a second time, also on another connection of the session.
func (f *faulty) again() bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		return e.Kind == hc.Recv && !isServer(s.proc) && e.Dir == hc.Down
	})
	if !ok {
		return false
	}
	e := *f.event(s)
	at := spot{s.proc, s.at + 1}
	later, more := f.next(s, func(n *event) bool { return n.Kind == hc.Recv && n.Session == e.Session && n.Dir == hc.Down })
	if more && f.r.IntN(2) == 0 {
		at.at = later.at + 1
		e.Epoch, e.T = f.event(later).Epoch, f.event(later).T
	}
	f.insert(at, e)
	return true
}

// lostFromKilled removes at one client an event of a server that was killed, which others
// have got.
func (f *faulty) lostFromKilled() bool {
	return f.dropped(func(s spot) bool {
		m := f.sent(f.event(s))
		if !f.killed(m.Proc) || !f.followed(s) {
			return false
		}
		return f.elsewhere(s)
	})
}

// continued returns the connection that continues the session of one that ends, if it is on
// another server, and when it began.
func (f *faulty) continued(e *event) (epoch string, began int64) {
	all := f.index.visits[e.Session]
	at := slices.Index(all, e.Epoch)
	if at < 0 || at+1 == len(all) || f.index.server[all[at+1]] == e.Proc {
		return "", 0
	}
	log := f.History[f.index.server[all[at+1]]]
	return all[at+1], log[slices.IndexFunc(log, func(n event) bool { return n.Kind == hc.Conn && n.Epoch == all[at+1] })].T
}

// takenOver lets a frozen server handle events of a client whose session another server
// has taken.
func (f *faulty) takenOver(events int) bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		if e.Kind != hc.Disc || !isServer(s.proc) {
			return false
		}
		_, began := f.continued(e)
		return began > 0 && began < e.T && len(f.emits["up/"+clientOf(e.Epoch)]) > 0
	})
	if !ok {
		return false
	}
	e := f.event(s)
	m := f.emits["up/"+clientOf(e.Epoch)][0]
	late := event{T: e.T, Kind: hc.Recv, Dir: hc.Up, Session: e.Session, Epoch: e.Epoch, Stream: m.Stream, N: m.N, Hash: m.Hash}
	for range events {
		f.insert(s, late)
	}
	return true
}

func clientOf(epoch string) string { name, _, _ := strings.Cut(epoch, "/"); return name }

// twoLive removes the end of a connection before another server continues the session.
func (f *faulty) twoLive() bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		if e.Kind != hc.Disc || !isServer(s.proc) || f.troubled() {
			return false
		}
		_, began := f.continued(e)
		return began > e.T
	})
	if ok {
		f.remove(s)
	}
	return ok
}

// told changes an answer without an error.
func (f *faulty) told(change func(e *event) bool) bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		c := *e
		c.Sessions = slices.Clone(e.Sessions)
		return e.Kind == hc.Told && e.Reason == "" && f.calm(e.T) && change(&c)
	})
	if ok {
		change(f.event(s))
	}
	return ok
}

// restored changes what a session on another server was restored with.
func (f *faulty) restored(change func(e *event) bool) bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		c := *e
		c.Rooms = slices.Clone(e.Rooms)
		return recovered(s, e) && f.calm(e.T) && !f.troubled() && change(&c)
	})
	if ok {
		change(f.event(s))
	}
	return ok
}

// troubled reports whether anything was wrong with a server in the whole run.
func (f *faulty) troubled() bool { return len(f.History["runner"]) > 1 }

var nodeFaults = []fault{
	{"an event of another server is dropped", func(f *faulty) bool {
		return f.dropped(func(s spot) bool { return f.elsewhere(s) && f.followed(s) })
	}, oneOf(hc.Hole)},
	{"an event of the same server is dropped", func(f *faulty) bool {
		return f.dropped(func(s spot) bool { return !f.elsewhere(s) && f.followed(s) })
	}, oneOf(hc.Hole)},
	{"the last event of another server is dropped", func(f *faulty) bool {
		return f.dropped(func(s spot) bool { return f.elsewhere(s) && f.isLast(s) })
	}, oneOf(hc.Lost)},
	{"the first event after a recovery on another server is dropped", func(f *faulty) bool {
		return f.dropped(f.overCut)
	}, oneOf(hc.Hole)},
	{"an event of a killed server is dropped", (*faulty).lostFromKilled, oneOf(hc.Hole)},
	{"events of one server are swapped", (*faulty).swapped, oneOf(hc.Reordered)},
	{"an event arrives again", (*faulty).again, oneOf(hc.Duplicate)},
	{"an event for another client", func(f *faulty) bool { return f.foreign(false) }, oneOf(hc.Wrong)},
	{"an event for an old session", func(f *faulty) bool { return f.foreign(true) }, oneOf(hc.Wrong)},
	{"an event that was never sent", func(f *faulty) bool {
		return f.change(hc.Recv, anywhere, func(e *event) { e.N += 1000 })
	}, oneOf(hc.Unexpected)},
	{"two live sockets of one id on two servers", (*faulty).twoLive, oneOf(hc.DoubleID)},
	{"a frozen server handles events of a session that was taken", func(f *faulty) bool { return f.takenOver(2) }, oneOf(hc.Stale)},
	{"a room is forgotten on another server", func(f *faulty) bool {
		return f.restored(func(e *event) bool {
			at := slices.Index(e.Rooms, "all")
			if at >= 0 {
				e.Rooms = slices.Delete(e.Rooms, at, at+1)
			}
			return at >= 0
		})
	}, oneOf(hc.State)},
	{"a room too many on another server", func(f *faulty) bool {
		return f.restored(func(e *event) bool { e.Rooms = append(e.Rooms, "admins"); return true })
	}, oneOf(hc.State)},
	{"data is forgotten on another server", func(f *faulty) bool {
		return f.restored(func(e *event) bool { e.Data = ""; return true })
	}, oneOf(hc.State)},
	{"recovered without a session", func(f *faulty) bool {
		return f.change(hc.Conn, atServer, func(e *event) { e.Session, e.Recovered = "id-of-nobody", true })
	}, oneOf(hc.State)},
	{"an answer without one of the sockets", func(f *faulty) bool {
		return f.told(func(e *event) bool {
			at := slices.IndexFunc(e.Sessions, func(id string) bool { return f.stays(id, e.T+margin) })
			if at >= 0 {
				e.Sessions = slices.Delete(e.Sessions, at, at+1)
			}
			return at >= 0
		})
	}, oneOf(hc.State)},
	{"an answer with a socket that has ended", func(f *faulty) bool {
		return f.told(func(e *event) bool { e.Sessions = append(e.Sessions, "id1"); return f.over("id1", e.T) })
	}, oneOf(hc.State)},
	{"an answer that names a socket twice", func(f *faulty) bool {
		return f.told(func(e *event) bool {
			if len(e.Sessions) > 0 {
				e.Sessions = append(e.Sessions, e.Sessions[0])
				return true
			}
			return false
		})
	}, oneOf(hc.DoubleID)},
	{"a question without an answer", func(f *faulty) bool {
		s, ok := f.pick(func(s spot, e *event) bool { return e.Kind == hc.Told && !f.killed(s.proc) })
		if ok {
			f.remove(s)
		}
		return ok
	}, oneOf(hc.Hung)},
	{"an answer that nobody waited for", func(f *faulty) bool {
		s, ok := f.pick(func(_ spot, e *event) bool { return e.Kind == hc.Ask })
		if ok {
			f.remove(s)
		}
		return ok
	}, oneOf(hc.Unexpected)},
	{"an answer that comes much too late", func(f *faulty) bool {
		s, ok := f.pick(func(s spot, e *event) bool { return e.Kind == hc.Ask && !f.troubled() })
		if ok {
			for i := s.at + 1; i < len(f.History[s.proc]); i++ {
				f.History[s.proc][i].T += 31_000_000
			}
		}
		return ok
	}, oneOf(hc.Hung)},
}

// over reports whether the last connection of a session had ended before a time.
func (f *faulty) over(session string, t int64) bool {
	all := f.index.visits[session]
	if f.logged() || len(all) == 0 {
		return false
	}
	ended := f.index.ended[all[len(all)-1]]
	return ended > 0 && ended < t
}

// stays reports whether the first connection of a session lasts until a time, and nothing
// is wrong with the servers.
func (f *faulty) stays(session string, until int64) bool {
	all := f.index.visits[session]
	return !f.troubled() && len(all) > 0 && f.index.ended[all[0]] > until
}
