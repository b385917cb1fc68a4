// SPDX-License-Identifier: MIT

// This file puts faults into clean histories.

package histcheck_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	hc "socketio/internal/histcheck"
)

// A fault changes a history. It reports false if the history has no place for it.
type fault struct {
	name  string
	put   func(f *faulty) bool
	found []hc.Class // one of these must be reported
}

// faulty is a history with what faults need to know of it.
type faulty struct {
	hc.History
	r     *rand.Rand
	emits map[string][]event // by stream
	index *index             // of several servers
}

func newFaulty(seed uint64) *faulty { return faultyOf(clean(seed), seed) }

func faultyOf(h hc.History, seed uint64) *faulty {
	f := &faulty{History: h, r: rand.New(rand.NewPCG(seed, 2)), emits: make(map[string][]event)}
	for _, log := range f.History {
		for _, e := range log {
			if e.Kind == hc.Emit {
				f.emits[e.Stream] = append(f.emits[e.Stream], e)
			}
		}
	}
	return f
}

// killed reports whether a server was ended without notice.
func (f *faulty) killed(proc string) bool {
	return slices.ContainsFunc(f.History["runner"], func(e event) bool { return e.Kind == hc.Kill && e.Target == proc })
}

// A spot is a place in a log.
type spot struct {
	proc string
	at   int
}

func (f *faulty) event(s spot) *event { return &f.History[s.proc][s.at] }

// pick returns one of the events that fit.
func (f *faulty) pick(fits func(spot, *event) bool) (spot, bool) {
	var all []spot
	for _, proc := range slices.Sorted(maps.Keys(f.History)) {
		for i := range f.History[proc] {
			if s := (spot{proc, i}); fits(s, f.event(s)) {
				all = append(all, s)
			}
		}
	}
	if len(all) == 0 {
		return spot{}, false
	}
	return all[f.r.IntN(len(all))], true
}

func (f *faulty) remove(s spot) event {
	e := *f.event(s)
	f.History[s.proc] = slices.Delete(f.History[s.proc], s.at, s.at+1)
	return e
}

func (f *faulty) insert(s spot, e event) {
	e.Proc = s.proc
	f.History[s.proc] = slices.Insert(f.History[s.proc], s.at, e)
}

// sent returns the emit of an event, or nil.
func (f *faulty) sent(e *event) *event {
	if all := f.emits[e.Stream]; e.N <= len(all) {
		return &all[e.N-1]
	}
	return nil
}

func isServer(proc string) bool { return strings.HasPrefix(proc, "server#") }

// next returns the next event after s in its log that fits.
func (f *faulty) next(s spot, fits func(*event) bool) (spot, bool) {
	for i := s.at + 1; i < len(f.History[s.proc]); i++ {
		if e := &f.History[s.proc][i]; fits(e) {
			return spot{s.proc, i}, true
		}
	}
	return spot{}, false
}

// follower returns the next event that arrived of the same stream in the same connection.
func (f *faulty) follower(s spot) (spot, bool) {
	e := f.event(s)
	return f.next(s, func(n *event) bool { return n.Kind == hc.Recv && n.Stream == e.Stream && n.Epoch == e.Epoch })
}

// certain reports whether an event must arrive if later ones of its stream do: it is not
// volatile, its receiver was not joining or leaving, and its server was not killed just
// then.
func (f *faulty) certain(e *event) bool {
	m := f.sent(e)
	return m != nil && !m.Volatile && !slices.Contains(m.To, "odd") && m.Retries == 0 &&
		(m.N < len(f.emits[m.Stream]) || !f.killed(m.Proc))
}

// arrived fits events that arrived on one side.
func (f *faulty) arrived(atServer bool) func(spot, *event) bool {
	return func(s spot, e *event) bool {
		return e.Kind == hc.Recv && isServer(s.proc) == atServer && f.certain(e)
	}
}

