// SPDX-License-Identifier: MIT

// This file examines the checker, before it examines anything else.

package histcheck_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	hc "socketio/internal/histcheck"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const histories = 1000

func TestCleanHistoriesHaveNoFault(t *testing.T) {
	counts := make(map[string]int)
	for seed := range uint64(histories) {
		report := hc.Check(clean(seed))
		if !report.OK() {
			t.Fatalf("seed %d: %s", seed, report)
		}
		for name, n := range report.Counts {
			counts[name] += n
		}
	}
	t.Log(counts)
	for _, name := range []string{
		"connected", "sent by clients", "sent by servers", "received by clients", "received by servers",
		"acknowledged", "not acknowledged", "recovered", "wanted and recovered", "killed",
	} {
		if counts[name] < histories/10 {
			t.Errorf("%s: %d in %d histories", name, counts[name], histories)
		}
	}
}

func TestEveryFaultIsFound(t *testing.T) { findAll(t, histories, faults, newFaulty) }

// findAll puts count faults into histories, and demands that each is found.
func findAll(t *testing.T, count int, faults []fault, history func(seed uint64) *faulty) {
	t.Helper()
	times := make(map[string]int)
	for i, seed := 0, uint64(0); i < count; seed++ {
		fault := faults[i%len(faults)]
		f := history(seed)
		if !fault.put(f) {
			if seed > 20*histories {
				t.Fatalf("%s: no history has a place for it", fault.name)
			}
			continue
		}
		i++
		times[fault.name]++
		report := hc.Check(f.History)
		if !slices.ContainsFunc(report.Violations, func(v hc.Violation) bool { return slices.Contains(fault.found, v.Class) }) {
			t.Errorf("seed %d: %s: not found: %s", seed, fault.name, report)
		}
	}
	if len(times) != len(faults) {
		t.Errorf("%d of %d faults were tried", len(times), len(faults))
	}
}

// A run that did nothing has no fault either.
func TestRunsThatAreNotValid(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(h hc.History)
		want   string
	}{
		{"no plan", func(h hc.History) { delete(h, "runner") }, "there is no plan"},
		{"too little", func(h hc.History) {
			h["runner"][0].Ops = map[string]int{"connected": 1000}
		}, "of 1000"},
		{"a client that stopped early", func(h hc.History) {
			h["c0"] = slices.DeleteFunc(h["c0"], func(e event) bool { return e.Kind == hc.End })
		}, "client c0 has not come to the end"},
		{"a server that died", func(h hc.History) {
			for proc := range h {
				if isServer(proc) {
					h[proc] = slices.DeleteFunc(h[proc], func(e event) bool { return e.Kind == hc.End })
				}
			}
		}, "has not stopped"},
		{"a recorder that loses emits", func(h hc.History) {
			for i, e := range h["c0"] {
				if e.Kind == hc.Emit {
					h["c0"] = slices.Delete(h["c0"], i, i+1)
					return
				}
			}
		}, "are not numbered one after the other"},
	} {
		h := clean(1)
		test.change(h)
		report := hc.Check(h)
		if report.OK() || !strings.Contains(strings.Join(report.Invalid, "\n"), test.want) {
			t.Errorf("%s: %s", test.name, report)
		}
	}
	h := clean(1)
	n := hc.Check(h).Counts["connected"]
	for _, plan := range []struct {
		n  int
		ok bool
	}{{n, true}, {n * 110 / 100, true}, {n*112/100 + 1, false}} {
		h["runner"][0].Ops = map[string]int{"connected": plan.n}
		if report := hc.Check(h); report.OK() != plan.ok {
			t.Errorf("%d of %d connections: %s", n, plan.n, report)
		}
	}
}

func TestRecorderAndReader(t *testing.T) {
	dir := t.TempDir()
	for proc, log := range clean(3) {
		var b bytes.Buffer
		r := hc.NewRecorder(proc, &b)
		for _, e := range log {
			if err := r.Record(e); err != nil {
				t.Fatal(err)
			}
		}
		if isServer(proc) {
			b.WriteString(`{"proc":"server#1","kind":"em`) // killed while it wrote
		}
		if err := os.WriteFile(filepath.Join(dir, proc+".jsonl"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := hc.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range h {
		for i := range log {
			if log[i].T == 0 {
				t.Fatalf("no time: %v", log[i])
			}
			log[i].T = 0
		}
	}
	got, _ := json.Marshal(h)
	want, _ := json.Marshal(clean(3))
	if !bytes.Equal(got, want) {
		t.Error("the history that was read is not the one that was recorded")
	}
	if err := h.Read(strings.NewReader("{\n")); err == nil {
		t.Error("no error about a line that is no JSON")
	}
}

func TestReportShowsWhereAFaultIs(t *testing.T) {
	f := newFaulty(5)
	if !f.duplicate(false) {
		t.Fatal("no place for the fault")
	}
	text := hc.Check(f.History).String()
	for _, want := range []string{"faults 1", "duplicate: 1", "duplicate (I3): it had arrived", `"kind":"emit"`, `"kind":"recv"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the report:\n%s", want, text)
		}
	}
}
