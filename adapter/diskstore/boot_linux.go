// SPDX-License-Identifier: MIT

// This file identifies the run of the system on Linux.

package diskstore

import (
	"os"
	"strings"
)

// bootID is different each time the system starts.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(b) > 64 {
		return ""
	}
	return strings.TrimSpace(string(b))
}