func (f *faulty) drop(atServer bool) bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		_, more := f.follower(s)
		return f.arrived(atServer)(s, e) && more
	})
	if ok {
		f.remove(s)
	}
	return ok
}

// dropLast drops the last event of a stream that a client had to get before the end.
func (f *faulty) dropLast(atServer bool) bool {
	last := make(map[string]bool) // epochs in which clients saw the end
	for _, log := range f.History {
		for _, e := range log {
			if e.Kind == hc.End && e.Epoch != "" {
				last[e.Epoch] = true
			}
		}
	}
	s, ok := f.pick(func(s spot, e *event) bool {
		_, more := f.follower(s)
		return f.arrived(atServer)(s, e) && !more && last[e.Epoch]
	})
	if ok {
		f.remove(s)
	}
	return ok
}

func (f *faulty) duplicate(atServer bool) bool {
	s, ok := f.pick(f.arrived(atServer))
	if !ok {
		return false
	}
	at := spot{s.proc, s.at + 1}
	if next, more := f.follower(s); more && f.r.IntN(2) == 0 {
		at.at = next.at + 1
	}
	f.insert(at, *f.event(s))
	return true
}

func (f *faulty) swap(atServer bool) bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		next, more := f.follower(s)
		return f.arrived(atServer)(s, e) && more && f.certain(f.event(next))
	})
	if !ok {
		return false
	}
	next, _ := f.follower(s)
	a, b := f.event(s), f.event(next)
	*a, *b = *b, *a
	return true
}

// late moves an event behind the end of its connection.
func (f *faulty) late(atServer bool) bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		_, gone := f.next(s, func(n *event) bool { return n.Kind == hc.Disc && n.Epoch == e.Epoch })
		return f.arrived(atServer)(s, e) && gone
	})
	if !ok {
		return false
	}
	e := *f.event(s)
	gone, _ := f.next(s, func(n *event) bool { return n.Kind == hc.Disc && n.Epoch == e.Epoch })
	f.insert(spot{s.proc, gone.at + 1}, e)
	return true
}

// foreign gives a client an event that was for one other socket.
func (f *faulty) foreign(mine bool) bool {
	s, ok := f.pick(func(_ spot, e *event) bool {
		return e.Kind == hc.Emit && e.Dir == hc.Down && len(e.To) == 1 && strings.HasPrefix(e.To[0], "id")
	})
	if !ok {
		return false
	}
	m := *f.event(s)
	owner := "" // of the session
	for _, log := range f.History {
		for _, e := range log {
			if e.Kind == hc.Conn && e.Session == m.To[0] && !isServer(e.Proc) {
				owner = e.Proc
			}
		}
	}
	to, ok := f.pick(func(s spot, e *event) bool {
		return e.Kind == hc.Conn && !isServer(s.proc) && e.Session != m.To[0] && (s.proc == owner) == mine
	})
	if !ok {
		return false
	}
	conn := f.event(to)
	f.insert(spot{to.proc, to.at + 1}, event{
		Kind: hc.Recv, Dir: hc.Down, Stream: m.Stream, N: m.N, Hash: m.Hash, Epoch: conn.Epoch, Session: conn.Session,
	})
	return true
}

// change changes an event of a kind.
func (f *faulty) change(kind string, fits func(spot, *event) bool, change func(*event)) bool {
	s, ok := f.pick(func(s spot, e *event) bool { return e.Kind == kind && fits(s, e) })
	if ok {
		change(f.event(s))
	}
	return ok
}

func anywhere(spot, *event) bool              { return true }
func atServer(s spot, _ *event) bool          { return isServer(s.proc) }
func atClient(s spot, _ *event) bool          { return !isServer(s.proc) }
func recovered(s spot, e *event) bool         { return isServer(s.proc) && e.Recovered }
func (f *faulty) known(_ spot, e *event) bool { return f.sent(e) != nil }

