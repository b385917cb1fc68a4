// SPDX-License-Identifier: MIT

// This file bounds the allocations of the hot paths, and has their benchmarks.

package socketio_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"socketio"
	"socketio/engineio"
	"socketio/internal/rawclient"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// raw joins "/" and does not read further.
func (w *world) raw() *wstest.Client {
	w.Helper()
	session, err := w.server("", nil).Open(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(session.Close)
	if err := session.Write(w.Context(), rawclient.Text("40")...); err != nil {
		w.Fatal(err)
	}
	if _, err := session.Read(w.Context()); err != nil {
		w.Fatal(err)
	}
	return session.Socket()
}

// drain reads until the connection ends.
func drain(c *wstest.Client) {
	buf := make([]byte, 64<<10)
	for {
		if _, err := c.Conn().Read(buf); err != nil {
			return
		}
	}
}

// An emit to a room costs nothing per member beyond the encoding.
func TestEmitToARoomAllocatesNothingPerMember(t *testing.T) {
	tcp(t, nil, func(w *world) {
		var perEmit [2]float64
		for i, n := range []int{1, 64} {
			room := fmt.Sprint("room", n)
			joined := make(chan *socketio.Socket, 1)
			remove := w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
			for range n {
				c := w.raw()
				go drain(c)
				if err := within(w, "the connection", joined).Join(room); err != nil {
					t.Fatal(err)
				}
			}
			remove()
			to, text := w.io.To(room), any("hello, this is a chat message of some length")
			perEmit[i] = testing.AllocsPerRun(300, func() {
				if err := to.Emit("chat message", text); err != nil {
					t.Fatal(err)
				}
			})
		}
		perMember := (perEmit[1] - perEmit[0]) / 63
		t.Logf("allocations per emit: %v to one, %v to 64", perEmit[0], perEmit[1])
		if limit := 0.1; !raceEnabled && perMember > limit {
			t.Errorf("%.2f allocations per member, want 0", perMember)
		}
		if limit := 2.0; !raceEnabled && perEmit[0] > limit {
			t.Errorf("%v allocations per emit, want at most %v", perEmit[0], limit)
		}
	})
}

// An event for a func(string) costs two allocations: the string is a part of one.
func TestInboundEventAllocations(t *testing.T) {
	tcp(t, nil, func(w *world) {
		handled := make(chan struct{}, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("chat message", func(string) { handled <- struct{}{} })
		})
		c := w.raw()
		frame := wstest.Frame(ws.Text, true, []byte(`42["chat message","hello, this is a chat message of some length"]`))
		perEvent := testing.AllocsPerRun(500, func() {
			if _, err := c.Conn().Write(frame); err != nil {
				t.Fatal(err)
			}
			<-handled
		})
		t.Logf("allocations per event: %v", perEvent)
		if limit := 2.0; !raceEnabled && perEvent > limit {
			t.Errorf("%v allocations per event, want at most %v", perEvent, limit)
		}
	})
}

// Large bytes that a client sends and gets back are in memory once, as the argument of the
// event; on the goroutine driver once more, until they are sent. Those of an acknowledgement
// are not copied at all.
func TestLargeEchoAllocations(t *testing.T) {
	const size = 64 << 10
	data := make([]byte, size)
	blob := wstest.Frame(ws.Text, true, []byte(`451-["blob",{"_placeholder":true,"num":0}]`))
	blob = append(blob, wstest.Frame(ws.Binary, true, data)...)
	fetch := wstest.Frame(ws.Text, true, []byte(`421["fetch"]`))
	fetched := 2 + len(`461-1[{"_placeholder":true,"num":0}]`) + 10 + size
	for driver, copies := range map[engineio.Driver]float64{"": 0, engineio.DriverGoroutine: 1} {
		tcp(t, with(nil, driver), func(w *world) {
			w.io.OnConnection(func(s *socketio.Socket) {
				s.On("blob", func(b []byte) error { return s.Emit("blob", b) })
				s.On("fetch", func() []byte { return data })
			})
			c := w.raw()
			check := func(what string, request []byte, answer int, copies float64) {
				per := allocated(w, c, request, answer) / size
				t.Logf("driver %q: %.2f times its size per %s", driver, per, what)
				// The collector may empty the pools meanwhile.
				if limit := copies + 0.5; !raceEnabled && per > limit {
					t.Errorf("driver %q: %.2f times its size per %s, want at most %.2f", driver, per, what, limit)
				}
			}
			check("echo", blob, len(blob)-2*4, copies+1) // without masks
			check("acknowledgement", fetch, fetched, copies)
		})
	}
}

