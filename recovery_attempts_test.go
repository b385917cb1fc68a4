// SPDX-License-Identifier: MIT

// This file tests attempts to join, or to continue a session, that come to nothing because
// the client has gone or the store fails: they leave nothing behind, and the next one finds
// everything as it was.

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"socketio"
)

// gated makes operations of the store wait, each until it is let through.
func (m *machine) gated(operations ...string) (open func()) {
	gate := make(chan struct{})
	m.does(func(context.Context) error { <-gate; return nil }, operations...)
	return func() { m.does(nil, operations...); close(gate) }
}

// A client that goes before it is answered has no session: none is in the store, and none
// expires.
func TestAClientThatGoesWhileItsSessionIsStored(t *testing.T) {
	for name, goes := range map[string]func(r *returner){
		"it closes the connection": func(r *returner) { r.peer.goes() },
		"it leaves the namespace":  func(r *returner) { r.peer.says("1") },
	} {
		t.Run(name, func(t *testing.T) {
			onAMachine(t, nil, func(m *machine, w *world) {
				expired := newList()
				m.options = func() *socketio.Options {
					return &socketio.Options{Recovery: &socketio.Recovery{
						Window: time.Minute, OnSessionExpired: func(i socketio.SessionInfo) { expired.add(i.ID) },
					}}
				}
				w = m.restarts(w, "closed")
				other := w.returner().comes()
				open := m.gated("Save")
				r := w.returner()
				r.begins()
				w.settle()
				goes(r)
				w.settle()
				open()
				w.settle()
				w = m.restarts(w, "killed")
				w.after(2 * time.Minute)
				want(t, "expired", strings.Join(expired.all(), " "), other.sid)
			})
		})
	}
}

// An event that is handled when its client goes is not handled again if the next attempt to
// come back fails.
func TestACallThatRunsWhileAnAttemptFails(t *testing.T) {
	acks := make(chan socketio.Ack, 10)
	setup := func(w *world) { w.io.On("later", func(ack socketio.Ack) { acks <- ack }) }
	onAMachine(t, setup, func(m *machine, w *world) {
		r := w.returner().comes(keepingNonce)
		r.peer.says(`21["later"]`)
		w.settle()
		r.drops()
		open := m.gated("Save")
		r.also(keepingNonce).drops()
		open()
		w.settle()
		r.comes(keepingNonce).is("recovered")
		r.peer.says(`21["later"]`)
		r.peer.hearsNothing()
		want(t, "calls", len(acks), 1)
		_ = within(w, "the call", acks)("done")
		r.peer.hears(`31["done"]`)
	})
}

// Replies to calls that ran when their clients went are bounded by MaxBytes: beyond it, a
// call is handled again.
func TestCallsOfTheGoneAreBounded(t *testing.T) {
	for size, calls := range map[int]int{1000: 1, 10_000: 2} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			recovering(t, &socketio.Recovery{MaxBytes: 8 << 10, MaxSessionBytes: 2 << 10}, func(w *world) {
				acks := make(chan socketio.Ack, 10)
				w.io.On("later", func(ack socketio.Ack) { acks <- ack })
				w.io.On("e", func() string { return strings.Repeat("x", size) })
				r := w.returner().comes(keepingNonce)
				r.peer.says(`20["e"]`)
				r.peer.hears(`30["*"]`)
				r.peer.says(`21["later"]`)
				w.settle()
				r.drops().comes(keepingNonce).is("recovered")
				r.peer.says(`21["later"]`)
				r.peer.hearsNothing()
				want(t, "calls", len(acks), calls)
			})
		})
	}
}

// A session whose end the store has, and does not give, is not taken for expired.
func TestAStoreThatDoesNotGiveWhatItHas(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes()
		open := m.gated("Save")
		r.drops() // while its end is saved, the client comes
		again := r.also()
		m.does(breaks, "Take")
		open()
		again.outcome("store_failed")
		if log := w.log.String(); !strings.Contains(log, errDisk.Error()) {
			t.Errorf("the log has the error: %s", log)
		}
		m.does(nil, "Take")
		r.comes().is("recovered")
	})
}

// An attempt that waits for the store ends when its client leaves the namespace.
func TestAnAttemptEndsWithItsSocket(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r := w.returner().comes().drops()
		m.does(hangs, "Take")
		first := r.also()
		m.does(nil, "Take")
		first.peer.says("1")
		w.settle()
		begun := time.Now()
		r.comes().is("recovered")
		if took := time.Since(begun); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// The reply of a call that ends after its client has gone is not in the store: if the process
// is killed before the client comes back, the call is handled again.
func TestAReplyAfterTheEndIsNotStored(t *testing.T) {
	acks := make(chan socketio.Ack, 10)
	setup := func(w *world) { w.io.On("later", func(ack socketio.Ack) { acks <- ack }) }
	onAMachine(t, setup, func(m *machine, w *world) {
		r := w.returner().comes(keepingNonce)
		r.peer.says(`21["later"]`)
		w.settle()
		r.drops()
		_ = within(w, "the call", acks)("done")
		r.w = m.restarts(w, "killed")
		r.comes(keepingNonce).is("recovered")
		r.peer.says(`21["later"]`)
		_ = within(r.w, "the call again", acks)("done again")
		r.peer.hears(`31["done again"]`)
	})
}
