// SPDX-License-Identifier: MIT

// This file holds the publish step: how an event that was emitted, to one socket or to
// several, is encoded and put into the queues.

package socketio

import (
	"errors"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/telemetry"
)

// An Overflow says what happens to an event when a client's send queue is full; see
// Options.Engine.MaxQueueBytes, Options.Overflow and Broadcast.Overflow.
type Overflow = engineio.Overflow

const (
	// OverflowClose queues the event all the same. The connection closes with
	// ErrSlowConsumer if its queue stays over the bound for 10 s, or reaches 16 times the
	// bound. It is the default: a client receives everything, or is disconnected.
	OverflowClose = engineio.OverflowClose
	// OverflowFail rejects the event: Emit to one socket returns ErrQueueFull. A broadcast
	// returns no error.
	OverflowFail = engineio.OverflowFail
	// OverflowDropNewest drops the event.
	OverflowDropNewest = engineio.OverflowDropNewest
	// OverflowDropOldest drops the oldest waiting events that are OverflowDropOldest
	// too, until there is room; if there are not enough of them, the event itself.
	OverflowDropOldest = engineio.OverflowDropOldest
)

// encode encodes an event with its flags. An argument that can't be encoded is reported
// as well as returned, since the error of an Emit is easily ignored: to OnError for the
// event of one socket, otherwise, with s nil, to the log.
func (ns *Namespace) encode(s *Socket, f *adapter.Flags, id int64, event string, args []any) (*engineio.Message, error) {
	if err := checkEvent(event); err != nil {
		return nil, err
	}
	m, err := ns.server.format.Event(ns.name, id, event, args)
	if err != nil {
		ns.reportUnencoded(s, event, err)
		return nil, &reportedError{err}
	}
	return ns.applyFlags(m, f), nil
}

// applyFlags sets how a message is sent.
func (ns *Namespace) applyFlags(m *engineio.Message, f *adapter.Flags) *engineio.Message {
	if f.Uncompressed {
		m.Uncompressed()
	}
	if f.Conflate != "" {
		m.Conflate(ns.name + "," + f.Conflate) // no name has a comma
	}
	return m.Overflow(overflowOf(f.Overflow, ns.server.opts.Overflow))
}

// reportUnencoded reports an event that can't be encoded. One that an OnError handler
// emits goes to the log.
func (ns *Namespace) reportUnencoded(s *Socket, event string, err error) {
	if s != nil && !s.reporting.Swap(true) {
		defer s.reporting.Store(false)
		report(s, event, err)
		return
	}
	ns.server.opts.Logger.Error("an event could not be encoded", "nsp", ns.name, "event", telemetry.Text(event), "error", telemetry.Error(err))
}

// A reportedError is an error of an Emit that was reported already: a handler that returns
// it does not report it again.
type reportedError struct{ err error }

func (e *reportedError) Error() string { return e.err.Error() }

func (e *reportedError) Unwrap() error { return e.err }

func isReported(err error) bool {
	var e *reportedError
	return errors.As(err, &e)
}

// post puts an event into the queue of this socket's client: the way out of every event,
// emitted to the socket or broadcast.
func (s *Socket) post(m *engineio.Message, volatile bool) error {
	if volatile {
		if !s.conn.eio.SendVolatile(m) {
			return ErrDropped
		}
	} else if err := s.conn.send(m); err != nil {
		return err
	}
	reportSent(s, m)
	return nil
}

// emit sends an event to this socket only.
func (s *Socket) emit(f *adapter.Flags, event string, args []any) error {
	m, err := s.ns.encode(s, f, noAck, event, args)
	if err != nil {
		return err
	}
	if s.state.Load() == stateGone {
		return ErrClosed
	}
	if err := s.post(m, f.Volatile); err != nil {
		if err == ErrDropped {
			return nil // as was asked for
		}
		return err
	}
	s.tellOut(event, m)
	return nil
}

// emit sends an event to the sockets that are selected in one namespace.
func (b *audience) emit(ns *Namespace, event string, args []any) error {
	m, err := ns.encode(nil, &b.flags, noAck, event, args)
	if err != nil {
		return err
	}
	p := &adapter.Packet{Message: m, Flags: b.flags}
	ns.keep(p, event, args)
	n, err := ns.adapter.Broadcast(p, b.target)
	ns.tellOut(event, m, n)
	return err
}

// overflowOf is the policy of an event: its own, or that of the server.
func overflowOf(own adapter.OverflowPolicy, server Overflow) Overflow {
	if own == adapter.OverflowUnset {
		return server
	}
	return Overflow(own - 1)
}
