// SPDX-License-Identifier: MIT

// This file encodes events whose last argument becomes known later.

package format

import (
	"slices"

	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/jsontext"
	"socketio/parser"
)

// A Draft is an encoded event that lacks its last argument, a text. In the default format,
// and in that of a parser.TextAppender, everything else is done; in others its values are
// encoded with that argument.
type Draft struct {
	format      *Format
	namespace   string
	text        []byte // in the default format, with room for a last argument
	attachments [][]byte
	encoded     parser.Encoded // in that of a TextAppender
	values      []any          // in others
	event       string
}

// lastRoom is the room for a last argument: longer ones are copied.
const lastRoom = 64

// Draft returns the Draft of an event that was received as a payload. It returns an error
// if no client could decode the event. The Draft shares memory with attachments.
func (f *Format) Draft(namespace string, list []byte, attachments [][]byte) (*Draft, error) {
	text, err := f.textOf(namespace, NoID, list, attachments, lastRoom)
	if err != nil {
		return nil, err
	}
	d := &Draft{format: f, namespace: namespace, text: text, attachments: attachments}
	if f.json == nil {
		values, err := binding.AnyValues("socketio", f.wire, parser.SplitArray(nil, list), attachments)
		if err != nil {
			return nil, err
		}
		d.values, d.event, d.text = values[1:], string(parser.EventName(list)), nil
		if f.late != nil {
			return d, d.encode(len(list))
		}
	}
	return d, nil
}

// encode encodes the values, in about size bytes.
func (d *Draft) encode(size int) (err error) {
	d.encoded, err = d.format.codec.AppendPacket(make([]byte, engineio.HeaderRoom, engineio.HeaderRoom+size+bufferSize+lastRoom),
		parser.Outgoing{Type: parser.TypeEvent, Namespace: d.namespace, ID: NoID, Event: d.event, Args: d.values})
	if err == nil {
		err = d.format.check(d.encoded)
	}
	return err
}

// Message returns the event with its last argument, or without one if last is "". It is
// called once.
func (d *Draft) Message(last string) (*engineio.Message, error) {
	if d.format.late != nil {
		var err error
		if last != "" {
			d.encoded.Data, err = d.format.late.AppendText(d.encoded.Data, engineio.HeaderRoom, last)
		}
		return d.format.message(d.encoded, err, false)
	}
	if d.format.json == nil {
		values := d.values
		if last != "" {
			values = append(slices.Clip(values), last)
		}
		return d.format.list(parser.TypeEvent, d.namespace, NoID, d.event, values, false)
	}
	if last != "" {
		d.text[len(d.text)-1] = ','
		d.text = append(jsontext.AppendString(d.text, last), ']')
	}
	return d.format.message(parser.Encoded{Data: d.text, Attachments: d.attachments}, nil, false)
}