// allocated returns how many bytes a request and its answer allocate.
func allocated(w *world, c *wstest.Client, request []byte, answer int) float64 {
	w.Helper()
	const times = 50
	var memory [2]runtime.MemStats
	buf := make([]byte, answer)
	for i := range memory { // the pools are empty at first
		for range times {
			if _, err := c.Conn().Write(request); err != nil {
				w.Fatal(err)
			}
			if _, err := io.ReadFull(c.Conn(), buf); err != nil {
				w.Fatal(err)
			}
		}
		runtime.ReadMemStats(&memory[i])
	}
	return float64(memory[1].TotalAlloc-memory[0].TotalAlloc) / times
}

// The bytes of an acknowledgement may be changed when it has returned, although the client
// has not read them yet.
func TestBytesOfAnAcknowledgementMayBeChanged(t *testing.T) {
	onEach(t, socketio.Options{}, func(w *world) {
		const size = 16 << 20 // more than the kernel takes at once
		acknowledged := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("fetch", func(ack socketio.Ack) {
				data := bytes.Repeat([]byte{1}, size)
				err := ack(data)
				clear(data)
				acknowledged <- err
			})
		})
		c := w.raw()
		if err := c.WriteFrame(wstest.Frame(ws.Text, true, []byte(`421["fetch"]`))); err != nil {
			t.Fatal(err)
		}
		if err := within(w, "the acknowledgement", acknowledged); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 2+len(`461-1[{"_placeholder":true,"num":0}]`)+10+size)
		if _, err := io.ReadFull(c.Conn(), answer); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(answer[len(answer)-size:], []byte{1}); n != size {
			t.Errorf("%d of %d bytes are as they were", n, size)
		}
	})
}

func BenchmarkEmitToRoom(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tcp(b, &socketio.Options{Engine: engineio.Options{MaxQueueMessages: 1 << 20, MaxQueueBytes: 1 << 30}}, func(w *world) {
				joined := make(chan *socketio.Socket, 1)
				w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
				for range n {
					go drain(w.raw())
					if err := within(w, "the connection", joined).Join("room"); err != nil {
						b.Fatal(err)
					}
				}
				to := w.io.To("room")
				b.ReportAllocs()
				for b.Loop() {
					if err := to.Emit("chat message", "hello, this is a chat message of some length"); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkEcho(b *testing.B) {
	for name, fn := range map[string]any{
		"func(string) string": func(v string) string { return v },
		"func(Ack)":           func(v string, ack socketio.Ack) { _ = ack(v) },
		"struct":              func(v struct{ Text string }) any { return v },
	} {
		b.Run(name, func(b *testing.B) {
			tcp(b, nil, func(w *world) {
				w.io.OnConnection(func(s *socketio.Socket) { s.On("q", fn) })
				c := w.raw()
				text := `4212["q","hello, this is a chat message of some length"]`
				if name == "struct" {
					text = `4212["q",{"text":"hello, this is a chat message of some length"}]`
				}
				frame := wstest.Frame(ws.Text, true, []byte(text))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.Conn().Write(frame); err != nil {
						b.Fatal(err)
					}
					if _, _, err := c.ReadFrame(); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
