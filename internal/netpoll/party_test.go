// SPDX-License-Identifier: MIT

// This file holds the arena of the tests that need TCP, connections that block each
// other, or a Handler that misbehaves: a driver with a single loop, and parties with a
// queue of their own.

package netpoll_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socketio/internal/netpoll"
)

// An arena is a driver, TCP, and any number of parties.
type arena struct {
	*testing.T
	driver netpoll.Driver
	l      *net.TCPListener
}

// onEachDriver runs a test on each driver of this system. The event-loop driver has one
// loop, so that connections can block each other.
func onEachDriver(t *testing.T, test func(s *arena)) {
	t.Helper()
	if runtime.GOOS == "linux" {
		t.Run("poll", func(t *testing.T) {
			d, err := netpoll.NewPoller(1)
			if err != nil {
				t.Fatal(err)
			}
			test(newArena(t, d))
		})
	}
	t.Run("goroutine", func(t *testing.T) {
		test(newArena(t, portable{netpoll.NewGoroutines()}))
	})
}

func newArena(t *testing.T, d netpoll.Driver) *arena {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &arena{T: t, driver: d, l: l.(*net.TCPListener)}
	t.Cleanup(func() {
		l.Close()
		s.closeDriver(0)
	})
	return s
}

// closeDriver closes the driver, which must end.
func (s *arena) closeDriver(grace time.Duration) {
	s.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.driver.Close(grace)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		s.Fatal("Driver.Close does not return")
	}
}

// pair returns the two ends of a connection. The client's end is closed with the
// test.
func (s *arena) pair() (client, server *net.TCPConn) {
	s.Helper()
	dialed := make(chan net.Conn, 1)
	go func() {
		c, err := new(net.Dialer).DialContext(context.Background(), "tcp", s.l.Addr().String())
		if err != nil {
			s.Error(err)
			s.l.Close()
		}
		dialed <- c
	}()
	accepted, err := s.l.AcceptTCP()
	if err != nil {
		s.Fatal(err)
	}
	client = (<-dialed).(*net.TCPConn)
	s.Cleanup(func() { client.Close() })
	client.SetDeadline(time.Now().Add(patience))
	return client, accepted
}

// open opens a connection whose server end is under the driver. h.feed processes its
// input; nil keeps it.
func (s *arena) open(feed func(p *party, b []byte) (int, bool)) (*net.TCPConn, *party) {
	s.Helper()
	client, server := s.pair()
	p := s.attach(server, feed)
	p.conn.Start(nil)
	return client, p
}

// party returns a party without a connection.
func (s *arena) party(feed func(p *party, b []byte) (int, bool)) *party {
	return &party{TB: s.T, feed: feed, news: make(chan struct{}, 1), ended: make(chan error, 2)}
}

func (s *arena) attach(server net.Conn, feed func(p *party, b []byte) (int, bool)) *party {
	s.Helper()
	p := s.party(feed)
	conn, err := s.driver.Attach(server, p)
	if err != nil {
		s.Fatal(err)
	}
	p.conn = conn
	return p
}

// A party is a Handler that keeps its input, and writes from a queue with a flag, like
// the engine.
type party struct {
	testing.TB
	conn  netpoll.Conn
	feed  func(p *party, b []byte) (int, bool)
	news  chan struct{} // one token: something has changed
	ended chan error    // the argument of Ended

	feeds atomic.Int32 // calls of Feed

	mu      sync.Mutex // guards the fields below
	got     bytes.Buffer
	over    bool
	queue   [][]byte
	offset  int // written of queue[0]
	waiting int // bytes in queue
	writing bool
	last    bool // shut down when all is written
}

func (p *party) Room() []byte { return nil }

func (p *party) Feed(b []byte) (int, bool) {
	p.feeds.Add(1)
	p.mu.Lock()
	if p.over {
		p.Error("Feed after Ended")
	}
	p.mu.Unlock()
	if p.feed != nil {
		return p.feed(p, b)
	}
	p.keep(b)
	return len(b), true
}

// keep records the input.
func (p *party) keep(b []byte) {
	p.mu.Lock()
	p.got.Write(b)
	p.mu.Unlock()
	p.tell()
}

func (p *party) tell() {
	select {
	case p.news <- struct{}{}:
	default:
	}
}

