// SPDX-License-Identifier: MIT

// This file counts goroutines by what they are for.

package leakcheck

import "strings"

// A Census holds the stacks of the goroutines of a process, by what they are for: their
// outermost functions, and the function that started them.
type Census map[string][]string

// Take counts all goroutines but the caller's, and but those whose stack has one of the
// texts of except.
func Take(except ...string) Census {
	c := make(Census)
next:
	for _, stack := range leftovers() {
		for _, text := range except {
			if strings.Contains(stack, text) {
				continue next
			}
		}
		kind := kindOf(stack)
		c[kind] = append(c[kind], stack)
	}
	return c
}

// kindOf returns the names of the two outermost functions of a stack and of the one that
// started it. That is sync.WaitGroup.Go for many: the function that it has called tells
// them apart.
func kindOf(stack string) string {
	var names []string
	for _, line := range strings.Split(stack, "\n")[1:] {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		if by, ok := strings.CutPrefix(line, "created by "); ok {
			line, _, _ = strings.Cut(by, " in goroutine ")
		} else if i := strings.LastIndexByte(line, '('); i >= 0 {
			line = line[:i]
		}
		names = append(names, line)
	}
	return strings.Join(names[max(0, len(names)-3):], ", ")
}

// Add makes c the larger of c and other, for each kind.
func (c Census) Add(other Census) {
	for kind, stacks := range other {
		if len(stacks) > len(c[kind]) {
			c[kind] = stacks
		}
	}
}

// Over returns the kinds of which c has more than most, with their stacks.
func (c Census) Over(most Census) Census {
	over := make(Census)
	for kind, stacks := range c {
		if len(stacks) > len(most[kind]) {
			over[kind] = stacks
		}
	}
	return over
}

// String returns the stacks.
func (c Census) String() string {
	var b strings.Builder
	for _, stacks := range c {
		b.WriteString(strings.Join(stacks, "\n\n") + "\n\n")
	}
	return b.String()
}
