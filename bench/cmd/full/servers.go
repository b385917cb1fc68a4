// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the servers that are compared: how they are started, and what they can do.

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"socketio/bench/internal/load"
	"socketio/bench/internal/process"
)

// A spec is how a server is started, and what it can do.
type spec struct {
	name string
	args []string // the program, below a directory of programs unless absolute, and its arguments

	socketIO bool // it has handlers and rooms, polling and events with bytes
	raw      bool // a WebSocket server that sends back what comes
	rooms    bool
	own      bool // it has the flags of cmd/ours
	only     string
	secure   bool // it has -tls and -deflate
	threads  bool // it has a use for two cores
}

const (
	bunBinary = "peers/bun/node_modules/@oven/bun-linux-x64-baseline/bin/bun"
	barePoll  = "poll"
)

func specs() []spec {
	return []spec{
		{name: "ours", args: []string{"ours", "-driver=poll"}, socketIO: true, rooms: true, own: true, secure: true, threads: true},
		{name: "ours-goroutine", args: []string{"ours", "-driver=goroutine"}, socketIO: true, rooms: true, own: true, threads: true},
		{name: "oxide", args: []string{"oxide"}, socketIO: true, rooms: true, threads: true},
		{name: "bun", args: []string{"./" + bunBinary, "./peers/bun/server.mjs"}, socketIO: true, rooms: true},
		{name: "node", args: []string{"node", "--expose-gc", "./node/server.mjs"}, socketIO: true, rooms: true, secure: true},
		{name: "zishang", args: []string{"zishang"}, socketIO: true, rooms: true, threads: true},
		{name: "centrifuge", args: []string{"centrifuge"}, rooms: true, threads: true},
		{name: "gws", args: []string{"rawws"}, raw: true, threads: true},
		{name: "coder", args: []string{"coder"}, raw: true},
		{name: "barehttp", args: []string{"barehttp"}, only: barePoll},
		{name: "floor", args: []string{"floor"}, raw: true, rooms: true},
		{name: "recovery memory", args: []string{"ours", "-driver=poll", "-recovery=memory"}, socketIO: true, rooms: true, own: true, only: "bcast-1000,chat"},
		{name: "recovery disk", args: []string{"ours", "-driver=poll", "-recovery=disk"}, socketIO: true, rooms: true, own: true, only: "bcast-1000,chat"},
	}
}

// can reports whether a server takes part in a row.
func (s spec) can(row string) bool {
	if s.only != "" {
		return strings.Contains(","+s.only+",", ","+row+",")
	}
	switch row {
	case "poll":
		return s.socketIO
	case "rooms", "chat":
		return s.rooms
	case "blob", "large":
		return s.socketIO || s.raw
	case "ping":
		return !s.raw
	case "tls", "deflate":
		return s.secure
	}
	return true
}

// program completes the arguments: those that begin with "./" are below the directory of
// the benchmark.
func (b *bench) program(s spec) []string {
	args := append([]string{}, s.args...)
	for i, a := range args {
		switch {
		case strings.HasPrefix(a, "./"):
			args[i] = filepath.Join(b.dir, a)
		case i == 0 && a != "node":
			args[i] = filepath.Join(b.bin, a)
		}
	}
	return args
}

// available returns the servers that are to run and are there, and notes the others.
func (b *bench) available() []spec {
	var list []spec
	for _, s := range specs() {
		if b.servers != "" && !strings.Contains(","+b.servers+",", ","+s.name+",") {
			continue
		}
		missing := ""
		for _, a := range b.program(s) {
			if _, err := os.Stat(a); filepath.IsAbs(a) && err != nil {
				missing = "it was not built, or not installed"
			}
		}
		if missing != "" {
			b.run.Missing[s.name] = missing
			fmt.Printf("notice: no %s: %s\n", s.name, missing)
			continue
		}
		list = append(list, s)
	}
	return list
}

// start starts a server on the core of the servers.
func (b *bench) start(s spec, extra ...string) (*process.Process, *load.Target, error) {
	return b.startOn(b.core, 1, s, extra...)
}

func (b *bench) startOn(cores string, n int, s spec, extra ...string) (*process.Process, *load.Target, error) {
	args := b.program(s)
	if !s.raw && s.only != barePoll {
		args = append(args, extra...)
	}
	p, err := process.StartOn(cores, n, args...)
	if err != nil {
		return nil, nil, err
	}
	t, err := load.NewTarget(p.Addr)
	if err != nil {
		p.Stop()
		return nil, nil, err
	}
	if s.name == "centrifuge" {
		t.Centrifuge()
	}
	return p, t, nil
}

// describe notes on what the run happens.
func (b *bench) describe() {
	cpu := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	cores := strings.Count("\n"+string(info), "\nprocessor")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			cpu = strings.TrimSpace(value)
			break
		}
	}
	b.run.Machine = fmt.Sprintf("%s, %d cores", cpu, cores)
	var u syscall.Utsname
	if syscall.Uname(&u) == nil {
		var text []byte
		for _, c := range u.Release {
			if c == 0 {
				break
			}
			text = append(text, byte(c))
		}
		b.run.Kernel = "Linux " + string(text)
	}
	b.run.Versions["go"] = runtime.Version()
	b.run.Versions["node"] = output("node", "--version")
	b.run.Versions["bun"] = output(filepath.Join(b.dir, bunBinary), "--version")
	for _, d := range lockedVersions(b.dir) {
		b.run.Versions[d[0]] = d[1]
	}
}

func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "missing"
	}
	return strings.TrimSpace(string(out))
}

// lockedVersions reads the versions of what is compared from the files that fix them.
func lockedVersions(dir string) [][2]string {
	var list [][2]string
	for _, f := range []struct{ file, begin, name string }{
		{"node/package.json", `"socket.io": "`, "npm socket.io"},
		{"node/package.json", `"ws": "`, "npm ws"},
		{"peers/bun/package.json", `"@socket.io/bun-engine": "`, "@socket.io/bun-engine"},
		{"peers/oxide/Cargo.toml", `socketioxide = "=`, "socketioxide"},
		{"peers/go.mod", "github.com/zishang520/socket.io/servers/socket/v3 ", "zishang520/socket.io"},
		{"peers/go.mod", "github.com/centrifugal/centrifuge ", "centrifuge"},
		{"go.mod", "github.com/lxzan/gws ", "gws"},
		{"go.mod", "github.com/coder/websocket ", "coder/websocket"},
	} {
		text, _ := os.ReadFile(filepath.Join(dir, f.file))
		_, rest, ok := strings.Cut(string(text), f.begin)
		if ok {
			end := strings.IndexAny(rest, "\"\n ")
			list = append(list, [2]string{f.name, rest[:max(end, 0)]})
		}
	}
	return list
}
