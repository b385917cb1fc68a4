// SPDX-License-Identifier: MIT

// This file tests arguments that are added to an encoded event.

package msgpack_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"socketio/parser"
	"socketio/parser/msgpack"
)

// An event with an added text has the bytes of one that was encoded with it.
func TestAppendText(t *testing.T) {
	var c msgpack.Codec
	var texts parser.TextAppender = &c
	for _, n := range []int{0, 1, 13, 14, 15, 16, 20, 300, 65533, 65534, 65535} {
		for _, namespace := range []string{"/", "/" + strings.Repeat("n", 300)} {
			for _, room := range []int{0, 1, 100} {
				args := make([]any, n)
				for i := range args {
					args[i] = i % 3
				}
				if n > 0 {
					args[n-1] = map[string]any{"data": []any{[]byte{1}, "text"}}
				}
				p := event("data", args...)
				p.Namespace = namespace
				before := bytes.Repeat([]byte{0x93}, 9)
				enc, err := c.AppendPacket(append(make([]byte, 0, room), before...), p)
				if err != nil {
					t.Fatal(err)
				}
				got, err := texts.AppendText(enc.Data, len(before), "text \xff")
				p.Args = append(args, "text \xff")
				want, wantErr := c.AppendPacket(bytes.Clone(before), p)
				if err != nil || wantErr != nil || !bytes.Equal(got, want.Data) {
					t.Errorf("%d arguments: %v, %v, the same: %v", n, err, wantErr, bytes.Equal(got, want.Data))
				}
			}
		}
	}
}

// Other data is refused, whatever it is.
func TestAppendTextToSomethingElse(t *testing.T) {
	var c msgpack.Codec
	enc, err := c.AppendPacket(nil, event("e", 1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(enc.Data) - len("\x92\xa1e\x01") {
		if got, err := c.AppendText(bytes.Clone(enc.Data[:i]), 0, "x"); err == nil {
			t.Errorf("the first %d bytes: % x", i, got)
		}
		for bit := range 8 {
			b := bytes.Clone(enc.Data)
			b[i] ^= 1 << bit
			_, _ = c.AppendText(b, 0, "x") // does not panic
		}
	}
	for _, p := range []parser.Outgoing{
		{Type: parser.TypeConnect, Namespace: "/", ID: parser.NoID},
		{Type: parser.TypeConnect, Namespace: "/", ID: parser.NoID, Payload: 1},
		{Type: parser.TypeEvent, Namespace: "/", ID: 7, Event: "e"},
	} {
		if enc, err = c.AppendPacket(nil, p); err != nil {
			t.Fatal(err)
		}
		if got, err := c.AppendText(enc.Data, 0, "x"); err == nil {
			t.Errorf("%+v: % x", p, got)
		}
	}
}

func ExampleCodec_AppendText() {
	var c msgpack.Codec
	enc, _ := c.AppendPacket(nil, parser.Outgoing{Type: parser.TypeEvent, ID: parser.NoID, Event: "news", Args: []any{1}})
	data, _ := c.AppendText(enc.Data, 0, "position")
	var d msgpack.Decoder
	p, _, _ := d.Add(nil, true, data)
	for _, element := range c.SplitArray(nil, p.Data) {
		var v any
		_ = c.Decode(element, nil, &v)
		fmt.Println(v)
	}
	// Output:
	// news
	// 1
	// position
}
