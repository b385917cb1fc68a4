// SPDX-License-Identifier: MIT

// This file tests connections with one end slower than the other: pauses, bounds of the
// send queue, the write deadline, floods, volatile messages.

package engineio_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

func TestPauseStopsReading(t *testing.T) {
	everywhere(t, func(w *world) {
		paused := make(chan struct{}, 1)
		transports(w, hosting{onMessage: func(s *side, _ bool, data []byte) {
			if string(data) == "pause" {
				s.Pause()
				s.Pause() // changes nothing
				paused <- struct{}{}
			}
		}}, func(r *rig, p peer) {
			s := r.side(p.id())
			answered := make(chan struct{})
			if q, ok := p.(*pollPeer); ok {
				go func() { // the POST is held until Resume
					defer close(answered)
					q.send("4a", "4pause", "4b", "4c")
				}()
			} else {
				p.send("4a", "4pause", "4b", "4c")
			}
			<-paused
			r.quiet()
			s.wantHeard("the message being handed up is the last one", "a", "pause")
			select {
			case <-answered:
				w.t.Error("the POST was answered while the server does not read")
			default:
			}
			s.say("out")
			p.want("output goes on", "4out")
			s.Resume()
			s.Resume()
			s.await("the rest", func() bool { return len(s.messages) >= 4 })
			s.wantHeard("the rest in order", "a", "pause", "b", "c")
			if _, ok := p.(*pollPeer); ok {
				<-answered
			}
			p.send("4d")
			s.wantHeard("and on", "a", "pause", "b", "c", "d")
		})
	})
}

// Resume is called by another goroutine at any moment: no byte is lost.
func TestPauseAndResumeLoseNothing(t *testing.T) {
	const n = 5000
	overTCP(t, func(w *world) {
		pauses := make(chan *side, 1)
		next := 0 // guarded by the reader's order
		done := make(chan struct{})
		r := w.serve(hosting{onMessage: func(s *side, _ bool, data []byte) {
			if string(data) != strconv.Itoa(next) {
				w.t.Errorf("message %d is %q", next, data)
				next = n
			}
			if next++; next == n {
				close(done)
			}
			s.Pause()
			pauses <- s
		}})
		stop := make(chan struct{})
		resumed := make(chan struct{})
		go func() {
			defer close(resumed)
			for {
				select {
				case s := <-pauses:
					for range next % 3 {
						runtime.Gosched()
					}
					s.Resume()
				case <-stop:
					return
				}
			}
		}()
		c := r.websocket()
		var burst []byte
		for i := range n {
			burst = append(burst, wstest.Frame(ws.Text, true, []byte("4"+strconv.Itoa(i)))...)
		}
		c.raw(burst)
		select {
		case <-done:
		case <-time.After(w.patience):
			w.t.Errorf("messages were lost")
		}
		close(stop)
		<-resumed
	})
}

func TestPauseSuspendsThePongDeadline(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat()}, func(r *rig, p peer) {
			s := r.side(p.id())
			s.Pause()
			for i := range 4 { // pings go on, one interval apart
				p.want("a ping", "2")
				wantAt(r, "a ping", r.started, time.Duration(i+1)*25*time.Second)
			}
			s.wantOpen("100 s without a pong")
			at := time.Now()
			s.Resume()
			s.wantEnded("the deadline starts afresh", engineio.ReasonPingTimeout, nil)
			wantAt(r, "the end", at, 20*time.Second)
		})
	})
}

func TestPauseTimeout(t *testing.T) {
	for name, o := range map[string]*engineio.Options{"5m0s": beat(), "7s": {PauseTimeout: 7 * time.Second}} {
		limit, _ := time.ParseDuration(name)
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				transports(w, hosting{options: o}, func(r *rig, p peer) {
					s := r.side(p.id())
					s.Pause()
					time.Sleep(3 * time.Second)
					s.Resume()
					at := time.Now()
					s.Pause()
					s.wantEnded("nobody reads", engineio.ReasonTransportError, engineio.ErrPaused)
					wantAt(r, "the end", at, limit)
					if c, ok := p.(*wsPeer); ok {
						got := "2"
						for got == "2" {
							got = c.next("the close frame")
						}
						if got != "close 1008 not read for too long" {
							w.t.Errorf("got %q", got)
						}
					}
				})
			})
		})
	}
}

