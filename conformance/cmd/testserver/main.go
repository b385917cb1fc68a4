// SPDX-License-Identifier: MIT

// Testserver is the program that the conformance suite runs: see package conformserver.
package main

import (
	"log"

	"socketio/internal/conformserver"
	"socketio/internal/nodes"
)

func main() {
	log.SetFlags(0)
	if err := conformserver.Run(nodes.Bus{}); err != nil {
		log.Fatal(err)
	}
}
