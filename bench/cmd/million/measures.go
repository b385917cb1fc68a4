// SPDX-License-Identifier: MIT

//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"socketio/bench/internal/control"
	"socketio/bench/internal/results"
)

// broadcasts is how many there are at each step; the table has the middle one.
const broadcasts = 3

// step grows to n sockets and measures.
func (s *simulation) step(n int) (results.Step, error) {
	step := results.Step{Sockets: n}
	before, pauses := len(s.conns), pausesUntilNow()
	cpu := used()
	if err := s.grow(n); err != nil {
		return step, err
	}
	step.ConnectMicros = (used() - cpu) / float64(max(n-before, 1))

	var times, cpus []float64
	for range broadcasts {
		wall, cpu, err := s.broadcast()
		if err != nil {
			return step, err
		}
		times = append(times, wall)
		cpus = append(cpus, cpu/float64(n))
	}
	step.BroadcastMS, step.BroadcastCPU = results.Median(times), results.Median(cpus)

	step.GCPauseMax, step.GCCycles = pauses.since()
	step.ResidentBytes = resident() / float64(n)
	runtime.GC()
	runtime.GC() // what pools held is free after the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	step.HeapBytes = float64(m.HeapAlloc) / float64(n)
	step.Goroutines = runtime.NumGoroutine()
	// Neither connections nor sockets have goroutines: those there are have other owners.
	if most := 200; step.Goroutines > most {
		return step, fmt.Errorf("%d goroutines, at most %d", step.Goroutines, most)
	}
	return step, nil
}

// broadcast emits to all and returns the time until everyone has got it, in milliseconds,
// and the CPU time, in microseconds.
func (s *simulation) broadcast() (wall, cpu float64, err error) {
	const message = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	size := int64(2 + len(`42["bcast",""]`) + len(message))
	want := s.received.Load() + size*int64(len(s.conns))
	start, cpu := time.Now(), used()
	if err := s.io.Emit("bcast", message); err != nil {
		return 0, 0, err
	}
	err = s.until("a broadcast", time.Minute, func() bool { return s.received.Load() >= want })
	if got := s.received.Load(); err == nil && got != want {
		err = fmt.Errorf("%d bytes too many in a broadcast", got-want)
	}
	return float64(time.Since(start)) / float64(time.Millisecond), used() - cpu, err
}

// used is the CPU time of this process in microseconds.
func used() float64 {
	user, system := control.CPU()
	return float64(user + system)
}

// resident is the memory of this process in bytes.
func resident() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(fields[0], 64)
	return kib * 1024
}

// pauses are what the collector has done so far.
type pauses struct {
	counts []uint64
	cycles uint64
}

func readPauses() (*metrics.Float64Histogram, uint64) {
	samples := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}, {Name: "/gc/cycles/automatic:gc-cycles"}}
	metrics.Read(samples)
	return samples[0].Value.Float64Histogram(), samples[1].Value.Uint64()
}

func pausesUntilNow() pauses {
	h, cycles := readPauses()
	return pauses{append([]uint64(nil), h.Counts...), cycles}
}

// since returns the longest pause since then, in milliseconds, as the upper bound of its
// bucket, and the number of collections.
func (p pauses) since() (longest float64, cycles int) {
	h, n := readPauses()
	for i, c := range h.Counts {
		if c > p.counts[i] {
			longest = h.Buckets[min(i+1, len(h.Buckets)-2)] * 1000
		}
	}
	return longest, int(n - p.cycles)
}

// countAllocations lets the heap profile count every allocation, if there is to be one.
func countAllocations(heap string) {
	if heap != "" {
		runtime.MemProfileRate = 1
	}
}

func writeHeap(heap string) error {
	if heap == "" {
		return nil
	}
	f, err := os.Create(heap)
	if err != nil {
		return err
	}
	if err := pprof.WriteHeapProfile(f); err != nil {
		return err
	}
	return f.Close()
}