// A connection that was not read for long causes no warning after it was closed.
func TestPauseAndClose(t *testing.T) {
	everywhere(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			s := r.side(p.id())
			s.Pause()
			if q, ok := p.(*pollPeer); !ok {
				p.send("4never heard")
			} else {
				done := make(chan reply, 1)
				go func() { done <- q.post("4never heard") }()
				defer func() { <-done }()
				r.quiet()
			}
			s.Abort(engineio.ReasonForcedClose, nil, 1000, "")
			p.wantEnd("the session")
			s.wantHeard("nothing")
		})
	})
}

func TestSlowConsumer(t *testing.T) {
	payload := engineio.TextMessage(strings.Repeat("x", 10_000))
	everywhere(t, func(w *world) {
		transports(w, hosting{options: &engineio.Options{MaxQueueBytes: 64 << 10}, buffer: 4096}, func(r *rig, p peer) {
			s := r.side(p.id())
			bystander := r.websocket()
			var err error
			for range 100_000 {
				if err = s.Send(payload); err != nil {
					break
				}
				if _, bytes := s.Buffered(); bytes > 1<<20 {
					w.t.Fatalf("%d bytes wait, 16 times the bound is %d", bytes, 1<<20)
				}
			}
			if !errors.Is(err, engineio.ErrSlowConsumer) {
				w.t.Fatalf("Send to a peer that takes nothing: %v, want ErrSlowConsumer", err)
			}
			s.wantEnded("the queue is full", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
			if n, bytes := s.Buffered(); bytes > 200_000 {
				w.t.Errorf("%d messages, %d bytes wait after the end", n, bytes)
			}
			if err := s.Send(payload); !errors.Is(err, engineio.ErrClosed) {
				w.t.Errorf("Send afterwards: %v, want ErrClosed", err)
			}
			bystander.send("4x")
			bystander.want("others do not notice", "4x")
			if c, ok := p.(*wsPeer); ok {
				whole := "4" + strings.Repeat("x", 10_000)
				for {
					got := c.next("what had begun to leave, then the close frame")
					if got == "close 1008 slow consumer" {
						break
					}
					if got != whole {
						w.t.Fatalf("a torn message: %.60q", got)
					}
				}
				c.wantEOF("the end")
			} else {
				p.wantEnd("the session")
			}
		})
	})
}

// The bounds of a queue: up to them, over them for 10 s, and 16 times them.
func TestQueueBounds(t *testing.T) {
	size := engineio.TextMessage(strings.Repeat("x", 47)).Size()
	for name, c := range map[string]struct {
		options  engineio.Options
		sizes    []int // of the messages before the last
		last     int   // times the last message of 47 is sent
		accepted bool
		after    time.Duration // the connection closes; 0 if not
		says     string
	}{
		"at the bound of messages":      {engineio.Options{MaxQueueMessages: 3}, nil, 3, true, 0, ""},
		"over it":                       {engineio.Options{MaxQueueMessages: 3}, nil, 4, true, 10 * time.Second, "4 packets wait, for 10s more than MaxQueueMessages (3)"},
		"at 16 times":                   {engineio.Options{MaxQueueMessages: 3}, nil, 48, true, 10 * time.Second, "48 packets wait, for 10s more than MaxQueueMessages (3)"},
		"over 16 times":                 {engineio.Options{MaxQueueMessages: 3}, nil, 49, false, -1, "48 packets wait, more than 16 times MaxQueueMessages (3)"},
		"over 16 times, not in bytes":   {engineio.Options{MaxQueueMessages: 3, MaxQueueBytes: 4 * size}, nil, 49, false, -1, "48 packets wait, more than 16 times MaxQueueMessages (3)"},
		"over 16 times, at it in bytes": {engineio.Options{MaxQueueMessages: 3, MaxQueueBytes: (48*size + engineio.TextMessage(strings.Repeat("x", 13)).Size()) / 16}, []int{13}, 48, false, -1, "48 packets wait, more than 16 times MaxQueueMessages (3)"},
		"at the bound of bytes":         {engineio.Options{MaxQueueBytes: 3 * size}, nil, 3, true, 0, ""},
		"over it in bytes":              {engineio.Options{MaxQueueBytes: 3*size - 1}, nil, 3, true, 10 * time.Second, "for 10s more than MaxQueueBytes ("},
		"at 16 times in bytes":          {engineio.Options{MaxQueueBytes: size}, nil, 16, true, 10 * time.Second, "for 10s more than MaxQueueBytes ("},
		"over 16 times in bytes":        {engineio.Options{MaxQueueBytes: size}, nil, 17, false, -1, "more than 16 times MaxQueueBytes ("},
		"one of any size":               {engineio.Options{MaxQueueBytes: 1000}, []int{100_000}, 0, true, 10 * time.Second, "for 10s more than MaxQueueBytes (1000)"},
		"but only one":                  {engineio.Options{MaxQueueBytes: 1000}, []int{100_000}, 1, false, -1, "more than 16 times MaxQueueBytes (1000)"},
		"products that overflow":        {engineio.Options{MaxQueueBytes: math.MaxInt, MaxQueueMessages: math.MaxInt}, nil, 100, true, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				log := new(strings.Builder)
				c.options.Logger = slog.New(slog.NewTextHandler(log, nil))
				c.options.PingInterval = time.Hour
				r := w.serve(hosting{options: &c.options})
				s := r.side(r.polling().id())
				var err error
				for _, n := range c.sizes {
					err = s.Send(engineio.TextMessage(strings.Repeat("x", n)))
				}
				for range c.last {
					err = s.Send(engineio.TextMessage(strings.Repeat("x", 47)))
				}
				if (err == nil) != c.accepted || err != nil && !errors.Is(err, engineio.ErrSlowConsumer) {
					t.Errorf("the last was sent: %v", err)
				}
				start := time.Now()
				if c.after == 0 {
					time.Sleep(time.Minute)
					s.wantOpen("within the bounds")
					if log.Len() > 0 {
						t.Errorf("the log says %q", log)
					}
					return
				}
				s.wantEnded("over the bounds", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
				wantAt(r, "the end", start, max(c.after, 0))
				if !strings.Contains(s.err.Error(), c.says) {
					t.Errorf("the error says %q, want %q", s.err, c.says)
				}
				option := regexp.MustCompile(`MaxQueue\w+`).FindString(c.says)
				if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "Options."+option) || !strings.Contains(log.String(), "option="+option) {
					t.Errorf("the log says in %d lines: %s", n, log)
				}
			})
		})
	}
}

