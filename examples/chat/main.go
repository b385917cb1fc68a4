// SPDX-License-Identifier: MIT

// Command chat is a chat room; its source is in package room.
//
// It listens on localhost:3000, or on the port in the environment variable
// PORT (0 takes a free one). Any Socket.IO client that emits "chat message"
// with a string takes part.
package main

import (
	"fmt"
	"os"

	"socketio/examples/chat/room"
)

func main() {
	if err := room.Run(nil); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}
