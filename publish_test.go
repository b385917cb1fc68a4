// SPDX-License-Identifier: MIT

// This file holds the publish step: events that wait for a position, and what other
// servers of a cluster get to know.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/adaptertest"
)

// A slowStore is a store whose logs store events when the test says so, in its order.
type slowStore struct{ adapter.Store }

var errFull = errors.New("the log is full")

func (s slowStore) Log(namespace string) (adapter.Log, error) {
	l, err := s.Store.Log(namespace)
	return &slowLog{Log: l}, err
}

type slowLog struct {
	adapter.Log
	full bool

	mu      sync.Mutex // guards the fields below
	waiting []*waitingRecord
}

// A waitingRecord is a record whose Append waits for stored.
type waitingRecord struct {
	*adapter.Record
	stored chan uint64
}

func (l *slowLog) Append(r *adapter.Record) error {
	if l.full {
		return errFull
	}
	w := &waitingRecord{r, make(chan uint64)}
	l.mu.Lock()
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	r.Deliver(<-w.stored)
	return nil
}

// take removes the records that wait.
func (l *slowLog) take() []*waitingRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.waiting
	l.waiting = nil
	return waiting
}

// slow runs a test with a server whose events wait for their positions.
func slow(t *testing.T, test func(w *world, log *slowLog)) {
	opts := &socketio.Options{Recovery: &socketio.Recovery{Store: slowStore{adapter.NewMemoryStore()}}}
	memory(t, opts, func(w *world) { test(w, socketio.LogOf(w.io.Of("/")).(*slowLog)) })
}

// Events leave when the log has given them a position, in its order: direct ones and
// broadcasts alike. Emit returns then.
func TestEventsWaitForTheirPosition(t *testing.T) {
	slow(t, func(w *world, log *slowLog) {
		s, p := w.pair()
		_, q := w.pair()
		emitted := newList()
		begin := func(name string, emit func() error) {
			go func() { // ends when the log has stored the event
				emitted.add(fmt.Sprint(name, emit()))
			}()
			w.settle()
		}
		begin("all", func() error { return w.io.Emit("all", []byte{1}) })
		begin("one", func() error { return s.Emit("one", "a") })
		begin("others", func() error { return s.Broadcast().Emit("others") })
		begin("nobody", func() error { return w.io.To("nobody").Emit("nobody") })
		if err := s.Emit("connect"); !errors.Is(err, socketio.ErrReservedEvent) {
			t.Errorf("a reserved event: %v", err)
		}
		if err := s.Emit("bad", func() {}); err == nil || !strings.Contains(err.Error(), `emit "bad"`) {
			t.Errorf("an event that can't be encoded: %v", err)
		}
		p.hearsNothing()
		q.hearsNothing()
		want(t, "emitted", len(emitted.all()), 0)
		records := log.take()
		want(t, "records", len(records), 4)
		want(t, "a record", fmt.Sprint(string(records[1].Event.JSON), records[1].Socket, records[1].Event.Version, records[1].Event.Origin != ""),
			fmt.Sprint(`["one","a"]`, s.ID(), adapter.Version, true))
		slices.Reverse(records)
		for i, r := range records {
			r.stored <- uint64(i + 1)
			w.settle()
		}
		want(t, "emitted", strings.Join(emitted.all(), " "), "nobody<nil> others<nil> one<nil> all<nil>")
		position := func(n uint64) string { return adapter.Position(log.Epoch(), n) }
		p.hears(`2["one","a","`+position(3)+`"]`, `51-["all",{"_placeholder":true,"num":0},"`+position(4)+`"]`, []byte{1})
		q.hears(`2["others","`+position(2)+`"]`, `51-["all",{"_placeholder":true,"num":0},"`+position(4)+`"]`, []byte{1})

		begin("late", func() error { return s.Emit("late") })
		p.says(`1`)
		w.settle()
		log.take()[0].stored <- 5
		w.settle()
		log.full = true
		for _, err := range []error{w.io.Emit("e"), w.io.Sockets()[0].Emit("e")} {
			if !errors.Is(err, errFull) {
				t.Errorf("a full log is told: %v", err)
			}
		}
		if err := s.Emit("e"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the socket has gone: %v", err)
		}
	})
}

