// SPDX-License-Identifier: MIT

// This file runs the tests of the package under the leak check.

package idtable_test

import (
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
