// SPDX-License-Identifier: MIT

//go:build npm

// This file controls conformance/cluster/node.mjs: npm servers, emitters and clients.

package pgadapter_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"socketio/internal/clusterhost"
	"socketio/internal/tether"
)

// object is a JSON object.
type object = map[string]any

// A told is what the program tells: what a client or a server has received.
type told struct {
	ID     int
	Result json.RawMessage
	Error  string

	Client, Server, Event string
	Args                  []any
	Disconnected          string // why a client is
	Fault                 string
}

// A nodeProcess runs node.mjs.
type nodeProcess struct {
	*testing.T
	in *json.Encoder

	mu      sync.Mutex // guards the fields below, and in
	next    int
	waiting map[int]chan told
	told    []told
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
	p := &nodeProcess{T: t, in: json.NewEncoder(in), waiting: make(map[int]chan told)}
	read := make(chan struct{})
	go func() { // ends with the program
		defer close(read)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			p.line(lines.Bytes())
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, answer := range p.waiting {
			answer <- told{Error: "the npm servers have ended"}
		}
		p.waiting = nil
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

func (p *nodeProcess) line(line []byte) {
	var m told
	if err := json.Unmarshal(line, &m); err != nil {
		p.Errorf("the npm servers say %q", line)
		return
	}
	if m.Fault != "" {
		p.Errorf("the npm servers: %s", m.Fault)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.ID == 0 {
		p.told = append(p.told, m)
	} else if answer := p.waiting[m.ID]; answer != nil {
		delete(p.waiting, m.ID)
		answer <- m
	}
}

// do has the program do a job, and decodes the result into result, if that is not nil.
func (p *nodeProcess) do(job string, command object, result any) error {
	answer := make(chan told, 1)
	p.mu.Lock()
	if p.waiting == nil {
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
	case <-time.After(clusterhost.Limit):
		return fmt.Errorf("%s takes longer than %v", job, clusterhost.Limit)
	}
}

// must is do, and ends the test on an error.
func (p *nodeProcess) must(job string, command object, result any) {
	p.Helper()
	if err := p.do(job, command, result); err != nil {
		p.Fatalf("%s %v: %v", job, command, err)
	}
}

// heard returns what was told and matches.
func (p *nodeProcess) heard(match func(m *told) bool) (all []told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.told {
		if match(&p.told[i]) {
			all = append(all, p.told[i])
		}
	}
	return all
}

// wrapped returns a value as JSON decodes it, with bytes as {"$b":base64}.
func wrapped(v any) any {
	switch v := v.(type) {
	case []byte:
		return object{"$b": base64.StdEncoding.EncodeToString(v)}
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = wrapped(v[i])
		}
		return all
	case object:
		all := make(object, len(v))
		for key, value := range v {
			all[key] = wrapped(value)
		}
		return all
	case int:
		return float64(v)
	}
	return v
}
