// SPDX-License-Identifier: MIT

// The package comment and the reading order.

// Package ws speaks the WebSocket protocol (RFC 6455) without owning a
// connection: it turns bytes into messages and messages into bytes.
//
// A [Parser] is fed the bytes of each read and calls a [Receiver] with whole
// messages and control frames. It never reads, writes, waits or starts a
// goroutine, so an event loop, a goroutine per connection and a test use it
// alike. The writing side is a set of append functions. Both sides of a
// connection are covered: [Config.FromClient] says which one sends.
//
// Reading order:
//
//	frame.go      opcodes, and how a frame is written
//	header.go     how a frame header is read, and every rule about it
//	parser.go     Parser: from bytes to messages
//	text.go       UTF-8 that arrives in pieces
//	mask.go       unmasking, a word at a time
//	buffer.go     pooled memory for messages that span reads or frames
//	close.go      close codes, CloseError, the reasons a Parser gives up
//	handshake.go  the opening handshake, server side
//	extension.go  how permessage-deflate is agreed on
//	deflate.go    Deflate: compressing and inflating messages
//
// permessage-deflate (RFC 7692) is the only extension. A Parser does not inflate: it
// delivers compressed messages as they are, and the caller inflates them with Deflate on a
// goroutine of its choice.
package ws
