// SPDX-License-Identifier: MIT

// Package recovery has the mechanisms of connection state recovery, without sockets: the
// order of the events of a namespace (Order), the bookkeeping for a connected client
// (Track), which clients are connected or coming back (Lineages), and which events a client
// that comes back has missed (Find, Missed).
//
// Reading order: order.go, line.go (events that wait for their numbers), track.go,
// lineages.go, saves.go, later.go (work that nobody waits for), stall.go (work that ends
// when it makes no progress), missed.go.
package recovery
