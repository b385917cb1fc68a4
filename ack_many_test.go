// SPDX-License-Identifier: MIT

// This file holds the tests of broadcasts with acknowledgements: the sockets that are
// selected, the replies, and the end.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
)

// answers is the result of ranging over the acknowledgements of a broadcast.
type answers struct {
	w       *world
	replies *list // "name answer" as they come
	done    chan error
}

// ask ranges on a goroutine of its own.
func (c *crowd) ask(b socketio.Broadcast, ctx context.Context, event string, args ...any) *answers {
	a := &answers{w: c.w, replies: newList(), done: make(chan error, 1)}
	go func() {
		var last error
		for reply, err := range b.EmitWithAck(ctx, event, args...) {
			if err != nil {
				last = err
				continue
			}
			a.replies.add(c.nameOf(reply.SocketID) + " " + reply.String())
		}
		a.done <- last
	}()
	return a
}

func (c *crowd) nameOf(id string) string {
	for name, s := range c.sockets {
		if s.ID() == id {
			return name
		}
	}
	return "nobody"
}

// ends expects that the range has ended, with these answers, and without an error or with
// one that names the silent sockets.
func (a *answers) ends(c *crowd, cause error, replies []string, silent ...string) {
	a.w.Helper()
	err := within(a.w, "the end of the range", a.done)
	want(a.w, "the answers", strings.Join(a.replies.all(), "; "), strings.Join(replies, "; "))
	if cause == nil {
		if err != nil {
			a.w.Errorf("all have answered, but: %v", err)
		}
		return
	}
	var se *socketio.PartialError
	if !errors.As(err, &se) || !errors.Is(err, cause) {
		a.w.Fatalf("the error should be a PartialError that wraps %v, but is %v", cause, err)
	}
	var names []string
	for _, id := range se.Sockets {
		names = append(names, c.nameOf(id))
		if len(se.Sockets) <= 3 && !strings.Contains(err.Error(), id) {
			a.w.Errorf("the error names who is silent: %v", err)
		}
	}
	slices.Sort(names)
	want(a.w, "the silent", strings.Join(names, " "), strings.Join(silent, " "))
	want(a.w, "how many are silent", se.Missing, len(silent))
}

func TestEmitWithAckOfMany(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "b")
		a := c.ask(w.io.To("a", "b").Except(c.sockets["b"].ID()), w.Context(), "q", 1, []byte{7})
		for _, name := range []string{"a", "ab"} {
			c.peers[name].hears(`51-0["q",1,{"_placeholder":true,"num":0}]`, []byte{7})
		}
		c.peers["ab"].says(`30["first"]`)
		a.replies.await(w, 1) // it comes before the others have answered
		c.peers["b"].says(`30["not asked"]`)
		c.peers["a"].says(`61-0[{"_placeholder":true,"num":0},2]`, []byte{8})
		a.replies.await(w, 2)
		a.ends(c, nil, []string{`ab ["first"]`, `a [{"_placeholder":true,"num":0},2]`})

		again := c.ask(w.io.To("b"), w.Context(), "q") // the next id of the namespace
		c.peers["ab"].hears(`21["q"]`)
		c.peers["b"].hears(`21["q"]`)
		c.peers["ab"].says(`31[]`, `31["twice"]`)
		again.replies.await(w, 1)
		c.peers["b"].says(`31[]`)
		again.ends(c, nil, []string{"ab []", "b []"})
	})
}

// The arguments of a reply can be decoded in the loop.
func TestRepliesDecode(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		done := make(chan struct{})
		go func() {
			defer close(done)
			for reply, err := range w.io.EmitWithAck(w.Context(), "q") {
				var name string
				var data []byte
				if err != nil || reply.Decode(&name, &data) != nil || name != "x" || string(data) != "\x09" || reply.Node != "" {
					t.Errorf("%q %v %v", name, data, err)
				}
			}
		}()
		c.peers["a"].hears(`20["q"]`)
		c.peers["a"].says(`61-0["x",{"_placeholder":true,"num":0}]`, []byte{9})
		within(w, "the end of the range", done)
	})
}

