// SPDX-License-Identifier: MIT

// This file tests sessions that Expire has marked, and could not report.

package pgadapter_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter"
	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/clusterhost"
	"socketio/internal/faultnet"
)

// expiringNode and otherNode are nodes that live.
const expiringNode, otherNode = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"

// putEnded opens a bus and stores sessions that have ended long ago, in tables whose names
// begin with "p".
func putEnded(t *testing.T, config *pgx.ConnConfig, secrets ...string) cluster.Sessions {
	t.Helper()
	b := pgadapter.NewLogBus(config, options("p"))
	if err := b.Open(nobody{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	for _, secret := range secrets {
		s := &adapter.Session{ID: secret, Secret: secret, Data: []byte("{}"), Ended: time.Now().Add(-time.Hour)}
		clusterhost.Eventually(t, "the tables", func() bool { return b.Sessions().Put(t.Context(), "/", expiringNode, s) == nil })
	}
	return b.Sessions()
}

// expired returns the secrets that Expire reports, in order.
func expired(ctx context.Context, all cluster.Sessions, alive func(owner string) bool) (secrets string, left bool, err error) {
	var reported []string
	left, err = all.Expire(ctx, expiringNode, time.Now(), alive, 10, func(_ string, s *adapter.Session) { reported = append(reported, s.Secret) })
	slices.Sort(reported)
	return strings.Join(reported, " "), left, err
}

// A connection is lost after Postgres has marked sessions, and before it has said which: the
// next Expire reports them.
func TestAnswerOfExpireIsLost(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	config, proxy := throughProxy(t, server)
	all := putEnded(t, config, "first")
	living := func(string) bool { return true }
	if secrets, _, err := expired(t.Context(), all, living); secrets != "first" || err != nil { // the statements are known to the connection now
		t.Fatalf("reported %q, %v", secrets, err)
	}
	putEnded(t, server.Config(), "one", "two")
	other := &adapter.Session{ID: "other", Secret: "other", Data: []byte("{}")}
	if err := all.Put(t.Context(), "/", otherNode, other); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stalled, ended := make(chan struct{}), make(chan error)
	go func() { // ends with the cut
		_, _, err := expired(ctx, all, func(string) bool { proxy.Stall(faultnet.Down); close(stalled); return true })
		ended <- err
	}()
	<-stalled
	clusterhost.Eventually(t, "two sessions that are marked", func() bool {
		var count int
		server.Must(&count, "SELECT count(*) FROM p_sessions WHERE expiring")
		return count == 2
	})
	cancel()
	if err := <-ended; err == nil {
		t.Error("Expire has returned no error")
	}
	proxy.Heal()
	if secrets, left, err := expired(t.Context(), all, living); secrets != "one two" || !left || err != nil {
		t.Errorf("Expire has reported %q, left %v, %v", secrets, left, err)
	}
	if secrets, _, err := expired(t.Context(), all, living); secrets != "" || err != nil {
		t.Errorf("afterwards Expire has reported %q, %v", secrets, err)
	}
}

// Nobody can read a session: Expire removes it, and reports the others.
func TestSessionThatNobodyCanRead(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	all := putEnded(t, server.Config(), "one", "two", "three")
	server.Must(nil, "UPDATE p_sessions SET data = 'x' WHERE secret = 'two'")
	if secrets, left, err := expired(t.Context(), all, func(string) bool { return true }); secrets != "one three" || left || err != nil {
		t.Errorf("Expire has reported %q, left %v, %v", secrets, left, err)
	}
}
