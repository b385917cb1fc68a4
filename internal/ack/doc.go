// SPDX-License-Identifier: MIT

// Package ack keeps the acknowledgements awaited from peers: the waiter for each id,
// their limit, and the treatment of late answers. It depends on neither packets nor
// connections.
//
// Reading order: table.go, late.go (how a wait ends, and late answers).
package ack