// undisconnected removes the end of a connection before the session is recovered.
func (f *faulty) undisconnected() bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		_, again := f.next(s, func(n *event) bool { return n.Kind == hc.Conn && n.Session == e.Session })
		return e.Kind == hc.Disc && isServer(s.proc) && again
	})
	if ok {
		f.remove(s)
	}
	return ok
}

// unhandled removes the arrival of an event that was acknowledged.
func (f *faulty) unhandled() bool {
	s, ok := f.pick(func(s spot, e *event) bool { return e.Kind == hc.Ack })
	if !ok {
		return false
	}
	a := *f.event(s)
	for _, proc := range slices.Sorted(maps.Keys(f.History)) {
		f.History[proc] = slices.DeleteFunc(f.History[proc], func(e event) bool {
			return e.Kind == hc.Recv && e.Stream == a.Stream && e.N == a.N
		})
	}
	return true
}

// overtaken moves an event that a handler emitted behind the handler's answer.
func (f *faulty) overtaken() bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		_, answered := f.next(s, func(n *event) bool { return n.Kind == hc.Ack && n.Beside == e.Stream && n.After == e.N })
		return e.Kind == hc.Recv && answered
	})
	if !ok {
		return false
	}
	e := f.remove(s)
	answer, _ := f.next(spot{s.proc, s.at - 1}, func(n *event) bool { return n.Kind == hc.Ack && n.Beside == e.Stream && n.After == e.N })
	f.insert(spot{s.proc, answer.at + 1}, e)
	return true
}

func (f *faulty) outcomes(n int) bool {
	s, ok := f.pick(func(s spot, e *event) bool {
		return !f.killed(s.proc) && (e.Kind == hc.Ack || e.Kind == hc.Err && f.sent(e).Ack)
	})
	if !ok {
		return false
	}
	if n == 0 {
		f.remove(s)
	} else {
		f.insert(spot{s.proc, s.at + 1}, *f.event(s))
	}
	return true
}

// oftener lets an event with retries be handled more often than allowed.
func (f *faulty) oftener() bool {
	s, ok := f.pick(func(s spot, e *event) bool { return e.Kind == hc.Recv && isServer(s.proc) && f.sent(e).Retries > 0 })
	if !ok {
		return false
	}
	e := *f.event(s)
	times := f.sent(&e).Retries
	if f.sent(&e).Once {
		times = 1
	}
	for range times + 1 {
		f.insert(spot{s.proc, s.at}, e)
	}
	return true
}

func oneOf(c ...hc.Class) []hc.Class { return c }

