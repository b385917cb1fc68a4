// SPDX-License-Identifier: MIT

//go:build linux

// This file measures servers that publish to channels of Redis.

package main

import (
	"fmt"
	"time"

	"socketio/bench/internal/process"
)

// measure starts a server and returns its figures.
func (o *settings) measure(redis *redis, mode string, args ...string) (f figures, err error) {
	p, err := process.Start(o.core, args...)
	if err != nil {
		return f, err
	}
	defer p.Stop()
	c, err := connect(p.Addr, "room ")
	if err != nil {
		return f, err
	}
	defer c.close()
	s := sender{redis: redis, mode: mode, clients: c}
	if err := s.warm(); err != nil {
		return f, err
	}
	if f[delivered], err = s.cost(o, p, func(n int) error { return s.send(n, 0) }); err != nil {
		return f, err
	}
	if f[elsewhere], err = s.cost(o, p, func(n int) error { return s.send(n, 1) }); err != nil {
		return f, err
	}
	var took time.Duration
	if f[published], err = s.cost(o, p, func(n int) error {
		before, err := redis.published()
		if err != nil {
			return err
		}
		start := time.Now()
		if _, err := p.Command(fmt.Sprint("publish ", n)); err != nil {
			return err
		}
		for now := before; now < before+n; time.Sleep(time.Millisecond) {
			if now, err = redis.published(); err != nil {
				return err
			}
			if time.Since(start) > time.Minute {
				return fmt.Errorf("%d of %d events have arrived after a minute", now-before, n)
			}
		}
		took = time.Since(start)
		return nil
	}); err != nil {
		return f, err
	}
	f[rate] = float64(o.events) / took.Seconds()
	return f, nil
}

// cost returns the CPU time, in microseconds, that the server uses for each event.
func (s *sender) cost(o *settings, p *process.Process, do func(n int) error) (float64, error) {
	n := o.events
	if err := do(n / 4); err != nil { // as warm as it becomes
		return 0, err
	}
	if o.profile != "" {
		s.profiles++
		if _, err := p.Command(fmt.Sprintf("cpuprofile %s/%s-%d.pprof", o.profile, s.mode, s.profiles)); err != nil {
			return 0, err
		}
		defer func() { _, _ = p.Command("cpuprofile") }()
	}
	user, system, err := p.CPU()
	if err != nil {
		return 0, err
	}
	if err := do(n); err != nil {
		return 0, err
	}
	userAfter, systemAfter, err := p.CPU()
	return (userAfter + systemAfter - user - system) / float64(n), err
}
