// SPDX-License-Identifier: MIT

// Package format encodes Socket.IO packets as Engine.IO messages, and decodes them where
// that can't be avoided. A Format is a packet format with its limits. It does not depend
// on servers, namespaces or sockets.
//
// Reading order: format.go (a Format, and whether it is the default), encode.go (packets
// to messages), split.go (messages to events, for observers), payload.go (lists of values
// between servers), draft.go (events that get a last argument later).
package format
