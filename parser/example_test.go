// SPDX-License-Identifier: MIT

// This file holds the examples of the documentation.

package parser_test

import (
	"errors"
	"fmt"

	"socketio/parser"
)

func ExampleDecoder() {
	var dec parser.Decoder
	// The data after the Engine.IO type "4" of each text message, and a binary message.
	_, ok, _ := dec.Add(nil, false, []byte(`51-/photos,3["new",{"_placeholder":true,"num":0}]`))
	fmt.Println("complete:", ok, "pending:", dec.Pending())
	p, ok, _ := dec.Add(nil, true, []byte("pixels"))
	fmt.Println("complete:", ok, p.Type, p.Namespace, p.ID, string(p.Attachments[0]))
	// Output:
	// complete: false pending: true
	// complete: true BINARY_EVENT /photos 3 pixels
}

func ExampleDecodeError() {
	var dec parser.Decoder
	_, _, err := dec.Add(&parser.Limits{MaxAttachments: 2}, false, []byte(`53-["new"]`))
	var e *parser.DecodeError
	if errors.As(err, &e) && e.Kind == parser.KindTooManyAttachments {
		fmt.Println(err)
	}
	// Output: too many attachments
}

func ExampleAppendPacket() {
	p := &parser.Packet{Type: parser.TypeEvent, Namespace: "/chat", ID: parser.NoID, Data: []byte(`["say","hi"]`)}
	fmt.Printf("%s\n", parser.AppendPacket([]byte("4"), p))
	// Output: 42/chat,["say","hi"]
}

func ExampleSplitArray() {
	data := []byte(`["move", {"x": 1}, [2,3]]`)
	fmt.Printf("%s\n", parser.EventName(data))
	for _, arg := range parser.SplitArray(nil, data)[1:] {
		fmt.Printf("%s\n", arg)
	}
	// Output:
	// move
	// {"x": 1}
	// [2,3]
}

func ExampleIsReserved() {
	fmt.Println(parser.IsReserved("disconnect"), parser.IsReserved("message"))
	// Output: true false
}

func ExampleLimits() {
	var dec parser.Decoder
	_, _, err := dec.Add(&parser.Limits{MaxDepth: 2}, false, []byte(`2["deep",[[1]]]`))
	fmt.Println(err)
	// Output: invalid payload
}

// The kind of an error names the rule that a peer broke.
func ExampleErrorKind() {
	var dec parser.Decoder
	_, _, err := dec.Add(nil, true, []byte{1, 2, 3})
	var e *parser.DecodeError
	fmt.Println(errors.As(err, &e), e.Kind == parser.KindStrayBinary)
	// Output: true true
}

func ExampleType() {
	for _, t := range []parser.Type{parser.TypeConnect, parser.TypeEvent, parser.TypeBinaryAck} {
		fmt.Println(int(t), t, t.Binary())
	}
	// Output:
	// 0 CONNECT false
	// 2 EVENT false
	// 6 BINARY_ACK true
}
