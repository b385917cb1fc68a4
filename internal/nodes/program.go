// SPDX-License-Identifier: MIT

// This file holds the first process, which starts the others.

package nodes

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	stdio "io"
	"os"
	"os/exec"

	"socketio/adapter/cluster"
)

// A Bus is what the servers share.
type Bus struct {
	// Start starts it. It returns what tells the servers of it in their environment, and how
	// it ends.
	Start func() (env []string, end func(), err error)
	// Connect returns the cluster of a server.
	Connect func(o *cluster.Options) *cluster.Cluster
}

// Started reports whether this process is one of the servers.
func Started() bool { return os.Getenv(nodeName) != "" }

// Run is the program, in each of its processes; start starts a server in one of its own.
// The program serves at PORT of 127.0.0.1, 0 or absent for any, prints "listening" and the
// port, and ends with ctx.
func Run(ctx context.Context, count int, bus Bus, start func(*Node) (*Server, error)) (err error) {
	if bus.Start == nil {
		return errors.New("this program has no bus for several servers")
	}
	if Started() {
		return serve(count, bus, start)
	}
	waits, cancel := context.WithCancel(context.Background())
	defer cancel()
	notes, err := serveNotes(waits, NewNotes())
	if err != nil {
		return err
	}
	defer notes.Close()
	env, end, err := bus.Start()
	if err != nil {
		return err
	}
	defer end()
	env = append(env, nodeNotes+"="+notes.Addr().String(), nodeSecret+"="+rand.Text())
	children, err := startChildren(count, env)
	defer func() { err = errors.Join(err, children.end()) }()
	if err != nil {
		return err
	}
	addrs, err := children.introduce()
	if err != nil {
		return err
	}
	proxy, port, err := startNginx(addrs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, proxy()) }()
	fmt.Printf("listening %d\n", port)
	select {
	case <-ctx.Done():
	case err := <-children.ended:
		children.ended <- err // end awaits it
		return errors.New("a server has ended by itself")
	}
	// All sessions end before the first server stops to pass requests on.
	_, err = children.step([]byte("end"))
	return err
}

// children are the processes of the servers.
type children struct {
	all   []*child
	ended chan error // of each
}

type child struct {
	in   stdio.WriteCloser
	out  *bufio.Reader // of pipe
	pipe *os.File
}

func startChildren(count int, env []string) (*children, error) {
	c := &children{ended: make(chan error, count)}
	self, err := os.Executable()
	if err != nil {
		return c, err
	}
	for i := range count {
		cmd := exec.Command(self, os.Args[1:]...)
		cmd.Env = append(append(os.Environ(), env...), fmt.Sprint(nodeName, "=node", i))
		cmd.Stderr, cmd.SysProcAttr = os.Stderr, EndWithUs()
		in, err := cmd.StdinPipe()
		if err != nil {
			return c, err
		}
		r, w, err := os.Pipe()
		if err != nil {
			return c, err
		}
		cmd.Stdout = w
		if err := errors.Join(cmd.Start(), w.Close()); err != nil {
			return c, errors.Join(err, r.Close())
		}
		c.all = append(c.all, &child{in: in, out: bufio.NewReader(r), pipe: r})
		go func() { c.ended <- cmd.Wait() }() // ends with the process
	}
	return c, nil
}

// introduce tells each server of all, and returns their addresses.
func (c *children) introduce() (addrs []string, err error) {
	all := make([]hello, len(c.all))
	for i, each := range c.all {
		line, err := each.out.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("a server does not start: %w", err)
		}
		if err := json.Unmarshal(line, &all[i]); err != nil {
			return nil, fmt.Errorf("a server said %q: %w", line, err)
		}
		addrs = append(addrs, all[i].Public)
	}
	line, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	_, err = c.step(line)
	return addrs, err
}

// step tells all of them to do a step, and waits until each has said that it has.
func (c *children) step(line []byte) (said []string, err error) {
	for _, each := range c.all {
		if _, err := each.in.Write(append(line, '\n')); err != nil {
			return nil, err
		}
	}
	for _, each := range c.all {
		line, err := each.out.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("a server has ended: %w", err)
		}
		said = append(said, line)
	}
	return said, nil
}

// end ends their inputs, and waits for their ends.
func (c *children) end() (err error) {
	for _, each := range c.all {
		_ = each.in.Close() // it may have ended
	}
	for _, each := range c.all {
		err = errors.Join(err, <-c.ended, each.pipe.Close())
	}
	return err
}
