// SPDX-License-Identifier: MIT

// This file holds the examples of the documentation.

package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/cluster/membus"
)

// A listener is a Member that prints what it receives. In a server the members are
// sockets.
type listener struct {
	adapter.Member // what is not shown here
	id             string
}

func (l listener) ID() string { return l.id }

func (l listener) Deliver(p *adapter.Packet) { fmt.Println(l.id, "gets", p.Message) }

// A corked is a listener that prints when it is written to.
type corked struct {
	listener
	waiting *[]any
}

func (c corked) Deliver(p *adapter.Packet) {
	*c.waiting = append(*c.waiting, p.Message)
	p.Batch.Hold(c, 100)
}

func (c corked) Write() {
	if len(*c.waiting) > 0 { // it was held twice
		fmt.Println(c.id, "gets", *c.waiting)
		*c.waiting = nil
	}
}

func ExampleBatch() {
	rooms := adapter.NewMemory()
	var anna adapter.Queued = corked{listener{id: "anna"}, new([]any)}
	rooms.Add(anna.(adapter.Member), nil)

	var batch adapter.Batch
	for _, text := range []string{"hello", "again"} {
		rooms.Broadcast(&adapter.Packet{Message: text, Batch: &batch}, adapter.Target{})
	}
	fmt.Println("nothing more has arrived")
	batch.Flush()
	// Output:
	// nothing more has arrived
	// anna gets [hello again]
}

func ExampleMemory() {
	rooms := adapter.NewMemory()
	anna, ben := listener{id: "anna"}, listener{id: "ben"}
	rooms.Add(anna, nil)
	rooms.Add(ben, []string{"lobby"})
	rooms.Join(anna, []string{"lobby"})

	fmt.Println(len(rooms.Members(adapter.Target{Rooms: []string{"lobby"}})), "in the lobby")
	rooms.Leave(ben, "lobby")
	rooms.Broadcast(&adapter.Packet{Message: "hello"}, adapter.Target{Rooms: []string{"lobby"}})
	// Output:
	// 2 in the lobby
	// anna gets hello
}

// Each member has a room named by its id, so a target reaches one of them too.
// A patient is a listener that stores its rooms later.
type patient struct{ listener }

// Move implements Mover.
func (p patient) Move(joins bool, rooms []string) {
	fmt.Println(p.id, "joins:", joins, rooms)
}

func ExampleMover() {
	rooms := adapter.NewMemory()
	var anna adapter.Mover = patient{listener{id: "anna"}}
	rooms.Add(anna.(adapter.Member), nil)

	// Another server has asked for it.
	adapter.Move(rooms.Members(adapter.Target{}), true, []string{"lobby"})
	// Output: anna joins: true [lobby]
}

func ExampleTarget() {
	rooms := adapter.NewMemory()
	rooms.Add(listener{id: "anna"}, []string{"red"})
	rooms.Add(listener{id: "ben"}, []string{"red", "muted"})
	rooms.Add(listener{id: "carla"}, []string{"blue"})

	for _, t := range []adapter.Target{
		{Rooms: []string{"ben"}},
		{Rooms: []string{"red", "blue"}, Except: []string{"muted"}, Sender: "carla"},
	} {
		rooms.Broadcast(&adapter.Packet{Message: "hello"}, t)
	}
	// Output:
	// ben gets hello
	// anna gets hello
}

// A counting adapter is a Memory that counts joins.
type counting struct {
	*adapter.Memory
	joins map[string]int // the example has one goroutine; else it needs a lock
}

func (c counting) Join(m adapter.Member, rooms []string) {
	for _, room := range rooms {
		c.joins[room]++
	}
	c.Memory.Join(m, rooms)
}

// A custom adapter may embed Memory and change some methods.
func ExampleAdapter() {
	c := counting{adapter.NewMemory(), make(map[string]int)}
	io := socketio.NewServer(&socketio.Options{
		Cluster: adapter.Each(func(adapter.Local) adapter.Adapter { return c }),
	})
	defer io.Close()

	anna := listener{id: "anna"} // in a server the sockets do this
	c.Add(anna, nil)
	c.Join(anna, []string{"lobby", "news"})
	fmt.Println(c.joins)
	// Output: map[lobby:1 news:1]
}

