// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the rows with up to 1000 clients. All servers live for the whole run, so
// that those that compile as they run have done so, and take turns.

package main

import (
	"fmt"
	"time"

	"socketio/bench/internal/load"
	"socketio/bench/internal/process"
	"socketio/bench/internal/results"
)

// A subject is a server with its clients.
type subject struct {
	spec   spec
	proc   *process.Process
	target *load.Target
}

func (s *subject) leave(l *load.Loop) {
	l.Leave(s.target)
	s.proc.Stop()
}

// A liveRow is a row of these servers.
type liveRow struct {
	id string
	do func(b *bench, s *subject) work
}

func liveRows() []liveRow {
	echo := func(w load.Work) func(*bench, *subject) work {
		return func(b *bench, s *subject) work {
			return func() (int, error) { return b.loop.EchoSome(s.target, w) }
		}
	}
	return []liveRow{
		{"echo-1", echo(load.Work{Clients: 1, Each: 200})},
		{"echo-100", echo(load.Work{Clients: 100, Each: 20})},
		{"echo-1000", echo(load.Work{Clients: 1000, Each: 10})},
		{"echo-awake", echo(load.Work{Clients: 1000, Each: 10})},
		{"echo-8", echo(load.Work{Clients: 100, Each: 80, InFlight: 8})},
		{"ack", func(b *bench, s *subject) work {
			return func() (int, error) { return b.loop.Ack(s.target, 10) }
		}},
		{"bcast-1000", func(b *bench, s *subject) work {
			return func() (int, error) { return b.loop.Broadcast(s.target, 5) }
		}},
		{"chat", func(b *bench, s *subject) work {
			return func() (int, error) { return b.loop.Chat(s.target, max(2*b.slice, 40*time.Millisecond)) }
		}},
		{"connect", func(b *bench, s *subject) work {
			return func() (int, error) { return 200, b.loop.Churn(s.target, 200) }
		}},
		{"blob", func(b *bench, s *subject) work {
			return func() (int, error) { return b.loop.Blob(s.target, 50, 5) }
		}},
		{"large", func(b *bench, s *subject) work {
			return func() (int, error) { return b.loop.Large(s.target, 4, 5) }
		}},
	}
}

// enter starts a server and connects its clients, which enter rooms of 10.
func (b *bench) enter(s spec) (*subject, error) {
	p, t, err := b.start(s)
	if err != nil {
		return nil, err
	}
	sub := &subject{s, p, t}
	if s.only == barePoll {
		return sub, nil
	}
	if err = b.loop.Connect(t, b.scaled(1000)); err == nil && s.rooms {
		err = b.loop.Rooms(t, 10)
	}
	if err != nil {
		sub.leave(b.loop)
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return sub, nil
}

// live returns the part.
func (b *bench) live(list []spec) part {
	var subjects []*subject
	rows := []string{"poll", "tls", "deflate"}
	for _, r := range liveRows() {
		rows = append(rows, r.id)
	}
	if !b.wantsAny(rows...) {
		return part{round: func(int) {}, end: func() {}}
	}
	for _, s := range list {
		sub, err := b.enter(s)
		if err != nil {
			b.run.Missing[s.name] = err.Error()
			b.note("%s: %v", s.name, err)
			continue
		}
		subjects = append(subjects, sub)
	}
	return part{
		warm: true,
		round: func(i int) {
			for _, row := range liveRows() {
				b.liveTurn(i, row.id, subjects, func(s *subject) (results.Sample, error) {
					return b.liveSample(row, s)
				})
			}
			b.liveTurn(i, "poll", subjects, b.poll)
			b.liveTurn(i, "tls", subjects, func(s *subject) (results.Sample, error) { return b.secure(s, true) })
			b.liveTurn(i, "deflate", subjects, func(s *subject) (results.Sample, error) { return b.secure(s, false) })
		},
		end: func() {
			for _, s := range subjects {
				s.leave(b.loop)
			}
		},
	}
}

func (b *bench) liveSample(row liveRow, s *subject) (results.Sample, error) {
	if row.id == "echo-awake" {
		spin := b.loop.Spin
		b.loop.Spin = true
		defer func() { b.loop.Spin = spin }()
	}
	return b.measure(s.proc, b.slice, row.do(b, s))
}

// liveTurn lets all servers do a row, another one first in each round.
func (b *bench) liveTurn(round int, row string, subjects []*subject, sample func(*subject) (results.Sample, error)) {
	if !b.wants(row) {
		return
	}
	fmt.Printf("round %d: %s\n", round, row)
	for i := range subjects {
		s := subjects[(i+round)%len(subjects)]
		if !s.spec.can(row) {
			continue
		}
		// Heartbeats must not wait for rows that other clients do.
		err := b.loop.Idle(5 * time.Millisecond)
		if s.target.Broken() {
			b.note("%s has closed a connection", s.spec.name)
			b.again(s)
		}
		var m results.Sample
		if err == nil {
			m, err = sample(s)
		}
		switch {
		case err != nil:
			b.note("%s of %s: %v", row, s.spec.name, err)
			b.again(s)
		case round > 0:
			b.run.Add(row, s.spec.name, m)
		}
	}
}

// again starts a server anew that has failed in a row.
func (b *bench) again(s *subject) {
	s.leave(b.loop)
	_ = b.loop.Idle(100 * time.Millisecond)
	fresh, err := b.enter(s.spec)
	if err != nil {
		b.note("%s does not start again: %v", s.spec.name, err)
		return
	}
	*s = *fresh
}

// poll is the row of clients over polling.
func (b *bench) poll(s *subject) (results.Sample, error) {
	p, err := load.NewPollers(s.target, min(100, b.scaled(1000)))
	if err != nil {
		return results.Sample{}, err
	}
	defer p.Leave()
	return b.charge(s.proc, &p.Latency, b.slice, func() (int, error) { return p.Echo(10) })
}

// twoCores returns the part in which servers have both cores. The driver shares one of them.
func (b *bench) twoCores(list []spec) part {
	nothing := part{round: func(int) {}, end: func() {}}
	if !b.wantsAny("echo-2", "bcast-2") {
		return nothing
	}
	return part{
		round: func(i int) {
			for j := range list {
				s := list[(j+i)%len(list)]
				if !s.threads || s.only != "" {
					continue
				}
				if err := b.twoCoresOf(s); err != nil {
					b.note("%s on two cores: %v", s.name, err)
				}
			}
		},
		end: func() {},
	}
}

func (b *bench) twoCoresOf(s spec) error {
	p, t, err := b.startOn("0,1", 2, s)
	if err != nil {
		return err
	}
	sub := &subject{s, p, t}
	defer sub.leave(b.loop)
	if err := b.loop.Connect(t, b.scaled(1000)); err != nil {
		return err
	}
	for _, row := range []struct {
		id string
		do work
	}{
		{"echo-2", func() (int, error) { return b.loop.Echo(t, 10) }},
		{"bcast-2", func() (int, error) { return b.loop.Broadcast(t, 5) }},
	} {
		if !b.wants(row.id) {
			continue
		}
		if _, err := row.do(); err != nil {
			return err
		}
		m, err := b.measure(p, b.slice, row.do)
		if err != nil {
			return err
		}
		b.run.Add(row.id, s.name, m)
	}
	return nil
}
