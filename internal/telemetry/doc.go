// SPDX-License-Identifier: MIT

// Package telemetry protects a server from its observers and its log from peers: panics
// of observers are recovered, and values from a peer can't forge a log line.
//
// Reading order: observers.go, logger.go, logvalue.go, sampled.go.
package telemetry
