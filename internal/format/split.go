// SPDX-License-Identifier: MIT

// This file decodes messages into events, for observers of sent events. Packets between
// servers keep their event and arguments and don't need it.

package format

import (
	"errors"
	"math"
	"strconv"

	"socketio/engineio"
	"socketio/internal/jsontext"
	"socketio/parser"
)

// An Event is the name of an event and its arguments, each still encoded.
type Event struct {
	Name        string
	Args        [][]byte
	Attachments [][]byte
}

// Split decodes a message of Event. The result shares memory with the message.
func (f *Format) Split(namespace string, m *engineio.Message) (Event, error) {
	p, err := f.listOf(namespace, m)
	if err != nil {
		return Event{}, err
	}
	name, args := f.SplitEvent(nil, p.Data)
	return Event{Name: string(name), Args: args, Attachments: p.Attachments}, nil
}

// SplitEvent splits the list of a decoded event into the name of the event and its
// arguments. It uses the memory of dst for the latter, and the results share memory with
// list. In the default format the list is read once.
func (f *Format) SplitEvent(dst [][]byte, list []byte) (name []byte, args [][]byte) {
	args = f.codec.SplitArray(dst[:0], list)
	if len(args) == 0 {
		return f.codec.EventName(list), args
	}
	first := args[0]
	if end := len(first) - 1; f.json != nil && end > 0 && first[0] == '"' && jsontext.PlainLen(first, 1) == end-1 {
		return first[1:end], args[1:] // a string without escapes, the usual case
	}
	return f.codec.EventName(list), args[1:]
}

// listOf returns the id and the list of a message of Event or Ack, in the format of f. The
// list shares memory with the message.
func (f *Format) listOf(namespace string, m *engineio.Message) (p parser.Packet, err error) {
	binary, first, attachments := m.Parts()
	if f.json != nil {
		p.Attachments = attachments
		p.ID, p.Data = header(namespace, first)
		return p, nil
	}
	decoder, limits := f.codec.NewDecoder(), f.limits
	limits.MaxIncompleteBytes = math.MaxInt
	p, ok, err := decoder.Add(&limits, binary, first)
	for _, a := range attachments {
		if err == nil && !ok {
			p, ok, err = decoder.Add(&limits, true, a)
		}
	}
	if err == nil && !ok {
		err = errors.New("socketio: the codec can't decode its own packet")
	}
	return p, err
}

// header splits the text of an event or an acknowledgement: the type, the number of
// attachments and the namespace come before the id, and the list after it.
func header(namespace string, text []byte) (id int64, list []byte) {
	digits := func(i int) int {
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		return i
	}
	if len(text) < 2+len(namespace) {
		return NoID, nil // stored by another program
	}
	i := 1
	if text[0] == '0'+byte(parser.TypeBinaryEvent) || text[0] == '0'+byte(parser.TypeBinaryAck) {
		i = digits(i) + 1
	}
	if namespace != "/" {
		i += len(namespace) + 1
	}
	end := digits(i)
	if end == i {
		return NoID, text[end:]
	}
	id, _ = strconv.ParseInt(string(text[i:end]), 10, 64) // written by us
	return id, text[end:]
}
