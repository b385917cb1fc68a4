// SPDX-License-Identifier: MIT

// This file holds the tests of limits of Options just below, at and just over them.
// docs/limits.md says where the others are tested.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// around runs a test with n below, at and over a bound; fits is the expected result.
func around(t *testing.T, bound int, opts func() *socketio.Options, test func(w *world, n int, fits bool)) {
	t.Helper()
	for n := bound - 1; n <= bound+1; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			memory(t, opts(), func(w *world) { test(w, n, n <= bound) })
		})
	}
}

// silentClient joins over polling and returns the socket; the client then polls no more
// than once.
func silentClient(w *world) *socketio.Socket {
	joined := make(chan *socketio.Socket, 1)
	w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
	p := w.join(polling)
	s := within(w, "the connection", joined)
	close(p.pause)
	w.settle()
	_ = s.Emit("last poll")
	w.settle()
	return s
}

func TestLimitMaxAttachments(t *testing.T) {
	opts := func() *socketio.Options { return &socketio.Options{Limits: socketio.SocketLimits{MaxAttachments: 3}} }
	around(t, 3, opts, func(w *world, n int, fits bool) {
		var failed error
		w.io.OnConnection(func(s *socketio.Socket) {
			args := make([]any, n)
			for i := range args {
				args[i] = []byte{1}
			}
			failed = s.Emit("out", args...)
			s.On("in", func(socketio.Args) {})
		})
		p := w.join(websocket)
		w.settle()
		want(w, "an emit is taken", failed == nil, fits)
		text := fmt.Sprintf(`5%d-["in"`, n)
		packets := []any{""}
		for i := range n {
			text += fmt.Sprintf(`,{"_placeholder":true,"num":%d}`, i)
			packets = append(packets, []byte{byte(i)})
		}
		packets[0] = text + "]"
		_ = p.tries(packets...)
		if !fits {
			p.isClosed(1002)
			return
		}
		w.settle()
		for len(p.inbox) > 0 {
			<-p.inbox
		}
		p.isOpen()
	})
}

func TestLimitMaxQueueMessages(t *testing.T) {
	opts := func() *socketio.Options {
		return &socketio.Options{PingInterval: time.Hour, Engine: engineio.Options{MaxQueueMessages: 5}}
	}
	around(t, 5, opts, func(w *world, n int, fits bool) {
		s := silentClient(w)
		for range n {
			if err := s.Emit("x"); err != nil {
				w.Error(err)
			}
		}
		<-time.After(10*time.Second - time.Millisecond)
		want(w, "connected within 10 s", s.Connected(), true)
		<-time.After(300 * time.Millisecond)
		want(w, "connected after 10 s", s.Connected(), fits)
	})
	around(t, 16*5, opts, func(w *world, n int, fits bool) {
		s := silentClient(w)
		var err error
		for range n {
			err = s.Emit("x")
		}
		if errors.Is(err, socketio.ErrSlowConsumer) == fits || fits != (err == nil) {
			w.Errorf("the last of %d: %v", n, err)
		}
	})
}

func TestLimitMaxQueueBytes(t *testing.T) {
	size := 0
	memory(t, nil, func(w *world) {
		s := silentClient(w)
		_ = s.Emit("x")
		_, size = s.Buffered()
	})
	for d := -1; d <= 1; d++ {
		opts := &socketio.Options{PingInterval: time.Hour, Engine: engineio.Options{MaxQueueBytes: 4*size + d}}
		memory(t, opts, func(w *world) {
			s := silentClient(w)
			for range 4 {
				_ = s.Emit("x")
			}
			<-time.After(time.Minute)
			want(t, fmt.Sprintf("four events of %d bytes fit into %d", size, 4*size+d), s.Connected(), d >= 0)
		})
		memory(t, opts, func(w *world) {
			s := silentClient(w)
			n := 0
			for s.Emit("x") == nil {
				n++
			}
			want(t, fmt.Sprintf("events of %d bytes that fit into 16 times %d", size, 4*size+d), n, 16*(4*size+d)/size)
		})
	}
}

func TestLimitMaxInboxBytes(t *testing.T) {
	event := `2["x","0123456789"]`
	for d := -1; d <= 1; d++ { // at the bound it is full
		memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxBytes: 3*len(event[1:]) + d}}, func(w *world) {
			release, handled := slowServer(w)
			p := w.join(websocket)
			p.joins("/quick")
			for range 4 { // one is being handled
				p.says(event)
				w.settle()
			}
			go func() { _ = p.tries(`2/quick,1["ping"]`) }()
			if d <= 0 {
				<-time.After(time.Second)
				p.hearsNothing()
			} else {
				p.hears(`3/quick,1["pong"]`)
			}
			close(release)
			handled.await(w, 4)
			if d <= 0 {
				p.hears(`3/quick,1["pong"]`)
			}
		})
	}
}

