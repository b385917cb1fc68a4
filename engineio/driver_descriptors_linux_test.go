// SPDX-License-Identifier: MIT

// This file tests a server whose process has no descriptors left. The limit applies to a
// process, so the server is a child of the test, which controls it over its standard
// input.

package engineio_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"socketio/engineio"
)

// childDriver is set in the child: the driver it uses.
const childDriver = "ENGINEIO_TEST_CHILD_DRIVER"

func TestDescriptorsExhausted(t *testing.T) {
	if driver, ok := os.LookupEnv(childDriver); ok {
		beTheChild(&world{t: t, driver: engineio.Driver(driver), patience: time.Minute})
		return
	}
	overTCP(t, func(w *world) {
		child := startChild(w)
		r := &rig{t: w.t, w: w, path: "/engine.io/", host: "chat.example", dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", child.addr)
		}}
		defer r.hangUp()
		echo := func(what string, clients ...*wsPeer) {
			for i, c := range clients {
				c.send(fmt.Sprintf("4%d", i))
				c.want(what, fmt.Sprintf("4%d", i))
			}
		}
		clients := []*wsPeer{r.websocket(), r.websocket(), r.websocket()}
		echo("before", clients...)

		child.tell("exhaust 1")
		last := r.websocket() // its number can't be duplicated
		echo("the last one in", last)
		child.tell("exhaust 0")

		type opened struct {
			c   *wsPeer
			err error
		}
		waiting := make(chan opened, 5)
		for range cap(waiting) {
			go func() {
				c, _, err := r.shake("EIO=4&transport=websocket")
				waiting <- opened{r.wsPeer(c, nil), err}
			}()
		}
		began := time.Now()
		for range 300 {
			echo("clients that are there do not notice", append(clients, last)...)
		}
		// Long enough for the server to try, and to back off.
		for refused := false; time.Since(began) < time.Second || !refused; refused = child.tell("refusals") != "0" {
			echo("nor later", clients...)
			if time.Since(began) > w.patience {
				w.t.Fatal("the server did not try to accept")
			}
		}
		select {
		case got := <-waiting:
			w.t.Fatalf("a client was let in without a descriptor: %v", got.err)
		default:
		}
		if tries := child.tell("refusals"); len(tries) > 2 {
			w.t.Errorf("the server tried %s times to accept in %v, want a few", tries, time.Since(began))
		}

		child.tell("free")
		for range cap(waiting) {
			got := <-waiting
			if got.err != nil {
				w.t.Fatalf("a client that waited: %v", got.err)
			}
			got.c.next("the open packet")
			echo("who waited is let in", got.c)
		}
		echo("and new ones", r.websocket())
		child.end()
	})
}

// A child is the process of the server.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string
}

func startChild(w *world) *child {
	w.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestDescriptorsExhausted$", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), childDriver+"="+string(w.driver))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	c := &child{t: w.t, cmd: cmd, in: in, out: bufio.NewReader(out)}
	w.t.Cleanup(func() {
		in.Close() // it ends, if it has not
		cmd.Wait()
	})
	c.addr = c.tell("address")
	return c
}

// tell sends a command and returns the answer.
func (c *child) tell(command string) string {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.in, command); err != nil {
		c.t.Fatal(err)
	}
	answer, err := c.out.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%s: the child says %q (%v)", command, answer, err)
	}
	return strings.TrimSpace(answer)
}

// end lets the child's test end, which checks what it leaves.
func (c *child) end() {
	c.t.Helper()
	c.in.Close()
	if rest, err := io.ReadAll(c.out); err != nil || !strings.Contains(string(rest), "PASS") {
		c.t.Errorf("the child: %s (%v)", rest, err)
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the child: %v", err)
	}
}

// beTheChild serves, and obeys the commands on standard input.
func beTheChild(w *world) {
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 80, Max: 80}); err != nil {
		w.t.Fatal(err)
	}
	var refused refusals
	r := w.serve(hosting{server: func(s *http.Server) { s.ErrorLog = log.New(&refused, "", 0) }})
	var held []*os.File
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		name, arg, _ := strings.Cut(commands.Text(), " ")
		answer := "done"
		switch name {
		case "address":
			conn := r.dialTCP()
			answer = conn.RemoteAddr().String()
			_ = conn.CloseWrite()
			_, _ = io.Copy(io.Discard, conn) // until the server has given its descriptor back
			conn.Close()
		case "exhaust":
			for {
				f, err := os.Open("/dev/null")
				if errors.Is(err, syscall.EMFILE) {
					break
				}
				held = append(held, f)
			}
			if arg == "1" {
				held[len(held)-1].Close()
				held = held[:len(held)-1]
			}
		case "free":
			for _, f := range held {
				f.Close()
			}
			held = nil
		case "refusals":
			answer = fmt.Sprint(refused.Load())
		}
		fmt.Println(answer)
	}
}

// refusals counts the errors of Accept that net/http logs.
type refusals struct{ atomic.Int64 }

func (n *refusals) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "Accept error") {
		n.Add(1)
	}
	return len(p), nil
}
