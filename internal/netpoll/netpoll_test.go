// SPDX-License-Identifier: MIT

// This file tests the contract of a Driver, for every driver and every network that it
// accepts.

package netpoll_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio/internal/leakcheck"
	"socketio/internal/memnet"
	"socketio/internal/netpoll"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const patience = time.Minute

// A stage is a driver and a network.
type stage struct {
	t      *testing.T
	driver netpoll.Driver
	listen func() (net.Listener, func() (net.Conn, error))
}

func overTCP(t *testing.T) func() (net.Listener, func() (net.Conn, error)) {
	return func() (net.Listener, func() (net.Conn, error)) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l, func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
	}
}

func overMemory() (net.Listener, func() (net.Conn, error)) {
	l := memnet.Listen()
	return l, func() (net.Conn, error) { return l.Dial(context.Background()) }
}

// portable turns the goroutine driver, whose Attach can't fail, into a Driver.
type portable struct{ *netpoll.Goroutines }

func (p portable) Attach(nc net.Conn, h netpoll.Handler) (netpoll.Conn, error) {
	return p.Goroutines.Attach(nc, h), nil
}

// each runs f on each driver.
func each(t *testing.T, f func(s *stage)) {
	play := func(name string, d netpoll.Driver, listen func() (net.Listener, func() (net.Conn, error))) {
		t.Run(name, func(t *testing.T) {
			defer d.Close(0)
			f(&stage{t, d, listen})
		})
	}
	play("goroutine-memory", portable{netpoll.NewGoroutines()}, overMemory)
	play("goroutine-tcp", portable{netpoll.NewGoroutines()}, overTCP(t))
	if d, err := netpoll.NewPoller(2); err == nil {
		play("poll-tcp", d, overTCP(t))
	} else if runtime.GOOS == "linux" {
		t.Error(err)
	}
}

// pair opens a connection and attaches its server end. The caller starts it.
func (s *stage) pair() (client net.Conn, h *handler) {
	s.t.Helper()
	l, dial := s.listen()
	defer l.Close()
	client, err := dial()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { client.Close() })
	client.SetDeadline(time.Now().Add(patience))
	server, err := l.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	h = &handler{t: s.t, news: make(chan struct{}, 1), ended: make(chan struct{}), take: -1}
	if h.conn, err = s.driver.Attach(server, h); err != nil {
		s.t.Fatal(err)
	}
	return client, h
}

// A handler records its input, sends what it is told, and checks that the driver keeps
// its part of the contract.
type handler struct {
	t     *testing.T
	conn  netpoll.Conn
	news  chan struct{}
	ended chan struct{}
	err   error // why it ended; set before ended is closed

	feeding atomic.Bool
	over    atomic.Bool
	rooms   atomic.Int32 // calls of Room

	mu      sync.Mutex // guards the fields below
	got     []byte
	feeds   int
	take    int // bytes that Feed accepts before it pauses; -1: all
	queue   [][]byte
	out     [][]byte // the current batch
	writing bool
	last    bool // shut down when everything has left
	sent    int
}

func (h *handler) Room() []byte {
	h.rooms.Add(1)
	return nil
}

func (h *handler) Feed(b []byte) (int, bool) {
	if !h.feeding.CompareAndSwap(false, true) || h.over.Load() {
		h.t.Error("Feed at the same time as another Feed, or after Ended")
	}
	defer h.feeding.Store(false)
	defer h.tell()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.feeds++
	n := len(b)
	if h.take >= 0 {
		n = min(n, h.take)
		h.take -= n
	}
	h.got = append(h.got, b[:n]...)
	clear(b[:n]) // may be changed in place
	return n, h.take != 0
}

func (h *handler) Ended(err error) {
	if h.feeding.Load() || h.over.Swap(true) {
		h.t.Error("Ended during Feed or twice")
	}
	h.err = err
	close(h.ended)
}

func (h *handler) Next(sent int, bufs [][]byte) [][]byte {
	if sent > 0 {
		h.Sent(sent)
	}
	h.mu.Lock()
	if !h.writing || len(h.out) > 0 {
		h.t.Error("Next without the right to write, or before Sent")
	}
	size := 0
	for len(h.queue) > 0 && len(bufs) < netpoll.BatchBuffers && size < netpoll.BatchBytes {
		bufs = append(bufs, h.queue[0])
		h.out = append(h.out, h.queue[0])
		size += len(h.queue[0])
		h.queue = h.queue[1:]
	}
	done := false
	if len(bufs) == 0 {
		h.writing = false
		done = h.last
		h.tell()
	}
	h.mu.Unlock()
	if done {
		h.conn.Shutdown(false)
	}
	return bufs
}

