// SPDX-License-Identifier: MIT

// This file holds the tests of Emitter, Asker, and answers that are awaited later.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
)

// All targets of events implement both.
var (
	_ = []interface {
		socketio.Emitter
		socketio.Asker
	}{
		(*socketio.Server)(nil), (*socketio.Namespace)(nil), (*socketio.ParentNamespace)(nil),
		socketio.Broadcast{}, socketio.Unicast{}, (*socketio.Socket)(nil), socketio.RemoteSocket{},
	}
)

// Ask returns before the answer, and its event keeps its place among others.
func TestAskKeepsTheOrder(t *testing.T) {
	memory(t, nil, func(w *world) {
		s, p := w.pair()
		for i, asker := range []interface {
			socketio.Emitter
			socketio.Asker
		}{s, s.Compress(false), w.io, w.io.Of("/"), w.io.To(s.ID())} {
			_ = asker.Emit("before")
			a := asker.Ask(w.Context(), "q", i)
			_ = asker.Emit("after")
			p.hears(`2["before"]`, fmt.Sprintf(`2%d["q",%d]`, i, i), `2["after"]`)
			p.says(fmt.Sprintf(`3%d["yes",%d]`, i, i))
			w.settle()
			args, err := a.One()
			want(t, "the answer", fmt.Sprint(args, err), fmt.Sprintf(`["yes",%d] <nil>`, i))
		}
	})
}

// Answers that arrive before ctx ends are available afterwards, and nothing is kept for
// the others.
func TestAskIsReadLate(t *testing.T) {
	memory(t, &socketio.Options{Limits: socketio.SocketLimits{MaxPendingAcks: 2}}, func(w *world) {
		s, p := w.pair()
		_, q := w.pair()
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		one, none := s.Ask(ctx, "one"), s.Ask(ctx, "none")
		p.hears(`20["one"]`, `21["none"]`)
		p.says(`30[1]`)
		w.settle()
		many := w.io.Ask(ctx, "many")
		p.hears(`22["many"]`)
		q.hears(`22["many"]`)
		p.says(`32[2]`)
		<-ctx.Done()
		w.settle()
		args, err := one.One()
		want(t, "the answer that came", fmt.Sprint(args, err), "[1] <nil>")
		if _, err := none.One(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the answer that did not come: %v", err)
		}
		var got []string
		for reply, err := range many.All() {
			got = append(got, fmt.Sprint(reply.Args, errors.Is(err, context.DeadlineExceeded)))
		}
		want(t, "the answers of many", strings.Join(got, "; "), "[2] false; [] true")
		again, cancel := context.WithCancel(w.Context())
		defer cancel()
		if a := w.io.Ask(again, "again"); a == nil { // both waits of p are free
			t.Fatal("no answers")
		}
		p.hears(`23["again"]`)
		s.Ask(again, "and again")
		p.hears(`24["and again"]`)
	})
}

// An Ask that fails returns the error when it is read, and nothing is awaited.
func TestAskThatIsNotSent(t *testing.T) {
	memory(t, nil, func(w *world) {
		s, p := w.pair()
		ended, cancel := context.WithCancel(w.Context())
		cancel()
		for _, a := range []*socketio.Answers{
			s.Ask(ended, "q"), w.io.Ask(ended, "q"), s.Ask(w.Context(), "connect"), w.io.Ask(w.Context(), "connect"),
			s.Ask(w.Context(), "q", func() {}), w.io.Ask(w.Context(), "q", func() {}),
		} {
			if _, err := a.One(); err == nil {
				t.Error("no error")
			}
		}
		if _, err := w.io.To("nobody").Ask(w.Context(), "q").One(); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("nobody was asked: %v", err)
		}
		p.hearsNothing()
		a := s.Ask(context.Background(), "gone")
		p.says(`1`)
		if _, err := a.One(); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("the client has gone: %v", err)
		}
	})
}

// An argument that can't be encoded gives an error, and is also reported to OnError,
// once, even if the handler returns the error, or to the log if there is no socket.
func TestUnencodedArgumentsAreReported(t *testing.T) {
	memory(t, nil, func(w *world) {
		heard := newList()
		w.io.OnError(func(s *socketio.Socket, e *socketio.HandlerError) {
			heard.add(e.Event)
			_ = s.Emit("in OnError", func() {}) // no endless reports
		})
		s, p := w.pair()
		s.On("e", func() error { return s.Emit("inside", func() {}) })
		if s.Emit("direct", func() {}) == nil || w.io.Emit("broadcast", func() {}) == nil {
			t.Error("no error")
		}
		p.says(`2["e"]`)
		w.settle()
		want(t, "what OnError hears", strings.Join(heard.all(), " "), "direct inside")
		p.hearsNothing()
		for _, event := range []string{"broadcast", "in OnError"} {
			if log := w.log.String(); !strings.Contains(log, event) {
				t.Errorf("the log lacks %q: %s", event, log)
			}
		}
	})
}
