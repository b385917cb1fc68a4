// SPDX-License-Identifier: MIT

// This file holds Drafts: messages for one connection, whose memory is used again when they
// have been written.

package engineio

import "sync"

// draftRoom is the size of the buffer that a draft has: most texts fit.
const draftRoom = 128

// Drafts makes messages whose memory can be used again; see Message.Release. The zero value
// is ready for use. Its methods may be called from any goroutine.
type Drafts struct {
	pool sync.Pool // *draft
}

// A draft is a Message, with a buffer for its text.
type draft struct {
	m    Message
	home *Drafts
	text [draftRoom]byte
}

// States of the Message of a draft, as bits.
const (
	draftWritten  = 1 << iota // the queue of its connection holds it no more
	draftReleased             // nor does its sender
	draftKept                 // somebody else does
)

// New returns a message without contents. They are given to it by Fill.
func (d *Drafts) New() *Message {
	dr, ok := d.pool.Get().(*draft)
	if !ok {
		dr = &draft{home: d}
	}
	dr.m.draft = dr
	return &dr.m
}

// Buffer returns the memory in which the text of a message of Drafts.New can be written: it
// is to be appended after the first HeaderRoom bytes.
func (m *Message) Buffer() []byte { return m.draft.text[:HeaderRoom] }

// Fill makes a message of Drafts.New one of a text and its attachments, as NewMessage does,
// or, if they are lent, as NewLentMessage does. buf may be memory of Buffer, or other
// memory.
func (m *Message) Fill(buf []byte, attachments [][]byte, lent bool) {
	m.begin(buf)
	total := 0
	for _, a := range attachments {
		total += len(a)
	}
	if lent && total >= lendFrom {
		m.lend(attachments)
	} else {
		m.attach(attachments)
	}
}

// Release says that the caller does not need m any more. If m is of Drafts.New, and the
// connection that it was sent to has written it, or when it will have, its memory is used
// for another message. Such a message must be sent by one Conn.Send or Conn.SendVolatile at
// most, and must not be used after Release.
func (m *Message) Release() { m.note(draftReleased) }

// Keep prevents the memory of m from being used again: somebody keeps it, or parts of it.
func (m *Message) Keep() { m.note(draftKept) }

// note adds a state, and gives back a message that nobody holds.
func (m *Message) note(state uint32) {
	dr := m.draft
	if dr == nil || m.states.Or(state)|state != draftWritten|draftReleased {
		return
	}
	dr.m = Message{}
	dr.home.pool.Put(dr)
}
