// SPDX-License-Identifier: MIT

// Package natstest starts NATS servers for tests: one, or three as a cluster. Each is a
// process that listens on a port of 127.0.0.1 that was free, keeps its files in a
// temporary folder, and ends with its test. On Linux it also ends when the process of the
// test is killed.
//
// The program is what the environment variable NATS_SERVER names. Without it, the module
// tools/natsserver is built once, and kept in the cache folder of the user.
//
// # Reading order
//
// build.go (the program), server.go (a server, whose process is that of package tether),
// cluster.go (three as one), signal_unix.go and signal_other.go (what it is asked to do).
package natstest
