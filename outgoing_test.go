// SPDX-License-Identifier: MIT

// This file holds the tests of catch-all listeners, for received and sent events.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"socketio"
)

// Direct emits, emits with acknowledgement, and OnAny with the sender and the namespace.
func TestOnAnyOutgoing(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		seen, joined := newList(), make(chan *socketio.Socket, 1)
		ns := w.io.Of("/a[1]") // a name with a bracket in it
		ns.OnConnection(func(s *socketio.Socket) {
			s.OnAnyOutgoing(func(event string, args socketio.Args) {
				seen.add(fmt.Sprint(event, " ", args, " ", len(args.Attachments())))
			})
			s.On("ask", func() string { return "an acknowledgement is not seen" })
			joined <- s
		})
		p := w.open(transport)
		p.joins("/a[1]")
		s := within(w, "the connection", joined)
		_ = s.Emit("direct", 1, "[")
		_ = s.Send([]byte{1}, []byte{2})
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			for range ns.EmitWithAck(w.Context(), "asked", 12) {
				break
			}
		}()
		p.hears(`2/a[1],["direct",1,"["]`, `52-/a[1],["message",*]`, []byte{1}, []byte{2}, `2/a[1],0["asked",12]`)
		p.says(`3/a[1],0[]`)
		within(w, "the answer to all", asked)
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		_, _ = s.EmitWithAck(ctx, "not sent")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = s.EmitWithAck(w.Context(), "one", 2)
		}()
		answersOne(w, p, done)
		p.says(`2/a[1],7["ask"]`)
		p.hears(`3/a[1],7["an acknowledgement is not seen"]`)
		for i, expected := range []string{
			`direct [1,"["] 0`,
			`message [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] 2`,
			`asked [12] 0`,
			`one [2] 0`,
		} {
			want(t, "what is seen", seen.await(w, i+1)[i], expected)
		}
		want(t, "how much is seen", len(seen.all()), 4)
	})
}

// answersOne answers the question of one.
func answersOne(w *world, p *peer, done chan struct{}) {
	w.Helper()
	p.hears(`2/a[1],*["one",2]`)
	p.says(`3/a[1],1[]`)
	within(w, "the answer", done)
}

// Listeners are added and removed; a panic affects no other; a removed one is not called.
func TestOutgoingListenersComeAndGo(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a", "b")
		errs := newList()
		w.io.OnError(func(_ *socketio.Socket, err *socketio.HandlerError) { errs.add(err.Error()) })
		seen := newList()
		s := c.sockets["a"]
		first := s.OnAnyOutgoing(func(event string, _ socketio.Args) { seen.add("first " + event) })
		crash := s.OnAnyOutgoing(func(string, socketio.Args) { panic("boom") })
		second := s.OnAnyOutgoing(func(event string, _ socketio.Args) { seen.add("second " + event) })
		c.hear("x", w.io.Emit, "a", "b")
		first()
		first()
		crash()
		_ = s.Emit("y")
		second()
		_ = s.Emit("z")
		c.peers["a"].hears(`2["y"]`, `2["z"]`)
		want(t, "what is seen", strings.Join(seen.all(), ", "), "first e, second e, first end, second end, second y")
		want(t, "the panics", strings.Join(errs.all(), ", "), `socketio: event "e": panic: boom, socketio: event "end": panic: boom`)
		s.OnAnyOutgoing(func(event string, _ socketio.Args) { seen.add("late " + event) })
		s.Disconnect()
		_ = s.Emit("to nobody")
		_ = w.io.Emit("to others")
		want(t, "who is gone", len(seen.all()), 5)
		for name, call := range map[string]func(){
			"OnAny": func() { s.OnAny(nil) }, "OnAnyOutgoing": func() { s.OnAnyOutgoing(nil) },
		} {
			func() {
				defer func() {
					if r, _ := recover().(string); !strings.Contains(r, name) {
						t.Errorf("%s(nil) panics and says why: %q", name, r)
					}
				}()
				call()
			}()
		}
	})
}

// A volatile event that was dropped is not seen.
func TestOutgoingListenersSeeWhatIsSent(t *testing.T) {
	memory(t, nil, func(w *world) {
		seen, joined := newList(), make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnAnyOutgoing(func(event string, _ socketio.Args) { seen.add(event) })
			joined <- s
		})
		p := w.open(polling)
		p.joins("/")
		s := within(w, "the connection", joined)
		w.settle()
		_ = s.Volatile().Emit("taken")
		w.settle()
		close(p.pause)
		w.settle()
		_ = s.Emit("last") // it ends the last poll
		w.settle()
		_ = s.Volatile().Emit("dropped")
		want(t, "what is seen", strings.Join(seen.all(), " "), "taken last")
	})
}

// Trap 48: the outgoing catch-alls of a socket see the broadcasts that reach it.
func TestOutgoingCatchAllsSeeBroadcasts(t *testing.T) {
	t.Run("trap 48", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			c := newCrowd(w, transport, "a", "b")
			seen := newList()
			c.sockets["a"].OnAnyOutgoing(func(event string, args socketio.Args) { seen.add(event + " " + args.String()) })
			_ = w.io.Emit("all", 1)
			_ = w.io.To("a").Emit("room", []byte{1})
			_ = w.io.To("b").Emit("not me")
			_ = c.sockets["b"].Broadcast().Emit("others")
			_ = c.sockets["a"].Broadcast().Emit("not me")
			_ = w.io.Except("a").Emit("not me")
			_ = w.io.Of("/").Send("m")
			for i, expected := range []string{`all [1]`, `room [{"_placeholder":true,"num":0}]`, `others []`, `message ["m"]`} {
				want(t, "what is seen", seen.await(w, i+1)[i], expected)
			}
			want(t, "how much is seen", len(seen.all()), 4)
		})
	})
}
