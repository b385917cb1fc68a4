// SPDX-License-Identifier: MIT

// This file tests servers that share a log: events wait for their positions, and are
// delivered in one order.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
	"socketio/engineio"
)

// loggedServers runs a test with n servers that share a log, in a bubble of virtual time.
// Each client that is not recovered joins "room".
func loggedServers(t *testing.T, n int, network *membus.Network, test func(all []bused)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		all := make([]bused, n)
		for i := range all {
			all[i] = loggedServer(t, network, fmt.Sprint("node", i))
			all[i].io.OnConnection(func(s *socketio.Socket) {
				if !s.Recovered() {
					_ = s.Join("room")
				}
			})
		}
		time.Sleep(time.Second)
		test(all)
		for i := range all {
			_ = all[i].io.Close()
		}
	})
}

// loggedServer starts a server that shares a log.
func loggedServer(t testing.TB, network *membus.Network, name string) bused {
	b := bused{bus: network.Node(name)}
	b.node = cluster.New(membus.WithLog{Node: b.bus}, &cluster.Options{Name: name})
	b.world = newWorld(t, with(&socketio.Options{Cluster: b.node, Recovery: new(socketio.Recovery)}, engineio.DriverGoroutine), nil)
	b.bubble, b.patient = true, 5*time.Minute
	return b
}

// comesAt makes a client come back to another server.
func (r *returner) comesAt(b bused) *returner {
	r.w = b.world
	return r.comes()
}

func mustEmit(t *testing.T, to socketio.Emitter, event string, args ...any) {
	t.Helper()
	if err := to.Emit(event, args...); err != nil {
		t.Errorf("Emit %s: %v", event, err)
	}
}

