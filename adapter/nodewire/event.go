// SPDX-License-Identifier: MIT

// This file encodes events for processes without a server.

package nodewire

import (
	"fmt"

	"socketio/adapter"
	"socketio/internal/binding"
	"socketio/internal/jsontext"
)

// EncodeEvent returns an event for Message.Event. Arguments are encoded as by
// encoding/json, but a []byte, at any depth, is an attachment, which the result shares.
func EncodeEvent(event string, args ...any) (p adapter.Payload, err error) {
	text := jsontext.AppendString([]byte{'['}, event)
	if len(args) > 0 {
		text = append(text, ',')
	}
	var c binding.Codec
	if text, p.Attachments, err = c.AppendArgs(text, nil, args...); err != nil {
		return p, fmt.Errorf("nodewire: the event %q: %w", event, err)
	}
	p.JSON = append(text, ']')
	return p, nil
}
