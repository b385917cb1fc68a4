// SPDX-License-Identifier: MIT

// This file kills a server under clients of the npm package, and restarts it. "make setup"
// installs the package.

//go:build npm && unix

package diskstore_test

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"socketio/internal/tether"
)

// A restarted is a server program that is ended and started again on one listener.
type restarted struct {
	t        *testing.T
	dir      string
	listener *os.File
	addr     string
	cmd      *exec.Cmd
}

func newRestarted(t *testing.T) *restarted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close() // f stays: clients that come while no server runs wait for the next one
	s := &restarted{t: t, dir: t.TempDir(), listener: f, addr: l.Addr().String()}
	t.Cleanup(func() {
		s.end(syscall.SIGKILL)
		_ = f.Close()
	})
	s.start()
	return s
}

func (s *restarted) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), roleVariable+"="+roleServes, dirVariable+"="+s.dir)
	s.cmd.ExtraFiles = []*os.File{s.listener}
	s.cmd.Stderr = os.Stderr
	if err := tether.Start(s.t, s.cmd); err != nil {
		s.t.Fatal(err)
	}
}

// end ends the server by a signal, and waits.
func (s *restarted) end(signal os.Signal) error {
	if s.cmd == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(signal)
	err := s.cmd.Wait()
	s.cmd = nil
	return err
}

// A result is what the clients have found.
type result struct {
	Posted, Connections, Recovered int
	Reasons                        map[string]int
	Errors                         []string
}

// clients runs the clients, and calls restart when another few posts were acknowledged.
func clients(t *testing.T, addr string, times int, restart func(round int)) (r result) {
	t.Helper()
	cmd := exec.Command("node", "testdata/clients.mjs", "http://"+addr)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	rounds, next := 0, 20
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "result "); ok {
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				t.Fatal(err)
			}
			return r
		}
		posted, _ := strconv.Atoi(strings.TrimPrefix(lines.Text(), "posted "))
		switch {
		case posted != next:
		case rounds < times:
			restart(rounds)
			rounds++
			next += 30 + rand.IntN(60)
		default:
			_, _ = io.WriteString(in, "end\n")
		}
	}
	t.Fatal("the clients have ended without a result")
	return r
}

// A server that is killed again and again while clients post loses nothing: each post that
// was acknowledged reaches each client once, in one order, and the clients are recovered.
// KILLS is how many times; 5 by default.
func TestKilledServer(t *testing.T) {
	times := 5
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		times = n
	}
	s := newRestarted(t)
	r := clients(t, s.addr, times, func(int) {
		if err := s.end(syscall.SIGKILL); err == nil || err.Error() != "signal: killed" {
			t.Errorf("the server has ended with %v", err)
		}
		s.start()
	})
	for _, e := range r.Errors {
		t.Error(e)
	}
	t.Logf("%d kills: %d posts, %d connections, %d recovered, others %v", times, r.Posted, r.Connections, r.Recovered, r.Reasons)
	if r.Connections < 4*times || r.Recovered*100 < r.Connections*99 {
		t.Errorf("%d of %d connections were recovered", r.Recovered, r.Connections)
	}
}

// A server that is shut down and started again recovers all of its clients.
func TestRestartedServer(t *testing.T) {
	const times = 2
	s := newRestarted(t)
	began := time.Now()
	r := clients(t, s.addr, times, func(int) {
		if err := s.end(syscall.SIGTERM); err != nil {
			t.Errorf("the server has ended with %v", err)
		}
		s.start()
	})
	for _, e := range r.Errors {
		t.Error(e)
	}
	t.Logf("%v: %d posts, %d connections, %d recovered, others %v", time.Since(began), r.Posted, r.Connections, r.Recovered, r.Reasons)
	if r.Connections < 4*times || r.Recovered != r.Connections {
		t.Errorf("%d of %d connections were recovered", r.Recovered, r.Connections)
	}
}
