// SPDX-License-Identifier: MIT

// Package binding turns Go values into the raw JSON arguments and attachments of
// Socket.IO packets, and back. Values are treated as by encoding/json, with one
// difference: a []byte, at any depth, is an attachment and not a base64 string.
//
//	var c binding.Codec
//	data, att, err := c.AppendArgs(nil, nil, "photo", Photo{Name: "a", Pixels: pixels})
//	// "photo",{"name":"a","pixels":{"_placeholder":true,"num":0}}   att[0] is pixels
//
// Reading order: codec.go, packet.go (whole packets), encode.go (values that need no
// library), marker.go (bytes inside other values), plan.go (which types can hold
// bytes), decode.go, any.go (trees of any), restore.go (attachments inside decoded
// values), values.go (lists of values).
//
// A Codec is safe for concurrent use. It holds no goroutine and no lock.
package binding
