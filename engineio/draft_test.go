// SPDX-License-Identifier: MIT

// This file tests when the memory of a message is used again.

package engineio_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"socketio/engineio"
)

// text fills a message of drafts with a text.
func text(d *engineio.Drafts, s string) *engineio.Message {
	m := d.New()
	m.Fill(append(m.Buffer(), s...), nil, false)
	return m
}

// reused reports whether one of n new messages is one of those.
func reused(d *engineio.Drafts, n int, those ...*engineio.Message) bool {
	for range n {
		m := d.New()
		for _, t := range those {
			if m == t {
				return true
			}
		}
	}
	return false
}

// A message is used again when it has been written and released, in whatever order, and
// only then.
func TestDraftsAreUsedAgain(t *testing.T) {
	overTCP(t, func(w *world) {
		r := w.serve(hosting{options: w.calm()})
		c := r.websocket()
		s := r.side(c.id())
		var d engineio.Drafts
		seen, again := make(map[*engineio.Message]bool), 0
		for i := range 200 {
			m := text(&d, fmt.Sprint("number ", i, strings.Repeat(" long", i%2*40)))
			if seen[m] {
				again++
			}
			seen[m] = true
			if err := s.Send(m); err != nil {
				w.t.Fatal(err)
			}
			c.want("the message", fmt.Sprint("4number ", i, strings.Repeat(" long", i%2*40)))
			m.Release()
		}
		if again < 50 { // with the race detector, a pool drops some
			w.t.Errorf("%d of 200 messages are used again", again)
		}

		unsent, kept := text(&d, "unsent"), text(&d, "kept")
		unsent.Release()
		kept.Keep()
		if err := s.Send(kept); err != nil {
			w.t.Fatal(err)
		}
		c.want("the message that is kept", "4kept")
		kept.Release()
		unreleased := text(&d, "unreleased")
		if err := s.Send(unreleased); err != nil {
			w.t.Fatal(err)
		}
		c.want("the message that is not released", "4unreleased")
		if reused(&d, 100, unsent, kept, unreleased) {
			w.t.Error("a message is used again that may be in use")
		}
		if _, first, _ := kept.Parts(); string(first) != "kept" {
			w.t.Errorf("the message that is kept is %q", first)
		}
	})
}

// A message that waits for the peer is not used again before that has it, nor one that was
// dropped.
func TestDraftsThatWait(t *testing.T) {
	overTCP(t, func(w *world) {
		o := w.calm()
		o.MaxQueueBytes = 64 << 20
		r := w.serve(hosting{options: o})
		c := r.websocket()
		s := r.side(c.id())
		var d engineio.Drafts
		flood := w.flood()
		if err := s.Send(engineio.TextMessage(flood)); err != nil {
			w.t.Fatal(err)
		}
		waits, replaced := text(&d, "waits"), text(&d, "replaced").Conflate("key")
		for _, m := range []*engineio.Message{waits, replaced, text(&d, "replaces").Conflate("key")} {
			if err := s.Send(m); err != nil {
				w.t.Fatal(err)
			}
			m.Release()
		}
		if reused(&d, 100, waits, replaced) {
			w.t.Error("a message is used again before it has been written")
		}
		c.want("the flood", "4"+flood)
		c.want("the message that waited", "4waits")
		c.want("the one in place of another", "4replaces")
	})
}

// What is sent is what arrives, however many messages are in use at once.
func TestDraftsConcurrently(t *testing.T) {
	overTCP(t, func(w *world) {
		r := w.serve(hosting{options: w.calm()})
		var d engineio.Drafts
		var wg sync.WaitGroup
		var clients []*wsPeer
		for n := range 8 {
			c := r.websocket()
			clients = append(clients, c)
			s := r.side(c.id())
			wg.Go(func() {
				for i := range 300 {
					m := text(&d, fmt.Sprint(n, " says ", i, strings.Repeat("!", i)))
					if err := s.Send(m); err != nil {
						w.t.Error(err)
						return
					}
					m.Release()
				}
			})
		}
		defer wg.Wait()
		for n, c := range clients {
			for i := range 300 {
				c.want("the next message", fmt.Sprint("4", n, " says ", i, strings.Repeat("!", i)))
			}
		}
	})
}
