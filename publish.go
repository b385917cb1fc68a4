// SPDX-License-Identifier: MIT

// This file holds the publish step: an event emitted to one socket or to several is
// encoded and put into the queues. With recovery, publish_position.go gives it a position.

package socketio

import (
	"slices"

	"socketio/adapter"
	"socketio/engineio"
	"socketio/internal/jsontext"
	"socketio/internal/telemetry"
)

// encode encodes an event with its flags. An encoding error is returned and also
// reported, since the error of an Emit is easily ignored: to OnError for an event to one
// socket, to the log if s is nil.
func (ns *Namespace) encode(s *Socket, f *adapter.Flags, id int64, event string, args []any) (*engineio.Message, error) {
	if err := checkEvent(event); err != nil {
		return nil, err
	}
	m, err := ns.server.format.Event(ns.name, id, event, args)
	return ns.encoded(s, f, event, m, err)
}

// encodeLent is encode for an event that only s gets and that is sent at once: the message
// shares memory with large attachments.
func (ns *Namespace) encodeLent(s *Socket, f *adapter.Flags, event string, args []any) (*engineio.Message, error) {
	if f.Volatile || hearsOutgoing(s) {
		return ns.encode(s, f, noAck, event, args) // a handler may keep them
	}
	if err := checkEvent(event); err != nil {
		return nil, err
	}
	m, err := ns.server.format.LentEvent(ns.name, noAck, event, args)
	return ns.encoded(s, f, event, m, err)
}

// encoded applies flags to a message, or reports the error of encoding it.
func (ns *Namespace) encoded(s *Socket, f *adapter.Flags, event string, m *engineio.Message, err error) (*engineio.Message, error) {
	if err != nil {
		ns.reportUnencoded(s, event, err)
		return nil, &reportedError{err}
	}
	return ns.applyFlags(m, f), nil
}

// applyFlags applies flags to a message.
func (ns *Namespace) applyFlags(m *engineio.Message, f *adapter.Flags) *engineio.Message {
	if f.Uncompressed {
		m.Uncompressed()
	}
	if f.Conflate != "" {
		m.Conflate(ns.name + "," + f.Conflate) // no name has a comma
	}
	return m.Overflow(overflowOf(f.Overflow, ns.server.opts.Overflow))
}

// reportUnencoded reports an event that can't be encoded. If an OnError handler has
// emitted it, it is logged instead.
func (ns *Namespace) reportUnencoded(s *Socket, event string, err error) {
	if s != nil && !rareOf(s).reporting.Swap(true) {
		defer rareOf(s).reporting.Store(false)
		report(s, event, err)
		return
	}
	ns.server.opts.Logger.Error("an event could not be encoded", "nsp", ns.name, "event", telemetry.Text(event), "error", telemetry.Error(err))
}

// post puts an event into the queue of this socket's client. Every event passes here,
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
	if s.ns.keeper != nil {
		_, err := s.ns.keeper.emit(s, *f, adapter.Target{}, event, slices.Clone(args))
		return err
	}
	m, err := s.ns.encodeLent(s, f, event, args)
	if err != nil {
		return err
	}
	err = s.emitEncoded(m, f.Volatile, event)
	m.Release()
	return err
}

func (s *Socket) emitEncoded(m *engineio.Message, volatile bool, event string) error {
	if s.state.Load() == stateGone {
		return ErrClosed
	}
	if err := s.post(m, volatile); err != nil {
		if err == ErrDropped {
			return nil // as requested
		}
		return err
	}
	s.watch().eventOut(s, event, m)
	return nil
}

// emit sends an event to the sockets selected in one namespace.
func (b *audience) emit(ns *Namespace, event string, args []any) error {
	if ns.keeper != nil {
		_, err := ns.keeper.emit(nil, b.flags, b.target, event, slices.Clone(args)) // so that the list stays off the heap without recovery
		return err
	}
	m, err := ns.encode(nil, &b.flags, noAck, event, args)
	if err != nil {
		return err
	}
	p := &adapter.Packet{Message: m, Flags: b.flags}
	ns.share(p, event, args)
	n, err := ns.adapter.Broadcast(p, b.target)
	ns.server.watch.broadcastOut(ns.name, event, m, n)
	return err
}

// share adds the fields for other servers to a packet, if there may be other servers.
// Otherwise the list of arguments stays off the heap.
func (ns *Namespace) share(p *adapter.Packet, event string, args []any) {
	if ns.shared {
		p.Event, p.Args, p.Meta = event, slices.Clone(args), ns.meta()
	}
}

func (ns *Namespace) meta() adapter.Meta {
	return adapter.Meta{Origin: ns.server.node, Version: adapter.Version}
}

// message encodes an event received as a payload. Its position, if any, becomes the last
// argument, where clients that support recovery expect it.
func (ns *Namespace) message(e adapter.Payload, id int64) (*engineio.Message, error) {
	list := e.JSON
	if e.Position != "" && len(list) > 1 {
		list = append(slices.Clone(list[:len(list)-1]), ',')
		list = append(jsontext.AppendString(list, e.Position), ']')
	}
	return ns.server.format.EventOf(ns.name, id, list, e.Attachments)
}

// overflowOf returns the policy of an event: its own, or that of the server.
func overflowOf(own adapter.OverflowPolicy, server Overflow) Overflow {
	if own == adapter.OverflowUnset {
		return server
	}
	return Overflow(own - 1)
}
