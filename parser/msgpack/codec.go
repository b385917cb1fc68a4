// SPDX-License-Identifier: MIT

// This file holds Codec: encoding of packets, and access to payloads.

package msgpack

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"socketio/internal/mpack"
	"socketio/parser"
)

// A Codec is the format of socket.io-msgpack-parser; it implements
// [parser.Codec]. The zero value is ready. It must not be copied after first use.
type Codec struct {
	types typeTable
}

var errTooLarge = errors.New("the packet is larger than MessagePack can say")

var _ parser.TextAppender = (*Codec)(nil)

// NewDecoder returns the decoder of one connection, a *[Decoder].
func (c *Codec) NewDecoder() parser.PacketDecoder { return new(Decoder) }

// AppendPacket appends p to dst as one binary message. Errors name the argument that
// can't be encoded, counting from 1. They wrap an error of its marshaler or a
// *json.UnsupportedTypeError, or report values that are nested deeper than 1000 levels,
// or in a cycle.
func (c *Codec) AppendPacket(dst []byte, p parser.Outgoing) (parser.Encoded, error) {
	namespace := p.Namespace
	if namespace == "" {
		namespace = "/"
	}
	list := p.Type == parser.TypeEvent || p.Type == parser.TypeAck
	members := 2
	if list || p.Payload != nil {
		members++
	}
	if p.ID >= 0 {
		members++
	}
	dst = mpack.AppendMapHead(dst, members)
	dst = append(appendString(dst, "type"), byte(p.Type))
	dst = appendString(appendString(dst, "nsp"), namespace)
	var err error
	switch {
	case list:
		if dst, err = c.appendList(appendString(dst, "data"), &p); err != nil {
			return parser.Encoded{}, err
		}
	case p.Payload != nil:
		if dst, err = c.appendValue(appendString(dst, "data"), p.Payload, 0); err != nil {
			return parser.Encoded{}, fmt.Errorf("payload: %w", err)
		}
	}
	if p.ID >= 0 {
		dst = mpack.AppendUint(appendString(dst, "id"), uint64(p.ID))
	}
	if uint64(len(dst)) > math.MaxUint32 {
		return parser.Encoded{}, errTooLarge // some length in it may have overflowed
	}
	return parser.Encoded{Data: dst, Binary: true}, nil
}

// appendList appends the array of an event or an acknowledgement.
func (c *Codec) appendList(dst []byte, p *parser.Outgoing) ([]byte, error) {
	n := len(p.Args)
	if p.Type == parser.TypeEvent {
		n++
	}
	dst = mpack.AppendArrayHead(dst, n)
	if p.Type == parser.TypeEvent {
		dst = appendString(dst, p.Event)
	}
	var err error
	for i, arg := range p.Args {
		if dst, err = c.appendValue(dst, arg, 1); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return dst, nil
}

// AppendText implements [parser.TextAppender].
func (c *Codec) AppendText(data []byte, from int, text string) ([]byte, error) {
	start, ok := listStart(data, from)
	h, end, valid := mpack.ReadHead(data, start)
	if !ok || !valid || h.Kind != mpack.Array {
		return nil, errNoEvent
	}
	head := mpack.AppendArrayHead(make([]byte, 0, maxHead), h.N+1)
	if len(head) == end-start {
		copy(data[start:], head)
	} else {
		data = slices.Replace(data, start, end, head...)
	}
	if data = appendString(data, text); uint64(len(data)-from) > math.MaxUint32 {
		return nil, errTooLarge
	}
	return data, nil
}

// maxHead is the size of the longest head of an array.
const maxHead = 5

// listStart returns where the array of an event begins, which is the last member.
func listStart(data []byte, from int) (start int, ok bool) {
	h, i, ok := mpack.ReadHead(data, from)
	if !ok || h.Kind != mpack.Map || h.N != 3 {
		return 0, false
	}
	for _, isText := range []bool{true, false, true, true, true} { // type, its value, nsp, its value, data
		if h, i, ok = mpack.ReadHead(data, i); !ok || (h.Kind == mpack.String) != isText {
			return 0, false
		}
		if isText {
			i += h.N
		}
	}
	return i, true
}

var errNoEvent = errors.New("not an event without acknowledgement")

// EventName returns the name of the event in data. A number gives the text that
// JavaScript gives it. The result shares memory with data where it can.
func (c *Codec) EventName(data []byte) []byte {
	h, i, ok := mpack.ReadHead(data, 0)
	if !ok || h.Kind != mpack.Array || h.N == 0 {
		return nil
	}
	h, i, ok = mpack.ReadHead(data, i)
	switch {
	case !ok:
	case h.Kind == mpack.String:
		return data[i : i+h.N : i+h.N]
	case h.Kind == mpack.Uint && h.Num <= maxID:
		return strconv.AppendUint(nil, h.Num, 10)
	case h.IsNumber() && isFinite(h.Float()):
		text := strconv.AppendFloat([]byte{'['}, h.Float(), 'g', -1, 64)
		return parser.EventName(append(text, ']'))
	}
	return nil
}

// SplitArray appends the elements of data, an array, to dst. They share memory with data.
// For other data than the Data of a decoded packet the result is unspecified, but
// SplitArray does not panic.
func (c *Codec) SplitArray(dst [][]byte, data []byte) [][]byte {
	h, i, ok := mpack.ReadHead(data, 0)
	if !ok || h.Kind != mpack.Array {
		return dst
	}
	walk := checker{data: data, maxDepth: maxNesting}
	for range h.N {
		start := i
		if i, ok = walk.skip(i, 1); !ok {
			return dst
		}
		dst = append(dst, data[start:i:i])
	}
	return dst
}
