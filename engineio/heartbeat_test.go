// SPDX-License-Identifier: MIT

// This file tests the heartbeat in simulated time: which side pings, when a pong is due,
// and what changes that.

package engineio_test

import (
	"testing"
	"time"

	"socketio/engineio"
)

// beat is a heartbeat with round numbers; its tick is 50 ms.
func beat() *engineio.Options {
	return &engineio.Options{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second}
}

const tick = 50 * time.Millisecond

// wantAt checks that no less and at most a few ticks more than d has passed.
func wantAt(r *rig, what string, since time.Time, d time.Duration) {
	r.t.Helper()
	if got := time.Since(since); got < d || got > d+2*tick {
		r.t.Fatalf("%s: after %v, want %v and two ticks at most", what, got, d)
	}
}

func TestPongDeadline(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat()}, func(r *rig, p peer) {
			p.want("the first ping", "2")
			wantAt(r, "the first ping", r.started, 25*time.Second)
			r.side(p.id()).awaitEnd("no pong")
			wantAt(r, "the end", r.started, 45*time.Second)
			r.side(p.id()).wantEnded("no pong", engineio.ReasonPingTimeout, nil)
			p.wantEnd("the peer learns of it")
		})
	})
}

func TestIntervalCountsFromThePong(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat()}, func(r *rig, p peer) {
			p.want("the first ping", "2")
			time.Sleep(10 * time.Second)
			at := time.Now()
			p.send("3")
			p.want("the second ping", "2")
			wantAt(r, "the second ping", at, 25*time.Second)
		})
	})
}

func TestOtherTrafficDoesNotReplaceThePong(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat(), onMessage: func(*side, bool, []byte) {}}, func(r *rig, p peer) {
			time.Sleep(20 * time.Second)
			p.send("4x")
			p.want("the ping comes all the same", "2")
			wantAt(r, "the ping", r.started, 25*time.Second)
			// The first packet extends the deadline, once: 25+15+20 s.
			time.Sleep(15 * time.Second)
			extended := time.Now()
			for range 3 {
				p.send("4x")
				time.Sleep(5 * time.Second)
			}
			r.side(p.id()).wantOpen("the extension")
			r.side(p.id()).wantEnded("no pong", engineio.ReasonPingTimeout, nil)
			wantAt(r, "the end", extended, 20*time.Second)
		})
	})
}

func TestALatePongAfterTheExtension(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat(), onMessage: func(*side, bool, []byte) {}}, func(r *rig, p peer) {
			for range 3 { // the extension comes once per ping, not once in all
				p.want("a ping", "2")
				time.Sleep(19 * time.Second)
				p.send("4x")
				time.Sleep(19 * time.Second)
				p.send("3")
			}
			r.side(p.id()).wantOpen("three late pongs")
		})
	})
}

func TestUnsolicitedPong(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat()}, func(r *rig, p peer) {
			time.Sleep(15 * time.Second)
			at := time.Now()
			p.send("3", "3")
			p.want("the interval begins anew", "2")
			wantAt(r, "the ping", at, 25*time.Second)
			r.side(p.id()).wantOpen("two pongs nobody asked for")
		})
	})
}

func TestClientPing(t *testing.T) {
	everywhere(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			p.send("2")
			r.side(p.id()).wantEnded("in revision 4 only the server pings", engineio.ReasonTransportError, nil)
			if c, ok := p.(*wsPeer); ok {
				c.wantClose("a breach of the protocol", 1002)
			} else {
				p.wantEnd("the session has ended")
			}
		})
	})
}

func TestPacketsThatOnlyTheServerSends(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			p.send("6", "0{}", "5", "4x")
			p.want("a noop, an open and an upgrade packet do nothing", "4x")
			r.side(p.id()).wantOpen("they break nothing")
		})
	})
}

func TestHeartbeatGoesOnOverTheUpgrade(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: beat()})
		p := r.polling()
		time.Sleep(20 * time.Second)
		c := p.upgrade()
		c.want("the ping is due when it was", "2")
		wantAt(r, "the ping", r.started, 25*time.Second)
		c.send("3")
		c.want("and the next", "2")
		r.side(p.id()).wantEnded("no pong", engineio.ReasonPingTimeout, nil)
		wantAt(r, "the end", r.started, 70*time.Second)
	})
	// A ping that was sent over polling is answered over WebSocket.
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: beat()})
		p := r.polling()
		p.want("a ping over polling", "2")
		c := p.upgrade()
		time.Sleep(19 * time.Second)
		c.send("3")
		c.want("the next", "2")
		r.side(p.id()).wantOpen("the pong counts")
	})
}

