// SPDX-License-Identifier: MIT

//go:build linux

// Command cluster compares this repository's server in a cluster with the npm server and
// its adapter: CPU time for an event of another server that is delivered, for one whose
// room is elsewhere, and for one that is published; with Redis streams also for a client
// that is recovered. Run it by ../../cluster.sh.
//
// Reading order: main.go, figures.go, pubsub.go (with events that this program publishes itself),
// clients.go, redis.go, pair.go (with another server), postgres.go, returners.go
// (recoveries).
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"socketio/bench/internal/control"
)

func main() {
	var o settings
	flag.StringVar(&o.bin, "bin", ".", "directory of the server programs")
	flag.StringVar(&o.node, "node", "node", "directory of the npm server")
	flag.StringVar(&o.core, "core", "0", "core of the servers; this program and Redis should run on another")
	flag.StringVar(&o.beside, "beside", "1", "core of the other server, with streams and PostgreSQL")
	flag.StringVar(&o.modes, "modes", "classic,sharded", `which, with commas between: "classic", "sharded", "streams", "notify", "outbox"`)
	flag.IntVar(&o.rounds, "rounds", 5, "rounds")
	flag.IntVar(&o.events, "events", 40_000, "events of each figure")
	flag.StringVar(&o.profile, "profile", "", "write CPU profiles of our server to this directory, and compare nothing")
	flag.Parse()
	if err := o.run(); err != nil {
		control.Fatal(err)
	}
}

func (o *settings) run() error {
	redis, err := startRedis()
	if err != nil {
		return err
	}
	defer redis.stop()
	for mode := range strings.SplitSeq(o.modes, ",") {
		measure, brokers := o.measure, []string{"-redis", redis.addr}
		switch mode {
		case "classic", "sharded":
		case "streams":
			measure = o.measurePair
		default:
			measure = o.measurePair
			url, stop, err := startPostgres()
			if err != nil {
				return err
			}
			defer stop()
			brokers = []string{"-postgres", url}
		}
		if err := o.compare(mode, func(args ...string) (figures, error) {
			return measure(redis, mode, append(append(args, "-mode", mode), brokers...)...)
		}); err != nil {
			return err
		}
	}
	return nil
}

// compare measures the two servers in turns, and prints their figures. No npm server speaks
// to an outbox.
func (o *settings) compare(mode string, measure func(args ...string) (figures, error)) error {
	var ours, npm []figures
	for range o.rounds {
		f, err := measure(filepath.Join(o.bin, "clusternode"))
		if err != nil {
			return fmt.Errorf("ours: %w", err)
		}
		ours = append(ours, f)
		if o.profile != "" {
			return nil
		}
		if mode == "outbox" {
			npm = append(npm, figures{})
			continue
		}
		if f, err = measure("node", filepath.Join(o.node, "cluster.mjs")); err != nil {
			return fmt.Errorf("node: %w", err)
		}
		npm = append(npm, f)
	}
	draw(mode, ours, npm)
	return nil
}

func init() {
	if os.Getenv("GOMAXPROCS") == "" {
		fmt.Fprintln(os.Stderr, "run it by cluster.sh")
		os.Exit(2)
	}
}