// The clients of all servers hear the events of all servers in one order, those of each
// server in the order of emitting.
func TestSharedLogOneOrder(t *testing.T) {
	const count = 50
	loggedServers(t, 3, slowNet(), func(all []bused) {
		clients := make([]*returner, 3)
		for i := range all {
			clients[i] = all[i].returner().comes()
		}
		time.Sleep(time.Second)
		var emitting sync.WaitGroup
		for i := range all {
			emitting.Go(func() {
				for n := range count {
					mustEmit(t, all[i].io.To("room"), "e", i, n, []byte{byte(n)}[:0], "text")
					if n%10 == i {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		emitting.Wait()
		var first string
		for i, c := range clients {
			next := make([]int, 3)
			var heard []string
			for len(heard) < 3*count {
				p, err := c.peer.next()
				if err != nil {
					t.Fatal(err)
				}
				if p.binary != nil || len(p.text) == 0 {
					continue
				}
				var from, n int
				if _, err := fmt.Sscanf(p.text[strings.Index(p.text, "["):], `["e",%d,%d`, &from, &n); err != nil {
					t.Fatal(p, err)
				}
				if n != next[from] {
					t.Fatalf("client %d hears event %d of server %d, want %d", i, n, from, next[from])
				}
				next[from]++
				heard = append(heard, p.text)
			}
			if all := strings.Join(heard, " "); i == 0 {
				first = all
			} else if all != first {
				t.Errorf("client %d hears another order, or other positions", i)
			}
		}
	})
}

// slowNet is a network on which messages and entries take their time.
func slowNet() *membus.Network {
	network := membus.New(1)
	network.Delay(time.Millisecond, 20*time.Millisecond)
	return network
}

// Emit returns at once, and the event comes when it is in the log. EmitAt waits for the
// position.
func TestSharedLogEmitReturnsBefore(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		c := all[0].returner().comes()
		network.Delay(time.Second, time.Second)
		start := time.Now()
		mustEmit(t, all[0].io, "waits", 1)
		want(t, "how long Emit takes", time.Since(start), 0)
		time.Sleep(1900 * time.Millisecond)
		c.hearsNothing()
		c.hears("waits 1")
		want(t, "when the event comes", time.Since(start), 2*time.Second)
		position, err := all[0].io.EmitAt("at")
		if err != nil {
			t.Error(err)
		}
		want(t, "how long EmitAt takes", time.Since(start), 4*time.Second)
		c.hears("at")
		want(t, "the position", fmt.Sprint(c.offset), position)
	})
}

// A socket that leaves a room gets the events to it that were emitted before.
func TestSharedLogLeave(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		a, b := all[0].returner().comes(), all[1].returner().comes()
		time.Sleep(10 * time.Second)
		network.Delay(time.Second, time.Second)
		start := time.Now()
		mustEmit(t, all[0].io, "all", 1)
		mustEmit(t, all[0].io.To("room", "others"), "last", 2)
		mustEmit(t, all[0].io, "all", 3)
		left := make(chan error)
		go func() { left <- all[0].io.SocketsLeave("room") }() // it waits for the sessions
		synctest.Wait()
		mustEmit(t, all[0].io.To("room"), "not for it")
		a.hears("all 1", "last 2", "all 3")
		want(t, "when they come", time.Since(start) >= time.Second, true)
		if err := <-left; err != nil {
			t.Error(err)
		}
		b.hears("all 1", "last 2", "all 3")
		time.Sleep(5 * time.Second)
		a.hearsNothing()
		b.hearsNothing()
		a.drops()
		b.drops()
		mustEmit(t, all[0].io, "missed", 4)
		time.Sleep(5 * time.Second)
		for _, c := range []*returner{a, b} {
			c.comesAt(all[1]).is("recovered")
			c.hears("missed 4")
			c.hearsNothing()
		}
	})
}

// A client that loses its connection while events wait for their positions, in the moment in
// which its socket has left their room, is recovered: its session ends when they are known.
func TestSharedLogLeaveAndReturn(t *testing.T) {
	for _, how := range []string{"takes over", "same server", "other server", "same server, a handler of the end runs until then", "other server, a handler of the end runs until then"} {
		t.Run(how, func(t *testing.T) {
			how, _, slow := strings.Cut(how, ", ")
			network := membus.New(1)
			loggedServers(t, 2, network, func(all []bused) {
				var socket *socketio.Socket
				all[0].io.OnConnection(func(s *socketio.Socket) { socket = s })
				a := all[0].returner().comes()
				mustEmit(t, all[0].io, "before", 0)
				a.hears("before 0")
				time.Sleep(10 * time.Second)
				all[0].bus.Lag(500 * time.Millisecond)
				mustEmit(t, all[0].io.To("room"), "last", 1)
				socket.Leave("room")
				if slow {
					socket.OnDisconnect(func(socketio.DisconnectReason) { time.Sleep(time.Second) })
				}
				peer := a.peer
				switch how {
				case "takes over":
					a.comes()
				case "same server":
					a.drops().comes()
				default:
					a.drops().comesAt(all[1])
				}
				a.is("recovered")
				a.hears("last 1")
				a.hearsNothing()
				all[0].bus.Lag(0)
				peer.goes()
			})
		})
	}
}

// A socket gets what waits for it when it leaves a room, in the order and with the positions
// of all other events. What is emitted later to the room does not reach it.
func TestSharedLogLeaveAndJoin(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		var socket *socketio.Socket
		all[0].io.OnConnection(func(s *socketio.Socket) { socket = s })
		a := all[0].returner().comes()
		mustEmit(t, all[0].io, "before", 0)
		a.hears("before 0")
		offset := a.offset
		time.Sleep(10 * time.Second)
		all[0].bus.Lag(2 * time.Second)
		start := time.Now()
		mustEmit(t, all[0].io, "all", 1)
		mustEmit(t, all[0].io.To("others"), "not for it", 2)
		mustEmit(t, all[0].io.To("room", "others"), "last", 3)
		socket.Leave("room")
		_ = socket.Join("room")
		socket.Leave("room")
		mustEmit(t, all[0].io.To("room"), "not for it", 4)
		mustEmit(t, all[1].io.To("room"), "not for it", 5)
		want(t, "how long the rooms take", time.Since(start), 0)
		a.hears("all 1", "last 3")
		want(t, "when they come", time.Since(start), 2*time.Second)
		time.Sleep(5 * time.Second)
		a.hearsNothing()
		mustEmit(t, all[0].io, "all", 6)
		a.hears("all 6")
		a.drops()
		time.Sleep(10 * time.Second)
		a.offset = offset // the client got nothing of all this
		a.comesAt(all[1]).is("recovered")
		a.hears("all 1", "last 3", "all 6")
		a.hearsNothing()
	})
}