func TestSetTimer(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{}, func(r *rig, p peer) {
			s := r.side(p.id())
			count := func() int {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.timers
			}
			at := time.Now()
			s.SetTimer(time.Minute)
			s.SetTimer(time.Second)
			s.await("the timer", func() bool { return s.timers == 1 })
			wantAt(r, "the timer", at, time.Second)
			s.SetTimer(time.Second)
			s.SetTimer(0)
			time.Sleep(5 * time.Second)
			if n := count(); n != 1 {
				w.t.Errorf("a stopped timer: %d calls", n)
			}
			s.SetTimer(time.Second)
			s.Close()
			time.Sleep(5 * time.Second)
			s.SetTimer(time.Second)
			time.Sleep(5 * time.Second)
			if n := count(); n != 1 {
				w.t.Errorf("a closed connection: %d calls", n)
			}
		})
	})
}

// engineioxide before 0.17.9 took a second pong for the end of the heartbeat.
func TestSecondPongIsNoTimeout(t *testing.T) {
	inMemory(t, func(w *world) {
		transports(w, hosting{options: beat()}, func(r *rig, p peer) {
			for range 5 {
				p.want("a ping", "2")
				p.send("3", "3")
				p.send("3")
			}
			p.send("4x")
			p.want("the session goes on", "4x")
			r.side(p.id()).wantOpen("two pongs for each ping")
		})
	})
}

func TestHeartbeat(t *testing.T) {
	t.Run("three rounds of ping and pong/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transports(w, hosting{options: w.patient()}, func(r *rig, p peer) {
				start := time.Now()
				for range 3 {
					p.want("the server's ping", "2")
					p.send("3")
				}
				if d := time.Since(start); w.virtual && (d < 900*time.Millisecond || d > 920*time.Millisecond) {
					w.t.Errorf("three rounds took %v, want 900 ms and a few ticks", d)
				}
			})
		})
	})
	t.Run("no pong: closed after interval and timeout/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transports(w, hosting{options: suite()}, func(r *rig, p peer) {
				start := time.Now()
				if w.virtual { // in real time it may come too late
					p.want("the server's ping", "2")
				}
				r.side(p.id()).wantEnded("no pong", "ping timeout", nil)
				if d := time.Since(start); w.virtual && (d < 499*time.Millisecond || d > 506*time.Millisecond) {
					w.t.Errorf("it took %v, want 500 ms and a few ticks", d)
				}
				p.wantEnd("the session has ended")
			})
		})
	})
}

func TestServerPings(t *testing.T) {
	t.Run("trap 12", func(t *testing.T) {
		t.Run("who does not pong is closed", func(t *testing.T) {
			inMemory(t, func(w *world) {
				transports(w, hosting{options: suite()}, func(r *rig, p peer) {
					start := time.Now()
					p.want("the server pings first", "2")
					p.send("3")
					p.want("and again after the pong", "2")
					r.side(p.id()).wantEnded("no pong", engineio.ReasonPingTimeout, nil)
					if d := time.Since(start); d < 800*time.Millisecond || d > 820*time.Millisecond {
						w.t.Errorf("the end came after %v, want two intervals and one timeout: 800 ms", d)
					}
				})
			})
		})
		t.Run("a ping of the client is an error", func(t *testing.T) {
			everywhere(t, func(w *world) {
				transports(w, hosting{options: beat()}, func(r *rig, p peer) {
					p.send("2")
					r.side(p.id()).wantEnded("the client may not ping", engineio.ReasonTransportError, nil)
					p.wantEnd("the session")
				})
			})
		})
		t.Run("in revision 3 the client pings", func(t *testing.T) {
			inMemory(t, func(w *world) {
				transportsV3(w, hosting{options: suiteV3()}, func(r *rig, p peer) {
					p.send("2")
					p.want("the server answers", "3")
					r.side(p.id()).wantEnded("no further ping", engineio.ReasonPingTimeout, nil)
				})
			})
		})
	})
}

func TestHeartbeatSurvivesTheUpgrade(t *testing.T) {
	t.Run("trap 13", func(t *testing.T) {
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
	})
}
