// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the measuring of one row on one server.

package main

import (
	"time"

	"socketio/bench/internal/control"
	"socketio/bench/internal/load"
	"socketio/bench/internal/process"
	"socketio/bench/internal/results"
)

// work does a bit of a row and returns how many operations that were.
type work func() (ops int, err error)

// measure repeats work for a time and returns what an operation has cost the server.
func (b *bench) measure(p *process.Process, d time.Duration, do work) (results.Sample, error) {
	lat := new(load.Latency)
	b.loop.Latency = lat
	defer func() { b.loop.Latency = nil }()
	return b.charge(p, lat, d, do)
}

// charge is measure of clients that count latencies themselves.
func (b *bench) charge(p *process.Process, lat *load.Latency, d time.Duration, do work) (results.Sample, error) {
	user0, sys0, err := p.CPU()
	if err != nil {
		return results.Sample{}, err
	}
	ownUser0, ownSys0 := control.CPU()
	began := time.Now()
	ops := 0
	for ops == 0 || time.Since(began) < d {
		n, err := do()
		if err != nil {
			return results.Sample{}, err
		}
		ops += n
	}
	wall := time.Since(began)
	ownUser, ownSys := control.CPU()
	// What the server does after the last answer counts too.
	if err := b.loop.Idle(20 * time.Millisecond); err != nil {
		return results.Sample{}, err
	}
	user, sys, err := p.CPU()
	n := float64(ops)
	own := float64(ownUser - ownUser0 + ownSys - ownSys0)
	return results.Sample{
		Value:     (user - user0 + sys - sys0) / n,
		User:      (user - user0) / n,
		Rate:      n / wall.Seconds(),
		Driver:    own / float64(wall.Microseconds()),
		DriverCPU: own / n,
		P50:       us(lat.Quantile(0.5)),
		P99:       us(lat.Quantile(0.99)),
		P999:      us(lat.Quantile(0.999)),
	}, err
}

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
