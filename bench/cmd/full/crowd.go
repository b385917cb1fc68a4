// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the rows with 1000 to 18,000 clients: memory, heartbeats, broadcasts,
// rooms. Each server is started for them and ends after them.

package main

import (
	"errors"
	"fmt"
	"time"

	"socketio/bench/internal/load"
	"socketio/bench/internal/process"
	"socketio/bench/internal/results"
)

// pingInterval is the time between two heartbeats where they are measured.
const pingInterval = 3 * time.Second

// A crowd is a server with many clients.
type crowd struct {
	b      *bench
	spec   spec
	proc   *process.Process
	target *load.Target
	empty  float64 // resident memory with one client
}

// gather starts a server with one client, whose memory does not count: the first one
// brings in parts of the program.
func (b *bench) gather(s spec, browser bool, handlers string, extra ...string) (*crowd, error) {
	if s.own && handlers == "6" {
		handlers = "namespace"
	}
	p, t, err := b.start(s, append([]string{"-handlers", handlers}, extra...)...)
	if err != nil {
		return nil, err
	}
	if !browser {
		t.Bare()
	}
	c := &crowd{b: b, spec: s, proc: p, target: t}
	if err = errors.Join(b.loop.Connect(t, 1), b.loop.Idle(300*time.Millisecond)); err == nil {
		c.empty, err = p.RSS()
	}
	if err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

func (c *crowd) leave() {
	c.b.loop.Leave(c.target)
	c.proc.Stop()
}

// grow connects clients until there are so many, and adds their memory as a row.
func (c *crowd) grow(row string, n int) error {
	n = c.b.scaled(n)
	if err := c.b.loop.Connect(c.target, n-c.target.Clients()); err != nil {
		return err
	}
	if err := c.b.loop.Idle(time.Second); err != nil {
		return err
	}
	return c.memory(row)
}

// memory adds the memory of each client as a row.
func (c *crowd) memory(row string) error {
	rss, err := c.proc.RSS()
	if err != nil {
		return err
	}
	if c.target.Broken() {
		return errors.New("a connection was lost")
	}
	if c.b.wants(row) {
		c.b.run.Add(row, c.spec.name, results.Sample{Value: (rss - c.empty) / float64(c.target.Clients()-1)})
	}
	return nil
}

// collected is memory after a collection.
func (c *crowd) collected(row string) error {
	if _, err := c.proc.Command("gc"); err != nil {
		return err
	}
	return errors.Join(c.b.loop.Idle(300*time.Millisecond), c.memory(row))
}

// crowds returns the part.
func (b *bench) crowds(list []spec) part {
	visits := []struct {
		name  string
		rows  []string
		visit func(spec) error
	}{
		{"idle", []string{"idle-1000", "idle-5000", "idle-10000", "idle-18000", "idle-18000-gc", "ping"}, b.growing},
		{"large", []string{"idle-plain", "bcast-10000", "rooms"}, b.large},
		{"bare", []string{"idle-bare", "idle-bare-gc"}, b.bare},
		{"browser", []string{"idle-browser"}, b.browser},
	}
	return part{
		round: func(i int) {
			for _, v := range visits {
				if !b.wantsAny(v.rows...) {
					continue
				}
				for j := range list {
					s := list[(j+i)%len(list)]
					if s.only != "" || v.name == "browser" && !s.own {
						continue
					}
					began := time.Now()
					if err := v.visit(s); err != nil {
						b.note("%s of %s: %v", v.name, s.name, err)
					}
					fmt.Printf("round %d: %s of %s: %.0f s\n", i, v.name, s.name, time.Since(began).Seconds())
				}
			}
		},
		end: func() {},
	}
}

// growing is the visit in which the number of clients grows, with heartbeats.
func (b *bench) growing(s spec) error {
	c, err := b.gather(s, true, "6", "-ping", fmt.Sprint(pingInterval.Milliseconds()))
	if err != nil {
		return err
	}
	defer c.leave()
	for _, step := range []func() error{
		func() error { return c.grow("idle-1000", 1000) },
		func() error { return c.grow("idle-5000", 5000) },
		func() error { return c.grow("idle-10000", 10_000) },
		c.heartbeats,
		func() error { return c.grow("idle-18000", 18_000) },
		func() error { return c.collected("idle-18000-gc") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// heartbeats measures a ping and its pong.
func (c *crowd) heartbeats() error {
	if !c.b.wants("ping") || !c.spec.can("ping") {
		return nil
	}
	before := c.b.loop.Pings
	m, err := c.b.measure(c.proc, 0, func() (int, error) {
		err := c.b.loop.Idle(c.b.pings())
		return c.b.loop.Pings - before, err
	})
	if err != nil {
		return err
	}
	c.b.run.Add("ping", c.spec.name, m)
	return nil
}

// pings is for how long heartbeats are measured. In short runs one server has to do.
func (b *bench) pings() time.Duration { return pingInterval }

// large is the visit with 10,000 clients that get broadcasts.
func (b *bench) large(s spec) error {
	c, err := b.gather(s, false, "6")
	if err != nil {
		return err
	}
	defer c.leave()
	if err := c.grow("idle-plain", 10_000); err != nil {
		return err
	}
	busy := max(b.scaled(10_000)/100, 1)
	var rows []struct {
		id string
		do work
	}
	add := func(id string, do work) {
		if b.wants(id) && s.can(id) {
			rows = append(rows, struct {
				id string
				do work
			}{id, do})
		}
	}
	add("bcast-10000", func() (int, error) { return b.loop.Broadcast(c.target, 1) })
	add("rooms", func() (int, error) { return b.loop.ToRooms(c.target, busy, 5) })
	for _, row := range rows {
		if row.id == "rooms" {
			if err := b.loop.Rooms(c.target, 10); err != nil {
				return err
			}
		}
		if _, err := b.measure(c.proc, b.slice/2, row.do); err != nil { // warm up
			return err
		}
		m, err := b.measure(c.proc, b.slice, row.do)
		if err != nil {
			return err
		}
		b.run.Add(row.id, s.name, m)
	}
	return nil
}

// bare is the visit of clients without a browser's headers, on a server without handlers.
func (b *bench) bare(s spec) error {
	c, err := b.gather(s, false, "0")
	if err != nil {
		return err
	}
	defer c.leave()
	return errors.Join(c.grow("idle-bare", 10_000), c.collected("idle-bare-gc"))
}

// browser is bare with the headers of a browser.
func (b *bench) browser(s spec) error {
	c, err := b.gather(s, true, "0")
	if err != nil {
		return err
	}
	defer c.leave()
	return c.grow("idle-browser", 10_000)
}
