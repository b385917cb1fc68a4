// SPDX-License-Identifier: MIT

// This file tests that what Redis has subscribed agrees with the rooms of the servers,
// whatever has happened before.

package redisadapter_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

// A guest is a socket that joins and leaves rooms.
type guest struct{ id string }

func (g *guest) ID() string            { return g.id }
func (*guest) Deliver(*adapter.Packet) {}
func (*guest) Join(...string) error    { return nil }
func (*guest) Leave(string)            {}
func (*guest) Disconnect(bool)         {}

// A house is a namespace of a server, which its guests enter and leave.
type house struct {
	*clusterhost.Host
	t         testing.TB
	cluster   *cluster.Cluster
	namespace string

	mu    sync.RWMutex // held to replace the field below
	space adapter.Adapter
}

// reopen ends the namespace, and begins it again without sockets.
func (h *house) reopen() {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.space.Close()
	h.space = h.cluster.Adapter(h.Host)
}

const (
	roomsEach  = 40
	guestsEach = 4 // of a goroutine in a house
)

// visit has guests come, go, and change their rooms at random.
func (h *house) visit(r *rand.Rand, name string, steps int) {
	for n := range steps {
		h.mu.RLock()
		for i := range guestsEach {
			g := &guest{fmt.Sprintf("id of %s %d", name, i)}
			if m, ok := h.space.Member(g.id); ok {
				g = m.(*guest)
			} else if r.IntN(3) > 0 {
				h.space.Add(g, someRooms(r))
			}
			switch r.IntN(6) {
			case 0:
				h.space.Remove(g)
			case 1, 2:
				h.space.Join(g, someRooms(r))
			case 3, 4:
				for _, room := range h.space.Rooms(g) {
					if room != g.id && r.IntN(2) == 0 {
						h.space.Leave(g, room)
					}
				}
			}
		}
		h.mu.RUnlock()
		if n%8 == 0 {
			time.Sleep(time.Duration(r.IntN(6000)) * time.Microsecond)
		}
	}
}

func someRooms(r *rand.Rand) (names []string) {
	for range r.IntN(5) {
		names = append(names, fmt.Sprint("room ", r.IntN(roomsEach)))
	}
	return names
}

// wanted adds the channels of the rooms that have members, to those of other servers.
func (h *house) wanted(prefix, mode string, all map[string]int) {
	here := make(map[string]bool)
	for _, m := range h.space.(interface {
		Members(adapter.Target) []adapter.Member
	}).Members(adapter.Target{}) {
		for _, room := range h.space.Rooms(m) {
			here[room] = true
		}
	}
	for room := range here {
		all[prefix+"#"+h.namespace+"#"+room+"#"]++
	}
}

// subscribed returns the channels of rooms that Redis has, with the numbers of their
// subscribers, or nil if Redis does not answer.
func subscribed(redis *redistest.Server, prefix, kind string) map[string]int {
	command := []string{"PUBSUB", kind + "NUMSUB"}
	for _, part := range []string{"room", "id"} {
		reply, err := redis.Do("PUBSUB", kind+"CHANNELS", prefix+"#*#"+part+" *")
		if err != nil {
			return nil
		}
		for _, name := range reply.([]any) {
			command = append(command, name.(string))
		}
	}
	reply, err := redis.Do(command...)
	if err != nil {
		return nil
	}
	all := make(map[string]int)
	for pair := range slices.Chunk(reply.([]any), 2) {
		all[pair[0].(string)] = int(pair[1].(int64))
	}
	return all
}

// Sockets join and leave rooms in several namespaces of several servers, while namespaces
// end and begin, and connections break. Afterwards, each room with members is subscribed,
// and no other.
func TestSubscriptionsAgreeWithRooms(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 1
	}
	redis := redistest.Start(t)
	for mode, kind := range map[string]string{"classic": "", "sharded private": "SHARD"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			const servers, visitors, steps = 3, 3, 400
			prefix := newPrefix()
			var houses []*house
			for i := range servers {
				o := &redisadapter.Options{Prefix: prefix, Cluster: cluster.Options{Linger: 5 * time.Millisecond, EchoTimeout: time.Hour, Lease: time.Hour}}
				c := modes[mode](on(redis.Addr()), o)
				if err := c.Open(adapter.Node{ID: fmt.Sprint(i), Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}); err != nil {
					t.Fatal(err)
				}
				for _, namespace := range []string{"/", "/other"} {
					h := clusterhost.On(t, fmt.Sprint("host of ", i), namespace, c)
					h.Space.Remove(h)
					houses = append(houses, &house{Host: h, t: t, cluster: c, namespace: namespace, space: h.Space})
				}
				t.Cleanup(func() {
					for _, h := range houses[2*i : 2*i+2] {
						_ = h.space.Close()
					}
					if err := c.Close(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			for round := range rounds {
				var work sync.WaitGroup
				for i, h := range houses {
					for v := range visitors {
						r := rand.New(rand.NewPCG(seed, uint64(round*1000+i*10+v)))
						work.Go(func() { h.visit(r, fmt.Sprint(i, v), steps) })
					}
				}
				over := make(chan struct{})
				var faults sync.WaitGroup
				faults.Go(func() {
					r := rand.New(rand.NewPCG(seed, uint64(round)))
					for {
						select {
						case <-time.After(time.Duration(20+r.IntN(200)) * time.Millisecond):
						case <-over:
							return
						}
						if r.IntN(3) == 0 {
							_, _ = redis.Do("CLIENT", "KILL", "TYPE", "pubsub")
						} else {
							houses[r.IntN(len(houses))].reopen()
						}
					}
				})
				work.Wait()
				close(over)
				faults.Wait()
				agree(t, redis, houses, prefix, kind)
			}
		})
	}
}

// agree waits until the subscriptions are those of the rooms.
func agree(t *testing.T, redis *redistest.Server, houses []*house, prefix, kind string) {
	t.Helper()
	want := make(map[string]int)
	for _, h := range houses {
		h.wanted(prefix, kind, want)
	}
	var wrong []string
	if !clusterhost.HoldsWithin(clusterhost.Limit, func() bool {
		got := subscribed(redis, prefix, kind)
		wrong = nil
		for name, n := range want {
			if got[name] != n {
				wrong = append(wrong, fmt.Sprintf("%s has %d subscribers, want %d", name, got[name], n))
			}
		}
		for name, n := range got {
			if want[name] == 0 {
				wrong = append(wrong, fmt.Sprintf("%s has %d subscribers, want none", name, n))
			}
		}
		return len(wrong) == 0
	}) {
		slices.Sort(wrong)
		t.Fatalf("of %d rooms:\n%s", len(want), strings.Join(wrong, "\n"))
	}
	t.Logf("%d rooms agree", len(want))
}
