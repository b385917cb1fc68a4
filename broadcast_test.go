// SPDX-License-Identifier: MIT

// This file holds acknowledgements of many, the operators of a broadcast, and what
// is done with many sockets at once.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/parser"
	"socketio/parser/msgpack"
)

// answers is what ranging over the acknowledgements of many gave.
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

// ends expects that the range has ended, with these answers, and without an error
// or with one that names who was silent.
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

// What came with the answer can be decoded in the loop.
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

// Who goes is silent at once; nobody waits for the deadline.
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

// A break forgets the answers to come, and so does a context that ends. Nothing is
// left: the bound on awaited acknowledgements has room again.
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

// What can't be sent is one error, and nobody is asked.
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

// A handler may ask many and wait, its own client among them, though events of
// that client wait meanwhile.
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

// When events pile up beyond four times the bound, those who are asked count as
// silent instead of blocking the connection for ever.
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

// A volatile question that is dropped is answered by nobody, and known to be.
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

// The socket that broadcasts is not asked.
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

func TestOperators(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "x")
		a := c.sockets["a"]
		c.hear("local", w.io.Local().Emit, "a", "ab", "x")
		c.hear("local of a namespace", w.io.Of("/").Local().To("a").Emit, "a", "ab")
		c.hear("local of a socket", a.Local().Emit, "ab", "x")
		c.hear("uncompressed", w.io.Compress(false).Emit, "a", "ab", "x")
		c.hear("compressed", w.io.Compress(true).To("x").Emit, "x")
		c.hear("uncompressed, one", a.Compress(false).Emit, "a")
		c.hear("timeout has no meaning", w.io.Timeout(time.Second).To("x").Emit, "x")
		c.hear("all of them", w.io.Local().Compress(false).Timeout(time.Second).To("a").Except("b").Emit, "a")
	})
}

func TestTimeoutMustBePositive(t *testing.T) {
	io := socketio.NewServer(nil)
	defer io.Close()
	for _, d := range []time.Duration{0, -1} {
		func() {
			defer func() {
				if s, _ := recover().(string); !strings.Contains(s, "Timeout") {
					t.Errorf("%v panics and says why: %q", d, s)
				}
			}()
			io.Timeout(d)
		}()
	}
}

// many is the methods that a Server, a Namespace and a Broadcast share.
type many interface {
	SocketsJoin(rooms ...string) error
	SocketsLeave(rooms ...string) error
	DisconnectSockets() error
	CloseConns() error
	FetchSockets(ctx context.Context) ([]socketio.RemoteSocket, error)
}

func TestManySocketsAtOnce(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "b", "x")
		for i, test := range []struct {
			many  many
			names string
		}{
			{w.io, "a ab b x"},
			{w.io.Of("/"), "a ab b x"},
			{w.io.To("a"), "a ab"},
			{w.io.To("a", "b").Except("b"), "a"},
			{c.sockets["x"].Broadcast(), "a ab b"},
			{c.sockets["a"].To("a"), "ab"},
			{w.io.To(), ""},
			{w.io.To("nobody"), ""},
		} {
			room := fmt.Sprint("room", i)
			if err := test.many.SocketsJoin(room, "second"); err != nil {
				t.Error(err)
			}
			names := func(b many) string {
				found, err := b.FetchSockets(w.Context())
				if err != nil {
					t.Error(err)
				}
				var names []string
				for _, r := range found {
					names = append(names, c.nameOf(r.ID()))
				}
				slices.Sort(names)
				return strings.Join(names, " ")
			}
			want(t, "found", names(test.many), test.names)
			want(t, "joined", names(w.io.To(room)), test.names)
			want(t, "joined the second", names(w.io.To("second")), test.names)
			if err := test.many.SocketsLeave(room, "second", "never joined"); err != nil {
				t.Error(err)
			}
			want(t, "left", names(w.io.To(room, "second")), "")
		}
	})
}

func TestDisconnectSockets(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "ab", "b")
		reasons := newList()
		for _, s := range c.sockets {
			s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(string(r)) })
		}
		_ = w.io.To("a").Emit("bye")
		if err := c.sockets["a"].To("a").DisconnectSockets(); err != nil {
			t.Error(err)
		}
		c.peers["ab"].hears(`2["bye"]`, `1`)
		c.peers["ab"].isOpen()
		want(t, "the reason", reasons.await(w, 1)[0], "server namespace disconnect")
		if err := w.io.CloseConns(); err != nil {
			t.Error(err)
		}
		c.peers["a"].hears(`2["bye"]`, `1`)
		c.peers["b"].hears(`1`)
		reasons.await(w, 3)
		for _, name := range []string{"a", "b"} {
			if _, err := c.peers[name].next(); !errors.Is(err, io.EOF) {
				t.Logf("the end of %s: %v", name, err)
			}
		}
		want(t, "sockets left", len(w.io.Sockets()), 0)
	})
}

func TestSocketsJoinLimits(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxRooms: 2}}, func(w *world) {
		c := newCrowd(w, websocket, "a", "bc")
		if err := w.io.SocketsJoin(strings.Repeat("r", 513)); !errors.Is(err, socketio.ErrRoomName) {
			t.Errorf("a long name: %v", err)
		}
		if err := w.io.SocketsJoin("d"); !errors.Is(err, socketio.ErrTooManyRooms) {
			t.Errorf("one is in too many: %v", err)
		}
		want(t, "the other has joined", len(c.sockets["a"].Rooms()), 3)
		want(t, "this one has not", len(c.sockets["bc"].Rooms()), 3)
	})
}

// Questions and catch-alls with a codec that is not the default.
func TestManyWithMsgpack(t *testing.T) {
	memory(t, &socketio.Options{Codec: new(msgpack.Codec)}, func(w *world) {
		seen := newList()
		joined := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnAnyOutgoing(func(event string, args socketio.Args) {
				var n int
				var b []byte
				if err := args.Decode(&n, &b); err != nil {
					t.Error(err)
				}
				seen.add(fmt.Sprint(event, n, b))
			})
			joined <- s
		})
		p := w.open(websocket)
		p.says(pack(parser.TypeConnect, "/", -1))
		within(w, "the connection", joined)
		if err := w.io.Emit("e", 5, []byte{1, 2}); err != nil {
			t.Error(err)
		}
		want(t, "what was seen", seen.await(w, 1)[0], "e5 [1 2]")
		replies := make(chan string, 2)
		go func() {
			for reply, err := range w.io.EmitWithAck(w.Context(), "q", 6, []byte{3}) {
				replies <- fmt.Sprint(reply, err)
			}
			close(replies)
		}()
		want(t, "what was seen of the question", seen.await(w, 2)[1], "q6 [3]")
		p.says(pack(parser.TypeAck, "/", 0, "yes"))
		want(t, "the answer", within(w, "the answer", replies), `["yes"] <nil>`)
		want(t, "the end", within(w, "the end", replies), "")
	})
}
