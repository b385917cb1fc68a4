// SPDX-License-Identifier: MIT

// This file tests connections: packets as they are, upgrades, ends, and transcripts.

package siotest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/siotest"
)

func TestPacketsAsTheyAre(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		c := srv.OpenWith(&siotest.ClientOptions{Transport: s.transport})
		if open := c.OpenPacket(); open.SID == "" || open.PingInterval != 25000 || open.PingTimeout != 20000 || open.MaxPayload != 1_000_000 {
			s.Errorf("the open packet is %+v", open)
		}
		c.Say(`40/other,`)
		c.Hear(`40/other,{"sid":"*"}`)
		c.Say(`40`)
		c.Hear(`40{"sid":"*"}`)
		c.Say(`451-["echo",{"_placeholder":true,"num":0}]`, []byte{1, 2})
		c.Hear(`451-["echo",{"_placeholder":true,"num":0}]`, []byte{1, 2})
		c.HearNothing()
		if s.transport == siotest.Upgrade {
			if c.Transport() != siotest.Polling {
				s.Errorf("the transport is %s before the upgrade", c.Transport())
			}
			c.Upgrade()
			if c.Transport() != siotest.WebSocket {
				s.Errorf("the transport is %s after the upgrade", c.Transport())
			}
			c.Say(`42["echo","over WebSocket"]`)
			c.Hear(`42["echo","over WebSocket"]`)
		}
		if err := c.TrySay("4nonsense"); err != nil && s.transport != siotest.Polling {
			s.Error(err)
		}
		c.WantClosed(1002)
		if err := c.TrySay("40"); err == nil {
			s.Error("a connection that has ended says something")
		}
		if _, err := c.TryHear(); err == nil {
			s.Error("a connection that has ended hears something")
		}
	})
}

// A Join on a connection with a past.
func TestFromPacketsToClients(t *testing.T) {
	everywhere(t, func(s *setting) {
		srv, _ := s.serve()
		c := srv.OpenWith(&siotest.ClientOptions{Transport: s.transport})
		if _, err := c.TryJoin("/nowhere", nil); err == nil || !strings.Contains(err.Error(), "Invalid namespace") {
			s.Errorf("joining nowhere: %v", err)
		}
		alice := c.Join("/", nil)
		alice.Emit("echo")
		alice.Want("echo")
		c.Kill()
		if _, err := c.TryJoin("/", nil); err == nil {
			s.Error("a connection that has ended joins")
		}
		if err := c.TryUpgrade(); err == nil {
			s.Error("a connection that has ended upgrades")
		}
	})
}

// An upgrade that fails leaves the connection on polling, and the next may succeed.
func TestFailedUpgrade(t *testing.T) {
	inBubble(t, func(s *setting) {
		app, _ := newApp(nil)
		refuse := true
		srv := siotest.NewServer(s.T, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuse && r.URL.Query().Get("transport") == "websocket" {
				http.Error(w, "no", http.StatusTeapot)
				return
			}
			app.ServeHTTP(w, r)
		}))
		s.Cleanup(func() { _ = app.Close() })
		alice := srv.ConnectWith(&siotest.ClientOptions{Transport: siotest.Polling})
		var refusal *siotest.RefusedError
		if err := alice.Conn().TryUpgrade(); !errors.As(err, &refusal) || refusal.Status != http.StatusTeapot {
			s.Errorf("refused with %v", err)
		}
		refuse = false
		alice.Link().CutAt(siotest.Up, "2probe", siotest.FIN)
		if err := alice.Conn().TryUpgrade(); err == nil || alice.Conn().Err() != nil {
			s.Errorf("the probe is cut: %v, %v", err, alice.Conn().Err())
		}
		alice.Emit("echo", "polling")
		alice.Want("echo", "polling")
		alice.Conn().Upgrade()
		alice.Emit("echo", "upgraded")
		alice.Want("echo", "upgraded")
		if alice.Conn().Transport() != siotest.WebSocket {
			s.Error("it is not upgraded")
		}
	})
}

// An upgrade on a dead network ends with the connection.
func TestUpgradeOnADeadLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, _ := newApp(nil)
		alice := siotest.NewServer(t, app).ConnectWith(&siotest.ClientOptions{Transport: siotest.Polling})
		alice.Link().Drop(siotest.Both)
		if err := alice.Conn().TryUpgrade(); err == nil {
			t.Error("it is upgraded")
		}
		alice.WantDisconnect(siotest.PingTimeout)
	})
}