// A Call collects the replies of several sockets as they arrive. The server and the
// adapter announce the recipients.
func ExampleCall() {
	c := adapter.NewCall()
	anna, ben, carla := listener{id: "anna"}, listener{id: "ben"}, listener{id: "carla"}
	for _, m := range []listener{anna, ben, carla} {
		c.Expect(m)
	}
	c.Seal() // no further recipients
	c.Answer(anna, "yes")
	c.Fail(carla, errors.New("gone"))

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for a, ok := c.Next(ctx); ok; a, ok = c.Next(ctx) {
		fmt.Println(a.Socket, a.Args)
	}
	var silent *adapter.PartialError
	if errors.As(c.Err(ctx.Err()), &silent) {
		fmt.Println("no answer from", silent.Sockets)
	}
	// Output:
	// anna yes
	// no answer from [ben carla]
}

// A roomPrinter is notified of rooms.
type roomPrinter struct{}

func (roomPrinter) RoomCreated(room string, own bool) { fmt.Println("new:", room, "own:", own) }

func (roomPrinter) RoomJoined(room string, m adapter.Member) { fmt.Println(m.ID(), "in", room) }

func (roomPrinter) RoomLeft(room string, m adapter.Member) { fmt.Println(m.ID(), "out of", room) }

func (roomPrinter) RoomDeleted(room string) { fmt.Println("gone:", room) }

func ExampleObservable() {
	rooms := adapter.NewMemory()
	var observable adapter.Observable = rooms
	observable.Observe(roomPrinter{})

	anna := listener{id: "anna"}
	rooms.Add(anna, nil)
	rooms.Join(anna, []string{"lobby"})
	rooms.Leave(anna, "lobby")
	// Output:
	// new: anna own: true
	// anna in anna
	// new: lobby own: false
	// anna in lobby
	// anna out of lobby
	// gone: lobby
}

// A telling adapter is a Memory that prints what it would send to other nodes.
type telling struct {
	*adapter.Memory
	local adapter.Local
}

func (t *telling) Broadcast(p *adapter.Packet, target adapter.Target) (int, error) {
	event, err := t.local.Payload(p)
	if err != nil {
		return 0, err
	}
	fmt.Printf("%s to %v of %s, volatile: %t\n", event.JSON, target.Rooms, t.local.Namespace(), p.Volatile)
	return t.Memory.Broadcast(p, target)
}

// Local gives an adapter for several nodes an event in a form that can be sent.
func ExampleLocal() {
	io := socketio.NewServer(&socketio.Options{
		Cluster: adapter.Each(func(l adapter.Local) adapter.Adapter { return &telling{adapter.NewMemory(), l} }),
	})
	defer io.Close()

	io.Of("/news").To("sports").Volatile().Emit("score", 2, 1)
	// Output: ["score",2,1] to [sports] of /news, volatile: true
}

// A Found is a socket of this node, or the description of a socket by another node.
func ExampleFound() {
	rooms := adapter.NewMemory()
	rooms.Add(listener{id: "anna"}, []string{"lobby"})
	found, err := rooms.FetchSockets(context.Background(), adapter.Target{Rooms: []string{"lobby"}})
	found = append(found, adapter.Found{Info: adapter.MemberInfo{ // as if it had been received over the network
		ID: "ben", Node: "node 2", Handshake: adapter.HandshakeInfo{Host: "example.com"},
	}})
	for _, f := range found {
		if f.Member != nil {
			fmt.Println(f.Member.ID(), "is here", err)
		} else {
			fmt.Println(f.Info.ID, "is at", f.Info.Node, "and came to", f.Info.Handshake.Host)
		}
	}
	// Output:
	// anna is here <nil>
	// ben is at node 2 and came to example.com
}

// A greeting cluster prints when it begins and ends.
type greeting struct{ adapter.Cluster }

func (g greeting) Open(n adapter.Node) error {
	fmt.Println("open, an id of", len(n.ID), "characters")
	return g.Cluster.Open(n)
}

func (g greeting) Close(ctx context.Context) error {
	fmt.Println("close")
	return g.Cluster.Close(ctx)
}