// The store of sessions does not hold up the log: what follows a change of rooms by another
// server is delivered before the sessions of its members are stored.
func TestSharedLogSlowStore(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		var clients []*returner
		for range 20 {
			clients = append(clients, all[1].returner().comes())
		}
		time.Sleep(10 * time.Second)
		network.Delay(time.Second, time.Second)
		start := time.Now()
		go func() { _ = all[0].io.SocketsJoin("entered") }()
		go func() { _ = all[0].io.SocketsLeave("room") }()
		time.Sleep(time.Second)
		mustEmit(t, all[0].io.To("entered").Except("room"), "after", 1)
		for _, c := range clients {
			c.hears("after 1")
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("the event takes %v", took)
		}
		time.Sleep(time.Minute)
		network.Delay(0, 0)
		all[1].bus.Kill()
		for _, c := range clients {
			c.drops()
		}
		time.Sleep(time.Minute)
		mustEmit(t, all[0].io.To("entered").Except("room"), "missed", 2)
		for _, c := range clients {
			c.comesAt(all[0]).is("recovered")
			c.hears("missed 2")
		}
	})
}

// A save that is under way when the session goes to another server does not undo its end.
func TestSharedLogSaveUnderWay(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		var socket *socketio.Socket
		all[1].io.OnConnection(func(s *socketio.Socket) { socket = s })
		for early := range 20 {
			r := all[1].returner().comes()
			time.Sleep(time.Second)
			network.Delay(2*time.Second, 2*time.Second)
			var saved sync.WaitGroup
			saved.Go(func() { _ = socket.Join("other") })
			synctest.Wait()
			const way = 100 * time.Millisecond
			network.Delay(way, way)
			time.Sleep(2*time.Second - time.Duration(early)*way/2)
			r.comesAt(all[0]).is("recovered")
			saved.Wait()
			network.Delay(0, 0)
			r.drops()
			time.Sleep(time.Second)
		}
	})
}

// What has waited for others when a socket was sent a question at once does not reach it
// after that, even if it joins their room. Other events wait, and change nothing.
func TestSharedLogJoinAfterAQuestion(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		var socket *socketio.Socket
		all[0].io.OnConnection(func(s *socketio.Socket) { socket = s })
		a := all[0].returner().comes()
		mustEmit(t, all[0].io, "before", 0)
		a.hears("before 0")
		offset := a.offset
		time.Sleep(10 * time.Second)
		for i, send := range []func(){
			func() { _ = socket.Volatile().Emit("later", 0) },
			func() { socket.Ask(context.Background(), "later", 1) },
			func() { _ = socket.Emit("later", 2) },
			func() {},
		} {
			all[0].bus.Lag(2 * time.Second)
			socket.Leave("later")
			mustEmit(t, all[0].io.To("later"), "before it joins", i)
			send()
			mustEmit(t, all[0].io.To("later"), "between", i)
			_ = socket.Join("later")
			mustEmit(t, all[0].io.To("later"), "in it", i)
			switch i {
			case 0, 2: // it waits too
				a.hears(fmt.Sprint("before it joins ", i), fmt.Sprint("later ", i), fmt.Sprint("between ", i), fmt.Sprint("in it ", i))
			case 1:
				if got, err := a.peer.next(); err != nil || got.text != `20["later",1]` {
					t.Errorf("the client hears %v, %v, want the question", got, err)
				}
				a.hears("between 1", "in it 1")
			default: // recipients are those at the moment of the position
				a.hears("before it joins 3", "between 3", "in it 3")
			}
			time.Sleep(5 * time.Second)
			a.hearsNothing()
		}
		a.drops()
		time.Sleep(time.Second)
		a.offset = offset // the client got nothing of all this
		a.comesAt(all[1]).is("recovered")
		for i := range 4 {
			if i != 1 {
				a.hears(fmt.Sprint("before it joins ", i))
			}
			if i == 2 {
				a.hears("later 2")
			}
			a.hears(fmt.Sprint("between ", i), fmt.Sprint("in it ", i))
		}
		a.hearsNothing()
	})
}

