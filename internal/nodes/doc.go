// SPDX-License-Identifier: MIT

// Package nodes runs a test server as several processes on one bus, behind nginx without
// sticky sessions: each request of a client goes to the next of them. What the handlers of
// all processes must know, such as the reports of a test, is in their notes.
//
// # Reading order
//
// program.go (the first process, which starts the others), node.go (one of the others),
// notes.go (what all know), nginx.go, endwithus_linux.go and endwithus_other.go (programs
// end with the one that has started them).
package nodes
