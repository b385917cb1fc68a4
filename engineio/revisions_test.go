// SPDX-License-Identifier: MIT

// This file tests revision 3 of the protocol, alone and together with revision 4 on one
// server.

package engineio_test

import (
	"strings"
	"testing"
	"time"

	"socketio/engineio"
)

// All requests of a session must carry its revision.
func TestRevisionOfSession(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		p3, p4 := r.pollingV3(), r.polling()
		for _, eio := range []string{"EIO=4&", "EIO=4&EIO=4&"} {
			query := eio + "transport=polling&sid=" + p3.id()
			r.wantRefusal("GET as 4", r.get(query), 400, 3, "Bad request")
			r.wantRefusal("POST as 4", r.post(query, "4hello"), 400, 3, "Bad request")
			r.wantRefusal("upgrade as 4", r.dialRefused(eio+"transport=websocket&sid="+p3.id()), 400, 3, "Bad request")
		}
		for _, eio := range []string{"EIO=3&", "", "EIO=4&EIO=3&"} {
			query := eio + "transport=polling&sid=" + p4.id()
			r.wantRefusal("GET as 3", r.get(query), 400, 3, "Bad request")
			r.wantRefusal("upgrade as 3", r.dialRefused(eio+"transport=websocket&sid="+p4.id()), 400, 3, "Bad request")
		}
		p3.send("4three")
		p3.want("the sessions go on", "4three")
		p4.send("4four")
		p4.want("the sessions go on", "4four")
	})
}

// JSONP is rejected in both revisions.
func TestNoJSONP(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		for _, eio := range []string{"EIO=3", "EIO=4"} {
			r.wantRefusal(eio, r.get(eio+"&transport=polling&j=0"), 400, 3, "JSONP is not supported")
		}
	})
}

// Trap 9: the binary form is an error in revision 4, also where 3 is allowed.
func TestBinaryPostOfRevision4(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		p := r.polling()
		r.wantStatus("a binary body", p.post("\x00\x02\xff4a", "Content-Type", "application/octet-stream"), 400)
		r.side(p.id()).wantEnded("the session has ended", "transport error", nil)
	})
}

// One message is sent to clients of all kinds and is not changed.
func TestOneMessageToBothRevisions(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: w.calmV3()})
		poll3, poll64 := r.pollingV3(), r.pollingV3("b64=1")
		poll4, ws3, ws64, ws4 := r.polling(), r.websocketV3(), r.websocketV3("b64=1"), r.websocket()
		text := append(make([]byte, engineio.HeaderRoom), `51-["é",{"_placeholder":true,"num":0}]`...)
		m := engineio.NewMessage(text, [][]byte{{1, 2, 3, 4}})
		const packet = `451-["é",{"_placeholder":true,"num":0}]`
		for range 2 {
			for _, side := range r.all() {
				if err := side.Send(m); err != nil {
					w.t.Fatal(err)
				}
			}
			poll3.wantBinary("polling", "\x00\x04\x00\xff"+packet+"\x01\x05\xff\x04\x01\x02\x03\x04")
			poll64.wantAnswer("polling, base64", "39:"+packet+"10:b4AQIDBA==")
			poll4.want("polling, revision 4", packet, "bAQIDBA==")
			ws3.want("websocket", packet, "<0401020304>")
			ws64.want("websocket, base64", packet, "b4AQIDBA==")
			ws4.want("websocket, revision 4", packet, "<01020304>")
		}
	})
}

// The pings of a client that reads no answers are bounded like everything else that waits
// for it.
func TestPingFloodV3(t *testing.T) {
	inMemory(t, func(w *world) {
		o := suiteV3()
		o.MaxQueueMessages = 10 // 16 times that is less than the pings
		r := w.serve(hosting{options: o})
		p := r.pollingV3()
		pings := make([]string, 200)
		for i := range pings {
			pings[i] = "2"
		}
		p.send(pings...)
		r.side(p.id()).wantEnded("nobody polls", "transport error", engineio.ErrSlowConsumer)
	})
}

