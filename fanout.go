// SPDX-License-Identifier: MIT

// This file holds how a broadcast is delivered to many sockets.

package socketio

import (
	"socketio/adapter"
	"socketio/engineio"
)

// fanoutChunk is for how many sockets an event is queued before it is written to them: few
// enough for their memory to stay in the processor's caches.
const fanoutChunk = 32

// DeliverAll is called by package adapter for several members. It delivers as Deliver does
// to each, a chunk at a time.
// The memory of a chunk is touched first, then the event is queued, then written, so that
// the processor waits for memory once and not for each socket.
func (m *member) DeliverAll(p *adapter.Packet, members []adapter.Member, sender string) (n int) {
	msg, ok := p.Message.(*engineio.Message)
	staged := ok && msg != nil && p.Call == nil && p.Batch == nil && !p.Volatile
	var f fanout
	if server := socketOf(m).ns.server; staged && server.batches && server.bursts.wants(len(members), msg.Size()) {
		f.bursts = &server.bursts
	}
	for len(members) > 0 {
		part := members[:min(fanoutChunk, len(members))]
		members = members[len(part):]
		if staged {
			f.touch(part)
		}
		for _, m := range part {
			s := socketOf(m)
			if sender != "" && s.ID() == sender {
				continue
			}
			n++
			if staged {
				f.stage(s, msg)
			} else {
				s.member().Deliver(p)
			}
		}
		f.write(msg)
	}
	return n
}

// A fanout is a chunk of sockets for which an event was queued.
type fanout struct {
	n       int
	sockets [fanoutChunk]*Socket
	rests   [fanoutChunk]engineio.Unwritten
	bursts  *bursts // holds the writes back; nil if nothing does
}

// touch reads the memory of sockets, of several at the same time.
func (f *fanout) touch(members []adapter.Member) (touched int) {
	for i, m := range members {
		f.sockets[i] = socketOf(m)
		touched += int(f.sockets[i].state.Load())
	}
	for _, s := range f.sockets[:len(members)] {
		if s.eio.Touch() {
			touched++
		}
	}
	return touched
}

// stage queues the event for a socket.
func (f *fanout) stage(s *Socket, msg *engineio.Message) {
	if s.settledState() != stateConnected {
		return
	}
	var rest engineio.Unwritten
	var err error
	if f.bursts != nil {
		err = s.eio.Enqueue(msg)
	} else {
		rest, err = s.eio.Stage(msg)
	}
	if err == nil { // a connection that closes notifies its sockets
		f.sockets[f.n], f.rests[f.n] = s, rest
		f.n++
	}
}

// write writes to the sockets of a chunk.
func (f *fanout) write(msg *engineio.Message) {
	if f.bursts != nil && f.n > 0 {
		var conns [fanoutChunk]*engineio.Conn
		for i, s := range f.sockets[:f.n] {
			conns[i] = s.eio
		}
		f.bursts.hold(conns[:f.n], msg.Size())
	}
	for i := range f.rests[:f.n] {
		f.rests[i].Write()
	}
	for _, s := range f.sockets[:f.n] {
		reportSent(s, msg)
	}
	f.n = 0
}
