// SPDX-License-Identifier: MIT

// This file encodes packets as Engine.IO messages, once for all recipients.

package format

import (
	"errors"
	"fmt"
	"slices"

	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/parser"
)

// NoID is the id of a packet without an acknowledgement.
const NoID = parser.NoID

// bufferSize is the initial size of an encoding buffer: most events fit.
const bufferSize = 128

// ErrTooManyAttachments is returned for a packet with more binary values than the limits
// allow.
var ErrTooManyAttachments = errors.New("socketio: too many attachments")

// errNoList is the error for a message that is not an acknowledgement.
var errNoList = errors.New("socketio: no acknowledgement")

// Event encodes an event. id is its acknowledgement id, or NoID.
func (f *Format) Event(namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	m, err := f.list(parser.TypeEvent, namespace, id, event, args)
	if err != nil {
		return nil, fmt.Errorf("socketio: emit %q: %w", event, err)
	}
	return m, nil
}

// Ack encodes an acknowledgement.
func (f *Format) Ack(namespace string, id int64, args []any) (*engineio.Message, error) {
	m, err := f.list(parser.TypeAck, namespace, id, "", args)
	if err != nil {
		return nil, fmt.Errorf("socketio: acknowledge: %w", err)
	}
	return m, nil
}

// AckAgain encodes the acknowledgement in m, a message of Ack, under another id. It
// returns m itself if it has that id.
func (f *Format) AckAgain(namespace string, id int64, m *engineio.Message) (*engineio.Message, error) {
	p, err := f.listOf(namespace, m)
	if err != nil || p.ID == id {
		return m, err
	}
	if len(p.Data) == 0 {
		return nil, errNoList
	}
	if f.json == nil {
		values, err := binding.AnyValues("socketio", f.codec, f.codec.SplitArray(nil, p.Data), p.Attachments)
		if err != nil {
			return nil, err
		}
		return f.list(parser.TypeAck, namespace, id, "", values)
	}
	head := parser.Packet{Type: parser.TypeAck, Namespace: namespace, ID: id, Data: p.Data, Attachments: p.Attachments}
	if len(p.Attachments) > 0 {
		head.Type = parser.TypeBinaryAck
	}
	text := parser.AppendPacket(make([]byte, engineio.HeaderRoom, engineio.HeaderRoom+len(p.Data)+bufferSize), &head)
	return f.message(parser.Encoded{Data: text, Attachments: p.Attachments}, nil)
}

// list encodes an event or an acknowledgement. The list of arguments escapes to the heap
// only in formats other than the default.
func (f *Format) list(t parser.Type, namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	buf := make([]byte, engineio.HeaderRoom, bufferSize)
	if f.json != nil {
		return f.message(f.json.AppendList(buf, t, namespace, id, event, args))
	}
	return f.message(f.codec.AppendPacket(buf, parser.Outgoing{
		Type: t, Namespace: namespace, ID: id, Event: event, Args: slices.Clone(args),
	}))
}

// Packet encodes a packet of any other type.
func (f *Format) Packet(p parser.Outgoing) (*engineio.Message, error) {
	return f.message(f.codec.AppendPacket(make([]byte, engineio.HeaderRoom, bufferSize), p))
}

// message makes a message of an encoded packet, or returns its error.
func (f *Format) message(enc parser.Encoded, err error) (*engineio.Message, error) {
	if err != nil {
		return nil, err
	}
	if n := len(enc.Attachments); n > f.limits.MaxAttachments {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyAttachments, n, f.limits.MaxAttachments)
	}
	if enc.Binary {
		return engineio.NewBinaryMessage(enc.Data), nil
	}
	return engineio.NewMessage(enc.Data, enc.Attachments), nil
}
