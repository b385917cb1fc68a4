// SPDX-License-Identifier: MIT

// This file tests faults: each has its effect, at the right byte.

package siotest_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/siotest"
)

// Data lost on the way to the server never arrives, and the server gives up after a ping.
func TestDropUp(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, events := s.serve()
		alice, bob := s.connect(srv), s.connect(srv)
		alice.Link().Drop(siotest.Up)
		start := time.Now()
		alice.Emit("chat message", "lost")
		bob.WantNothing()
		if events.String() != "" {
			s.Errorf("the application saw %q at once", events)
		}
		<-alice.Conn().Ended()
		took := time.Since(start).Round(time.Second)
		if want := 45 * time.Second; s.transport != siotest.Polling && took != want {
			s.Errorf("the server gives up after %v, want %v", took, want)
		}
		// Over polling the client is not notified: its next poll is lost.
		if want := 70 * time.Second; s.transport == siotest.Polling && took != want {
			s.Errorf("the client gives up after %v, want %v", took, want)
		}
		synctest.Wait()
		if events.String() != "ping timeout" {
			s.Errorf("the application saw %q", events)
		}
		bob.WantNothing()
	})
}

// Data lost on the way to the client leaves it waiting for a ping; its end is lost too,
// until the server misses the pong.
func TestDropDown(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, events := s.serve()
		alice := s.connect(srv)
		alice.Link().Drop(siotest.Both)
		alice.Emit("echo", 1)
		time.Sleep(40 * time.Second)
		if events.String() != "" {
			s.Errorf("the application saw %q at once", events)
		}
		alice.WantDisconnect(siotest.PingTimeout)
		time.Sleep(time.Minute)
		if events.String() != "ping timeout" {
			s.Errorf("the application saw %q", events)
		}
		alice.Link().Heal()
		again := srv.ConnectWith(&siotest.ClientOptions{Transport: s.transport, Link: alice.Link()})
		again.Emit("echo", "again")
		again.Want("echo", "again")
	})
}

func TestDelay(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		alice.Link().Delay(siotest.Up, 100*time.Millisecond)
		alice.Link().Delay(siotest.Down, 30*time.Millisecond)
		start := time.Now()
		wait := 130 * time.Millisecond
		if s.transport == siotest.Polling {
			wait += 130 * time.Millisecond // the parked poll brings the first; posts wait for an answer
		}
		for i := range 3 {
			alice.Emit("echo", i)
		}
		alice.WantNothing()
		alice.Want("echo", 0)
		if took := time.Since(start); took != 130*time.Millisecond {
			s.Errorf("the first comes after %v", took)
		}
		alice.Want("echo", 1)
		if s.transport != siotest.Polling { // they were under way together
			alice.Want("echo", 2)
			if took := time.Since(start); took != 130*time.Millisecond {
				s.Errorf("the last comes after %v", took)
			}
		} else if took := time.Since(start); took < wait {
			s.Errorf("the second comes after %v", took)
		}
	})
}

// A client that does not read is a slow consumer.
func TestStallDown(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, events := s.serve()
		alice := s.connect(srv)
		alice.Link().Stall(siotest.Down)
		alice.Emit("burst", 10, 64<<10)
		alice.WantNothing()
		if events.String() != "" {
			s.Errorf("the application saw %q at once", events)
		}
		time.Sleep(time.Second)
		alice.Link().Heal()
		for i := range 10 {
			var n int
			if err := alice.WantEvent("part").Decode(&n); err != nil || n != i {
				s.Fatalf("part %d is %d, %v", i, n, err)
			}
		}
		alice.Link().Stall(siotest.Down)
		alice.Emit("burst", 10, 64<<10)
		time.Sleep(time.Minute) // WriteTimeout
		if got := events.String(); got == "" {
			s.Error("the server waits for a client that does not read")
		}
	})
}

func TestStallUp(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		alice.Link().Stall(siotest.Up)
		alice.Emit("echo", "held")
		time.Sleep(time.Second)
		alice.WantNothing()
		alice.Link().Heal()
		alice.Want("echo", "held")
	})
}

func TestSplit(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		link := srv.NewLink()
		link.Split(siotest.Both, 1)
		alice := srv.ConnectWith(&siotest.ClientOptions{Transport: s.transport, Link: link})
		alice.Emit("echo", "in pieces", []byte{1, 2, 3})
		alice.Want("echo", "in pieces", []byte{1, 2, 3})
		link.Split(siotest.Both, 0)
		alice.Emit("echo", strings.Repeat("x", 100_000))
		alice.WantEvent("echo")
	})
}

