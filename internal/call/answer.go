// SPDX-License-Identifier: MIT

// This file holds how handlers answer an event, and which of several does.

package call

// An Answer says how a handler answers its event.
type Answer uint8

// The ways to answer.
const (
	Results Answer = iota // the handler has results, or it failed
	Nothing               // it has no results
	ByHand                // it takes an acknowledgement function
)

// Answers collects how the handlers of one event have answered.
type Answers struct{ nothing, byHand bool }

// Add notes how a handler has answered.
func (a *Answers) Add(how Answer) {
	a.nothing = a.nothing || how == Nothing
	a.byHand = a.byHand || how == ByHand
}

// EmptyDue reports whether an empty acknowledgement is due, if no handler sent another:
// a handler without results ran, and none answers by hand.
func (a *Answers) EmptyDue() bool { return a.nothing && !a.byHand }
