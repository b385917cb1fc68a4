// SPDX-License-Identifier: MIT

//go:build unix

// This file tests servers. The test program itself is the server.

package tether_test

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
	"syscall"
	"testing"
	"time"

	"socketio/internal/tether"
)

// serveVariable is the address at which the test program serves.
const serveVariable = "TETHER_SERVE"

// TestServe is the server: it tells each connection its process id. Without serveVariable
// it does nothing.
func TestServe(t *testing.T) {
	addr := os.Getenv(serveVariable)
	if addr == "" {
		return
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("at", addr)
	for {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintln(c, os.Getpid())
		go func() { // ends with the connection
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}()
	}
}

// launch starts a server, which ends with the test.
func launch(t *testing.T) *tether.Server {
	t.Helper()
	var s *tether.Server
	s = tether.NewServer(t, tether.Program{
		Name: "tether_test",
		Command: func() (*exec.Cmd, error) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestServe$")
			cmd.Env = append(os.Environ(), serveVariable+"="+s.Addr())
			return cmd, nil
		},
		Answers: func() error {
			c, err := net.Dial("tcp", s.Addr())
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			return told(c, s.Pid())
		},
		Patience: time.Minute,
	})
	t.Cleanup(s.Kill)
	s.Launch()
	return s
}

// told returns nil if a connection is told a process id.
func told(c net.Conn, pid int) error {
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && line != fmt.Sprintln(pid) {
		err = fmt.Errorf("the process says %q, want %d", line, pid)
	}
	return err
}

// A server answers, is silent while it is paused, and is another process on the same port
// after a restart.
func TestServer(t *testing.T) {
	s := launch(t)
	addr, pid := s.Addr(), s.Pid()
	if want := fmt.Sprintln("at", addr); !strings.Contains(s.Log(), want) {
		t.Errorf("the log is %q, want %q", s.Log(), want)
	}
	s.Pause()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // a server that is not paused answers within this
	if err := told(c, pid); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a paused server answers: %v", err)
	}
	s.Resume()
	_ = c.SetReadDeadline(time.Time{})
	if err := told(c, pid); err != nil {
		t.Errorf("after it goes on: %v", err)
	}
	s.Kill()
	<-s.Ended()
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("a killed server answers")
	}
	s.Restart()
	if s.Addr() != addr || s.Pid() == pid {
		t.Errorf("after a restart: process %d on %s; before: process %d on %s", s.Pid(), s.Addr(), pid, addr)
	}
	s.Signal(func(p *os.Process) error { return p.Signal(syscall.SIGTERM) })
	<-s.Ended()
}

// A program that ends is not waited for, nor one whose port belongs to another process.
func TestServerThatDoesNotAnswer(t *testing.T) {
	fault := errors.New("the port belongs to another server")
	for script, want := range map[string]string{"exit 3": "has ended", "sleep 60": fault.Error()} {
		ports := 0
		s := tether.NewServer(t, tether.Program{
			Command:  func() (*exec.Cmd, error) { return exec.Command("sh", "-c", "exec "+script), nil },
			Answers:  func() error { return fault },
			Ports:    func() error { ports++; return nil },
			Patience: map[bool]time.Duration{true: time.Minute}[script == "exit 3"],
		})
		s.Kill() // it was never started
		if err := s.ChoosePort(); err != nil || s.Port() == 0 || ports != 1 {
			t.Fatalf("port %d, %d calls of Ports: %v", s.Port(), ports, err)
		}
		if err := s.Run(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
		<-s.Ended()
	}
}

// A server ends when the test program is killed.
func TestServerOfKilledTestProgram(t *testing.T) {
	if os.Getenv(variable) != "" {
		fmt.Println("addr", launch(t).Addr())
		select {}
	}
	if runtime.GOOS != "linux" {
		t.Log("for Linux only")
		return
	}
	self := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	self.Env = append(os.Environ(), variable+"=1")
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	for lines := bufio.NewScanner(out); addr == "" && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "addr %s", &addr)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := self.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, c) // until the server has ended
	_ = self.Wait()
}
