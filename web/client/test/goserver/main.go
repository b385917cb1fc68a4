// SPDX-License-Identifier: MIT

// Command goserver is the Go server of the client's scenarios: see package clientserver.
package main

import (
	"log"

	"socketio/internal/clientserver"
	"socketio/internal/nodes"
)

func main() {
	if err := clientserver.Run(nodes.Bus{}); err != nil {
		log.Fatal(err)
	}
}
