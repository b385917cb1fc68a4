// SPDX-License-Identifier: MIT

// This file holds the tests of the queue of a connection: all arrives at a client that
// reads; one that does not is closed at the bound.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// A client that reads is not slow: 100 emits of 100 KB in a row, and one of 20 MB with
// an acknowledgement, arrive over each transport, driver, format and way to send.
func TestManyEmitsInARow(t *testing.T) {
	for _, transport := range []string{polling, websocket} {
		for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
			if transport == polling && driver != engineio.DriverAuto {
				continue // it has no part in that
			}
			for name, codec := range map[string]parser.Codec{"json": nil, "msgpack": new(msgpack.Codec)} {
				for _, to := range []string{"socket", "broadcast"} {
					// In short mode, each two of them are together once.
					if testing.Short() && (transport == polling) != ((codec == nil) == (to == "socket")) == (driver == engineio.DriverAuto) {
						continue
					}
					t.Run(fmt.Sprintf("%s/%q/%s/%s", transport, driver, name, to), func(t *testing.T) {
						tcp(t, &socketio.Options{Codec: codec, Engine: engineio.Options{Driver: driver}}, func(w *world) { emitsInARow(w, transport, codec != nil, to) })
					})
				}
			}
		}
	}
}

func emitsInARow(w *world, transport string, packed bool, to string) {
	joined := make(chan *socketio.Socket, 1)
	w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
	p := w.open(transport)
	if packed {
		packJoins(p, "/")
	} else {
		p.joins("/")
	}
	s := within(w, "the connection", joined)
	emit := s.Emit
	if to == "broadcast" {
		emit = w.io.Emit
	}
	load := strings.Repeat("x", 100_000)
	row := 100
	if raceEnabled { // the detector makes the test's own client slow; it is over the bound all the same
		row = 50
	}
	for i := range row {
		if err := emit("n", i, load); err != nil {
			w.Fatalf("emit %d: %v", i+1, err)
		}
	}
	for i := range row {
		arrives(w, p, packed, len(load), fmt.Sprintf(`2["n",%d,"`, i))
	}

	answered := make(chan error, 1)
	huge := strings.Repeat("y", 20_000_000)
	if raceEnabled {
		huge = huge[:5_000_000]
	}
	if err := emit("huge", huge); err != nil {
		w.Fatal(err)
	}
	go func() {
		_, err := s.EmitWithAck(context.Background(), "question")
		answered <- err
	}()
	arrives(w, p, packed, len(huge), `2["huge","`)
	if packed {
		if _, err := p.next(); err != nil {
			w.Fatalf("the question: %v", err)
		}
		p.says(pack(parser.TypeAck, "/", 0))
	} else {
		p.hears(`20["question"]`)
		p.says(`30[]`)
	}
	if err := within(w, "the acknowledgement", answered); err != nil {
		w.Errorf("the acknowledgement: %v", err)
	}
	want(w, "connected", s.Connected(), true)
}

// arrives expects an event of about n bytes.
func arrives(w *world, p *peer, packed bool, n int, begin string) {
	w.Helper()
	got, err := p.next()
	if err != nil {
		w.Fatalf("%s: %v", begin, err)
	}
	if packed {
		if len(got.binary) < n {
			w.Fatalf("%s: %d bytes", begin, len(got.binary))
		}
	} else if !strings.HasPrefix(got.text, begin) || len(got.text) < n {
		w.Fatalf("%s: %v", begin, got)
	}
}

// A thousand clients that do not read, half of them over polling, cost no more than the
// budget of all queues, and nothing when they have gone; who reads does not notice.
func TestStalledReadersStayWithinTheBudget(t *testing.T) {
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
		t.Run(fmt.Sprintf("%q", driver), func(t *testing.T) { stalledReaders(t, driver) })
	}
}

func stalledReaders(t *testing.T, driver engineio.Driver) {
	stalled, budget := 1000, int64(32<<20)
	switch {
	case raceEnabled && testing.Short():
		stalled, budget = 100, 4<<20
	case raceEnabled:
		stalled, budget = 300, 8<<20
	}
	tcp(t, &socketio.Options{Engine: engineio.Options{Driver: driver, QueueBudget: budget}}, func(w *world) {
		var mu sync.Mutex // guards sockets
		var sockets []*socketio.Socket
		w.io.OnConnection(func(s *socketio.Socket) {
			mu.Lock()
			defer mu.Unlock()
			sockets = append(sockets, s)
		})
		reader := w.join(websocket)
		eventually(w, "the one that reads is the first", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(sockets) == 1
		})
		for i := range stalled {
			stalls(w, i%2 == 0)
		}
		eventually(w, "all have joined", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(sockets) == stalled+1
		})
		before, grown := heap(), int64(0) // the test's own clients take most of it
		for i := range 40 {
			// Nobody shares these: they are what they cost.
			for _, s := range sockets[1:] {
				_ = s.Emit("load", strings.Repeat("x", 10_000)) // who is closed takes none
			}
			if err := w.io.Emit("n", i); err != nil {
				t.Error(err)
			}
			reader.hears(fmt.Sprintf(`2["n",%d]`, i))
			if i%10 == 9 {
				waits := 0
				for _, s := range sockets {
					_, n := s.Buffered()
					waits += n
				}
				if int64(waits) > budget+int64(stalled)*8<<10 { // queues under 4 KiB do not count; see chargeStep
					t.Errorf("%d bytes wait, the bound is %d", waits, budget)
				}
				grown = max(grown, heap()-before)
			}
		}
		t.Logf("the heap grew by %d MiB", grown>>20)
		if grown > 2*budget {
			t.Errorf("the heap grew by %d bytes, the bound of all queues is %d", grown, budget)
		}
		want(t, "the one that reads", reader.tries(`0/nowhere,`), nil)
		reader.hears(`4/nowhere,{"message":"Invalid namespace"}`)
		warnings := strings.Count(w.log.String(), "Options.QueueBudget")
		if gone := stalled + 1 - w.io.Connections(); warnings == 0 || warnings > gone {
			t.Errorf("%d were closed, the log has %d warnings", gone, warnings)
		}
		_ = w.io.Close()
		eventually(w, "the memory is given back", func() bool { return heap()-before < budget/4 })
	})
}

