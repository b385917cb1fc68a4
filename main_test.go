// SPDX-License-Identifier: MIT

// The leak check of the package's tests.

package socketio_test

import (
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
