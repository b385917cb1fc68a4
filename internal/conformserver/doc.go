// SPDX-License-Identifier: MIT

// Package conformserver is the program that the conformance suite runs: package socketio
// with the behaviour that conformance/README.md describes, as one server, or as several
// behind nginx.
//
// # Reading order
//
// server.go (the program), several.go (one of several servers), app.go (what handlers
// share), namespaces.go, handlers.go, life.go, many.go, watching.go (handlers), engine.go
// (the bare Engine.IO server).
package conformserver