// A Cluster begins and ends with its server.
func ExampleCluster() {
	io := socketio.NewServer(&socketio.Options{Cluster: greeting{adapter.Alone()}})
	io.Emit("hello")
	io.Close()
	// Output:
	// open, an id of 20 characters
	// close
}

// A cluster says when it becomes degraded, and when it works again.
func ExampleHealth() {
	network := membus.New(1)
	bus := network.Node("a")
	changes := make(chan adapter.Health)
	c := cluster.New(bus, nil)
	_ = c.Open(adapter.Node{ID: "a", Logger: slog.New(slog.DiscardHandler), Changed: func(h adapter.Health) { changes <- h }})
	bus.Break()
	fmt.Println("degraded:", (<-changes).Degraded)
	bus.Mend()
	fmt.Println("degraded:", (<-changes).Degraded)
	_ = c.Close(context.Background())
	// Output:
	// degraded: membus: the bus is down
	// degraded: <nil>
}

// A lonely adapter can't reach the other nodes.
type lonely struct{ *adapter.Memory }

func (lonely) WaitJoined([]string) error { return adapter.ErrDegraded }

// Socket.Join returns the error of WaitJoined; the socket has joined.
func ExampleJoinWaiter() {
	var a adapter.Adapter = lonely{adapter.NewMemory()}
	if w, ok := a.(adapter.JoinWaiter); ok {
		fmt.Println(w.WaitJoined([]string{"news"}))
	}
	// Output:
	// socketio: the cluster is degraded
}

// A numbering store shows the numbers that its logs give events.
type numbering struct{ adapter.Store }

func (n numbering) Log(namespace string) (adapter.Log, error) {
	l, err := n.Store.Log(namespace)
	return numberedLog{l}, err
}

type numberedLog struct{ adapter.Log }

func (l numberedLog) Append(r *adapter.Record) error {
	deliver := r.Deliver
	r.Deliver = func(number uint64) {
		fmt.Printf("%d is %s\n", number, r.Event.JSON)
		deliver(number)
	}
	return l.Log.Append(r)
}

func ExampleLog() {
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{Store: numbering{adapter.NewMemoryStore()}}})
	defer io.Close()

	io.Emit("first", true)
	io.To("room").Emit("second")
	// Output:
	// 1 is ["first",true]
	// 2 is ["second"]
}

// A position is the epoch of a log and the number of an event.
func ExamplePosition() {
	position := adapter.Position("Xk3-9fQ2", 100)
	epoch, number, ok := adapter.ParsePosition(position)
	fmt.Println(position, epoch, number, ok)
	_, _, ok = adapter.ParsePosition("hello")
	fmt.Println(ok)
	// Output:
	// Xk3-9fQ2.2s Xk3-9fQ2 100 true
	// false
}

// A session is taken once, by any client that has its secret.
func ExampleStore() {
	store := adapter.NewMemoryStore()
	ctx := context.Background()
	err := store.Open(adapter.Node{}, adapter.Retention{Window: time.Minute, MaxBytes: 1 << 20, MaxSessions: 100})
	fmt.Println(err)
	defer store.Close(ctx)

	err = store.Save(ctx, "/", &adapter.Session{ID: "anna", Secret: "s3cret", Rooms: []adapter.Membership{{Room: "lobby"}}, Ended: time.Now()})
	fmt.Println(err)
	for range 2 {
		session, err := store.Take(ctx, "/", "s3cret")
		fmt.Println(session != nil && session.Rooms[0].Room == "lobby", err)
	}
	// Output:
	// <nil>
	// <nil>
	// true <nil>
	// false adapter: no such session
}

// A brief cluster has a channel for each namespace, whose names are short.
type brief struct{ adapter.Cluster }

func (brief) CheckNamespace(name string) error {
	if len(name) > 10 {
		return errors.New("at most 10 bytes")
	}
	return nil
}

func ExampleNamespaceChecker() {
	var checker adapter.NamespaceChecker = brief{adapter.Alone()}
	io := socketio.NewServer(&socketio.Options{Cluster: checker.(adapter.Cluster)})
	defer io.Close()

	io.Of("/news")
	defer func() { fmt.Println(recover()) }()
	io.Of("/the news of today")
	// Output:
	// socketio: Of: the cluster can't have this namespace: at most 10 bytes
}
