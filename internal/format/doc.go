// SPDX-License-Identifier: MIT

// Package format turns Socket.IO packets into Engine.IO messages, and back where that
// can't be avoided. A Format is one packet format with its limits; it knows nothing of
// servers, namespaces or sockets.
//
// Reading order: format.go (a Format, and whether it is the default), encode.go
// (packets to messages), split.go (messages to events, for those that watch), payload.go
// (lists of values that travel between servers).
package format
