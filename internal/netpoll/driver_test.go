// SPDX-License-Identifier: MIT

// This file tests the promises of both drivers about input and about the end of a
// connection.

package netpoll_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEcho(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		client, p := s.open(sendBack)
		for _, size := range []int{1, 2, 125, 4096, 4097, 65536, 65537, 1_000_000} {
			out := bytes.Repeat([]byte{byte(size), 'e'}, size)[:size]
			go client.Write(out) // an error shows in the result
			read(s, "an echo", client, string(out))
		}
		client.CloseWrite()
		if err := p.awaitEnd("the client has finished"); err != io.EOF {
			s.Errorf("Ended(%v), want io.EOF", err)
		}
		if err := readEnd(s, "the end is answered by an end", client); err != io.EOF {
			s.Errorf("the client reads %v", err)
		}
	})
}

// Data that a peer sent before it closed is delivered, even if a write has failed first.
func TestLastBytesAfterAFailedWrite(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		entered, leave := make(chan struct{}), make(chan struct{})
		client, p := s.open(func(p *party, b []byte) (int, bool) {
			if b[0] == 'a' {
				close(entered)
				<-leave
			}
			p.keep(b)
			return len(b), true
		})
		write(s.T, client, "a")
		<-entered
		write(s.T, client, "bye")
		reset(s, client)
		for range 3 { // the right to write is not returned after a failed write
			p.say([]byte("nobody hears this"))
		}
		close(leave)
		p.await("what came before the reset", "abye")
		if err := p.awaitEnd("after it"); err == nil || err == io.EOF {
			s.Errorf("Ended(%v), want an error", err)
		}
	})
}

// A reset is reported once, to a read or to a write. In both cases the end is an error.
func TestAResetDuringWrites(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 300
	}
	onEachDriver(t, func(s *arena) {
		for range rounds {
			client, p := s.open(nil)
			var writer sync.WaitGroup
			writer.Go(func() {
				for range 20 {
					p.say([]byte("nobody hears this"))
				}
			})
			write(s.T, client, "bye")
			reset(s, client)
			if err := p.awaitEnd("the reset"); err == nil || err == io.EOF || err == net.ErrClosed {
				s.Fatalf("Ended(%v), want an error of the network", err)
			}
			writer.Wait()
		}
	})
}

// hesitant pauses after each take bytes until the test resumes it.
func hesitant(take int) func(*party, []byte) (int, bool) {
	return func(p *party, b []byte) (int, bool) {
		n := min(take, len(b))
		p.keep(b[:n])
		return n, n == 0
	}
}

// The end of a stream is reported after the data before it.
func TestTheEndWhilePaused(t *testing.T) {
	for name, end := range map[string]func(testing.TB, *net.TCPConn){
		"FIN":   func(_ testing.TB, c *net.TCPConn) { c.CloseWrite() },
		"close": func(_ testing.TB, c *net.TCPConn) { c.Close() },
		"reset": reset,
	} {
		t.Run(name, func(t *testing.T) {
			onEachDriver(t, func(s *arena) {
				other, _ := s.open(sendBack)
				client, p := s.open(hesitant(3))
				write(s.T, client, "abcdefgh")
				p.await("the handler pauses", "abc")
				write(s.T, client, "ij")
				end(s, client)
				roundTrips(s, other, 50)
				if n := p.feeds.Load(); n != 1 {
					s.Errorf("%d calls of Feed while paused, want 1", n)
				}
				select {
				case err := <-p.ended:
					s.Fatalf("the end (%v) was told before what had come", err)
				default:
				}
				for {
					p.conn.Resume()
					select {
					case err := <-p.ended:
						p.await("all that was sent", "abcdefghij")
						if orderly := name != "reset"; orderly != (err == io.EOF) {
							s.Errorf("Ended(%v) after a %s", err, name)
						}
						return
					case <-p.news:
					case <-time.After(patience):
						s.Fatal("it does not go on")
					}
				}
			})
		})
	}
}

// A paused connection whose write fails does not wait for Resume to end.
func TestAFailedWriteWhilePaused(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		client, p := s.open(hesitant(1))
		write(s.T, client, "ab")
		p.await("the handler pauses", "a")
		p.say(make([]byte, 16<<20))
		reset(s, client)
		if err := p.awaitEnd("the peer has gone, and something waits for it"); err == nil || err == io.EOF || err == net.ErrClosed {
			s.Errorf("Ended(%v), want an error of the network", err)
		}
	})
}

