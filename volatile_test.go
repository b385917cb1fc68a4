// SPDX-License-Identifier: MIT

// This file holds the tests of volatile events.

package socketio_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/siotest"
)

// A volatile event is dropped as a whole for a client that can't receive it now.
func TestVolatile(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		p := w.open(polling)
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { joined <- s })
		p.joins("/")
		s := within(w, "the connection", joined)
		w.settle()
		_ = w.io.Volatile().Emit("v", 1)
		p.hears(`2["v",1]`)
		c.peers["a"].hears(`2["v",1]`)
		close(p.pause)
		w.settle()
		_ = w.io.Emit("last") // it ends the last poll
		p.hears(`2["last"]`)
		c.peers["a"].hears(`2["last"]`)
		w.settle()
		_ = s.To().Volatile().Emit("v", 2)
		_ = w.io.Volatile().Emit("v", 3, []byte("with an attachment"))
		_ = w.io.Emit("kept", 4, []byte{4})
		c.peers["a"].hears(`51-["v",3,{"_placeholder":true,"num":0}]`, []byte("with an attachment"), `51-["kept",4,{"_placeholder":true,"num":0}]`, []byte{4})
		status, body := p.request("GET", "?EIO=4&transport=polling&sid="+p.sid, "")
		want(t, "the status", status, 200)
		want(t, "what waited", body, "451-[\"kept\",4,{\"_placeholder\":true,\"num\":0}]\x1ebBA==")
	})
}

// A volatile event with acknowledgement that is dropped returns an error.
func TestVolatileQuestion(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		p := w.open(polling)
		p.joins("/")
		w.settle()
		close(p.pause)
		w.settle()
		_ = w.io.Emit("last") // it ends the last poll
		w.settle()
		c.peers["a"].hears(`2["last"]`)
		steps := newList()
		done := make(chan error, 1)
		start := time.Now()
		go func() {
			for reply, err := range w.io.Volatile().EmitWithAck(w.Context(), "q") {
				if err != nil {
					done <- err
					return
				}
				steps.add(reply.String())
			}
		}()
		c.peers["a"].hears(`20["q"]`)
		c.peers["a"].says(`30[1]`)
		var silent *socketio.PartialError
		if err := within(w, "the end of the range", done); !errors.As(err, &silent) || len(silent.Sockets) != 1 {
			t.Error(err)
		}
		want(t, "the answers", strings.Join(steps.all(), " "), "[1]")
		want(t, "the wait", time.Since(start), 0)
	})
}

func TestVolatileDropsWhole(t *testing.T) {
	t.Run("trap 45", func(t *testing.T) {
		memory(t, nil, func(w *world) {
			sockets := make(chan *socketio.Socket, 1)
			w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
			p := w.join(polling)
			s := within(w, "the connection", sockets)
			w.settle()
			mustEmit(t, s.Volatile(), "first", []byte{1})
			mustEmit(t, s.Volatile(), "second", []byte{2}) // the poll has something to say already
			mustEmit(t, s, "third", []byte{3})
			p.hears(`51-["first",{"_placeholder":true,"num":0}]`, []byte{1}, `51-["third",{"_placeholder":true,"num":0}]`, []byte{3})
			p.hearsNothing()
		})
	})
}

// While a network stalls, volatile events are dropped, each with its attachments, by
// themselves or in a broadcast; the others wait. What comes later arrives.
func TestOfficialVolatileOnAStalledNetwork(t *testing.T) {
	memory(t, nil, func(w *world) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		c := w.kit.Connect()
		s := within(w, "the connection", sockets)
		long := strings.Repeat("x", 1<<20) // more than the way to the client holds
		for _, emit := range []func(string, ...any) error{s.Volatile().Emit, w.io.Volatile().Emit} {
			c.Link().Stall(siotest.Down)
			_ = s.Emit("first", long)
			w.settle()
			_ = emit("dropped", []byte{1, 2, 3})
			_ = emit("dropped")
			_ = s.Emit("last", []byte{4})
			c.Link().Heal()
			c.Want("first", long)
			c.Want("last", []byte{4})
			w.settle()
			_ = emit("volatile", []byte{5})
			c.Want("volatile", []byte{5})
			c.WantNothing()
		}
	})
}
