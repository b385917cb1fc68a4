// SPDX-License-Identifier: MIT

// This file holds a server.

package redistest

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"socketio/adapter/redisadapter/internal/redisserver"
	"socketio/internal/tether"
)

// startTimeout is the most that a server needs to answer, beside everything else.
const startTimeout = 30 * time.Second

// A Server is a process that serves Redis on a port of this machine. All methods may be
// called from any goroutine, but Kill and Restart not at once.
type Server struct {
	*tether.Server
	t    testing.TB
	args []string
	dir  string
	// clustered is whether the server has a port for the other servers of a Redis Cluster,
	// bus.
	clustered bool
	bus       int
	// tls is whether the server has a port for TLS, tlsPort.
	tls     bool
	tlsPort int
	// file is the configuration of a Sentinel, or "".
	file string
	// name is that of the program, or "" for the one of the environment.
	name string

	mu       sync.Mutex
	commands *Conn // nil without a connection
}

// Start starts a server without persistence, which ends with the test. args are further
// arguments of redis-server, for example "--maxclients", "10".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return (&Server{t: t, args: args, dir: t.TempDir()}).start()
}

// StartValkey is like Start, with Valkey. It returns nil where Valkey is not installed:
// Debian has it since release 13, and Debian 12 among its backports.
func StartValkey(t testing.TB, args ...string) *Server {
	t.Helper()
	const name = "valkey-server"
	if _, err := redisserver.Command(name); err != nil {
		return nil
	}
	return (&Server{t: t, args: args, dir: t.TempDir(), name: name}).start()
}

// start finds ports and starts the server, which ends with the test.
func (s *Server) start() *Server {
	s.t.Helper()
	s.Server = tether.NewServer(s.t, tether.Program{
		Name: "redistest", Command: s.command, Answers: s.answers, Ports: s.ports, Patience: startTimeout,
	})
	s.t.Cleanup(s.Kill)
	s.Launch()
	return s
}

// ports chooses the ports beside that for clients.
func (s *Server) ports() (err error) {
	if s.clustered {
		s.bus, err = tether.FreePort()
	}
	if err == nil && s.tls {
		s.tlsPort, err = tether.FreePort()
	}
	return err
}

// StartReplica starts a replica of a server, and waits until it has the same data.
func StartReplica(t testing.TB, of *Server) *Server {
	t.Helper()
	s := Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(of.Port()))
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
		"sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 3000\n", s.dir, master.Port())
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.Until("SENTINEL", "REPLICAS", "mymaster", "master-link-status ok")
	return s
}

// command returns the command that serves on the ports.
func (s *Server) command() (*exec.Cmd, error) {
	args := append([]string{"--port", strconv.Itoa(s.Port()), "--bind", "127.0.0.1", "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}, s.args...)
	if s.file != "" {
		args = []string{s.file, "--sentinel", "--port", strconv.Itoa(s.Port())}
	}
	if s.tls {
		args = append(args, "--tls-port", strconv.Itoa(s.tlsPort))
	}
	if s.clustered {
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(s.bus), "--cluster-node-timeout", nodeTimeout)
	}
	return redisserver.Command(cmp.Or(s.name, os.Getenv("REDIS_SERVER"), "redis-server"), args...)
}

// answers returns nil if the server of this process answers on the port, and not another.
func (s *Server) answers() error {
	reply, err := s.Do("INFO", "server")
	if err != nil {
		return err
	}
	if text, _ := reply.(string); !strings.Contains(text, fmt.Sprintf("process_id:%d\r\n", s.Pid())) {
		s.hangUp()
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
	s.hangUp()
	s.Server.Kill()
}

// hangUp closes the connection for commands.
func (s *Server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.commands != nil {
		s.commands.Close()
		s.commands = nil
	}
}
