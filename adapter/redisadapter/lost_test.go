// SPDX-License-Identifier: MIT

// This file tests that messages which are lost with a connection are counted.

package redisadapter_test

import (
	"testing"

	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
)

func TestLostMessagesAreCounted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		redis := redistest.Start(t)
		h := clusterhost.New(t, "host", modes[mode](on(redis.Addr()), &redisadapter.Options{Prefix: newPrefix()}), "room")
		clusterhost.Eventually(t, "its own messages come back", func() bool { return h.Stats().Own > 0 })
		if lost := h.Stats().Lost; lost != 0 {
			t.Fatalf("%d messages were lost while Redis worked", lost)
		}
		redis.Pause() // it answers no more
		const sent = 5
		for range sent {
			if _, err := h.Emit("room"); err != nil {
				t.Fatal(err)
			}
		}
		redis.Kill()
		lost := uint64(sent)
		if mode == "streams" {
			lost = 1 // the others wait for the next connection
		}
		clusterhost.Eventually(t, "what Redis has not answered is counted", func() bool { return h.Stats().Lost >= lost })
		redis.Restart()
	})
}
