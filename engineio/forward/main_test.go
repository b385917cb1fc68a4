// SPDX-License-Identifier: MIT

// This file checks that the tests leave no goroutine.

package forward_test

import (
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
