// SPDX-License-Identifier: MIT

// This file makes clean histories of several servers, which die, are frozen and lose what
// connects them.

package histcheck_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"socketio/internal/histcheck"
)

// A simNode is one of the servers.
type simNode struct {
	name   string
	lanes  []int
	inbox  []simEntry // of other servers, without a log
	cursor int        // in the log
	frozen bool
	since  int64 // when it was frozen
	asked  int
}

// A simEntry is an event on its way to other servers.
type simEntry struct {
	from string
	e    event
}

// A nodesSim is a sim with several servers: sim.server is the one whose turn it is.
type nodesSim struct {
	*sim
	logged  bool
	byRoom  bool
	faulty  bool // servers and their connection may fail
	nodes   []*simNode
	log     []simEntry
	cursors map[*simSocket]int // how much of the log a session has got
	homes   map[*simSocket]*simNode
	before  map[*simSocket][]string // rooms before the last change
	changed map[*simSocket]int64    // when that was
	outage  bool
	taken   map[string]*simSocket // epochs on frozen servers, whose sessions others have taken
}

// cleanNodes returns a history of several servers without a fault.
func cleanNodes(seed uint64) histcheck.History {
	r := rand.New(rand.NewPCG(seed, 3))
	s := &nodesSim{
		sim:    &sim{r: r, h: make(histcheck.History), besides: make(map[string]int), timed: true, now: 1_000_000_000},
		logged: r.IntN(2) == 0, byRoom: r.IntN(3) == 0, faulty: r.IntN(2) == 0,
		cursors: make(map[*simSocket]int), homes: make(map[*simSocket]*simNode), taken: make(map[string]*simSocket),
		before: make(map[*simSocket][]string), changed: make(map[*simSocket]int64),
	}
	plan := event{Kind: histcheck.Plan, Order: histcheck.OrderAll, Logged: s.logged, Ops: map[string]int{"sent by servers": 10}}
	if s.byRoom {
		plan.Order = histcheck.OrderRoom
	}
	s.record("runner", plan)
	for range 3 {
		s.startNode()
	}
	for i := range 4 + r.IntN(3) {
		s.clients = append(s.clients, &simClient{name: fmt.Sprintf("c%d", i)})
	}
	for range 200 + r.IntN(200) {
		s.now += int64(r.IntN(200_000))
		s.step(s.clients[r.IntN(len(s.clients))])
	}
	s.end()
	return s.h
}

func (s *nodesSim) startNode() {
	s.count++
	s.nodes = append(s.nodes, &simNode{name: fmt.Sprintf("server#%d", s.count), lanes: make([]int, 2), cursor: len(s.log)})
}

// awake returns a server that is not frozen.
func (s *nodesSim) awake() *simNode {
	for {
		if n := s.nodes[s.r.IntN(len(s.nodes))]; !n.frozen {
			return n
		}
	}
}

// turn makes it the turn of a client's server. It reports false if it is frozen.
func (s *nodesSim) turn(c *simClient) bool {
	n := s.homes[c.s]
	s.server = n.name
	return !n.frozen
}

func (s *nodesSim) step(c *simClient) {
	switch n := s.r.IntN(200); {
	case n < 60:
		s.emits(s.awake())
	case n < 100:
		s.process(s.awake(), 1+s.r.IntN(6))
	case n < 140 && c.online:
		s.server = s.homes[c.s].name // what is on its way arrives also from a frozen server
		if s.turn(c) || !slices.ContainsFunc(c.s.down, func(i item) bool { return i.e.Ack }) {
			s.deliver(c)
		}
	case n < 155:
		s.clientEmits(c)
	case n < 170 && c.online:
		if s.turn(c) {
			s.serverReceives(c)
		}
	case n < 176 && c.online:
		if s.turn(c) {
			s.moves(c)
		}
	case n < 182 && c.online:
		s.lose(c)
	case n < 183 && c.online:
		if s.turn(c) {
			s.kick(c)
		}
	case n < 187:
		s.asks(s.awake())
	case n < 190 && s.faulty:
		s.trouble()
	case !c.online:
		s.comes(c)
	}
}

// trouble is one of the faults, or the end of one.
func (s *nodesSim) trouble() {
	frozen := slices.IndexFunc(s.nodes, func(n *simNode) bool { return n.frozen })
	switch n := s.r.IntN(3); {
	case n == 0 && s.outage:
		s.over()
	case n == 0:
		s.outage = true
		s.record("runner", event{Kind: histcheck.Outage})
	case n == 1 && frozen >= 0:
		s.thaw(s.nodes[frozen])
	case n == 1:
		n := s.awake()
		n.frozen, n.since = true, s.now
		s.record("runner", event{Kind: histcheck.Freeze, Target: n.name})
	case frozen < 0:
		s.kills(s.awake())
	}
}

func (s *nodesSim) over() {
	s.outage = false
	s.record("runner", event{Kind: histcheck.Over})
}