// A client that loses its connection while events wait for it, and has left their rooms, is
// not recovered, unless the log answers soon. Later it is, and gets nothing twice.
func TestSharedLogLeaveAndDrop(t *testing.T) {
	for _, test := range []struct{ drops, killed, later, quick bool }{
		{drops: true}, {killed: true}, {drops: true, later: true}, {killed: true, later: true},
		{drops: true, quick: true},
	} {
		network := membus.New(1)
		loggedServers(t, 2, network, func(all []bused) {
			var socket *socketio.Socket
			all[0].io.OnConnection(func(s *socketio.Socket) { socket = s })
			a := all[0].returner().comes()
			mustEmit(t, all[0].io, "before", "text")
			a.hears("before text")
			time.Sleep(10 * time.Second)
			lag, outcome := 5*time.Second, "bus_lost"
			if test.quick { // the end of the session waits for the position
				lag, outcome = 500*time.Millisecond, "recovered"
			}
			all[0].bus.Lag(lag)
			mustEmit(t, all[0].io.To("room"), "last", 1)
			socket.Leave("room")
			if test.later {
				a.hears("last 1")
				synctest.Wait() // the session is stored again
				outcome = "recovered"
			}
			if test.drops {
				a.drops()
			}
			if test.killed {
				all[0].bus.Kill()
				a.drops()
			}
			time.Sleep(time.Minute)
			a.comesAt(all[1]).is(outcome)
			if test.quick {
				a.hears("last 1")
			}
			mustEmit(t, all[1].io, "then", 2)
			a.hears("then 2")
			a.hearsNothing()
		})
	}
}

// What a server sends to one socket does not overtake the events before it that wait for
// their positions: replies, questions, volatile events, the end.
func TestSharedLogNothingOvertakes(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		all[0].io.On("ask", func(s *socketio.Socket, how string) string {
			switch how {
			case "own":
				_ = s.Emit("to it")
			case "room":
				_ = all[0].io.To("room").Emit("to all")
			case "elsewhere":
				_ = all[0].io.To("another room").Emit("to others")
			case "volatile":
				_ = s.Emit("first")
				_ = s.Volatile().Emit("second")
				s.Ask(context.Background(), "third")
				_ = s.Emit("fourth")
			case "end":
				_ = s.Emit("bye", 1, "text")
				_ = all[0].io.To("room").Emit("bye all")
				s.Disconnect()
			}
			return how
		})
		network.Delay(time.Second, time.Second)
		p := all[0].open(websocket)
		p.joins("/")
		time.Sleep(10 * time.Second)
		ask := func(how string, within time.Duration, packets ...string) {
			t.Helper()
			start := time.Now()
			p.says(fmt.Sprintf(`21["ask",%q]`, how))
			for _, want := range packets {
				got, err := p.next()
				if err != nil || !strings.HasPrefix(got.text, want) {
					t.Fatalf("%s: the client hears %v %v, want %s", how, got, err, want)
				}
			}
			want(t, "the time of "+how, time.Since(start), within)
		}
		ask("own", 2*time.Second, `2["to it"`, `31["own"]`)
		ask("room", 2*time.Second, `2["to all"`, `31["room"]`)
		ask("elsewhere", 0, `31["elsewhere"]`)
		ask("volatile", 2*time.Second, `2["first"`, `2["second"`, `2`, `2["fourth"`, `31["volatile"]`)
		ask("end", 0, `2["bye",1,"text"`, `2["bye all"`, `1`)
	})
}

