// SPDX-License-Identifier: MIT

// This file makes clean histories: a server and clients that do everything right, while
// connections come and go.

package histcheck_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"socketio/internal/histcheck"
)

type event = histcheck.Event

// An item is on its way to a client: an event, or the answer to one.
type item struct {
	e      event
	answer bool
}

type simSocket struct {
	id    string
	rooms []string
	data  string
	down  []item // for the client, in order
	asked []event
}

type simClient struct {
	name    string
	tries   int
	epoch   string
	online  bool
	s       *simSocket
	up      []event // on their way
	buffer  []event // until it is connected
	sent    int
	waiting []event // acknowledgements
	retried int     // of its stream with retries
}

type sim struct {
	r       *rand.Rand
	h       histcheck.History
	server  string
	count   int // servers
	lanes   []int
	clients []*simClient
	ids     int
	durable bool
	besides map[string]int // events that handlers have emitted, by stream
	timed   bool           // there are several servers; see sim_nodes_test.go
	now     int64
}

// clean returns a history without a fault.
func clean(seed uint64) histcheck.History {
	s := &sim{r: rand.New(rand.NewPCG(seed, 1)), h: make(histcheck.History), besides: make(map[string]int)}
	s.durable = s.r.IntN(2) == 0
	s.start()
	for i := range 3 + s.r.IntN(3) {
		s.clients = append(s.clients, &simClient{name: fmt.Sprintf("c%d", i)})
	}
	s.record("runner", event{Kind: histcheck.Plan, Ops: map[string]int{"sent by servers": 10}})
	for range 90 + s.r.IntN(120) {
		s.step(s.clients[s.r.IntN(len(s.clients))])
	}
	s.end()
	return s.h
}

func (s *sim) record(proc string, e event) {
	e.Proc = proc
	if s.timed {
		s.now += 1 + int64(s.r.IntN(500))
		if e.T = s.now; !isServer(proc) && proc != "runner" {
			e.T += int64(s.r.IntN(40_000)) - 20_000
		}
	}
	s.h[proc] = append(s.h[proc], e)
}

func (s *sim) chance(percent int) bool { return s.r.IntN(100) < percent }

func (s *sim) start() {
	s.count++
	s.server = fmt.Sprintf("server#%d", s.count)
	s.lanes = make([]int, 2)
}

func (s *sim) step(c *simClient) {
	switch n := s.r.IntN(100); {
	case n < 40:
		s.laneEmits(s.r.IntN(len(s.lanes)))
	case n < 65 && c.online:
		s.deliver(c)
	case n < 75:
		s.clientEmits(c)
	case n < 85 && c.online:
		s.serverReceives(c)
	case n < 88 && c.online:
		s.move(c)
	case n < 91 && c.online:
		s.cut(c)
	case n < 92 && c.online:
		s.kick(c)
	case n < 93 && c.online:
		s.withRetries(c)
	case n == 99 && s.chance(20):
		s.kill()
	case n == 98 && s.chance(40) && !c.online:
		s.unseen(c)
	case !c.online:
		s.connect(c)
	}
}

func payload(stream string, n int) string { return fmt.Sprintf("%s%d", stream, n) }

// laneEmits emits an event to a room, to one socket, or to all but one.
func (s *sim) laneEmits(lane int) {
	s.lanes[lane]++
	e := event{Kind: histcheck.Emit, Dir: histcheck.Down, Stream: fmt.Sprintf("%s/%d", s.server, lane), N: s.lanes[lane]}
	e.Hash = histcheck.Hash(e.Stream, e.N, payload(e.Stream, e.N))
	c := s.clients[s.r.IntN(len(s.clients))]
	switch n := s.r.IntN(10); {
	case n < 4 || c.s == nil:
		e.To = []string{"all"}
		if s.chance(30) {
			e.To = []string{"odd", "all"}
		}
		if c.s != nil && s.chance(30) {
			e.Except = []string{c.s.id}
		}
		e.Volatile = s.chance(20)
	case n < 6:
		e.To = []string{"odd"}
	default:
		e.To = []string{c.s.id}
		e.Ack = s.chance(30)
		e.Volatile = !e.Ack && s.chance(20)
	}
	s.record(s.server, e)
	for _, c := range s.clients {
		if c.s != nil && s.gets(c.s, e.To) && !s.gets(c.s, e.Except) {
			s.queue(c, e)
		}
	}
}

func (s *sim) gets(to *simSocket, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return room == to.id || slices.Contains(to.rooms, room) })
}

// queue puts an event into the queue of a client, unless it is not kept for clients that
// are away.
func (s *sim) queue(c *simClient, e event) {
	switch {
	case e.Volatile && (!c.online || s.chance(30)):
	case e.Ack && !c.online:
		s.record(s.server, event{Kind: histcheck.Err, Dir: e.Dir, Stream: e.Stream, N: e.N, Reason: "disconnected"})
	default:
		c.s.down = append(c.s.down, item{e: e})
		if e.Ack {
			c.s.asked = append(c.s.asked, e)
		}
	}
}