func (h *handler) Sent(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent += n
	for len(h.out) > 0 && n >= len(h.out[0]) {
		n -= len(h.out[0])
		h.out = h.out[1:]
	}
	if len(h.out) > 0 { // the rest goes back to the front
		back := append([][]byte{h.out[0][n:]}, h.out[1:]...)
		h.queue = append(back, h.queue...)
		h.out = nil
	} else if n != 0 {
		h.t.Errorf("Sent reported %d bytes more than the batch had", n)
	}
	h.tell()
}

func (h *handler) tell() {
	select {
	case h.news <- struct{}{}:
	default:
	}
}

// send queues slices and flushes unless a flush is running.
func (h *handler) send(last bool, slices ...[]byte) {
	h.mu.Lock()
	h.queue = append(h.queue, slices...)
	h.last = h.last || last
	flush := !h.writing
	h.writing = true
	h.mu.Unlock()
	if flush {
		h.conn.Flush(nil)
	}
}

// allow lets Feed accept n more bytes.
func (h *handler) allow(n int) {
	h.mu.Lock()
	h.take = n
	h.mu.Unlock()
	h.conn.Resume()
}

func (h *handler) await(what string, holds func() bool) {
	h.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		h.mu.Lock()
		ok := holds()
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-h.news:
		case <-limit.C:
			h.t.Fatalf("%s: it never came to that", what)
		}
	}
}

func (h *handler) wantGot(what, want string) {
	h.t.Helper()
	h.await(what, func() bool { return len(h.got) >= len(want) })
	h.mu.Lock()
	defer h.mu.Unlock()
	if string(h.got) != want {
		h.t.Fatalf("%s: fed %.80q, want %.80q", what, h.got, want)
	}
}

func (h *handler) wantEnded(what string) error {
	h.t.Helper()
	select {
	case <-h.ended:
	case <-time.After(patience):
		h.t.Fatalf("%s: Ended was not called", what)
	}
	return h.err
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
}

func TestEarlyBytesComeFirst(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		write(t, c, " late")
		h.conn.Start([]byte("early"))
		h.wantGot("in order", "early late")
		write(t, c, " later")
		h.wantGot("in order", "early late later")
		c.Close()
		if err := h.wantEnded("the peer has closed"); err != io.EOF {
			t.Errorf("Ended(%v), want io.EOF", err)
		}
	})
}

func TestPauseKeepsTheRest(t *testing.T) {
	each(t, func(s *stage) {
		for _, early := range []string{"", "0123"} {
			c, h := s.pair()
			h.take = 3
			all := early + "abcdefghij"
			write(t, c, all[len(early):])
			h.conn.Start([]byte(early))
			for _, n := range []int{3, 4, 7} {
				h.wantGot("up to the pause", all[:n])
				h.mu.Lock()
				feeds := h.feeds
				h.mu.Unlock()
				runtime.Gosched()
				h.mu.Lock()
				if h.feeds > feeds+1 {
					t.Errorf("%d calls of Feed while paused", h.feeds-feeds)
				}
				h.mu.Unlock()
				next := map[int]int{3: 1, 4: 3, 7: -1}[n]
				h.allow(next)
			}
			h.wantGot("everything", all)
			c.Close()
			h.wantEnded("the peer has closed")
		}
	})
}

// Feed is called again after Resume even when nothing is left over.
func TestResumeWithNothingLeft(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.take = 3
		write(t, c, "abc")
		h.conn.Start(nil)
		h.wantGot("up to the pause", "abc")
		h.mu.Lock()
		feeds := h.feeds
		h.mu.Unlock()
		h.allow(-1)
		h.await("another Feed", func() bool { return h.feeds > feeds })
		write(t, c, "def")
		h.wantGot("and on", "abcdef")
	})
}

func TestResumeWithoutAPause(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.conn.Start(nil)
		for range 10 {
			h.conn.Resume()
		}
		write(t, c, "abc")
		h.wantGot("as ever", "abc")
		h.mu.Lock()
		h.take = 1
		h.mu.Unlock()
		write(t, c, "def")
		h.wantGot("a pause holds", "abcd")
		h.allow(-1)
		h.wantGot("the rest", "abcdef")
	})
}

