// SPDX-License-Identifier: MIT

// This file holds the encodings of messages.

package cluster

import (
	"errors"

	"socketio/adapter/nodewire"
)

// A Codec encodes messages. Its methods may be called from any goroutine.
type Codec interface {
	// Append appends m, which will be published to c, to dst.
	Append(dst []byte, c Channel, m *nodewire.Message) ([]byte, error)
	// Decode reads a message received from c. It may keep parts of data. The error wraps
	// nodewire.ErrFormat, or is nodewire.ErrKind.
	Decode(c Channel, data []byte) (*nodewire.Message, error)
}

// Envelope is the Codec of most adapters of Node.js: JSON, or MessagePack for events with
// attachments.
type Envelope struct {
	// Packed writes MessagePack always.
	Packed bool
}

// Append implements Codec.
func (e Envelope) Append(dst []byte, _ Channel, m *nodewire.Message) ([]byte, error) {
	return nodewire.AppendEnvelope(dst, m, e.Packed)
}

// Decode implements Codec.
func (Envelope) Decode(_ Channel, data []byte) (*nodewire.Message, error) {
	return nodewire.DecodeEnvelope(data)
}

// Classic is the Codec of createAdapter of @socket.io/redis-adapter. Nodes in Go send each
// other heartbeats as envelopes.
type Classic struct{}

// Append implements Codec.
func (Classic) Append(dst []byte, c Channel, m *nodewire.Message) ([]byte, error) {
	if c.Class == ClassNodes {
		return nodewire.AppendEnvelope(dst, m, false)
	}
	return nodewire.AppendClassic(dst, m)
}

// Decode implements Codec.
func (Classic) Decode(c Channel, data []byte) (*nodewire.Message, error) {
	switch c.Class {
	case ClassNodes:
		return nodewire.DecodeEnvelope(data)
	case ClassEvents, ClassRoom, ClassAnyRoom:
		return nodewire.DecodeClassicBroadcast(data)
	case ClassRequests:
		return nodewire.DecodeClassicRequest(data)
	}
	return nodewire.DecodeClassicAnswer(data)
}

// reasonOf returns the reason for dropping a message that can't be decoded.
func reasonOf(err error) string {
	if errors.Is(err, nodewire.ErrKind) {
		return nodewire.ErrKind.Error()
	}
	return err.Error()
}
