// SPDX-License-Identifier: MIT

// Package tether lets tests start programs that end with the test program, also when that
// is killed: programs that the test waits for, and servers on ports of this machine.
//
// # Reading order
//
// tether.go (a program), server.go (a server), process_linux.go and process_other.go (its
// process), signal_unix.go and signal_other.go (pausing it).
package tether
