// SPDX-License-Identifier: MIT

// This file puts faults into clean histories of several servers.

package histcheck_test

import (
	"slices"
	"testing"

	hc "socketio/internal/histcheck"
)

func TestEveryFaultOfSeveralServersIsFound(t *testing.T) {
	findAll(t, nodeFaults, func(seed uint64) *faulty { return faultyOf(cleanNodes(seed), seed) })
}

// margin is more than what the checker concedes around the faults of servers, and of clocks.
const margin = 3_200_000

func (f *faulty) logged() bool { return f.History["runner"][0].Logged }

// calm reports whether nothing was wrong with any server at a time.
func (f *faulty) calm(t int64) bool {
	bad := 0 // how many faults have not ended
	last := int64(0)
	for _, e := range f.History["runner"] {
		was := bad
		switch e.Kind {
		case hc.Freeze, hc.Outage:
			bad++
		case hc.Thaw, hc.Over:
			bad--
		case hc.Kill:
		default:
			continue
		}
		if was > 0 && last-margin < t && t < e.T+margin || e.T-margin < t && t < e.T+margin {
			return false
		}
		last = e.T
	}
	return true
}

// due reports whether an event at a client must have arrived if later ones have: it was for
// all, and its client was connected, and nothing was wrong with the servers.
func (f *faulty) due(s spot) bool {
	e := f.event(s)
	if e.Kind != hc.Recv || isServer(s.proc) || e.Dir != hc.Down {
		return false
	}
	m := f.sent(e)
	return m != nil && !m.Volatile && len(m.To) == 1 && m.To[0] == "all" && m.Except == nil && f.calm(m.T) && f.joined(e.Session) < m.T
}

// joined returns when a session had joined all.
func (f *faulty) joined(session string) int64 {
	for _, log := range f.History {
		for _, e := range log {
			if e.Kind == hc.Join && e.Session == session && e.Room == "all" {
				return e.T
			}
		}
	}
	return 1 << 62
}

// elsewhere reports whether an event came from another server than that of its client.
func (f *faulty) elsewhere(s spot) bool {
	e := f.event(s)
	return f.server(e.Epoch) != f.sent(e).Proc
}

// server returns the server of a connection.
func (f *faulty) server(epoch string) string {
	for proc, log := range f.History {
		if isServer(proc) && slices.ContainsFunc(log, func(e event) bool { return e.Kind == hc.Conn && e.Epoch == epoch }) {
			return proc
		}
	}
	return ""
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

// takenOver lets a frozen server handle an event of a client whose session another server
// has taken.
func (f *faulty) takenOver() bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		if e.Kind != hc.Disc || !isServer(s.proc) {
			return false
		}
		later, is := f.pick(func(o spot, n *event) bool {
			return n.Kind == hc.Conn && isServer(o.proc) && o.proc != s.proc && n.Session == e.Session && n.Recovered && n.T < e.T && clientOf(n.Epoch) == clientOf(e.Epoch) && n.Epoch > e.Epoch
		})
		_ = later
		return is && len(f.emits["up/"+clientOf(e.Epoch)]) > 0
	})
	if !ok {
		return false
	}
	e := f.event(s)
	m := f.emits["up/"+clientOf(e.Epoch)][0]
	f.insert(s, event{T: e.T, Kind: hc.Recv, Dir: hc.Up, Session: e.Session, Epoch: e.Epoch, Stream: m.Stream, N: m.N, Hash: m.Hash})
	return true
}

func clientOf(epoch string) string { return epoch[:slices.Index([]byte(epoch), '/')] }

// twoLive removes the end of a connection before another server continues the session.
func (f *faulty) twoLive() bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		if e.Kind != hc.Disc || !isServer(s.proc) || !f.calm(e.T) {
			return false
		}
		_, again := f.pick(func(o spot, n *event) bool {
			return n.Kind == hc.Conn && isServer(o.proc) && n.Session == e.Session && n.T > e.T && o.proc != s.proc
		})
		frozen := slices.ContainsFunc(f.History["runner"], func(n event) bool { return n.Kind == hc.Freeze || n.Kind == hc.Kill })
		return again && !frozen
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
	{"a frozen server handles an event of a session that was taken", (*faulty).takenOver, oneOf(hc.Stale)},
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
			if len(e.Sessions) > 0 {
				e.Sessions = e.Sessions[1:]
				return true
			}
			return false
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
	last, live := int64(1<<62), false
	for proc, log := range f.History {
		if !isServer(proc) {
			continue
		}
		for _, e := range log {
			if e.Session != session {
				continue
			}
			switch e.Kind {
			case hc.Conn:
				live = true
			case hc.Disc:
				last = e.T
			}
		}
	}
	return live && !f.logged() && last < t
}
