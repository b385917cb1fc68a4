// SPDX-License-Identifier: MIT

// This file holds the replies to events: the results of a handler, and the error that a
// client receives.

package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/jsontext"
	"socketio/internal/telemetry"
)

// A reply is the single acknowledgement of an event of a client or of another server.
type reply struct {
	socket  *Socket
	id      int64
	sent    atomic.Bool
	outcome atomic.Uint32 // one of the constants below
	call    *replyCall    // if the client may send the event again; else nil

	server *Server               // instead of socket, with
	answer func(adapter.Payload) // takes the answer to the other server
}

// How the handlers of an event have ended.
const (
	replyOpen   uint32 = iota // they have not, or without an error
	replyFailed               // an error was sent, or could not be
	replyLeft                 // the client is to send the event again
)

func (r *reply) send(args ...any) error {
	if r == nil || r.sent.Load() {
		if isProbe(args) {
			return errUnwanted
		}
		return nil
	}
	if isProbe(args) {
		return nil
	}
	if r.answer != nil {
		return r.sendToServer(args)
	}
	s := r.socket
	lent := r.call == nil && s.ns.keeper == nil // else the message may be kept
	m, err := s.ns.server.format.Ack(s.ns.name, r.id, args, lent)
	if err != nil {
		r.fail(err)
		return err
	}
	if r.sent.Swap(true) {
		return nil
	}
	return r.write(m)
}

// fail sends an error object, unless an acknowledgement has been sent. The client sees
// only a PublicError.
func (r *reply) fail(err error) {
	if r == nil || r.sent.Swap(true) {
		return
	}
	r.outcome.Store(replyFailed)
	data, lost := publicError(err).json()
	if lost != nil {
		r.services().opts.Logger.Error("the data of a PublicError can't be encoded", "error", telemetry.Error(lost))
	}
	if r.answer != nil {
		r.answer(adapter.Payload{JSON: append(append([]byte{'['}, data...), ']')})
		return
	}
	m, err := r.socket.ns.server.format.Ack(r.socket.ns.name, r.id, []any{json.RawMessage(data)}, false)
	if err != nil { // a codec without raw JSON sends none
		r.leave()
		return
	}
	_ = r.write(m) // a closed connection needs no answer
}

// leave makes the next attempt of the client run the handlers again.
func (r *reply) leave() {
	if r != nil && r.call != nil {
		r.call.Leave()
	}
}

// retry leaves the acknowledgement open, so that the client sends the event again.
func (r *reply) retry() {
	if r != nil {
		r.outcome.CompareAndSwap(replyOpen, replyLeft)
		r.leave()
	}
}

// left reports whether a handler has left the acknowledgement open.
func (r *reply) left() bool { return r != nil && r.outcome.Load() == replyLeft }

// Resend sends the reply to the first attempt; see once.Waiter.
func (r *reply) Resend(m *engineio.Message) {
	if r.sent.Swap(true) {
		return
	}
	m, err := r.socket.ns.server.format.AckAgain(r.socket.ns.name, r.id, m)
	if err != nil {
		report(r.socket, "acknowledge", err)
		return
	}
	_ = r.post(m) // a closed connection needs no answer
}

func (r *reply) sendToServer(args []any) error {
	p, err := r.server.format.payload(nil, args)
	if err != nil {
		err = fmt.Errorf("socketio: acknowledge: %w", err)
		r.fail(err)
		return err
	}
	if !r.sent.Swap(true) {
		r.answer(p)
	}
	return nil
}

// publicError returns the part of an error that the client may see.
func publicError(err error) (public *PublicError) {
	_ = guard(func() error { // err has methods of the application
		if n := invalidArgument(err); n > 0 {
			public = &PublicError{Message: "invalid argument " + strconv.Itoa(n), Code: "invalid_argument"}
		} else if !errors.As(err, &public) {
			public = nil
		}
		return nil
	})
	if public == nil {
		public = &PublicError{Message: "internal error"}
	}
	return public
}

// invalidArgument returns the number, from 1, of the argument that did not decode, or 0.
func invalidArgument(err error) int {
	var he *HandlerError
	if errors.As(err, &he) && he != nil {
		return he.ArgIndex + 1
	}
	return 0
}

// services are those of the server.
func (r *reply) services() *services {
	if r.server != nil {
		return &r.server.services
	}
	return &r.socket.ns.server.services
}

// json returns the error as the client receives it: without its data, if that can't be
// encoded.
func (e *PublicError) json() (b []byte, lost error) {
	b = jsontext.AppendString([]byte(`{"error":{"message":`), e.Message)
	b = jsontext.AppendString(append(b, `,"code":`...), e.Code)
	if e.Data != nil {
		var data []byte
		lost = guard(func() (err error) { data, err = json.Marshal(e.Data); return err })
		if lost == nil {
			b = append(append(b, `,"data":`...), data...)
		}
	}
	return append(b, "}}"...), lost
}

// write sends the reply. If the client may send the event again, it is kept before.
func (r *reply) write(m *engineio.Message) error {
	if r.call != nil {
		m.Keep()
		r.call.Finish(m, m.Size())
		if s := r.socket; r.call.Key().text == "" && s.ns.keeper != nil && s.Connected() {
			s.ns.keeper.replied(s, r.id, m)
		}
	}
	return r.post(m)
}

func (r *reply) post(m *engineio.Message) error {
	if r.socket.state.Load() == stateGone {
		return ErrClosed
	}
	if waits(r.socket, m, false) {
		m.Keep()
		return nil
	}
	err := r.socket.conn.send(m)
	m.Release()
	return err
}
