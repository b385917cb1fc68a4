// SPDX-License-Identifier: MIT

//go:build linux

// This file holds --profile: CPU profiles of one server, a file for each scenario,
// and a heap profile with idle clients.

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"socketio/bench/internal/load"
)

// profileTime is how long each scenario runs.
const profileTime = 6 * time.Second

func (b *bench) profileAll() error {
	for _, s := range specs(b.node) {
		if s.name != b.profiled {
			continue
		}
		if err := b.profileCPU(s); err != nil {
			return err
		}
		if !b.wants("idle") {
			return nil
		}
		return b.profileHeap(s)
	}
	return fmt.Errorf("no server %q", b.profiled)
}

func (b *bench) profileCPU(s spec) error {
	sub, err := b.enter(s, b.clients)
	if err != nil {
		return err
	}
	defer sub.proc.Stop()
	defer b.loop.Leave(sub.target)
	for _, sc := range scenarios(b.clients) {
		if !b.wants(sc.name) {
			continue
		}
		if err := b.profileScenario(sub, sc); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) profileScenario(s *subject, sc scenario) error {
	work, end, err := sc.begin(b.loop, s.target)
	if err != nil {
		return err
	}
	defer end()
	if _, err := work(); err != nil { // warm up
		return err
	}
	path := filepath.Join(b.profile, sc.name+".pprof")
	if _, err := s.proc.Command("cpuprofile " + path); err != nil {
		return err
	}
	for end := time.Now().Add(profileTime); time.Now().Before(end); {
		if _, err := work(); err != nil {
			return err
		}
	}
	if _, err := s.proc.Command("cpuprofile"); err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}

// profileHeap counts every allocation, which costs so much that it has a server
// of its own.
func (b *bench) profileHeap(s spec) error {
	p, err := start(s, b.bin, b.core, "-exact-heap")
	if err != nil {
		return err
	}
	defer p.Stop()
	t, err := load.NewTarget(p.Addr)
	if err != nil {
		return err
	}
	defer b.loop.Leave(t)
	if err := b.loop.Connect(t, b.idle); err != nil {
		return err
	}
	if err := b.loop.Idle(time.Second); err != nil {
		return err
	}
	path := filepath.Join(b.profile, "idle-heap.pprof")
	if _, err := p.Command("heapprofile " + path); err != nil {
		return err
	}
	fmt.Printf("%s (%d idle clients)\n", path, b.idle)
	answer, err := p.Command("memory")
	fmt.Println(answer)
	return err
}
