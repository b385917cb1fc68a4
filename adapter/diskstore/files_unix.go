// SPDX-License-Identifier: MIT

// This file syncs directories where the system can.

//go:build unix

package diskstore

import "os"

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}
