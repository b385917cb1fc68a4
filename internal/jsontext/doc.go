// SPDX-License-Identifier: MIT

// Package jsontext reads and writes pieces of JSON text without decoding them:
// strings, numbers, and the placeholders that stand for attachments in a Socket.IO
// packet. It knows neither packets nor Go values.
//
// Reading order: text.go (strings), scan.go (stepping over values), walk.go (members and
// elements), placeholder.go.
//
// All functions are safe for concurrent use. Those that take or return a []byte keep
// no reference to it.
package jsontext
