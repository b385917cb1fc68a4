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

// A slowLog is a log whose positions arrive when the test says so, in its order.
type slowLog struct {
	*adapter.Memory
	full bool

	mu      sync.Mutex // guards the fields below
	records []*adapter.Record
}

var errFull = errors.New("the log is full")

func (l *slowLog) Append(r *adapter.Record) error {
	if l.full {
		return errFull
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return nil
}

// take removes the records that wait.
func (l *slowLog) take() []*adapter.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	records := l.records
	l.records = nil
	return records
}

// Events leave when the log has given them a position, in its order: direct ones,
// volatile ones and broadcasts alike. Emit returns before, and the arguments may change.
func TestEventsWaitForTheirPosition(t *testing.T) {
	log := &slowLog{Memory: adapter.NewMemory()}
	memory(t, &socketio.Options{Cluster: adapter.Each(func(adapter.Local) adapter.Adapter { return log })}, func(w *world) {
		log.Memory = adapter.NewMemory()
		s, p := w.pair()
		_, q := w.pair()
		data := []byte{1}
		for _, err := range []error{
			w.io.Emit("all", data), s.Emit("one", "a"), s.Volatile().Emit("volatile"), s.Broadcast().Emit("others"),
			w.io.To("nobody").Emit("nobody"), s.Emit("connect"), s.Emit("bad", func() {}),
		} {
			switch {
			case errors.Is(err, socketio.ErrReservedEvent), err != nil && strings.Contains(err.Error(), `emit "bad"`):
			case err != nil:
				t.Error(err)
			}
		}
		data[0] = 2
		p.hearsNothing()
		q.hearsNothing()
		records := log.take()
		want(t, "records", len(records), 5)
		want(t, "a record", fmt.Sprint(records[1].Namespace, string(records[1].Event.JSON), records[1].Target.Rooms, records[1].Event.Version, records[1].Event.Origin != ""),
			fmt.Sprint("/", `["one","a"]`, []string{s.ID()}, adapter.Version, true))
		slices.Reverse(records)
		for i, r := range records {
			r.Deliver(fmt.Sprint("pos", i))
		}
		p.hears(`2["volatile","pos2"]`, `2["one","a","pos3"]`, `51-["all",{"_placeholder":true,"num":0},"pos4"]`, []byte{1})
		q.hears(`2["others","pos1"]`, `51-["all",{"_placeholder":true,"num":0},"pos4"]`, []byte{1})

		_ = s.Emit("without")
		log.take()[0].Deliver("")
		p.hears(`2["without"]`)
		_ = s.Emit("late")
		p.says(`1`)
		w.settle()
		log.take()[0].Deliver("pos")
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
