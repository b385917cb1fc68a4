// SPDX-License-Identifier: MIT

// This file holds a dialogue for each row of the Socket.IO protocol suite, with
// the settings of that suite.

package socketio_test

import (
	"strings"
	"testing"
	"time"

	"socketio"
)

// suite are the settings of the protocol suite.
var suite = &socketio.Options{
	PingInterval: 300 * time.Millisecond,
	PingTimeout:  200 * time.Millisecond,
	Limits:       socketio.SocketLimits{ConnectTimeout: time.Second},
}

// busy are the same where time is real: a machine that has other things to do may
// take its time for everything.
var busy = &socketio.Options{
	PingInterval: 300 * time.Millisecond,
	PingTimeout:  time.Hour,
	Limits:       socketio.SocketLimits{ConnectTimeout: time.Hour},
}

// echo sets up the server of the protocol suite.
func echo(io *socketio.Server) {
	for _, name := range []string{"/", "/custom"} {
		io.Of(name).OnConnection(func(s *socketio.Socket) {
			_ = s.Emit("auth", s.Handshake().Auth)
			s.On("message", func(s *socketio.Socket, args ...any) error { return s.Emit("message-back", args...) })
			s.On("message-with-ack", func(args socketio.Args, ack socketio.Ack) error {
				values, err := args.Values()
				if err != nil {
					return err
				}
				return ack(values...)
			})
		})
	}
}

func overSuite(t *testing.T, test func(w *world, p *peer)) {
	overBothWith(t, suite, busy, func(w *world, transport string) {
		echo(w.io)
		test(w, w.open(transport))
	})
}

func TestOpen(t *testing.T) {
	overBoth(t, suite, func(w *world, transport string) {
		p := w.open(transport)
		upgrades := `[]`
		if transport == polling {
			upgrades = `["websocket"]`
		}
		want(t, "the open packet", p.opening,
			`{"sid":"`+p.sid+`","upgrades":`+upgrades+`,"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}`)
	})
}

func TestHeartbeat(t *testing.T) {
	slow := &socketio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 3 * time.Second}
	overBothWith(t, suite, slow, func(w *world, transport string) {
		gone := make(chan socketio.DisconnectReason, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(r socketio.DisconnectReason) { gone <- r })
		})
		p := w.join(transport)
		<-time.After(1200 * time.Millisecond) // three rounds of ping and pong
		p.isOpen()
		p.mute.Store(true)
		start := time.Now()
		want(t, "the reason", within(w, "the end", gone), socketio.ReasonPingTimeout)
		if took := time.Since(start); w.bubble && took > 550*time.Millisecond {
			t.Errorf("a silent client is gone after interval and timeout, not after %v", took)
		}
	})
}

func TestClientCloses(t *testing.T) {
	overBothWith(t, suite, busy, func(w *world, transport string) {
		gone := make(chan socketio.DisconnectReason, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(r socketio.DisconnectReason) { gone <- r })
		})
		p := w.join(transport)
		if err := p.write("1"); err != nil {
			t.Fatal(err)
		}
		want(t, "the reason", within(w, "the end", gone), socketio.ReasonTransportClose)
		<-p.ended
		if transport == polling && p.noops.Load() == 0 && p.end.Error() != `status 400 {"code":1,"message":"Session ID unknown"}` {
			t.Errorf("the parked poll ends with a noop, or the next is refused; it ended with %v", p.end)
		}
	})
}

func TestConnectToMain(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.says(`0`)
		p.hears(`0{"sid":"*"}`, `2["auth",{}]`)
	})
}

func TestConnectToMainWithPayload(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.says(`0{"token":"123"}`)
		p.hears(`0{"sid":"*"}`, `2["auth",{"token":"123"}]`)
	})
}

func TestConnectToCustom(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.says(`0/custom,`)
		p.hears(`0/custom,{"sid":"*"}`, `2/custom,["auth",{}]`)
	})
}

func TestConnectToCustomWithoutComma(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.says(`0/custom`)
		p.hears(`0/custom,{"sid":"*"}`, `2/custom,["auth",{}]`)
	})
}

func TestConnectToCustomWithPayload(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.says(`0/custom,{"token":"abc"}`)
		p.hears(`0/custom,{"sid":"*"}`, `2/custom,["auth",{"token":"abc"}]`)
	})
}