// A queue may be over its bound for 10 s, again and again, and a long message may take
// as long as its peer takes some of it.
func TestSlowIsNotGone(t *testing.T) {
	message := strings.Repeat("x", 30_000)
	options := &engineio.Options{MaxQueueBytes: 100_000, PingInterval: time.Hour}
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: options, buffer: 4096})
		p := r.polling()
		s := r.side(p.id())
		for range 5 {
			for range 10 {
				s.say(message)
			}
			time.Sleep(10*time.Second - 2*tick)
			for range 10 {
				p.want("what waits", "4"+message)
			}
		}
		s.wantOpen("it was never over its bound for 10 s")
	})
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: options, buffer: 4096})
		c := r.websocket()
		s := r.side(c.id())
		s.say(strings.Repeat("y", 1_000_000), "z")
		for range 40 {
			time.Sleep(2 * time.Second)
			_, _ = io.ReadFull(c.c.Conn(), make([]byte, 20_000))
		}
		s.wantOpen("one long message, in 80 s")
		for range 10 {
			s.say(message)
		}
		start := time.Now()
		for range 4 {
			time.Sleep(2 * time.Second)
			_, _ = io.ReadFull(c.c.Conn(), make([]byte, 1000))
		}
		s.wantEnded("what waits behind it is over the bound", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		if d := time.Since(start); d > 12*time.Second {
			w.t.Errorf("closed after %v", d)
		}
	})
}

