// SPDX-License-Identifier: MIT

// This file tests that ids can't be guessed, as far as a test can tell, and what happens
// to guesses.

package engineio_test

import (
	"context"
	"encoding/base64"
	"math"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"socketio/engineio"
)

// A million ids (a tenth in short mode) all differ, and each of their bits is as often 1
// as 0.
func TestIDsEntropy(t *testing.T) {
	const bits = 120
	ids := 1_000_000
	if testing.Short() {
		ids = 100_000
	}
	seen := make(map[[bits / 8]byte]struct{}, ids)
	var counts [bits / 8][256]int // how often a byte has a value
	for range ids {
		id := engineio.NewID()
		raw, err := base64.RawURLEncoding.DecodeString(id)
		if err != nil || len(raw) != bits/8 {
			t.Fatalf("the id %q is not %d bits in base64: %v", id, bits, err)
		}
		seen[[bits / 8]byte(raw)] = struct{}{}
		for i, b := range raw {
			counts[i][b]++
		}
	}
	if len(seen) != ids {
		t.Errorf("%d of %d ids are different", len(seen), ids)
	}
	// Six standard deviations: chance alone fails once in a few million runs.
	allowed := 6 * math.Sqrt(float64(ids)) / 2
	for i := range bits {
		n := 0
		for b, count := range counts[i/8] {
			n += count * (b >> (i % 8) & 1)
		}
		if math.Abs(float64(n-ids/2)) > allowed {
			t.Errorf("bit %d is 1 in %d of %d ids", i, n, ids)
		}
	}
}

// Requests for sessions that do not exist can be counted by address, for every kind of
// request, also behind a proxy.
func TestGuessesAreTold(t *testing.T) {
	everywhere(t, func(w *world) {
		told := make(toldOf, 10)
		options := withStreams(&engineio.Options{
			Observers:      []any{told},
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")},
			SessionBinding: func(context.Context, *engineio.SessionRequest) error { panic("no session, no question") },
		})
		r := w.serve(hosting{options: options})
		const guess = "EIO=4&sid=AAAAAAAAAAAAAAAAAAAA&transport="
		for what, ask := range map[string]func(from ...string){
			"a poll":      func(from ...string) { r.get(guess+"polling", from...) },
			"a POST":      func(from ...string) { r.post(guess+"polling", "4x", from...) },
			"a WebSocket": func(from ...string) { r.dialRefused(guess+"websocket", from...) },
			"a stream": func(from ...string) {
				c := r.stream(guess+"webtransport", from...)
				c.send(`0{"sid":"AAAAAAAAAAAAAAAAAAAA"}`)
				c.wantRefused("a guess")
			},
		} {
			ask("X-Forwarded-For", "198.51.100.7")
			e := <-told
			if e.Code != 1 || e.Err != nil || e.RemoteAddr != "198.51.100.7" || strings.Contains(e.Error(), "AAAA") {
				w.t.Errorf("%s is told as %+v", what, *e)
			}
		}
		if n := len(told); n != 0 {
			w.t.Errorf("%d more are told", n)
		}
	})
}

// toldOf is a RefusalObserver that passes its rejections on.
type toldOf chan *engineio.ConnectionError

func (c toldOf) RequestRefused(e *engineio.ConnectionError) { c <- e }

// A nearly right guess takes the same work as a completely wrong one, and leaves nothing
// behind.
func TestGuessesCostTheSame(t *testing.T) {
	srv := engineio.NewServer(nil, func(*engineio.Conn) engineio.Handler { return handlerFunc(func() {}) })
	defer srv.Close()
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("GET", "/?EIO=4&transport=polling", nil))
	_, id, _ := strings.Cut(w.Body.String(), `"sid":"`)
	id = id[:20]
	cost := func(guess string) float64 {
		r := httptest.NewRequest("GET", "/?EIO=4&transport=polling&sid="+guess, nil)
		return testing.AllocsPerRun(100, func() {
			w := httptest.NewRecorder()
			if srv.ServeHTTP(w, r); w.Code != 400 {
				t.Fatalf("%q: got %d", guess, w.Code)
			}
		})
	}
	want := cost(strings.Repeat("A", 20))
	near := id[:19] + "-"
	if near == id {
		near = id[:19] + "_"
	}
	for _, guess := range []string{near, id + "A", strings.Repeat("A", 2000)} {
		if got := cost(guess); math.Abs(got-want) > 1 { // pools forget
			t.Errorf("a guess of %d bytes costs %v allocations, another %v", len(guess), got, want)
		}
	}
	if n := srv.Count(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}
