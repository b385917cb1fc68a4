// SPDX-License-Identifier: MIT

// This file tests that lost messages are counted.

package natsadapter_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"socketio/adapter/natsadapter"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/clusterhost"
)

// Messages that were sent to a NATS server which handles nothing any more count when the
// connection is given up.
func TestLostMessagesAreCounted(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, "")
	h := hosts(t, "core", newPrefix(), natsadapter.LogOptions{}, server.URL())[0]
	clusterhost.Eventually(t, "its own messages come back", func() bool { return h.Stats().Own > 0 })
	const sent = 5
	emit := func() {
		t.Helper()
		for range sent {
			if _, err := h.Emit("room"); err != nil {
				t.Fatal(err)
			}
		}
	}
	own := h.Stats().Own
	emit()
	clusterhost.Eventually(t, "its own messages come back", func() bool { return h.Stats().Own >= own+sent })
	if n := h.Stats().Lost; n != 0 {
		t.Fatalf("%d messages were lost while NATS worked", n)
	}
	server.Pause()
	emit()
	clusterhost.Eventually(t, "what NATS has not handled is counted", func() bool { return h.Stats().Lost >= sent })
	server.Kill()
	server.Restart()
	clusterhost.Settled(t, []*clusterhost.Host{h})
}

// What NATS refuses, for want of a permission, is lost, although Emit has returned nil.
func TestRefusedMessagesAreCounted(t *testing.T) {
	t.Parallel()
	const user = "authorization { users: [ { user: few, password: secret, permissions: { subscribe: \">\", publish: { allow: \">\", deny: %q } } } ] }\n"
	server := natstest.Start(t, fmt.Sprintf(user, "*.ns.*.room.secret"))
	o := natsadapter.Options{Prefix: newPrefix(), NATS: []nats.Option{nats.UserInfo("few", "secret")}}
	h := clusterhost.New(t, "a", natsadapter.Core(server.URL(), &o), "room")
	clusterhost.Eventually(t, "its own messages come back", func() bool { return h.Stats().Own > 0 })
	for n := range uint64(3) {
		if _, err := emitTo(h, "secret"); err != nil {
			t.Fatal(err)
		}
		clusterhost.Eventually(t, "what NATS has refused is counted", func() bool { return h.Stats().Lost == n+1 })
	}
	delete(h.Sent, "secret")
	clusterhost.Exchange(t, []*clusterhost.Host{h})
}
