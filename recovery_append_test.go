// SPDX-License-Identifier: MIT

// This file tests that the server does not wait for a store that does not keep its promise
// to answer within 10 s.

package socketio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"socketio"
)

func TestAStoreThatNeverAnswers(t *testing.T) {
	onAMachine(t, nil, func(m *machine, w *world) {
		r, other := w.returner().comes(), w.returner().comes()
		_ = w.io.Emit("stored")
		r.hears("stored")
		other.hears("stored")
		gate := make(chan struct{})
		m.does(func(context.Context) error { <-gate; return nil }, "Append")

		emit := func(event string, wait time.Duration) {
			t.Helper()
			began := time.Now()
			if err := w.io.Emit(event); !errors.Is(err, socketio.ErrNotStored) {
				t.Errorf("Emit of %q: %v", event, err)
			}
			if took := time.Since(began); took != wait {
				t.Errorf("Emit of %q took %v, want %v", event, took, wait)
			}
		}
		emit("slow", 10*time.Second)
		emit("after it", 0) // the store is not asked again
		other.hears("slow", "after it")
		r.hears("slow", "after it")

		// The store takes the first event after all: it is not sent again.
		m.does(nil, "Append")
		close(gate)
		w.settle()
		other.hearsNothing()
		r.drops().comes().is("store_failed")
		r.hearsNothing()

		// From now on events are stored again.
		if err := w.io.Emit("stored again"); err != nil {
			t.Errorf("Emit: %v", err)
		}
		r.hears("stored again")
		r.drops()
		if err := w.io.Emit("missed"); err != nil {
			t.Errorf("Emit: %v", err)
		}
		r.comes().is("recovered")
		r.hears("missed")
		other.hears("stored again", "missed")
	})
}