// A client that disconnects counts as silent at once; the range does not wait for the
// deadline.
func TestWhoGoesIsSilentAtOnce(t *testing.T) {
	for name, end := range map[string]func(c *crowd){
		"client leaves":     func(c *crowd) { c.peers["b"].says(`1`) },
		"connection lost":   func(c *crowd) { c.peers["b"].goes() },
		"server disconnect": func(c *crowd) { c.sockets["b"].Disconnect() },
		"with connection":   func(c *crowd) { c.sockets["b"].CloseConn() },
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				c := newCrowd(w, websocket, "a", "b")
				start := time.Now()
				a := c.ask(w.io.To("a", "b"), w.Context(), "q")
				c.peers["b"].hears(`20["q"]`)
				end(c)
				w.settle()
				select {
				case err := <-a.done:
					t.Errorf("the other has not answered yet: %v", err)
				default:
				}
				c.peers["a"].hears(`20["q"]`)
				c.peers["a"].says(`30[1]`)
				a.ends(c, socketio.ErrClosed, []string{"a [1]"}, "b")
				want(t, "the wait", time.Since(start), 0)
			})
		})
	}
}

func TestTimeLimitsOfMany(t *testing.T) {
	for name, test := range map[string]struct {
		timeout, ctx, want time.Duration
	}{
		"none":                       {0, 0, 20 * time.Second},
		"of the broadcast":           {3 * time.Second, 0, 3 * time.Second},
		"of the context":             {0, 50 * time.Second, 50 * time.Second},
		"of the context, earlier":    {9 * time.Second, 2 * time.Second, 2 * time.Second},
		"of the broadcast, earlier":  {2 * time.Second, 9 * time.Second, 2 * time.Second},
		"longer than the default":    {30 * time.Second, 0, 30 * time.Second},
		"as short as there can be":   {1, 0, 1},
		"a context without a moment": {0, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				c := newCrowd(w, websocket, "a")
				b, ctx := w.io.To("a"), w.Context()
				if test.timeout > 0 {
					b = b.Timeout(test.timeout)
				}
				if test.ctx != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.ctx)
					defer cancel()
				}
				start := time.Now()
				a := c.ask(b, ctx, "q")
				err := within(w, "the end of the range", a.done)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("the error is that of the deadline, not %v", err)
				}
				want(t, "the wait", time.Since(start), test.want)
			})
		})
	}
}

// A break discards later answers, and so does a context that ends. Nothing is left: the
// bound on awaited acknowledgements has room again.
func TestBreakingOff(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxPendingAcks: 1}}, func(w *world) {
		c := newCrowd(w, websocket, "a", "b")
		go func() {
			for range w.io.EmitWithAck(w.Context(), "q", 1) {
				break
			}
		}()
		c.peers["a"].hears(`20["q",1]`)
		c.peers["b"].hears(`20["q",1]`)
		c.peers["a"].says(`30[]`)
		w.settle()
		ctx, cancel := context.WithCancel(w.Context())
		second := c.ask(w.io.To("a", "b"), ctx, "q", 2)
		c.peers["a"].hears(`21["q",2]`)
		c.peers["b"].hears(`21["q",2]`)
		c.peers["b"].says(`30["late"]`)
		w.settle()
		cancel()
		second.ends(c, context.Canceled, nil, "a", "b")

		third := c.ask(w.io.To("a", "b"), w.Context(), "q", 3)
		c.peers["a"].hears(`22["q",3]`)
		c.peers["b"].hears(`22["q",3]`)
		fourth := c.ask(w.io.To("a", "b"), w.Context(), "q", 4) // one too many for each
		fourth.ends(c, socketio.ErrTooManyPendingAcks, nil, "a", "b")
		c.peers["a"].says(`32[]`)
		w.settle()
		c.peers["b"].says(`32[]`)
		third.ends(c, nil, []string{"a []", "b []"})
		c.peers["a"].hearsNothing()
	})
}

