// SPDX-License-Identifier: MIT

// TestMain: no goroutine and no process is left.

package difftest

import (
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
