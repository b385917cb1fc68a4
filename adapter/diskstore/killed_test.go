// SPDX-License-Identifier: MIT

// This file tests a store whose process is killed.

package diskstore_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/diskstore"
	"socketio/internal/leakcheck"
	"socketio/internal/tether"
)

// The roles of this program in another process.
const (
	roleVariable = "DISKSTORE_ROLE"
	dirVariable  = "DISKSTORE_DIR"
	roleAppends  = "appends"
	roleServes   = "serves"
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case roleAppends:
		appendForEver(os.Getenv(dirVariable))
	case roleServes:
		serve(os.Getenv(dirVariable))
	default:
		leakcheck.Main(m)
	}
}

// fail ends a program of these tests.
func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

// opened returns a store that is ready, in a program of its own.
func opened(dir string) *diskstore.Store {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := diskstore.Open(ctx, dir, nil)
	if err != nil {
		fail(err)
	}
	return s
}

// writers is how many goroutines append at once.
const writers = 4

// appendForEver appends events and saves sessions, and prints each when it is stored.
func appendForEver(dir string) {
	s := opened(dir)
	if err := s.Open(adapter.Node{ID: "n"}, adapter.Retention{Window: time.Hour, MaxBytes: 64 << 20, MaxSessions: 1 << 20}); err != nil {
		fail(err)
	}
	l, err := s.Log("/")
	if err != nil {
		fail(err)
	}
	fmt.Println("epoch", l.Epoch())
	var print sync.Mutex
	var all sync.WaitGroup
	for g := range writers {
		all.Go(func() {
			for i := 0; ; i++ {
				text := fmt.Sprintf("%d-%d-%d", os.Getpid(), g, i)
				r := &adapter.Record{Deliver: func(n uint64) {
					print.Lock()
					defer print.Unlock()
					fmt.Println("event", n, text)
				}}
				r.Event.JSON = []byte(text)
				if err := l.Append(r); err != nil {
					fail(err)
				}
				if i%8 == 0 {
					if err := s.Save(context.Background(), "/", &adapter.Session{ID: text, Secret: text}); err != nil {
						fail(err)
					}
					print.Lock()
					fmt.Println("session", text)
					print.Unlock()
				}
			}
		})
	}
	all.Wait()
}

// A process that is killed at any moment has stored what it has said, under the numbers
// that it has said; five times on one directory.
func TestKilledWhileItWrites(t *testing.T) {
	dir := t.TempDir()
	events := make(map[uint64]string)
	var sessions []string
	epoch := ""
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleVariable+"="+roleAppends, dirVariable+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := tether.Start(t, cmd); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 200 + rand.IntN(300); lines.Scan(); n-- {
			if n == 0 {
				_ = cmd.Process.Kill() // the rest of what it has said follows
			}
			word := strings.Fields(lines.Text())
			switch {
			case len(word) == 2 && word[0] == "epoch":
				if epoch != "" && word[1] != epoch {
					t.Fatalf("round %d: the epoch has changed", round)
				}
				epoch = word[1]
			case len(word) == 2 && word[0] == "session":
				sessions = append(sessions, word[1])
			case len(word) == 3 && word[0] == "event":
				n, _ := strconv.ParseUint(word[1], 10, 64)
				if events[n] != "" {
					t.Fatalf("round %d: number %d is given twice", round, n)
				}
				events[n] = word[2]
			}
		}
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("round %d: the program has ended with %v", round, err)
		}
	}
	s := opened(dir)
	defer func() { _ = s.Close(context.Background()) }()
	if err := s.Open(adapter.Node{ID: "n"}, adapter.Retention{Window: time.Hour, MaxBytes: 64 << 20, MaxSessions: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	l, err := s.Log("/")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for e, err := range l.Since(context.Background(), 0, l.Last()) {
		if err != nil {
			t.Fatal(err)
		}
		if want := events[e.Number]; want != "" {
			found++
			if want != string(e.Event.JSON) {
				t.Errorf("event %d is %s, want %s", e.Number, e.Event.JSON, want)
			}
		}
	}
	if found != len(events) || found < 5*100 {
		t.Errorf("%d of %d events are there", found, len(events))
	}
	for _, secret := range sessions {
		if _, err := s.Take(context.Background(), "/", secret); err != nil {
			t.Errorf("session %s: %v", secret, err)
		}
	}
}
