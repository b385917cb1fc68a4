// SPDX-License-Identifier: MIT

// Command chat is examples/chat with a store on a disk: when it is restarted, pages miss
// nothing. Its store is in the directory of its argument.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"socketio/adapter/diskstore"
	"socketio/examples/chat/room"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: chat DIRECTORY")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	store, err := diskstore.Open(ctx, os.Args[1], nil)
	if err != nil {
		return err
	}
	return room.Run(store) // which closes it
}
