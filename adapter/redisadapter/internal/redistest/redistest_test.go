// SPDX-License-Identifier: MIT

// This file tests the servers of the tests.

package redistest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/leakcheck"
)

// roleVariable makes the tests' program start a server and say where it is.
const roleVariable = "REDISTEST_ROLE"

func TestMain(m *testing.M) { leakcheck.Main(m) }

// A server answers, has no data after it was killed, and answers on the same port again.
func TestServer(t *testing.T) {
	s := redistest.Start(t, "--maxclients", "77")
	if got := s.Must("CONFIG", "GET", "maxclients"); fmt.Sprint(got) != "[maxclients 77]" {
		t.Errorf("CONFIG GET: %v", got)
	}
	if _, err := s.Do("NONSENSE"); err == nil {
		t.Error("an unknown command has no error")
	}
	s.Must("SET", "k", "v")
	s.Kill()
	if _, err := s.Do("PING"); err == nil {
		t.Error("a killed server answers")
	}
	addr := s.Addr()
	s.Restart()
	if got := s.Must("GET", "k"); got != nil || s.Addr() != addr {
		t.Errorf("after a restart: %v on %s, want nothing on %s", got, s.Addr(), addr)
	}
}

// A paused server answers after it goes on.
func TestPaused(t *testing.T) {
	s := redistest.Start(t)
	c, err := redistest.Dial(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.Pause()
	if err := c.Send("PING"); err != nil {
		t.Fatal(err)
	}
	replies := make(chan any, 1)
	go func() {
		reply, _ := c.Receive()
		replies <- reply
	}()
	select {
	case <-replies:
		t.Error("a paused server has answered")
	case <-time.After(50 * time.Millisecond): // a server that is not paused answers within this
	}
	s.Resume()
	if got := <-replies; got != "PONG" {
		t.Errorf("after it goes on: %v", got)
	}
}

// A replica receives what is published to its master.
func TestReplica(t *testing.T) {
	s := redistest.Start(t)
	r := redistest.StartReplica(t, s)
	c, err := redistest.Dial(r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do("SUBSCRIBE", "c"); err != nil {
		t.Fatal(err)
	}
	s.Must("PUBLISH", "c", "hello")
	if m, err := c.Receive(); err != nil || fmt.Sprint(m) != "[message c hello]" {
		t.Errorf("%v, %v", m, err)
	}
}

// Six servers: each slot has a master, which changes when its replica is promoted and when
// the slot is moved.
func TestCluster(t *testing.T) {
	c := redistest.StartCluster(t)
	slot := c.Slot("a")
	old := c.Master(slot)
	if old == nil || len(c.Addrs()) != 6 {
		t.Fatalf("slot %d has the master %v of %v", slot, old, c.Addrs())
	}
	replica := c.Replica(old)
	c.Promote(replica)
	to := c.Servers[0]
	if to == old {
		to = c.Servers[1]
	}
	c.MoveSlot(slot, to)
	if got := c.Master(slot); got != to {
		t.Errorf("slot %d is not where it was moved", slot)
	}
	if _, err := replica.Do("GET", "a"); err == nil {
		t.Error("the old master still has the slot")
	}
	to.Must("SET", "a", "b")
}

// A server ends when the process of its test is killed.
func TestEndsWithItsTest(t *testing.T) {
	if os.Getenv(roleVariable) != "" {
		fmt.Println("addr", redistest.Start(t).Addr())
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
	c, err := redistest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do("PING"); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	if reply, err := c.Receive(); err == nil {
		t.Errorf("the server says %v after the end of its test", reply)
	}
	_ = cmd.Wait()
}
