// SPDX-License-Identifier: MIT

// This file determines how handlers answer an event, and which of several handlers does.

package call

// An Answer is the way in which a handler answers its event.
type Answer uint8

// The ways to answer.
const (
	Results Answer = iota // the handler has results, or it failed
	Nothing               // it has no results
	ByHand                // it takes an acknowledgement function
)

// Answers collects the Answer of each handler of one event.
type Answers struct{ nothing, byHand bool }

// Add adds the Answer of a handler.
func (a *Answers) Add(how Answer) {
	a.nothing = a.nothing || how == Nothing
	a.byHand = a.byHand || how == ByHand
}

// EmptyDue reports whether an empty acknowledgement is due, if no handler sent another:
// a handler without results ran, and none answers by hand.
func (a *Answers) EmptyDue() bool { return a.nothing && !a.byHand }

// ByHand reports whether a handler that ran answers by hand.
func (a *Answers) ByHand() bool { return a.byHand }
