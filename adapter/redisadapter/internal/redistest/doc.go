// SPDX-License-Identifier: MIT

// Package redistest starts Redis servers for tests: one, a replica, or six as a Redis
// Cluster. Each listens on a port of 127.0.0.1 that was free, keeps its files in a
// temporary folder, and ends with its test. On Linux it also ends when the process of the
// test is killed.
//
// The program is redis-server, or what the environment variable REDIS_SERVER names, for
// example valkey-server, which StartValkey takes in any case. Debian's package redis-tools has it without a service, under the
// name redis-check-rdb.
//
// # Reading order
//
// server.go (a server, whose process is that of package tether), conn.go (a connection for
// commands), tls.go (a server with TLS), cluster.go (six servers as one).
package redistest
