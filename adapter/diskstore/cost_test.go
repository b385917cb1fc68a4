// SPDX-License-Identifier: MIT

// This file measures what a store on a disk costs.

package diskstore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/diskstore"
)

// BenchmarkAppend is what an Emit waits for, before the event is sent: alone, and when 64
// goroutines emit at once. "go test -bench Append -cpu 2" prints it.
func BenchmarkAppend(b *testing.B) {
	stores := []struct {
		name string
		open func() (adapter.Store, error)
	}{
		{"memory", func() (adapter.Store, error) { return adapter.NewMemoryStore(), nil }},
		{"disk", func() (adapter.Store, error) { return diskstore.Open(context.Background(), b.TempDir(), nil) }},
		{"disk and Sync", func() (adapter.Store, error) {
			return diskstore.Open(context.Background(), b.TempDir(), &diskstore.Options{Sync: true})
		}},
	}
	for _, store := range stores {
		for _, goroutines := range []int{1, 64} {
			b.Run(fmt.Sprint(store.name, "/", goroutines), func(b *testing.B) {
				s, err := store.open()
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = s.Close(context.Background()) }()
				if err := s.Open(adapter.Node{ID: "n"}, adapter.Retention{Window: time.Hour, MaxBytes: 64 << 20, MaxSessions: 10}); err != nil {
					b.Fatal(err)
				}
				l, err := s.Log("/")
				if err != nil {
					b.Fatal(err)
				}
				one := func() {
					r := &adapter.Record{Deliver: func(uint64) {}}
					r.Event.JSON = make([]byte, 200)
					if err := l.Append(r); err != nil {
						b.Error(err)
					}
				}
				b.ReportAllocs()
				if goroutines == 1 {
					for b.Loop() {
						one()
					}
					return
				}
				b.SetParallelism(goroutines / 2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						one()
					}
				})
			})
		}
	}
}
