// SPDX-License-Identifier: MIT

// This file tests servers.

package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A server keeps its data when it is killed, answers nothing while it is paused, and has a
// copy of the template of its own.
func TestServer(t *testing.T) {
	s, other := pgtest.Start(t), pgtest.Start(t)
	s.Must(nil, "CREATE TABLE numbers (n int)")
	s.Must(nil, "INSERT INTO numbers VALUES (7)")
	s.Kill()
	s.Restart()
	var n int
	s.Must(&n, "SELECT n FROM numbers")
	if n != 7 {
		t.Errorf("the table has %d, want 7", n)
	}
	if err := other.Query(&n, "SELECT n FROM numbers"); err == nil {
		t.Error("another server has the same data")
	}
	c, err := pgx.ConnectConfig(t.Context(), s.Config())
	if err != nil {
		t.Fatal(err)
	}
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx); err == nil {
		t.Error("a paused server answers")
	}
	s.Resume()
	s.Must(&n, "SELECT 8")
	_ = c.Close(t.Context())
}
