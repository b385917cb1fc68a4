// SPDX-License-Identifier: MIT

// This file holds Report: what a check has found.

package histcheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Class is a kind of fault.
type Class string

// The classes of faults.
const (
	Lost       Class = "lost"                   // never arrived, although its session went on to the end
	Hole       Class = "hole-then-more"         // did not arrive, but later ones did
	Duplicate  Class = "duplicate"              // arrived or was handled more often than allowed
	Reordered  Class = "reordered"              // arrived after a later one
	Unexpected Class = "unexpected"             // was never sent, or not so
	Wrong      Class = "wrong-session"          // was for others
	AckWrong   Class = "ack-mismatch"           // an acknowledgement is missing, comes twice, or lies
	Stale      Class = "stale-after-disconnect" // arrived while the socket was not connected
	DoubleID   Class = "double-id"              // two live sockets have one id
	State      Class = "state"                  // rooms, data or reasons are not what they should be
	Forbidden  Class = "forbidden"              // the client had not been admitted
	Hung       Class = "hung"                   // a question has no end
)

// A Violation is one fault.
type Violation struct {
	Class   Class
	Rule    string // I1 to I19
	Event   Event  // at which it was noticed
	Text    string
	Context []Event // before Event in the same log, and where it was sent
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.Class, v.Rule, v.Text)
	for _, e := range append(slices.Clone(v.Context), v.Event) {
		line, _ := json.Marshal(e)
		fmt.Fprintf(&b, "\n    %s", line)
	}
	return b.String()
}

// A Report is the result of a check.
type Report struct {
	Violations []Violation
	Invalid    []string       // why the run says nothing, if it does not
	Counts     map[string]int // what was done; see check.go
	Reasons    map[string]int // of clients that should have been recovered and were not
}

// OK reports whether the run was valid and without a fault.
func (r *Report) OK() bool { return len(r.Violations) == 0 && len(r.Invalid) == 0 }

// Classes counts the violations of each class.
func (r *Report) Classes() map[Class]int {
	n := make(map[Class]int)
	for _, v := range r.Violations {
		n[v.Class]++
	}
	return n
}

// maxShown bounds the violations that String shows in full.
const maxShown = 10

func (r *Report) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.Counts)) {
		fmt.Fprintf(&b, "%s %d, ", name, r.Counts[name])
	}
	fmt.Fprintf(&b, "faults %d", len(r.Violations))
	for _, reason := range slices.Sorted(maps.Keys(r.Reasons)) {
		fmt.Fprintf(&b, "\nnot recovered: %d because of %s", r.Reasons[reason], reason)
	}
	for _, text := range r.Invalid {
		fmt.Fprintf(&b, "\nnot valid: %s", text)
	}
	for _, c := range slices.Sorted(maps.Keys(r.Classes())) {
		fmt.Fprintf(&b, "\n%s: %d", c, r.Classes()[c])
	}
	for _, v := range r.Violations[:min(len(r.Violations), maxShown)] {
		fmt.Fprintf(&b, "\n%s", v)
	}
	return b.String()
}