// The same for revision 3: lengths that point into a character, or beyond the end.
func TestPacketsThatEndEarlyV3(t *testing.T) {
	everywhere(t, func(w *world) {
		for _, body := range []string{"é", "1:é", "2:é", "1:😀", "3:4😀", "2:b", "3:b4A", "1:", "9999999999999999999999:4", ":4", "1", "0:"} {
			r := w.serve(hosting{options: &engineio.Options{AllowEIO3: true}})
			bystander := r.websocket()
			open := r.get("EIO=3&transport=polling")
			_, id, _ := strings.Cut(open.body, `"sid":"`)
			id, _, _ = strings.Cut(id, `"`)
			for _, kind := range []string{"text/plain", "application/octet-stream"} {
				got := r.post("EIO=3&transport=polling&sid="+id, body, "Content-Type", kind)
				if got.status != 200 && got.status != 400 {
					w.t.Errorf("a POST of %q as %s is answered %v, want 200 or 400", body, kind, got)
				}
			}
			bystander.send("4still here")
			bystander.want("another client", "4still here")
		}
	})
}

// Trap 2: only "4" is revision 4. Every other request is revision 3 where that is
// allowed.
func TestOpenV3(t *testing.T) {
	t.Run("a session opens/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			for _, query := range []string{"EIO=3&", "", "EIO=abc&", "EIO=04&", "EIO=5&"} {
				got := r.get(query + "transport=polling")
				packets := r.splitV3(got.body)
				if got.status != 200 || len(packets) != 1 {
					w.t.Fatalf("%q: got %d %q (%v)", query, got.status, got.body, got.err)
				}
				wantOpenPacket(w.t, packets[0], w.calm(), []any{"websocket"})
				if ct := got.header.Get("Content-Type"); ct != "text/plain; charset=UTF-8" {
					w.t.Errorf("Content-Type is %q", ct)
				}
			}
		})
	})
	t.Run("a session opens/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calmV3()}).websocketV3()
			wantOpenPacket(w.t, p.first, w.calm(), []any{})
			if got := p.r.side(p.id()).Handshake().Revision; got != 3 {
				w.t.Errorf("the revision is %d", got)
			}
		})
	})
	// The official suite waits for the end of such a WebSocket, which comes because there
	// are no pings.
	t.Run("a missing or unknown EIO does not stay/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: suiteV3()})
			for _, query := range []string{"", "EIO=abc&"} {
				p := r.openWebSocket(query + "transport=websocket")
				p.next("the open packet")
				p.wantClose("no ping", 1001)
			}
		})
	})
	t.Run("both revisions on one server/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			for _, p := range []peer{r.pollingV3(), r.websocketV3(), r.polling(), r.websocket()} {
				p.send("4hello")
				p.want("the echo", "4hello")
			}
		})
	})
	for name, query := range map[string]string{"a missing transport": "EIO=3", "an unknown transport": "EIO=3&transport=abc"} {
		t.Run(name+" is refused/PW", func(t *testing.T) {
			everywhere(t, func(w *world) {
				w.serve(hosting{options: w.calmV3()}).refused("either", query, 400, 0, "Transport unknown")
			})
		})
	}
	t.Run("POST or PUT without a sid is refused/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			for _, method := range []string{"POST", "PUT"} {
				got := r.do(w.t.Context(), method, "EIO=3&transport=polling", nil)
				r.wantRefusal(method, got, 400, 2, "Bad handshake method")
			}
		})
	})
}

