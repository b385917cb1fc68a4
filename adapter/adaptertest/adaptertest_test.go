// SPDX-License-Identifier: MIT

// This file examines Memory.

package adaptertest_test

import (
	"testing"

	"socketio/adapter"
	"socketio/adapter/adaptertest"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestMemory(t *testing.T) {
	adaptertest.Run(t, func(*testing.T) adapter.Adapter { return adapter.NewMemory() })
}
