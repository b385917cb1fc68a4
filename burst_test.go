// SPDX-License-Identifier: MIT

// This file tests what handlers send to rooms while more events of their client wait.

package socketio_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// roomOfTwo has two clients, "ar" and "br", in room "r", and handles "x" by handle.
func roomOfTwo(w *world, handle func(b *socketio.Socket, n int)) *crowd {
	var all atomic.Pointer[crowd]
	w.io.On("x", func(_ *socketio.Socket, n int) { handle(all.Load().sockets["br"], n) })
	all.Store(newCrowd(w, websocket, "ar", "br"))
	return all.Load()
}

// saysAtOnce has a client send "x" with the numbers below n, in one write.
func (c *crowd) saysAtOnce(name string, n int) {
	c.w.Helper()
	for _, s := range c.sockets {
		_ = s.WaitDrained(context.Background()) // of what came before
	}
	var burst []byte
	for i := range n {
		burst = append(burst, wstest.Frame(ws.Text, true, fmt.Appendf(nil, `42["x",%d]`, i))...)
	}
	if err := c.peers[name].socket.WriteFrame(burst); err != nil {
		c.w.Fatal(err)
	}
}

// hearAll expects "y" with the numbers below n.
func (c *crowd) hearAll(n int) {
	c.w.Helper()
	for _, p := range c.peers {
		for i := range n {
			p.hears(fmt.Sprintf(`2["y",%d]`, i))
		}
	}
}

// onEach runs a test on each driver.
func onEach(t *testing.T, o socketio.Options, test func(w *world)) {
	for _, driver := range []engineio.Driver{engineio.DriverPoll, engineio.DriverGoroutine} {
		t.Run(string(driver), func(t *testing.T) { tcp(t, with(&o, driver), test) })
	}
}

func TestBurstToARoomLeavesTogether(t *testing.T) {
	onEach(t, socketio.Options{}, func(w *world) {
		waiting := newList()
		c := roomOfTwo(w, func(b *socketio.Socket, n int) {
			if err := w.io.To("r").Emit("y", n); err != nil {
				w.Error(err)
			}
			packets, _ := b.Buffered()
			waiting.add(fmt.Sprint(packets))
		})
		socketio.HoldBursts(w.io)
		c.saysAtOnce("ar", 3)
		c.hearAll(3)
		got := waiting.await(w, 3)
		want(t, "what waits after the first two", strings.Join(got[:2], " "), "1 2")

		c.saysAtOnce("br", 1) // a lone event is not held back
		c.hearAll(1)
		want(t, "workers in a burst", socketio.Bursting(w.io), 0)
	})
}

// A handler that blocks holds back nothing that handlers have sent before.
func TestBlockedHandlerOfABurst(t *testing.T) {
	onEach(t, socketio.Options{}, func(w *world) {
		release := make(chan struct{})
		c := roomOfTwo(w, func(_ *socketio.Socket, n int) {
			_ = w.io.To("r").Emit("y", n)
			if n == 1 {
				<-release
			}
		})
		end := sync.OnceFunc(func() { close(release) })
		defer end()
		c.saysAtOnce("ar", 4)
		c.peers["br"].hears(`2["y",0]`, `2["y",1]`)
		end()
		c.peers["br"].hears(`2["y",2]`, `2["y",3]`)
	})
}

// A handler that ends its goroutine ends neither the burst of its client nor what it holds
// back.
func TestBurstWithGoexit(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := roomOfTwo(w, func(_ *socketio.Socket, n int) {
			_ = w.io.To("r").Emit("y", n)
			runtime.Goexit()
		})
		socketio.HoldBursts(w.io)
		c.saysAtOnce("ar", 3)
		c.hearAll(3)
		w.settle()
		want(t, "workers in a burst", socketio.Bursting(w.io), 0)
	})
}

// What a burst leaves in a queue is bounded.
func TestBurstIsBounded(t *testing.T) {
	const many = 1000
	for _, room := range []int{0, 64} { // of a queue; 0 is the default
		o := socketio.Options{Engine: engineio.Options{Driver: engineio.DriverPoll, MaxQueueMessages: room}}
		t.Run(fmt.Sprint(room), func(t *testing.T) {
			tcp(t, &o, func(w *world) {
				most, done := 0, make(chan struct{})
				c := roomOfTwo(w, func(b *socketio.Socket, n int) {
					if n > 0 {
						return
					}
					defer close(done)
					for i := range many {
						_ = w.io.To("r").Emit("y", i)
						packets, _ := b.Buffered()
						most = max(most, packets)
					}
				})
				socketio.HoldBursts(w.io)
				c.saysAtOnce("ar", 2)
				c.hearAll(many)
				within(w, "the handler", done)
				bound := 256
				if room > 0 {
					bound = room / 2
				}
				if most > bound {
					t.Errorf("%d packets were in a queue, want at most %d", most, bound)
				}
			})
		})
	}
}

// It is bounded in bytes too.
func TestBytesOfABurstAreBounded(t *testing.T) {
	tcp(t, &socketio.Options{Engine: engineio.Options{Driver: engineio.DriverPoll}}, func(w *world) {
		const many, size = 100, 4000
		most, done := 0, make(chan struct{})
		text := strings.Repeat("x", size)
		c := roomOfTwo(w, func(_ *socketio.Socket, n int) {
			if n > 0 {
				return
			}
			defer close(done)
			for range many {
				_ = w.io.To("r").Emit("y", text)
				most = max(most, socketio.HeldBytes(w.io))
			}
		})
		socketio.HoldBursts(w.io)
		c.saysAtOnce("ar", 2)
		for _, p := range c.peers {
			for range many {
				p.hears(fmt.Sprintf(`2["y","%s"]`, text))
			}
		}
		within(w, "the handler", done)
		if most < 128<<10 || most > 256<<10 {
			t.Errorf("%d bytes were held back at most, want up to 256 KiB", most)
		}
	})
}
