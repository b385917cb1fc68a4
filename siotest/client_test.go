// SPDX-License-Identifier: MIT

// This file tests clients: what they send and receive, and how they end.

package siotest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"socketio/siotest"
)

func TestChat(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		alice, bob := s.connect(srv), s.connect(srv)
		alice.Emit("chat message", "hi")
		bob.Want("chat message", "hi")
		alice.Want("chat message", "hi")
		bob.WantNothing()
		alice.WantNothing()
	})
}

func TestValues(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		alice.Emit("echo", 1, "two", []byte{3}, map[string]any{"deep": []any{[]byte("bytes"), nil}}, 1.5, true, nil)
		alice.Want("echo", 1.0, "two", []byte{3}, map[string]any{"deep": []any{[]byte("bytes"), nil}}, 1.5, siotest.Any{}, nil)

		alice.Emit("echo", "text", []byte("bytes"))
		e := alice.WantEvent("echo")
		var text string
		var data []byte
		if err := e.Decode(&text, &data); err != nil || text != "text" || string(data) != "bytes" {
			s.Errorf("decoded %q, %q, %v", text, data, err)
		}
		if err := e.Decode(nil, nil, &text); err == nil {
			s.Error("a missing argument decodes")
		}
		if got := string(e.Raw(0)); got != `"text"` {
			s.Errorf("argument 0 is %s", got)
		}
		if v, err := e.Values(); err != nil || len(v) != 2 || v[0] != "text" || string(v[1].([]byte)) != "bytes" {
			s.Errorf("the values are %v, %v", v, err)
		}
		if e.Len() != 2 || e.WantsAck() || e.Name != "echo" || len(e.Attachments()) != 1 {
			s.Errorf("%v has %d arguments, wants an acknowledgement: %v", e, e.Len(), e.WantsAck())
		}
	})
}

func TestAcknowledgements(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		var sum int
		if err := alice.EmitWithAck("add", 1, 2).Decode(&sum); err != nil || sum != 3 {
			s.Errorf("the sum is %d, %v", sum, err)
		}
		first, second := alice.Ask("add", 1, 1), alice.Ask("add", 2, 2)
		second.Want(4)
		first.Want(2)
		silent := alice.Ask("silent")
		silent.WantNothing()

		alice.Emit("order", "tea")
		e := alice.WantEvent("sure?")
		if !e.WantsAck() {
			s.Error("the server waits for an acknowledgement")
		}
		e.Ack("yes", []byte{1})
		alice.WantEvent("ordered")

		alice.On("sure?", func(e *siotest.Event) { e.Ack(e.String()) })
		alice.Emit("order", "milk")
		alice.Want("ordered", "milk", `["\"sure?\" [\"milk\"]"]`)
		alice.On("sure?", nil)
		alice.Emit("order", "salt")
		alice.WantEvent("sure?").Ack()
		alice.Want("ordered", "salt", "[]")

		alice.Emit("kick")
		alice.WantDisconnect(siotest.ServerDisconnect)
		if _, err := silent.Wait(); err == nil {
			s.Error("an acknowledgement comes from a server that has gone")
		}
	})
}

