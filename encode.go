// SPDX-License-Identifier: MIT

// This file holds how packets become Engine.IO messages: each is encoded once,
// whatever number of clients it goes to.

package socketio

import (
	"errors"
	"fmt"
	"slices"

	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// noAck is the id of a packet that asks for no acknowledgement.
const noAck = parser.NoID

// bufferSize is the first size of an encoding buffer: most events fit.
const bufferSize = 128

// encodeEvent encodes an event.
func (s *Server) encodeEvent(namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	if err := checkEvent(event); err != nil {
		return nil, err
	}
	m, err := s.encodeList(parser.Event, namespace, id, event, args)
	if err != nil {
		return nil, fmt.Errorf("socketio: emit %q: %w", event, err)
	}
	return m, nil
}

// checkEvent refuses names that no application sends.
func checkEvent(event string) error {
	if parser.IsReserved(event) {
		return fmt.Errorf("%w %q: choose another", ErrReservedEvent, event)
	}
	return nil
}

// encodeAck encodes an acknowledgement.
func (s *Server) encodeAck(namespace string, id int64, args []any) (*engineio.Message, error) {
	m, err := s.encodeList(parser.Ack, namespace, id, "", args)
	if err != nil {
		return nil, fmt.Errorf("socketio: acknowledge: %w", err)
	}
	return m, nil
}

// encodeList makes a message of an event or an acknowledgement. The list of
// arguments goes to the heap only for another format than the default.
func (s *Server) encodeList(t parser.Type, namespace string, id int64, event string, args []any) (*engineio.Message, error) {
	buf := make([]byte, engineio.HeaderRoom, bufferSize)
	if s.json != nil {
		return s.message(s.json.AppendList(buf, t, namespace, id, event, args))
	}
	return s.message(s.codec.AppendPacket(buf, parser.Outgoing{
		Type: t, Namespace: namespace, ID: id, Event: event, Args: slices.Clone(args),
	}))
}

// encode makes a message of any other packet.
func (s *Server) encode(p parser.Outgoing) (*engineio.Message, error) {
	return s.message(s.codec.AppendPacket(make([]byte, engineio.HeaderRoom, bufferSize), p))
}

// message makes a message of an encoded packet, or passes on why there is none.
func (s *Server) message(enc parser.Encoded, err error) (*engineio.Message, error) {
	if err != nil {
		return nil, err
	}
	if n := len(enc.Attachments); n > s.opts.MaxAttachments {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyAttachments, n, s.opts.MaxAttachments)
	}
	if enc.Binary {
		return engineio.NewBinaryMessage(enc.Data), nil
	}
	return engineio.NewMessage(enc.Data, enc.Attachments), nil
}

// encodeDisconnect encodes that a socket was made to leave.
func (s *Server) encodeDisconnect(namespace string) (*engineio.Message, error) {
	return s.encode(parser.Outgoing{Type: parser.Disconnect, Namespace: namespace, ID: noAck})
}

// encodeConnectError encodes the refusal of a socket. It returns nil if the format
// can't say even that.
func (s *Server) encodeConnectError(namespace string, e *ConnectError) *engineio.Message {
	return s.encodeRefusal(namespace, binding.Refusal{Message: e.Message, Data: e.Data}, binding.Refusal{Message: e.Message})
}

// encodeRefusal encodes a refusal with its payload, or with another one if that
// has no form in the format of the server.
func (s *Server) encodeRefusal(namespace string, payload, otherwise any) *engineio.Message {
	p := parser.Outgoing{Type: parser.ConnectError, Namespace: namespace, ID: noAck, Payload: payload}
	m, err := s.encode(p)
	if err != nil {
		s.opts.Logger.Error("the data of a ConnectError can't be encoded", "nsp", namespace, "error", telemetry.Error(err))
		p.Payload = otherwise
		if m, err = s.encode(p); err != nil {
			return nil
		}
	}
	return m
}

func asConnectError(err error) (*ConnectError, bool) {
	var e *ConnectError
	ok := errors.As(err, &e)
	return e, ok && e != nil
}
