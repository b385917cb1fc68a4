// SPDX-License-Identifier: MIT

// This file tests failures of the upgrade: messages that travel during it, events that
// end it, and which connections may try.

package engineio_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

func TestProbeReleasesAParkedPoll(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		p.park()
		c := p.probed()
		p.wantAnswer("the parked poll", "6")
		start := time.Now()
		// Another poll before the upgrade packet waits for data for 100 ms.
		p.wantAnswer("the next poll", "6")
		if d := time.Since(start); d < 100*time.Millisecond || d > 100*time.Millisecond+2*tick {
			w.t.Errorf("the next poll was released after %v, want 100 ms and two ticks at most", d)
		}
		p.park()
		r.side(p.id()).say("data")
		p.wantAnswer("data goes first", "4data")
		c.send("5")
		c.send("4x")
		c.want("the echo", "4x")
	})
}

func TestUpgradePacketWithoutAProbe(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.serve(hosting{}).polling()
		c := p.probe()
		c.send("5", "4x")
		c.want("the echo", "4x")
	})
}

func TestAParkedPollAtTheUpgradePacketIsClosed(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		c := p.probe()
		p.park()
		c.send("5")
		p.wantAnswer("this transport is closed", "1")
		c.send("4x")
		c.want("the session goes on", "4x")
		r.side(p.id()).wantOpen("the session goes on")
	})
}

// A client that aborts its poll together with the upgrade packet has not left the
// session.
func TestAPollDroppedAtTheUpgradePacket(t *testing.T) {
	everywhere(t, func(w *world) {
		for range 20 {
			r := w.serve(hosting{})
			p := r.polling()
			c := p.probed()
			p.park()
			c.send("5")
			r.side(p.id()).await("the upgrade", func() bool { return r.side(p.id()).upgrades == 1 })
			p.drop()
			c.send("4x")
			c.want("the session goes on", "4x")
			p.answer()
			c.c.Close()
		}
	})
}

// Messages both ways while the session moves are neither lost nor reordered.
func TestMessagesDuringTheUpgrade(t *testing.T) {
	const n = 3000
	everywhere(t, func(w *world) {
		r := w.serve(hosting{onMessage: func(*side, bool, []byte) {}})
		p := r.polling()
		s := r.side(p.id())
		begun := make(chan struct{})
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for i := range n {
				if i == n/10 {
					close(begun)
				}
				s.say(strconv.Itoa(i))
				if w.virtual && i%100 == 0 {
					time.Sleep(5 * time.Millisecond)
				}
			}
		}()
		var got []string
		up, down := 0, func(packets ...string) {
			for _, packet := range packets {
				if packet != "6" {
					got = append(got, packet)
				}
			}
		}
		poll := func() {
			a := p.answer()
			if a.status != 200 {
				w.t.Fatalf("the poll got %d %q (%v)", a.status, a.body, a.err)
			}
			down(strings.Split(a.body, "\x1e")...)
		}
		post := func() {
			p.send("4"+strconv.Itoa(up), "4"+strconv.Itoa(up+1))
			up += 2
		}
		poll()
		<-begun
		post()
		c := p.probe()
		p.park()
		post()
		c.send("2probe")
		c.want("the answer to the probe", "3probe")
		for range 3 {
			post()
			poll()
		}
		c.send("5")
		for len(got) < n {
			down(c.next("the rest over WebSocket"))
		}
		<-sent
		for i, packet := range got {
			if packet != "4"+strconv.Itoa(i) {
				w.t.Fatalf("packet %d is %q", i, packet)
			}
		}
		for range 10 {
			c.send("4" + strconv.Itoa(up))
			up++
		}
		want := make([]string, up)
		for i := range want {
			want[i] = strconv.Itoa(i)
		}
		s.wantHeard("what the client sent", want...)
	})
}

// Messages sent while there was no poll move to the WebSocket.
func TestTheQueueMovesOver(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		c := p.probed()
		s := r.side(p.id())
		s.say("a", "b")
		s.Send(engineio.BinaryMessage([]byte{1, 2}))
		c.send("5", "4x")
		c.want("in order, then the echo", "4a", "4b", "<0102>", "4x")
	})
}

