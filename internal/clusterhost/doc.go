// SPDX-License-Identifier: MIT

// Package clusterhost has servers for the tests of engines: hosts that send each other
// numbered events over a cluster, and check what they receive.
//
// # Reading order
//
// host.go (a host), holes.go (what it lacks, and why), exchange.go (what hosts do together, and
// waiting), losses.go and returns.go (rows of a table of docs/cluster.md), remains.go (what
// faults leave behind), proxied.go (faults of the network).
package clusterhost
