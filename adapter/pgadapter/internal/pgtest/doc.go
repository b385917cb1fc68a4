// SPDX-License-Identifier: MIT

// Package pgtest starts PostgreSQL servers for tests. Each listens on a port of 127.0.0.1
// that was free, keeps its data in a temporary folder, and ends with its test. On Linux it
// also ends when the process of the test is killed. A test that runs as root runs the
// server as the user postgres, because PostgreSQL refuses to run as root.
//
// The programs are those of the folder that the environment variable PG_BIN names, or the
// newest of Debian's, or those of PATH. The data are a copy of a template, which is made
// once in each test program.
//
// # Reading order
//
// server.go (a server, whose process is that of package tether), template.go (its data),
// process_linux.go and process_other.go (its user, and signals to its processes).
package pgtest