func TestNamespaces(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, events := s.serve()
		root := s.connect(srv)
		other := root.Conn().Join("/other", nil)
		if other.ID() == root.ID() || other.Namespace() != "/other" || other.Conn() != root.Conn() {
			s.Error("another namespace is another socket over the same connection")
		}
		other.Emit("echo", "other")
		root.Emit("echo", "root")
		other.Want("echo", "other")
		root.Want("echo", "root")

		_, err := root.Conn().TryJoin("/private", map[string]string{"token": "guess"})
		var refusal *siotest.ConnectError
		if !errors.As(err, &refusal) || refusal.Message != "not authorized" || string(refusal.Data) != `{"hint":"log in"}` {
			s.Errorf("refused with %v", err)
		}
		private := root.Conn().Join("/private", map[string]string{"token": "secret"})
		private.Emit("echo")
		private.Want("echo")

		other.Disconnect()
		other.WantDisconnect(siotest.ClientDisconnect)
		if err := other.TryEmit("echo"); err == nil {
			s.Error("a client that has left emits")
		}
		root.EmitWithAck("add", 1, 1) // behind the DISCONNECT
		root.WantNothing()
		// Handlers of two namespaces run beside each other.
		for limit := time.Now().Add(time.Minute); events.String() == "" && time.Now().Before(limit); {
			time.Sleep(time.Millisecond)
		}
		if got := events.String(); got != "client namespace disconnect" {
			s.Errorf("the application saw %q", got)
		}
		again := root.Conn().Join("/other", nil)
		again.Emit("kick")
		again.WantDisconnect(siotest.ServerDisconnect)
		root.Emit("close")
		root.WantDisconnect(siotest.ServerDisconnect)
		private.WantDisconnect(siotest.ServerDisconnect)
		root.Conn().WantClosed(1000)
		if root.Disconnected() != siotest.ServerDisconnect || root.Conn().Err() == nil {
			s.Errorf("disconnected: %q, %v", root.Disconnected(), root.Conn().Err())
		}
	})
}

func TestAwaitAndDrain(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		for _, text := range []string{"one", "two", "three"} {
			alice.Emit("echo", text)
		}
		alice.Emit("chat message", "end")
		alice.Emit("echo", "more")
		if e := alice.Await("chat message"); e.String() != `"chat message" ["end"]` {
			s.Errorf("got %v", e)
		}
		alice.EmitWithAck("add", 0, 0)
		if left := alice.Drain(); len(left) != 1 || left[0].String() != `"echo" ["more"]` {
			s.Errorf("left: %v", left)
		}
		alice.WantNothing()
	})
}

// Pings are answered: nothing happens in an hour.
func TestAnHour(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, events := s.serve()
		alice := s.connect(srv)
		start := time.Now()
		time.Sleep(time.Hour)
		alice.WantNothing()
		if events.String() != "" || time.Since(start) != time.Hour {
			s.Errorf("the application saw %q", events)
		}
		alice.Conn().Mute(true)
		alice.WantDisconnect(siotest.TransportClose)
		synctest.Wait()
		if events.String() != "ping timeout" {
			s.Errorf("the application saw %q", events)
		}
	})
}

func TestHowClientsEnd(t *testing.T) {
	everywhere(t, func(s *setting) {
		for _, end := range []func(c *siotest.Conn){(*siotest.Conn).Kill, (*siotest.Conn).Close} {
			srv, _ := s.serve()
			alice := s.connect(srv)
			end(alice.Conn())
			<-alice.Conn().Ended()
			alice.WantDisconnect(siotest.TransportClose)
			end(alice.Conn()) // it has ended
		}
	})
}

// Packets in transit for a client that leaves a namespace are not for the next client
// there.
func TestRejoin(t *testing.T) {
	for _, transport := range siotest.Transports() {
		t.Run(string(transport), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				io, _ := newApp(nil)
				srv := siotest.NewServer(t, io)
				alice := srv.ConnectWith(&siotest.ClientOptions{Transport: transport})
				alice.Link().Delay(siotest.Down, time.Second)
				alice.Emit("echo", "old")
				reply := alice.Ask("add", 1, 2)
				time.Sleep(time.Millisecond) // the server has answered
				alice.Disconnect()
				next := alice.Conn().Join("/", nil)
				next.Emit("echo", "new")
				next.Want("echo", "new")
				next.WantNothing()
				if _, err := reply.Wait(); err == nil {
					t.Error("an answer after the end")
				}
				next.Ask("add", 2, 3).Want(5)
			})
		})
	}
}

// An acknowledgement in transit when the client leaves, and joins again, is dropped.
func TestLateAcknowledgementAfterJoiningAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io, _ := newApp(nil)
		alice := siotest.NewServer(t, io).Connect()
		alice.Link().Delay(siotest.Down, time.Second)
		alice.Ask("add", 1, 1)
		time.Sleep(time.Second / 2)
		alice.Disconnect()
		again := alice.Conn().Join("/", nil)
		again.Ask("add", 2, 2).Want(4)
		again.WantNothing()
	})
}
