// SPDX-License-Identifier: MIT

// This file holds the encoding of Notify.

package pgadapter

import (
	"socketio/adapter/cluster"
	"socketio/adapter/nodewire"
)

// A codec is the envelope with one more member, by which the workers of a cluster of
// Node.js (setupPrimary) know messages of adapters. Others ignore it.
type codec struct{ cluster.Envelope }

const (
	// sourceJSON is the member as the end of a JSON object, and sourcePacked as a member of
	// a map in MessagePack.
	sourceJSON   = `,"source":"_sio_adapter"}`
	sourcePacked = "\xa6source\xac_sio_adapter"
)

// Append implements cluster.Codec.
func (codec) Append(dst []byte, _ cluster.Channel, m *nodewire.Message) ([]byte, error) {
	start := len(dst)
	dst, err := nodewire.AppendEnvelope(dst, m, false)
	if err == nil && len(dst)-start+len(sourceJSON) > maxPayload {
		dst, err = nodewire.AppendEnvelope(dst[:start], m, true) // attachments are MessagePack
	}
	if err != nil {
		return dst, err
	}
	if dst[start] == '{' {
		return append(dst[:len(dst)-1], sourceJSON...), nil
	}
	dst[start]++ // the number of members, which is small
	return append(dst, sourcePacked...), nil
}
