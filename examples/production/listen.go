// SPDX-License-Identifier: MIT

// This file opens the listener: a socket of systemd, a unix socket, or a port.

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstFD is where the sockets that systemd passes begin; see sd_listen_fds(3).
const firstFD = 3

// listen returns what to serve on. A socket of systemd stays open between two runs of the
// program, so that clients wait instead of being rejected.
func listen(s settings) ([]net.Listener, error) {
	if listeners, err := activated(os.Getenv); err != nil || len(listeners) > 0 {
		return listeners, err
	}
	if s.unix == "" {
		l, err := net.Listen("tcp", s.addr)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	// A crash leaves its socket behind. A socket in use is kept.
	if info, err := os.Stat(s.unix); err == nil && info.Mode().Type() == os.ModeSocket {
		if c, err := net.Dial("unix", s.unix); err == nil {
			c.Close()
			return nil, fmt.Errorf("%s is in use", s.unix)
		}
		if err := os.Remove(s.unix); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", s.unix)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(s.unix, 0o660); err != nil { // the proxy is in the group
		l.Close()
		return nil, err
	}
	return []net.Listener{l}, nil
}

// activated returns the sockets that systemd has passed to this process, none if
// it has not.
func activated(env func(string) string) (listeners []net.Listener, err error) {
	if env("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil // for another process, or for none
	}
	n, err := strconv.Atoi(env("LISTEN_FDS"))
	if err != nil || n < 1 {
		return nil, fmt.Errorf("LISTEN_FDS is %q, want the number of sockets", env("LISTEN_FDS"))
	}
	for fd := firstFD; fd < firstFD+n; fd++ {
		f := os.NewFile(uintptr(fd), "LISTEN_FD_"+strconv.Itoa(fd))
		l, err := net.FileListener(f) // has a descriptor of its own
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("descriptor %d of LISTEN_FDS: %w", fd, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}
