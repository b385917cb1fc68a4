// SPDX-License-Identifier: MIT

// Package ack keeps the acknowledgements that are awaited from peers: who waits for
// which id, how many there may be, and what is done with late answers. It knows neither
// packets nor connections.
//
// Reading order: count.go, table.go.
package ack
