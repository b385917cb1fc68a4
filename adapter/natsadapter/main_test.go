// SPDX-License-Identifier: MIT

package natsadapter_test

import (
	"fmt"
	"os"
	"testing"

	"socketio/internal/leakcheck"
)

// serveDelivery, if it is set, runs this program as a server of the delivery suite, and
// reports whether it is one.
var serveDelivery = func() (bool, error) { return false, nil }

func TestMain(m *testing.M) {
	served, err := serveDelivery()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case !served:
		leakcheck.Main(m)
	}
}