// The application sees why a client ends.
func TestReasons(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, events := s.serve()
		s.connect(srv).Conn().Close()
		synctest.Wait()
		if got := events.String(); got != "transport close" {
			s.Errorf("after Close the application saw %q", got)
		}
		s.connect(srv).Conn().Kill()
		synctest.Wait()
		if got := strings.TrimPrefix(events.String(), "transport close\n"); got != "transport close" && (s.transport != siotest.Polling || got != "transport error") {
			s.Errorf("after Kill the application saw %q", got)
		}
		c := srv.OpenWith(&siotest.ClientOptions{Transport: s.transport, Mute: true})
		start := time.Now()
		c.WantClosed(0)
		if took := time.Since(start).Round(time.Second); took != 45*time.Second {
			s.Errorf("a mute client is closed after %v", took)
		}
	})
}

func TestTranscript(t *testing.T) {
	inBubble(t, func(s *setting) {
		srv, _ := s.serve()
		alice := s.connect(srv)
		alice.Emit("echo", []byte{1, 255})
		alice.WantEvent("echo")
		time.Sleep(26 * time.Second)
		alice.Disconnect()
		upgrades, upgraded := "", ""
		if s.transport != siotest.WebSocket {
			upgrades = `"websocket"`
		}
		if s.transport == siotest.Upgrade {
			upgraded = "0s - upgrade"
		}
		alice.Conn().WantTranscript(`
			0s  < 0{"sid":"session","upgrades":[` + upgrades + `],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}
			0s  > 40
			0s  < 40{"sid":"socket-1"}
			` + upgraded + `
			0s  > 451-["echo",{"_placeholder":true,"num":0}]
			0s  > b01ff
			0s  < 451-["echo",{"_placeholder":true,"num":0}]
			0s  < b01ff
			25s < 2
			25s > 3
			26s > 41`)
		last := alice.Conn().Transcript()
		if e := last[len(last)-1]; e.At != 26*time.Second || !e.Sent || e.Note || e.Packet != "41" {
			s.Errorf("the last entry is %+v", e)
		}
	})
}

// The ids of other clients have names in a transcript too.
func TestTranscriptNamesClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io, _ := newApp(nil)
		srv := siotest.NewServer(t, io)
		alice := srv.ConnectWith(&siotest.ClientOptions{Name: "alice"})
		there := alice.Conn().Join("/other", nil)
		bob := srv.Connect()
		bob.Emit("chat message", alice.ID()+" "+bob.ID()+" "+there.ID())
		bob.Want("chat message", siotest.Any{})
		said := bob.Conn().Transcript().String()
		if want := `< 42["chat message","alice's socket socket-1 alice's socket in /other"]`; !strings.Contains(said, want) {
			t.Errorf("%s\nwant: %s", said, want)
		}
	})
}

// A transcript is bounded: old entries go, long packets are cut.
func TestTranscriptIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := socketio.NewServer(nil)
		app.OnConnection(func(s *socketio.Socket) { s.On("x", func(string) {}) })
		alice := siotest.NewServer(t, app).Connect()
		for range 21_000 {
			alice.Emit("x", "")
		}
		alice.Emit("x", strings.Repeat("y", 5000))
		alice.WantNothing()
		got := alice.Conn().Transcript()
		if len(got) != 10_000 || len(got[len(got)-1].Packet) > 1100 || !strings.HasSuffix(got[len(got)-1].Packet, "(5010 bytes)") {
			t.Errorf("%d entries, the last has %d bytes", len(got), len(got[len(got)-1].Packet))
		}
	})
}

// A server that breaks the protocol ends the connection with a reason.
func TestBrokenServers(t *testing.T) {
	for name, packets := range map[string][]string{
		"no open packet": {"4hello"},
		"no JSON":        {"0{"},
		"unknown":        {`0{"sid":"x"}`, "9"},
		"empty":          {`0{"sid":"x"}`, ""},
		"no packet":      {`0{"sid":"x"}`, `40{"sid":"y"}`, `4nonsense`},
		"not joined":     {`0{"sid":"x"}`, `40{"sid":"y"}`, `42/other,["x"]`},
		"no id":          {`0{"sid":"x"}`, `40{}`},
		"stray ack":      {`0{"sid":"x"}`, `40{"sid":"y"}`, `437[]`},
		"bad base64":     {`0{"sid":"x"}`, `b!`},
		"goodbye":        {`0{"sid":"x"}`, `1`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				replies := make(chan string, len(packets))
				for _, p := range packets {
					replies <- p
				}
				srv := siotest.NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						_, _ = w.Write([]byte("ok"))
						return
					}
					select {
					case p := <-replies:
						_, _ = w.Write([]byte(p))
					case <-r.Context().Done():
					}
				}))
				c, err := srv.TryConnect(&siotest.ClientOptions{Transport: siotest.Polling})
				if err != nil {
					return
				}
				<-c.Conn().Ended()
				if err := c.Conn().Err(); err == nil || errors.Is(err, context.Canceled) {
					t.Errorf("ended with %v", err)
				}
			})
		})
	}
}
