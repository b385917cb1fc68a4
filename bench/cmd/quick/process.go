// SPDX-License-Identifier: MIT

//go:build linux

// This file holds a server as a process: starting it on its core, commands, its
// memory, its end.

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
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

// A process is a server that runs.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string
}

// start starts a server on one core.
func start(s spec, bin, core string, extra ...string) (*process, error) {
	args := append([]string{"-c", core}, s.args...)
	if args[2] != "node" && !filepath.IsAbs(args[2]) {
		args[2] = filepath.Join(bin, args[2])
	}
	p := &process{cmd: exec.Command("taskset", append(args, extra...)...)}
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "NODE_ENV=production")
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := p.out.ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if !ok {
		p.stop()
		return nil, fmt.Errorf("%s did not start: %q, %v", s.name, line, err)
	}
	p.addr = addr
	return p, nil
}

// stop ends the server: it goes when its input ends; if not, it is killed.
func (p *process) stop() {
	_ = p.in.Close()
	timer := time.AfterFunc(3*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	timer.Stop()
}

func (p *process) command(line string) (string, error) {
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		return "", err
	}
	answer, err := p.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s: %w", line, err)
	}
	answer = strings.TrimSpace(answer)
	if strings.HasPrefix(answer, "error") {
		return "", fmt.Errorf("%s: %s", line, answer)
	}
	return answer, nil
}

// cpu returns the CPU time used by the server, in microseconds.
func (p *process) cpu() (user, system float64, err error) {
	answer, err := p.command("stat")
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(answer, &user, &system)
	return user, system, err
}

// rss is the server's resident memory in KiB.
func (p *process) rss() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
		}
	}
	return 0, fmt.Errorf("no VmRSS in /proc/%d/status", p.cmd.Process.Pid)
}
