// SPDX-License-Identifier: MIT

// Package redisserver finds the program of a Redis server.
package redisserver

import (
	"fmt"
	"os/exec"
	"strings"
)

// Command returns the command that starts a server: name is redis-server, or valkey-server.
// Debian's package redis-tools, which brings no service along, has the same program as
// redis-check-rdb; it does what the name that it is called by says.
func Command(name string, args ...string) (*exec.Cmd, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(strings.Replace(name, "-server", "-check-rdb", 1))
	}
	if err != nil {
		return nil, fmt.Errorf(`%s is missing; "make setup" installs what Debian has`, name)
	}
	return &exec.Cmd{Path: path, Args: append([]string{name}, args...)}, nil
}