// thaw lets a server go on. It has lost the sessions that others have taken.
func (s *nodesSim) thaw(n *simNode) {
	s.record("runner", event{Kind: histcheck.Thaw, Target: n.name})
	n.frozen = false
	for epoch, was := range s.taken {
		s.record(n.name, event{Kind: histcheck.Disc, Epoch: epoch, Session: was.id, Reason: "transport error"})
	}
	clear(s.taken)
	if s.chance(30) {
		n.inbox = slices.DeleteFunc(n.inbox, func(i simEntry) bool { return i.e.T > n.since-1_000_000 })
		s.record(n.name, event{Kind: histcheck.Health, Reason: "it was frozen"})
		s.record(n.name, event{Kind: histcheck.Health})
	}
}

// kills ends a server, with what it has emitted last, and starts another.
func (s *nodesSim) kills(n *simNode) {
	outage := s.outage
	for range s.r.IntN(3) {
		s.outage = true // nothing of it leaves the server
		s.emits(n)
	}
	s.outage = outage
	s.record("runner", event{Kind: histcheck.Kill, Target: n.name})
	s.nodes = slices.DeleteFunc(s.nodes, func(other *simNode) bool { return other == n })
	for _, c := range s.clients {
		if c.s == nil || s.homes[c.s] != n {
			continue
		}
		if at := s.changed[c.s]; at > s.now-1_000_000 && s.chance(50) {
			c.s.rooms = s.before[c.s]
		}
		if c.online {
			s.server = n.name
			s.gone(c, "", "transport close")
		}
		if !s.logged {
			c.s = nil
		}
	}
	s.startNode()
}

// emits lets a server emit an event, to all or some.
func (s *nodesSim) emits(n *simNode) {
	lane := s.r.IntN(len(n.lanes))
	n.lanes[lane]++
	e := event{Kind: histcheck.Emit, Dir: histcheck.Down, Stream: fmt.Sprintf("%s/%d", n.name, lane), N: n.lanes[lane]}
	e.Hash = histcheck.Hash(e.Stream, e.N, payload(e.Stream, e.N))
	c := s.clients[s.r.IntN(len(s.clients))]
	switch k := s.r.IntN(10); {
	case k < 5 || c.s == nil:
		e.To = []string{"all"}
		if s.chance(20) {
			e.To = []string{"odd", "all"}
		}
		if c.s != nil && s.chance(20) {
			e.Except = []string{c.s.id}
		} else if s.chance(10) {
			e.Except = []string{"odd"}
		}
		e.Volatile = s.chance(10)
	case k < 7:
		e.To = []string{"odd"}
	default:
		e.To = []string{c.s.id}
		e.Ack = s.homes[c.s] == n && c.online && s.chance(50)
	}
	s.server = n.name
	s.record(n.name, e)
	e.T = s.now
	if e.Ack {
		if s.logged { // it does not overtake what is in the log
			s.process(n, len(s.log))
		}
		s.queue(c, e)
		return
	}
	if s.outage {
		s.record(n.name, event{Kind: histcheck.Err, Dir: e.Dir, Stream: e.Stream, N: e.N, Reason: "down"})
	}
	switch {
	case s.logged && s.outage:
		return
	case s.logged:
		s.log = append(s.log, simEntry{n.name, e})
		return
	}
	s.arrives(n, e)
	for _, other := range s.nodes {
		if other != n && !s.outage {
			other.inbox = append(other.inbox, simEntry{n.name, e})
		}
	}
}

// arrives gives an event to the sockets of a server.
func (s *nodesSim) arrives(n *simNode, e event) {
	for _, c := range s.clients {
		if c.s != nil && s.homes[c.s] == n && c.online && s.gets(c.s, e.To) && !s.gets(c.s, e.Except) {
			s.queue(c, e)
		}
	}
}

// process lets a server receive events.
func (s *nodesSim) process(n *simNode, count int) {
	s.server = n.name
	for range count {
		switch {
		case s.logged && n.cursor < len(s.log):
			n.cursor++
			for _, c := range s.clients {
				if c.s != nil && s.homes[c.s] == n && c.online {
					s.reads(c, n.cursor)
				}
			}
		case !s.logged && len(n.inbox) > 0:
			at := 0
			if s.byRoom {
				at = s.r.IntN(len(n.inbox))
			}
			next := n.inbox[at]
			for k := 0; k < at; k++ { // the first of its order
				if other := n.inbox[k]; other.from == next.from && domain(other.e) == domain(next.e) {
					at, next = k, other
					break
				}
			}
			n.inbox = slices.Delete(n.inbox, at, at+1)
			s.arrives(n, next.e)
		}
	}
}

func domain(e event) string {
	if len(e.To) == 1 {
		return e.To[0]
	}
	return ""
}

// reads gives a session the entries of the log up to a place.
func (s *nodesSim) reads(c *simClient, upTo int) {
	for ; s.cursors[c.s] < upTo; s.cursors[c.s]++ {
		if e := s.log[s.cursors[c.s]].e; s.gets(c.s, e.To) && !s.gets(c.s, e.Except) {
			s.queue(c, e)
		}
	}
}

