// SPDX-License-Identifier: MIT

//go:build linux

// Package process holds a server as a process: starting it on its core, commands (see
// package control), its CPU time, its memory, its end.
package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A Process is a server that runs.
type Process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	// Addr is where it listens.
	Addr string
}

// Start starts a program on one core.
func Start(core string, args ...string) (*Process, error) { return StartOn(core, 1, args...) }

// StartOn starts a program on n cores, with commas between.
func StartOn(cores string, n int, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command("taskset", append([]string{"-c", cores}, args...)...)}
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", n), "NODE_ENV=production")
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
		p.Stop()
		return nil, fmt.Errorf("%s did not start: %q, %v", args[0], line, err)
	}
	p.Addr = addr
	return p, nil
}

// Stop ends the server: it goes when its input ends; if not, it is killed.
func (p *Process) Stop() {
	_ = p.in.Close()
	timer := time.AfterFunc(3*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	timer.Stop()
}

// Command sends a command and returns its answer.
func (p *Process) Command(line string) (string, error) {
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

// CPU returns the CPU time used by the server, in microseconds.
func (p *Process) CPU() (user, system float64, err error) {
	answer, err := p.Command("stat")
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(answer, &user, &system)
	return user, system, err
}

// RSS is the server's resident memory in KiB.
func (p *Process) RSS() (float64, error) {
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
