// SPDX-License-Identifier: MIT

// This file encodes the packets that a server sends, other than events; see package
// internal/format.

package socketio

import (
	"log/slog"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/binding"
	"socketio/internal/format"
	"socketio/internal/telemetry"
	"socketio/parser"
)

// An encoder encodes packets in the format of a server.
type encoder struct {
	*format.Format
	log *slog.Logger
}

// disconnect encodes a DISCONNECT packet.
func (f encoder) disconnect(namespace string) (*engineio.Message, error) {
	return f.Packet(parser.Outgoing{Type: parser.TypeDisconnect, Namespace: namespace, ID: noAck})
}

// connectError encodes a CONNECT_ERROR packet. It returns nil if the format can't express
// it.
func (f encoder) connectError(namespace string, e *ConnectError) *engineio.Message {
	return f.refusal(namespace, binding.Refusal{Message: e.Message, Data: e.Data}, binding.Refusal{Message: e.Message})
}

// refusal encodes a CONNECT_ERROR packet with its payload, or with a substitute if the
// payload can't be encoded.
func (f encoder) refusal(namespace string, payload, otherwise any) *engineio.Message {
	p := parser.Outgoing{Type: parser.TypeConnectError, Namespace: namespace, ID: noAck, Payload: payload}
	m, err := f.Packet(p)
	if err != nil {
		f.log.Error("the data of a ConnectError can't be encoded", "nsp", namespace, "error", telemetry.Error(err))
		p.Payload = otherwise
		if m, err = f.Packet(p); err != nil {
			return nil
		}
	}
	return m
}

// payload encodes values for other servers; see format.Format.Payload.
func (f encoder) payload(event *string, args []any) (adapter.Payload, error) {
	text, attachments, err := f.Payload(event, args)
	return adapter.Payload{JSON: text, Attachments: attachments}, err
}

// legacyError encodes the refusal of a socket of a legacy client: the data of the
// error, or else its message.
func (f encoder) legacyError(namespace string, e *ConnectError) *engineio.Message {
	if e.Data == nil {
		return f.refusal(namespace, e.Message, e.Message)
	}
	return f.refusal(namespace, e.Data, e.Message)
}
