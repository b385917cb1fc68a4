// SPDX-License-Identifier: MIT

// This file identifies the run of the system on macOS.

package diskstore

import "syscall"

// bootID is different each time the system starts.
func bootID() string {
	id, err := syscall.Sysctl("kern.bootsessionuuid")
	if err != nil || len(id) > 64 {
		return ""
	}
	return id
}
