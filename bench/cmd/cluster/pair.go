// SPDX-License-Identifier: MIT

//go:build linux

// This file measures servers beside another one, of this repository, which emits to the
// clients of the first, or has the clients to which it emits.

package main

import (
	"fmt"
	"time"

	"socketio/bench/internal/process"
)

// portion is how many events may be under way: a stream keeps some thousands.
const portion = 1000

// measurePair starts a server and another one, and returns the figures of the first.
func (o *settings) measurePair(_ *redis, mode string, args ...string) (f figures, err error) {
	p, err := process.Start(o.core, args...)
	if err != nil {
		return f, err
	}
	defer p.Stop()
	other, err := process.Start(o.beside, append([]string{o.bin + "/clusternode"}, args[len(args)-4:]...)...)
	if err != nil {
		return f, err
	}
	defer other.Stop()
	here, err := connect(p.Addr, "room ")
	if err != nil {
		return f, err
	}
	defer here.close()
	there, err := connect(other.Addr, "elsewhere ")
	if err != nil {
		return f, err
	}
	defer there.close()
	if err := warmPair(p, other, here, there); err != nil {
		return f, err
	}
	s := sender{mode: mode, clients: here}
	if f[delivered], err = s.cost(o, p, portions(func(n int) error { return emits(other, "send", n, here, n) })); err != nil {
		return f, err
	}
	if f[elsewhere], err = s.cost(o, p, portions(func(n int) error {
		if err := emits(other, "publish", n, there, n); err != nil {
			return err
		}
		return emits(other, "send", 1, here, 1) // it has read all before
	})); err != nil {
		return f, err
	}
	start, first := time.Time{}, true
	if f[published], err = s.cost(o, p, func(n int) error {
		if first = !first; first {
			start = time.Now()
		}
		return portions(func(n int) error { return emits(p, "publish", n, there, n) })(n)
	}); err != nil {
		return f, err
	}
	f[rate] = float64(o.events) / time.Since(start).Seconds()
	if mode == "streams" || mode == "outbox" {
		f[recovered], f[recoveries], err = measureRecoveries(p, other)
	}
	return f, err
}

// portions returns a function that does something with n events, not all at once.
func portions(do func(n int) error) func(n int) error {
	return func(n int) error {
		for ; n > 0; n -= portion {
			if err := do(min(n, portion)); err != nil {
				return err
			}
		}
		return nil
	}
}

// emits has a server emit events, and waits until clients have received some.
func emits(p *process.Process, command string, n int, to *clients, received int) error {
	base := to.received()
	if _, err := p.Command(fmt.Sprint(command, " ", n)); err != nil {
		return err
	}
	return to.wait(base + received)
}

// warmPair emits until all clients receive the events of the other server.
func warmPair(p, other *process.Process, here, there *clients) error {
	for range 600 {
		a, b := here.received(), there.received()
		if _, err := other.Command(fmt.Sprint("send ", count)); err != nil {
			return err
		}
		if _, err := p.Command(fmt.Sprint("publish ", count)); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond)
		if here.received() == a+count && there.received() == b+count {
			return nil
		}
	}
	return fmt.Errorf("the servers do not hear each other")
}