// An event that can't be sent gives one error, and no socket is asked.
func TestQuestionsThatCannotBeSent(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a")
		ended, cancel := context.WithCancel(w.Context())
		cancel()
		for i, test := range []struct {
			ctx   context.Context
			event string
			arg   any
			is    error
		}{{w.Context(), "connect", 1, socketio.ErrReservedEvent}, {w.Context(), "q", func() {}, nil}, {ended, "q", 1, context.Canceled}} {
			steps := 0
			for reply, err := range w.io.EmitWithAck(test.ctx, test.event, test.arg) {
				steps++
				if err == nil || test.is != nil && !errors.Is(err, test.is) || reply.Len() != 0 {
					t.Errorf("%d: %v %v", i, reply, err)
				}
			}
			want(t, fmt.Sprint("steps of ", i), steps, 1)
		}
		c.peers["a"].hearsNothing()
	})
}

// A handler may send a broadcast with acknowledgements and wait, also for its own client,
// even if events of that client are waiting.
func TestAskingManyInsideAHandler(t *testing.T) {
	overBothWith(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 2}}, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 2}}, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "b")
		c.sockets["a"].On("poll", func() (n int, err error) {
			for _, e := range w.io.EmitWithAck(w.Context(), "q") {
				if e != nil {
					return n, e
				}
				n++
			}
			return n, nil
		})
		c.sockets["a"].On("more", func() {})
		c.peers["a"].says(`25["poll"]`)
		c.peers["a"].hears(`20["q"]`)
		c.peers["b"].hears(`20["q"]`)
		c.peers["a"].says(`2["more"]`, `2["more"]`, `2["more"]`)
		c.peers["a"].says(`30[]`)
		c.peers["b"].says(`30[]`)
		c.peers["a"].hears(`35[2]`)
	})
}

// When events exceed four times the bound, the recipients count as silent, so that the
// connection is not blocked forever.
func TestAskingManyWithAFullInbox(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 2}}, func(w *world) {
		c := newCrowd(w, websocket, "a", "b")
		result := make(chan error, 1)
		c.sockets["a"].On("poll", func() {
			for _, err := range w.io.EmitWithAck(w.Context(), "q") {
				if err != nil {
					result <- err
				}
			}
		})
		handled := newList()
		c.sockets["a"].On("more", func() { handled.add("more") })
		c.peers["a"].says(`2["poll"]`)
		c.peers["a"].hears(`20["q"]`)
		c.peers["b"].hears(`20["q"]`)
		c.peers["b"].says(`30[]`)
		for range 12 {
			c.peers["a"].says(`2["more"]`)
		}
		if err := within(w, "the end of the range", result); !errors.Is(err, socketio.ErrInboxFull) {
			t.Errorf("the error is ErrInboxFull, not %v", err)
		}
		handled.await(w, 12) // and reading goes on
	})
}

// The socket that broadcasts does not receive the event.
func TestAskingAllButOne(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, websocket, "a", "b")
		a := c.ask(c.sockets["a"].Broadcast(), w.Context(), "q")
		c.peers["b"].hears(`20["q"]`)
		c.peers["b"].says(`30[]`)
		a.ends(c, nil, []string{"b []"})
		c.peers["a"].hearsNothing()
	})
}

// Trap 40: a stored broadcast does not accumulate the rooms of later ones.
func TestBroadcastAcksAreValues(t *testing.T) {
	t.Run("trap 40", func(t *testing.T) {
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
	})
}

// Trap 46: a socket in several of the rooms receives one copy, and answers once.
func TestEachSocketAcknowledgesOnce(t *testing.T) {
	t.Run("trap 46", func(t *testing.T) {
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
	})
}

// Trap 47: at the timeout the replies so far are there; if no socket is selected, the
// result is there at once.
func TestPartialRepliesAndNobody(t *testing.T) {
	t.Run("trap 47", func(t *testing.T) {
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
	})
}

// Quirk 15: a broadcast with acknowledgements has a default timeout.
func TestTimeoutsHaveADefault(t *testing.T) {
	t.Run("quirk 15", func(t *testing.T) {
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
			remote, err := w.io.To("a").FetchSockets(w.Context())
			if err != nil || len(remote) != 1 {
				t.Fatal(remote, err)
			}
			if _, err := remote[0].EmitWithAck(context.Background(), "q"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a RemoteSocket: %v", err)
			}
			want(t, "the wait", time.Since(start), 59*time.Second)
		})
	})
}

// Quirk 17: the methods that are documented for servers and namespaces exist.
func TestAcksOfServersAndNamespaces(t *testing.T) {
	t.Run("quirk 17", func(t *testing.T) {
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
	})
}
