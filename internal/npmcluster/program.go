// SPDX-License-Identifier: MIT

// This file holds the process, what it does and tells.

package npmcluster

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"socketio/internal/tether"
)

// Patience is how long anything may take.
const Patience = 60 * time.Second

// impatience is how long after something has taken too long: what else fails is told soon.
const impatience = 2 * time.Second

// errEnded is the error of what the program has not done.
var errEnded = errors.New("the npm servers have ended")

// A Told is what the program tells: what a client or a server has received.
type Told struct {
	Client, Server, Event string
	Args                  []any
	Asked                 bool
	Disconnected          string // why a client is
}

// A line is what the program prints: what it tells, or the answer to a job.
type line struct {
	Told
	ID     int // of the job
	Result json.RawMessage
	Error  string
	Fault  string
}

// A Program is a process that runs node.mjs. All methods may be called from any goroutine.
type Program struct {
	t testing.TB

	mu      sync.Mutex // guards the fields below
	in      *json.Encoder
	next    int
	waiting map[int]chan line
	told    []Told
	changed chan struct{} // closed at the next change of told
	ended   bool
	late    bool // something has not arrived
}

// Start starts the program, which ends with the test. The test runs in a folder two below
// that of the repository.
func Start(t testing.TB) *Program {
	t.Helper()
	cmd := exec.Command("node", "cluster/node.mjs")
	cmd.Dir = "../../conformance"
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tether.Start(t, cmd); err != nil {
		t.Fatal("Node.js does not start: ", err)
	}
	p := control(t, in)
	read := make(chan struct{})
	go func() { // ends with the program
		defer close(read)
		p.read(out)
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-read
		if err := cmd.Wait(); err != nil {
			t.Error("the npm servers ended badly: ", err)
		}
	})
	return p
}

// control returns a program that reads its jobs from in.
func control(t testing.TB, in io.Writer) *Program {
	return &Program{t: t, in: json.NewEncoder(in), waiting: make(map[int]chan line), changed: make(chan struct{})}
}

// read reads what the program prints until its end.
func (p *Program) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		p.line(lines.Bytes())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, answer := range p.waiting {
		answer <- line{Error: errEnded.Error()}
	}
	p.waiting = nil
}

func (p *Program) line(text []byte) {
	var m line
	if err := json.Unmarshal(text, &m); err != nil {
		p.t.Errorf("the npm servers say %q", text)
		return
	}
	if m.Fault != "" {
		p.t.Errorf("the npm servers: %s", m.Fault)
		return
	}
	if m.ID == 0 {
		p.Tell(m.Told)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	answer := p.waiting[m.ID]
	if answer == nil {
		p.t.Errorf("the npm servers answer what nobody waits for: %s", text)
		return
	}
	delete(p.waiting, m.ID)
	answer <- m
}

// Tell records what a client or a server has received, as the program does.
func (p *Program) Tell(m Told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, m)
	close(p.changed)
	p.changed = make(chan struct{})
}

// Do has the program do a job, and decodes the result into result, if that is not nil.
func (p *Program) Do(job string, command Object, result any) error {
	answer := make(chan line, 1)
	if err := p.send(job, command, answer); err != nil {
		return err
	}
	select {
	case m := <-answer:
		if m.Error != "" {
			return errors.New(m.Error)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-time.After(Patience):
		return fmt.Errorf("%s takes longer than %v", job, Patience)
	}
}

func (p *Program) send(job string, command Object, answer chan line) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return errEnded
	}
	p.next++
	p.waiting[p.next] = answer
	text := Object{"id": p.next, "do": job}
	for key, value := range command {
		text[key] = wrapped(value)
	}
	return p.in.Encode(text)
}

// Must is Do, and ends the test on an error.
func (p *Program) Must(t testing.TB, job string, command Object, result any) {
	t.Helper()
	if err := p.Do(job, command, result); err != nil {
		t.Fatalf("%s %v: %v", job, command, err)
	}
}

// Forget forgets what was told.
func (p *Program) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = nil
}

// Find returns what was told and matches.
func (p *Program) Find(match func(m *Told) bool) []Told {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Told
	for i := range p.told {
		if match(&p.told[i]) {
			all = append(all, p.told[i])
		}
	}
	return all
}

// Until waits until something that matches is told, or was. It must not be called while
// Forget is.
func (p *Program) Until(match func(m *Told) bool) (Told, error) {
	p.mu.Lock()
	wait := Patience
	if p.late {
		wait = impatience
	}
	p.mu.Unlock()
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for seen := 0; ; {
		p.mu.Lock()
		for ; seen < len(p.told); seen++ {
			if m := p.told[seen]; match(&m) {
				p.mu.Unlock()
				return m, nil
			}
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-timeout.C:
			p.mu.Lock()
			p.late = true
			p.mu.Unlock()
			return Told{}, fmt.Errorf("nothing has arrived for %v", wait)
		}
	}
}
