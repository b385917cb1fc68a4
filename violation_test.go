// SPDX-License-Identifier: MIT

// This file holds what a client must not say: each closes its whole connection
// and harms nobody else.

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"socketio"
	"socketio/internal/ws"
	"socketio/internal/ws/wstest"
)

// violates has a client that has joined "/" and "/other" say packets, and expects
// that both sockets end with "forced close" while a bystander does not notice.
func violates(t *testing.T, packets ...any) {
	t.Helper()
	overBoth(t, nil, func(w *world, transport string) {
		echo(w.io)
		reasons := newList()
		for _, name := range []string{"/", "/other"} {
			w.io.Of(name).OnConnection(func(s *socketio.Socket) {
				s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(name + ": " + string(r)) })
			})
		}
		bystander := w.join(transport)
		bystander.hears(`2["auth",{}]`)
		p := w.join(transport)
		p.hears(`2["auth",{}]`)
		p.joins("/other")
		_ = p.tries(packets...)
		p.isClosed(1002)
		got := strings.Join(reasons.await(w, 2), ", ")
		if got != "/: forced close, /other: forced close" && got != "/other: forced close, /: forced close" {
			t.Errorf("both sockets end with forced close, not with %s", got)
		}
		bystander.says(`2["message","still here"]`)
		bystander.hears(`2["message-back","still here"]`)
		want(t, "sockets that ended", len(reasons.all()), 2)
	})
}

