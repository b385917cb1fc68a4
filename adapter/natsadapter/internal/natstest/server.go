// SPDX-License-Identifier: MIT

// This file holds a server.

package natstest

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socketio/internal/tether"
)

const (
	attempts     = 20               // to start a cluster
	startTimeout = 30 * time.Second // for a server to answer, beside everything else
)

// A Server is a process that serves NATS on a port of this machine. All methods may be
// called from any goroutine, but Kill, Restart and Configure not at once.
type Server struct {
	*tether.Server
	t    testing.TB
	name string
	dir  string
	more string // of the configuration
}

// JetStream is the part of a configuration that switches JetStream on, with its files in
// the folder of the server.
const JetStream = "jetstream { store_dir: \"%dir%\", max_mem: 256MB, max_file: 1GB }\n"

// Start starts a server, which ends with the test. config is more of its configuration.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	s := newServer(t)
	s.more = config
	s.Launch()
	return s
}

func newServer(t testing.TB) *Server {
	s := &Server{t: t, name: "server-" + rand.Text(), dir: t.TempDir()}
	s.Server = tether.NewServer(t, tether.Program{Name: "natstest", Command: s.command, Answers: s.answers, Patience: startTimeout})
	t.Cleanup(s.Kill)
	return s
}

// URL is the address of the server, such as "nats://127.0.0.1:4222".
func (s *Server) URL() string { return "nats://" + s.Addr() }

// Name is the name of the server, which is not another's.
func (s *Server) Name() string { return s.name }

// file writes the configuration and returns its path.
func (s *Server) file() (string, error) {
	text := fmt.Sprintf("listen: %q\nserver_name: %q\nlame_duck_duration: \"30s\"\nlame_duck_grace_period: \"100ms\"\n", s.Addr(), s.name) +
		strings.ReplaceAll(s.more, "%dir%", s.dir)
	path := filepath.Join(s.dir, "nats.conf")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// command returns the command that serves on the port.
func (s *Server) command() (*exec.Cmd, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	file, err := s.file()
	return exec.Command(path, "-c", file), err
}

// answers returns nil if this server answers on the port, and not another.
func (s *Server) answers() error {
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

// Configure replaces the part of the configuration that was given to Start, and makes the
// server read it again.
func (s *Server) Configure(config string) {
	s.t.Helper()
	s.more = config
	if _, err := s.file(); err != nil {
		s.t.Fatalf("natstest: %v", err)
	}
	before := strings.Count(s.Log(), "Reloaded server configuration")
	s.Signal(reload)
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

// LameDuck makes the server close its connections one after the other, and end.
func (s *Server) LameDuck() { s.Signal(lameDuck) }
