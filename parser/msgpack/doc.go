// SPDX-License-Identifier: MIT

// Package msgpack is the Socket.IO packet format of the npm package
// socket.io-msgpack-parser: each packet is one binary message, a MessagePack map
// with the keys type, nsp, data and id. It is smaller than the default format where
// there are many numbers or bytes, and larger or equal elsewhere.
//
//	io := socketio.NewServer(&socketio.Options{Codec: new(msgpack.Codec)})
//
// Clients need the same parser:
//
//	import * as parser from "socket.io-msgpack-parser"
//	const socket = io({ parser })
//
// # Values
//
// Go values are encoded as encoding/json would, with its tags and marshalers, so
// that one type serves both formats, with these differences:
//
//   - []byte is bin, at any depth;
//   - time.Time is a Date, in whole milliseconds, as JavaScript has them;
//   - integers keep their 64 bits, though JavaScript counts to 2^53 only;
//   - NaN and the infinities are numbers.
//
// In the other direction bin and ArrayBuffer fill a []byte, and become one in an
// any. A Date fills a time.Time, becomes one in an any, and fills a string with
// the text that JSON.stringify gives it. In an any all numbers are float64. A number
// without fraction fills an integer however it was written. undefined is null,
// and an undefined member of an object is left out.
//
// Extensions of other types are decoded as in JavaScript: as a list of the type and the
// bytes. Timestamps (type -1), which JavaScript does not write, fill a time.Time too.
//
// # Reading order
//
// codec.go (the Codec), check.go (the pass that checks a value), decoder.go (the envelope
// and its checks), append.go (strings and byte slices), encode.go (Go values to bytes),
// decode.go and target.go (bytes to Go values), any.go, json.go (to and from JSON text,
// for marshalers), fields.go (marshalers and fields of a type), errors.go. Single values
// are read and written by internal/mpack.
//
// A [Codec] is safe for concurrent use. It holds no goroutine and no lock.
package msgpack