var faults = []fault{
	{"an event for a client is dropped", func(f *faulty) bool { return f.drop(false) }, oneOf(hc.Hole)},
	{"an event for a server is dropped", func(f *faulty) bool { return f.drop(true) }, oneOf(hc.Hole)},
	{"the last event for a client is dropped", func(f *faulty) bool { return f.dropLast(false) }, oneOf(hc.Lost)},
	{"the last event for a server is dropped", func(f *faulty) bool { return f.dropLast(true) }, oneOf(hc.Lost)},
	{"a client gets an event twice", func(f *faulty) bool { return f.duplicate(false) }, oneOf(hc.Duplicate)},
	{"a server gets an event twice", func(f *faulty) bool { return f.duplicate(true) }, oneOf(hc.Duplicate)},
	{"events for a client are swapped", func(f *faulty) bool { return f.swap(false) }, oneOf(hc.Reordered)},
	{"events for a server are swapped", func(f *faulty) bool { return f.swap(true) }, oneOf(hc.Reordered)},
	{"an event arrives at a client that is away", func(f *faulty) bool { return f.late(false) }, oneOf(hc.Stale)},
	{"an event arrives after the disconnection", func(f *faulty) bool { return f.late(true) }, oneOf(hc.Stale)},
	{"an event for another client", func(f *faulty) bool { return f.foreign(false) }, oneOf(hc.Wrong)},
	{"an event for an old session", func(f *faulty) bool { return f.foreign(true) }, oneOf(hc.Wrong)},
	{"other contents", func(f *faulty) bool {
		return f.change(hc.Recv, f.known, func(e *event) { e.Hash = "forged" })
	}, oneOf(hc.Unexpected)},
	{"an event that was never sent", func(f *faulty) bool {
		return f.change(hc.Recv, anywhere, func(e *event) { e.N += 1000 })
	}, oneOf(hc.Unexpected)},
	{"an event of an unknown stream", func(f *faulty) bool {
		return f.change(hc.Recv, anywhere, func(e *event) { e.Stream += "?" })
	}, oneOf(hc.Unexpected)},
	{"an acknowledgement comes twice", func(f *faulty) bool { return f.outcomes(2) }, oneOf(hc.AckWrong)},
	{"an acknowledgement does not end", func(f *faulty) bool { return f.outcomes(0) }, oneOf(hc.AckWrong)},
	{"the answer to another question", func(f *faulty) bool {
		return f.change(hc.Ack, anywhere, func(e *event) { e.Hash = hc.Hash(e.Stream, e.N+1, "reply") })
	}, oneOf(hc.AckWrong)},
	{"an answer that nobody gave", (*faulty).unhandled, oneOf(hc.AckWrong)},
	{"an answer overtakes an event", (*faulty).overtaken, oneOf(hc.Reordered)},
	{"two live sockets of one id", (*faulty).undisconnected, oneOf(hc.DoubleID)},
	{"a new session with an old id", func(f *faulty) bool {
		return f.change(hc.Conn, recovered, func(e *event) { e.Recovered = false })
	}, oneOf(hc.DoubleID)},
	{"recovered without a session", func(f *faulty) bool {
		return f.change(hc.Conn, atServer, func(e *event) { e.Session, e.Recovered = "id-of-nobody", true })
	}, oneOf(hc.State)},
	{"a room is forgotten", func(f *faulty) bool {
		return f.change(hc.Conn, func(s spot, e *event) bool { return recovered(s, e) && slices.Contains(e.Rooms, "all") },
			func(e *event) { e.Rooms = slices.DeleteFunc(e.Rooms, func(r string) bool { return r == "all" }) })
	}, oneOf(hc.State)},
	{"a room too many", func(f *faulty) bool {
		return f.change(hc.Conn, atServer, func(e *event) { e.Rooms = append(e.Rooms, "admins") })
	}, oneOf(hc.State)},
	{"data is forgotten", func(f *faulty) bool {
		return f.change(hc.Conn, recovered, func(e *event) { e.Data = "" })
	}, oneOf(hc.State)},
	{"rooms remain", func(f *faulty) bool {
		return f.change(hc.Disc, atServer, func(e *event) { e.Rooms = []string{"all"} })
	}, oneOf(hc.State)},
	{"a disconnection comes twice", func(f *faulty) bool {
		s, ok := f.pick(func(_ spot, e *event) bool { return e.Kind == hc.Disc })
		if ok {
			f.insert(spot{s.proc, s.at + 1}, *f.event(s))
		}
		return ok
	}, oneOf(hc.State)},
	{"reasons that do not agree", func(f *faulty) bool {
		return f.change(hc.Disc, atServer, func(e *event) { e.Reason = "client namespace disconnect" })
	}, oneOf(hc.State)},
	{"admitted without a middleware", func(f *faulty) bool {
		return f.change(hc.Auth, func(_ spot, e *event) bool { return e.Reason == "" }, func(e *event) { e.Reason = "not you" })
	}, oneOf(hc.Forbidden)},
	{"events before the rejection", func(f *faulty) bool {
		return f.change(hc.Refused, atClient, func(e *event) { e.N = 1 })
	}, oneOf(hc.Forbidden)},
	{"too many retries", (*faulty).oftener, oneOf(hc.Duplicate)},
	{"a session of another connection", func(f *faulty) bool {
		return f.change(hc.Conn, atClient, func(e *event) { e.Session = fmt.Sprint("not ", e.Session) })
	}, oneOf(hc.Wrong)},
}
