// SPDX-License-Identifier: MIT

//go:build npm

// This file controls conformance/cluster/node.mjs: npm servers, emitters and clients.

package redisadapter_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"socketio/internal/tether"
)

// patience is how long anything may take.
const patience = 60 * time.Second

// impatience is how long after something has taken too long: what else fails is told soon.
const impatience = 2 * time.Second

// object is a JSON object.
type object map[string]any

// A told is what the program tells: what a client or a server has received.
type told struct {
	ID     int
	Result json.RawMessage
	Error  string

	Client, Server, Event string
	Args                  []any
	Asked                 bool
	Disconnected          string // why a client is
	Fault                 string
}

// A nodeProcess runs node.mjs.
type nodeProcess struct {
	t  *testing.T
	in *json.Encoder

	mu      sync.Mutex // guards the fields below, and in
	next    int
	waiting map[int]chan told
	told    []told
	changed chan struct{} // closed at the next change of told
	ended   bool
	late    bool // something has not arrived
}

// startNode starts the program. It ends with the test.
func startNode(t *testing.T) *nodeProcess {
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
	p := &nodeProcess{t: t, in: json.NewEncoder(in), waiting: make(map[int]chan told), changed: make(chan struct{})}
	read := make(chan struct{})
	go func() { // ends with the program
		defer close(read)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			p.line(lines.Bytes())
		}
		p.end()
	}()
	kill := time.AfterFunc(10*time.Minute, func() { _ = cmd.Process.Kill() }) // whatever happens
	t.Cleanup(func() {
		_ = in.Close()
		<-read
		if err := cmd.Wait(); err != nil {
			t.Error("the npm servers ended badly: ", err)
		}
		kill.Stop()
	})
	return p
}

func (p *nodeProcess) line(line []byte) {
	var m told
	if err := json.Unmarshal(line, &m); err != nil {
		p.t.Errorf("the npm servers say %q", line)
		return
	}
	if m.Fault != "" {
		p.t.Errorf("the npm servers: %s", m.Fault)
		return
	}
	if m.ID == 0 {
		p.tell(m)
		return
	}
	p.mu.Lock()
	answer := p.waiting[m.ID]
	delete(p.waiting, m.ID)
	p.mu.Unlock()
	answer <- m
}

// tell records what a client or a server has received.
func (p *nodeProcess) tell(m told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, m)
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *nodeProcess) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, answer := range p.waiting {
		answer <- told{Error: "the npm servers have ended"}
	}
	p.waiting = nil
}

// do has the program do a job, and decodes the result into result, if that is not nil.
func (p *nodeProcess) do(job string, command object, result any) error {
	answer := make(chan told, 1)
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return errors.New("the npm servers have ended")
	}
	p.next++
	p.waiting[p.next] = answer
	line := object{"id": p.next, "do": job}
	for key, value := range command {
		line[key] = wrapped(value)
	}
	err := p.in.Encode(line)
	p.mu.Unlock()
	if err != nil {
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
	case <-time.After(patience):
		return fmt.Errorf("%s takes longer than %v", job, patience)
	}
}

// must is do, and ends the test on an error.
func (p *nodeProcess) must(t *testing.T, job string, command object, result any) {
	t.Helper()
	if err := p.do(job, command, result); err != nil {
		t.Fatalf("%s %v: %v", job, command, err)
	}
}

// forget forgets what was told.
func (p *nodeProcess) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = nil
}

// find returns what was told and matches.
func (p *nodeProcess) find(match func(m *told) bool) []told {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []told
	for i := range p.told {
		if match(&p.told[i]) {
			all = append(all, p.told[i])
		}
	}
	return all
}

// until waits until something that matches is told, or was. It must not be called while
// forget is.
func (p *nodeProcess) until(match func(m *told) bool) (told, error) {
	p.mu.Lock()
	wait := patience
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
			return told{}, fmt.Errorf("nothing has arrived for %v", wait)
		}
	}
}

// wrapped returns a value as JSON decodes it, with bytes as {"$b":base64}.
func wrapped(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"$b": base64.StdEncoding.EncodeToString(v)}
	case []any:
		all := slices.Clone(v)
		for i := range all {
			all[i] = wrapped(all[i])
		}
		return all
	case object:
		return wrapped(map[string]any(v))
	case map[string]any:
		all := make(map[string]any, len(v))
		for key, value := range v {
			all[key] = wrapped(value)
		}
		return all
	case int:
		return float64(v)
	}
	return v
}
