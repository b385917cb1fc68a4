// SPDX-License-Identifier: MIT

// This file tests that a broadcast with acknowledgements leaves nothing behind when it
// has ended.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
)

// However a broadcast with acknowledgements ends, its connection is then read to the
// plain bound of an inbox, not beyond it as while an acknowledgement is awaited.
func TestEndedQuestionsDoNotCount(t *testing.T) {
	for name, end := range map[string]func(w *world, p *peer, a *answers, cancel func()){
		"answered":        func(w *world, p *peer, a *answers, cancel func()) { p.says(`3/asked,0[]`) },
		"given up":        func(w *world, p *peer, a *answers, cancel func()) { cancel() },
		"client leaves":   func(w *world, p *peer, a *answers, cancel func()) { p.says(`1/asked,`) },
		"made to leave":   func(w *world, p *peer, a *answers, cancel func()) { _ = w.io.Of("/asked").DisconnectSockets() },
		"one too many":    nil,
		"not even begun":  nil,
		"dropped at once": nil,
	} {
		t.Run(name, func(t *testing.T) {
			opts := &socketio.Options{Limits: socketio.SocketLimits{MaxInboxPackets: 3, MaxPendingAcks: 1}}
			memory(t, opts, func(w *world) {
				release, handled := slowServer(w)
				asked := w.io.Of("/asked")
				transport := websocket
				if name == "dropped at once" {
					transport = polling
				}
				p := w.join(transport)
				p.joins("/quick")
				p.joins("/asked")
				ctx, cancel := context.WithCancel(w.Context())
				defer cancel()
				c := &crowd{w: w}
				switch name {
				case "one too many":
					first := c.ask(asked.To().Local(), ctx, "nobody")
					within(w, "the end", first.done)
					held := c.ask(asked.Except(), ctx, "q")
					p.hears(`2/asked,1["q"]`)
					refused := c.ask(asked.Except(), ctx, "q")
					if err := within(w, "the refusal", refused.done); !errors.Is(err, socketio.ErrTooManyPendingAcks) {
						t.Error(err)
					}
					p.says(`3/asked,1[]`)
					within(w, "the end", held.done)
				case "dropped at once":
					w.settle()
					close(p.pause)
					_ = asked.Emit("fills the poll") // and there is no next
					<-p.polls
					dropped := c.ask(asked.Volatile(), ctx, "q")
					p.hears(`2/asked,["fills the poll"]`)
					select {
					case <-dropped.done:
					case <-time.After(time.Minute):
						w.Fatal("a dropped question ends")
					}
					p.polling()
				case "not even begun":
					for range asked.EmitWithAck(ctx, "q", func() {}) {
						continue
					}
				default:
					a := c.ask(asked.Except(), ctx, "q")
					p.hears(`2/asked,0["q"]`)
					end(w, p, a, cancel)
					within(w, "the end", a.done)
					if name == "made to leave" {
						p.hears(`1/asked,`)
					}
				}
				said := make(chan struct{})
				go func() {
					defer close(said)
					for i := range 5 {
						_ = p.tries(fmt.Sprintf(`2["x",%d]`, i))
					}
					_ = p.tries(`2/quick,1["ping"]`)
				}()
				<-time.After(time.Second)
				p.hearsNothing() // four events wait, three is the bound
				close(release)
				p.hears(`3/quick,1["pong"]`)
				handled.await(w, 5)
				<-said
			})
		})
	}
}

// An event with an acknowledgement that one of a burst of handlers sends leaves at once.
func TestQuestionsInABurstAreNotHeldBack(t *testing.T) {
	memory(t, nil, func(w *world) {
		c := newCrowd(w, polling, "a")
		c.sockets["a"].On("poll", func() (n int) {
			for _, err := range w.io.EmitWithAck(w.Context(), "q") {
				if err == nil {
					n++
				}
			}
			return n
		})
		c.sockets["a"].On("more", func() {})
		start := time.Now()
		c.peers["a"].says(`25["poll"]`, `2["more"]`, `2["more"]`)
		c.peers["a"].hears(`20["q"]`)
		want(t, "the delay", time.Since(start), 0)
		c.peers["a"].says(`30[]`)
		c.peers["a"].hears(`35[1]`)
	})
}

// A closable adapter counts how often it was created and closed.
type closable struct {
	*adapter.Memory
	name  string
	ended *list
}

func (c closable) Close() error {
	c.ended.add(c.name)
	return nil
}

// Each adapter is created once, and closed with its server or its namespace.
func TestAdaptersBeginAndEnd(t *testing.T) {
	inits, ended := newList(), newList()
	opts := &socketio.Options{Cluster: adapter.Each(func(l adapter.Local) adapter.Adapter {
		inits.add(l.Namespace())
		return closable{adapter.NewMemory(), l.Namespace(), ended}
	})}
	memory(t, opts, func(w *world) {
		w.io.Of("/fixed")
		w.io.Of("/fixed")
		w.io.OfMatch(func(name string, _ socketio.Handshake) bool { return name == "/made" })
		p := w.join(websocket)
		p.joins("/made")
		want(t, "begun", fmt.Sprint(inits.all()), "[/ /fixed /made]")
		want(t, "ended", fmt.Sprint(ended.all()), "[]")
		p.says(`1/made,`)
		want(t, "the empty one ends", ended.await(w, 1)[0], "/made")
		_ = w.io.Close()
		want(t, "the others end", len(ended.all()), 3)
		w.io.Of("/late")
		want(t, "one made too late ends at once", ended.await(w, 4)[3], "/late")
		want(t, "begun", fmt.Sprint(inits.all()), "[/ /fixed /made /late]")
	})
}
