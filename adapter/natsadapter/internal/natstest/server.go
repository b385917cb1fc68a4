// SPDX-License-Identifier: MIT

// This file holds a server.

package natstest

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	attempts     = 20               // to find a port
	startTimeout = 30 * time.Second // for a server to answer, beside everything else
)

// A Server is a process that serves NATS on a port of this machine. All methods may be
// called from any goroutine, but Kill, Restart and Configure not at once.
type Server struct {
	t    testing.TB
	name string
	dir  string
	port int
	more string // of the configuration

	mu    sync.Mutex // guards the fields below
	cmd   *exec.Cmd
	ended chan struct{} // closed after the end of the process
	log   bytes.Buffer
}

// JetStream is the part of a configuration that switches JetStream on, with its files in
// the folder of the server.
const JetStream = "jetstream { store_dir: \"%dir%\", max_mem: 256MB, max_file: 1GB }\n"

// Start starts a server, which ends with the test. config is more of its configuration.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	s := newServer(t)
	s.more = config
	var err error
	for range attempts {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.run(); err == nil {
			return s
		}
	}
	t.Fatalf("natstest: %v\n%s", err, s.Log())
	return nil
}

func newServer(t testing.TB) *Server {
	s := &Server{t: t, name: "server-" + rand.Text(), dir: t.TempDir()}
	t.Cleanup(s.Kill)
	return s
}

// URL is the address of the server, such as "nats://127.0.0.1:4222".
func (s *Server) URL() string { return "nats://" + s.Addr() }

// Addr is the address without the scheme.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Name is the name of the server, which is not another's.
func (s *Server) Name() string { return s.name }

// Log returns what the server has printed.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// Write adds to the log. The process calls it.
func (s *Server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// file writes the configuration and returns its path.
func (s *Server) file() (string, error) {
	text := fmt.Sprintf("listen: %q\nserver_name: %q\nlame_duck_duration: \"30s\"\nlame_duck_grace_period: \"100ms\"\n", s.Addr(), s.name) +
		strings.ReplaceAll(s.more, "%dir%", s.dir)
	path := filepath.Join(s.dir, "nats.conf")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// run starts the process on s.port, and returns when it answers.
func (s *Server) run() error {
	path, err := program()
	if err != nil {
		return err
	}
	file, err := s.file()
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Path: path, Args: []string{path, "-c", file}, Stdout: s, Stderr: s}
	ended := make(chan struct{})
	if err := start(cmd, func(error) { close(ended) }); err != nil {
		return err
	}
	s.mu.Lock()
	s.cmd, s.ended = cmd, ended
	s.mu.Unlock()
	for deadline := time.Now().Add(startTimeout); ; {
		err := s.ours()
		if err == nil {
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("the server on port %d has ended", s.port)
		case <-time.After(2 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("the server on port %d does not answer: %w", s.port, err)
		}
	}
}

// ours returns nil if this server answers on the port, and not another.
func (s *Server) ours() error {
	c, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !strings.Contains(line, s.name) {
		err = errors.New("the port belongs to another server")
	}
	return err
}

// Kill ends the process at once, as a power cut does, and returns after its end.
func (s *Server) Kill() {
	s.mu.Lock()
	cmd, ended := s.cmd, s.ended
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-ended
}

// Restart starts a server that was killed, on the same port and with its files.
func (s *Server) Restart() {
	s.t.Helper()
	var err error
	for range attempts {
		if err = s.run(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // another process may have the port for a moment
	}
	s.t.Fatalf("natstest: %v\n%s", err, s.Log())
}

// Configure replaces the part of the configuration that was given to Start, and makes the
// server read it again.
func (s *Server) Configure(config string) {
	s.t.Helper()
	s.more = config
	if _, err := s.file(); err != nil {
		s.t.Fatalf("natstest: %v", err)
	}
	before := strings.Count(s.Log(), "Reloaded server configuration")
	s.signal(reload)
	for deadline := time.Now().Add(startTimeout); strings.Count(s.Log(), "Reloaded server configuration") == before; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("natstest: the configuration was not read\n%s", s.Log())
		}
	}
}

// Forget removes the files of a server that was killed.
func (s *Server) Forget() {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, "jetstream")); err != nil {
		s.t.Fatalf("natstest: %v", err)
	}
}

// Pause stops the process: its connections stay, and nothing answers.
func (s *Server) Pause() { s.signal(stop) }

// Resume lets a paused process go on.
func (s *Server) Resume() { s.signal(resume) }

// LameDuck makes the server close its connections one after the other, and end.
func (s *Server) LameDuck() { s.signal(lameDuck) }

// Ended waits until the process has ended by itself.
func (s *Server) Ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *Server) signal(send func(*os.Process) error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := send(s.cmd.Process); err != nil {
		s.t.Fatalf("natstest: %v", err)
	}
}