func TestMessageV3(t *testing.T) {
	t.Run("one text packet there and back/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transportsV3(w, hosting{options: w.calmV3()}, func(_ *rig, p peer) { wantEchoes(p) })
		})
	})
	t.Run("several text packets in one payload/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calmV3()}).pollingV3()
			p.posts("6:4test16:4test26:4test3")
			p.wantAnswer("the echoes in order", "6:4test16:4test26:4test3")
		})
	})
	// Trap 25.
	t.Run("lengths are UTF-16 units/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calmV3()}).pollingV3()
			p.posts("2:4€3:4𝄞")
			p.wantAnswer("the echoes", "2:4€3:4𝄞")
		})
	})
	t.Run("text and base64 in one payload/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calmV3()}).pollingV3("b64=1")
			p.posts("6:4hello10:b4AQIDBA==")
			p.wantAnswer("text as text, bytes as base64", "6:4hello10:b4AQIDBA==")
		})
	})
	// Traps 9 and 25.
	t.Run("text and bytes in one binary payload/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calmV3()}).pollingV3()
			const payload = "\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04"
			p.posts(payload, "Content-Type", "application/octet-stream")
			p.wantBinary("the echoes", payload)
			p.send("4hello")
			p.want("without bytes the answer is text", "4hello")
			p.posts("6:4hello10:b4AQIDBA==")
			p.wantBinary("base64 is bytes as well", "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04")
		})
	})
	t.Run("one binary packet/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			p := r.websocketV3()
			p.send("<0401020304>")
			p.want("the echo is a binary frame with its type", "<0401020304>")
			p.send("b4AQIDBA==")
			p.want("base64 in a text frame is bytes as well", "<0401020304>")
			p.send("<04>")
			p.want("no bytes at all", "<04>")
			r.side(p.id()).wantHeard("the bytes without their type", "<01020304>", "<01020304>", "<>")
			c := r.websocketV3("b64=1")
			c.send("<0401020304>")
			c.want("the echo is base64", "b4AQIDBA==")
		})
	})
	t.Run("a malformed packet ends the session/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, bad := range []string{"abc", "", ":", "0:", "1:", "3:4a", "1:7", "2:4a1:", "x:4a", "4:b4A=", "2:b4AQ", "5:b2AQ==", "-1:4", "9999999999:4", "2:4𝄞"} {
				w.serve(hosting{options: w.calmV3()}).pollingV3().wantMalformed(bad)
			}
		})
	})
	t.Run("a malformed binary payload ends the session/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, bad := range []string{"", "\x00", "\x00\xff", "\x00\x00\xff", "\x02\x01\xff4", "\x00\x01", "\x00\x02\xff4", "\x00\x0a\xff4", "\x01\x01\xff\x02", "\x00\x02\xff4\xe2", "1:4"} {
				w.serve(hosting{options: w.calmV3()}).pollingV3().wantMalformed(bad, "Content-Type", "application/octet-stream")
			}
		})
	})
	t.Run("a malformed packet ends the session/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, bad := range []string{"abc", "", "7", "b", "bAQIDBA==", "b4A", "b2AQ==", "<>", "<01>", "<34>"} {
				w.serve(hosting{options: w.calmV3()}).websocketV3().wantMalformed(bad)
			}
		})
	})
	t.Run("two polls at once: one is refused, the session ends/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			p := r.pollingV3()
			p.park()
			r.wantStatus("the second poll", r.get(p.query), 400)
			r.side(p.id()).wantEnded("the session has ended", "transport error", nil)
			p.wantEnd("the session has ended")
		})
	})
}

// Trap 12: in revision 3 the client pings.
func TestHeartbeatV3(t *testing.T) {
	t.Run("three rounds of ping and pong/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transportsV3(w, hosting{options: w.patientV3()}, func(r *rig, p peer) {
				interval := 50 * time.Millisecond
				if w.virtual {
					interval = 300 * time.Millisecond
				}
				for range 3 {
					wait(interval)
					p.send("2")
					p.want("the server's pong", "3")
				}
				p.send("2hello")
				p.want("what a ping carries does not come back", "3")
			})
		})
	})
	t.Run("no ping: closed after interval and timeout/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transportsV3(w, hosting{options: suiteV3()}, func(r *rig, p peer) {
				start := time.Now()
				if w.virtual { // in real time it may come too late
					p.send("4other traffic does not count")
				}
				r.side(p.id()).wantEnded("no ping", "ping timeout", nil)
				if d := time.Since(start); w.virtual && (d < 490*time.Millisecond || d > 506*time.Millisecond) {
					w.t.Errorf("it took %v, want 500 ms and a few ticks", d)
				}
				p.wantEnd("the session has ended")
			})
		})
	})
	t.Run("the deadline begins anew with each ping/PW", func(t *testing.T) {
		inMemory(t, func(w *world) {
			transportsV3(w, hosting{options: suiteV3()}, func(r *rig, p peer) {
				wait(499 * time.Millisecond)
				p.send("2")
				start := time.Now()
				p.want("the pong", "3")
				r.side(p.id()).wantEnded("no second ping", "ping timeout", nil)
				if d := time.Since(start); d < 499*time.Millisecond || d > 506*time.Millisecond {
					w.t.Errorf("it took %v, want 500 ms and a few ticks", d)
				}
			})
		})
	})
	t.Run("a pong is an error/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transportsV3(w, hosting{options: w.calmV3()}, func(r *rig, p peer) {
				p.send("3")
				r.side(p.id()).wantEnded("the wrong direction", "transport error", nil)
				p.wantEnd("the session has ended")
			})
		})
	})
	t.Run("a pause suspends the deadline/PW", func(t *testing.T) {
		inMemory(t, func(w *world) {
			transportsV3(w, hosting{options: suiteV3()}, func(r *rig, p peer) {
				side := r.side(p.id())
				side.Pause()
				wait(2 * time.Second)
				side.wantOpen("while nothing is read no ping can be seen")
				side.Resume()
				start := time.Now()
				side.wantEnded("no ping afterwards", "ping timeout", nil)
				if d := time.Since(start); d < 499*time.Millisecond || d > 506*time.Millisecond {
					w.t.Errorf("it took %v from resuming, want 500 ms and a few ticks", d)
				}
			})
		})
	})
}

