// SPDX-License-Identifier: MIT

// This file tests a log that is read slowly.

package socketio_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
)

// A log that takes longer than 10 s for what a client has missed, but gives one event after
// the other, is waited for.
func TestASlowLogIsWaitedFor(t *testing.T) {
	recovering(t, &socketio.Recovery{Store: slowlyReadStore{adapter.NewMemoryStore()}}, func(w *world) {
		r := w.returner().comes().drops()
		for i := range 6 {
			_ = w.io.Emit("e", i)
		}
		begun := time.Now()
		r.comes().is("recovered")
		if took := time.Since(begun); took < 20*time.Second {
			t.Errorf("it took %v", took)
		}
		r.hears("e 0", "e 1", "e 2", "e 3", "e 4", "e 5")
	})
}

// A slowlyReadStore takes 4 s to read an event.
type slowlyReadStore struct{ adapter.Store }

func (s slowlyReadStore) Log(namespace string) (adapter.Log, error) {
	l, err := s.Store.Log(namespace)
	return slowlyReadLog{l}, err
}

type slowlyReadLog struct{ adapter.Log }

func (l slowlyReadLog) Since(ctx context.Context, after, upTo uint64) iter.Seq2[adapter.KeptEvent, error] {
	return func(yield func(adapter.KeptEvent, error) bool) {
		for e, err := range l.Log.Since(ctx, after, upTo) {
			select {
			case <-time.After(4 * time.Second):
			case <-ctx.Done():
				yield(adapter.KeptEvent{}, ctx.Err())
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