func TestDecodingErrors(t *testing.T) {
	eleven := `511-["x"` + strings.Repeat(`,0`, 11) + `]`
	for name, packets := range map[string][]any{
		"unknown packet type 7":                              {`7["x"]`},
		"unknown packet type 9":                              {`9`},
		"packet type that is no digit":                       {`x`},
		"empty packet":                                       {``},
		"binary event without a count":                       {`5["x"]`},
		"binary event without a dash":                        {`51["x"]`},
		"binary event with no attachment":                    {`50-["x"]`},
		"binary ack with a negative count":                   {`6-1-[]`},
		"too many attachments":                               {eleven},
		"payload that is no JSON":                            {`2[`},
		"payload with something behind it":                   {`2["x"]]`},
		"event that is an object":                            {`2{"x":1}`},
		"event that is empty":                                {`2[]`},
		"event without payload":                              {`2`},
		"event with a boolean name":                          {`2[true]`},
		"event with null as its name":                        {`2[null]`},
		"event named connect":                                {`2["connect"]`},
		"event named connect_error":                          {`2["connect_error"]`},
		"event named disconnect":                             {`2["disconnect"]`},
		"event named disconnecting":                          {`2["disconnecting"]`},
		"event named newListener":                            {`2["newListener"]`},
		"event named removeListener":                         {`2["removeListener"]`},
		"ack without payload":                                {`31`},
		"ack with an object":                                 {`31{}`},
		"negative ack id":                                    {`2-1["x"]`},
		"ack id with a leading zero":                         {`2007["x"]`},
		"ack id above 2^53-1":                                {`29007199254740992["x"]`},
		"ack id of 400 digits":                               {`2` + strings.Repeat("9", 400) + `["x"]`},
		"blank as ack id":                                    {`2 ["x"]`},
		"disconnect with payload":                            {`1{}`},
		"placeholder with a string":                          {`51-["x",{"_placeholder":true,"num":"0"}]`, []byte{1}},
		"placeholder out of range":                           {`51-["x",{"_placeholder":true,"num":1}]`, []byte{1}},
		"placeholder below zero":                             {`51-["x",{"_placeholder":true,"num":-1}]`, []byte{1}},
		"placeholder used twice":                             {`51-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, []byte{1}},
		"attachment that is not used":                        {`51-["x"]`, []byte{1}},
		"stray binary":                                       {[]byte{1, 2, 3}},
		"binary after the last attachment":                   {`51-["message",{"_placeholder":true,"num":0}]`, []byte{1}, []byte{2}},
		"text before all attachments came":                   {`51-["x",{"_placeholder":true,"num":0}]`, `2["x"]`},
		"JSON nested 600 deep":                               {`2["x",` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `]`},
		"namespace with a control character":                 {"2/a\x01b,[\"x\"]"},
		"namespace of 256 bytes":                             {`2/` + strings.Repeat("n", 255) + `,["x"]`},
		"a client sends CONNECT_ERROR":                       {`4{"message":"no"}`},
		"CONNECT to a namespace it has joined":               {`0`},
		"event for a namespace it has not joined":            {`2/custom,["x"]`},
		"ack for a namespace it has not joined":              {`3/custom,0[]`},
		"disconnect from a namespace it has not joined":      {`1/custom,`},
		"event for a namespace that does not exist":          {`2/nowhere,["x"]`},
		"event for a namespace that it has left":             {`0/custom,`, `1/custom,`, `2/custom,["x"]`},
		"event for a namespace that refused it":              {`0/nowhere,`, `2/nowhere,["x"]`},
		"binary event for a namespace it has not joined":     {`51-/custom,["x",{"_placeholder":true,"num":0}]`, []byte{1}},
		"an Engine.IO message after which more would follow": {`2[`, `2["message","never"]`},
	} {
		t.Run(name, func(t *testing.T) { violates(t, packets...) })
	}
}

// Rule 1: the first packet must be CONNECT.
func TestFirstPacketMustBeConnect(t *testing.T) {
	for _, packet := range []string{`2["message"]`, `1`, `30[]`, `4{}`, `2/custom,["x"]`} {
		overBoth(t, nil, func(w *world, transport string) {
			echo(w.io)
			p := w.open(transport)
			_ = p.tries(packet)
			p.isClosed(1002)
		})
	}
}

// Names that would be special in JavaScript are names like others here.
func TestOddEventNames(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		names := map[string]string{
			`"__proto__"`: "__proto__", `"constructor"`: "constructor", `"toString"`: "toString",
			`""`: "", `1`: "1", `-1.5e3`: "-1500", `"1"`: "1", `"error"`: "error", `"connection"`: "connection",
			`"\u0061\n\"b"`: "a\n\"b", `"` + strings.Repeat("n", 5000) + `"`: strings.Repeat("n", 5000),
		}
		w.io.OnConnection(func(s *socketio.Socket) {
			for _, name := range names {
				s.On(name, func(ack socketio.Ack) error { return ack("heard", name) })
			}
		})
		p := w.join(transport)
		for wire := range names {
			p.says(`20[` + wire + `]`)
			got, err := p.next()
			if err != nil || !strings.HasPrefix(got.text, `30["heard",`) {
				w.Fatalf("event %.40s is answered, not %v %v", wire, got, err)
			}
			if wire == `1` && got.text != `30["heard","1"]` {
				t.Errorf("a number as the name is delivered as a string: %v", got)
			}
		}
	})
}

// An event named "error" is no error, also without a handler.
func TestEventNamedErrorHarmsNobody(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		p := w.join(transport)
		p.says(`2["error",{"message":"boo"}]`, `2["connection"]`, `2["message"]`)
		p.isOpen()
	})
}

func TestReservedEventsCannotBeSent(t *testing.T) {
	memory(t, nil, func(w *world) {
		errs := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
				_, ackErr := s.EmitWithAck(s.Context(), name)
				for i, err := range []error{s.Emit(name), s.Broadcast().Emit(name), w.io.Emit(name), w.io.To("r").Emit(name), ackErr} {
					if !isErr(err, socketio.ErrReservedEvent) || !strings.Contains(err.Error(), name) {
						errs <- fmt.Errorf("way %d: emitting %q returns %v", i, name, err)
						return
					}
				}
				if msg := panicOf(func() { s.On(name, func() {}) }); !strings.Contains(msg, name) || !strings.Contains(msg, "OnDisconnect") {
					errs <- fmt.Errorf("On(%q) panics with %q", name, msg)
					return
				}
			}
			errs <- nil
		})
		p := w.join(websocket)
		if err := within(w, "the connection handler", errs); err != nil {
			t.Error(err)
		}
		p.hearsNothing()
	})
}

// A connection that closes while its client does not read drops what the client still
// sends: long texts, which are decoded on goroutines of their own, must not meet there.
func TestTextsAfterTheEnd(t *testing.T) {
	tcp(t, nil, func(w *world) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		c, _, err := w.dialWebSocket("", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.WriteText("40"); err != nil {
			t.Fatal(err)
		}
		s := within(w, "the socket", sockets)
		_ = s.Emit("big", strings.Repeat("x", 16<<20)) // more than the network takes
		s.CloseConn()
		for i := range 20 {
			burst := wstest.Frame(ws.Text, true, []byte(fmt.Sprintf(`42/n%d,["e","%s"]`, i, strings.Repeat("y", 900<<10))))
			for range 10 {
				burst = append(burst, wstest.Frame(ws.Text, true, []byte(`42/other,["e"]`))...)
			}
			if err := c.WriteFrame(burst); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A message that is too large has a reason of its own, on both transports, and a record
// with its size.
func TestTooLargeHasAReason(t *testing.T) {
	overBoth(t, &socketio.Options{MaxPayload: 1000}, func(w *world, transport string) {
		ends := make(chan error, 1)
		w.io.OnConnection(func(s *socketio.Socket) {
			s.OnDisconnect(func(socketio.DisconnectReason) { ends <- context.Cause(s.Context()) })
		})
		p := w.join(transport)
		_ = p.tries(`2["x","` + strings.Repeat("y", 2000) + `"]`)
		if err := within(w, "the end", ends); !errors.Is(err, socketio.ErrTooLarge) {
			t.Errorf("it ended with %v", err)
		} else if want := map[string]string{
			websocket: "engineio: larger than MaxPayload: a message: 2010 bytes, at most 1000",
			polling:   "engineio: larger than MaxPayload: the body of a POST: 2010 bytes, at most 1000",
		}[transport]; err.Error() != want {
			t.Errorf("it ended with %q, want %q", err, want)
		}
		if log := w.log.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, " transport="+transport+" max=1000 size=2010\n") {
			t.Errorf("no record of the size: %s", log)
		}
	})
}

// The client hears the sizes too. What has no size, as it is inflated, says so.
func TestTooLargeIsToldToTheClient(t *testing.T) {
	for name, test := range map[string]struct {
		frames [][]byte
		reason string
	}{
		"a frame":   {[][]byte{wstest.Frame(ws.Text, true, []byte(strings.Repeat("y", 1001)))}, "message too big: 1001 bytes, at most 1000"},
		"fragments": {[][]byte{wstest.Frame(ws.Text, false, []byte(strings.Repeat("y", 900))), wstest.Frame(ws.Continuation, true, []byte(strings.Repeat("y", 200)))}, "message too big: 1100 bytes, at most 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			tcp(t, &socketio.Options{MaxPayload: 1000}, func(w *world) {
				c := w.raw()
				for _, frame := range test.frames {
					if err := c.WriteFrame(frame); err != nil {
						t.Fatal(err)
					}
				}
				for {
					_, _, err := c.ReadMessage()
					if err == nil {
						continue
					}
					var end *ws.CloseError
					if !errors.As(err, &end) || end.Code != ws.CodeTooBig || end.Reason != test.reason {
						t.Errorf("it ended with %v", err)
					}
					break
				}
			})
		})
	}
}
