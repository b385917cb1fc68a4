// SPDX-License-Identifier: MIT

// This file tests how long Shutdown waits for polling clients that were closed before and
// do not poll again.

package engineio_test

import (
	"context"
	"testing"
	"time"

	"socketio/engineio"
)

func TestShutdownDoesNotWaitForTheVanished(t *testing.T) {
	for name, leave := range map[string]func(r *rig, p *pollPeer){
		"closed, and nobody polls": func(r *rig, p *pollPeer) { r.side(p.id()).Close() },
		"closed, with something to say": func(r *rig, p *pollPeer) {
			r.side(p.id()).say("goodbye")
			r.side(p.id()).Close()
		},
		"closed, and what it was told last never reached it": func(r *rig, p *pollPeer) {
			p.park()
			r.side(p.id()).say("goodbye")
			r.side(p.id()).Close()
			p.drop()
		},
		"closed in an upgrade": func(r *rig, p *pollPeer) {
			c := p.probe()
			c.send("2probe")
			c.want("the answer", "3probe")
			r.side(p.id()).Close()
		},
		"closed in an upgrade to WebTransport": func(r *rig, p *pollPeer) {
			c := p.candidate()
			c.send("2probe")
			r.quiet()
			r.side(p.id()).Close()
		},
		"in revision 3": func(r *rig, _ *pollPeer) { r.side(r.pollingV3().id()).Close() },
	} {
		for _, wait := range []time.Duration{0, 5 * time.Second} {
			t.Run(name, func(t *testing.T) {
				inMemory(t, func(w *world) {
					r := w.serve(hosting{options: withStreams(&engineio.Options{AllowEIO3: true, PingInterval: time.Hour, UpgradeTimeout: time.Minute})})
					p := r.polling()
					leave(r, p)
					r.quiet()
					time.Sleep(wait)
					begun := time.Now()
					if err := r.srv.Shutdown(context.Background()); err != nil {
						w.t.Error(err)
					}
					if d := time.Since(begun); d > 1500*time.Millisecond {
						w.t.Errorf("Shutdown took %v", d)
					}
				})
			})
		}
	}
}

// A client between two polls has 10 s to take the messages that are queued when Shutdown
// closes its connection.
func TestShutdownWaitsForAQueue(t *testing.T) {
	for name, test := range map[string]struct {
		polls   time.Duration // after which the client polls
		answers []string
		took    time.Duration // by Shutdown
	}{
		"polls late":           {polls: 9 * time.Second, answers: []string{"4goodbye", "6\x1e1"}, took: 9 * time.Second},
		"does not poll":        {took: 10 * time.Second},
		"takes it, then stops": {polls: time.Second, answers: []string{"4goodbye"}, took: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: &engineio.Options{PingInterval: time.Hour}})
				p := r.polling()
				r.side(p.id()).say("goodbye")
				begun := time.Now()
				done := make(chan error, 1)
				go func() { done <- r.srv.Shutdown(context.Background()) }()
				time.Sleep(test.polls)
				for _, answer := range test.answers {
					p.wantAnswer("what waits", answer)
				}
				if err := <-done; err != nil {
					w.t.Error(err)
				}
				if took := time.Since(begun); took < test.took || took > test.took+time.Second/2 {
					w.t.Errorf("Shutdown took %v, want %v", took, test.took)
				}
			})
		})
	}
}

// A client that polls again in that time gets its queued messages, and the close.
func TestShutdownTellsThoseWhoPoll(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{PingInterval: time.Hour}})
		p := r.polling()
		r.side(p.id()).say("goodbye")
		r.side(p.id()).Close()
		time.Sleep(10 * time.Second)
		done := make(chan error, 1)
		go func() { done <- r.srv.Shutdown(context.Background()) }()
		time.Sleep(800 * time.Millisecond)
		p.wantAnswer("what waits", "4goodbye")
		p.wantAnswer("the end", "6\x1e1")
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}