// A broadcast with acknowledgements comes after the plain events before it, on all servers.
func TestSharedLogQuestionsDoNotOvertake(t *testing.T) {
	network := membus.New(3)
	network.Delay(0, 50*time.Millisecond)
	loggedServers(t, 3, network, func(all []bused) {
		var clients []*returner
		for i := range all {
			clients = append(clients, all[i].returner().comes())
		}
		time.Sleep(time.Second)
		for round := range 20 {
			mustEmit(t, all[0].io.To("room"), "plain", round)
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			answers := all[0].io.To("room").Ask(ctx, "question", round)
			for i, c := range clients {
				for _, event := range []string{"plain", "question"} {
					p, err := c.peer.next()
					if err != nil || !strings.Contains(p.text, fmt.Sprintf(`[%q,%d`, event, round)) {
						t.Fatalf("round %d: client %d hears %v %v, want %s", round, i, p, err, event)
					}
				}
			}
			cancel()
			for range answers.All() {
			}
		}
	})
}

// A client that comes back to another server gets what it has missed there, in the order
// of the log, and nothing else.
func TestSharedLogRecoveryElsewhere(t *testing.T) {
	loggedServers(t, 3, slowNet(), func(all []bused) {
		var socket *socketio.Socket
		all[0].io.OnConnection(func(s *socketio.Socket) { socket = s })
		r := all[0].returner().comes()
		sid := r.sid
		mustEmit(t, all[1].io, "live", "text")
		r.hears("live text")
		r.drops()
		time.Sleep(time.Second)
		step := func(to socketio.Emitter, event string, args ...any) {
			t.Helper()
			mustEmit(t, to, event, args...)
			time.Sleep(100 * time.Millisecond)
		}
		for round := range 3 {
			to := all[(round+1)%3]
			step(all[1].io, "all", round)
			step(all[2].io.To("room"), "room", "text")
			step(all[0].io.To("room").Except(sid), "not for it")
			step(all[0].io.To("nobody's"), "not for it")
			step(all[0].io.Volatile(), "volatile")
			step(all[0].io.Local(), "local")
			step(all[0].io.To(sid), "id")
			r.comesAt(to).is("recovered")
			want(t, "the id", r.sid, sid)
			r.hears(fmt.Sprint("all ", round), "room text", "id")
			step(all[round].io.To("room"), "live again", round)
			r.hears(fmt.Sprint("live again ", round))
			r.hearsNothing()
			r.drops()
			time.Sleep(time.Second)
		}
		if err := socket.Emit("late"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("Emit to a socket that has ended: %v", err)
		}
	})
}

// An event to one socket is in the log: its client misses nothing.
func TestSharedLogUnicast(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		all[0].io.On("go", func(s *socketio.Socket) {
			_ = s.Emit("one")
			_ = s.Emit("two", "text")
		})
		r := all[0].returner().comes()
		other := all[0].returner().comes()
		network.Delay(time.Second, time.Second)
		r.peer.says(`2["go"]`)
		r.w.settle()
		r.drops()
		time.Sleep(5 * time.Second)
		r.comesAt(all[1]).is("recovered")
		r.hears("one", "two text")
		other.hearsNothing()
	})
}

// What a killed server has emitted is in the log. Its clients miss nothing.
func TestSharedLogOfAKilledServer(t *testing.T) {
	loggedServers(t, 3, slowNet(), func(all []bused) {
		r := all[0].returner().comes()
		mustEmit(t, all[0].io, "live", 1)
		r.hears("live 1")
		time.Sleep(time.Second)
		r.drops()
		mustEmit(t, all[0].io.To("room"), "the last", 2)
		time.Sleep(100 * time.Millisecond)
		all[0].bus.Kill()
		mustEmit(t, all[1].io.To("room"), "from another", 3)
		time.Sleep(time.Minute)
		r.comesAt(all[2]).is("recovered")
		r.hears("the last 2", "from another 3")
	})
}

