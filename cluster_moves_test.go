// SPDX-License-Identifier: MIT

// This file tests that clients whose servers end, hang or send them away miss nothing.

package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
)

// A wanderer is a client that goes to the next server when its connection ends.
type wanderer struct {
	*returner

	mu      sync.Mutex // guards the fields below
	ticks   []int      // the numbers of the events that it got, in order
	moves   int        // connections after the first
	failed  []string   // why it was not recovered
	ids     map[string]bool
	current *peer
}

// lives reads events. When a connection ends, it connects to what next returns; if that is
// nil, it ends.
func (c *wanderer) lives(next func() *world) {
	for w := next(); w != nil; w = next() {
		c.w = w
		c.begins()
		c.mu.Lock()
		c.current = c.peer
		c.mu.Unlock()
		for {
			got, err := c.peer.next()
			if err != nil {
				break
			}
			c.hears(got.text)
		}
	}
}

// hears takes a packet.
func (c *wanderer) hears(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case strings.HasPrefix(text, "0{"):
		var reply struct{ SID, PID, NotRecovered string }
		_ = json.Unmarshal([]byte(text[1:]), &reply)
		if c.pid != "" {
			c.moves++
			if reply.PID != c.pid {
				c.failed = append(c.failed, reply.NotRecovered)
			}
		}
		c.pid = reply.PID
		c.ids[reply.SID] = true
	case strings.HasPrefix(text, "2["):
		var number int
		var position string
		if err := json.Unmarshal([]byte(text[1:]), &[]any{new(string), &number, &position}); err == nil {
			c.ticks, c.offset = append(c.ticks, number), position
		}
	}
}

// leaves closes the current connection of the client.
func (c *wanderer) leaves() {
	c.mu.Lock()
	p := c.current
	c.mu.Unlock()
	p.goes()
}

// Each client of a server that is shut down, closed, killed, frozen, or sends its clients
// away continues its session on another, and gets all events, in one order.
func TestClientsMissNothingWhenTheirServerEnds(t *testing.T) {
	const clients = 12
	for how, ends := range map[string]func(b bused, all []*wanderer){
		"shut down": func(b bused, _ []*wanderer) { _ = b.io.Shutdown(context.Background()) },
		"closed":    func(b bused, _ []*wanderer) { _ = b.io.Close() },
		"killed": func(b bused, all []*wanderer) {
			b.bus.Kill()
			for _, c := range all {
				c.leaves()
			}
		},
		"frozen": func(b bused, all []*wanderer) {
			b.bus.Pause()
			time.Sleep(5 * time.Second)
			for _, c := range all {
				c.leaves()
			}
			time.Sleep(25 * time.Second)
			b.bus.Resume()
		},
		"sends away": func(b bused, _ []*wanderer) { _, _ = b.io.Rebalance(context.Background(), 1, 10) },
	} {
		t.Run(how, func(t *testing.T) {
			options := func() socketio.Options { return socketio.Options{} }
			sharingServers(t, 3, slowNetwork(), options, func(all []bused, w *watch) {
				for i := range all {
					all[i].io.OnConnection(func(s *socketio.Socket) {
						if !s.Recovered() {
							_ = s.Join("room")
						}
					})
				}
				over := make(chan struct{})
				var lives sync.WaitGroup
				wanderers := make([]*wanderer, clients)
				for i := range wanderers {
					c := &wanderer{returner: all[0].returner(), ids: make(map[string]bool)}
					wanderers[i] = c
					visits := 0
					lives.Go(func() {
						c.lives(func() *world {
							select {
							case <-over:
								return nil
							default:
							}
							visits++
							if visits == 1 {
								return all[0].world
							}
							return all[1+(i+visits)%2].world
						})
					})
				}
				time.Sleep(time.Second)
				if how != "shut down" && how != "closed" && how != "sends away" {
					w.is(all[0].io, true)
				}
				ended := make(chan struct{})
				go func() {
					time.Sleep(time.Second)
					ends(all[0], wanderers)
					close(ended)
				}()
				tick := 0
				for begun := time.Now(); time.Since(begun) < 45*time.Second; tick++ {
					to := socketio.Emitter(all[1+tick%2].io)
					if tick%3 == 0 {
						to = all[1+tick%2].io.To("room")
					}
					if err := to.Emit("tick", tick); err != nil {
						t.Errorf("Emit: %v", err)
					}
					time.Sleep(50 * time.Millisecond)
				}
				<-ended
				time.Sleep(time.Second)
				close(over)
				for i := range all {
					_ = all[i].io.Close()
				}
				lives.Wait()
				for i, c := range wanderers {
					if len(c.failed) > 0 || len(c.ids) != 1 || c.moves == 0 {
						t.Errorf("client %d has moved %d times, was not recovered: %q, had %d ids", i, c.moves, c.failed, len(c.ids))
					}
					seen := make(map[int]bool)
					for _, n := range c.ticks {
						if seen[n] {
							t.Errorf("client %d got event %d twice", i, n)
						}
						seen[n] = true
					}
					if len(seen) != tick {
						t.Errorf("client %d got %d events of %d: %s", i, len(seen), tick, gaps(seen, tick))
					}
					if order := fmt.Sprint(c.ticks); order != fmt.Sprint(wanderers[0].ticks) {
						t.Errorf("client %d got the events in another order than client 0", i)
					}
				}
			})
		})
	}
}

// gaps returns what is missing of the numbers below n.
func gaps(seen map[int]bool, n int) string {
	var missing []string
	for i := range n {
		if !seen[i] {
			missing = append(missing, fmt.Sprint(i))
		}
	}
	return strings.Join(missing, " ")
}
