// SPDX-License-Identifier: MIT

// This file is for systems that do not sync directories.

//go:build !unix

package diskstore

func syncDir(string) error { return nil }
