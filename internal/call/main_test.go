// SPDX-License-Identifier: MIT

// This file holds the leak check of the tests.

package call_test

import (
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
