// SPDX-License-Identifier: MIT

// This file holds the conformance traps and quirks of acknowledgements of many and
// of outgoing catch-alls, by the numbers of docs/conformance.md.

package socketio_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"socketio"
)

// Trap 40: a stored choice of rooms does not gather those of later ones.
func TestTrap40QuestionsAreValues(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a", "b", "c")
		stored := w.io.To("a")
		steps := []func() socketio.Broadcast{
			func() socketio.Broadcast { return stored.To("b") },
			func() socketio.Broadcast { return stored.In("c") },
			func() socketio.Broadcast { return stored.Except("a") },
			func() socketio.Broadcast { return stored.Volatile() },
			func() socketio.Broadcast { return stored.Compress(false) },
			func() socketio.Broadcast { return stored.Local() },
			func() socketio.Broadcast { return stored.Timeout(time.Nanosecond) },
		}
		for _, step := range steps {
			_ = step()
			c.hear("the stored one", stored.Emit, "a")
		}
		base := w.io.To("x").To("y").To("a") // a list with room to grow
		b, d := base.To("b"), base.To("c")
		c.hear("one branch", b.Emit, "a", "b")
		c.hear("the other", d.Emit, "a", "c")
		start := time.Now()
		a := c.ask(stored, w.Context(), "q") // without the Timeout of a step above
		a.ends(c, context.DeadlineExceeded, nil, "a")
		want(t, "the wait", time.Since(start), 20*time.Second)
	})
}

// Trap 46: who is in several of the rooms gets one copy, and is asked once.
func TestTrap46EachSocketIsAskedOnce(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "abc", "ab", "a", "x")
		c.hear("three rooms", w.io.To("a", "b", "c").Emit, "abc", "ab", "a")
		c.hear("the same room and its id", w.io.To("a", "a", c.sockets["a"].ID()).Emit, "abc", "ab", "a")
		c.hear("without one room", w.io.To("a", "b").Except("c").Emit, "ab", "a")
		a := c.ask(w.io.To("b", "a", "b").Except("c"), w.Context(), "q")
		for _, name := range []string{"ab", "a"} {
			c.peers[name].hears(`20["q"]`)
		}
		c.peers["a"].says(`30[]`)
		a.replies.await(w, 1)
		c.peers["ab"].says(`30[]`)
		a.ends(c, nil, []string{"a []", "ab []"})
		c.hear("nothing came between", w.io.Emit, "abc", "ab", "a", "x")
	})
}

// Trap 47: the answers that came are there when time is up; when nobody is asked
// the answer is at hand.
func TestTrap47PartialAnswersAndNobody(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a", "b", "c")
		start := time.Now()
		a := c.ask(w.io.Timeout(5*time.Second), w.Context(), "q")
		for _, name := range c.names {
			c.peers[name].hears(`20["q"]`)
		}
		c.peers["c"].says(`30[3]`)
		w.settle()
		c.peers["a"].says(`30[1]`)
		a.ends(c, context.DeadlineExceeded, []string{"c [3]", "a [1]"}, "b")
		want(t, "the wait", time.Since(start), 5*time.Second)
		c.peers["b"].says(`30["late"]`)
		c.peers["b"].isOpen()

		start = time.Now()
		for _, nobody := range []socketio.Broadcast{w.io.To("nobody"), w.io.To(), w.io.Except("a", "b", "c"), c.sockets["a"].To("a")} {
			c.ask(nobody, w.Context(), "q").ends(c, nil, nil)
		}
		want(t, "the wait for nobody", time.Since(start), 0)
	})
}

// Trap 48: the outgoing catch-alls of a socket see the broadcasts that reach it.
func TestTrap48OutgoingCatchAllsSeeBroadcasts(t *testing.T) {
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
}

// Quirk 15: a question to many without a time limit has one.
func TestQuirk15TimeoutsHaveADefault(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		start := time.Now()
		a := c.ask(w.io.To("a"), context.Background(), "q")
		c.peers["a"].hears(`20["q"]`)
		time.Sleep(19 * time.Second) // in virtual time
		c.peers["a"].says(`30["in time"]`)
		a.ends(c, nil, []string{`a ["in time"]`})
		want(t, "the wait", time.Since(start), 19*time.Second)
		late := c.ask(w.io.To("a"), context.Background(), "q")
		late.ends(c, context.DeadlineExceeded, nil, "a")
		want(t, "the wait", time.Since(start), 39*time.Second)
	})
}

// Quirk 17: what is documented for servers and namespaces is there.
func TestQuirk17ServersAndNamespacesAsk(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a")
		w.io.Of("/other")
		done := make(chan string, 2)
		for i, ask := range []func(context.Context, string, ...any) iter.Seq2[socketio.Reply, error]{w.io.EmitWithAck, w.io.Of("/").EmitWithAck} {
			go func() {
				for reply, err := range ask(w.Context(), "q", i) {
					done <- fmt.Sprint(reply.SocketID == c.sockets["a"].ID(), reply, err)
				}
			}()
			c.peers["a"].hears(fmt.Sprintf(`2%d["q",%d]`, i, i))
			c.peers["a"].says(fmt.Sprintf(`3%d["yes"]`, i))
			want(t, "the answer", within(w, "the answer", done), `true ["yes"] <nil>`)
		}
	})
}
