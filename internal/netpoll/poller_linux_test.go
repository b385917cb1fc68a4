// SPDX-License-Identifier: MIT

// This file tests the rules of descriptors: the cost of a waiting connection, the
// ownership of numbers, and the lack of descriptors.

package netpoll_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"socketio/internal/netpoll"
)

// cpu returns the processor time that this process has used.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Connections that wait for something other than the network do not keep a processor
// busy: paused ones whose peer ends, closes or resets, and a peer that does not read. The
// window is the time that another connection lingers.
func TestWaitingIsFree(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		for _, end := range []func(c *net.TCPConn){
			func(*net.TCPConn) {},
			func(c *net.TCPConn) { c.CloseWrite() },
			func(c *net.TCPConn) { c.Close() },
			func(c *net.TCPConn) { reset(s, c) },
		} {
			client, p := s.open(hesitant(1))
			write(s.T, client, "abc")
			p.await("the handler pauses", "a")
			write(s.T, client, "def")
			end(client)

			// The same with pending output. After a reset the write fails, which ends the
			// connection.
			client, p = s.open(hesitant(1))
			p.say(make([]byte, 16<<20))
			write(s.T, client, "abc")
			p.await("the handler pauses", "a")
			write(s.T, client, "def")
			end(client)
		}
		unread, p := s.open(nil)
		p.say(make([]byte, 16<<20))
		unread.CloseWrite()
		if err := p.awaitEnd("the peer has ended its side"); err != io.EOF {
			s.Errorf("Ended(%v), want io.EOF", err)
		}
		_, p = s.open(nil)
		p.say(make([]byte, 16<<20))

		_, lingering := s.open(nil)
		lingering.conn.Shutdown(false)
		began, used := time.Now(), cpu(s)
		lingering.awaitEnd("it has lingered")
		window := time.Since(began)
		used = cpu(s) - used
		s.Logf("%v of processor time in %v of waiting", used, window)
		if used > window/5 {
			s.Error("waiting is not free")
		}
	})
}

// A Warmer is warmed before any of the connections is fed that have bytes at the same
// time. A panic in Warm harms none.
func TestWarmBeforeFeed(t *testing.T) {
	d, err := netpoll.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	s := newArena(t, d)
	const others = 5
	written, release := make(chan struct{}), make(chan struct{})
	var warmed atomic.Int32
	first, p := s.open(func(p *party, b []byte) (int, bool) {
		written <- struct{}{}
		<-release // the loop has the bytes of the others at its next turn
		p.keep(b)
		return len(b), true
	})
	var clients [others]*net.TCPConn
	var parties [others]*party
	for i := range clients {
		client, server := s.pair()
		clients[i] = client
		w := &warmer{party: s.party(func(p *party, b []byte) (int, bool) {
			if n := warmed.Load(); n != others {
				t.Errorf("%d connections were warmed before one was fed, want %d", n, others)
			}
			p.keep(b)
			return len(b), true
		}), warm: func() { warmed.Add(1) }}
		if i == others-1 {
			w.warm = func() { warmed.Add(1); panic("a bug") }
		}
		parties[i] = w.party
		if w.conn, err = d.Attach(server, w); err != nil {
			t.Fatal(err)
		}
		w.conn.Start(nil)
	}
	write(t, first, "x")
	<-written
	for _, client := range clients {
		write(t, client, "y")
	}
	if n := warmed.Load(); n != 0 {
		t.Errorf("%d connections were warmed that have nothing", n)
	}
	close(release)
	p.await("the first", "x")
	for _, p := range parties {
		p.await("the others", "y")
	}
}

// A warmer is a party that can be warmed.
type warmer struct {
	*party
	warm func()
}

func (w *warmer) Warm() int { w.warm(); return 0 }

// A message larger than a batch that the kernel takes as a whole is written at once: Sent,
// which means that the rest waits for the loop, is not called. What follows a batch is left
// to the loop, so that Flush does not last.
func TestWholeMessages(t *testing.T) {
	d, err := netpoll.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	s := newArena(t, d)
	client, server := s.pair()
	if err := server.SetWriteBuffer(4 * netpoll.BatchBytes); err != nil {
		t.Fatal(err)
	}
	l := &later{party: s.party(nil)}
	if l.conn, err = d.Attach(server, l); err != nil {
		t.Fatal(err)
	}
	l.conn.Start(nil)
	message := strings.Repeat("m", netpoll.BatchBytes+100)
	l.say([]byte(message))
	read(t, "a large message", client, message)
	l.awaitSent("a large message")
	if n := l.sents.Load(); n != 0 {
		t.Errorf("Sent was called %d times for a message that the kernel took", n)
	}
	l.say([]byte(message), []byte(message))
	read(t, "two large messages", client, message+message)
	l.awaitSent("two large messages")
	if l.sents.Load() == 0 {
		t.Error("the second of two large messages was not left to the loop")
	}
}

// A later counts how often its rest was left to the loop.
type later struct {
	*party
	sents atomic.Int32
}

func (l *later) Sent(n int) {
	l.sents.Add(1)
	l.party.Sent(n)
}

// Connections that were shut down do not linger longer because the loop is busy.
func TestABusyLoopLetsGo(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		flood, _ := s.open(func(_ *party, b []byte) (int, bool) {
			for began := time.Now(); time.Since(began) < 2*time.Millisecond; {
				runtime.Gosched()
			}
			return len(b), true
		})
		var writer sync.WaitGroup
		defer writer.Wait()
		defer flood.Close()
		writer.Go(func() {
			for b := make([]byte, 256<<10); ; {
				if _, err := flood.Write(b); err != nil {
					return
				}
			}
		})
		_, p := s.open(nil)
		began := time.Now()
		p.conn.Shutdown(false)
		p.awaitEnd("it has lingered")
		if d := time.Since(began); d > patience/2 {
			s.Errorf("lingered for %v, want %v", d, netpoll.LingerTimeout)
		}
	})
}

