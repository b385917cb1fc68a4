// SPDX-License-Identifier: MIT

// This file holds the conformance traps of upgrades and of closing, by the
// numbers of docs/conformance.md.

package engineio_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

func TestTrap13HeartbeatSurvivesTheUpgrade(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: beat()})
		p := r.polling()
		time.Sleep(20 * time.Second)
		c := p.upgrade()
		for at := 25 * time.Second; at <= 75*time.Second; at += 25 * time.Second {
			c.want("a ping", "2")
			wantAt(r, "the ping", r.started, at)
			c.send("3")
		}
		r.side(p.id()).wantOpen("with pongs")
		c.want("the last ping", "2")
		r.side(p.id()).wantEnded("without a pong", engineio.ReasonPingTimeout, nil)
	})
}

func TestTrap14MessagesWhileProbing(t *testing.T) {
	t.Run("a parked poll is released", func(t *testing.T) {
		inMemory(t, func(w *world) {
			p := w.serve(hosting{}).polling()
			p.park()
			c := p.probe()
			c.send("2probe")
			c.want("the answer to the probe", "3probe")
			p.wantAnswer("the parked poll", "6")
			at := time.Now()
			p.wantAnswer("a poll after it", "6")
			if d := time.Since(at); d < 100*time.Millisecond || d > 100*time.Millisecond+2*tick {
				w.t.Errorf("it was released after %v, want 100 ms", d)
			}
		})
	})
	t.Run("nothing is lost or overtaken", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{onMessage: func(*side, bool, []byte) {}})
			p := r.polling()
			s := r.side(p.id())
			s.say("0")
			p.want("before the probe", "40")
			p.park()
			c := p.probe()
			c.send("2probe")
			c.want("the answer to the probe", "3probe")
			s.say("1", "2")
			for packet, n := "", 1; n < 3; {
				if packet = p.next("during the probe"); packet == "6" {
					continue
				}
				if packet != "4"+strconv.Itoa(n) {
					w.t.Fatalf("polling brought %q, want %d", packet, n)
				}
				n++
			}
			p.send("4a", "4b")
			s.say("3", "4")
			c.send("5", "4c")
			c.want("the rest moves over", "43", "44")
			s.say("5")
			c.want("and it goes on", "45")
			s.wantHeard("the other way", "a", "b", "c")
		})
	})
}

func TestTrap15OneUpgrade(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		first := p.probe()
		first.send("2probe")
		first.want("the answer to the probe", "3probe")
		p.probe().wantClose("a second while the first probes", 1002)
		first.send("5", "4x")
		first.want("the first goes on", "4x")
		p.probe().wantClose("a second after the upgrade", 1002)
		first.send("4y")
		first.want("the session goes on", "4y")
		r.side(p.id()).wantOpen("the session")
	})
}

func TestTrap16PollingAfterTheUpgrade(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		c := p.upgrade()
		r.wantRefusal("a GET", r.get(p.query), 400, 3, "Bad request")
		r.wantRefusal("a POST", p.post("4lost"), 400, 3, "Bad request")
		c.send("4x")
		c.want("the WebSocket goes on", "4x")
		r.side(p.id()).wantHeard("what came over it", "x")
	})
}

func TestTrap17CandidatesEnd(t *testing.T) {
	t.Run("at the upgrade timeout", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{UpgradeTimeout: 3 * time.Second}})
			p := r.polling()
			at := time.Now()
			c := p.probe()
			c.send("2probe")
			c.want("the answer to the probe", "3probe")
			c.wantClose("the candidate", 1002)
			wantAt(r, "its end", at, 3*time.Second)
			p.send("4x")
			p.want("the session goes on", "4x")
		})
	})
	// We decided otherwise in part: a session that still has something to say keeps
	// its candidate until that has gone out.
	for name, end := range map[string]func(p *pollPeer){
		"with the session, by the server": func(p *pollPeer) {
			p.r.side(p.id()).Close()
			p.wantAnswer("the session's own transport is told", "6\x1e1")
		},
		"with the session, by the client": func(p *pollPeer) { p.send("1") },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{})
				p := r.polling()
				c := p.probe()
				c.send("2probe")
				c.want("the answer to the probe", "3probe")
				end(p)
				c.wantClose("the candidate", 1000)
				p.wantEnd("the session")
				if n := r.srv.Count(); n != 0 {
					w.t.Errorf("%d sessions are left", n)
				}
			})
		})
	}
}

func TestTrap19CloseFlushes(t *testing.T) {
	t.Run("Close of a connection sends what waits", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			c, p := r.websocket(), r.polling()
			for _, s := range []*side{r.side(c.id()), r.side(p.id())} {
				s.say("last", "words")
				s.Close()
			}
			c.want("what waited", "4last", "4words")
			c.wantClose("then the end", 1000)
			p.want("what waited", "4last", "4words")
			p.wantAnswer("then the end", "6\x1e1")
		})
	})
	t.Run("Close of the server drops it", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{buffer: 4096})
			c, p := r.websocket(), r.polling()
			r.side(p.id()).say("dropped")
			long := strings.Repeat("x", 10_000) // more than the way to the peer holds
			r.side(c.id()).say(long)
			r.quiet() // it is being written
			r.side(c.id()).say("dropped")
			closed := make(chan struct{})
			go func() { defer close(closed); r.srv.Close() }()
			r.quiet() // Close waits for the peer, which reads only now
			c.want("what has begun to leave", "4"+long)
			c.wantClose("then the end, without the rest", 1001)
			<-closed
			r.wantRefusal("polling brings nothing", r.get(p.query), 400, 1, "Session ID unknown")
		})
	})
}
