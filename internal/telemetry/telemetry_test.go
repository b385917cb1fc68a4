// SPDX-License-Identifier: MIT

// This file holds the tests of the package.

package telemetry_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"socketio/internal/leakcheck"
	"socketio/internal/telemetry"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

type counter interface{ Count(n int) }

type sum struct{ total int }

func (s *sum) Count(n int) { s.total += n }

type crash struct{ calls int }

func (c *crash) Count(int) {
	c.calls++
	panic("line one\nline two\x1b[31m")
}

// A panic affects one call of one observer, and adds one line to the log.
func TestObserversCantHarm(t *testing.T) {
	var log bytes.Buffer
	first, bad, last := new(sum), new(crash), new(sum)
	l := telemetry.Pick[counter](slog.New(slog.NewTextHandler(&log, nil)), []any{first, "no counter", bad, last})
	for range 3 {
		l.Each(func(c counter) { c.Count(2) })
	}
	if first.total != 6 || last.total != 6 || bad.calls != 3 {
		t.Errorf("counted %d, %d calls, %d; want 6, 3, 6", first.total, bad.calls, last.total)
	}
	text := log.String()
	if n := strings.Count(text, "\n"); n != 1 {
		t.Errorf("%d lines in the log, want 1: %s", n, text)
	}
	for _, want := range []string{"observer=*telemetry_test.crash", `line one\\nline two\\x1b`, "stack="} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s: %s", want, text)
		}
	}
	if l.Call(1, func(c counter) { c.Count(1) }) || !l.Call(0, func(c counter) { c.Count(1) }) {
		t.Error("Call reports a panic as a return, or the other way round")
	}
	var none telemetry.List[counter]
	if none.Any() || !l.Any() || l.Len() != 3 {
		t.Errorf("Any: %v, %v; Len %d", none.Any(), l.Any(), l.Len())
	}
}

func TestEachDoesNotAllocate(t *testing.T) {
	s := new(sum)
	l := telemetry.Pick[counter](slog.New(slog.DiscardHandler), []any{s})
	n := 3
	if allocs := testing.AllocsPerRun(100, func() {
		if l.Any() {
			l.Each(func(c counter) { c.Count(n) })
		}
	}); allocs > 0 {
		t.Errorf("%v allocations per call", allocs)
	}
}

func TestText(t *testing.T) {
	long := strings.Repeat("x", 127)
	for in, want := range map[string]string{
		"":                     "",
		"plain text é 漢":       "plain text é 漢",
		"a\nb\x1b[0m\x00":      `a\nb\x1b[0m\x00`,
		"half \xff":            `half \xff`,
		`say "x" \ y`:          `say "x" \ y`,   // they print
		"\u202egpj.exe":        `\u202egpj.exe`, // turns the direction of what follows
		long + "xy":            long + "x...",
		long + "é":             long + "...", // no half letter
		long + "\n" + "second": long + `\n...`,
		"\ufffd is a letter":   "\ufffd is a letter",
	} {
		if got := telemetry.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

type rude struct{}

func (rude) Error() string { panic("no text") }

func TestError(t *testing.T) {
	err := telemetry.Error(errors.Join(io.EOF, errors.New("second")))
	if err.Error() != `EOF\nsecond` || !errors.Is(err, io.EOF) {
		t.Errorf("got %q, which is io.EOF: %v", err, errors.Is(err, io.EOF))
	}
	if got := telemetry.Error(42).Error(); got != "42" {
		t.Errorf("got %q", got)
	}
	if got := telemetry.Error(rude{}).Error(); !strings.Contains(got, "PANIC") {
		t.Errorf("got %q", got)
	}
	if got := telemetry.Error(strings.Repeat("x", 1000)).Error(); len(got) != 515 {
		t.Errorf("%d bytes, want 512 and three dots", len(got))
	}
}
