// SPDX-License-Identifier: MIT

// This file holds the examples of the documentation.

package msgpack_test

import (
	"errors"
	"fmt"
	"time"

	"socketio/parser"
	"socketio/parser/msgpack"
)

func ExampleCodec() {
	type photo struct {
		Name   string    `json:"name"`
		Pixels []byte    `json:"pixels"`
		Taken  time.Time `json:"taken"`
	}
	codec := new(msgpack.Codec)
	out, err := codec.AppendPacket(nil, parser.Outgoing{
		Type: parser.TypeEvent, Namespace: "/", ID: parser.NoID, Event: "photo",
		Args: []any{photo{"a", []byte{1, 2, 3}, time.UnixMilli(0)}},
	})
	fmt.Println(len(out.Data), "bytes in one binary message:", out.Binary, err)

	p, _, err := codec.NewDecoder().Add(nil, true, out.Data)
	var got photo
	args := codec.SplitArray(nil, p.Data)[1:]
	fmt.Println(p.Type, string(codec.EventName(p.Data)), err, codec.Decode(args[0], nil, &got))
	fmt.Println(got.Name, got.Pixels, got.Taken)
	// Output:
	// 61 bytes in one binary message: true <nil>
	// EVENT photo <nil> <nil>
	// a [1 2 3] 1970-01-01 00:00:00 +0000 UTC
}

func ExampleDecodeError() {
	_, _, err := new(msgpack.Decoder).Add(nil, true, []byte("\x82\xa4type\x09\xa3nsp\xa1/"))
	fmt.Println(err)
	// Output: invalid packet type
}

// The kind of an error names the rule that a peer broke.
func ExampleErrorKind() {
	_, _, err := new(msgpack.Decoder).Add(nil, false, []byte("2[]"))
	var e *msgpack.DecodeError
	fmt.Println(errors.As(err, &e), e.Kind == msgpack.KindText)
	// Output: true true
}