// Data that the peer sent before it closed is fed, also to a handler that is paused
// meanwhile.
func TestLastBytesBeforeTheEnd(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.take = 1
		h.conn.Start(nil)
		long := string(bytes.Repeat([]byte("x"), 50_000))
		write(t, c, long)
		h.await("the pause", func() bool { return len(h.got) == 1 })
		c.Close()
		h.allow(-1)
		h.wantGot("everything", long)
		if err := h.wantEnded("then the end"); err != io.EOF {
			t.Errorf("Ended(%v), want io.EOF", err)
		}
	})
}

// Much output, to a slow reader, from several goroutines: nothing is lost or interleaved.
func TestOutputIsWhole(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.conn.Start(nil)
		const writers, each, size = 4, 300, 2500
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					b := bytes.Repeat([]byte{byte(w)}, size)
					b[0], b[1], b[2] = 0xff, byte(i>>8), byte(i)
					h.send(false, b)
				}
			})
		}
		next := [writers]int{}
		unit := make([]byte, size)
		for range writers * each {
			if _, err := io.ReadFull(c, unit); err != nil {
				t.Fatal(err)
			}
			w, i := int(unit[3]), int(unit[1])<<8|int(unit[2])
			if unit[0] != 0xff || w >= writers || i != next[w] || !bytes.Equal(unit[3:], bytes.Repeat(unit[3:4], size-3)) {
				t.Fatalf("a torn or misplaced unit: % x", unit[:8])
			}
			next[w]++
		}
		wg.Wait()
		h.await("all is sent", func() bool { return h.sent == writers*each*size && !h.writing })
	})
}

func TestOutputBeforeStart(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.send(false, []byte("hello "), []byte("there"))
		b := make([]byte, 11)
		if _, err := io.ReadFull(c, b); err != nil || string(b) != "hello there" {
			t.Errorf("read %q (%v)", b, err)
		}
		h.conn.Start(nil)
	})
}

func TestShutdown(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.conn.Start(nil)
		long := bytes.Repeat([]byte("x"), 1_000_000)
		h.send(true, long, []byte("bye"))
		got, err := io.ReadAll(c)
		if err != nil || string(got) != string(long)+"bye" {
			t.Errorf("read %d bytes (%v), want everything and the end", len(got), err)
		}
		c.Close()
		h.wantEnded("both sides are closed")
	})
}

// After Shutdown input is discarded, and a peer that does not close is closed.
func TestShutdownDoesNotWaitForEver(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.take = 0 // paused: Shutdown must not wait for that
		h.conn.Start(nil)
		write(t, c, "before")
		h.await("the pause", func() bool { return h.feeds > 0 })
		rooms := h.rooms.Load()
		start := time.Now()
		h.send(true, []byte("bye"))
		if got, err := io.ReadAll(c); err != nil || string(got) != "bye" {
			t.Errorf("read %q (%v)", got, err)
		}
		for range 100 {
			if _, err := c.Write(make([]byte, 10_000)); err != nil {
				break
			}
		}
		h.wantEnded("the time is up")
		if d := time.Since(start); d < netpoll.LingerTimeout/2 || d > patience/2 {
			t.Errorf("ended after %v, want about %v", d, netpoll.LingerTimeout)
		}
		if len(h.got) != 0 {
			t.Errorf("fed %d bytes after Shutdown", len(h.got))
		}
		if n := h.rooms.Load() - rooms; n != 0 {
			t.Errorf("Room was called %d times after Shutdown", n)
		}
	})
}

