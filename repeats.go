// SPDX-License-Identifier: MIT

// This file holds repeats: the replies to a client that sends an event again until it is
// acknowledged, and how they are kept with a session.

package socketio

import (
	"encoding/binary"
	"slices"

	"socketio/engineio"
	"socketio/internal/fields"
	"socketio/internal/once"
)

// The bounds of the replies to one client.
const (
	maxReplies     = 1024
	maxRepliesSize = 1 << 20
)

// A callKey identifies an event that may arrive again: by the id of its acknowledgement,
// if the client uses the same one each time, or by a text of the application.
type callKey struct {
	id   int64
	text string
}

// The replies to events by key, and an event that is handled.
type (
	replies   = once.Window[callKey, *engineio.Message]
	replyCall = once.Call[callKey, *engineio.Message]
)

// repeats are the replies to one client, which has announced in its CONNECT that it uses
// the same id for each attempt.
type repeats struct {
	nonce  string // distinguishes it from other clients with the same session
	window *replies
}

func newRepeats(nonce string) *repeats { return &repeats{nonce, newReplies()} }

func newReplies() *replies {
	return once.NewWindow[callKey, *engineio.Message](maxReplies, maxRepliesSize, func(key, dropped callKey) bool {
		return key.id <= dropped.id
	})
}

// newKeyed returns an empty window of replies by keys of the application.
func newKeyed(maxKeys, maxBytes int) *replies {
	return once.NewWindow[callKey, *engineio.Message](maxKeys, maxBytes, nil)
}

// save returns the latest replies of at most limit bytes. running reports whether events
// are still handled. Their replies are not among those returned.
func (r *repeats) save(limit int) (data []byte, running bool) {
	state, running := r.window.State(limit)
	dropped := uint64(0)
	if state.Dropped != nil {
		dropped = uint64(state.Dropped.id) + 1
	}
	data = binary.AppendUvarint(nil, dropped)
	for _, reply := range state.Replies {
		isBinary, first, attachments := reply.Reply.Parts()
		kind := uint64(len(attachments)) << 1
		if isBinary {
			kind |= 1
		}
		data = binary.AppendUvarint(data, uint64(reply.Key.id))
		data = binary.AppendUvarint(data, kind)
		for _, part := range slices.Concat([][]byte{first}, attachments) {
			data = fields.AppendText(data, part)
		}
	}
	return data, running
}

// restore adds the replies of save to an empty window. It ignores data that save did not
// return.
func (r *repeats) restore(data []byte) {
	in := fields.NewReader(data)
	dropped := in.Uint()
	var state once.State[callKey, *engineio.Message]
	if dropped > 0 {
		state.Dropped = &callKey{id: int64(dropped - 1)}
	}
	for in.Left() > 0 && len(state.Replies) < maxReplies {
		key := callKey{id: int64(in.Uint())}
		kind := in.Uint()
		first := append(make([]byte, engineio.HeaderRoom), in.Bytes()...)
		var attachments [][]byte
		for n := kind >> 1; n > 0 && in.Left() > 0; n-- {
			attachments = append(attachments, in.Bytes())
		}
		var reply *engineio.Message
		if kind&1 == 1 {
			reply = engineio.NewBinaryMessage(first)
		} else {
			reply = engineio.NewMessage(first, attachments)
		}
		state.Replies = append(state.Replies, once.Reply[callKey, *engineio.Message]{Key: key, Reply: reply, Size: reply.Size()})
	}
	if !in.Failed() {
		r.window.Restore(state)
	}
}

// unfinished has the windows of sessions that have ended while events were handled.
type unfinished = once.Parked[callKey, *engineio.Message]

// maxUnfinished bounds the windows of a namespace that are kept. The events of further
// ones are handled again.
const maxUnfinished = 10_000
