// SPDX-License-Identifier: MIT

// Testserver is the program that the conformance suite runs: see package conformserver.
package main

import (
	"log"

	"socketio/internal/conformserver"
)

func main() {
	log.SetFlags(0)
	if err := conformserver.Run(conformserver.InMemory()); err != nil {
		log.Fatal(err)
	}
}