// reuses is how many connections TestNumbersAreReused opens on each driver; in short mode
// a quarter.
const reuses = 4000

// A descriptor's number is reused at once by the next connection. Neither an event nor a
// late Flush, Close or Resume for the previous one reaches it: each connection carries
// only its own number.
func TestNumbersAreReused(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		const side = 4
		rounds := reuses
		if testing.Short() {
			rounds /= 4
		}
		var sides sync.WaitGroup
		var accepting sync.Mutex // so that the two ends belong together
		for k := range side {
			sides.Go(func() {
				var before *party
				for i := range rounds / side {
					accepting.Lock()
					client, server := s.pair()
					accepting.Unlock()
					mark := binary.BigEndian.AppendUint64(nil, uint64(k)<<32|uint64(i))
					p := s.attach(server, nil)
					p.conn.Start(nil)
					var late sync.WaitGroup
					if before != nil {
						late.Go(func() {
							before.say([]byte("a stranger's"))
							before.conn.Resume()
							before.conn.Close()
							before.conn.Shutdown(false)
						})
					}
					write(s.T, client, string(mark))
					p.say(mark)
					read(s, "its own number", client, string(mark))
					p.await("its own number", string(mark))
					late.Wait()
					racing := make(chan struct{})
					go func() {
						defer close(racing)
						p.say([]byte("racing with the end"))
					}()
					switch i % 4 {
					case 0:
						p.conn.Close()
					case 1:
						client.Close()
					case 2:
						reset(s, client)
					case 3:
						p.conn.Shutdown(false)
						client.Close()
					}
					p.awaitEnd("the end")
					client.Close()
					<-racing
					before = p
				}
			})
		}
		sides.Wait()
	})
}

func TestOnlyPlainTCP(t *testing.T) {
	d, err := netpoll.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	s := newArena(t, d)
	client, server := s.pair()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for _, nc := range []net.Conn{a, struct{ net.Conn }{server}} {
		if c, err := d.Attach(nc, &party{TB: t}); err == nil || c != nil {
			t.Errorf("%T was attached", nc)
		}
	}
	write(t, client, "x")
	read(t, "it is untouched", server, "x")
	server.Close()
}

// descriptors returns the number of open descriptors.
func descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Whatever its connections are doing, a closed driver leaves nothing.
func TestDriverCloseLeavesNothing(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		goroutines, fds := runtime.NumGoroutine(), descriptors(s)
		var clients []*net.TCPConn
		var parties []*party
		for i := range 120 {
			client, server := s.pair()
			p := s.attach(server, hesitant(1+i%2))
			clients, parties = append(clients, client), append(parties, p)
			if i%6 == 5 {
				p.say(make([]byte, 1<<20))
			}
			p.conn.Start(nil)
			switch i % 6 {
			case 1:
				write(s.T, client, "paused")
				p.await("a byte or two", "paused"[:1+i%2])
			case 2:
				p.conn.Shutdown(false)
			case 3:
				client.Close()
			case 4:
				reset(s, client)
			}
		}
		s.closeDriver(0)
		for _, p := range parties {
			p.awaitEnd("the driver is closed")
		}
		for _, c := range clients {
			io.Copy(io.Discard, c)
			c.Close()
		}
		for limit := time.Now().Add(patience); runtime.NumGoroutine() > goroutines || descriptors(s) > fds; runtime.Gosched() {
			if time.Now().After(limit) {
				s.Fatalf("%d goroutines and %d descriptors, %d and %d before", runtime.NumGoroutine(), descriptors(s), goroutines, fds)
			}
		}
	})
}

// A grace ends with the last connection.
func TestDriverCloseDoesNotWaitForNothing(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		client, p := s.open(nil)
		closed := make(chan struct{})
		began := time.Now()
		go func() {
			defer close(closed)
			s.closeDriver(time.Hour)
		}()
		p.sayLast([]byte("goodbye"))
		read(s, "the last bytes", client, "goodbye")
		client.Close()
		<-closed
		if d := time.Since(began); d > patience/2 {
			s.Errorf("Close took %v", d)
		}
	})
}

// childEnv is set in the child process of TestOutOfDescriptors.
const childEnv = "NETPOLL_TEST_CHILD"

// Without a free descriptor Attach fails and leaves the connection unchanged; the other
// driver accepts it. The limit applies to a process, so the test uses its own.
func TestOutOfDescriptors(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		outOfDescriptors(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOutOfDescriptors$", "-test.timeout=10m", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestOutOfDescriptors") {
		t.Fatalf("the child: %v\n%s", err, out)
	}
}

func outOfDescriptors(t *testing.T) {
	d, err := netpoll.NewPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	s := newArena(t, d)
	old, _ := s.open(sendBack)
	client, server := s.pair()
	// The next numbers are those that are free below the limit.
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	var held []*os.File
	for {
		f, err := os.Open("/dev/null")
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, f)
	}
	if c, err := d.Attach(server, &party{TB: t}); !errors.Is(err, syscall.EMFILE) || c != nil {
		t.Errorf("Attach: %v, want EMFILE", err)
	}
	roundTrips(t, old, 10)
	other := &arena{T: t, driver: portable{netpoll.NewGoroutines()}}
	defer other.closeDriver(0)
	p := other.attach(server, sendBack)
	p.conn.Start(nil)
	roundTrips(t, client, 10)

	for _, f := range held {
		f.Close()
	}
	again, _ := s.open(sendBack)
	roundTrips(t, again, 10)
}
