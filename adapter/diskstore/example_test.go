// SPDX-License-Identifier: MIT

// This file shows how a server uses a store on a disk.

package diskstore_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"socketio"
	"socketio/adapter/diskstore"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "recovery")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	// The server before this one may still be shutting down.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	store, err := diskstore.Open(ctx, dir, nil)
	if err != nil {
		panic(err)
	}
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{Store: store}})
	fmt.Println(io.Emit("news", "kept for clients that come back"))
	fmt.Println(io.Shutdown(ctx)) // closes the store
	// Output:
	// <nil>
	// <nil>
}
