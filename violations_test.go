// SPDX-License-Identifier: MIT

// This file holds the tests of protocol violations: each closes the whole connection
// and harms no other client.

package socketio_test

import (
	"context"
	"strings"
	"testing"

	"socketio"
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

func TestViolationsCloseTheConnection(t *testing.T) {
	t.Run("trap 33", func(t *testing.T) {
		for name, tt := range map[string]struct {
			joins bool
			says  []any
		}{
			"CONNECT twice":             {true, []any{`0`}},
			"EVENT before CONNECT":      {false, []any{`2["message"]`}},
			"ACK before CONNECT":        {false, []any{`30[]`}},
			"DISCONNECT before CONNECT": {false, []any{`1`}},
			"EVENT of another one":      {true, []any{`2/custom,["message"]`}},
			"garbage":                   {true, []any{`abc`}},
			"garbage before CONNECT":    {false, []any{`abc`}},
			"half a payload":            {true, []any{`2["message"`}},
		} {
			t.Run(name, func(t *testing.T) {
				overBoth(t, nil, func(w *world, transport string) {
					echo(w.io)
					bystander := w.join(transport)
					bystander.hears(`2["auth",{}]`)
					p := w.open(transport)
					if tt.joins {
						p.joins("/")
					}
					_ = p.tries(tt.says...)
					p.isClosed(1002)
					bystander.says(`2["message"]`)
					bystander.hears(`2["message-back"]`)
				})
			})
		}
	})
}

func TestEventWithoutPayloadCloses(t *testing.T) {
	t.Run("quirk 09", func(t *testing.T) {
		for _, packet := range []string{`2`, `2/,`, `20`, `30`, `2[]`} {
			overBoth(t, nil, func(w *world, transport string) {
				w.io.OnConnection(func(s *socketio.Socket) {
					s.OnAny(func(event string, _ socketio.Args) { t.Errorf("%s is an event: %q", packet, event) })
				})
				p := w.join(transport)
				_ = p.tries(packet)
				p.isClosed(1002)
			})
		}
	})
}

func TestSecondConnectDuringTheMiddlewareCloses(t *testing.T) {
	t.Run("quirk 10", func(t *testing.T) {
		overBoth(t, nil, func(w *world, transport string) {
			running := make(chan struct{}, 2)
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				running <- struct{}{}
				<-s.Context().Done()
				return nil
			})
			w.io.OnConnection(func(*socketio.Socket) { t.Error("a socket has joined") })
			p := w.open(transport)
			p.says(`0`)
			within(w, "the middleware", running)
			_ = p.tries(`0`)
			p.isClosed(1002)
			want(t, "further middlewares", len(running), 0)
		})
	})
}

func TestViolationsAreForcedClose(t *testing.T) {
	t.Run("quirk 25", func(t *testing.T) {
		for _, packet := range []string{`abc`, `0`, `2/nowhere,["x"]`} {
			overBoth(t, nil, func(w *world, transport string) {
				reasons := newList()
				w.io.OnConnection(func(s *socketio.Socket) {
					s.OnDisconnect(func(r socketio.DisconnectReason) { reasons.add(string(r)) })
				})
				p := w.join(transport)
				_ = p.tries(packet)
				want(t, "the reason after "+packet, strings.Join(reasons.await(w, 1), " "), "forced close")
			})
		}
	})
}

// socketioxide before 0.18.9 went on after a text between attachments, and after a
// second CONNECT.
func TestOutOfTurnOnEveryWay(t *testing.T) {
	event := `52-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	for name, packets := range map[string][]any{
		"text between attachments":           {event, []byte{1}, `2["x"]`, []byte{2}},
		"a CONNECT between attachments":      {event, []byte{1}, `0/custom,`, []byte{2}},
		"a disconnect between attachments":   {event, []byte{1}, `1`, []byte{2}},
		"an ack between attachments":         {event, []byte{1}, `30[]`, []byte{2}},
		"a binary event between attachments": {event, []byte{1}, event, []byte{1}, []byte{2}},
		"a second CONNECT":                   {`0`},
		"a second CONNECT with a token":      {`0{"token":"x"}`},
		"a second CONNECT of a namespace":    {`0/custom,`, `0/custom,`},
	} {
		t.Run(name, func(t *testing.T) { violates(t, packets...) })
	}
}

// Rule 5, as we decide it: a second CONNECT while the first is in middleware is a
// violation, and so is an event.
func TestImpatientClient(t *testing.T) {
	for _, packet := range []string{`0`, `2["x"]`, `4{}`} {
		overBoth(t, nil, func(w *world, transport string) {
			running := make(chan struct{})
			w.io.Use(func(_ context.Context, s *socketio.Socket) error {
				close(running)
				<-s.Context().Done()
				return nil
			})
			w.io.OnConnection(func(s *socketio.Socket) { t.Error("the socket has joined") })
			p := w.open(transport)
			p.says(`0`)
			within(w, "the middleware", running)
			_ = p.tries(packet)
			p.isClosed(1002)
		})
	}
}
