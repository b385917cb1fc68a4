// SPDX-License-Identifier: MIT

//go:build unix

// This file tests what happens to a server whose process is frozen or killed.

package redisadapter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"socketio/adapter"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redistest"
	"socketio/internal/clusterhost"
	"socketio/internal/tether"
)

// Leases are short, so that the tests need not wait long.
var shortLease = cluster.Options{Heartbeat: time.Second, Lease: 6 * time.Second}

// childEnv has the mode, the prefix, the address of Redis and the name of a host in a process of its
// own.
const childEnv = "REDISADAPTER_TEST_HOST"

// TestHostInAProcess is the host in a process of its own; without childEnv it does nothing.
// It sends events until its standard input ends, and checks what it receives.
func TestHostInAProcess(t *testing.T) {
	words := strings.Split(os.Getenv(childEnv), ",")
	if len(words) != 4 {
		return
	}
	h := clusterhost.New(t, words[3], modes[words[0]](on(words[2]), &redisadapter.Options{Prefix: words[1], Cluster: shortLease}), "room", "other")
	ended := make(chan struct{})
	go func() { // ends with the standard input
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for stream := range h.Sent {
				_, _ = h.Emit(stream)
			}
		case <-ended:
			return
		}
	}
}

// A child is a host in a process of its own.
type child struct {
	*exec.Cmd
	input  io.Closer
	output *strings.Builder
}

func startChild(t *testing.T, mode, prefix, addr, name string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHostInAProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), childEnv+"="+mode+","+prefix+","+addr+","+name)
	c := &child{Cmd: cmd, output: new(strings.Builder)}
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.input, cmd.Stdout, cmd.Stderr = input, c.output, c.output
	if err := tether.Start(t, cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return c
}

// end ends the child as a program ends, and checks that it saw nothing wrong.
func (c *child) end(t *testing.T) {
	t.Helper()
	_ = c.input.Close()
	if err := c.Wait(); err != nil {
		t.Errorf("the host in a process of its own: %v\n%s", err, c.output)
	}
}

// freeze stops the child, and waits until it has stopped.
func (c *child) freeze(t *testing.T) {
	t.Helper()
	var status syscall.WaitStatus
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.Wait4(c.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("the process has not stopped: %v", err)
	}
}

// sockets checks that a host finds count sockets, and misses at most a node that does not
// answer.
func sockets(t *testing.T, h *clusterhost.Host, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	found, err := h.Space.FetchSockets(ctx, adapter.Target{})
	var partial *adapter.PartialError
	if len(found) != count || err != nil && (!errors.As(err, &partial) || len(partial.Nodes) != 1) {
		t.Errorf("%s finds %d sockets, want %d: %v", h.Name, len(found), count, err)
	}
}

// One of three servers is frozen for longer than its lease, and continues; later it is
// killed. The others name it, forget it, and know it again. Events go on all the time; none
// comes twice or out of order, at the frozen server neither.
func TestFrozenAndKilledServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, mode string) {
		if testing.Short() && mode != "classic" {
			return // it is about the processes
		}
		began := time.Now()
		server, prefix := redistest.Start(t), newPrefix()
		var all []*clusterhost.Host
		for i := range 2 {
			o := redisadapter.Options{Prefix: prefix, Cluster: shortLease}
			all = append(all, clusterhost.New(t, fmt.Sprint("host", i), modes[mode](on(server.Addr()), &o), "room", "other"))
		}
		know := func(count int) {
			t.Helper()
			for _, h := range all {
				clusterhost.Eventually(t, fmt.Sprintf("%s knows %d nodes", h.Name, count), func() bool {
					clusterhost.Exchange(t, all)
					return h.Nodes() == count
				})
			}
		}
		hear := func(child string) {
			t.Helper()
			for _, h := range all {
				for _, stream := range []string{"", "room", "other"} {
					before := h.Heard(child, stream)
					clusterhost.Eventually(t, "events of the child", func() bool { return h.Heard(child, stream) > before })
				}
			}
		}

		c := startChild(t, mode, prefix, server.Addr(), "child1")
		know(3)
		hear("child1")
		c.freeze(t)
		sockets(t, all[0], 2)
		know(2)
		sockets(t, all[1], 2)
		_ = c.Process.Signal(syscall.SIGCONT)
		know(3)
		hear("child1")
		clusterhost.Eventually(t, "all sockets", func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			found, err := all[0].Space.FetchSockets(ctx, adapter.Target{})
			return err == nil && len(found) == 3
		})
		c.end(t)
		know(2)

		t.Logf("frozen and back after %v", time.Since(began))
		c = startChild(t, mode, prefix, server.Addr(), "child2")
		know(3)
		hear("child2")
		_ = c.Process.Kill()
		_ = c.Wait()
		sockets(t, all[0], 2)
		know(2)
		sockets(t, all[1], 2)
	})
}
