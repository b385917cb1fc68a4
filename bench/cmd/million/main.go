// SPDX-License-Identifier: MIT

//go:build linux

// Command million lets one server of this repository have a million sockets without a
// network: its connections are in memory and have neither descriptors nor goroutines. What
// the server does with a connection is the same as with an event loop; what the kernel
// does is left out. It prints memory, the cost of connections and of broadcasts, and the
// pauses of the collector, at several numbers of sockets.
//
// Reading order: main.go, simulation.go (the server and its clients), conn.go (the
// connections), measures.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"socketio/bench/internal/results"
)

func main() {
	steps := flag.String("sockets", "10000,100000,300000,1000000", "numbers of sockets, growing")
	limit := flag.Float64("gib", 6, "memory that the process may have")
	into := flag.String("into", "", "a file of results that gets these")
	heap := flag.String("heap", "", "a file for a heap profile at the end, which counts every allocation")
	flag.Parse()
	if err := run(*steps, *limit, *into, *heap); err != nil {
		fmt.Fprintln(os.Stderr, "million:", err)
		os.Exit(1)
	}
}

func run(steps string, gib float64, into, heap string) error {
	limit := int64(gib * (1 << 30))
	debug.SetMemoryLimit(limit)
	countAllocations(heap)
	s := newSimulation()
	begun := time.Now()
	m := new(results.Million)
	for text := range strings.SplitSeq(steps, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		step, err := s.step(n)
		if err != nil {
			return fmt.Errorf("%d sockets: %w", n, err)
		}
		if rss := int64(step.ResidentBytes * float64(n)); rss > limit {
			return fmt.Errorf("%d sockets: %d MiB resident, at most %d", n, rss>>20, limit>>20)
		}
		m.Steps = append(m.Steps, step)
		fmt.Fprintf(os.Stderr, "%d sockets after %.0f s\n", n, time.Since(begun).Seconds())
	}
	if err := writeHeap(heap); err != nil {
		return err
	}
	print(m)
	if into != "" {
		r, err := results.Load(into)
		if err != nil {
			return err
		}
		r.Million = m
		if err := r.Save(into); err != nil {
			return err
		}
	}
	return nil // the sockets end with the process
}

func print(m *results.Million) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "sockets\tlive heap, B each\tresident, B each\tconnect, us\tbroadcast, ms\tus a delivery\tlongest pause, ms\tcollections\tgoroutines\t")
	for _, s := range m.Steps {
		fmt.Fprintf(w, "%d\t%.0f\t%.0f\t%.1f\t%.1f\t%.3f\t%.3f\t%d\t%d\t\n", s.Sockets, s.HeapBytes, s.ResidentBytes,
			s.ConnectMicros, s.BroadcastMS, s.BroadcastCPU, s.GCPauseMax, s.GCCycles, s.Goroutines)
	}
	_ = w.Flush() // standard output
}
