// SPDX-License-Identifier: MIT

// This file holds one test for each row that the official suite of Engine.IO 4
// exercises, with its settings, over each transport it names.

package engineio_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"socketio/engineio"
)

// wantOpenPacket checks that the open packet has exactly the keys it should.
func wantOpenPacket(t *testing.T, packet string, o *engineio.Options, upgrades []any) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(packet[1:]), &got); packet[0] != '0' || err != nil {
		t.Fatalf("the open packet is %q (%v)", packet, err)
	}
	if sid, ok := got["sid"].(string); !ok || len(sid) != 20 {
		t.Errorf("the session id is %v, want 20 characters", got["sid"])
	}
	delete(got, "sid")
	want := map[string]any{"upgrades": upgrades, "maxPayload": 1e6,
		"pingInterval": float64(o.PingInterval.Milliseconds()), "pingTimeout": float64(o.PingTimeout.Milliseconds())}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the open packet has %v, want %v (keys %v)", got, want, slices.Sorted(maps.Keys(got)))
	}
}

func TestOpen(t *testing.T) {
	t.Run("a session opens/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).polling()
			wantOpenPacket(w.t, p.raw.body, w.calm(), []any{"websocket"})
			if ct := p.raw.header.Get("Content-Type"); ct != "text/plain; charset=UTF-8" {
				w.t.Errorf("Content-Type is %q", ct)
			}
			if cc := p.raw.header.Get("Cache-Control"); cc != "no-store" {
				w.t.Errorf("Cache-Control is %q", cc)
			}
		})
	})
	t.Run("a session opens/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			wantOpenPacket(w.t, w.serve(hosting{options: w.calm()}).websocket().first, w.calm(), []any{})
		})
	})
	for name, query := range map[string]string{"a missing EIO": "", "an unknown EIO": "EIO=abc&", "revision 3": "EIO=3&", "revision 5": "EIO=5&"} {
		t.Run(name+" is refused/PW", func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{options: w.calm()})
				r.wantRefusal("polling", r.get(query+"transport=polling"), 400, 5, "Unsupported protocol version")
				r.wantRefusal("websocket never opens", r.dialRefused(query+"transport=websocket"), 400, 5, "Unsupported protocol version")
			})
		})
	}
	for name, query := range map[string]string{"a missing transport": "EIO=4", "an unknown transport": "EIO=4&transport=abc"} {
		t.Run(name+" is refused/PW", func(t *testing.T) {
			everywhere(t, func(w *world) {
				r := w.serve(hosting{options: w.calm()})
				r.wantRefusal("polling", r.get(query), 400, 0, "Transport unknown")
				r.wantRefusal("websocket never opens", r.dialRefused(query), 400, 0, "Transport unknown")
			})
		})
	}
	t.Run("POST or PUT without a sid is refused/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calm()})
			for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
				got := r.do(w.t.Context(), method, "EIO=4&transport=polling", nil)
				r.wantRefusal(method, got, 400, 2, "Bad handshake method")
			}
			if got := r.do(w.t.Context(), "HEAD", "EIO=4&transport=polling", nil); got.status != 400 {
				w.t.Errorf("HEAD got %d (%v), want 400", got.status, got.err)
			}
		})
	})
}

