// SPDX-License-Identifier: MIT

// This file holds a server: its port, its process and its log.

package tether

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	attempts = 20  // to find a port
	restarts = 200 // to have the port again, which another process may have for a moment
)

// A Program says how servers of one kind are run.
type Program struct {
	// Name is that of the package that starts them, for errors.
	Name string
	// Command returns the command that serves on the port of the server. On Linux, it may
	// choose in SysProcAttr the signal that ends the process with the test program.
	Command func() (*exec.Cmd, error)
	// Answers returns nil if this server answers on its port, and not another process.
	Answers func() error
	// Ports chooses further ports, whenever the port is chosen. It may be nil.
	Ports func() error
	// Patience is the most that a server may need until it answers.
	Patience time.Duration
}

// A Server is a process that serves on a port of 127.0.0.1. On Linux it ends when the test
// program ends in any way. All methods may be called from any goroutine, but those that
// start and end the process not at once.
type Server struct {
	t       testing.TB
	p       Program
	port    int
	printed output

	mu    sync.Mutex // guards the fields below
	cmd   *exec.Cmd
	ended chan struct{} // closed after the end of the process
}

// NewServer returns a server that is not started. The caller ends it with the test.
func NewServer(t testing.TB, p Program) *Server { return &Server{t: t, p: p} }

// Launch starts the server on a port that was free, and returns when it answers.
func (s *Server) Launch() {
	s.t.Helper()
	var err error
	for range attempts {
		if err = s.ChoosePort(); err != nil {
			break
		}
		if err = s.Run(); err == nil {
			return
		}
	}
	s.t.Fatalf("%s: %v\n%s", s.p.Name, err, s.Log())
}

// ChoosePort chooses a port that is free now. Launch calls it.
func (s *Server) ChoosePort() (err error) {
	if s.port, err = FreePort(); err == nil && s.p.Ports != nil {
		err = s.p.Ports()
	}
	return err
}

// FreePort returns a port that was free a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Run starts the process on the port that was chosen, and returns when it answers. Launch
// and Restart call it.
func (s *Server) Run() error {
	cmd, err := s.p.Command()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = &s.printed, &s.printed
	ended := make(chan struct{})
	if err := start(cmd, func() { close(ended) }); err != nil {
		return err
	}
	s.mu.Lock()
	s.cmd, s.ended = cmd, ended
	s.mu.Unlock()
	for deadline := time.Now().Add(s.p.Patience); ; {
		err := s.p.Answers()
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

// Port is the port of the server.
func (s *Server) Port() int { return s.port }

// Addr is the address of the server, such as "127.0.0.1:36379".
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Pid is the id of the process that was started last.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Log returns what the server has printed.
func (s *Server) Log() string { return s.printed.String() }

// Kill ends the process at once, as a power cut does, and returns after its end.
func (s *Server) Kill() { s.End((*os.Process).Kill) }

// End ends the process in a way, and returns after its end. It does nothing if the process
// was never started.
func (s *Server) End(how func(*os.Process) error) {
	s.mu.Lock()
	cmd, ended := s.cmd, s.ended
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = how(cmd.Process)
	<-ended
}

// Ended returns a channel that is closed when the process has ended.
func (s *Server) Ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Restart starts a server that has ended, on the same port.
func (s *Server) Restart() {
	s.t.Helper()
	var err error
	for range restarts {
		if err = s.Run(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("%s: %v\n%s", s.p.Name, err, s.Log())
}

// Pause stops the process: its connections stay, and nothing answers.
func (s *Server) Pause() {
	s.t.Helper()
	s.Signal(stop)
}

// Resume lets a paused process go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.Signal(resume)
}

// Signal sends the process a signal, and ends the test if that fails.
func (s *Server) Signal(send func(*os.Process) error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := send(s.cmd.Process); err != nil {
		s.t.Fatalf("%s: %v", s.p.Name, err)
	}
}

// An output keeps what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