// What a server emits when it has just started, before it has found the end of the log, is
// in the log: the clients of other servers miss nothing, and are recovered.
func TestSharedLogOfAStartingServer(t *testing.T) {
	network := slowNet()
	loggedServers(t, 2, network, func(all []bused) {
		r, away := all[0].returner().comes(), all[0].returner().comes()
		mustEmit(t, all[0].io, "before", 0)
		r.hears("before 0")
		away.hears("before 0")
		away.drops()
		time.Sleep(10 * time.Second)
		network.Confirm(time.Second) // it takes longer to find the end than to add an event
		brief := loggedServer(all[0].TB, network, "brief")
		mustEmit(t, brief.io, "brief", "text")
		_ = brief.io.Close()
		r.hears("brief text")
		late := loggedServer(all[0].TB, network, "late")
		for n := range 3 {
			mustEmit(t, late.io, "first", n)
		}
		time.Sleep(5 * time.Second)
		mustEmit(t, late.io, "first", 3)
		for n := range 4 {
			r.hears(fmt.Sprint("first ", n))
		}
		away.comesAt(late).is("recovered")
		away.hears("brief text", "first 0", "first 1", "first 2", "first 3")
		r.drops()
		r.comesAt(late).is("recovered")
		_ = late.io.Close()
	})
}

// A server that has not read as far as the client waits until it has.
func TestSharedLogCatchesUp(t *testing.T) {
	network := slowNet()
	loggedServers(t, 2, network, func(all []bused) {
		r := all[0].returner().comes()
		time.Sleep(time.Second)
		all[1].bus.Lag(1500 * time.Millisecond)
		mustEmit(t, all[0].io, "ahead", 1)
		r.hears("ahead 1")
		r.drops()
		r.comesAt(all[1]).is("recovered")
		mustEmit(t, all[0].io, "next", 2)
		r.hears("next 2")
		r.hearsNothing()
		r.drops()
		time.Sleep(10 * time.Second)

		all[1].bus.Lag(0)
		r.comesAt(all[0]).is("recovered")
		all[1].bus.Lag(time.Minute)
		mustEmit(t, all[0].io.Volatile(), "volatile", 3)
		r.hears("volatile 3")
		r.drops()
		time.Sleep(time.Second)
		r.comesAt(all[1]).is("bus_lost") // otherwise it would hear the volatile event again
	})
}

// While the bus is down, events are delivered without positions, and Emit says it. Clients
// that have received such an event, or should have, are not recovered.
func TestSharedLogBusDown(t *testing.T) {
	loggedServers(t, 2, slowNet(), func(all []bused) {
		r, away, other := all[0].returner().comes(), all[0].returner().comes(), all[1].returner().comes()
		mustEmit(t, all[0].io, "before", "text")
		for _, c := range []*returner{r, away, other} {
			c.hears("before text")
		}
		away.drops()
		time.Sleep(time.Second)
		all[0].bus.Break()
		start := time.Now()
		if err := all[0].io.Emit("lost", 1); !errors.Is(err, socketio.ErrNotStored) || !errors.Is(err, membus.ErrDown) {
			t.Errorf("Emit: %v", err)
		}
		r.hears("lost 1")
		want(t, "when it comes", time.Since(start), 0)
		r.drops()
		time.Sleep(time.Second)
		all[0].bus.Mend()
		time.Sleep(10 * time.Second)
		mustEmit(t, all[0].io, "again", 1)
		time.Sleep(time.Second)
		r.comesAt(all[1]).is("bus_lost")
		away.comesAt(all[1]).is("bus_lost")
		other.hears("again 1")
		other.drops()
		mustEmit(t, all[1].io, "missed", 1)
		other.comesAt(all[0]).is("recovered")
		other.hears("missed 1")
	})
}

