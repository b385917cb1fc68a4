// SPDX-License-Identifier: MIT

// This file holds what the table "What may be lost" of docs/cluster.md says, for tests that
// cause the faults at a real broker.

package clusterhost

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
)

// Brief are options for tests of leases that do not take long.
func Brief() cluster.Options {
	return cluster.Options{Heartbeat: 300 * time.Millisecond, Lease: 2 * time.Second}
}

// CutOff is row L11, with the leases of Brief: away can't reach the broker, from leave to
// back, for longer than its lease.
func CutOff(t testing.TB, here, away *Host, leave, back func()) {
	t.Helper()
	leave()
	Eventually(t, "the error of Emit at "+away.Name, func() bool { _, err := away.Emit(""); return err != nil })
	Eventually(t, "a degraded state of "+away.Name, func() bool { return away.Health().Degraded != nil })
	Eventually(t, "the end of the lease of "+away.Name, func() bool { return here.Nodes() == 1 })
	if err := here.Health().Degraded; err != nil {
		t.Errorf("%s, which is not cut off, is degraded: %v", here.Name, err)
	}
	back()
	Settled(t, []*Host{here, away})
}

// DoesNotSubscribe is row L13: the namespace of h can't be subscribed, until permit is
// called. others are the hosts that can.
func DoesNotSubscribe(t testing.TB, h *Host, others []*Host, permit func()) {
	t.Helper()
	Eventually(t, "a degraded state of "+h.Name, func() bool { return h.Health().Degraded != nil })
	Exchange(t, others)
	for _, o := range others {
		if heard := h.Heard(o.Name, ""); heard != 0 {
			t.Errorf("%s got event %d of %s", h.Name, heard, o.Name)
		}
	}
	permit()
	Settled(t, append(others[:len(others):len(others)], h))
}

// NotJoined is row L12: the room "secret" of to can't be subscribed, until permit is called.
// Its socket is in another one, and gets the events of from to that.
func NotJoined(t testing.TB, from, to *Host, permit func()) {
	t.Helper()
	to.Space.Join(to, []string{"secret"})
	if err := to.Space.(adapter.JoinWaiter).WaitJoined([]string{"secret"}); !errors.Is(err, adapter.ErrDegraded) {
		t.Errorf("the join of a room that can't be subscribed: %v", err)
	}
	Exchange(t, []*Host{from, to})
	permit()
	number := 0
	Eventually(t, "an event to the room", func() bool {
		number++
		p := &adapter.Packet{Message: fmt.Sprintf("%s/secret/%d", from.Name, number)}
		_, _ = from.Space.Broadcast(p, adapter.Target{Rooms: []string{"secret"}})
		return to.Heard(from.Name, "secret") > 0
	})
}

// TooLarge is row L14, with hosts whose MaxMessage is 10,000.
func TooLarge(t testing.TB, from, to *Host) {
	t.Helper()
	send := func(event string) error {
		from.Sent[""]++
		p := &adapter.Packet{Message: fmt.Sprintf("%s%s//%d", event, from.Name, from.Sent[""])}
		_, err := from.Space.Broadcast(p, adapter.Target{})
		return err
	}
	large := strings.Repeat(" ", 10_000)
	if err := send(large); !errors.Is(err, cluster.ErrTooLarge) {
		t.Errorf("the error of an event that is too large: %v", err)
	}
	if got := from.Heard(from.Name, ""); got != from.Sent[""] {
		t.Errorf("the socket of the same server got event %d, not %d", got, from.Sent[""])
	}
	if err := send(large[:5000]); err != nil {
		t.Errorf("an event that is not: %v", err)
	}
	Eventually(t, "the next event", func() bool { return to.Heard(from.Name, "") == from.Sent[""] })
	if lost := to.Lost(); lost != 1 {
		t.Errorf("%d events have not come, want the large one", lost)
	}
}

// Foreign is row L18: publish sends to the channels of h. What no server would send is
// dropped and counted, and harms nothing.
func Foreign(t testing.TB, h *Host, others []*Host, publish func(data string)) {
	t.Helper()
	for _, data := range []string{
		"", "x", "{", "[]", "null", "\x80", `{"type":77,"uid":"x","nsp":"/"}`, `{"type":3,"uid":"x","nsp":"/"}`,
		strings.Repeat("[", 3000), `["x",{"type":2,"data":["e"],"nsp":"/"},{"rooms":5}]`,
	} {
		before := h.Stats().Dropped
		publish(data)
		Eventually(t, fmt.Sprintf("%.20q is dropped", data), func() bool { return h.Stats().Dropped > before })
	}
	Settled(t, append(others[:len(others):len(others)], h))
}
