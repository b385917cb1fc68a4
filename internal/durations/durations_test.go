// SPDX-License-Identifier: MIT

// This file holds the tests of Check, CheckOptions and CheckSigns.

package durations_test

import (
	"fmt"
	"testing"
	"time"

	"socketio/internal/durations"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestCheck(t *testing.T) {
	const forever = time.Duration(1<<63 - 1)
	for _, c := range []struct {
		d, likely time.Duration
		want      string // "" for no panic
	}{
		{25000, time.Millisecond, "x.Y is 25000 nanoseconds: did you mean 25*time.Second?"},
		{1500, time.Millisecond, "x.Y is 1500 nanoseconds: did you mean 1500*time.Millisecond?"},
		{1000, time.Millisecond, "x.Y is 1000 nanoseconds: did you mean 1*time.Second?"},
		{25, time.Millisecond, "x.Y is 25 nanoseconds: did you mean 25*time.Second or 25*time.Millisecond?"},
		{1, time.Millisecond, "x.Y is 1 nanoseconds: did you mean 1*time.Second or 1*time.Millisecond?"},
		{time.Millisecond - 1, time.Millisecond, "x.Y is 999999 nanoseconds: did you mean 999999*time.Millisecond?"},
		{86400, time.Second, "x.Y is 86400 nanoseconds: did you mean 86400*time.Second?"},
		{3000, time.Second, "x.Y is 3000 nanoseconds: did you mean 3000*time.Second?"},
		{0, time.Millisecond, ""},
		{-1, time.Millisecond, ""},
		{-25000, time.Millisecond, ""},
		{time.Millisecond, time.Millisecond, ""},
		{forever, time.Second, ""},
		{-forever - 1, time.Second, ""},
	} {
		got := func() (text string) {
			defer func() {
				if v := recover(); v != nil {
					text = fmt.Sprint(v)
				}
			}()
			durations.Check("x.Y", c.d, c.likely)
			return ""
		}()
		if got != c.want {
			t.Errorf("%d, %v: got %q, want %q", c.d, c.likely, got, c.want)
		}
	}
}

func TestCheckOptions(t *testing.T) {
	o := struct {
		Text        string
		Fine, Wrong time.Duration
	}{"", time.Hour, 7000}
	defer func() {
		if got, want := recover(), "p: Options.Wrong is 7000 nanoseconds: did you mean 7*time.Second?"; got != want {
			t.Errorf("got %v, want %q", got, want)
		}
	}()
	durations.CheckOptions("p: Options", &o, time.Millisecond)
}

func TestCheckSigns(t *testing.T) {
	type options struct {
		Number int
		Time   time.Duration
		Either int64
		Inner  struct{ Number int }
	}
	fine := options{Either: -1}
	fine.Inner.Number = -1
	for want, o := range map[string]options{
		"<nil>":                                  fine,
		"p: Options.Number must not be negative": {Number: -1},
		"p: Options.Time must not be negative":   {Time: -time.Hour},
	} {
		got := func() (text string) {
			defer func() { text = fmt.Sprint(recover()) }()
			durations.CheckSigns("p: Options", &o)
			return
		}()
		if got != want {
			t.Errorf("%+v: got %q, want %q", o, got, want)
		}
	}
}