// Servers on two sides of a partition go on by themselves, and together afterwards.
func TestPartition(t *testing.T) {
	twins(t, 3, nil, func(tw []twin) {
		c := crowds(tw, []string{"a"}, []string{"b"}, []string{"c"})
		tw[2].node.Isolate(1)
		_ = tw[0].io.Emit("apart")
		c[0].peers["a"].hears(`2["apart"]`)
		c[1].peers["b"].hears(`2["apart"]`)
		c[2].peers["c"].hearsNothing()
		found, err := tw[2].io.FetchSockets(tw[2].Context())
		want(t, "whom the island finds", fmt.Sprint(len(found), err), "1 <nil>")
		tw[2].node.Isolate(0)
		_ = tw[2].io.Emit("again")
		for i, name := range []string{"a", "b", "c"} {
			c[i].peers[name].hears(`2["again"]`)
		}
	})
}

// A parent's broadcast reaches the sockets of its children on all servers, where this
// server has the child too.
func TestParentsInACluster(t *testing.T) {
	twins(t, 2, nil, func(tw []twin) {
		var peers []*peer
		var parents []*socketio.ParentNamespace
		for i := range tw {
			parents = append(parents, tw[i].io.OfPattern(teams))
			p := tw[i].open(websocket)
			p.joins("/team-1")
			peers = append(peers, p)
		}
		peers[1].joins("/team-2")
		_ = parents[0].Emit("e")
		for _, p := range peers {
			p.hears(`2/team-1,["e"]`)
			p.hearsNothing()
		}
	})
}

// A closing cluster fails to open and says when it closes.
type closing struct {
	adapter.Cluster
	node *adapter.Node
	log  *list
}

func (c closing) Open(n adapter.Node) error { *c.node = n; return errors.New("no route to it") }

func (c closing) Close(ctx context.Context) error {
	_, ok := ctx.Deadline()
	c.log.add(fmt.Sprint("closed, with a deadline: ", ok))
	return errors.New("it lost something")
}

// A cluster that can't open leaves its server to itself, and each of its errors is logged.
func TestClusterBeginsAndEnds(t *testing.T) {
	var node adapter.Node
	log := newList()
	memory(t, &socketio.Options{Cluster: closing{adapter.Alone(), &node, log}}, func(w *world) {
		_, p := w.pair()
		_ = w.io.Emit("e")
		p.hears(`2["e"]`)
		want(t, "a node id and a logger", len(node.ID) == 20 && node.Logger != nil, true)
		want(t, "closed", len(log.all()), 0)
		_ = w.io.Close()
		_ = w.io.Close()
		want(t, "closed once", strings.Join(log.all(), "; "), "closed, with a deadline: true")
		for _, text := range []string{"no route to it", "it lost something"} {
			if !strings.Contains(w.log.String(), text) {
				t.Errorf("the log lacks %q: %s", text, w.log)
			}
		}
	})
}

// An interest is the rooms that have members on a node, and how often each was subscribed.
type interest struct {
	mu    sync.Mutex
	rooms map[string]int
}

func (i *interest) RoomCreated(room string, own bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !own {
		i.rooms[room]++
	}
}

func (i *interest) RoomJoined(string, adapter.Member) {}
func (i *interest) RoomLeft(string, adapter.Member)   {}

func (i *interest) RoomDeleted(room string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.rooms, room)
}

// A cluster knows which rooms have members here, without those that are the ids of sockets.
func TestInterest(t *testing.T) {
	in := &interest{rooms: make(map[string]int)}
	opts := &socketio.Options{Cluster: adapter.Each(func(adapter.Local) adapter.Adapter {
		m := adapter.NewMemory()
		m.Observe(in)
		return m
	})}
	memory(t, opts, func(w *world) {
		a, _ := w.pair()
		b, _ := w.pair()
		_, _ = a.Join("r"), b.Join("r", "s")
		want(t, "the rooms", fmt.Sprint(in.rooms), "map[r:1 s:1]")
		b.Leave("r", "s")
		want(t, "the rooms", fmt.Sprint(in.rooms), "map[r:1]")
		a.Disconnect()
		w.settle()
		want(t, "the rooms", fmt.Sprint(in.rooms), "map[]")
	})
}

var _ adapter.Cluster = (*adaptertest.MemoryNode)(nil)