// deliver lets some items arrive at a client.
func (s *sim) deliver(c *simClient) {
	for range 1 + s.r.IntN(6) {
		if len(c.s.down) == 0 {
			return
		}
		next := c.s.down[0]
		c.s.down = c.s.down[1:]
		e := next.e
		if next.answer {
			if e.N == 0 {
				continue
			}
			e.Kind, e.Epoch, e.Session = histcheck.Ack, c.epoch, c.s.id
			s.record(c.name, e)
			c.waiting = slices.DeleteFunc(c.waiting, func(w event) bool { return w.Stream == e.Stream && w.N == e.N })
			continue
		}
		s.record(c.name, event{Kind: histcheck.Recv, Dir: e.Dir, Stream: e.Stream, N: e.N, Hash: e.Hash, Epoch: c.epoch, Session: c.s.id})
		if e.Ack {
			s.answered(c, e)
		}
	}
}

func (s *sim) answered(c *simClient, e event) {
	c.s.asked = slices.DeleteFunc(c.s.asked, func(a event) bool { return a.Stream == e.Stream && a.N == e.N })
	s.record(s.server, event{
		Kind: histcheck.Ack, Dir: e.Dir, Stream: e.Stream, N: e.N, Epoch: c.epoch, Session: c.s.id,
		Hash: histcheck.Hash(e.Stream, e.N, "reply"),
	})
}

func (s *sim) clientEmits(c *simClient) {
	c.sent++
	e := event{Kind: histcheck.Emit, Dir: histcheck.Up, Stream: "up/" + c.name, N: c.sent, Ack: s.chance(40), Epoch: c.epoch}
	if c.epoch == "" {
		e.Epoch = c.name + "/0"
	}
	e.Hash = histcheck.Hash(e.Stream, e.N, payload(e.Stream, e.N))
	e.Volatile = !e.Ack && s.chance(10)
	e.Buffered = !c.online && !e.Volatile
	s.record(c.name, e)
	switch {
	case c.online:
		s.send(c, e)
	case !e.Volatile:
		c.buffer = append(c.buffer, e)
	}
}

func (s *sim) send(c *simClient, e event) {
	if e.Volatile && s.chance(30) {
		return
	}
	c.up = append(c.up, e)
	if e.Ack {
		c.waiting = append(c.waiting, e)
	}
}

func (s *sim) serverReceives(c *simClient) {
	for range 1 + s.r.IntN(4) {
		if len(c.up) == 0 {
			return
		}
		e := c.up[0]
		c.up = c.up[1:]
		s.record(s.server, event{Kind: histcheck.Recv, Dir: e.Dir, Stream: e.Stream, N: e.N, Hash: e.Hash, Epoch: c.epoch, Session: c.s.id})
		if !e.Ack {
			continue
		}
		beside := event{Kind: histcheck.Emit, Dir: histcheck.Down, Stream: s.server + "/of/" + c.s.id, To: []string{c.s.id}}
		s.besides[beside.Stream]++
		beside.N = s.besides[beside.Stream]
		beside.Hash = histcheck.Hash(beside.Stream, beside.N, payload(beside.Stream, beside.N))
		s.record(s.server, beside)
		c.s.down = append(c.s.down, item{e: beside}, item{answer: true, e: event{
			Dir: e.Dir, Stream: e.Stream, N: e.N, Hash: histcheck.Hash(e.Stream, e.N, "reply"),
			Beside: beside.Stream, After: beside.N,
		}})
	}
}

// withRetries is a call that its client may send twice; the first answer may be lost.
func (s *sim) withRetries(c *simClient) {
	c.retried++
	e := event{Kind: histcheck.Emit, Dir: histcheck.Up, Stream: "again/" + c.name, N: c.retried, Ack: true, Retries: 2, Once: s.chance(50), Epoch: c.epoch}
	e.Hash = histcheck.Hash(e.Stream, e.N, payload(e.Stream, e.N))
	s.record(c.name, e)
	times := 1
	if !e.Once {
		times += s.r.IntN(3)
	}
	for range times {
		s.record(s.server, event{Kind: histcheck.Recv, Dir: e.Dir, Stream: e.Stream, N: e.N, Hash: e.Hash, Epoch: c.epoch, Session: c.s.id})
	}
	s.record(c.name, event{Kind: histcheck.Ack, Dir: e.Dir, Stream: e.Stream, N: e.N, Epoch: c.epoch, Session: c.s.id, Hash: histcheck.Hash(e.Stream, e.N, "reply")})
}

// move lets a socket join or leave a room, while a lane emits.
func (s *sim) move(c *simClient) {
	to := event{Session: c.s.id, Room: "odd", Kind: histcheck.Joining}
	in := slices.Contains(c.s.rooms, "odd")
	if in {
		to.Kind = histcheck.Leaving
	}
	early := s.chance(50) // it takes effect before the emit
	change := func() {
		if in {
			c.s.rooms = slices.DeleteFunc(slices.Clone(c.s.rooms), func(r string) bool { return r == "odd" })
			return
		}
		c.s.rooms = append(c.s.rooms, "odd")
	}
	s.record(s.server, to)
	if early {
		change()
	}
	if s.chance(60) {
		s.laneEmits(s.r.IntN(len(s.lanes)))
	}
	if !early {
		change()
	}
	to.Kind = histcheck.Join
	if in {
		to.Kind = histcheck.Leave
	}
	s.record(s.server, to)
}