func TestMessage(t *testing.T) {
	t.Run("one text packet there and back/PW", func(t *testing.T) {
		everywhere(t, func(w *world) {
			transports(w, hosting{options: w.calm()}, func(r *rig, p peer) {
				p.send("4hello")
				p.want("the echo", "4hello")
				p.send("4€ 𝄞")
				p.want("the echo of more than ASCII", "4€ 𝄞")
				p.send("4")
				p.want("the echo of nothing", "4")
			})
		})
	})
	t.Run("several text packets in one payload/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).polling()
			p.send("4test1", "4test2", "4test3")
			p.want("the echoes in order", "4test1", "4test2", "4test3")
		})
	})
	t.Run("text and binary in one payload/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).polling()
			p.send("4hello", "bAQIDBA==")
			p.want("text as text, bytes as base64", "4hello", "bAQIDBA==")
		})
	})
	t.Run("one binary packet/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			p := w.serve(hosting{options: w.calm()}).websocket()
			p.send("<01020304>")
			p.want("the echo is a binary frame", "<01020304>")
			p.send("bAQIDBA==")
			p.want("base64 in a text frame is bytes as well", "<01020304>")
			p.send("<>")
			p.want("no bytes at all", "<>")
		})
	})
	t.Run("a malformed packet ends the session/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, bad := range []string{"abc", "", "7", "9x", "4ok\x1e", "b=", "bA*Q=", "4ok\x1eb*"} {
				r := w.serve(hosting{options: w.calm()})
				p := r.polling()
				got := p.post(bad)
				if got.err != nil || got.status != 200 || got.body != "ok" {
					w.t.Errorf("POST %q got %d %q (%v), want 200 ok", bad, got.status, got.body, got.err)
				}
				r.side(p.id()).wantEnded(fmt.Sprintf("after %q", bad), "parse error", nil)
				p.wantEnd("the session has ended")
			}
		})
	})
	t.Run("a malformed packet ends the session/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			for _, bad := range []string{"abc", "", "7", "b=", "bA*Q="} {
				r := w.serve(hosting{options: w.calm()})
				p := r.websocket()
				p.send(bad)
				p.wantClose(fmt.Sprintf("after %q", bad), 1002)
				r.side(p.id()).wantEnded("the session has ended", "parse error", nil)
			}
		})
	})
	t.Run("two polls at once: one is refused, the session ends/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			first, second := make(chan reply, 1), make(chan reply, 1)
			go func() { first <- r.get(p.query) }()
			go func() { second <- r.get(p.query) }()
			a, b := <-first, <-second
			if a.status == 400 {
				a, b = b, a
			}
			if a.status != 200 || a.body != "1" {
				w.t.Errorf("one poll got %d %q (%v), want 200 and the close packet", a.status, a.body, a.err)
			}
			r.wantStatus("the other poll", b, 400)
			r.side(p.id()).wantEnded("the session has ended", "transport error", nil)
			p.wantEnd("the session has ended")
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
				if w.virtual { // where time is real, it may come too late to be asked for
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

func TestClosePacket(t *testing.T) {
	t.Run("a pending poll is answered/P", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			p.send("1")
			p.wantAnswer("a noop ends the poll", "6")
			r.side(p.id()).wantEnded("the client has closed", "transport close", nil)
			p.wantEnd("the session has ended")
		})
	})
	t.Run("what waits is sent before the noop/P", func(t *testing.T) {
		inMemory(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.polling()
			p.park()
			p.send("4bye", "1", "4never heard")
			// The parked poll may leave with the echo before the close is read.
			if got := p.answer(); got.status != 200 || got.body != "4bye\x1e6" && got.body != "4bye" {
				w.t.Errorf("the last words, then a noop: the poll got %d %q", got.status, got.body)
			}
			r.side(p.id()).wantHeard("what came before the close packet", "bye")
			p.wantEnd("the session has ended")
		})
	})
	t.Run("the WebSocket closes/W", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{})
			p := r.websocket()
			p.send("4bye", "1", "4never heard")
			p.want("what waited is sent", "4bye")
			p.wantClose("a normal end", 1000)
			r.side(p.id()).wantEnded("the client has closed", "transport close", nil)
			r.side(p.id()).wantHeard("what came before the close packet", "bye")
		})
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
	t.Run("requests on polling after the upgrade get 400", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calm()})
			p := r.polling()
			c := p.upgrade()
			r.wantRefusal("GET", r.get(p.query), 400, 3, "Bad request")
			r.wantRefusal("POST", p.post("4hello"), 400, 3, "Bad request")
			c.send("4hello")
			c.want("the WebSocket goes on", "4hello")
		})
	})
	t.Run("a second WebSocket after the upgrade is closed", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: w.calm()})
			p := r.polling()
			c := p.upgrade()
			p.probe().wantClose("the second is not wanted", 1002)
			c.send("4hello")
			c.want("the first goes on", "4hello")
		})
	})
}