// A frame that is cut is dropped.
func TestCutAfter(t *testing.T) {
	for _, how := range []siotest.Break{siotest.FIN, siotest.Reset} {
		everywhere(t, func(s *setting) {
			srv, _ := s.serve()
			alice, bob := s.connect(srv), s.connect(srv)
			alice.Link().CutAfter(siotest.Up, 10, how)
			alice.Emit("chat message", "never heard in full")
			<-alice.Conn().Ended()
			bob.WantNothing()
			err := alice.Conn().Err()
			if how == siotest.Reset && s.bubble && !errors.Is(err, syscall.ECONNRESET) {
				s.Errorf("reset: ended with %v", err)
			}
			if how == siotest.FIN && s.bubble && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.EPIPE) {
				s.Errorf("closed: ended with %v", err)
			}
			alice.WantDisconnect(siotest.TransportClose)
		})
	}
}

// Cuts count bytes exactly: each cut is one byte later, and the last lets the
// event through.
func TestEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frame = 2 + 4 + len(`42["chat message","x"]`)
		for n := range frame + 1 {
			io, _ := newApp(nil)
			srv := siotest.NewServer(t, io)
			alice, bob := srv.Connect(), srv.Connect()
			alice.Link().CutAfter(siotest.Up, n, siotest.FIN)
			alice.Emit("chat message", "x")
			if n < frame {
				bob.WantNothing()
			} else {
				bob.Want("chat message", "x")
			}
			if n == 0 {
				continue // nothing passes, so nothing is cut before the first byte
			}
			<-alice.Conn().Ended()
		}
	})
}

func TestCutAt(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		alice.Link().Split(siotest.Down, 3) // the pattern comes in pieces
		alice.Link().CutAt(siotest.Down, "magic", siotest.FIN)
		alice.Emit("echo", "ordinary")
		alice.Want("echo", "ordinary")
		alice.Emit("echo", "magic word")
		alice.WantDisconnect(siotest.TransportClose)

		bob := s.connect(srv)
		bob.Link().CutAt(siotest.Up, "magic", siotest.Reset)
		bob.Emit("echo", "ordinary")
		bob.Want("echo", "ordinary")
		bob.Emit("echo", "magic")
		bob.WantDisconnect(siotest.TransportClose)
		defer func() {
			if recover() == nil {
				s.Error("an empty pattern is taken")
			}
		}()
		bob.Link().CutAt(siotest.Up, "", siotest.FIN)
	})
}

func TestCut(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		ended := make(chan socketio.DisconnectReason, 1)
		alice := s.connect(srv)
		alice.Link().Cut(siotest.Reset)
		alice.WantDisconnect(siotest.TransportClose)
		close(ended)
		alice.Link().Cut(siotest.FIN) // nothing is open
		again := srv.ConnectWith(&siotest.ClientOptions{Transport: s.transport, Link: alice.Link()})
		again.EmitWithAck("add", 1, 1)
	})
}

// A cut that is set and removed does not happen.
func TestHeal(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		alice.Link().Stall(siotest.Both) // or a poll that is on its way is cut
		alice.Link().CutAt(siotest.Both, "echo", siotest.FIN)
		alice.Link().CutAfter(siotest.Both, 1, siotest.FIN)
		alice.Link().Heal()
		alice.Emit("echo")
		alice.Want("echo")
	})
}

// The same faults give the same transcript.
func TestFaultsAreDeterministic(t *testing.T) {
	inBubble(t, func(s *setting) {
		play := func() string {
			srv, _ := s.serve()
			alice := s.connect(srv)
			alice.Link().Delay(siotest.Both, 20*time.Millisecond)
			if s.transport != siotest.Polling { // which of its connections a byte is on is a race
				alice.Link().CutAfter(siotest.Down, 200, siotest.Reset)
			}
			for i := range 30 {
				if alice.TryEmit("echo", i) != nil {
					break
				}
				time.Sleep(time.Second)
			}
			alice.Link().CutAfter(siotest.Up, 1, siotest.FIN)
			_ = alice.TryEmit("echo")
			<-alice.Conn().Ended()
			return alice.Conn().Transcript().String()
		}
		first := play()
		for range 5 {
			if again := play(); again != first {
				s.Fatalf("once:\n%s\nthen:\n%s", first, again)
			}
		}
	})
}

// A link can't be dialed after its test is over.
func TestLinkAfterTheTest(t *testing.T) {
	var srv *siotest.Server
	play(func(t siotest.TB) {
		io, _ := newApp(nil)
		srv = siotest.NewServer(t, io)
	})
	if _, err := srv.TryConnect(nil); err == nil {
		t.Error("a client connects after the end of the test")
	} else if errors.Is(err, net.ErrClosed) {
		t.Log(err)
	}
}
