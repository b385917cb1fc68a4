// SPDX-License-Identifier: MIT

// This file holds how packets become Engine.IO messages: each is encoded once,
// whatever number of clients it goes to.

package socketio

import (
	"encoding/json"
	"errors"
	"fmt"

	"socketio/engineio"
	"socketio/parser"
)

// noAck is the id of a packet that asks for no acknowledgement.
const noAck = parser.NoID

// bufferSize is the first size of an encoding buffer: most events fit.
const bufferSize = 128

// encodeEvent encodes an event.
func (s *Server) encodeEvent(namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	if parser.IsReserved(event) {
		return nil, fmt.Errorf("%w %q: choose another", ErrReservedEvent, event)
	}
	return s.encode(parser.Event, namespace, id, event, args)
}

// encodeAck encodes an acknowledgement.
func (s *Server) encodeAck(namespace string, id int64, args []any) (*engineio.Message, error) {
	return s.encode(parser.Ack, namespace, id, "", args)
}

// encode writes the packet in one go as if it had no attachments. If it turns out
// to have some, the header is written anew: it names their number.
func (s *Server) encode(t parser.Type, namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	p := parser.Packet{Type: t, Namespace: namespace, ID: id}
	buf := make([]byte, engineio.Room, bufferSize)
	buf = parser.AppendPacket(buf, &p)
	data := len(buf)
	buf = append(buf, '[')
	if t == parser.Event {
		buf = parser.AppendString(buf, event)
		if len(args) > 0 {
			buf = append(buf, ',')
		}
	}
	buf, attachments, err := s.codec.AppendArgs(buf, nil, args...)
	if err != nil {
		if t == parser.Event {
			return nil, fmt.Errorf("socketio: emit %q: %w", event, err)
		}
		return nil, fmt.Errorf("socketio: acknowledge: %w", err)
	}
	buf = append(buf, ']')
	if len(attachments) > s.opts.MaxAttachments {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyAttachments, len(attachments), s.opts.MaxAttachments)
	}
	if len(attachments) > 0 {
		p.Type, p.Data, p.Attachments = t+(parser.BinaryEvent-parser.Event), buf[data:], attachments
		buf = parser.AppendPacket(make([]byte, engineio.Room, len(buf)+8), &p)
	}
	return engineio.NewMessage(buf, attachments), nil
}

// encodePlain encodes a packet whose payload, if any, is JSON already.
func encodePlain(t parser.Type, namespace string, data []byte) *engineio.Message {
	buf := make([]byte, engineio.Room, engineio.Room+len(namespace)+len(data)+4)
	return engineio.NewMessage(parser.AppendPacket(buf, &parser.Packet{
		Type: t, Namespace: namespace, ID: noAck, Data: data,
	}), nil)
}

// encodeConnectError encodes the refusal of a socket.
func (s *Server) encodeConnectError(namespace string, e *ConnectError) *engineio.Message {
	data := parser.AppendString([]byte(`{"message":`), e.Message)
	if extra := s.refusalData(e); extra != nil {
		data = append(append(data, `,"data":`...), extra...)
	}
	return encodePlain(parser.ConnectError, namespace, append(data, '}'))
}

// refusalData is the data of a refusal as JSON, nil if there is none.
func (s *Server) refusalData(e *ConnectError) []byte {
	if e.Data == nil {
		return nil
	}
	marshal := s.opts.MarshalJSON
	if marshal == nil {
		marshal = json.Marshal
	}
	data, err := marshal(e.Data) // bytes are base64 here: CONNECT_ERROR has no attachments
	if err != nil {
		s.opts.Logger.Error("the data of a ConnectError can't be encoded", "error", err)
		return nil
	}
	return data
}

func asConnectError(err error) (*ConnectError, bool) {
	var e *ConnectError
	ok := errors.As(err, &e)
	return e, ok && e != nil
}