// moves lets a socket join or leave a room.
func (s *nodesSim) moves(c *simClient) {
	s.before[c.s], s.changed[c.s] = slices.Clone(c.s.rooms), s.now
	to := event{Session: c.s.id, Room: "odd", Kind: histcheck.Joining}
	s.server = s.homes[c.s].name
	if slices.Contains(c.s.rooms, "odd") {
		to.Kind = histcheck.Leaving
		s.record(s.server, to)
		c.s.rooms = slices.DeleteFunc(slices.Clone(c.s.rooms), func(r string) bool { return r == "odd" })
		to.Kind = histcheck.Leave
		s.record(s.server, to)
		return
	}
	s.record(s.server, to)
	c.s.rooms = append(slices.Clone(c.s.rooms), "odd")
	if s.outage {
		return // it may not be subscribed
	}
	to.Kind = histcheck.Join
	s.record(s.server, to)
}

// lose ends the connection of a client, which its server does not notice if it is frozen.
func (s *nodesSim) lose(c *simClient) {
	if s.turn(c) {
		s.cut(c)
	} else {
		s.record(c.name, event{Kind: histcheck.Disc, Session: c.s.id, Epoch: c.epoch, Reason: "transport close"})
		for _, e := range c.waiting {
			s.record(c.name, event{Kind: histcheck.Err, Dir: e.Dir, Stream: e.Stream, N: e.N, Epoch: c.epoch, Reason: "disconnected"})
		}
		for _, e := range c.s.asked {
			s.record(s.server, event{Kind: histcheck.Err, Dir: e.Dir, Stream: e.Stream, N: e.N, Reason: "disconnected"})
		}
		c.s.asked = nil
		c.online, c.waiting, c.up = false, nil, nil
		c.s.down = slices.DeleteFunc(c.s.down, func(i item) bool { return i.answer || i.e.Ack || i.e.Volatile })
		s.taken[c.epoch] = c.s
	}
	if !s.logged {
		c.s = nil
	}
}

// comes connects a client to some server.
func (s *nodesSim) comes(c *simClient) {
	n := s.awake()
	s.server = n.name
	recovers := s.logged && c.s != nil && s.chance(90)
	if recovers {
		s.process(n, len(s.log)) // what is before the client's position
		c.s.down = slices.DeleteFunc(c.s.down, func(i item) bool { return i.e.Volatile })
	}
	c.tries++
	epoch := fmt.Sprintf("%s/%d", c.name, c.tries)
	s.record(n.name, event{Kind: histcheck.Auth, Epoch: epoch})
	if !recovers {
		s.ids++
		c.s = &simSocket{id: fmt.Sprintf("id%d", s.ids), data: fmt.Sprint("data", s.ids)}
		s.cursors[c.s] = n.cursor
	}
	s.homes[c.s] = n
	s.record(n.name, event{Kind: histcheck.Conn, Epoch: epoch, Session: c.s.id, Recovered: recovers, Rooms: slices.Clone(c.s.rooms), Data: c.s.data})
	if recovers {
		s.reads(c, n.cursor) // as one that is away
	}
	c.epoch, c.online = epoch, true
	s.record(c.name, event{Kind: histcheck.Conn, Epoch: epoch, Session: c.s.id, Recovered: recovers, Wanted: recovers})
	s.flush(c)
	if recovers {
		return
	}
	for _, room := range []string{c.s.id, "all"} {
		s.record(n.name, event{Session: c.s.id, Room: room, Kind: histcheck.Joining})
		if room == "all" {
			c.s.rooms = append(c.s.rooms, room)
		}
		s.record(n.name, event{Session: c.s.id, Room: room, Kind: histcheck.Join})
	}
}

// asks lets a server ask for all sockets.
func (s *nodesSim) asks(n *simNode) {
	n.asked++
	s.record(n.name, event{Kind: histcheck.Ask, N: n.asked})
	told := event{Kind: histcheck.Told, N: n.asked}
	for _, other := range s.nodes {
		if other != n && (other.frozen || s.outage) {
			told.Reason = "no answer of " + other.name
			continue
		}
		for _, c := range s.clients {
			if c.online && s.homes[c.s] == other {
				told.Sessions = append(told.Sessions, c.s.id)
			}
		}
	}
	s.record(n.name, told)
}

// end lets everything arrive.
func (s *nodesSim) end() {
	for _, n := range s.nodes {
		if n.frozen {
			s.thaw(n)
		}
	}
	if s.outage {
		s.over()
	}
	for _, c := range s.clients {
		if !c.online {
			s.comes(c)
		}
		s.turn(c)
		for len(c.up) > 0 {
			s.serverReceives(c)
		}
	}
	for _, n := range s.nodes {
		for len(n.inbox) > 0 || s.logged && n.cursor < len(s.log) {
			s.process(n, 1)
		}
	}
	for _, c := range s.clients {
		s.turn(c)
		for len(c.s.down) > 0 {
			s.deliver(c)
		}
		s.record(c.name, event{Kind: histcheck.End, Epoch: c.epoch})
		s.gone(c, "server shutting down", "transport close")
	}
	for _, n := range s.nodes {
		s.record(n.name, event{Kind: histcheck.End})
	}
}
