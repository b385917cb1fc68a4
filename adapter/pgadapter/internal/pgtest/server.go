// SPDX-License-Identifier: MIT

// This file holds a server.

package pgtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"socketio/internal/tether"
)

// startTimeout is the most that a server needs to answer, beside everything else.
const startTimeout = 60 * time.Second

// A Server is a PostgreSQL server on a port of this machine. All methods may be called
// from any goroutine, but Kill and Restart not at once.
type Server struct {
	*tether.Server
	t    testing.TB
	args []string
	dir  string

	mu   sync.Mutex
	conn *pgx.Conn // for commands; nil without a connection
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
	s.Server = tether.NewServer(t, tether.Program{Name: "pgtest", Command: s.command, Answers: s.answers, Patience: startTimeout})
	t.Cleanup(s.stop)
	s.Launch()
	return s
}

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

// command returns the command that serves on the port.
func (s *Server) command() (*exec.Cmd, error) {
	path, err := program("postgres")
	if err != nil {
		return nil, err
	}
	args := []string{"-D", filepath.Join(s.dir, "data"), "-p", strconv.Itoa(s.Port()), "-h", "127.0.0.1"}
	for _, setting := range []string{
		"unix_socket_directories=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=100",
		"dynamic_shared_memory_type=mmap", "jit=off", "max_parallel_workers=0", "max_parallel_workers_per_gather=0",
		"autovacuum_naptime=10min", "max_logical_replication_workers=0",
	} {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(path, append(args, s.args...)...)
	cmd.Dir, cmd.SysProcAttr = s.dir, endsInOrder(asServer())
	return cmd, nil
}

// answers returns nil if the server of this process answers on the port, and not another.
func (s *Server) answers() error {
	var dir string
	if err := s.Query(&dir, "SHOW data_directory"); err != nil {
		return err
	}
	if dir != filepath.Join(s.dir, "data") {
		s.hangUp()
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
	s.hangUp()
	s.End(func(p *os.Process) error {
		_ = signalAll(p, true) // it may be paused
		return how(p)
	})
}

// hangUp closes the connection for commands.
func (s *Server) hangUp() {
	s.mu.Lock()
	c := s.conn
	s.conn = nil
	s.mu.Unlock()
	if c != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
	}
}

// Pause stops all processes of the server: its connections stay, and nothing answers.
func (s *Server) Pause() {
	s.t.Helper()
	s.Signal(func(p *os.Process) error { return signalAll(p, false) })
}

// Resume lets a paused server go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.Signal(func(p *os.Process) error { return signalAll(p, true) })
}
