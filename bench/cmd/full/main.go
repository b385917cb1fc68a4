// SPDX-License-Identifier: MIT

//go:build linux

// Command full measures every row of the benchmark with every server, in interleaved
// rounds, and writes a file of results. It is the load driver too. Run it by
// ../../full.sh; cmd/report makes tables and charts from the file.
//
// Reading order: main.go, servers.go (who is compared), live.go (rows of servers that live
// for the whole run), crowd.go (those with many clients, each on a fresh server), measure.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"socketio/bench/internal/control"
	"socketio/bench/internal/load"
	"socketio/bench/internal/results"
)

// settings are the flags; see main.
type settings struct {
	dir, bin, core string
	out            string
	rounds         int
	limit          time.Duration
	slice          time.Duration
	scale          float64
	rows, servers  string
	awake          bool
}

func main() {
	var o settings
	flag.StringVar(&o.dir, "dir", ".", "directory of the benchmark")
	flag.StringVar(&o.bin, "bin", ".", "directory of the server programs")
	flag.StringVar(&o.core, "core", "0", "core of the servers; this program should run on another")
	flag.StringVar(&o.out, "out", "results.json", "file for the results")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds")
	flag.DurationVar(&o.limit, "limit", 25*time.Minute, "no round begins that would end later than this")
	flag.DurationVar(&o.slice, "slice", 500*time.Millisecond, "how long one server does the work of one row in one round")
	flag.Float64Var(&o.scale, "scale", 1, "share of the clients")
	flag.StringVar(&o.rows, "rows", "", "measure these rows only, with commas between; a * at the end stands for any")
	flag.StringVar(&o.servers, "servers", "", "compare these servers only, with commas between")
	flag.BoolVar(&o.awake, "awake", false, "the driver never sleeps, so that no server pays for waking it")
	commit := flag.String("commit", "", "what is measured, for the file")
	flag.Parse()
	for name := range strings.SplitSeq(o.servers, ",") {
		if name != "" && !slices.ContainsFunc(results.Servers, func(s results.Server) bool { return s.Name == name }) {
			fail(2, fmt.Errorf("no server is called %q", name))
		}
	}

	control.RaiseLimit()
	loop, err := load.NewLoop()
	if err != nil {
		fail(1, err)
	}
	loop.Spin = o.awake
	b := &bench{settings: o, begun: time.Now(), loop: loop, run: results.New()}
	b.run.Commit, b.run.Awake = *commit, o.awake
	b.describe()
	b.all()
	b.run.Seconds = time.Since(b.begun).Seconds()
	if err := b.run.Save(o.out); err != nil {
		fail(1, err)
	}
	if len(b.run.Samples) == 0 {
		fail(1, fmt.Errorf("nothing was measured"))
	}
	fmt.Printf("%s: %d rounds in %.0f s\n", o.out, b.run.Rounds(), b.run.Seconds)
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "full:", err)
	os.Exit(code)
}

// A bench is one run of the whole.
type bench struct {
	settings
	begun time.Time
	loop  *load.Loop
	run   *results.Run
}

// all runs the parts. Each has a share of the time.
func (b *bench) all() {
	servers := b.available()
	b.rounded(0.4, b.live(servers))
	b.rounded(0.9, b.crowds(servers))
	b.rounded(1, b.twoCores(servers))
}

// A part is a sequence of rounds. Its round 0, if it has one, warms up.
type part struct {
	warm  bool
	round func(i int)
	end   func()
}

// rounded runs the rounds of a part until the share of the whole time is over, but one at
// least.
func (b *bench) rounded(share float64, p part) {
	defer p.end()
	longest := time.Duration(0)
	first := 1
	if p.warm {
		first = 0
	}
	for i := first; i <= b.rounds; i++ {
		began := time.Now()
		if i > 1 && time.Since(b.begun)+longest > time.Duration(share*float64(b.limit)) {
			b.note("only %d rounds of a part, because the time was over", i-1)
			break
		}
		p.round(i)
		if i > 0 {
			longest = max(longest, time.Since(began))
		}
	}
}

// note says something about the run, on the terminal and in the results.
func (b *bench) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(b.run.Notes, text) {
		b.run.Notes = append(b.run.Notes, text)
	}
	fmt.Println("notice:", text)
}

// wants reports whether a row is to be measured.
func (b *bench) wants(row string) bool {
	if b.rows == "" {
		return true
	}
	for want := range strings.SplitSeq(b.rows, ",") {
		begin, many := strings.CutSuffix(want, "*")
		if want == row || many && strings.HasPrefix(row, begin) {
			return true
		}
	}
	return false
}

// wantsAny reports whether one of the rows is to be measured.
func (b *bench) wantsAny(rows ...string) bool { return slices.ContainsFunc(rows, b.wants) }

// scaled is the number of clients for one of the table's.
func (b *bench) scaled(n int) int { return max(int(b.scale*float64(n)), 20) }
