// SPDX-License-Identifier: MIT

//go:build linux

// This file holds Redis, and the events that another server would publish.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// A redis is a server with a connection.
type redis struct {
	cmd  *exec.Cmd
	addr string
	conn net.Conn
	in   *bufio.Reader
}

// startRedis starts a server on a port that was free, which ends with this program.
func startRedis() (*redis, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_ = l.Close()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		path, err = exec.LookPath("redis-check-rdb") // the same program; see scripts/setup.sh
	}
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	r := &redis{addr: addr, cmd: &exec.Cmd{Path: path, Stderr: os.Stderr, Args: []string{
		"redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--client-output-buffer-limit", "pubsub 0 0 0",
	}}}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for range 1000 {
		if r.conn, err = net.Dial("tcp", addr); err == nil {
			r.in = bufio.NewReader(r.conn)
			return r, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.stop()
	return nil, err
}

func (r *redis) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// published returns how many events were ever published.
func (r *redis) published() (total int, err error) {
	if _, err := r.conn.Write(command(nil, "INFO", "commandstats")); err != nil {
		return 0, err
	}
	line, err := r.in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	size, err := strconv.Atoi(strings.Trim(line, "$\r\n"))
	if err != nil {
		return 0, fmt.Errorf("INFO: %q", line)
	}
	text := make([]byte, size+2)
	for n := 0; n < len(text); {
		k, err := r.in.Read(text[n:])
		if err != nil {
			return 0, err
		}
		n += k
	}
	for line := range strings.Lines(string(text)) {
		var calls int
		for _, name := range []string{"publish", "spublish"} {
			if n, _ := fmt.Sscanf(line, "cmdstat_"+name+":calls=%d", &calls); n == 1 {
				total += calls
			}
		}
	}
	return total, nil
}

// command appends a command.
func command(dst []byte, args ...string) []byte {
	dst = append(strconv.AppendInt(append(dst, '*'), int64(len(args)), 10), "\r\n"...)
	for _, arg := range args {
		dst = strconv.AppendInt(append(dst, '$'), int64(len(arg)), 10)
		dst = append(append(append(dst, "\r\n"...), arg...), "\r\n"...)
	}
	return dst
}

// A sender publishes as another server does.
type sender struct {
	redis   *redis
	mode    string
	clients *clients
	sent    int
	// profiles counts those that were written.
	profiles int
}

const (
	batch  = 250  // events in one write
	window = 1000 // events that may be under way
)

// publish appends the command for an event to a room.
func (s *sender) publish(dst []byte, i int, away bool) ([]byte, error) {
	m := &nodewire.Message{Kind: nodewire.KindBroadcast, From: "abcdef", Namespace: "/", Target: adapter.Target{Rooms: []string{room(i, away)}}}
	var err error
	if m.Event, err = nodewire.EncodeEvent("news", i, strings.Repeat("0123456789abcdef", 4)); err != nil {
		return dst, err
	}
	name, data := "PUBLISH", []byte(nil)
	if s.mode == "sharded" {
		name, m.From = "SPUBLISH", "abcdef0123456789"
		data, err = nodewire.AppendEnvelope(nil, m, false)
	} else {
		data, err = nodewire.AppendClassic(nil, m)
	}
	return command(dst, name, "socket.io#/#"+m.Target.Rooms[0]+"#", string(data)), err
}

// send publishes n events to the rooms of the clients, with away ones to a room elsewhere
// before each, which it does not count. It returns when the clients have received theirs.
func (s *sender) send(n, away int) error {
	if away > 0 {
		n /= batch // one that arrives after each batch of those that do not
	}
	base := s.clients.received()
	for i := 0; i < n; {
		var out []byte
		var err error
		replies := 0
		for range batch {
			if out, err = s.publish(out, s.sent, away > 0); err != nil {
				return err
			}
			s.sent++
			replies++
			if away == 0 {
				if i++; i == n {
					break
				}
			}
		}
		if away > 0 {
			if out, err = s.publish(out, s.sent, false); err != nil {
				return err
			}
			i++
			replies++
		}
		if _, err := s.redis.conn.Write(out); err != nil {
			return err
		}
		for range replies {
			if _, err := s.redis.in.ReadString('\n'); err != nil {
				return err
			}
		}
		if err := s.clients.wait(base + max(i-window, 0)); err != nil {
			return err
		}
	}
	return s.clients.wait(base + n)
}

// warm sends events until each room has received one: everything is subscribed.
func (s *sender) warm() error {
	for range 2000 {
		base := s.clients.received()
		for i := range count {
			out, err := s.publish(nil, i, false)
			if err != nil {
				return err
			}
			if _, err := s.redis.conn.Write(out); err != nil {
				return err
			}
			if _, err := s.redis.in.ReadString('\n'); err != nil {
				return err
			}
		}
		time.Sleep(50 * time.Millisecond)
		if s.clients.received() == base+count {
			return nil
		}
	}
	return errors.New("the rooms are not subscribed")
}
