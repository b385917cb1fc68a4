// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the servers that are compared.

package main

import (
	"path/filepath"

	"socketio/bench/internal/process"
)

// A spec is one of the servers that are compared.
type spec struct {
	name string
	args []string // the program, in the directory of programs unless absolute, and its arguments
}

func specs(node string) []spec {
	return []spec{
		{"ours", []string{"ours", "-driver=poll"}},
		{"ours-goroutine", []string{"ours", "-driver=goroutine"}},
		{"floor", []string{"floor"}},
		{"gws", []string{"rawws"}},
		{"node", []string{"node", "--expose-gc", filepath.Join(node, "server.mjs")}},
	}
}

// start starts a server on one core.
func start(s spec, bin, core string, extra ...string) (*process.Process, error) {
	args := append([]string{}, s.args...)
	if args[0] != "node" && !filepath.IsAbs(args[0]) {
		args[0] = filepath.Join(bin, args[0])
	}
	return process.Start(core, append(args, extra...)...)
}
