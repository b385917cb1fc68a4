// SPDX-License-Identifier: MIT

// This file compares the slots of channels with those of a real server.

package redisadapter

import (
	"testing"

	"socketio/adapter/redisadapter/internal/redistest"
)

func TestSlots(t *testing.T) {
	servers := redistest.Start(t, "--cluster-enabled", "yes")
	for _, name := range []string{"", "a", "socket.io#/#", "socket.io#/#room#", "{", "{}", "{}a", "a{b}c", "a{b}{c}", "a{{b}c}", "}a{b", "комната 😀", "\x00\xff"} {
		if want := servers.Must("CLUSTER", "KEYSLOT", name); int64(slot(name)) != want {
			t.Errorf("the slot of %q is %d, want %d", name, slot(name), want)
		}
	}
}
