// SPDX-License-Identifier: MIT

// This file tests the servers of the tests.

package natstest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/leakcheck"
)

// roleVariable makes the tests' program start a server and say where it is.
const roleVariable = "NATSTEST_ROLE"

func TestMain(m *testing.M) { leakcheck.Main(m) }

// dial connects to a server that answers.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := bufio.NewReader(c).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return c
}

// A server answers, is killed, and answers on the same port again; it does not while it is
// paused.
func TestServer(t *testing.T) {
	s := natstest.Start(t, natstest.JetStream)
	addr := s.Addr()
	dial(t, addr)
	s.Kill()
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("a killed server answers")
	}
	s.Restart()
	dial(t, addr)
	s.Pause()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // a server that is not paused answers within this
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a paused server answers: %d bytes, %v", n, err)
	}
	s.Resume()
	_ = c.SetReadDeadline(time.Time{})
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("after it goes on: %v", err)
	}
	s.Configure(natstest.JetStream + "max_payload: 1000\n")
	s.LameDuck()
	<-s.Ended()
}

// Three servers know each other: each names the others to clients.
func TestCluster(t *testing.T) {
	all := natstest.StartCluster(t, "")
	for _, s := range all {
		until := time.Now().Add(30 * time.Second)
		for {
			c, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(c).ReadString('\n')
			_ = c.Close()
			if err != nil {
				t.Fatal(err)
			}
			known := 0
			for _, other := range all {
				if strings.Contains(line, `"`+other.Addr()+`"`) {
					known++
				}
			}
			if known == len(all) {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("%s knows %d servers: %s", s.Name(), known, line)
			}
		}
	}
}

// A server ends when the process of its test is killed.
func TestEndsWithItsTest(t *testing.T) {
	if os.Getenv(roleVariable) != "" {
		fmt.Println("addr", natstest.Start(t, "").Addr())
		select {}
	}
	if runtime.GOOS != "linux" {
		t.Log("for Linux only")
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestEndsWithItsTest$")
	cmd.Env = append(os.Environ(), roleVariable+"=waits", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	for lines := bufio.NewScanner(out); addr == "" && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "addr %s", &addr)
	}
	c := dial(t, addr)
	_ = cmd.Process.Kill()
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("the connection ends: %v", err)
	}
	_ = cmd.Wait()
}
