// SPDX-License-Identifier: MIT

// This file is for systems that do not identify their runs.

//go:build !linux && !darwin

package diskstore

// bootID is not known. After a process that did not close its store, an unsynced one is
// emptied.
func bootID() string { return "" }
