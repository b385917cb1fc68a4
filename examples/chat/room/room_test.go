// SPDX-License-Identifier: MIT

// This file tests the chat with the test kit, as any application may.

package room

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"socketio"
	"socketio/internal/leakcheck"
	"socketio/siotest"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// chat has a test with a room, in a bubble of virtual time.
func chat(t *testing.T, test func(t *testing.T, join func(nickname string) *siotest.Client)) {
	synctest.Test(t, func(t *testing.T) {
		srv := siotest.NewServer(t, newRoom(new(socketio.Options)).io)
		test(t, func(nickname string) *siotest.Client {
			return srv.ConnectWith(&siotest.ClientOptions{Name: nickname, Auth: map[string]string{"nickname": nickname}})
		})
	})
}

func TestTalking(t *testing.T) {
	chat(t, func(t *testing.T, join func(string) *siotest.Client) {
		alice := join("alice")
		alice.Want("note", "alice joined", 1)
		bob := join("bob")
		bob.Want("note", "bob joined", 2)
		alice.Want("note", "bob joined", 2)

		now := time.Now().UnixMilli()
		alice.Emit("chat message", "hi")
		alice.Emit("chat message", "  ") // says nothing
		alice.Emit("file", "cat.png", "image/png", []byte{0x89, 'P'})
		for _, c := range []*siotest.Client{alice, bob} {
			c.Want("chat message", "hi", person{ID: alice.ID(), Name: "alice", At: now})
			c.Want("file", "cat.png", "image/png", []byte{0x89, 'P'}, person{ID: alice.ID(), Name: "alice", At: now})
		}
		bob.Emit("typing")
		alice.Want("typing", person{ID: bob.ID(), Name: "bob", At: now})
		bob.WantNothing()
	})
}

// A page sends a message with a key until it is acknowledged; it is shown once. What is
// too long is rejected.
func TestMessagesSentAgain(t *testing.T) {
	chat(t, func(t *testing.T, join func(string) *siotest.Client) {
		alice := join("alice")
		alice.Want("note", "alice joined", 1)
		now := time.Now().UnixMilli()
		for range 2 {
			if reply := alice.EmitWithAck("chat message", "hi", "key").String(); reply != "[]" {
				t.Errorf("the reply is %s", reply)
			}
		}
		alice.Want("chat message", "hi", person{alice.ID(), "alice", now, "key"})
		alice.WantNothing()
		reply := alice.EmitWithAck("chat message", strings.Repeat("x", 4001), "other").String()
		if reply != `[{"error":{"message":"it is too long","code":"too_long"}}]` {
			t.Errorf("the reply is %s", reply)
		}
	})
}

func TestNames(t *testing.T) {
	chat(t, func(t *testing.T, join func(string) *siotest.Client) {
		guest := join(" \n ")
		guest.Want("note", "Guest "+guest.ID()[:4]+" joined", 1)
		guest.Emit("nickname", "  carol\tthe   great, first of her name")
		guest.Want("note", "Guest "+guest.ID()[:4]+" is now carol the great, first o", 1)
		guest.Emit("nickname", "")
		guest.Emit("nickname", "carol the great, first o")
		guest.WantNothing() // not a change
	})
}

// However somebody goes, the others are told once, and the count is right.
func TestLeaving(t *testing.T) {
	for name, leave := range map[string]struct {
		how   func(c *siotest.Client)
		after time.Duration
	}{
		"on purpose":      {(*siotest.Client).Disconnect, 0},
		"page closed":     {func(c *siotest.Client) { c.Conn().Kill() }, 0},
		"connection lost": {func(c *siotest.Client) { c.Link().Cut(siotest.Reset) }, 0},
		"out of reach":    {func(c *siotest.Client) { c.Link().Drop(siotest.Both) }, 45 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			chat(t, func(t *testing.T, join func(string) *siotest.Client) {
				alice, bob := join("alice"), join("bob")
				alice.Drain()
				start := time.Now()
				leave.how(bob)
				alice.Want("note", "bob left", 1)
				if took := time.Since(start).Round(time.Second); took != leave.after {
					t.Errorf("it takes %v, want %v", took, leave.after)
				}
				alice.WantNothing()
			})
		})
	}
}
