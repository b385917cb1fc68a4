// SPDX-License-Identifier: MIT

//go:build linux

// Command quick compares the server of this repository with the floor of the
// kernel, a Go WebSocket library and the npm server: memory of an idle client, and
// the server's own CPU per echo, acknowledgement, delivery and connection. It is
// the load driver too, and prints ratios. Run it by ../../quick.sh.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"socketio/bench/internal/control"
	"socketio/bench/internal/load"
	"socketio/bench/internal/process"
)

// settings are the flags; see main.
type settings struct {
	bin, node, core string
	idle, clients   int
	rounds          int
	limit           time.Duration
	profile         string
	profiled        string
	other           string
	rows            string
}

func main() {
	var o settings
	flag.StringVar(&o.bin, "bin", ".", "directory of the server programs")
	flag.StringVar(&o.node, "node", "node", "directory of the npm server")
	flag.StringVar(&o.core, "core", "0", "core of the servers; this program should run on another")
	flag.IntVar(&o.idle, "idle", 10_000, "clients of the memory figure")
	flag.IntVar(&o.clients, "clients", 1000, "clients of the other figures")
	flag.IntVar(&o.rounds, "rounds", 7, "rounds at most")
	flag.DurationVar(&o.limit, "limit", 150*time.Second, "no round begins that would end later than this")
	flag.StringVar(&o.profile, "profile", "", "write profiles of one server to this directory, and compare nothing")
	flag.StringVar(&o.profiled, "server", "ours", "the server that is profiled")
	flag.StringVar(&o.other, "other", "", "another build of cmd/ours, by its full path: compare with it and the floor alone")
	flag.StringVar(&o.rows, "rows", "", "measure these rows only: idle, echo, ack, broadcast, connect, poll, blob, with commas between")
	flag.Parse()

	if err := o.checkRows(); err != nil {
		fmt.Fprintln(os.Stderr, "quick:", err)
		os.Exit(2)
	}
	scale(&o, control.RaiseLimit())
	b := &bench{settings: o, begun: time.Now()}
	var err error
	if b.loop, err = load.NewLoop(); err == nil {
		if o.profile != "" {
			err = b.profileAll()
		} else {
			err = b.compare()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quick:", err)
		os.Exit(1)
	}
}

// scale asks for no more clients than there are descriptors, here and in each
// server. The servers that are compared have theirs at the same time.
func scale(o *settings, limit int) {
	const spare = 200
	if most := limit - spare; most < o.idle {
		fmt.Printf("notice: at most %d descriptors, so %d idle clients instead of %d\n", limit, most, o.idle)
		o.idle = most
	}
	if most := (limit - spare) / len(specs("")); most < o.clients {
		fmt.Printf("notice: at most %d descriptors, so %d clients instead of %d\n", limit, most, o.clients)
		o.clients = most
	}
}

// A bench is one run of the whole.
type bench struct {
	settings
	begun time.Time
	loop  *load.Loop
}

// A scenario is work whose CPU is measured.
type scenario struct {
	name     string
	socketIO bool // servers without Socket.IO, or without polling, can't do it
	run      func(*load.Loop, *load.Target) (ops int, err error)
	prepare  func(*load.Target) (work func() (ops int, err error), end func(), err error) // instead of run
}

// begin returns the work of a scenario, and what ends it.
func (sc scenario) begin(l *load.Loop, t *load.Target) (work func() (int, error), end func(), err error) {
	if sc.prepare != nil {
		return sc.prepare(t)
	}
	return func() (int, error) { return sc.run(l, t) }, func() {}, nil
}

func scenarios(clients int) []scenario {
	return []scenario{
		{name: "echo", run: func(l *load.Loop, t *load.Target) (int, error) { return l.Echo(t, 15) }},
		{name: "ack", run: func(l *load.Loop, t *load.Target) (int, error) { return l.Ack(t, 15) }},
		{name: "broadcast", run: func(l *load.Loop, t *load.Target) (int, error) {
			return l.Broadcast(t, min(max(25_000/clients, 1), 100))
		}},
		{name: "connect", run: func(l *load.Loop, t *load.Target) (int, error) { return 600, l.Churn(t, 600) }},
		{name: "poll", socketIO: true, prepare: func(t *load.Target) (func() (int, error), func(), error) {
			p, err := load.NewPollers(t, min(100, clients))
			if err != nil {
				return nil, nil, err
			}
			return func() (int, error) { return p.Echo(20) }, p.Leave, nil
		}},
		{name: "blob", socketIO: true, run: func(l *load.Loop, t *load.Target) (int, error) { return l.Blob(t, 50, 20) }},
	}
}

// wants reports whether a row is to be measured.
func (o *settings) wants(row string) bool {
	return o.rows == "" || slices.Contains(strings.Split(o.rows, ","), row)
}

func (o *settings) checkRows() error {
	known := []string{"idle"}
	for _, sc := range scenarios(1) {
		known = append(known, sc.name)
	}
	for row := range strings.SplitSeq(o.rows, ",") {
		if o.rows != "" && !slices.Contains(known, row) {
			return fmt.Errorf("no row is called %q; there are %s", row, strings.Join(known, ", "))
		}
	}
	return nil
}

// compare measures every server and prints the tables.
func (b *bench) compare() error {
	list := specs(b.node)
	ours := list[:2]
	if b.other != "" {
		list = []spec{list[0], list[2], {"other", []string{b.other, "-driver=poll"}}}
		ours = []spec{list[0], list[2]}
	}
	res := newResults()
	for range 2 {
		if !b.wants("idle") {
			break
		}
		for _, s := range list {
			if err := b.memory(s, "idle", res); err != nil {
				return fmt.Errorf("memory of %s: %w", s.name, err)
			}
		}
		for _, s := range ours {
			if err := b.memory(s, "idle-bare", res, "-handlers=false"); err != nil {
				return fmt.Errorf("memory of %s: %w", s.name, err)
			}
		}
	}
	if b.other == "" {
		if b.wants("idle") {
			if err := b.kept(res); err != nil {
				return fmt.Errorf("memory of sessions: %w", err)
			}
		}
		if b.wants("broadcast") {
			list = append(list, recoverers...)
		}
	}
	if err := b.load(list, res); err != nil {
		return err
	}
	res.print(b.settings, time.Since(b.begun))
	return nil
}

// memory measures the memory of idle clients on a fresh server.
func (b *bench) memory(s spec, figure string, res *results, extra ...string) error {
	p, err := start(s, b.bin, b.core, extra...)
	if err != nil {
		return err
	}
	defer p.Stop()
	t, err := load.NewTarget(p.Addr)
	if err != nil {
		return err
	}
	defer b.loop.Leave(t)
	var rss [3]float64
	steps := []func() error{
		func() error { return b.settle(300 * time.Millisecond) },
		func() error { return errors.Join(b.loop.Connect(t, b.idle), b.settle(time.Second)) },
		func() error { _, err := p.Command("gc"); return errors.Join(err, b.settle(300*time.Millisecond)) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return err
		}
		if rss[i], err = p.RSS(); err != nil {
			return err
		}
	}
	res.add(s.name, figure, sample{value: (rss[1] - rss[0]) / float64(b.idle)})
	res.add(s.name, figure+"-gc", sample{value: (rss[2] - rss[0]) / float64(b.idle)})
	return nil
}

// recovering begins the names of servers with recovery, whose broadcasts are measured.
const recovering = "recovery "

var recoverers = []spec{
	{recovering + "memory", []string{"ours", "-driver=poll", "-recovery=memory"}},
	{recovering + "disk", []string{"ours", "-driver=poll", "-recovery=disk"}},
}

// kept measures the memory of sessions whose clients have gone.
func (b *bench) kept(res *results) error {
	for _, s := range recoverers {
		p, err := start(s, b.bin, b.core)
		if err != nil {
			return err
		}
		defer p.Stop()
		t, err := load.NewTarget(p.Addr)
		if err != nil {
			return err
		}
		var rss [2]float64
		for i, step := range []func() error{
			func() error { return b.loop.Connect(t, 1) }, // what the first one takes does not count
			func() error {
				err := errors.Join(b.loop.Connect(t, b.idle), b.settle(time.Second))
				b.loop.Leave(t)
				return err
			},
		} {
			if err := errors.Join(step(), b.settle(2*time.Second)); err != nil {
				return err
			}
			if _, err := p.Command("gc"); err != nil {
				return err
			}
			if rss[i], err = p.RSS(); err != nil {
				return err
			}
		}
		res.add(s.name, "kept", sample{value: (rss[1] - rss[0]) / float64(b.idle)})
	}
	return nil
}

// A subject is a server with its clients.
type subject struct {
	name   string
	proc   *process.Process
	target *load.Target
}

// settle waits until the server has finished its work for clients that have connected or
// left. A tenth of the time is enough for a run with few clients, which only shows that all
// works.
func (b *bench) settle(d time.Duration) error {
	if b.idle < 1000 {
		d /= 10
	}
	return b.loop.Idle(d)
}

// enter starts a server and connects the clients.
func (b *bench) enter(s spec, clients int, extra ...string) (*subject, error) {
	p, err := start(s, b.bin, b.core, extra...)
	if err != nil {
		return nil, err
	}
	t, err := load.NewTarget(p.Addr)
	if err == nil {
		err = b.loop.Connect(t, clients)
	}
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return &subject{s.name, p, t}, nil
}

// load measures the scenarios in turns: every server does a bit of each in
// every round, and another one begins.
func (b *bench) load(list []spec, res *results) error {
	var subjects []*subject
	defer func() {
		for _, s := range subjects {
			b.loop.Leave(s.target)
			s.proc.Stop()
		}
	}()
	for _, s := range list {
		sub, err := b.enter(s, b.clients)
		if err != nil {
			return err
		}
		subjects = append(subjects, sub)
	}
	longest := time.Duration(0)
	for round := range b.rounds + 1 {
		began := time.Now()
		if round > 1 && time.Since(b.begun)+longest > b.limit {
			break
		}
		for _, sc := range scenarios(b.clients) {
			for i := range subjects {
				s := subjects[(i+round)%len(subjects)]
				if strings.HasPrefix(s.name, recovering) && sc.name != "broadcast" {
					continue
				}
				if !b.wants(sc.name) || sc.socketIO && (s.name == "floor" || s.name == "gws") {
					continue
				}
				m, err := b.measure(s, sc)
				if err != nil {
					return fmt.Errorf("%s of %s: %w", sc.name, s.name, err)
				}
				if round > 0 { // the first one warms up
					res.add(s.name, sc.name, m)
				}
			}
		}
		longest = max(longest, time.Since(began))
	}
	return nil
}

// measure runs a scenario once.
func (b *bench) measure(s *subject, sc scenario) (sample, error) {
	work, end, err := sc.begin(b.loop, s.target)
	if err != nil {
		return sample{}, err
	}
	defer end()
	user0, sys0, err := s.proc.CPU()
	if err != nil {
		return sample{}, err
	}
	ownUser0, ownSys0 := control.CPU()
	began := time.Now()
	ops, err := work()
	if err != nil {
		return sample{}, err
	}
	wall := time.Since(began)
	ownUser, ownSys := control.CPU()
	// What the server does after the last answer counts too.
	if err := b.loop.Idle(20 * time.Millisecond); err != nil {
		return sample{}, err
	}
	user, sys, err := s.proc.CPU()
	n := float64(ops)
	return sample{
		value:  (user - user0 + sys - sys0) / n,
		user:   (user - user0) / n,
		driver: float64(ownUser-ownUser0+ownSys-ownSys0) / float64(wall.Microseconds()),
		rate:   n / wall.Seconds(),
	}, err
}
