// SPDX-License-Identifier: MIT

//go:build linux

package load

import (
	"testing"
	"time"
)

func TestQuantiles(t *testing.T) {
	var l Latency
	if got := l.Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range 10_000 {
		l.Add(time.Duration(i+1) * time.Microsecond)
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999} {
		want := max(time.Duration(q*10_000)*time.Microsecond, time.Microsecond)
		got := l.Quantile(q)
		if diff := float64(got-want) / float64(want); diff > 0.04 || diff < -0.04 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	var small Latency
	small.Add(-1)
	small.Add(3)
	if got := small.Quantile(0.99); got != 3 {
		t.Errorf("of 0 and 3 ns the most is %v", got)
	}
}

func TestStamp(t *testing.T) {
	for _, d := range []*dialect{socketIO, centrifuge} {
		f := d.toRoom("r17")
		stamp(f, d.tailSent(), 1234567890123456789)
		data := append([]byte(nil), f[6:]...)
		for i := range data {
			data[i] ^= mask[i%4]
		}
		if got, ok := stamped(data, d.tailSent()); !ok || got != 1234567890123456789 {
			t.Errorf("%s: %d, %v", data, got, ok)
		}
	}
	if _, ok := stamped([]byte(`42["room","r1","a real message, no digits"]`), socketIO.tail); ok {
		t.Error("a text without digits has a stamp")
	}
}