// The response to a poll is at most as long as a queue should be, and there is one at a
// time, whatever the client requests.
func TestAnswersOfAPollAreBounded(t *testing.T) {
	message := strings.Repeat("x", 30_000)
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MaxQueueBytes: 100_000, PingInterval: time.Hour}, buffer: 4096})
		p := r.polling()
		s := r.side(p.id())
		for range 10 {
			s.say(message)
		}
		three := strings.Join([]string{"4" + message, "4" + message, "4" + message}, "\x1e")
		p.wantAnswer("an answer", three)
		var polls []net.Conn
		for range 2 {
			conn, err := r.dial(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			r.keep(conn)
			if _, err := conn.Write([]byte("GET " + r.path + "?" + p.query + " HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
				w.t.Fatal(err)
			}
			r.quiet()
			polls = append(polls, conn)
		}
		if n, _ := s.Buffered(); n != 4 {
			w.t.Errorf("%d wait while an answer is written, want 4", n)
		}
		for _, conn := range polls {
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				w.t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != three {
				w.t.Errorf("an answer of %d bytes, %v", len(body), err)
			}
		}
		p.wantAnswer("the last", "4"+message)
	})
}

func TestWriteTimeout(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{WriteTimeout: 4 * time.Second}, buffer: 4096})
		c := r.websocket()
		s := r.side(c.id())
		start := time.Now()
		s.say(strings.Repeat("x", 100_000), "y")
		s.wantEnded("the peer takes nothing", engineio.ReasonTransportError, engineio.ErrSlowConsumer)
		wantAt(r, "the end", start, 4*time.Second)
		time.Sleep(10*time.Second + 2*tick)
		if err := c.c.WriteText("4x"); err == nil {
			w.t.Error("the connection stands 10 s after the end")
		}
	})
	// A peer that occasionally accepts a batch is slow, not gone.
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{WriteTimeout: 4 * time.Second}, buffer: 4096})
		c := r.websocket()
		s := r.side(c.id())
		long := strings.Repeat("x", 30_000)
		for range 20 {
			s.say(long)
		}
		for range 20 {
			time.Sleep(time.Second)
			c.want("one message", "4"+long)
		}
		s.wantOpen("a slow peer")
	})
	// The answer to a poll has the same deadline.
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{WriteTimeout: 4 * time.Second}, buffer: 4096})
		p := r.polling()
		s := r.side(p.id())
		s.say(strings.Repeat("x", 100_000))
		conn, err := r.dial(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		r.keep(conn)
		start := time.Now()
		if _, err := conn.Write([]byte("GET " + r.path + "?" + p.query + " HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
			w.t.Fatal(err)
		}
		s.wantEnded("the peer takes nothing", engineio.ReasonTransportError, nil)
		wantAt(r, "the end", start, 4*time.Second)
	})
}

// A poll whose client occasionally accepts a part of a long response is slow, not gone.
func TestLongAnswerToASlowPoll(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{WriteTimeout: 4 * time.Second, PingInterval: time.Hour}, buffer: 4096})
		p := r.polling()
		s := r.side(p.id())
		long := strings.Repeat("x", 1<<20)
		s.say(long)
		conn, err := r.dial(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		r.keep(conn)
		if _, err := conn.Write([]byte("GET " + r.path + "?" + p.query + " HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
			w.t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			w.t.Fatal(err)
		}
		var body strings.Builder
		for body.Len() < 1+len(long) {
			time.Sleep(time.Second)
			if _, err := io.CopyN(&body, resp.Body, min(64<<10, int64(1+len(long)-body.Len()))); err != nil {
				w.t.Fatalf("after %d bytes: %v", body.Len(), err)
			}
		}
		if body.String() != "4"+long {
			w.t.Error("the answer is not the message")
		}
		s.wantOpen("all has arrived, in 17 s")
	})
}

