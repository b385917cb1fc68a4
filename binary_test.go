// SPDX-License-Identifier: MIT

// This file holds the tests of binary data: attachments, in and out, and missing ones.

package socketio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/siotest"
)

// Half a packet does not outlive its connection.
func TestDecoderOfANewConnection(t *testing.T) {
	t.Run("trap 32", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			echo(w.io)
			p := w.join(transport)
			p.hears(`2["auth",{}]`)
			p.says(`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1})
			p.goes()
			p = w.join(transport)
			p.hears(`2["auth",{}]`)
			p.says(`2["message","new"]`)
			p.hears(`2["message-back","new"]`)
		})
	})
}

func TestStrayBinary(t *testing.T) {
	t.Run("trap 35", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			echo(w.io)
			for _, joined := range []bool{false, true} {
				p := w.open(transport)
				if joined {
					p.joins("/")
				}
				_ = p.tries([]byte{1, 2, 3})
				p.isClosed(1002)
			}
			p := w.join(transport) // the server continues
			p.hears(`2["auth",{}]`)
			if log := w.log.String(); strings.Contains(log, "level=ERROR") {
				t.Errorf("the log has an error:\n%s", log)
			}
		})
	})
}

// An event with more attachments than a client accepts is not sent.
func TestTooManyAttachments(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		ten := make([]any, 10)
		for i := range ten {
			ten[i] = []byte{byte(i)}
		}
		for _, emit := range []func(string, ...any) error{w.io.Emit, c.sockets["a"].Emit} {
			if err := emit("x", append(ten, []byte{10})...); !errors.Is(err, socketio.ErrTooManyAttachments) {
				t.Errorf("eleven are too many: %v", err)
			}
		}
		c.peers["a"].hearsNothing()
		if err := w.io.Emit("x", ten...); err != nil {
			t.Errorf("ten are not: %v", err)
		}
		c.peers["a"].hears(`510-["x",*]`, []byte{0}, []byte{1}, []byte{2}, []byte{3}, []byte{4}, []byte{5}, []byte{6}, []byte{7}, []byte{8}, []byte{9})
	})
}

// Data that a client takes for a missing attachment would make it close the connection:
// data of one client that is forwarded to others must not do that.
func TestPlaceholdersOfOthersAreRefused(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		data := []byte{1}
		bad := []any{
			map[string]any{"_placeholder": true, "num": 0},
			map[string]any{"_placeholder": true, "num": 99, "more": "x"},
			json.RawMessage(`[{"num":7, "_placeholder" : true}]`),
			json.RawMessage(`{"\u005fplaceholder":true,"num":7}`),
		}
		good := []any{
			map[string]any{"_placeholder": false},
			[]any{"_placeholder", true},
			`{"_placeholder":true,"num":1}`,
			json.RawMessage(`{"\u005fplaceholders":true,"a":"\""}`),
		}
		for i, v := range bad {
			const want = `beside binary values, an object in which "_placeholder" is true`
			if err := w.io.Emit("x", v, data); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%d: %v", i, err)
			}
			if err := w.io.Emit("text", v); err != nil {
				t.Errorf("%d, without binary values: %v", i, err)
			}
			c.peers["a"].hears(`2["text",*`)
		}
		for i, v := range good {
			if err := w.io.Emit("_placeholder", v, data); err != nil {
				t.Errorf("%d: %v", i, err)
			}
			c.peers["a"].hears(`51-["_placeholder",*`, data)
		}
		c.peers["a"].hearsNothing()
	})
}

// The second placeholder may come first, and attachments may come in another order than
// the arguments.
func TestAttachmentsOfAnAnswer(t *testing.T) {
	memory(t, nil, func(w *world) {
		client, _, result, reply := asks(w, patiently)
		client.WantEvent("q")
		client.Conn().Say(`462-0[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`, []byte{7}, []byte{8})
		if err := within(w, "the answer", result); err != nil {
			w.Fatal(err)
		}
		var a, b []byte
		if err := reply.Decode(&a, &b); err != nil || a[0] != 8 || b[0] != 7 {
			t.Errorf("%v %v %v", a, b, err)
		}
	})
}

// Binary data to a namespace, to a room and to the others; no other socket receives it.
func TestOfficialBinaryToMany(t *testing.T) {
	overEach(t, func(w *world, transport siotest.Transport) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("join", func(room string) error { return s.Join(room) })
			s.On("rest", func(b []byte) error { return s.Broadcast().Emit("bin", b) })
			s.On("room", func(room string, b []byte) error { return s.To(room).Emit("bin", b, room) })
		})
		w.io.Of("/far")
		at := func(namespace string) *siotest.Client {
			return w.kit.ConnectWith(&siotest.ClientOptions{Transport: transport, Namespace: namespace})
		}
		alice, bob, carol, far := at("/"), at("/"), at("/"), at("/far")
		silent := func(clients ...*siotest.Client) {
			w.Helper()
			for _, c := range clients {
				c.WantNothing()
			}
		}
		_ = w.io.Emit("bin", []byte{1, 2, 3})
		for _, c := range []*siotest.Client{alice, bob, carol} {
			c.Want("bin", []byte{1, 2, 3})
		}
		silent(far)
		alice.Emit("rest", []byte{4})
		bob.Want("bin", []byte{4})
		carol.Want("bin", []byte{4})
		silent(alice, far)
		for _, c := range []*siotest.Client{bob, carol} {
			c.EmitWithAck("join", "room")
		}
		bob.Emit("room", "room", []byte{5})
		carol.Want("bin", []byte{5}, "room")
		silent(alice, bob, far)
	})
}

// Missing attachments are awaited for 30 s, even if other data arrives slowly.
func TestAttachmentTimeout(t *testing.T) {
	memory(t, nil, func(w *world) {
		for _, transport := range []string{polling, websocket} {
			p := w.join(transport)
			p.says(`53-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]`)
			start := time.Now()
			<-time.After(20 * time.Second)
			p.says([]byte{1})
			p.isClosed(1008)
			if took := time.Since(start); took < 30*time.Second || took > 31*time.Second {
				t.Errorf("the connection closes after 30 s, not after %v", took)
			}

			p = w.join(transport)
			for range 3 { // complete packets restart the timer
				p.says(`51-["x",{"_placeholder":true,"num":0}]`)
				<-time.After(29 * time.Second)
				p.says([]byte{1})
			}
			<-time.After(time.Minute)
			p.isOpen()
		}
	})
}

// The time in which a connection is not read, because handlers are behind, does not count
// for attachments that have been sent.
func TestAttachmentTimeoutWhilePaused(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 4, AttachmentTimeout: 7 * time.Second}}, func(w *world) {
		release := make(chan struct{})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("slow", func() { <-release })
			s.On("big", func(data []byte, text string) int { return len(data) + len(text) })
		})
		p := w.join(websocket)
		for range 4 { // one is being handled and three wait, which is more than half of the bound
			p.says(`2["slow"]`)
			w.settle()
		}
		long := strings.Repeat("a", 100_000) // decoded on a goroutine of its own, so reading stops
		p.says(`51-1["big",{"_placeholder":true,"num":0},"` + long + `"]`)
		p.says([]byte{1, 2, 3})
		<-time.After(time.Minute)
		close(release)
		p.hears(`31[100003]`)

		p.says(`51-2["big",{"_placeholder":true,"num":0},""]`)
		start := time.Now()
		p.isClosed(1008)
		if took := time.Since(start); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("the connection closes after 7 s, not after %v", took)
		}
	})
}

// Attachments are collected only for clients that may send them, which the header shows.
func TestAttachmentsAreNotGatheredForNobody(t *testing.T) {
	const header = `51-%s["x",{"_placeholder":true,"num":0}]`
	setup := func(w *world) (goOn chan struct{}, got chan int) {
		goOn, got = make(chan struct{}), make(chan int, 10)
		w.io.Of("/slow").Use(func(context.Context, *socketio.Socket) error { <-goOn; return nil })
		w.io.OfMatch(func(string, socketio.Handshake) bool { <-goOn; return true })
		for _, name := range []string{"/", "/a"} {
			w.io.Of(name).OnConnection(func(s *socketio.Socket) {
				s.On("x", func(b []byte) { got <- len(b) })
				s.On("go", func() { s.Disconnect() })
			})
		}
		return goOn, got
	}
	ways := map[string]func(p *peer, goOn chan struct{}){
		"nothing joined":            func(p *peer, _ chan struct{}) { p.tries(fmt.Sprintf(header, "")) },
		"another namespace joined":  func(p *peer, _ chan struct{}) { p.joins("/"); p.tries(fmt.Sprintf(header, "/a,")) },
		"an unknown namespace":      func(p *peer, _ chan struct{}) { p.joins("/"); p.tries(fmt.Sprintf(header, "/none,")) },
		"a namespace being joined":  func(p *peer, _ chan struct{}) { p.tries("0/slow,"); p.tries(fmt.Sprintf(header, "/slow,")) },
		"a namespace being sought":  func(p *peer, _ chan struct{}) { p.tries("0/new,"); p.tries(fmt.Sprintf(header, "/new,")) },
		"a namespace that was left": func(p *peer, _ chan struct{}) { p.joins("/a"); p.tries("1/a,"); p.tries(fmt.Sprintf(header, "/a,")) },
		"an acknowledgement":        func(p *peer, _ chan struct{}) { p.tries(`61-7[{"_placeholder":true,"num":0}]`) },
		"in one burst":              func(p *peer, _ chan struct{}) { p.tries("0/slow,", fmt.Sprintf(header, "/slow,")) },
	}
	for name, says := range ways {
		t.Run(name, func(t *testing.T) {
			overBoth(t, nil, func(w *world, transport string) {
				goOn, _ := setup(w)
				defer close(goOn)
				p := w.open(transport)
				says(p, goOn)
				p.isClosed(1002) // no attachment has arrived
			})
		})
	}
	t.Run("Engine.IO 3", func(t *testing.T) {
		memory(t, &socketio.Options{AllowEIO3: true}, func(w *world) {
			goOn, got := setup(w)
			defer close(goOn)
			p := w.joinOld(websocket)
			p.says(fmt.Sprintf(header, ""), []byte{1, 2})
			want(w, "bytes for who has joined", within(w, "the event", got), 2)
			p.says(fmt.Sprintf(header, "/a,"))
			if _, data, err := p.socket.ReadMessage(); err == nil {
				t.Errorf("the client hears %q, and should be closed", data)
			}
		})
	})
	t.Run("those who have joined", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			goOn, got := setup(w)
			defer close(goOn)
			p := w.join(transport)
			p.joins("/a")
			p.says(fmt.Sprintf(header, ""), []byte{1, 2})
			p.says(fmt.Sprintf(header, "/a,"), []byte{1, 2, 3})
			want(w, "bytes of both", within(w, "an event", got)+within(w, "an event", got), 5)
			p.says(`2/a,["go"]`)
			p.hears(`1/a,`)
			p.says(fmt.Sprintf(header, "/a,"), []byte{1}) // it may not know yet
			p.says(fmt.Sprintf(header, ""), []byte{1, 2})
			want(w, "bytes of who is still there", within(w, "an event", got), 2)
		})
	})
}

// The bytes given to Emit are the caller's again when it returns, also if the client does
// not read.
func TestBytesMayBeReusedAfterEmit(t *testing.T) {
	for _, driver := range []engineio.Driver{"", engineio.DriverGoroutine} {
		t.Run("driver "+string(driver), func(t *testing.T) {
			tcp(t, with(nil, driver), func(w *world) {
				joined := make(chan *socketio.Socket, 1)
				w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
				c := w.raw()
				s := within(w, "the connection", joined)
				sizes := [][]int{{16 << 10}, {100, 20 << 10, 0}, {6 << 20, 8 << 10}, {10}, {100 << 10}, {0, 9000, 1 << 20}}
				buf := make([]byte, 6<<20)
				fill := func(message, attachment, size int) []byte {
					for i := range size {
						buf[i] = byte(i>>8 ^ i + 31*message + 7*attachment)
					}
					return buf[:size]
				}
				for i, list := range sizes {
					args := []any{i}
					if len(list) == 1 {
						args = append(args, fill(i, 0, list[0]))
					} else {
						for j, size := range list {
							args = append(args, bytes.Clone(fill(i, j, size)))
						}
					}
					if err := s.Emit("bytes", args...); err != nil {
						t.Fatal(err)
					}
					for _, arg := range args[1:] {
						clear(arg.([]byte))
					}
				}
				for i, list := range sizes {
					op, text, err := c.ReadMessage()
					if prefix := fmt.Sprintf(`45%d-["bytes",%d,`, len(list), i); err != nil || op != ws.Text || !strings.HasPrefix(string(text), prefix) {
						t.Fatalf("message %d: %v %.60q %v, want %q", i, op, text, err, prefix)
					}
					for j, size := range list {
						op, data, err := c.ReadMessage()
						if err != nil || op != ws.Binary || !bytes.Equal(data, fill(i, j, size)) {
							t.Fatalf("attachment %d of message %d: %v, %d bytes (%v), want %d others", j, i, op, len(data), err, size)
						}
					}
				}
			})
		})
	}
}
