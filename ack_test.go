// SPDX-License-Identifier: MIT

// This file holds the tests of acknowledgements sent by clients and by the server.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/siotest"
)

type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("boom") }

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// A client that asks gets one answer, whatever the handler does; without a handler it
// gets none.
func TestAnswers(t *testing.T) {
	public := &socketio.PublicError{Message: "no \"seats\"", Code: "FULL"}
	var nilPublic *socketio.PublicError
	var nilOwn *nilError
	const internal = `[{"error":{"message":"internal error","code":""}}]`
	for name, test := range map[string]struct {
		handlers []any
		args     string
		answer   string // empty: none
		logged   string // what OnError gets
	}{
		"nothing returned":            {[]any{func() {}}, ``, `[]`, ""},
		"nil error":                   {[]any{func() error { return nil }}, ``, `[]`, ""},
		"one result":                  {[]any{func() string { return "a" }}, ``, `["a"]`, ""},
		"several results":             {[]any{func() (int, []string, error) { return 1, []string{"b"}, nil }}, ``, `[1,["b"]]`, ""},
		"no handler":                  {nil, ``, ``, ""},
		"error":                       {[]any{func() (int, error) { return 1, errors.New("secret") }}, ``, internal, `socketio: event "q": secret`},
		"public error":                {[]any{func() error { return public }}, ``, `[{"error":{"message":"no \"seats\"","code":"FULL"}}]`, `socketio: event "q": no "seats"`},
		"wrapped public error":        {[]any{func() error { return fmt.Errorf("db: %w", public) }}, ``, `[{"error":{"message":"no \"seats\"","code":"FULL"}}]`, `socketio: event "q": db: no "seats"`},
		"public error with data":      {[]any{func() error { return &socketio.PublicError{Message: "no", Data: []string{"name"}} }}, ``, `[{"error":{"message":"no","code":"","data":["name"]}}]`, `socketio: event "q": no`},
		"data that does not encode":   {[]any{func() error { return &socketio.PublicError{Message: "no", Data: explosive{}} }}, ``, `[{"error":{"message":"no","code":""}}]`, `socketio: event "q": no`},
		"public error that is nil":    {[]any{func() error { return nilPublic }}, ``, internal, "*"},
		"own error that is nil":       {[]any{func() error { return nilOwn }}, ``, internal, "*"},
		"panic":                       {[]any{func() { panic("secret") }}, ``, internal, `socketio: event "q": panic: secret`},
		"argument of the wrong type":  {[]any{func(int) {}}, `,"x"`, `[{"error":{"message":"invalid argument 1","code":"invalid_argument"}}]`, `socketio: event "q": argument 1: *`},
		"second argument is missing":  {[]any{func(int, string) {}}, `,1`, `[{"error":{"message":"invalid argument 2","code":"invalid_argument"}}]`, `socketio: event "q": argument 2: socketio: missing argument`},
		"result that does not encode": {[]any{func() any { return func() {} }}, ``, internal, `socketio: event "q": socketio: acknowledge: *`},
		"result that panics":          {[]any{func() explosive { return explosive{} }}, ``, internal, `socketio: event "q": panic: boom`},
		"several handlers":            {[]any{func() int { return 1 }, func() int { return 2 }}, ``, `[1]`, ""},
		"the first fails":             {[]any{func() error { return errors.New("x") }, func() int { return 2 }}, ``, internal, `socketio: event "q": x`},
		"the second fails":            {[]any{func() int { return 1 }, func() error { return errors.New("x") }}, ``, `[1]`, `socketio: event "q": x`},
		"by hand":                     {[]any{func(ack socketio.Ack) { _ = ack("a", []byte(nil)) }}, ``, `["a",null]`, ""},
		"by hand, twice":              {[]any{func(ack socketio.Ack) { _ = ack(1); _ = ack(2) }}, ``, `[1]`, ""},
		"by hand, first of two":       {[]any{func(ack socketio.Ack) { _ = ack(1) }, func() int { return 2 }}, ``, `[1]`, ""},
		"nothing, then a result":      {[]any{func() {}, func() int { return 2 }}, ``, `[2]`, ""},
		"nothing, then an error":      {[]any{func() {}, func() error { return errors.New("x") }}, ``, internal, `socketio: event "q": x`},
		"nothing twice":               {[]any{func() {}, func() error { return nil }}, ``, `[]`, ""},
		"nothing, then by hand":       {[]any{func() {}, func(ack socketio.Ack) { go func() { _ = ack(3) }() }}, ``, `[3]`, ""},
		"by hand, then nothing":       {[]any{func(ack socketio.Ack) { go func() { _ = ack(3) }() }, func() {}}, ``, `[3]`, ""},
		"by hand, then an error":      {[]any{func(ack socketio.Ack) error { _ = ack(1); return errors.New("x") }}, ``, `[1]`, `socketio: event "q": x`},
		"by hand never, but an error": {[]any{func(ack socketio.Ack) error { return errors.New("x") }}, ``, internal, `socketio: event "q": x`},
		"by hand never":               {[]any{func(ack socketio.Ack) {}}, ``, ``, ""},
		"by hand never, beside one":   {[]any{func(ack socketio.Ack) {}, func() int { return 2 }}, ``, `[2]`, ""},
		"by hand, does not encode":    {[]any{func(ack socketio.Ack) error { return ack(make(chan int)) }}, ``, internal, `socketio: event "q": socketio: acknowledge: *`},
		"by hand, after the handler": {[]any{func(ack socketio.Ack) {
			go func() { _ = ack("later") }()
		}}, ``, `["later"]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				errs := newList()
				w.io.OnError(func(s *socketio.Socket, err *socketio.HandlerError) {
					if err.Event != "q" || errors.Unwrap(err) != err.Err {
						t.Errorf("the error is of event %q", err.Event)
					}
					if strings.HasSuffix(name, "that is nil") {
						errs.add("*")
						return
					}
					errs.add(err.Error())
				})
				w.io.OnConnection(func(s *socketio.Socket) {
					for _, h := range test.handlers {
						s.On("q", h)
					}
				})
				p := w.join(websocket)
				p.says(`25["q"` + test.args + `]`)
				if test.answer != "" {
					p.hears(`35` + test.answer)
				}
				p.hearsNothing()
				got := strings.Join(errs.all(), "; ")
				if !matches(test.logged, got) {
					t.Errorf("OnError gets %q, want %q", got, test.logged)
				}
				p.says(`2["q"` + test.args + `]`) // no acknowledgement is wanted, so none is sent
				p.hearsNothing()
				p.isOpen()
			})
		})
	}
}

// An Ack and the error of the handler at the same time: only one of them is sent.
func TestOneAnswerOfTwo(t *testing.T) {
	tcp(t, nil, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("q", func(ack socketio.Ack) error {
				go func() { _ = ack("by hand") }()
				return errors.New("failed")
			})
		})
		p := w.join(websocket)
		for i := range 200 {
			p.says(fmt.Sprintf(`2%d["q"]`, i))
			p.hears(fmt.Sprintf(`3%d[*]`, i)) // a second answer would be heard next
		}
		p.isOpen()
	})
}

// Without OnError errors go to the log.
func TestErrorsGoToTheLog(t *testing.T) {
	memory(t, nil, func(w *world) {
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("q", func() error { return errors.New("from the database") })
			s.On("p", func() { panic("at the disco") })
			panic("at once")
		})
		c := w.kit.Connect()
		c.Emit("q")
		c.Emit("p")
		c.WantNothing()
		for _, part := range []string{"from the database", "at the disco", "at once", "ack_test.go", "event=q", "nsp=/"} {
			if !strings.Contains(w.log.String(), part) {
				t.Errorf("the log lacks %q:\n%s", part, w.log)
			}
		}
	})
}

func TestOnErrorMayPanicAndGo(t *testing.T) {
	memory(t, nil, func(w *world) {
		calls := newList()
		w.io.OnError(func(*socketio.Socket, *socketio.HandlerError) { calls.add("first"); panic("really") })
		remove := w.io.OnError(func(*socketio.Socket, *socketio.HandlerError) { calls.add("second") })
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("q", func() error { return errors.New("x") })
		})
		c := w.kit.Connect()
		c.Emit("q")
		w.settle()
		remove()
		c.Emit("q")
		w.settle()
		want(t, "calls", strings.Join(calls.all(), " "), "first second first")
		if !strings.Contains(w.log.String(), "really") {
			t.Error("the panic is in the log")
		}
	})
}

// The error that the socket itself has disconnected is not reported; that of another
// socket is.
func TestErrClosedOfAnotherSocketIsAnError(t *testing.T) {
	memory(t, nil, func(w *world) {
		failed := newList()
		w.io.OnError(func(_ *socketio.Socket, e *socketio.HandlerError) { failed.add(e.Error()) })
		var first *socketio.Socket
		w.io.OnConnection(func(s *socketio.Socket) {
			if first == nil {
				first = s
			}
			s.On("ask the first", func(ctx context.Context) error {
				_, err := first.EmitWithAck(ctx, "q")
				return err
			})
			s.On("be asked", func(ctx context.Context) error {
				_, err := s.EmitWithAck(ctx, "q")
				return err
			})
			s.On("leave", func() error {
				s.Conn().Close()
				return s.Emit("too late")
			})
		})
		a, b, c := w.kit.Connect(), w.kit.Connect(), w.kit.Connect()
		a.Emit("be asked")
		a.WantEvent("q")
		a.Disconnect()
		c.Emit("leave")
		w.settle()
		want(t, "errors of those who have gone", len(failed.all()), 0)
		asked := b.Ask("ask the first")
		asked.WantError("internal error", "")
		want(t, "errors", strings.Join(failed.all(), "; "), `socketio: event "ask the first": engineio: closed`)
	})
}

// An answer after the client has disconnected returns an error.
func TestLateAnswerByHand(t *testing.T) {
	memory(t, nil, func(w *world) {
		acks := make(chan socketio.Ack, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("q", func(ack socketio.Ack) { acks <- ack })
		})
		c := w.kit.Connect()
		asked := c.Ask("q")
		ack := <-acks
		c.Disconnect()
		w.settle()
		if err := ack(1); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the answer fails with ErrClosed, not %v", err)
		}
		if args, err := asked.Wait(); err == nil {
			t.Errorf("who has left is answered %v", args)
		}
	})
}

// asks makes the server send an event and returns the result of EmitWithAck.
func asks(w *world, opts func(ctx context.Context) (context.Context, context.CancelFunc)) (c *siotest.Client, s *socketio.Socket, result chan error, reply *socketio.Args) {
	sockets := make(chan *socketio.Socket, 1)
	w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
	c = w.kit.Connect()
	s = within(w, "the connection", sockets)
	result, reply = make(chan error, 1), new(socketio.Args)
	go func() {
		ctx, cancel := opts(context.Background())
		defer cancel()
		var err error
		*reply, err = s.EmitWithAck(ctx, "q", 1)
		result <- err
	}()
	return c, s, result, reply
}

func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// goesOn expects that the connection of a client is still open.
func goesOn(w *world, c *siotest.Client) {
	w.Helper()
	var refusal *siotest.ConnectError
	if _, err := c.Conn().TryJoin("/nowhere", nil); !errors.As(err, &refusal) || refusal.Message != "Invalid namespace" {
		w.Fatalf("the connection goes on, but %v", err)
	}
}

func TestEmitWithAck(t *testing.T) {
	memory(t, nil, func(w *world) {
		client, _, result, reply := asks(w, patiently)
		asked := client.WantEvent("q")
		want(t, "the question", asked.String(), `"q" [1]`)
		asked.Ack("a", map[string]any{"b": [][]byte{{8, 9}}}, []byte{7})
		if err := within(w, "the answer", result); err != nil {
			w.Fatal(err)
		}
		var a string
		var b struct{ B [][]byte }
		var c []byte
		if err := reply.Decode(&a, &b, &c); err != nil || a != "a" || string(b.B[0]) != "\x08\x09" || string(c) != "\x07" {
			t.Errorf("%q %v %v %v", a, b, c, err)
		}
		if err := reply.Decode(nil, nil, nil, &a); !errors.Is(err, socketio.ErrMissingArgument) {
			t.Errorf("a fourth answer is missing: %v", err)
		}
		want(t, "the number of answers", reply.Len(), 3)
		client.Conn().Say(`430["again"]`, `4399[1]`) // unexpected answers are ignored
		goesOn(w, client)
	})
}

func TestEmitWithAckAndADeadline(t *testing.T) {
	memory(t, nil, func(w *world) {
		c, _, result, _ := asks(w, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 3*time.Second)
		})
		start := time.Now()
		asked := c.WantEvent("q")
		if err := within(w, "the end of the wait", result); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the wait ends with the deadline, not %v", err)
		}
		want(t, "the wait", time.Since(start).Round(time.Second), 3*time.Second)
		asked.Ack("late")
		goesOn(w, c)
	})
}

func TestEmitWithAckToWhoGoes(t *testing.T) {
	for name, end := range map[string]func(w *world, c *siotest.Client, s *socketio.Socket){
		"client leaves":     func(w *world, c *siotest.Client, s *socketio.Socket) { c.Disconnect() },
		"connection lost":   func(w *world, c *siotest.Client, s *socketio.Socket) { c.Conn().Kill() },
		"connection reset":  func(w *world, c *siotest.Client, s *socketio.Socket) { c.Link().Cut(siotest.Reset) },
		"network is dead":   func(w *world, c *siotest.Client, s *socketio.Socket) { c.Link().Drop(siotest.Both) },
		"server disconnect": func(w *world, c *siotest.Client, s *socketio.Socket) { s.Disconnect() },
		"server closes":     func(w *world, c *siotest.Client, s *socketio.Socket) { _ = w.io.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			memory(t, nil, func(w *world) {
				c, s, result, _ := asks(w, patiently)
				c.WantEvent("q")
				end(w, c, s)
				if err := within(w, "the end of the wait", result); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("the wait ends with ErrClosed, not %v", err)
				}
				if _, err := s.EmitWithAck(w.Context(), "q"); !errors.Is(err, socketio.ErrClosed) {
					t.Errorf("asking who has gone fails with ErrClosed, not %v", err)
				}
			})
		})
	}
}

func TestEmitWithAckThatCannotBeSent(t *testing.T) {
	memory(t, nil, func(w *world) {
		c, s, result, _ := asks(w, patiently)
		c.WantEvent("q").Ack()
		within(w, "the answer", result)
		if _, err := s.EmitWithAck(w.Context(), "q", make(chan int)); err == nil || !strings.Contains(err.Error(), "argument 1") {
			t.Errorf("a channel can't be sent: %v", err)
		}
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		if _, err := s.EmitWithAck(ctx, "q"); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended is no time to ask: %v", err)
		}
		c.WantNothing()
	})
}

// The acknowledgements awaited from one socket are bounded; abandoned and answered ones
// free their places.
func TestTooManyPendingAcks(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxPendingAcks: 3}}, func(w *world) {
		c, s, first, _ := asks(w, patiently)
		q := c.WantEvent("q")
		ctx, cancel := context.WithCancel(w.Context())
		results := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := s.EmitWithAck(ctx, "more")
				results <- err
			}()
		}
		c.WantEvent("more")
		c.WantEvent("more")
		if _, err := s.EmitWithAck(ctx, "q"); !errors.Is(err, socketio.ErrTooManyPendingAcks) {
			t.Errorf("the fourth fails with ErrTooManyPendingAcks, not %v", err)
		}
		c.WantNothing()
		q.Ack()
		within(w, "the first answer", first)
		cancel()
		for range 2 {
			if err := within(w, "the end of the wait", results); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		go func() {
			_, err := s.EmitWithAck(w.Context(), "again")
			results <- err
		}()
		c.WantEvent("again").Ack()
		if err := within(w, "the answer", results); err != nil {
			t.Error(err)
		}
	})
}

// An acknowledgement does not wait behind queued events, and may be awaited in a
// handler, also in the connection handler and in a middleware.
func TestAwaitingInsideHandlers(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		order := newList()
		ask := func(s *socketio.Socket, what string) string {
			ctx, cancel := context.WithTimeout(s.Context(), w.patient)
			defer cancel()
			reply, err := s.EmitWithAck(ctx, "ask", what)
			var answer string
			if err == nil {
				err = reply.Decode(&answer)
			}
			if err != nil {
				t.Errorf("asking %s: %v", what, err)
			}
			return answer
		}
		w.io.Use(func(_ context.Context, s *socketio.Socket) error {
			order.add(ask(s, "middleware"))
			return nil
		})
		w.io.OnConnection(func(s *socketio.Socket) {
			s.On("go", func() string {
				order.add(ask(s, "handler"))
				return "done"
			})
			s.On("queued", func() { order.add("queued") })
			order.add(ask(s, "connection"))
		})
		p := w.open(transport)
		p.says(`0`)
		p.hears(`20["ask","middleware"]`)
		p.says(`30["from the middleware"]`)
		p.hears(`0{"sid":"*"}`, `21["ask","connection"]`)
		p.says(`27["go"]`, `2["queued"]`, `31["from the connection"]`)
		p.hears(`22["ask","handler"]`)
		p.says(`2["queued"]`, `32["from the handler"]`)
		p.hears(`37["done"]`)
		got := order.await(w, 5)
		want(t, "the order", strings.Join(got, ", "), "from the middleware, from the connection, from the handler, queued, queued")
	})
}

func TestEmitWithAckEndsWithTheSocket(t *testing.T) {
	t.Run("quirk 16", func(t *testing.T) {
		for name, end := range map[string]func(w *world, p *peer, s *socketio.Socket){
			"the client leaves":  func(_ *world, p *peer, _ *socketio.Socket) { p.says(`1`) },
			"the client goes":    func(_ *world, p *peer, _ *socketio.Socket) { p.goes() },
			"the server ends it": func(_ *world, _ *peer, s *socketio.Socket) { s.Disconnect() },
			"the server closes":  func(w *world, _ *peer, _ *socketio.Socket) { _ = w.io.Close() },
		} {
			t.Run(name, func(t *testing.T) {
				overBoth(t, nil, func(w *world, transport string) {
					sockets, result := make(chan *socketio.Socket, 1), make(chan error, 1)
					w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
					p := w.join(transport)
					s := within(w, "the connection", sockets)
					go func() {
						_, err := s.EmitWithAck(context.Background(), "q") // it has no deadline
						result <- err
					}()
					p.hears(`20["q"]`)
					end(w, p, s)
					if err := within(w, "the end of the wait", result); !errors.Is(err, socketio.ErrClosed) {
						t.Errorf("the wait ends with %v, want ErrClosed", err)
					}
				})
			})
		}
	})
}
