// SPDX-License-Identifier: MIT

// This file encodes lists of values for other servers: as JSON, with binary values as
// attachments, whatever the formats of the servers.

package format

import (
	"bytes"
	"math"
	"slices"

	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/jsontext"
	"socketio/parser"
)

// Payload encodes values for other servers: the name of an event, unless event is nil,
// and args. The caller owns the result.
func (f *Format) Payload(event *string, args []any) (text []byte, attachments [][]byte, err error) {
	text = []byte{'['}
	if event != nil {
		text = jsontext.AppendString(text, *event)
		if len(args) > 0 {
			text = append(text, ',')
		}
	}
	text, attachments, err = f.wire.AppendArgs(text, nil, args...)
	if err != nil {
		return nil, nil, err
	}
	for i, a := range attachments {
		attachments[i] = bytes.Clone(a)
	}
	return append(text, ']'), attachments, nil
}

// Answer returns the payload of the arguments of an acknowledgement, which are in the
// format of codec.
func (f *Format) Answer(codec parser.Codec, raw, attachments [][]byte) (text []byte, _ [][]byte, err error) {
	if codec == parser.Codec(f.wire) || len(raw) == 0 {
		return slices.Concat([]byte{'['}, bytes.Join(raw, []byte{','}), []byte{']'}), attachments, nil
	}
	values, err := binding.AnyValues("socketio", codec, raw, attachments)
	if err != nil {
		return nil, nil, err
	}
	return f.Payload(nil, values)
}

// EventOf encodes an event received as a payload. It returns an error if no client could
// decode the event.
func (f *Format) EventOf(namespace string, id int64, list []byte, attachments [][]byte) (*engineio.Message, error) {
	text, err := f.textOf(namespace, id, list, attachments, 0)
	if err != nil {
		return nil, err
	}
	if f.json != nil {
		return f.message(parser.Encoded{Data: text, Attachments: attachments}, nil, false)
	}
	values, err := binding.AnyValues("socketio", f.wire, parser.SplitArray(nil, list), attachments)
	if err != nil {
		return nil, err
	}
	return f.list(parser.TypeEvent, namespace, id, string(parser.EventName(list)), slices.Clone(values[1:]), false)
}

// textOf encodes an event received as a payload in the default format, with room for more.
// It returns an error if no client could decode the event.
func (f *Format) textOf(namespace string, id int64, list []byte, attachments [][]byte, room int) ([]byte, error) {
	head := parser.Packet{Type: parser.TypeEvent, Namespace: namespace, ID: id, Data: list, Attachments: attachments}
	if len(attachments) > 0 {
		head.Type = parser.TypeBinaryEvent
	}
	text := parser.AppendPacket(make([]byte, engineio.HeaderRoom, engineio.HeaderRoom+len(list)+bufferSize+room), &head)
	limits := f.limits
	limits.MaxAttachments, limits.MaxIncompleteBytes = max(len(attachments), 1), math.MaxInt
	var d parser.Decoder
	_, ok, err := d.Add(&limits, false, text[engineio.HeaderRoom:])
	for _, a := range attachments {
		if err == nil && !ok {
			_, ok, err = d.Add(&limits, true, a)
		}
	}
	return text, err
}
