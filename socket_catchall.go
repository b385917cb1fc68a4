// SPDX-License-Identifier: MIT

// This file holds the listeners that see what is sent to a socket.

package socketio

import (
	"slices"

	"socketio/engineio"
)

// outgoingFunc is what OnAnyOutgoing takes.
type outgoingFunc func(event string, args Args)

// OnAnyOutgoing calls fn for each event that is sent to this socket's client:
// directly, or by a broadcast that reaches it; not for acknowledgements, and not
// for a volatile event that was dropped. It is called by the goroutine that sends,
// when the event is in the queue, possibly by several at once; a broadcast waits
// for it, so it must not block. The arguments are as the client will see them and
// must not be changed. remove takes fn off again.
func (s *Socket) OnAnyOutgoing(fn func(event string, args Args)) (remove func()) {
	if fn == nil {
		panic("socketio: OnAnyOutgoing: the handler is nil")
	}
	f := outgoingFunc(fn)
	s.changeOutgoing(func(list []*outgoingFunc) []*outgoingFunc { return append(slices.Clone(list), &f) })
	return func() {
		s.changeOutgoing(func(list []*outgoingFunc) []*outgoingFunc { return without(list, &f) })
	}
}

func (s *Socket) changeOutgoing(change func([]*outgoingFunc) []*outgoingFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*outgoingFunc
	if now := s.outgoing.Load(); now != nil {
		list = *now
	}
	if list = change(list); len(list) > 0 {
		s.outgoing.Store(&list)
	} else {
		s.outgoing.Store(nil)
	}
}

// sent tells the outgoing listeners, if there are any, of an event that is in the
// queue.
func (s *Socket) sent(m *engineio.Message) {
	if list := s.outgoing.Load(); list != nil {
		s.notifyOutgoing(*list, m)
	}
}

func (s *Socket) notifyOutgoing(list []*outgoingFunc, m *engineio.Message) {
	f := s.ns.server.format
	e, err := f.Split(s.ns.name, m)
	if err != nil {
		s.report("outgoing", err)
		return
	}
	args := Args{raw: e.Args, attachments: e.Attachments, codec: f.Codec()}
	for _, fn := range list {
		s.report(e.Name, s.guard(func() error { (*fn)(e.Name, args.clone()); return nil }))
	}
}
