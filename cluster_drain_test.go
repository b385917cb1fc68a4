// SPDX-License-Identifier: MIT

// This file tests the end of one server of a cluster.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/adapter/cluster/membus"
	"socketio/engineio"
)

// A nomad is a client that goes to another server when its connection ends.
type nomad struct {
	mu     sync.Mutex // guards the fields below
	events []int      // the numbers that it got, in order
	moved  time.Time  // when its first connection ended
}

// lives reads events until the client's second connection ends.
func (n *nomad) lives(first, second *world) {
	for i, w := range []*world{first, second} {
		p := w.open(websocket)
		p.joins("/")
		for {
			got, err := p.next()
			if err != nil {
				break
			}
			var number int
			if _, err := fmt.Sscanf(got.text, `2["tick",%d]`, &number); err == nil {
				n.mu.Lock()
				n.events = append(n.events, number)
				n.mu.Unlock()
			}
		}
		if i == 0 {
			n.mu.Lock()
			n.moved = time.Now()
			n.mu.Unlock()
		}
	}
}

// Shutdown of one server closes its connections over a time. Its clients come to the
// others, which forget it at once, and lose no event that is emitted while they are
// connected.
func TestDrain(t *testing.T) {
	const clients, perSecond = 30, 10
	network := membus.New(1)
	network.Delay(0, 5*time.Millisecond)
	options := func() socketio.Options {
		return socketio.Options{Engine: engineio.Options{ShutdownRate: perSecond}}
	}
	busedServersWith(t, 3, network, options, func(all []bused) {
		var lives sync.WaitGroup
		nomads := make([]*nomad, clients)
		for i := range nomads {
			nomads[i] = new(nomad)
			lives.Go(func() { nomads[i].lives(all[0].world, all[1+i%2].world) })
		}
		time.Sleep(time.Second)
		tick := 0
		emit := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); tick++ {
				_ = all[1].io.Emit("tick", tick)
				time.Sleep(40 * time.Millisecond)
			}
		}
		emit(time.Second)
		begun := time.Now()
		done := make(chan error, 1)
		go func() { done <- all[0].io.Shutdown(context.Background()) }()
		emit(10 * time.Second)
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		sockets, err := all[1].io.FetchSockets(context.Background())
		want(t, "sockets on the others", fmt.Sprint(len(sockets), err), fmt.Sprint(clients, " <nil>"))
		want(t, "servers", all[2].node.Nodes(), 2)
		emit(time.Second)
		for i := range all {
			_ = all[i].io.Close()
		}
		lives.Wait()
		waves := make(map[int]int) // connections that ended, by the second
		for i, n := range nomads {
			waves[int(n.moved.Sub(begun)/time.Second)]++
			missed, last := 0, n.events[0]
			for _, number := range n.events[1:] {
				if number <= last {
					t.Errorf("client %d got event %d after %d", i, number, last)
				}
				missed += number - last - 1
				last = number
			}
			// The client is away for the time of a handshake, in which an event may be emitted.
			if missed > 2 || last != tick-1 {
				t.Errorf("client %d missed %d events, and got %d last of %d", i, missed, last, tick)
			}
		}
		for second, n := range waves {
			if n > perSecond+1 {
				t.Errorf("%d connections ended in second %d: %v", n, second, waves)
			}
		}
		if log := all[1].log.String(); strings.Contains(log, "degraded") {
			t.Errorf("the others are degraded: %s", log)
		}
	})
}