func TestPingFlood(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		c := r.websocket()
		flood := func(n int) {
			var burst []byte
			for i := range n {
				burst = append(burst, wstest.Frame(ws.Ping, true, []byte(strconv.Itoa(i)))...)
			}
			c.raw(burst)
			for i := range min(n, 60) {
				c.want("each ping is answered with its data", "pong "+strconv.Itoa(i))
			}
		}
		if w.virtual {
			flood(60)
			time.Sleep(11 * time.Second)
		}
		flood(60)
		c.raw(wstest.Frame(ws.Ping, true, nil))
		c.want("the sixty-first within 10 s", "close 1008 too many pings")
		c.wantEOF("the end")
		r.side(c.id()).wantEnded("a flood", engineio.ReasonTransportError, nil)
	})
}

func TestPongsOfWebSocketAreIgnored(t *testing.T) {
	inMemory(t, func(w *world) {
		c := w.serve(hosting{}).websocket()
		c.raw(wstest.Frame(ws.Pong, true, []byte("x")), wstest.Frame(ws.Text, true, []byte("4x")))
		c.want("the echo", "4x")
	})
}

func TestVolatile(t *testing.T) {
	v := engineio.TextMessage("volatile")
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		s := r.side(p.id())
		if s.SendVolatile(v) {
			w.t.Error("sent on polling without a parked GET")
		}
		p.park()
		if !s.SendVolatile(v) {
			w.t.Error("not sent to a parked GET")
		}
		if s.SendVolatile(v) {
			w.t.Error("a second one was sent to the same GET")
		}
		p.wantAnswer("one", "4volatile")
	})
	inMemory(t, func(w *world) {
		r := w.serve(hosting{buffer: 4096})
		c := r.websocket()
		s := r.side(c.id())
		if !s.SendVolatile(v) {
			w.t.Error("not sent on an idle WebSocket")
		}
		c.want("it", "4volatile")
		s.say(strings.Repeat("x", 100_000))
		if s.SendVolatile(v) {
			w.t.Error("sent behind a message that waits")
		}
		c.want("the long one", "4"+strings.Repeat("x", 100_000))
		r.quiet()
		if !s.SendVolatile(v) {
			w.t.Error("not sent when the way is free again")
		}
		c.want("it", "4volatile")
	})
}

// A message and its attachments stay together, whatever else is sent.
func TestAttachmentsStayTogether(t *testing.T) {
	everywhere(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			s := r.side(p.id())
			const n = 300
			var done atomic.Int32
			for g := range 3 {
				go func() {
					defer done.Add(1)
					for range n {
						buf := append(make([]byte, engineio.HeaderRoom), "head"+strconv.Itoa(g)...)
						s.Send(engineio.NewMessage(buf, [][]byte{{byte(g), 1}, {byte(g), 2}}))
					}
				}()
			}
			binary := func(b ...byte) string {
				if _, ok := p.(*pollPeer); !ok {
					return "<0" + strconv.Itoa(int(b[0])) + "0" + strconv.Itoa(int(b[1])) + ">"
				}
				return map[byte]string{0: "bAA", 1: "bAQ", 2: "bAg"}[b[0]] + map[byte]string{1: "E=", 2: "I="}[b[1]]
			}
			for range 3 * n {
				head := p.(interface{ next(what string) string }).next("a head")
				g := byte(head[len(head)-1] - '0')
				p.want("its attachments", binary(g, 1), binary(g, 2))
			}
			for done.Load() != 3 {
				runtime.Gosched()
			}
		})
	})
}

func TestLargeMessages(t *testing.T) {
	everywhere(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			text := "4" + strings.Repeat("é", 499_999) + "."
			if len(text) != 1_000_000 {
				w.t.Fatal(len(text))
			}
			p.send(text)
			p.want("the echo", text)
		})
	})
	t.Run("one byte too many on WebSocket", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{MaxPayload: 1000}})
			c := r.websocket()
			c.send("4" + strings.Repeat("x", 999))
			c.want("the bound itself", "4"+strings.Repeat("x", 999))
			c.send("4" + strings.Repeat("x", 1000))
			c.wantClose("too big", 1009)
			r.side(c.id()).wantEnded("too big", engineio.ReasonTransportError, nil)
			if n := len(r.side(c.id()).heard()); n != 1 {
				w.t.Errorf("%d messages were delivered, want 1", n)
			}
		})
	})
}
