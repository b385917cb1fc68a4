// SPDX-License-Identifier: MIT

// This file holds the listeners that see what is sent to a socket, and how an
// encoded event becomes a name and arguments again.

package socketio

import (
	"errors"
	"math"
	"slices"

	"socketio/engineio"
	"socketio/parser"
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
	event, args, err := s.ns.server.eventOf(s.ns.name, m)
	if err != nil {
		s.report("outgoing", err)
		return
	}
	for _, fn := range list {
		s.report(event, s.guard(func() error { (*fn)(event, args.clone()); return nil }))
	}
}

// eventOf decodes a message that encodeEvent made.
func (s *Server) eventOf(namespace string, m *engineio.Message) (event string, args Args, err error) {
	list, attachments, err := s.listOf(namespace, m)
	if err != nil {
		return "", Args{}, err
	}
	args = Args{raw: s.codec.SplitArray(nil, list), attachments: attachments, codec: s.codec}
	if len(args.raw) > 0 {
		args.raw = args.raw[1:]
	}
	return string(s.codec.EventName(list)), args, nil
}

// listOf returns the event in a message, its name and arguments, in the format of
// the server. It shares memory with the message.
func (s *Server) listOf(namespace string, m *engineio.Message) (list []byte, attachments [][]byte, err error) {
	binary, first, attachments := m.Parts()
	if s.json != nil {
		return first[headerSize(namespace, first):], attachments, nil
	}
	decoder, limits := s.codec.NewDecoder(), s.limits
	limits.MaxIncompleteBytes = math.MaxInt
	p, ok, err := decoder.Add(&limits, binary, first)
	for _, a := range attachments {
		if err == nil && !ok {
			p, ok, err = decoder.Add(&limits, true, a)
		}
	}
	if err == nil && !ok {
		err = errors.New("socketio: the codec can't decode its own packet")
	}
	return p.Data, p.Attachments, err
}

// headerSize is how much of an event's text stands before its list: the type, the
// number of attachments, the namespace, the acknowledgement id.
func headerSize(namespace string, text []byte) int {
	digits := func(i int) int {
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		return i
	}
	i := 1
	if text[0] == '0'+byte(parser.BinaryEvent) {
		i = digits(i) + 1
	}
	if namespace != "/" {
		i += len(namespace) + 1
	}
	return digits(i)
}
