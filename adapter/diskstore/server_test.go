// SPDX-License-Identifier: MIT

// This file has a server with a store on a disk, as a program of its own.

package diskstore_test

import "socketio/internal/histserver"

// serve runs the server of the delivery suite, until SIGTERM or SIGKILL.
func serve(dir string) {
	if err := histserver.Serve(opened(dir)); err != nil {
		fail(err)
	}
}
