// SPDX-License-Identifier: MIT

// This file holds the examples of the documentation.

package adapter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socketio"
	"socketio/adapter"
)

// A listener is a Member that prints what it gets. The server's sockets are the
// real ones.
type listener struct {
	adapter.Member // what is not shown here
	id             string
}

func (l listener) ID() string { return l.id }

func (l listener) Deliver(p *adapter.Packet) { fmt.Println(l.id, "gets", p.Message) }

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

// A counting adapter is Memory, and notes who joins what.
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

// An adapter of one's own may embed Memory and change what it needs.
func ExampleAdapter() {
	c := counting{adapter.NewMemory(), make(map[string]int)}
	io := socketio.NewServer(&socketio.Options{
		Adapter: func(namespace string) adapter.Adapter { return c },
	})
	defer io.Close()

	anna := listener{id: "anna"} // in a server the sockets do this
	c.Add(anna, nil)
	c.Join(anna, []string{"lobby", "news"})
	fmt.Println(c.joins)
	// Output: map[lobby:1 news:1]
}

// A Call asks many and takes their answers as they come. The server and the adapter
// tell it who was asked.
func ExampleCall() {
	c := adapter.NewCall()
	anna, ben, carla := listener{id: "anna"}, listener{id: "ben"}, listener{id: "carla"}
	for _, m := range []listener{anna, ben, carla} {
		c.Expect(m)
	}
	c.Seal() // nobody else will be asked
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

// A roomPrinter hears of rooms.
type roomPrinter struct{}

func (roomPrinter) RoomCreated(room string) { fmt.Println("new:", room) }

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
	// new: anna
	// anna in anna
	// new: lobby
	// anna in lobby
	// anna out of lobby
	// gone: lobby
}

// A telling adapter is Memory, and shows what it would send to other nodes.
type telling struct {
	*adapter.Memory
	local adapter.Local
}

func (t *telling) Init(l adapter.Local) error {
	t.local = l
	return nil
}

func (t *telling) Broadcast(p *adapter.Packet, target adapter.Target) (int, error) {
	event, err := t.local.Payload(p)
	if err != nil {
		return 0, err
	}
	fmt.Printf("%s to %v of %s, volatile: %t\n", event.JSON, target.Rooms, t.local.Namespace(), p.Volatile)
	return t.Memory.Broadcast(p, target)
}

// Local is how an adapter for several nodes gets an event in a form that travels.
func ExampleLocal() {
	io := socketio.NewServer(&socketio.Options{
		Adapter: func(namespace string) adapter.Adapter { return &telling{Memory: adapter.NewMemory()} },
	})
	defer io.Close()

	io.Of("/news").To("sports").Volatile().Emit("score", 2, 1)
	// Output: ["score",2,1] to [sports] of /news, volatile: true
}

// A Found is a socket of this node, or what another node tells of one of its own.
func ExampleFound() {
	rooms := adapter.NewMemory()
	rooms.Add(listener{id: "anna"}, []string{"lobby"})
	found, err := rooms.FetchSockets(context.Background(), adapter.Target{Rooms: []string{"lobby"}})
	found = append(found, adapter.Found{Info: adapter.SocketInfo{ // as if it had come over the network
		ID: "ben", Node: "node 2", Handshake: adapter.Handshake{Host: "example.com"},
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