func TestLimitMaxConnections(t *testing.T) {
	opts := func() *socketio.Options { return &socketio.Options{MaxConnections: 3} }
	around(t, 3, opts, func(w *world, n int, fits bool) {
		for range n - 1 {
			w.join(websocket)
		}
		resp, _ := w.fetch("GET", "EIO=4&transport=polling", "")
		want(w, "the status of the last", resp.Status, map[bool]int{true: 200, false: 503}[fits])
		want(w, "it may come back", resp.Header.Get("Retry-After") != "", !fits)
	})
}

func TestLimitMaxHeaderBytes(t *testing.T) {
	opts := func() *socketio.Options {
		return &socketio.Options{AllowEIO3: true, Engine: engineio.Options{MaxHeaderBytes: 1000}}
	}
	around(t, 1000, opts, func(w *world, n int, fits bool) {
		const target, name = "/socket.io/?EIO=4&transport=polling", "X-Pad"
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set(name, strings.Repeat("x", n-len(target)-len(r.Host)-len(name)-32))
		answer := httptest.NewRecorder()
		w.io.ServeHTTP(answer, r)
		want(w, "the status", answer.Code, map[bool]int{true: 200, false: 431}[fits])
		want(w, "sessions", w.io.Connections(), map[bool]int{true: 1, false: 0}[fits])
	})
}

func TestLimitMaxPending(t *testing.T) {
	opts := func() *socketio.Options { return &socketio.Options{Engine: engineio.Options{MaxPending: 3}} }
	around(t, 3, opts, func(w *world, n int, fits bool) {
		w.join(websocket) // does not count
		var peers []*peer
		for range n {
			peers = append(peers, w.open(websocket))
		}
		w.settle()
		if fits {
			peers[0].joins("/")
		} else {
			peers[0].isClosed(1008)
		}
		peers[1].joins("/")
	})
}

func TestLimitNamespaceName(t *testing.T) {
	around(t, 255, func() *socketio.Options { return nil }, func(w *world, n int, fits bool) {
		w.io.OfMatch(func(string, socketio.Handshake) bool { return true })
		name := "/" + strings.Repeat("n", n-1)
		p := w.open(websocket)
		if !fits {
			p.says("0" + name + ",")
			p.hears("4" + name + `,{"message":"Invalid namespace"}`)
		} else {
			p.joins(name)
		}
		want(w, "Of panics", panicOf(func() { w.io.Of(name) }) != "", !fits)
	})
}

// A time limit has no effect until the last millisecond, and takes effect at most one
// tick late.
func TestLimitsInTime(t *testing.T) {
	const limit, early, late = 7 * time.Second, -time.Millisecond, 300 * time.Millisecond
	for name, test := range map[string]struct {
		opts *socketio.Options
		// begin starts the limited action. It returns a function that ends it in time,
		// and the condition that must hold afterwards.
		begin func(w *world) (end func(), check func(inTime bool))
	}{
		"ConnectTimeout": {&socketio.Options{Limits: socketio.SocketLimits{ConnectTimeout: limit}}, func(w *world) (func(), func(bool)) {
			p := w.open(websocket)
			return func() { _ = p.tries("0") }, closes(p, 1008, `0{*`)
		}},
		"AttachmentTimeout": {&socketio.Options{Limits: socketio.SocketLimits{AttachmentTimeout: limit}}, func(w *world) (func(), func(bool)) {
			w.io.OnConnection(func(s *socketio.Socket) { s.On("x", func([]byte) bool { return true }) })
			p := w.join(websocket)
			p.says(`51-1["x",{"_placeholder":true,"num":0}]`)
			return func() { _ = p.tries([]byte{1}) }, closes(p, 1008, `31[true]`)
		}},
		"MessageTimeout": {&socketio.Options{Engine: engineio.Options{MessageTimeout: limit}}, func(w *world) (func(), func(bool)) {
			p := w.open(websocket)
			frame := ws.AppendMasked(nil, ws.Text, true, [4]byte{1, 2, 3, 4}, []byte("40"))
			_, _ = p.socket.Conn().Write(frame[:3])
			return func() { _, _ = p.socket.Conn().Write(frame[3:]) }, closes(p, 1008, `0{*`)
		}},
		"PauseTimeout": {&socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 1}, Engine: engineio.Options{PauseTimeout: limit}}, func(w *world) (func(), func(bool)) {
			release, _ := slowServer(w)
			p := w.join(websocket)
			p.says(`2["x",0]`)
			w.settle()
			p.says(`2["x",1]`)
			w.settle()
			end := func() { close(release) }
			return end, func(inTime bool) {
				if inTime {
					p.isOpen()
				} else {
					p.isClosed(1008)
				}
			}
		}},
		"BodyTimeout": {&socketio.Options{Engine: engineio.Options{BodyTimeout: limit}}, func(w *world) (func(), func(bool)) {
			p := w.open(polling)
			conn, err := w.dial(w.Context())
			if err != nil {
				w.Fatal(err)
			}
			w.Cleanup(func() { conn.Close() })
			// Most of it comes at once: the rate is no matter then.
			body := "40{\"k\":\"" + strings.Repeat("x", 20_000) + "\"}"
			_, _ = fmt.Fprintf(conn, "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s",
				p.sid, len(body), body[:len(body)-1])
			end := func() { _, _ = conn.Write([]byte("}")) }
			return end, func(inTime bool) {
				head := make([]byte, 12)
				_, _ = conn.Read(head)
				want(w, "the status of the POST", string(head), map[bool]string{true: "HTTP/1.1 200", false: "HTTP/1.1 408"}[inTime])
			}
		}},
		"PingTimeout": {&socketio.Options{PingInterval: time.Hour, PingTimeout: limit}, func(w *world) (func(), func(bool)) {
			p := w.join(websocket)
			p.mute.Store(true)
			<-time.After(time.Hour) // the ping comes now, or a tick later
			return func() { _ = p.write("3") }, func(inTime bool) {
				<-time.After(time.Minute)
				select {
				case <-p.ended:
					want(w, "the connection goes on", false, inTime)
				default:
					want(w, "the connection goes on", true, inTime)
				}
			}
		}},
		"UpgradeTimeout": {&socketio.Options{Engine: engineio.Options{UpgradeTimeout: limit}}, func(w *world) (func(), func(bool)) {
			p := w.open(polling)
			c, _, err := w.dialWebSocket("&sid="+p.sid, nil)
			if err != nil {
				w.Fatal(err)
			}
			w.Cleanup(func() { c.Close() })
			return func() { _ = c.WriteText("2probe") }, func(inTime bool) {
				_, data, err := c.ReadMessage()
				want(w, "the probe is answered", err == nil && string(data) == "3probe", inTime)
			}
		}},
	} {
		for _, d := range []time.Duration{early, late} {
			t.Run(fmt.Sprint(name, " ", d), func(t *testing.T) {
				memory(t, test.opts, func(w *world) {
					end, check := test.begin(w)
					<-time.After(limit + d)
					end()
					check(d < 0)
				})
			})
		}
	}
}

