// SPDX-License-Identifier: MIT

// This file holds the process of a target as the test sees it.

package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A process is a running target.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string

	started time.Time

	mu  sync.Mutex // held while a question is answered
	in  io.WriteCloser
	out *bufio.Reader

	log     bytes.Buffer // may be read after stop
	stopped bool
}

func startTarget(t *testing.T, binary string, c config) *process {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(binary), started: time.Now()}
	p.cmd.Env = append(os.Environ(), targetEnv+"="+string(text))
	p.cmd.Stderr = &p.log
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.stop()
		t.Fatalf("the server does not start: %v", err)
	}
	p.addr = strings.TrimSpace(line)
	return p
}

// stats asks the target.
func (p *process) stats() stats { return p.asks("stats") }

// goOn releases the blocked handlers of the target.
func (p *process) goOn() { p.asks("go on") }

func (p *process) asks(what string) (s stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.in, what+"\n")
	if err == nil {
		var line []byte
		if line, err = p.out.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &s)
		}
	}
	if err != nil {
		p.t.Errorf("the server does not tell its stats: %v", err)
	}
	return s
}

// memory is a figure of the process, in bytes: VmRSS is resident memory now, VmHWM
// the most it has been.
func (p *process) memory(name string) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			return kib << 10
		}
	}
	p.t.Errorf("no %s: the server is gone", name)
	return 0
}

// descriptors are those of the process, each with its target in the kernel: connections
// with the socket that listens, and others.
func (p *process) descriptors() (sockets, others []string) {
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		switch target, err := os.Readlink(filepath.Join(dir, e.Name())); {
		case err != nil: // closed since
		case strings.HasPrefix(target, "socket:"):
			sockets = append(sockets, e.Name()+" "+target)
		default:
			others = append(others, e.Name()+" "+target)
		}
	}
	return sockets, others
}

// stop ends the target, and expects that nothing crashed and no goroutine is left.
func (p *process) stop() {
	if p.stopped {
		return
	}
	p.stopped = true
	_ = p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		tail := p.log.Bytes()
		p.t.Errorf("the server ended with %v:\n%s", err, tail[max(0, len(tail)-8<<10):])
	}
}

// warning is a record of one, with its message.
var warning = regexp.MustCompile(` level=WARN msg=("(?:[^"\\]|\\.)*"|\S+)`)

// slowClient is the part of a warning that a client was closed as slow.
var slowClient = regexp.MustCompile(`"closed: a client reads too slowly;.*" conn=\d+ `)

// checkLog expects complete records without control characters, panics and session ids;
// and at most one warning of each kind a minute, or one for each client that was closed
// as slow.
func (p *process) checkLog(secrets []string) {
	minutes := 1 + int(time.Since(p.started)/time.Minute)
	warnings := make(map[string]int)
	for line := range strings.Lines(p.log.String()) {
		line = strings.TrimSuffix(line, "\n")
		if m := warning.FindStringSubmatch(line); m != nil {
			kind, most := m[1], minutes
			if slow := slowClient.FindString(line); slow != "" {
				kind, most = slow, 1
			}
			if warnings[kind]++; warnings[kind] > most {
				p.t.Fatalf("the log has a warning more than once a minute: %.300q", line)
			}
		}
		switch {
		case !strings.HasPrefix(line, "time=") && !strings.HasPrefix(line, "host: "):
			p.t.Fatalf("the log has a line that is no record: %.300q", line)
		case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }):
			p.t.Fatalf("the log has a control character: %.300q", line)
		case len(line) > 1024:
			p.t.Fatalf("the log has a record of %d bytes: %.300q", len(line), line)
		case strings.Contains(line, "panic") || strings.Contains(line, "superfluous"):
			p.t.Fatalf("the log reports a mistake: %.300q", line)
		}
	}
	for _, secret := range secrets {
		if bytes.Contains(p.log.Bytes(), []byte(secret)) {
			p.t.Fatalf("the log has a session id")
		}
	}
}
