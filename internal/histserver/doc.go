// SPDX-License-Identifier: MIT

// Package histserver is the server of the delivery suite: it records what it sends and
// receives, for package histcheck. It runs in a process of its own, which tests kill.
//
// Reading order: server.go (what it records of connections, and its handlers), traffic.go
// (what it emits by itself), peers.go (the other servers, if there are some), campaign.go
// (the suite of several servers, for the tests of engines).
package histserver
