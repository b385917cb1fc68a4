// SPDX-License-Identifier: MIT

// This file makes a Codec the default packet format: the text form of package
// parser, with the values of this package.

package binding

import (
	"bytes"
	"errors"

	"socketio/internal/jsontext"
	"socketio/parser"
)

var _ parser.Codec = (*Codec)(nil)

// NewDecoder returns a new *parser.Decoder.
func (c *Codec) NewDecoder() parser.PacketDecoder { return new(parser.Decoder) }

// EventName implements parser.Codec.
func (c *Codec) EventName(data []byte) []byte { return parser.EventName(data) }

// SplitArray implements parser.Codec.
func (c *Codec) SplitArray(dst [][]byte, data []byte) [][]byte { return parser.SplitArray(dst, data) }

// AppendPacket implements parser.Codec. A payload has no attachments: bytes in it
// are base64.
func (c *Codec) AppendPacket(dst []byte, p parser.Outgoing) (parser.Encoded, error) {
	if p.Type == parser.TypeEvent || p.Type == parser.TypeAck {
		return c.AppendList(dst, p.Type, p.Namespace, p.ID, p.Event, p.Args)
	}
	dst = parser.AppendPacket(dst, &parser.Packet{Type: p.Type, Namespace: p.Namespace, ID: p.ID})
	dst, err := c.appendPayload(dst, p.Payload)
	return parser.Encoded{Data: dst}, err
}

// AppendList is AppendPacket of an Event, or of an Ack, which has no event name.
// Here args need not be on the heap.
//
// The text is written in one go as if the packet had no attachments. If it turns
// out to have some, the header is rewritten: it has their number.
func (c *Codec) AppendList(dst []byte, t parser.Type, namespace string, id int64, event string, args []any) (parser.Encoded, error) {
	head := parser.Packet{Type: t, Namespace: namespace, ID: id}
	start := len(dst)
	dst = parser.AppendPacket(dst, &head)
	data := len(dst)
	dst = append(dst, '[')
	if t == parser.TypeEvent {
		dst = jsontext.AppendString(dst, event)
		if len(args) > 0 {
			dst = append(dst, ',')
		}
	}
	dst, attachments, err := c.AppendArgs(dst, nil, args...)
	if err != nil {
		return parser.Encoded{}, err
	}
	dst = append(dst, ']')
	if len(attachments) > 0 {
		if placeholders(dst[data:], len(attachments)) != len(attachments) {
			return parser.Encoded{}, errPlaceholder
		}
		head.Type += parser.TypeBinaryEvent - parser.TypeEvent
		head.Data, head.Attachments = dst[data:], attachments
		dst = parser.AppendPacket(append(make([]byte, 0, len(dst)+8), dst[:start]...), &head)
	}
	return parser.Encoded{Data: dst, Attachments: attachments}, nil
}

// errPlaceholder: clients take the object for an attachment, and close the connection
// if no attachment has its number. Data of one client that another one is sent must not
// do that.
var errPlaceholder = errors.New(`beside binary values, an object in which "_placeholder" is true`)

// placeholders counts the objects in valid JSON text that a client takes for
// placeholders: those with a true "_placeholder", whatever else they have and however
// it is escaped. want is the number that is expected.
func placeholders(text []byte, want int) (n int) {
	if bytes.Count(text, []byte(`_placeholder`)) == want && !bytes.Contains(text, []byte(`\u`)) {
		return want
	}
	for i := 0; i < len(text); {
		if text[i] != '"' {
			i++
			continue
		}
		start := i
		for i++; text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		i++
		value := bytes.TrimLeft(text[i:], " \t\r\n")
		if len(value) == 0 || value[0] != ':' || !bytes.HasPrefix(bytes.TrimLeft(value[1:], " \t\r\n"), []byte("true")) {
			continue
		}
		if key, err := jsontext.Unquote(text[start:i]); err == nil && key == "_placeholder" {
			n++
		}
	}
	return n
}

// An Admission is the payload of a Connect that accepts a socket.
type Admission struct {
	SID string `json:"sid"`
	PID string `json:"pid,omitempty"` // the secret with which the client can come back
	// NotRecovered says why the client does not continue the session it asked for.
	NotRecovered string `json:"notRecovered,omitempty"`
	// Once answers the nonce of a client: an event that it sends again with the same id
	// is not handled again.
	Once bool `json:"once,omitempty"`
}

// A Refusal is the payload of a ConnectError, in the order JavaScript writes it.
type Refusal struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// appendPayload appends the payload of a Connect or a ConnectError.
func (c *Codec) appendPayload(dst []byte, payload any) ([]byte, error) {
	switch payload := payload.(type) {
	case nil:
		return dst, nil
	case string:
		return jsontext.AppendString(dst, payload), nil
	case Admission:
		dst = jsontext.AppendString(append(dst, `{"sid":`...), payload.SID)
		if payload.PID != "" {
			dst = jsontext.AppendString(append(dst, `,"pid":`...), payload.PID)
		}
		if payload.NotRecovered != "" {
			dst = jsontext.AppendString(append(dst, `,"notRecovered":`...), payload.NotRecovered)
		}
		if payload.Once {
			dst = append(dst, `,"once":true`...)
		}
		return append(dst, '}'), nil
	case Refusal:
		dst = jsontext.AppendString(append(dst, `{"message":`...), payload.Message)
		if payload.Data != nil {
			text, err := c.marshal(payload.Data)
			if err != nil {
				return dst, err
			}
			dst = append(append(dst, `,"data":`...), text...)
		}
		return append(dst, '}'), nil
	}
	text, err := c.marshal(payload)
	return append(dst, text...), err
}
