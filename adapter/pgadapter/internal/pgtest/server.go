// SPDX-License-Identifier: MIT

// This file holds a server.

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	attempts     = 20               // to find a port
	startTimeout = 60 * time.Second // for a server to answer, beside everything else
)

// A Server is a PostgreSQL server on a port of this machine. All methods may be called
// from any goroutine, but Kill and Restart not at once.
type Server struct {
	t    testing.TB
	args []string
	dir  string
	port int

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{} // closed after the end of the process
	log   bytes.Buffer
	conn  *pgx.Conn // for commands; nil without a connection
}

// Start starts a server, which ends with the test. Its data survive Kill, but not a crash
// of the machine. args are further arguments of postgres, for example
// "-c", "max_connections=10".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	from, done, err := useTemplate()
	if err != nil {
		t.Fatal("pgtest: ", err)
	}
	t.Cleanup(done)
	s := &Server{t: t, args: args}
	if s.dir, err = copyTemplate(from); err != nil {
		t.Fatal("pgtest: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	t.Cleanup(s.stop)
	for range attempts {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.run(); err == nil {
			return s
		}
	}
	t.Fatalf("pgtest: %v\n%s", err, s.Log())
	return nil
}

// Addr is the address of the server, such as "127.0.0.1:35432".
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Config returns the configuration of connections to the server as its superuser.
func (s *Server) Config() *pgx.ConnConfig { return s.ConfigOf("postgres", s.Addr()) }

// ConfigOf returns that of a user, by an address that leads to the server.
func (s *Server) ConfigOf(user, addr string) *pgx.ConnConfig {
	c, err := pgx.ParseConfig(s.URL(user, addr))
	if err != nil {
		s.t.Fatal("pgtest: ", err)
	}
	return c
}

// URL returns the URL of the database for a user, by an address that leads to the server.
func (s *Server) URL(user, addr string) string {
	return "postgres://" + user + "@" + addr + "/postgres?sslmode=disable"
}

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

// run starts the process on s.port, and returns when it answers.
func (s *Server) run() error {
	path, err := program("postgres")
	if err != nil {
		return err
	}
	args := []string{"-D", filepath.Join(s.dir, "data"), "-p", strconv.Itoa(s.port), "-h", "127.0.0.1"}
	for _, setting := range []string{
		"unix_socket_directories=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=100",
		"dynamic_shared_memory_type=mmap", "jit=off", "max_parallel_workers=0", "max_parallel_workers_per_gather=0",
		"autovacuum_naptime=10min", "max_logical_replication_workers=0",
	} {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(path, append(args, s.args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s, s
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
			return fmt.Errorf("postgres on port %d has ended", s.port)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.Kill()
			return fmt.Errorf("postgres on port %d does not answer: %w", s.port, err)
		}
	}
}

// ours returns nil if the server of this process answers on the port, and not another.
func (s *Server) ours() error {
	var dir string
	if err := s.Query(&dir, "SHOW data_directory"); err != nil {
		return err
	}
	if dir != filepath.Join(s.dir, "data") {
		return errors.New("the port belongs to another server")
	}
	return nil
}

// take returns the connection for commands, which give takes back.
func (s *Server) take(ctx context.Context) (*pgx.Conn, error) {
	s.mu.Lock()
	c := s.conn
	s.conn = nil
	s.mu.Unlock()
	if c != nil && !c.IsClosed() {
		return c, nil
	}
	return pgx.ConnectConfig(ctx, s.Config())
}

func (s *Server) give(c *pgx.Conn) {
	s.mu.Lock()
	before := s.conn
	s.conn = c
	s.mu.Unlock()
	if before != nil {
		_ = before.Close(context.Background())
	}
}

// Query sends a statement as superuser and stores the first column of its first row in
// result, unless that is nil.
func (s *Server) Query(result any, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := s.take(ctx)
	if err != nil {
		return err
	}
	if result == nil {
		_, err = c.Exec(ctx, sql, args...)
	} else {
		err = c.QueryRow(ctx, sql, args...).Scan(result)
	}
	s.give(c)
	return err
}

// Must is Query, and ends the test if the statement fails.
func (s *Server) Must(result any, sql string, args ...any) {
	s.t.Helper()
	if err := s.Query(result, sql, args...); err != nil {
		s.t.Fatalf("pgtest: %s: %v", sql, err)
	}
}

// Kill ends the server as a crash does, and returns after its end.
func (s *Server) Kill() { s.finish((*os.Process).Kill) }

// stop ends the server at once, so that it leaves nothing behind.
func (s *Server) stop() { s.finish(quit) }

func (s *Server) finish(how func(*os.Process) error) {
	s.mu.Lock()
	cmd, ended, c := s.cmd, s.ended, s.conn
	s.conn = nil
	s.mu.Unlock()
	if c != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	}
	if cmd == nil {
		return
	}
	_ = signalAll(cmd.Process, true) // it may be paused
	_ = how(cmd.Process)
	<-ended
}

// Restart starts a server that was killed, on the same port.
func (s *Server) Restart() {
	s.t.Helper()
	var err error
	for range 10 * attempts { // processes of the old one may live for a moment, another may have the port
		if err = s.run(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("pgtest: %v\n%s", err, s.Log())
}

// Pause stops all processes of the server: its connections stay, and nothing answers.
func (s *Server) Pause() { s.signal(false) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(true) }

func (s *Server) signal(goOn bool) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := signalAll(s.cmd.Process, goOn); err != nil {
		s.t.Fatalf("pgtest: %v", err)
	}
}
