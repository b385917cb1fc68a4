// SPDX-License-Identifier: MIT

// This file holds the packets of the protocol that a server encodes; see package
// internal/format.

package socketio

import (
	"errors"
	"fmt"

	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// noAck is the id of a packet that asks for no acknowledgement.
const noAck = parser.NoID

// checkEvent refuses names that no application sends.
func checkEvent(event string) error {
	if parser.IsReserved(event) {
		return fmt.Errorf("%w %q: choose another", ErrReservedEvent, event)
	}
	return nil
}

// encodeDisconnect encodes that a socket was made to leave.
func (s *Server) encodeDisconnect(namespace string) (*engineio.Message, error) {
	return s.format.Packet(parser.Outgoing{Type: parser.TypeDisconnect, Namespace: namespace, ID: noAck})
}

// encodeConnectError encodes the refusal of a socket. It returns nil if the format
// can't say even that.
func (s *Server) encodeConnectError(namespace string, e *ConnectError) *engineio.Message {
	return s.encodeRefusal(namespace, binding.Refusal{Message: e.Message, Data: e.Data}, binding.Refusal{Message: e.Message})
}

// encodeRefusal encodes a refusal with its payload, or with another one if that
// has no form in the format of the server.
func (s *Server) encodeRefusal(namespace string, payload, otherwise any) *engineio.Message {
	p := parser.Outgoing{Type: parser.TypeConnectError, Namespace: namespace, ID: noAck, Payload: payload}
	m, err := s.format.Packet(p)
	if err != nil {
		s.opts.Logger.Error("the data of a ConnectError can't be encoded", "nsp", namespace, "error", telemetry.Error(err))
		p.Payload = otherwise
		if m, err = s.format.Packet(p); err != nil {
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
