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

// Event encodes an event. Like that of Ack, the message may be one of engineio.Drafts: a
// caller that sends it to one connection can release it. id is its acknowledgement id, or NoID.
func (f *Format) Event(namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	return f.event(namespace, id, event, args, false)
}

// LentEvent is Event, for a message that shares memory with large attachments in args; see
// engineio.NewLentMessage.
func (f *Format) LentEvent(namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	return f.event(namespace, id, event, args, true)
}

func (f *Format) event(namespace string, id int64, event string, args []any, lent bool) (*engineio.Message, error) {
	m, err := f.list(parser.TypeEvent, namespace, id, event, args, lent)
	if err != nil {
		return nil, fmt.Errorf("socketio: emit %q: %w", event, err)
	}
	return m, nil
}

// Ack encodes an acknowledgement. If lent, the message shares memory with large attachments
// in args; see engineio.NewLentMessage.
func (f *Format) Ack(namespace string, id int64, args []any, lent bool) (*engineio.Message, error) {
	m, err := f.list(parser.TypeAck, namespace, id, "", args, lent)
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
		return f.list(parser.TypeAck, namespace, id, "", values, false)
	}
	head := parser.Packet{Type: parser.TypeAck, Namespace: namespace, ID: id, Data: p.Data, Attachments: p.Attachments}
	if len(p.Attachments) > 0 {
		head.Type = parser.TypeBinaryAck
	}
	text := parser.AppendPacket(make([]byte, engineio.HeaderRoom, engineio.HeaderRoom+len(p.Data)+bufferSize), &head)
	return f.message(parser.Encoded{Data: text, Attachments: p.Attachments}, nil, false)
}

// list encodes an event or an acknowledgement. The list of arguments escapes to the heap
// only in formats other than the default.
func (f *Format) list(t parser.Type, namespace string, id int64, event string, args []any, lent bool) (*engineio.Message, error) {
	if f.json != nil {
		m := f.drafts.New()
		enc, err := f.json.AppendList(m.Buffer(), t, namespace, id, event, args)
		if err == nil {
			err = f.check(enc)
		}
		if err != nil {
			return nil, err
		}
		m.Fill(enc.Data, enc.Attachments, lent)
		return m, nil
	}
	buf := make([]byte, engineio.HeaderRoom, bufferSize)
	enc, err := f.codec.AppendPacket(buf, parser.Outgoing{
		Type: t, Namespace: namespace, ID: id, Event: event, Args: slices.Clone(args),
	})
	return f.message(enc, err, lent)
}

// Packet encodes a packet of any other type.
func (f *Format) Packet(p parser.Outgoing) (*engineio.Message, error) {
	enc, err := f.codec.AppendPacket(make([]byte, engineio.HeaderRoom, bufferSize), p)
	return f.message(enc, err, false)
}

// message makes a message of an encoded packet, or returns its error. If lent, it shares
// memory with large attachments.
func (f *Format) message(enc parser.Encoded, err error, lent bool) (*engineio.Message, error) {
	if err != nil {
		return nil, err
	}
	if err := f.check(enc); err != nil {
		return nil, err
	}
	if enc.Binary {
		return engineio.NewBinaryMessage(enc.Data), nil
	}
	if lent {
		return engineio.NewLentMessage(enc.Data, enc.Attachments), nil
	}
	return engineio.NewMessage(enc.Data, enc.Attachments), nil
}

// check checks the limits of an encoded packet.
func (f *Format) check(enc parser.Encoded) error {
	if n := len(enc.Attachments); n > f.limits.MaxAttachments {
		return fmt.Errorf("%w: %d, at most %d", ErrTooManyAttachments, n, f.limits.MaxAttachments)
	}
	return nil
}