func TestFailedProbes(t *testing.T) {
	for name, fail := range map[string]func(c *wsPeer){
		"another ping": func(c *wsPeer) { c.send("2foo"); c.wantClose("the candidate", 1002) },
		"a message":    func(c *wsPeer) { c.send("4hello"); c.wantClose("the candidate", 1002) },
		"rubbish":      func(c *wsPeer) { c.send("xyz"); c.wantClose("the candidate", 1002) },
		"a bad frame":  func(c *wsPeer) { c.raw([]byte{0xff, 0x80, 0, 0, 0, 0}); c.wantClose("the candidate", 1002) },
		"text not UTF-8": func(c *wsPeer) {
			c.raw(wstest.Frame(ws.Text, true, []byte("2\xff")))
			c.wantClose("the candidate", 1007)
		},
		"a close frame":       func(c *wsPeer) { c.c.WriteClose(1001, ""); c.wantClose("the candidate", 1001) },
		"the connection goes": func(c *wsPeer) { c.c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				for _, probed := range []bool{false, true} {
					r := w.serve(hosting{})
					p := r.polling()
					c := p.probe()
					if probed {
						c.send("2probe")
						c.want("the answer to the probe", "3probe")
					}
					fail(c)
					r.quiet()
					p.send("4hello")
					p.want("polling goes on", "4hello")
					if w.virtual {
						p.upgrade() // and may try again
					}
				}
			})
		})
	}
}

func TestUpgradeTimeout(t *testing.T) {
	for _, probed := range []bool{false, true} {
		t.Run(fmt.Sprintf("probed=%v", probed), func(t *testing.T) {
			inMemory(t, func(w *world) {
				r := w.serve(hosting{options: &engineio.Options{UpgradeTimeout: 7 * time.Second}})
				p := r.polling()
				c := p.probe()
				start := time.Now()
				if probed {
					c.send("2probe")
					c.want("the answer to the probe", "3probe")
				}
				if got := c.next("the candidate is closed"); got != "close 1002" {
					w.t.Errorf("the candidate got %q, want close 1002", got)
				}
				wantAt(r, "the candidate", start, 7*time.Second)
				_ = c.c.WriteText("5") // too late: over HTTP/2 the stream may have ended by then
				c.wantEOF("the candidate")
				p.send("4hello")
				p.want("polling goes on", "4hello")
				again := p.upgrade()
				time.Sleep(8 * time.Second)
				again.send("4x")
				again.want("a completed upgrade has no timeout", "4x")
			})
		})
	}
}

func TestOneUpgradeAtATime(t *testing.T) {
	t.Run("trap 15", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			first := p.probed()
			p.probe().wantClose("a second while the first probes", 1002)
			first.send("5", "4x")
			first.want("the first goes on", "4x")
			p.probe().wantClose("a second after the upgrade", 1002)
			first.send("4y")
			first.want("the session goes on", "4y")
			r.side(p.id()).wantOpen("the session")
		})
	})
}

func TestThreeAttempts(t *testing.T) {
	inMemory(t, func(w *world) {
		p := w.serve(hosting{}).polling()
		for range 3 {
			c := p.probe()
			c.send("2foo")
			c.wantClose("a failed attempt", 1002)
		}
		c := p.probe()
		c.wantClose("no further attempt", 1002)
		p.send("4x")
		p.want("polling goes on", "4x")
	})
}

func TestDisableUpgrades(t *testing.T) {
	t.Run("quirk 04", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{DisableUpgrades: true}})
			p := r.polling()
			if len(p.open.Upgrades) != 0 {
				w.t.Errorf("upgrades %q are offered", p.open.Upgrades)
			}
			r.wantRefusal("a probe all the same", r.dialRefused("EIO=4&transport=websocket&sid="+p.id()), 400, 3, "Bad request")
			p.send("4x")
			p.want("the session goes on", "4x")
			r.websocket()
		})
	})
}