func (p *party) Ended(err error) {
	p.mu.Lock()
	if p.over {
		p.Error("Ended was called twice")
	}
	p.over = true
	p.mu.Unlock()
	p.ended <- err
}

func (p *party) Next(sent int, bufs [][]byte) [][]byte {
	if sent > 0 {
		p.Sent(sent)
	}
	p.mu.Lock()
	size, offset := 0, p.offset
	for _, b := range p.queue {
		if len(bufs) == netpoll.BatchBuffers || size >= netpoll.BatchBytes {
			break
		}
		bufs = append(bufs, b[offset:])
		size += len(b) - offset
		offset = 0
	}
	shut := false
	if len(bufs) == 0 {
		p.writing = false
		shut = p.last
	}
	p.mu.Unlock()
	if shut {
		p.conn.Shutdown(false)
	}
	return bufs
}

func (p *party) Sent(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting -= n
	p.tell()
	for n > 0 {
		left := len(p.queue[0]) - p.offset
		if n < left {
			p.offset += n
			return
		}
		n -= left
		p.queue, p.offset = p.queue[1:], 0
	}
}

// say appends to the queue and flushes unless a flush is running.
func (p *party) say(b ...[]byte) { p.put(false, b...) }

// sayLast is say, then Shutdown after everything has been written.
func (p *party) sayLast(b ...[]byte) { p.put(true, b...) }

func (p *party) put(last bool, b ...[]byte) {
	p.mu.Lock()
	for _, b := range b {
		if len(b) > 0 {
			p.queue = append(p.queue, b)
			p.waiting += len(b)
		}
	}
	p.last = p.last || last
	flush := !p.writing
	p.writing = true
	p.mu.Unlock()
	if flush {
		p.conn.Flush(nil)
	}
}

// await waits until the party's input equals want.
func (p *party) await(what, want string) {
	p.Helper()
	limit := time.After(patience)
	for {
		p.mu.Lock()
		got := p.got.String()
		p.mu.Unlock()
		if got == want {
			return
		}
		if len(got) >= len(want) {
			p.Fatalf("%s: fed %.60q, want %.60q", what, got, want)
		}
		select {
		case <-p.news:
		case <-limit:
			p.Fatalf("%s: fed only %.60q, want %.60q", what, got, want)
		}
	}
}

// awaitSent waits until the queue is empty.
func (p *party) awaitSent(what string) {
	p.Helper()
	limit := time.After(patience)
	for {
		p.mu.Lock()
		waiting := p.waiting
		p.mu.Unlock()
		if waiting == 0 {
			return
		}
		select {
		case <-p.news:
		case <-limit:
			p.Fatalf("%s: %d bytes wait", what, waiting)
		}
	}
}

// awaitEnd waits for Ended and returns its error.
func (p *party) awaitEnd(what string) error {
	p.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		p.Fatalf("%s: Ended was not called", what)
		return nil
	}
}

// sendBack is an echo.
func sendBack(p *party, b []byte) (int, bool) {
	p.say(bytes.Clone(b))
	return len(b), true
}

// roundTrips makes n echoes, to give other goroutines time.
func roundTrips(t testing.TB, c net.Conn, n int) {
	t.Helper()
	for i := range n {
		out := []byte{byte(i), byte(i >> 8), 'x'}
		if _, err := c.Write(out); err != nil {
			t.Fatalf("round trip %d: %v", i, err)
		}
		in := make([]byte, len(out))
		if _, err := io.ReadFull(c, in); err != nil || !bytes.Equal(in, out) {
			t.Fatalf("round trip %d: %v, % x", i, err, in)
		}
	}
}

// read reads exactly the expected bytes.
func read(t testing.TB, what string, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%s: read %.60q (%v), want %.60q", what, got[:n], err, want)
	}
}

// readEnd expects the end of the stream, of any kind.
func readEnd(t testing.TB, what string, c net.Conn) error {
	t.Helper()
	n, err := c.Read(make([]byte, 1))
	if ne, ok := err.(net.Error); n > 0 || ok && ne.Timeout() {
		t.Fatalf("%s: the stream does not end: %d bytes, %v", what, n, err)
	}
	return err
}

// reset closes a connection with a reset instead of a FIN.
func reset(t testing.TB, c *net.TCPConn) {
	t.Helper()
	if err := c.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	c.Close()
}
