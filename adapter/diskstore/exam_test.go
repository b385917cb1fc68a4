// SPDX-License-Identifier: MIT

// This file tests Store by the exam of all stores.

package diskstore_test

import (
	"context"
	"testing"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/adapter/diskstore"
)

func TestStore(t *testing.T) {
	for name, o := range map[string]*diskstore.Options{"Default": nil, "Sync": {Sync: true}} {
		t.Run(name, func(t *testing.T) {
			adaptertest.RunStore(t, func(t *testing.T) func() adapter.Store {
				dir := t.TempDir()
				return func() adapter.Store { return open(t, dir, o) }
			})
		})
	}
}

// open opens a directory.
func open(t *testing.T, dir string, o *diskstore.Options) *diskstore.Store {
	t.Helper()
	s, err := diskstore.Open(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
