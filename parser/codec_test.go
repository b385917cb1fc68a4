// SPDX-License-Identifier: MIT

// This file holds an example of a custom format: JSON in one text message, as in the npm
// package socket.io-json-parser. It carries no binary.

package parser_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"socketio/parser"
)

// JSONCodec writes each packet as a JSON object. Bytes are base64 strings.
type JSONCodec struct{}

// wirePacket is the object.
type wirePacket struct {
	Type      parser.Type     `json:"type"`
	Namespace string          `json:"nsp"`
	Data      json.RawMessage `json:"data,omitempty"`
	ID        *int64          `json:"id,omitempty"`
}

var errBadPacket = errors.New("not a packet")

func (JSONCodec) NewDecoder() parser.PacketDecoder { return JSONCodec{} } // it keeps nothing

func (JSONCodec) AppendPacket(dst []byte, p parser.Outgoing) (parser.Encoded, error) {
	w := wirePacket{Type: p.Type, Namespace: p.Namespace}
	var data any
	switch p.Type {
	case parser.TypeEvent:
		data = append([]any{p.Event}, p.Args...)
	case parser.TypeAck:
		data = append([]any{}, p.Args...) // an array, also when there are none
	default:
		data = p.Payload
	}
	var err error
	if data != nil {
		if w.Data, err = json.Marshal(data); err != nil {
			return parser.Encoded{}, err
		}
	}
	if p.ID >= 0 {
		w.ID = &p.ID
	}
	text, err := json.Marshal(w)
	return parser.Encoded{Data: append(dst, text...)}, err
}

// Add is strict enough for a server, like this package's own Decoder, whose checks of the
// payload it uses.
func (JSONCodec) Add(l *parser.Limits, binary bool, data []byte) (p parser.Packet, ok bool, err error) {
	var w wirePacket
	if binary || !l.Valid(data) || json.Unmarshal(data, &w) != nil || w.Type > parser.TypeConnectError || !strings.HasPrefix(w.Namespace, "/") {
		return p, false, errBadPacket
	}
	text := parser.AppendPacket(nil, &parser.Packet{Type: w.Type, Namespace: w.Namespace, ID: parser.NoID, Data: w.Data})
	if p, ok, err = new(parser.Decoder).Add(l, false, text); !ok {
		return p, false, err
	}
	if w.ID != nil {
		p.ID = *w.ID
	}
	if p.Namespace != w.Namespace || p.ID < parser.NoID || p.ID > 1<<53-1 {
		return parser.Packet{}, false, errBadPacket
	}
	return p, true, nil
}

func (JSONCodec) EventName(data []byte) []byte                  { return parser.EventName(data) }
func (JSONCodec) SplitArray(dst [][]byte, data []byte) [][]byte { return parser.SplitArray(dst, data) }
func (JSONCodec) Decode(raw []byte, _ [][]byte, dst any) error  { return json.Unmarshal(raw, dst) }

// A custom format. A server accepts it as Options.Codec; clients need its counterpart.
func ExampleCodec() {
	var codec parser.Codec = JSONCodec{}
	out, _ := codec.AppendPacket(nil, parser.Outgoing{
		Type: parser.TypeEvent, Namespace: "/chat", ID: 7, Event: "say", Args: []any{"hi", []byte{1, 2}},
	})
	fmt.Printf("%s binary: %v\n", out.Data, out.Binary)

	p, ok, err := codec.NewDecoder().Add(nil, false, out.Data)
	fmt.Println(p.Type, p.Namespace, p.ID, ok, err)
	fmt.Printf("%s\n", codec.EventName(p.Data))
	for _, raw := range codec.SplitArray(nil, p.Data)[1:] {
		var s string
		fmt.Println(codec.Decode(raw, nil, &s), s)
	}

	_, _, err = codec.NewDecoder().Add(nil, false, []byte(`{"type":2,"nsp":"/","data":["disconnect"]}`))
	fmt.Println(err)
	// Output:
	// {"type":2,"nsp":"/chat","data":["say","hi","AQI="],"id":7} binary: false
	// EVENT /chat 7 true <nil>
	// say
	// <nil> hi
	// <nil> AQI=
	// invalid payload
}
