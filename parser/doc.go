// SPDX-License-Identifier: MIT

// Package parser turns Socket.IO packets (protocol revision 5) into Engine.IO messages
// and back. A packet is one text message, followed by one binary message per attachment.
// Payloads stay raw JSON: the package validates them completely, but decodes only the
// event name.
//
//	var dec parser.Decoder
//	p, ok, err := dec.Add(nil, false, []byte(`42/chat,7["say","hi"]`)[1:])
//	switch {
//	case err != nil: // close the connection
//	case !ok: // attachments are awaited
//	default: // p.Namespace == "/chat", p.ID == 7, p.Data == `["say","hi"]`
//	}
//	out := parser.AppendPacket(nil, &parser.Packet{Type: parser.TypeAck, ID: 7, Data: []byte(`[]`)})
//
// Reading order: packet.go (packets), decode.go (text and attachments to packets),
// validate.go (the one pass over a payload), event.go (event names and argument spans),
// limits.go, errors.go, codec.go (the contract of other packet formats; package msgpack
// is one).
//
// A Decoder belongs to one connection and one goroutine at a time. Limits are
// read-only and may be shared. All functions are safe for concurrent use.
package parser