// A paused connection that is shut down is notified of its peer's end.
func TestShutdownWhilePaused(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		client, p := s.open(hesitant(1))
		write(s.T, client, "ab")
		p.await("the handler pauses", "a")
		p.sayLast([]byte("bye"))
		read(s, "the last words", client, "bye")
		if err := readEnd(s, "the end", client); err != io.EOF {
			s.Errorf("the client reads %v, want io.EOF", err)
		}
		write(s.T, client, "c")
		client.Close()
		if err := p.awaitEnd("the peer has closed"); err != io.EOF {
			s.Errorf("Ended(%v), want io.EOF", err)
		}
		p.await("what came after the shutdown is discarded", "a")
	})
}

// Resume may be called before Feed has returned, or many times.
func TestResumeRacesWithFeed(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		var resumes sync.WaitGroup
		defer resumes.Wait()
		n := 0
		client, p := s.open(func(p *party, b []byte) (int, bool) {
			take := min(1, len(b))
			p.keep(b[:take])
			switch n++; n % 3 {
			case 0:
				p.conn.Resume()
			case 1:
				resumes.Go(p.conn.Resume)
			default:
				resumes.Go(p.conn.Resume)
				resumes.Go(p.conn.Resume)
			}
			return take, take == 0
		})
		out := strings.Repeat("0123456789", 300)
		for i := 0; i < len(out); i += 50 {
			write(s.T, client, out[i:i+50])
		}
		client.CloseWrite()
		p.await("every byte", out)
		if err := p.awaitEnd("the end"); err != io.EOF {
			s.Errorf("Ended(%v), want io.EOF", err)
		}
	})
}

func TestShutdownAtOddTimes(t *testing.T) {
	t.Run("before Start", func(t *testing.T) {
		onEachDriver(t, func(s *arena) {
			client, server := s.pair()
			// A close with unread input would be a reset, which drops data in transit.
			write(s.T, client, "not read")
			last := strings.Repeat("refused ", 1000)
			p := s.attach(server, nil)
			p.sayLast([]byte(last))
			p.conn.Start([]byte("early"))
			read(s, "the last bytes", client, last)
			if err := readEnd(s, "then a FIN", client); err != io.EOF {
				s.Errorf("the client reads %v, want io.EOF", err)
			}
			client.Close()
			p.awaitEnd("the peer has closed too")
		})
	})
	t.Run("while paused", func(t *testing.T) {
		onEachDriver(t, func(s *arena) {
			client, p := s.open(hesitant(1))
			write(s.T, client, "abc")
			p.await("the handler pauses", "a")
			p.sayLast([]byte("goodbye"))
			read(s, "the last bytes", client, "goodbye")
			client.Close()
			p.awaitEnd("the peer has closed too")
			p.await("nothing more was fed", "a")
		})
	})
}

func TestCloseAtOddTimes(t *testing.T) {
	ended := func(s *arena, client net.Conn, p *party) {
		s.Helper()
		if err := p.awaitEnd("closed"); err != net.ErrClosed {
			s.Errorf("Ended(%v), want net.ErrClosed", err)
		}
		readEnd(s, "the peer sees it", client)
		p.conn.Close()
		p.conn.Shutdown(false)
		p.conn.Resume()
		p.say([]byte("nobody hears this"))
	}
	t.Run("from many goroutines", func(t *testing.T) {
		onEachDriver(t, func(s *arena) {
			for range 50 {
				client, p := s.open(nil)
				var all sync.WaitGroup
				for range 4 {
					all.Go(p.conn.Close)
				}
				all.Wait()
				ended(s, client, p)
			}
		})
	})
	t.Run("before Start", func(t *testing.T) {
		onEachDriver(t, func(s *arena) {
			client, server := s.pair()
			p := s.attach(server, nil)
			p.conn.Close()
			p.conn.Start([]byte("early"))
			ended(s, client, p)
		})
	})
	t.Run("inside Feed", func(t *testing.T) {
		for _, more := range []bool{true, false} {
			onEachDriver(t, func(s *arena) {
				client, p := s.open(func(p *party, b []byte) (int, bool) {
					p.keep(b)
					p.conn.Close()
					return len(b), more
				})
				write(s.T, client, "x")
				ended(s, client, p)
				p.await("one Feed", "x")
			})
		}
	})
}

func TestPanicInFeed(t *testing.T) {
	onEachDriver(t, func(s *arena) {
		other, _ := s.open(sendBack)
		for range 5 {
			client, p := s.open(func(*party, []byte) (int, bool) { panic("a bug") })
			write(s.T, client, "x")
			if err := p.awaitEnd("the handler panicked"); err == nil || !strings.Contains(err.Error(), "a bug") {
				s.Errorf("Ended(%v), want the panic", err)
			}
			readEnd(s, "that connection is closed", client)
		}
		roundTrips(s, other, 10)
	})
}
