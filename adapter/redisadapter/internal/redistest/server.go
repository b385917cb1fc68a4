// SPDX-License-Identifier: MIT

// This file holds a server.

package redistest

import (
	"bytes"
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

// A Server is a process that serves Redis on a port of this machine. All methods may be
// called from any goroutine, but Kill and Restart not at once.
type Server struct {
	t    testing.TB
	args []string
	dir  string
	port int
	// bus is the port for the other servers of a Redis Cluster, or 0.
	bus int
	// tls is whether the server has a port for TLS, tlsPort.
	tls     bool
	tlsPort int
	// file is the configuration of a Sentinel, or "".
	file string

	mu       sync.Mutex
	cmd      *exec.Cmd
	ended    chan struct{} // closed after the end of the process
	log      bytes.Buffer
	commands *Conn // nil without a connection
}

// Start starts a server without persistence, which ends with the test. args are further
// arguments of redis-server, for example "--maxclients", "10".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return startServer(t, false, args)
}

func startServer(t testing.TB, clustered bool, args []string) *Server {
	t.Helper()
	return (&Server{t: t, args: args, dir: t.TempDir()}).start(clustered)
}

// start finds a port and starts the server, which ends with the test.
func (s *Server) start(clustered bool) *Server {
	t := s.t
	t.Helper()
	t.Cleanup(s.Kill)
	var err error
	for range attempts {
		if s.port, err = freePort(); err == nil && clustered {
			s.bus, err = freePort()
		}
		if err == nil && s.tls {
			s.tlsPort, err = freePort()
		}
		if err != nil {
			break
		}
		if err = s.run(); err == nil {
			return s
		}
	}
	t.Fatalf("redistest: %v\n%s", err, s.Log())
	return nil
}

// StartReplica starts a replica of a server, and waits until it has the same data.
func StartReplica(t testing.TB, of *Server) *Server {
	t.Helper()
	s := Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(of.port))
	s.Until("INFO", "replication", "master_link_status:up")
	return s
}

// StartSentinel starts a Sentinel that watches a server as "mymaster", and replaces it with
// a replica a second after it has died.
func StartSentinel(t testing.TB, master *Server) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	s.file = filepath.Join(s.dir, "sentinel.conf")
	text := fmt.Sprintf("bind 127.0.0.1\ndir %s\nsentinel monitor mymaster 127.0.0.1 %d 1\n"+
		"sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 3000\n", s.dir, master.port)
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start(false)
	s.Until("SENTINEL", "REPLICAS", "mymaster", "master-link-status ok")
	return s
}

// Addr is the address of the server, such as "127.0.0.1:36379".
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

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

// program returns the path of the program and the name to call it by.
func program() (path, name string, err error) {
	name = os.Getenv("REDIS_SERVER")
	if name == "" {
		name = "redis-server"
	}
	if path, err = exec.LookPath(name); err == nil {
		return path, name, nil
	}
	// One program under two names, which looks at the one it was called by.
	if path, err = exec.LookPath(strings.Replace(name, "-server", "-check-rdb", 1)); err == nil {
		return path, name, nil
	}
	return "", "", fmt.Errorf(`%s is missing; "make setup" installs redis-server`, name)
}

// run starts the process on s.port, and returns when it answers.
func (s *Server) run() error {
	path, name, err := program()
	if err != nil {
		return err
	}
	args := append([]string{name, "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}, s.args...)
	if s.file != "" {
		args = []string{name, s.file, "--sentinel", "--port", strconv.Itoa(s.port)}
	}
	if s.tls {
		args = append(args, "--tls-port", strconv.Itoa(s.tlsPort))
	}
	if s.bus != 0 {
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(s.bus), "--cluster-node-timeout", nodeTimeout)
	}
	cmd := &exec.Cmd{Path: path, Args: args, Stdout: s, Stderr: s}
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
			return fmt.Errorf("%s on port %d has ended", name, s.port)
		case <-time.After(2 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("%s on port %d does not answer: %w", name, s.port, err)
		}
	}
}

// ours returns nil if the server of this process answers on the port, and not another.
func (s *Server) ours() error {
	reply, err := s.Do("INFO", "server")
	if err != nil {
		return err
	}
	s.mu.Lock()
	pid := s.cmd.Process.Pid
	s.mu.Unlock()
	if text, _ := reply.(string); !strings.Contains(text, fmt.Sprintf("process_id:%d\r\n", pid)) {
		return errors.New("the port belongs to another server")
	}
	return nil
}

// Do sends a command and returns its reply; see Conn.Do. One connection is used for all,
// which is made again after an error.
func (s *Server) Do(args ...string) (any, error) {
	s.mu.Lock()
	c := s.commands
	s.commands = nil
	s.mu.Unlock()
	if c == nil {
		var err error
		if c, err = Dial(s.Addr()); err != nil {
			return nil, err
		}
	}
	reply, err := c.Do(args...)
	var refused Error
	if err != nil && !errors.As(err, &refused) {
		c.Close()
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.commands == nil {
		s.commands = c
	} else {
		c.Close()
	}
	return reply, err
}

// Must is Do, and ends the test if the command fails.
func (s *Server) Must(args ...string) any {
	s.t.Helper()
	reply, err := s.Do(args...)
	if err != nil {
		s.t.Fatalf("redistest: %s: %v", strings.Join(args, " "), err)
	}
	return reply
}

// Until repeats a command until its reply, as text, contains the last argument.
func (s *Server) Until(args ...string) {
	s.t.Helper()
	want := args[len(args)-1]
	args = args[:len(args)-1]
	var reply any
	var err error
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if reply, err = s.Do(args...); err == nil && strings.Contains(fmt.Sprint(reply), want) {
			return
		}
	}
	s.t.Fatalf("redistest: %s: no %q after %v: %v, %v", strings.Join(args, " "), want, startTimeout, reply, err)
}

// Kill ends the process at once, as a power cut does, and returns after its end.
func (s *Server) Kill() {
	s.mu.Lock()
	cmd, ended := s.cmd, s.ended
	if s.commands != nil {
		s.commands.Close()
		s.commands = nil
	}
	s.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	<-ended
}

// Restart starts a server that was killed, on the same port.
func (s *Server) Restart() {
	s.t.Helper()
	var err error
	for range attempts {
		if err = s.run(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond) // another process may have the port for a moment
	}
	s.t.Fatalf("redistest: %v\n%s", err, s.Log())
}

// Pause stops the process: its connections stay, and nothing answers.
func (s *Server) Pause() { s.signal(stop) }

// Resume lets a paused process go on.
func (s *Server) Resume() { s.signal(resume) }

func (s *Server) signal(send func(*os.Process) error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := send(s.cmd.Process); err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
}