// The connection is lost while events are under way: those that have not arrived are
// delivered without positions, in order.
func TestSharedLogUnknownOutcome(t *testing.T) {
	network := membus.New(1)
	for arrive := range 4 {
		loggedServers(t, 2, network, func(all []bused) {
			r, other := all[0].returner().comes(), all[1].returner().comes()
			time.Sleep(time.Second)
			network.Delay(time.Second, time.Second)
			for n := range 3 {
				mustEmit(t, all[0].io, "e", n)
			}
			all[0].bus.Sever(arrive)
			time.Sleep(500 * time.Millisecond)
			r.hearsNothing()
			all[0].bus.Mend()
			mustEmit(t, all[0].io, "e", 3)
			r.hears("e 0", "e 1", "e 2", "e 3")
			time.Sleep(5 * time.Second)
			r.hearsNothing()
			for n := range 4 {
				if n < arrive || n == 3 {
					other.hears(fmt.Sprint("e ", n))
				}
			}
			other.hearsNothing()
			network.Delay(0, 0)
		})
	}
}

// The broker does not answer: events come after a bounded time, in order, and their late
// entries change nothing.
func TestSharedLogBrokerIsSilent(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		r := all[0].returner().comes()
		mustEmit(t, all[0].io, "before", 0)
		r.hears("before 0")
		time.Sleep(time.Second)
		network.Partition([]string{"node1"}, []string{"node0"})
		start := time.Now()
		mustEmit(t, all[0].io, "e", 1)
		mustEmit(t, all[0].io, "e", 2)
		r.hears("e 1", "e 2")
		want(t, "when they come", time.Since(start), 10*time.Second)
		network.Partition()
		time.Sleep(time.Second)
		r.hearsNothing()
		r.drops()
		r.comesAt(all[1]).is("bus_lost")
		mustEmit(t, all[0].io, "then", 3)
		r.hears("then 3")
	})
}

// What waits is bounded, and Emit says it.
func TestSharedLogBound(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		network.Partition([]string{"node1"}, []string{"node0"})
		text := strings.Repeat("x", 1<<20)
		n := 0
		for ; n < 100; n++ {
			if err := all[0].io.Emit("e", text); err != nil {
				if !errors.Is(err, socketio.ErrTooManyWaiting) {
					t.Errorf("Emit: %v", err)
				}
				break
			}
		}
		if n < 10 || n > 40 {
			t.Errorf("%d MiB of events wait", n)
		}
		time.Sleep(12 * time.Second)
		mustEmit(t, all[0].io, "e", 1)
		network.Partition()
	})
}

// Clients whose server could not read all events are disconnected, and are not recovered. The
// server says so.
func TestSharedLogGap(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		r, other := all[0].returner().comes(), all[1].returner().comes()
		mustEmit(t, all[1].io, "before", 1)
		r.hears("before 1")
		other.hears("before 1")
		all[0].bus.Break()
		for n := range 10 {
			mustEmit(t, all[1].io, "e", n)
		}
		network.Trim("/", 2)
		all[0].bus.Mend()
		time.Sleep(time.Second)
		r.comes().is("log_trimmed")
		if gaps, others := all[0].node.Stats().Gaps, all[1].node.Stats().Gaps; gaps != 1 || others != 0 {
			t.Errorf("the server that could not read counts %d gaps, the other one %d", gaps, others)
		}
		for n := range 10 {
			other.hears(fmt.Sprint("e ", n))
		}
		other.drops()
		other.comes().is("recovered")
	})
}

// When the log was replaced, clients are disconnected: their positions are void.
func TestSharedLogReplaced(t *testing.T) {
	network := membus.New(1)
	loggedServers(t, 2, network, func(all []bused) {
		r := all[0].returner().comes()
		mustEmit(t, all[1].io, "before", 1)
		r.hears("before 1")
		network.ReplaceLogs()
		time.Sleep(time.Second)
		r.comesAt(all[1]).is("log_trimmed")
		mustEmit(t, all[0].io, "after", 1)
		r.hears("after 1")
		r.drops()
		r.comesAt(all[0]).is("recovered")
	})
}
