// SPDX-License-Identifier: MIT

// This file holds repeats: the replies to a client that sends an event again until it is
// acknowledged, and how they are kept with a session.

package socketio

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"socketio/engineio"
	"socketio/internal/fields"
	"socketio/internal/lock"
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

// maxKeyText is the length up to which texts are kept as they are.
const maxKeyText = 64

// keyedCall returns the key of an event with a text of the application, which may be as large
// as a client wants: of a long one the hash is kept.
func keyedCall(namespace, text string) callKey {
	text = namespace + "," + text // no name has a comma
	if len(text) > maxKeyText {
		hash := sha256.Sum256([]byte(text))
		text = "," + string(hash[:]) // no name begins with one
	}
	return callKey{text: text}
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
	stored storedReplies
}

func newRepeats(nonce string) *repeats { return &repeats{nonce: nonce, window: newReplies()} }

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
		data = appendReply(data, reply.Key.id, reply.Reply)
	}
	return data, running
}

func appendReply(data []byte, id int64, m *engineio.Message) []byte {
	isBinary, first, attachments := m.Parts()
	kind := uint64(len(attachments)) << 1
	if isBinary {
		kind |= 1
	}
	data = binary.AppendUvarint(data, uint64(id))
	data = binary.AppendUvarint(data, kind)
	data = fields.AppendText(data, first)
	for _, part := range attachments {
		data = fields.AppendText(data, part)
	}
	return data
}

// restore adds the replies of save, and those that storedReplies has added, to an empty
// window. It ignores other data.
func (r *repeats) restore(data []byte) {
	in := fields.NewReader(data)
	dropped := in.Uint()
	var state once.State[callKey, *engineio.Message]
	if dropped > 0 {
		state.Dropped = &callKey{id: int64(dropped - 1)}
	}
	for in.Left() > 0 {
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
		state.Replies = latest(state.Replies)
		r.window.Restore(state)
	}
}

// latest returns the latest reply to each event, in their order: a reply may be among those
// that were saved together and be added too.
func latest(list []once.Reply[callKey, *engineio.Message]) []once.Reply[callKey, *engineio.Message] {
	seen := make(map[callKey]bool)
	slices.Reverse(list)
	list = slices.DeleteFunc(list, func(r once.Reply[callKey, *engineio.Message]) bool {
		again := seen[r.Key]
		seen[r.Key] = true
		return again
	})
	slices.Reverse(list)
	return list
}

// storedReplies knows which replies of a client a durable store has.
type storedReplies struct {
	mu    lock.Mutex // guards the fields below; nothing is called while it is held
	news  []byte     // replies that are to be added
	saved int        // the size of the replies that were saved with the session
	added int        // of those that were added since
}

// finished notes a reply, before its client can get it.
func (r *storedReplies) finished(id int64, m *engineio.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.news = appendReply(r.news, id, m)
}

// minAdded is the size of replies that are added, at least, before all are saved again.
const minAdded = 64 << 10

// add returns the replies that are to be added. ok is false if so many were added, at most
// limit bytes, that the session is to be saved instead, without those out of date.
func (r *storedReplies) add(limit int) (data []byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.added+len(r.news) > min(max(r.saved, minAdded), limit) {
		return nil, false
	}
	data, r.news = r.news, nil
	r.added += len(data)
	return data, true
}

// begin is called before the replies are read that are saved with the session: what has
// finished is among them.
func (r *storedReplies) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.news, r.added = nil, 0
}

// set notes the size of the replies that are saved with the session.
func (r *storedReplies) set(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saved = size
}

// unfinished has the windows of sessions that have ended while events were handled.
type unfinished = once.Parked[callKey, *engineio.Message]

// maxUnfinished bounds the windows of a namespace that are kept, and Recovery.MaxBytes what
// they have in all namespaces. The events of further ones are handled again.
const maxUnfinished = 10_000