// closes expects a packet in time, otherwise the end of the connection.
func closes(p *peer, code uint16, packet string) func(inTime bool) {
	return func(inTime bool) {
		if inTime {
			p.hears(packet)
		} else {
			p.isClosed(code)
		}
	}
}

// The bound of a message holds wherever the server is mounted.
func TestLimitsOnEveryMount(t *testing.T) {
	const limit = 100_000
	opts := &socketio.Options{MaxPayload: limit}
	event := func(size int) string { return `2["x","` + strings.Repeat("x", size-len(`42["x",""]`)) + `"]` }
	attempt := func(w *world, transport string) {
		p := w.join(transport)
		for _, size := range []int{limit - 1, limit} {
			p.says(event(size))
			p.isOpen()
		}
		err := p.tries(event(limit + 1))
		if transport == polling && (err == nil || !strings.Contains(err.Error(), "status 413")) {
			w.Errorf("a body that is too large: %v", err)
		}
		p.isClosed(1009)
	}
	overBoth(t, opts, attempt)
	overTLSWith(t, opts, nil, attempt)
}

// A message that is too large has its own reason, on both transports, and a log record
// with its size.
func TestTooLargeHasAReason(t *testing.T) {
	overBoth(t, &socketio.Options{MaxPayload: 1000}, func(w *world, transport string) {
		ends := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) { ends <- context.Cause(s.Context()) })
		})
		p := w.join(transport)
		_ = p.tries(`2["x","` + strings.Repeat("y", 2000) + `"]`)
		if err := within(w, "the end", ends); !errors.Is(err, socketio.ErrTooLarge) {
			t.Errorf("it ended with %v", err)
		} else if want := map[string]string{
			websocket: "engineio: larger than MaxPayload: a message: 2010 bytes, at most 1000",
			polling:   "engineio: larger than MaxPayload: the body of a POST: 2010 bytes, at most 1000",
		}[transport]; err.Error() != want {
			t.Errorf("it ended with %q, want %q", err, want)
		}
		if log := w.log.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, " transport="+transport+" max=1000 size=2010\n") {
			t.Errorf("no record of the size: %s", log)
		}
	})
}

// The client gets the sizes too. If the size is unknown, as while inflating, the text
// says so.
func TestTooLargeIsToldToTheClient(t *testing.T) {
	for name, test := range map[string]struct {
		frames [][]byte
		reason string
	}{
		"a frame":   {[][]byte{wstest.Frame(ws.Text, true, []byte(strings.Repeat("y", 1001)))}, "message too big: 1001 bytes, at most 1000"},
		"fragments": {[][]byte{wstest.Frame(ws.Text, false, []byte(strings.Repeat("y", 900))), wstest.Frame(ws.Continuation, true, []byte(strings.Repeat("y", 200)))}, "message too big: 1100 bytes, at most 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			tcp(t, &socketio.Options{MaxPayload: 1000}, func(w *world) {
				c := w.raw()
				for _, frame := range test.frames {
					if err := c.WriteFrame(frame); err != nil {
						t.Fatal(err)
					}
				}
				for {
					_, _, err := c.ReadMessage()
					if err == nil {
						continue
					}
					var end *ws.CloseError
					if !errors.As(err, &end) || end.Code != ws.CodeTooBig || end.Reason != test.reason {
						t.Errorf("it ended with %v", err)
					}
					break
				}
			})
		})
	}
}
