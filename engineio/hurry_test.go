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
