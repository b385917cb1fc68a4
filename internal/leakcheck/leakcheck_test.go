// SPDX-License-Identifier: MIT

// Tests that a parked goroutine is reported and that an ended one is not.

package leakcheck_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func parked(release, done chan struct{}) {
	<-release
	close(done)
}

func TestReportsAParkedGoroutine(t *testing.T) {
	release, done := make(chan struct{}), make(chan struct{})
	go parked(release, done)
	found := false
	for _, stack := range leakcheck.Wait(0) {
		found = found || strings.Contains(stack, "leakcheck_test.parked")
	}
	if !found {
		t.Error("a parked goroutine is not in the report")
	}
	close(release)
	<-done
	for _, stack := range leakcheck.Wait(leakcheck.Grace) { // its last statement is not its end
		if strings.Contains(stack, "leakcheck_test.parked") {
			t.Errorf("an ended goroutine is in the report:\n%s", stack)
		}
	}
}

// The connection that the default client keeps open must not count.
func TestIdleConnectionsDoNotCount(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func FuzzNothing(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(*testing.T, int) {})
}

func BenchmarkNothing(b *testing.B) {
	for b.Loop() {
	}
}