func TestClose(t *testing.T) {
	for name, before := range map[string]func(c net.Conn, h *handler){
		"idle": func(net.Conn, *handler) {},
		"paused": func(c net.Conn, h *handler) {
			h.allow(0)
			c.Write([]byte("abc"))
			h.await("the pause", func() bool { return h.feeds > 0 })
		},
		"writing to a peer that takes nothing": func(c net.Conn, h *handler) {
			h.send(false, make([]byte, 20<<20))
		},
		"lingering": func(c net.Conn, h *handler) { h.conn.Shutdown(false) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(s *stage) {
				// A lingering connection would end by itself: many in turn would need far
				// more time than a slow machine does.
				rounds, limit := 1, patience
				if name == "lingering" {
					rounds = 10
					limit = time.Duration(rounds) * netpoll.LingerTimeout / 2
				}
				start := time.Now()
				for range rounds {
					c, h := s.pair()
					h.conn.Start(nil)
					before(c, h)
					var wg sync.WaitGroup
					for range 3 {
						wg.Go(h.conn.Close)
					}
					wg.Wait()
					if err := h.wantEnded("closed"); !errors.Is(err, net.ErrClosed) {
						t.Errorf("Ended(%v), want net.ErrClosed", err)
					}
					h.conn.Resume() // all harmless now
					h.conn.Shutdown(false)
					h.conn.Close()
					h.mu.Lock()
					writing := h.writing
					h.mu.Unlock()
					if !writing {
						h.send(false, []byte("x"))
					}
					io.Copy(io.Discard, c) // ends
				}
				if d := time.Since(start); d > limit {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}

func TestAResetIsAnError(t *testing.T) {
	each(t, func(s *stage) {
		c, h := s.pair()
		h.conn.Start(nil)
		switch c := c.(type) {
		case *net.TCPConn:
			c.SetLinger(0)
			c.Close()
		case *memnet.Conn:
			c.Reset()
		}
		if err := h.wantEnded("a reset"); err == nil || err == io.EOF || errors.Is(err, net.ErrClosed) {
			t.Errorf("Ended(%v), want the error of a reset", err)
		}
	})
}

func TestDriverClose(t *testing.T) {
	each(t, func(s *stage) {
		_, idle := s.pair()
		_, paused := s.pair()
		c, early := s.pair()
		paused.take = 0
		for _, h := range []*handler{idle, paused, early} {
			h.conn.Start(nil)
		}
		c.Close()
		early.wantEnded("the peer has closed")
		start := time.Now()
		s.driver.Close(200 * time.Millisecond)
		if d := time.Since(start); d < 200*time.Millisecond || d > patience/2 {
			t.Errorf("Close took %v, want 200 ms and a little", d)
		}
		for _, h := range []*handler{idle, paused} {
			if !h.over.Load() {
				t.Error("Close returned before all had ended")
			}
		}
	})
}

// Connections open and close at once, so that descriptors are reused again and again:
// none reads or writes the data of another.
func TestChurn(t *testing.T) {
	each(t, func(s *stage) {
		l, dial := s.listen()
		defer l.Close()
		var accepting, clients sync.WaitGroup
		accepting.Go(func() {
			for {
				server, err := l.Accept()
				if err != nil {
					return
				}
				e := &echo{}
				if e.conn, err = s.driver.Attach(server, e); err != nil {
					t.Error(err)
					return
				}
				e.conn.Start(nil)
			}
		})
		for g := range 8 {
			clients.Go(func() {
				for i := range 60 {
					c, err := dial()
					if err != nil {
						t.Error(err)
						return
					}
					c.SetDeadline(time.Now().Add(patience))
					sent := bytes.Repeat([]byte{byte(g), byte(i)}, 50+i*40)
					c.Write(sent)
					got := make([]byte, len(sent))
					if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
						t.Errorf("client %d.%d: the echo is not what was sent (%v)", g, i, err)
					}
					if tcp, ok := c.(*net.TCPConn); ok && i%3 == 0 {
						tcp.SetLinger(0)
					}
					c.Close()
				}
			})
		}
		clients.Wait()
		l.Close()
		accepting.Wait()
	})
}

// An echo sends back its input.
type echo struct {
	conn    netpoll.Conn
	mu      sync.Mutex // guards the fields below
	queue   []byte
	writing bool
}

func (e *echo) Room() []byte { return nil }

func (e *echo) Feed(b []byte) (int, bool) {
	e.mu.Lock()
	e.queue = append(e.queue, b...)
	flush := !e.writing
	e.writing = true
	e.mu.Unlock()
	if flush {
		e.conn.Flush(nil)
	}
	return len(b), true
}

func (e *echo) Next(sent int, bufs [][]byte) [][]byte {
	if sent > 0 {
		e.Sent(sent)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		e.writing = false
		return bufs
	}
	return append(bufs, bytes.Clone(e.queue))
}

func (e *echo) Sent(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = e.queue[n:]
}

func (e *echo) Ended(error) {}