func TestConnectToUnknownNamespace(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.says(`0/random`)
		p.hears(`4/random,{"message":"Invalid namespace"}`)
		p.says(`0/custom?token=abc,`) // a query is part of the name
		p.hears(`4/custom?token=abc,{"message":"Invalid namespace"}`)
		p.says(`0`) // the connection goes on
		p.hears(`0{"sid":"*"}`, `2["auth",{}]`)
	})
}

func TestConnectWithMalformedPayload(t *testing.T) {
	for _, connect := range []string{`4abc`, `0abc`, `0[]`, `0"text"`, `0{`} {
		overSuite(t, func(w *world, p *peer) {
			_ = p.tries(connect)
			p.isClosed(1002)
		})
	}
}

func TestNoConnectInTime(t *testing.T) {
	overBoth(t, &socketio.Options{Limits: socketio.SocketLimits{ConnectTimeout: time.Second}}, func(w *world, transport string) {
		p := w.open(transport)
		start := time.Now()
		p.isClosed(1008)
		if took := time.Since(start); w.bubble && (took < 950*time.Millisecond || took > 1100*time.Millisecond) {
			t.Errorf("the connection closes after the connect timeout of 1 s, not after %v", took)
		}
	})
}

func TestDisconnectFromMain(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.joins("/")
		p.hears(`2["auth",{}]`)
		p.says(`1`)
		p.isOpen() // the last namespace does not take the connection with it
		p.joins("/")
		p.hears(`2["auth",{}]`)
	})
}

func TestDisconnectFromCustom(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.joins("/")
		p.hears(`2["auth",{}]`)
		p.joins("/custom")
		p.hears(`2/custom,["auth",{}]`)
		p.says(`1/custom,`)
		p.says(`2["message","message to main namespace"]`)
		p.hears(`2["message-back","message to main namespace"]`)
	})
}

func TestTextEvent(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.joins("/")
		p.hears(`2["auth",{}]`)
		p.says(`2["message",1,"2",{"3":[true]}]`)
		p.hears(`2["message-back",1,"2",{"3":[true]}]`)
	})
}

func TestBinaryEvent(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.joins("/")
		p.hears(`2["auth",{}]`)
		p.says(`52-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1, 2, 3}, []byte{4, 5, 6})
		p.hears(`52-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1, 2, 3}, []byte{4, 5, 6})
	})
}

func TestTextEventWithAck(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.joins("/")
		p.hears(`2["auth",{}]`)
		for _, id := range []string{"0", "456", "9007199254740991"} {
			p.says(`2` + id + `["message-with-ack",1,"2",{"3":[false]}]`)
			p.hears(`3` + id + `[1,"2",{"3":[false]}]`)
		}
	})
}

func TestBinaryEventWithAck(t *testing.T) {
	overSuite(t, func(w *world, p *peer) {
		p.joins("/")
		p.hears(`2["auth",{}]`)
		for _, id := range []string{"0", "789", "9007199254740991"} {
			p.says(`52-`+id+`["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1, 2, 3}, []byte{4, 5, 6})
			p.hears(`62-`+id+`[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1, 2, 3}, []byte{4, 5, 6})
		}
	})
}

func TestCloseOnMalformedPackets(t *testing.T) {
	for _, packet := range []string{`abc`, `2{`, `21b["message"]`, `29007199254740992["message"]`} {
		overSuite(t, func(w *world, p *peer) {
			p.joins("/")
			_ = p.tries(packet)
			p.isClosed(1002)
		})
	}
}

// Large messages, unicode and nested binary go both ways unharmed.
func TestLargeMessages(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		echo(w.io)
		p := w.open(transport)
		p.joins("/")
		p.hears(`2["auth",{}]`)
		for _, text := range []string{strings.Repeat("x", 900_000), strings.Repeat("ünïcødé 漢字\U0001F600 ", 20_000)} {
			p.says(`2["message","` + text + `"]`)
			p.hears(`2["message-back","` + text + `"]`)
		}
		photo := make([]byte, 900_000*3/4/4*3) // room for base64
		for i := range photo {
			photo[i] = byte(i * i >> 3)
		}
		nested := `{"list":[{"deep":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}],"name":"\"n\""}]`
		p.says(`52-["message",`+nested, photo, []byte{0})
		p.hears(`52-["message-back",`+nested, photo, []byte{0})
	})
}
