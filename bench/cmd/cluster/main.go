// SPDX-License-Identifier: MIT

//go:build linux

// Command cluster compares this repository's server on Redis with the npm server and its
// adapter: CPU time for an event of another server that is delivered, for one whose room
// is elsewhere, and for one that is published. Run it by ../../cluster.sh.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"socketio/bench/internal/control"
	"socketio/bench/internal/process"
)

// The rows, and their units.
var rows = []string{"delivered, us of CPU", "elsewhere, us of CPU", "published, us of CPU", "published each second"}

const delivered, elsewhere, published, rate = 0, 1, 2, 3

// figures are those of one server in one round.
type figures [4]float64

type settings struct {
	bin, node, core string
	rounds, events  int
	profile         string
}

func main() {
	var o settings
	flag.StringVar(&o.bin, "bin", ".", "directory of the server programs")
	flag.StringVar(&o.node, "node", "node", "directory of the npm server")
	flag.StringVar(&o.core, "core", "0", "core of the servers; this program and Redis should run on another")
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
	for _, mode := range []string{"classic", "sharded"} {
		if o.profile != "" {
			if _, err := o.measure(redis, mode, filepath.Join(o.bin, "clusternode")); err != nil {
				return err
			}
			continue
		}
		var ours, npm []figures
		for range o.rounds {
			f, err := o.measure(redis, mode, filepath.Join(o.bin, "clusternode"))
			if err != nil {
				return fmt.Errorf("ours: %w", err)
			}
			ours = append(ours, f)
			if f, err = o.measure(redis, mode, "node", filepath.Join(o.node, "cluster.mjs")); err != nil {
				return fmt.Errorf("node: %w", err)
			}
			npm = append(npm, f)
		}
		draw(mode, ours, npm)
	}
	return nil
}

// draw prints the medians, and the median of the ratios of the rounds.
func draw(mode string, ours, npm []figures) {
	fmt.Printf("\n%-24s%12s%12s%16s\n", mode, "ours", "node", "ours : node")
	for row, name := range rows {
		var a, b, ratios []float64
		for i := range ours {
			a, b = append(a, ours[i][row]), append(b, npm[i][row])
			ratios = append(ratios, ours[i][row]/npm[i][row])
		}
		format := "%-24s%12.2f%12.2f%12.2f\n"
		if row == rate {
			format = "%-24s%12.0f%12.0f%12.2f\n"
		}
		fmt.Printf(format, name, median(a), median(b), median(ratios))
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// measure starts a server and returns its figures.
func (o *settings) measure(redis *redis, mode string, args ...string) (f figures, err error) {
	p, err := process.Start(o.core, append(args, "-redis", redis.addr, "-mode", mode)...)
	if err != nil {
		return f, err
	}
	defer p.Stop()
	c, err := connect(p.Addr)
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

// room returns the name of a room of the clients, or of one that is elsewhere.
func room(i int, away bool) string {
	if away {
		return fmt.Sprint("away ", i%count)
	}
	return fmt.Sprint("room ", i%count)
}

// names returns the rooms of a client, with commas between.
func names(client int) string {
	var all []string
	for i := client; i < count; i += clientsOf {
		all = append(all, room(i, false))
	}
	return strings.Join(all, ",")
}

func init() {
	if os.Getenv("GOMAXPROCS") == "" {
		fmt.Fprintln(os.Stderr, "run it by cluster.sh")
		os.Exit(2)
	}
}
