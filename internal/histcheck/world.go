// SPDX-License-Identifier: MIT

// This file holds world: what the logs say together.

package histcheck

import (
	"slices"
	"strings"
)

// A stream is what one sender emits in one order.
type stream struct {
	emits  []*emission // by number, from 1 on
	server string      // that emits it, if it is one
}

// An emission is one emit and what became of it.
type emission struct {
	event    *Event
	failed   bool // the emit returned an error
	handled  int  // how often it arrived
	outcomes int  // of its acknowledgement
	ok       bool // it was acknowledged
	epoch    string

	// With several servers.
	series *series
	place  int    // in the series
	live   string // the epoch in which its only receiver was connected, or ""
}

// get returns an emission, or nil.
func (s *stream) get(n int) *emission {
	if s == nil || n < 1 || n > len(s.emits) {
		return nil
	}
	return s.emits[n-1]
}

// An expected event is an emission that a receiver is to get.
type expected struct {
	*emission
	n     int
	maybe bool   // it may be left out: the socket was joining or leaving
	live  string // the epoch that was connected when it was emitted, or ""
}

// skippable reports whether the event may be missing although later ones arrive in an
// epoch. Events that await an acknowledgement are not kept for those who are away.
func (e expected) skippable(epoch string) bool {
	return e.maybe || e.failed || e.event.Volatile || e.event.Ack && e.live != epoch
}

// A queue is what a receiver is to get of a stream in one session or epoch.
type queue struct{ events []expected }

// index returns the place of a number.
func (q *queue) index(n int) (int, bool) {
	if q == nil {
		return 0, false
	}
	return slices.BinarySearchFunc(q.events, n, func(e expected, n int) int { return e.n - n })
}

// A position is how far a receiver has got in a queue.
type position struct {
	next  int
	began bool         // something has arrived; with several servers
	holes map[int]bool // places that were left out
}

func (p *position) clone() *position {
	c := *p
	c.holes = make(map[int]bool, len(p.holes))
	for i := range p.holes {
		c.holes[i] = true
	}
	return &c
}

// take advances to place i and returns the places that should not be left out.
func (p *position) take(q *queue, i int, epoch string) (missing []int, again, late bool) {
	if i < p.next {
		late = p.holes[i]
		delete(p.holes, i)
		return nil, !late, late
	}
	for k := p.next; k < i; k++ {
		if p.holes == nil {
			p.holes = make(map[int]bool)
		}
		p.holes[k] = true
		if !q.events[k].skippable(epoch) {
			missing = append(missing, k)
		}
	}
	p.next = i + 1
	return missing, false, false
}

// A member is how a session is in a room.
type member int

const (
	outside member = iota
	moving         // joining or leaving
	inside
)

// A session is a socket of a server with all its connections.
type session struct {
	id     string
	client string            // the latest of its clients
	rooms  map[string]member // without that of its id
	data   string
	live   string // the epoch that is connected, or ""
	over   bool   // can't be continued
	queues map[string]*queue

	// With several servers.
	server string             // on which it is, or was
	spans  map[string][]*span // by room, with that of its id
	visits []*visit
}

// An epoch is one connection of a client, as both ends saw it.
type epoch struct {
	session      string // at the server
	allowed      bool   // by the middleware
	refused      bool
	serverReason string
	clientReason string
	known        bool              // to the client
	up           map[string]*queue // what the client sends in it
	upAt         map[string]*position
	ended        bool // the client has seen the end of the run in it

	// With several servers.
	allowedAt int64
	taken     int64 // when another server had taken its session over, or 0
	ran       bool  // an event was handled after that
}

// world is what the logs say together.
type world struct {
	h        History
	report   *Report
	streams  map[string]*stream
	sessions map[string]*session
	inRoom   map[string]map[*session]bool
	ofClient map[string]*session // the latest session of each client
	killed   map[string]bool     // servers
	planned  map[string]int
	forked   map[string]bool // clients with whose secrets others have come
	epochs   map[string]*epoch
	lanes    map[string][]*stream // of servers that run
	// unrecorded are the connections that clients had with servers that were killed before
	// they recorded them, and their sessions.
	unrecorded map[string]string
	nodes      *nodes // nil if one server runs after the other
}

// clientOf returns the name of the client of an epoch.
func clientOf(epoch string) string {
	name, _, _ := strings.Cut(epoch, "/")
	return name
}

func (w *world) epoch(name string) *epoch {
	e := w.epochs[name]
	if e == nil {
		e = &epoch{up: make(map[string]*queue), upAt: make(map[string]*position)}
		w.epochs[name] = e
	}
	return e
}

// violation reports a fault at an event. sent may be nil.
func (w *world) violation(log []Event, i int, c Class, rule, text string, sent *emission) {
	v := Violation{Class: c, Rule: rule, Text: text, Event: log[i]}
	if sent != nil {
		v.Context = append(v.Context, *sent.event)
	}
	var before []Event
	for k := i - 1; k >= 0 && len(before) < 3; k-- {
		if e := log[k]; e.Session == log[i].Session && e.Session != "" || e.Epoch == log[i].Epoch && e.Epoch != "" {
			before = append(before, e)
		}
	}
	slices.Reverse(before)
	v.Context = append(v.Context, before...)
	w.report.Violations = append(w.report.Violations, v)
}

// add registers an emission.
func (w *world) add(log []Event, i int) *emission {
	e := &log[i]
	s := w.streams[e.Stream]
	if s == nil {
		s = &stream{}
		if isServer(e.Proc) {
			s.server = e.Proc
			w.lanes[e.Proc] = append(w.lanes[e.Proc], s)
		}
		w.streams[e.Stream] = s
	}
	if e.N != len(s.emits)+1 {
		w.invalid("the emits of " + e.Stream + " are not numbered one after the other")
	}
	m := &emission{event: e, epoch: e.Epoch}
	s.emits = append(s.emits, m)
	return m
}

func (w *world) invalid(text string) {
	if !slices.Contains(w.report.Invalid, text) {
		w.report.Invalid = append(w.report.Invalid, text)
	}
}

// What is known of several servers that run at once.

// nodes is what is known of several servers.
type nodes struct {
	order    string
	logged   bool // they have a log in common
	byName   map[string]*node
	broker   []window // outages
	series   map[string]*series
	asked    map[string]*Event // questions that have no answer yet
	answered []question
}

// A node is one server, from its start to its end.
type node struct {
	killed  bool
	ended   int64    // its last line, or when it was killed
	trouble []window // it was frozen, or its connection to the others did not work
	frozen  []window
}

// A window is a time; to is never if it lasts to the end.
type window struct{ from, to int64 }

// A visit is one connection of a session: it began between from and at.
type visit struct {
	server          string
	from, at, until int64
}

// A span is a time for which a session is in a room: perhaps between from and to,
// certainly between in and out.
type span struct{ from, in, out, to int64 }

// A series is what one stream emits within one domain of order.
type series struct {
	emits   []*emission // their numbers and times increase
	reached int         // how many of them have been seen to reach another server, at least
}

// A question has an answer in a log.
type question struct {
	asked *Event
	log   []Event
	i     int
}
