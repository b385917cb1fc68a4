// SPDX-License-Identifier: MIT

// This file holds the attacks that need numbers: connections that drip, floods of
// handshakes. "make soak" runs them in full, with the timeouts that are the defaults;
// "go test" in small.

package hostile

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fullEnv set to "full" asks for the full sizes.
const fullEnv = "HOSTILE"

// A flood is the size of the attacks. Memory is in bytes.
type flood struct {
	drips      int           // connections that drip
	drip       time.Duration // between two bytes of one
	dripLimit  time.Duration // by when such a connection must be gone
	dripMemory int           // that they may cost the server; most of it is net/http's

	handshakes      int
	handshakeMemory int

	connect time.Duration // config.ConnectTimeout
	alone   bool          // one attack after the other, so that the figures mean something
}

func floodSize(t *testing.T) flood {
	switch text := os.Getenv(fullEnv); text {
	case "":
		return flood{
			drips: 40, drip: 20 * time.Millisecond, dripLimit: time.Minute,
			handshakes: 2000,
			connect:    2 * time.Second,
		}
	case "full":
		return flood{
			drips: 2000, drip: time.Second, dripLimit: 25 * time.Second, dripMemory: 128 << 20,
			handshakes: 100_000, handshakeMemory: 250 << 20,
			alone: true,
		}
	default:
		t.Fatalf("%s=%s: want full, or nothing", fullEnv, text)
		return flood{}
	}
}

func TestFullSize(t *testing.T) {
	size := floodSize(t)
	binary := targetBinary(t)
	for _, k := range []attack{
		{
			name:   "connections that drip",
			memory: size.dripMemory,
			run:    func(a *attacker) { drips(a, size) },
		},
		{
			name:   "handshakes",
			config: config{ConnectTimeout: size.connect},
			memory: size.handshakeMemory,
			run:    func(a *attacker) { handshakes(a, size, size.handshakes) },
		},
		{
			name:   "handshakes, with a bound on pending sessions",
			config: config{ConnectTimeout: size.connect, MaxPending: size.handshakes / 10},
			memory: size.handshakeMemory,
			run:    func(a *attacker) { handshakes(a, size, size.handshakes/10) },
		},
	} {
		k.config.Driver = "poll"
		k.patience = 3 * time.Minute
		t.Run(k.name, func(t *testing.T) {
			if !size.alone {
				t.Parallel()
			}
			besiege(t, binary, k)
		})
	}
}

// drips opens connections that send a byte now and then: headers and bodies by
// turns. Each must end in time.
func drips(a *attacker, size flood) {
	head := "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: target\r\nX: " + strings.Repeat("a", 2000)
	sessions := make([]*session, size.drips/2)
	a.each(8, func(part int) {
		for i := part; i < len(sessions); i += 8 {
			sessions[i] = a.joined()
		}
	})
	var mu sync.Mutex
	var lasted []time.Duration
	a.each(size.drips, func(i int) {
		w := a.dial()
		defer w.Close()
		talk := head
		if i%2 == 0 {
			talk = strings.Repeat("4", 10_000)
			_, _ = fmt.Fprintf(w, "POST /socket.io/?%s HTTP/1.1\r\nHost: target\r\nContent-Length: %d\r\n\r\n", sessions[i/2].query, len(talk))
		}
		began := time.Now()
		answer := make(chan reply, 1)
		go func() { answer <- readReply(bufio.NewReader(w)) }()
		drip := time.NewTicker(size.drip)
		defer drip.Stop()
		for sent := 0; ; sent++ {
			select {
			case r := <-answer:
				if i%2 == 0 && r.status != 408 && r.status != 0 {
					a.t.Errorf("a body that drips: %v", r)
				}
				mu.Lock()
				lasted = append(lasted, time.Since(began))
				mu.Unlock()
				return
			case <-drip.C:
				_, _ = io.WriteString(w, talk[sent:sent+1]) // the answer tells
			}
		}
	})
	if len(lasted) != size.drips {
		a.t.Errorf("%d of %d connections have ended", len(lasted), size.drips)
		return
	}
	longest := slices.Max(lasted)
	if longest > size.dripLimit {
		a.t.Errorf("a connection lasted for %v, want %v at most", longest, size.dripLimit)
	}
	a.t.Logf("%d connections dripped; the last was gone after %v", len(lasted), longest.Round(time.Millisecond))
}

// handshakes opens sessions over polling and leaves them. There may be bound of them.
func handshakes(a *attacker, size flood, bound int) {
	const browsers = 8
	began, most := time.Now(), 0
	for range 10 { // a look at the server after each tenth
		a.each(browsers, func(int) {
			b := newBrowser(a.p.addr)
			defer b.close()
			for i := range size.handshakes / browsers / 10 {
				sid, err := b.open()
				if err != nil {
					a.fail("a handshake: %v", err)
				}
				if i%100 == 0 { // the log is searched for each
					a.keep(sid)
				}
				a.sent.Add(150) // about
			}
		})
		n := a.p.stats().Connections - 2 // the bystanders
		if most = max(most, n); n > bound {
			a.t.Errorf("%d sessions are open, want %d at most", n, bound)
		}
	}
	a.t.Logf("%d handshakes in %v, at most %d of the sessions at once", size.handshakes, time.Since(began).Round(time.Millisecond), most)
}
