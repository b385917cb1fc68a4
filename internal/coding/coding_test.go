// SPDX-License-Identifier: MIT

// This file holds the forms in which clients write Accept-Encoding.

package coding_test

import (
	"testing"

	"socketio/internal/coding"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestWeight(t *testing.T) {
	for _, row := range []struct {
		accept []string
		want   float64
	}{
		{nil, 0},
		{[]string{""}, 0},
		{[]string{"gzip"}, 1},
		{[]string{"br, GZIP"}, 1},
		{[]string{"br", "gzip;q=0.5"}, 0.5},
		{[]string{"gzip ; q = 0.5"}, 0.5},
		{[]string{"gzip;Q=0"}, 0},
		{[]string{"*;q=0.3"}, 0.3},
		{[]string{"*, gzip;q=0"}, 0},
		{[]string{"gzip;q=2"}, 0},
		{[]string{"gzip;q=NaN"}, 0},
		{[]string{"gzip;q="}, 0},
		{[]string{"xgzip, gzip-x"}, 0},
	} {
		if got := coding.Weight(row.accept, "gzip"); got != row.want {
			t.Errorf("%q gives gzip %v, want %v", row.accept, got, row.want)
		}
	}
	if _, ok := coding.Named([]string{"*"}, "identity"); ok {
		t.Error(`"*" names identity`)
	}
}