// wait lets time pass.
func wait(d time.Duration) { <-time.After(d) }

func TestClosePacketV3(t *testing.T) {
	t.Run("the WebSocket closes/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			p := r.websocketV3()
			p.send("4bye", "1")
			p.want("what waited is sent", "4bye")
			p.wantClose("a normal end", 1000)
			r.side(p.id()).wantEnded("the client has closed", "transport close", nil)
		})
	})
	t.Run("the server closes/P", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3(), onMessage: func(s *side, _ bool, _ []byte) {
				s.say("bye")
				s.Close()
			}})
			p := r.pollingV3()
			p.send("4go")
			p.wantAnswer("the last words", "4:4bye")
			p.wantAnswer("a noop, then the close packet", "1:61:1")
		})
	})
}

func TestUpgradeV3(t *testing.T) {
	t.Run("messages flow on WebSocket after the upgrade", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calmV3()})
			p := r.pollingV3()
			p.park()
			c := p.upgrade()
			c.send("4hello", "<040102>", "2")
			c.want("the echoes and the pong", "4hello", "<040102>", "3")
		})
	})
	t.Run("what waits moves over in the form of the WebSocket", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for more, bytes := range map[string]string{"": "<040102>", "b64=1": "b4AQI="} {
				p := w.serve(hosting{options: w.calmV3()}).pollingV3()
				p.send("4hello", "b4AQI=")
				c := p.upgrade(more)
				c.want("the echoes", "4hello", bytes)
			}
		})
	})
}

func TestMissingRevisionIsThree(t *testing.T) {
	t.Run("trap 02", func(t *testing.T) {
		queries := []string{"transport=$T", "EIO=&transport=$T", "EIO=3&transport=$T", "EIO=5&transport=$T", "EIO=04&transport=$T", "EIO=4&EIO=2&transport=$T"}
		t.Run("refused", func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{})
				for _, query := range queries {
					r.refused(query, query, 400, 5, "Unsupported protocol version")
				}
			})
		})
		t.Run("let in", func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{options: w.calmV3()})
				for _, query := range queries {
					got := r.get(strings.ReplaceAll(query, "$T", "polling"))
					packets := r.splitV3(got.body) // the payload has the framing of revision 3
					if len(packets) != 1 {
						w.t.Fatalf("%s: the answer is %d %q", query, got.status, got.body)
					}
					if s := r.side(r.readOpen(packets[0]).SID); s.Handshake().Revision != 3 {
						w.t.Errorf("%s: the revision is %d", query, s.Handshake().Revision)
					}
					p := r.openWebSocket(strings.ReplaceAll(query, "$T", "websocket"))
					if s := r.side(r.readOpen(p.next("the open packet")).SID); s.Handshake().Revision != 3 {
						w.t.Errorf("%s on websocket: the revision is %d", query, s.Handshake().Revision)
					}
				}
			})
		})
	})
}

func TestLengthsOfRevision3(t *testing.T) {
	t.Run("trap 25", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calmV3()}).pollingV3()
			p.posts("2:4€3:4𝄞5:4a€b\n") // UTF-16 units: one for the euro sign, two for the clef
			p.wantAnswer("lengths in text are UTF-16 units", "2:4€3:4𝄞5:4a€b\n")
			const mixed = "\x00\x04\xff4€\x00\x01\x03\xff4twelve chars\x01\x03\xff\x04\x01\x02"
			p.posts(mixed, "Content-Type", "application/octet-stream")
			p.wantBinary("lengths in bytes are decimal digits, of UTF-8", mixed)
		})
	})
}
