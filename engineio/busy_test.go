// SPDX-License-Identifier: MIT

// This file tests MessageTimeout with clients that are never between two messages.

package engineio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// A sender is a peer that takes bytes as they are.
type sender struct {
	peer
	raw func([]byte)
}

// senders opens a session over each transport that has messages, with a function that
// encodes a text for it.
func (r *rig) senders() map[string]func() (sender, func(text string) []byte) {
	webSocket := func() sender {
		p := r.websocket("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
		return sender{p, func(b []byte) { p.raw(b) }}
	}
	whole := func(text string) []byte { return wstest.Frame(ws.Text, true, []byte(text)) }
	parts := func(text string) []byte {
		third := len(text) / 3
		return slices.Concat(wstest.Frame(ws.Text, false, []byte(text[:third])),
			wstest.Frame(ws.Ping, true, []byte("p")), wstest.Frame(ws.Continuation, false, []byte(text[third:2*third])),
			wstest.Frame(ws.Continuation, false, nil), wstest.Frame(ws.Continuation, true, []byte(text[2*third:])))
	}
	compressed := func(text string) []byte {
		return wstest.Frame(ws.Text|0x40, true, wstest.Compress([]byte(text)))
	}
	all := map[string]func() (sender, func(string) []byte){
		"WebSocket":               func() (sender, func(string) []byte) { return webSocket(), whole },
		"WebSocket, in fragments": func() (sender, func(string) []byte) { return webSocket(), parts },
		"WebSocket, compressed":   func() (sender, func(string) []byte) { return webSocket(), compressed },
		"WebSocket of an upgrade": func() (sender, func(string) []byte) {
			p := r.polling().upgrade()
			return sender{p, func(b []byte) { p.raw(b) }}, whole
		},
		"WebSocket of revision 3": func() (sender, func(string) []byte) {
			p := r.websocketV3()
			return sender{p, func(b []byte) { p.raw(b) }}, whole
		},
		"WebSocket, pings between": func() (sender, func(string) []byte) {
			return webSocket(), func(text string) []byte { return append(wstest.Frame(ws.Ping, true, []byte("p")), whole(text)...) }
		},
	}
	if !isOverHTTP2 {
		all["WebTransport"] = func() (sender, func(string) []byte) {
			p := r.webtransport()
			return sender{p, p.raw}, wtFrame
		}
	}
	return all
}

// A client that sends message after message is never between two of them when a read
// ends. Each message has its own time limit, so this client stays, and one that sends
// byte by byte does not.
func TestMessageTimeoutOfABusyClient(t *testing.T) {
	const limit = 7 * time.Second
	inMemory(t, func(w *world) {
		o := withStreams(&engineio.Options{
			MessageTimeout: limit, PingInterval: time.Hour, PerMessageDeflate: new(engineio.PerMessageDeflate), AllowEIO3: true,
		})
		r := w.serve(hosting{options: o, onMessage: func(*side, bool, []byte) {}})
		for name, open := range r.senders() {
			p, frame := open()
			s := r.side(p.id())
			var want []string
			var rest []byte
			begun := r.elapsed()
			for i := range 30 {
				text := fmt.Sprint(i, " ", strings.Repeat("busy ", 40))
				want = append(want, text)
				b := frame("4" + text)
				cut := len(b) * 3 / 4 // inside the message, whatever precedes it
				p.raw(append(rest, b[:cut]...))
				rest = b[cut:]
				begun = r.elapsed()
				r.quiet()
				time.Sleep(limit / 3)
			}
			s.wantOpen(name + ": each message came in time")
			s.wantHeard(name, want[:len(want)-1]...)
			for i := 0; i < len(rest)-1; i++ { // the last one drips
				select {
				case <-s.ended:
				default:
					p.raw(rest[i : i+1])
				}
				r.quiet()
				time.Sleep(time.Second)
			}
			s.wantEnded(name+": the last one drips", engineio.ReasonTransportError, nil)
			if took := r.elapsed() - begun; took < limit {
				w.t.Errorf("%s: it ended after %v, want %v", name, took, limit)
			}
			if got := s.err; got == nil || !strings.Contains(got.Error(), "did not arrive in time") {
				w.t.Errorf("%s: it ended with %v", name, got)
			}
		}
	})
}

// Control frames do not extend the time of the message that contains them.
func TestMessageTimeoutAmongPings(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MessageTimeout: 7 * time.Second}})
		p := r.websocket()
		begun := r.elapsed()
		p.raw(wstest.Frame(ws.Text, false, []byte("4a")))
		ping := wstest.Frame(ws.Ping, true, []byte("p"))
		for range 6 {
			time.Sleep(time.Second)
			p.raw(ping, ping[:3])
			r.quiet()
			p.raw(ping[3:], wstest.Frame(ws.Continuation, false, []byte("b")))
		}
		r.side(p.id()).wantOpen("6 s")
		p.wantEnd("a message among pings")
		if took := r.elapsed() - begun; took < 7*time.Second || took > 8*time.Second {
			w.t.Errorf("it closed after %v, want MessageTimeout", took)
		}
	})
}

// The time in which reading is paused does not count.
func TestMessageTimeoutWhilePaused(t *testing.T) {
	inMemory(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{MessageTimeout: 7 * time.Second, PingInterval: time.Hour}})
		p := r.websocket()
		s := r.side(p.id())
		frame := wstest.Frame(ws.Text, true, []byte("4hello"))
		for _, pause := range []time.Duration{3 * time.Second, 6 * time.Second, time.Minute} {
			p.raw(frame[:5])
			r.quiet()
			time.Sleep(time.Second)
			s.Pause()
			time.Sleep(pause)
			s.Resume()
			time.Sleep(5 * time.Second)
			p.raw(frame[5:])
			p.want("a message that was not read for a time", "4hello")
		}
		p.raw(frame[:5])
		r.quiet()
		s.Pause()
		time.Sleep(time.Minute)
		s.Resume()
		begun := r.elapsed()
		p.wantClose("a message that does not arrive", 1008)
		if took := r.elapsed() - begun; took > 8*time.Second {
			w.t.Errorf("it closed %v after it was read again, want 7 s", took)
		}
	})
}
