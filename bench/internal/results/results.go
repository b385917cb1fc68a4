// SPDX-License-Identifier: MIT

// Package results holds what a run of the benchmark has measured: samples by row and
// server, their medians and ratios, and the file they are kept in. results.go has the data,
// rows.go the rows and servers, goals.go what is to be reached.
package results

import (
	"encoding/json"
	"os"
	"slices"
	"time"
)

// A Sample is one server in one round. Times are microseconds.
type Sample struct {
	// Value is KiB for each client, or CPU time for each operation, of which User is the
	// user-mode part.
	Value float64 `json:"value"`
	User  float64 `json:"user,omitempty"`
	// Rate is operations each second. Driver is the share of its core that the driver
	// used, DriverCPU what an operation cost it.
	Rate      float64 `json:"rate,omitempty"`
	Driver    float64 `json:"driver,omitempty"`
	DriverCPU float64 `json:"driverCPU,omitempty"`
	P50       float64 `json:"p50,omitempty"`
	P99       float64 `json:"p99,omitempty"`
	P999      float64 `json:"p999,omitempty"`
}

// A Run is one run of the benchmark.
type Run struct {
	Date     time.Time                      `json:"date"`
	Commit   string                         `json:"commit"`
	Machine  string                         `json:"machine"`
	Kernel   string                         `json:"kernel"`
	Versions map[string]string              `json:"versions"`
	Seconds  float64                        `json:"seconds"`
	Awake    bool                           `json:"awake"`
	Missing  map[string]string              `json:"missing,omitempty"` // servers that did not run, and why
	Notes    []string                       `json:"notes,omitempty"`
	Samples  map[string]map[string][]Sample `json:"samples"` // by row and server
	Million  *Million                       `json:"million,omitempty"`
}

// Million is what a simulation has measured.
type Million struct {
	Steps []Step `json:"steps"`
}

// A Step is a simulation at one number of sockets.
type Step struct {
	Sockets       int     `json:"sockets"`
	HeapBytes     float64 `json:"heapBytes"`     // live, for each socket
	ResidentBytes float64 `json:"residentBytes"` // of the process, for each socket
	ConnectMicros float64 `json:"connectMicros"` // CPU of one connection
	BroadcastMS   float64 `json:"broadcastMS"`
	BroadcastCPU  float64 `json:"broadcastCPU"` // us for each delivery
	GCPauseMax    float64 `json:"gcPauseMax"`   // ms, while connecting and broadcasting
	GCCycles      int     `json:"gcCycles"`
	Goroutines    int     `json:"goroutines"`
}

// New returns a Run without samples.
func New() *Run {
	return &Run{
		Date:     time.Now().UTC().Truncate(time.Second),
		Versions: make(map[string]string),
		Missing:  make(map[string]string),
		Samples:  make(map[string]map[string][]Sample),
	}
}

// Add adds a sample.
func (r *Run) Add(row, server string, s Sample) {
	if r.Samples[row] == nil {
		r.Samples[row] = make(map[string][]Sample)
	}
	r.Samples[row][server] = append(r.Samples[row][server], s)
}

// Value, User and the others choose what is compared.
func Value(s Sample) float64 { return s.Value }
func User(s Sample) float64  { return s.User }
func Rate(s Sample) float64  { return s.Rate }
func P50(s Sample) float64   { return s.P50 }
func P99(s Sample) float64   { return s.P99 }
func P999(s Sample) float64  { return s.P999 }

// Each returns a figure of every round.
func (r *Run) Each(row, server string, f func(Sample) float64) []float64 {
	var v []float64
	for _, s := range r.Samples[row][server] {
		v = append(v, f(s))
	}
	return v
}

// Median returns the median over the rounds. ok is false if no round has the figure.
func (r *Run) Median(row, server string, f func(Sample) float64) (m float64, ok bool) {
	v := r.Each(row, server, f)
	return Median(v), len(v) > 0
}

// Ratio returns the median of the ratios of server to other of the same rounds, and their
// range.
func (r *Run) Ratio(row, server, other string, f func(Sample) float64) (m, least, most float64, ok bool) {
	a, b := r.Each(row, server, f), r.Each(row, other, f)
	var v []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			v = append(v, a[i]/b[i])
		}
	}
	if len(v) == 0 {
		return 0, 0, 0, false
	}
	return Median(v), slices.Min(v), slices.Max(v), true
}

// Median returns the middle of v, 0 if it is empty.
func Median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n == 0 {
		return 0
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// Rounds is the largest number of rounds of a row.
func (r *Run) Rounds() int {
	most := 0
	for _, servers := range r.Samples {
		for _, s := range servers {
			most = max(most, len(s))
		}
	}
	return most
}

// Load reads a Run.
func Load(path string) (*Run, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := New()
	return r, json.Unmarshal(b, r)
}

// Save writes r.
func (r *Run) Save(path string) error {
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
