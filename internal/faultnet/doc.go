// SPDX-License-Identifier: MIT

// The package comment.

// Package faultnet holds networks that fail when a test says so: between two connections
// of any kind, or as a proxy between TCP ports of this machine.
//
// Reading order: link.go (the faults of a client's network), relay.go (one connection,
// carried by two goroutines), unmask.go (what a client wrote into its WebSocket frames),
// proxy.go (a link between TCP ports), control.go (proxies for other programs).
package faultnet