// stalls joins, and does not read further.
func stalls(w *world, overPolling bool) {
	w.Helper()
	if !overPolling {
		w.raw()
		return
	}
	p := w.open(polling)
	close(p.pause)
	p.says("0")
	<-p.polls
	conn, err := w.dial(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\n\r\n", p.sid); err != nil {
		w.Fatal(err)
	}
}

// A client that does not read is disconnected; the others are not affected.
func TestSlowConsumer(t *testing.T) {
	memory(t, &socketio.Options{Engine: engineio.Options{MaxQueueMessages: 20}}, func(w *world) {
		c := newCrowd(w, websocket, "a")
		slow := w.open(polling)
		reasons := newList()
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(fmt.Sprint(r, ", ", context.Cause(s.Context()))) })
		})
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
		slow.joins("/")
		s := within(w, "the connection", joined)
		w.settle() // its GET waits, and takes the first event
		close(slow.pause)
		w.settle()
		_ = w.io.Emit("n", -1)
		w.settle()
		c.peers["a"].hears(`2["n",-1]`)
		for i := range 25 {
			if err := w.io.Emit("n", i); err != nil {
				t.Errorf("a broadcast does not fail for one of its members: %v", err)
			}
			c.peers["a"].hears(fmt.Sprintf(`2["n",%d]`, i))
		}
		if n := len(reasons.all()); n != 0 {
			t.Errorf("it has 10 s: %v", reasons.all())
		}
		want(t, "the end", reasons.await(w, 1)[0], "transport error, "+socketio.ErrSlowConsumer.Error()+
			": 25 packets wait, for 10s more than MaxQueueMessages (20)")
		want(t, "warnings", strings.Count(w.log.String(), "Options.MaxQueueMessages"), 1)
		if err := s.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the socket is closed: %v", err)
		}
	})
}

// An emit to a client that does not read fails when the queue reaches 16 times its bound.
func TestSlowConsumerOfADirectEmit(t *testing.T) {
	for name, small := range map[string]func(s *socketio.Socket) error{
		"Emit": func(s *socketio.Socket) error { return s.Emit("small") },
		"EmitWithAck": func(s *socketio.Socket) error {
			_, err := s.EmitWithAck(context.Background(), "small")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, &socketio.Options{Engine: engineio.Options{MaxQueueBytes: 1000}}, func(w *world) {
				joined, result := make(chan *socketio.Socket, 1), newList()
				w.io.OnConnection(func(s *socketio.Socket) {
					s.OnDisconnect(func(r socketio.DisconnectReason) { result.add(string(r)) })
					joined <- s
				})
				p := w.open(polling)
				p.joins("/")
				s := within(w, "the connection", joined)
				close(p.pause)
				w.settle()
				_ = s.Emit("last") // it ends the last poll
				w.settle()
				if err := s.Emit("big", strings.Repeat("x", 20_000)); err != nil {
					t.Errorf("an empty queue takes a packet of any size: %v", err)
				}
				if err := small(s); !errors.Is(err, socketio.ErrSlowConsumer) {
					t.Errorf("the next fails with ErrSlowConsumer, not %v", err)
				}
				if err := small(s); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("the next fails with ErrClosed, not %v", err)
				}
				want(t, "the reason", result.await(w, 1)[0], "transport error")
			})
		})
	}
}

// A client that joins and leaves without reading is closed like any slow consumer: after
// 10 s over the bound, or at 16 times it.
func TestUnheardAnswersAreBounded(t *testing.T) {
	for answers, after := range map[int]time.Duration{40: 0, 60: 10 * time.Second, 900: -1} {
		memory(t, &socketio.Options{PingInterval: time.Hour, Engine: engineio.Options{MaxQueueMessages: 50}}, func(w *world) {
			ended := make(chan error, 1)
			w.io.OnConnection(func(s *socketio.Socket) {
				s.OnDisconnect(func(socketio.DisconnectReason) {
					if err := context.Cause(s.Context()); err != socketio.ErrClosed {
						ended <- err
					}
				})
			})
			p := w.open(polling)
			p.joins("/")
			close(p.pause) // it polls once more, then no longer
			w.settle()
			w.io.Of("/a")
			start, asked := time.Now(), 0
			for range answers {
				if p.tries(`0/a,`) != nil {
					break
				}
				w.settle()
				_ = p.tries(`1/a,`)
				w.settle()
				asked++
			}
			select {
			case err := <-ended:
				if !errors.Is(err, socketio.ErrSlowConsumer) {
					t.Errorf("%d answers: %v", answers, err)
				}
				if after > 0 && time.Since(start) < after || after < 0 && asked < 16*50-1 || after == 0 {
					t.Errorf("%d answers: closed at %d, after %v", answers, asked, time.Since(start))
				}
			case <-time.After(time.Minute):
				want(t, fmt.Sprintf("%d answers do not close", answers), after, 0)
			}
		})
	}
}