// cut ends the connection of a client. What was on its way is lost.
func (s *sim) cut(c *simClient) {
	s.gone(c, "transport close", "transport error")
}

func (s *sim) gone(c *simClient, server, client string) {
	if server != "" {
		s.record(s.server, event{Kind: histcheck.Disc, Session: c.s.id, Epoch: c.epoch, Reason: server})
		for _, e := range c.s.asked {
			s.record(s.server, event{Kind: histcheck.Err, Dir: e.Dir, Stream: e.Stream, N: e.N, Reason: "disconnected"})
		}
	}
	c.s.asked = nil
	s.record(c.name, event{Kind: histcheck.Disc, Session: c.s.id, Epoch: c.epoch, Reason: client})
	for _, e := range c.waiting {
		s.record(c.name, event{Kind: histcheck.Err, Dir: e.Dir, Stream: e.Stream, N: e.N, Epoch: c.epoch, Reason: "disconnected"})
	}
	c.online, c.waiting, c.up = false, nil, nil
	c.s.down = slices.DeleteFunc(c.s.down, func(i item) bool { return i.answer || i.e.Ack || i.e.Volatile })
}

// kick disconnects a socket for good.
func (s *sim) kick(c *simClient) {
	s.gone(c, "server namespace disconnect", "io server disconnect")
	c.s = nil
}

// kill ends the server, and starts another.
func (s *sim) kill() {
	s.record("runner", event{Kind: histcheck.Kill, Target: s.server})
	for _, c := range s.clients {
		if c.online {
			s.gone(c, "", "transport close")
		}
		if !s.durable {
			c.s = nil
		}
	}
	s.start()
}

func (s *sim) connect(c *simClient) {
	c.tries++
	epoch := fmt.Sprintf("%s/%d", c.name, c.tries)
	if s.chance(10) {
		s.record(s.server, event{Kind: histcheck.Auth, Epoch: epoch, Reason: "not you"})
		s.record(c.name, event{Kind: histcheck.Refused, Epoch: epoch})
		return
	}
	s.record(s.server, event{Kind: histcheck.Auth, Epoch: epoch})
	recovered := c.s != nil && s.chance(80)
	if !recovered {
		s.ids++
		c.s = &simSocket{id: fmt.Sprintf("id%d", s.ids), data: fmt.Sprint("data", s.ids)}
	}
	s.record(s.server, event{Kind: histcheck.Conn, Epoch: epoch, Session: c.s.id, Recovered: recovered, Rooms: slices.Clone(c.s.rooms), Data: c.s.data})
	if s.chance(10) && recovered { // the client does not learn of it
		s.record(s.server, event{Kind: histcheck.Disc, Session: c.s.id, Epoch: epoch, Reason: "transport close"})
		return
	}
	c.epoch, c.online = epoch, true
	s.record(c.name, event{Kind: histcheck.Conn, Epoch: epoch, Session: c.s.id, Recovered: recovered, Wanted: recovered})
	s.flush(c)
	if !recovered {
		join := event{Session: c.s.id, Room: "all", Kind: histcheck.Joining}
		s.record(s.server, join)
		join.Kind = histcheck.Join
		s.record(s.server, join)
		c.s.rooms = append(c.s.rooms, "all")
	}
}

// unseen connects a client, and kills the server before it has recorded the connection.
func (s *sim) unseen(c *simClient) {
	c.tries++
	c.epoch = fmt.Sprintf("%s/%d", c.name, c.tries)
	s.record(s.server, event{Kind: histcheck.Auth, Epoch: c.epoch})
	recovered := c.s != nil
	if !recovered {
		s.ids++
		c.s = &simSocket{id: fmt.Sprintf("id%d", s.ids)}
	}
	c.online = true
	s.record(c.name, event{Kind: histcheck.Conn, Epoch: c.epoch, Session: c.s.id, Recovered: recovered})
	s.flush(c)
	if recovered {
		s.deliver(c)
	}
	s.kill()
}

// flush sends what a client has kept until it is connected.
func (s *sim) flush(c *simClient) {
	for _, e := range c.buffer {
		s.send(c, e)
	}
	c.buffer = nil
}

// end lets everything arrive.
func (s *sim) end() {
	for _, c := range s.clients {
		for !c.online {
			s.connect(c)
		}
		for len(c.up) > 0 {
			s.serverReceives(c)
		}
	}
	for _, c := range s.clients {
		for len(c.s.down) > 0 {
			s.deliver(c)
		}
		s.record(c.name, event{Kind: histcheck.End, Epoch: c.epoch})
		s.gone(c, "server shutting down", "transport close")
	}
	s.record(s.server, event{Kind: histcheck.End})
}
