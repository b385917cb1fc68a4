// SPDX-License-Identifier: MIT

package pgadapter_test

import (
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
