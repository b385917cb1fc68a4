// SPDX-License-Identifier: MIT

// This file tests durations written without a unit, which compile.

package socketio_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
)

// message returns the text with which fn panics, or "".
func message(fn func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	fn()
	return ""
}

// PingInterval: 25000 is 25 µs. Each option that is a duration panics with the question
// what was meant, including those in Limits and Engine.
func TestDurationsWithoutAUnit(t *testing.T) {
	tried := 0
	for prefix, part := range map[string]func(*socketio.Options) any{
		"socketio: Options":        func(o *socketio.Options) any { return o },
		"socketio: Options.Limits": func(o *socketio.Options) any { return &o.Limits },
		"engineio: Options":        func(o *socketio.Options) any { return &o.Engine },
	} {
		fields := reflect.TypeOf(part(new(socketio.Options))).Elem()
		for i := range fields.NumField() {
			f := fields.Field(i)
			if f.Type != reflect.TypeFor[time.Duration]() {
				continue
			}
			if _, daily := reflect.TypeFor[socketio.Options]().FieldByName(f.Name); daily && prefix == "engineio: Options" {
				continue // it has the value of the field of Options, which is checked first
			}
			tried++
			try := func(d time.Duration) string {
				return message(func() {
					opts := new(socketio.Options)
					reflect.ValueOf(part(opts)).Elem().Field(i).Set(reflect.ValueOf(d))
					_ = socketio.NewServer(opts).Close()
				})
			}
			want := prefix + "." + f.Name + " is 25000 nanoseconds: did you mean 25*time.Second?"
			if got := try(25000); got != want {
				t.Errorf("%s: got %q, want %q", f.Name, got, want)
			}
			if got := try(20); !strings.Contains(got, "did you mean 20*time.Second or 20*time.Millisecond?") {
				t.Errorf("%s of 20: got %q", f.Name, got)
			}
			if got := try(-25000); got != prefix+"."+f.Name+" must not be negative" {
				t.Errorf("%s of -25000: got %q", f.Name, got)
			}
			for _, d := range []time.Duration{0, time.Millisecond, time.Hour} {
				if got := try(d); got != "" {
					t.Errorf("%s of %v: got %q", f.Name, d, got)
				}
			}
		}
	}
	if tried < 10 {
		t.Errorf("%d durations were tried: are the options read?", tried)
	}
}

// Durations inside other options, and those of methods, are checked too.
func TestDurationsWithoutAUnitElsewhere(t *testing.T) {
	io := socketio.NewServer(nil)
	defer io.Close()
	for want, fn := range map[string]func(){
		"engineio: Options.Cookie.MaxAge is 3600 nanoseconds: did you mean 3600*time.Second?": func() {
			socketio.NewServer(&socketio.Options{Engine: engineio.Options{Cookie: &engineio.Cookie{MaxAge: 3600}}})
		},
		"engineio: Options.CORS.MaxAge is 86400 nanoseconds: did you mean 86400*time.Second?": func() {
			socketio.NewServer(&socketio.Options{CORS: &socketio.CORS{MaxAge: 86400}})
		},
		"socketio: Timeout is 5000 nanoseconds: did you mean 5*time.Second?":                       func() { io.Timeout(5000) },
		"socketio: Timeout is 2500 nanoseconds: did you mean 2500*time.Millisecond?":               func() { io.Of("/n").Timeout(2500) },
		"socketio: Timeout is 10 nanoseconds: did you mean 10*time.Second or 10*time.Millisecond?": func() { io.To("room").Timeout(10) },
		"": func() { io.Timeout(1) }, // at once
	} {
		if got := message(fn); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
