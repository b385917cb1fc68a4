// SPDX-License-Identifier: MIT

// This file holds the tests of Sampled.

package telemetry_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"socketio/internal/telemetry"
)

func TestSampled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := telemetry.NewSampled(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
		want := func(when, text string) {
			t.Helper()
			if got := log.String(); got != text {
				t.Errorf("%s: got %q, want %q", when, got, text)
			}
			log.Reset()
		}
		for i := range 10 {
			if logged := s.Warn("one", "max", i); logged != (i == 0) {
				t.Errorf("warning %d: logged %v", i, logged)
			}
			s.Warn("two", "max", i)
		}
		want("at once", "level=WARN msg=one max=0\nlevel=WARN msg=two max=0\n")
		time.Sleep(time.Minute - time.Nanosecond)
		s.Warn("one", "max", 10)
		want("before the minute is over", "")
		time.Sleep(time.Nanosecond)
		s.Warn("one", "max", 11)
		want("after a minute", "level=WARN msg=one more=10 max=11\n")
		time.Sleep(time.Hour)
		s.Warn("one")
		want("with none left out", "level=WARN msg=one\n")
	})
}

// Many at once are one record.
func TestSampledTogether(t *testing.T) {
	var log bytes.Buffer
	s := telemetry.NewSampled(slog.New(slog.NewTextHandler(&log, nil)))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 50 {
				s.Warn("kind")
			}
		})
	}
	all.Wait()
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}