// Differs from upstream in part: a session with queued messages keeps its candidate until
// they have been sent.
func TestCloseDuringTheUpgrade(t *testing.T) {
	t.Run("trap 17", func(t *testing.T) {
		for name, end := range map[string]func(p *pollPeer, s *side){
			"by the server":          func(_ *pollPeer, s *side) { s.Close() },
			"by the server, at once": func(_ *pollPeer, s *side) { s.Abort(engineio.ReasonForcedClose, nil, 1000, "") },
			"by the client":          func(p *pollPeer, _ *side) { p.send("1") },
			"by the whole server":    func(p *pollPeer, _ *side) { p.r.srv.Close() },
		} {
			t.Run(name, func(t *testing.T) {
				everywhere(t, func(w *world) {
					r := w.serve(hosting{})
					p := r.polling()
					c := p.probed()
					s := r.side(p.id())
					end(p, s)
					s.awaitEnd(name)
					if name == "by the server" || name == "by the server, at once" {
						p.wantAnswer("polling says it", "6\x1e1")
					}
					c.wantClose("the candidate ends too", 1000)
					p.wantEnd("the session")
					if s.upgrades != 0 {
						w.t.Error("the upgrade was reported")
					}
					if n := r.srv.Count(); n != 0 {
						w.t.Errorf("%d sessions are left", n)
					}
				})
			})
		}
	})
}

// A client that has received "3probe" does not poll again: what a closing session must
// still send waits for its "5".
func TestCloseDuringTheUpgradeKeepsTheRest(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		c := p.probed()
		s := r.side(p.id())
		s.say("one", "two")
		s.Close()
		s.awaitEnd("the session")
		c.send("5")
		c.want("the rest", "4one", "4two")
		c.wantClose("the end", 1000)
		p.wantEnd("the session")
		if s.upgrades != 0 {
			w.t.Error("an upgrade was reported after the end")
		}
	})
}

// A client that abandons the upgrade gets the rest over polling.
func TestCloseDuringTheUpgradeThenPolling(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		c := p.probed()
		s := r.side(p.id())
		s.say("one")
		s.Close()
		s.awaitEnd("the session")
		p.wantAnswer("the rest", "4one")
		p.wantAnswer("the end", "6\x1e1")
		c.wantClose("the candidate ends too", 1000)
		p.wantEnd("the session")
	})
}

// A candidate of a closing session keeps its time limit, and then polling carries the
// rest.
func TestCloseDuringTheUpgradeThenNothing(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{})
		p := r.polling()
		start := time.Now()
		c := p.probed()
		time.Sleep(4 * time.Second)
		s := r.side(p.id())
		s.say("one")
		s.Close()
		s.awaitEnd("the session")
		c.wantClose("the candidate is out of time", 1002)
		wantAt(r, "the end of the candidate", start, 10*time.Second)
		p.wantAnswer("the rest", "4one")
		p.wantAnswer("the end", "6\x1e1")
		p.wantEnd("the session")
	})
}

func TestUpgrade(t *testing.T) {
	t.Run("messages flow on WebSocket after the upgrade", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calm()})
			p := r.polling()
			c := p.upgrade()
			c.send("4hello")
			c.want("the echo", "4hello")
			if got := r.side(p.id()).Transport(); got != "websocket" {
				w.t.Errorf("the transport is %q", got)
			}
		})
	})
}

// In both revisions.
func TestPollingAfterTheUpgrade(t *testing.T) {
	t.Run("trap 16", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			for _, p := range []*pollPeer{r.polling(), r.pollingV3()} {
				c := p.upgrade()
				r.wantRefusal("a GET", r.get(p.query), 400, 3, "Bad request")
				r.wantRefusal("a POST", p.post(p.join("4lost")), 400, 3, "Bad request")
				c.send("4x")
				c.want("the WebSocket goes on", "4x")
				p.probe().wantClose("a second WebSocket is not wanted", 1002)
				c.send("4y")
				c.want("the first goes on", "4y")
				r.side(p.id()).wantHeard("what came over it", "x", "y")
			}
		})
	})
}

func TestMessagesWhileProbing(t *testing.T) {
	t.Run("trap 14", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{onMessage: func(*side, bool, []byte) {}})
			p := r.polling()
			s := r.side(p.id())
			s.say("0")
			p.want("before the probe", "40")
			p.park()
			c := p.probed()
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
