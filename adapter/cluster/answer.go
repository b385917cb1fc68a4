// SPDX-License-Identifier: MIT

// This file handles the messages of other nodes in a namespace.

package cluster

import (
	"context"
	"time"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// answerTimeout is how long a request of a node that states no time is answered.
const answerTimeout = 30 * time.Second

// wants implements namespace.
func (n *space) wants(c Channel) bool { return c.Class != ClassRoom || n.interest.has(c.Name) }

// handle implements namespace.
func (n *space) handle(c Channel, m *nodewire.Message, b *adapter.Batch) {
	useful := true
	switch m.Kind {
	case nodewire.KindHello:
		if !n.introduction(c, m) {
			return
		}
		_ = n.core.announce(Channel{Class: ClassNode, Namespace: n.nsp, Name: m.From}, nodewire.KindHeartbeat, &announcement{spaces: []string{n.nsp}})
	case nodewire.KindHeartbeat:
		if !n.introduction(c, m) {
			return
		}
	case nodewire.KindBye:
		if _, ok := n.core.announced(c, m); !ok {
			return
		}
		n.core.members.leave(m.From, n.nsp)
		n.core.pending.gone(m.From, n.nsp, false)
	case nodewire.KindBroadcast:
		useful = n.deliver(c, m, b)
	case nodewire.KindSocketsJoin:
		adapter.Move(n.Memory.Members(m.Target), true, m.Rooms)
		n.operated(m)
	case nodewire.KindSocketsLeave:
		adapter.Move(n.Memory.Members(m.Target), false, m.Rooms)
		n.operated(m)
	case nodewire.KindDisconnect:
		n.operated(m) // before: the socket is known
		_ = n.Memory.DisconnectSockets(m.Target, m.Close)
	case nodewire.KindAllRooms, nodewire.KindAllIDs:
		if useful = m.Ask; useful {
			n.answerNames(m)
		}
	case nodewire.KindFetchSockets:
		n.answerFetch(c, m)
	case nodewire.KindServerSideEmit:
		n.serverEvent(c, m)
	case nodewire.KindHandOver:
		handOver(n, c, m)
	case nodewire.KindSockets, nodewire.KindServerSideAnswer, nodewire.KindClientCount, nodewire.KindClientAnswer, nodewire.KindNoMoreAnswers, nodewire.KindHandedOver:
		useful = n.core.pending.answered(m)
	default:
		n.core.drop("a kind that is not handled", c, m.From)
		return
	}
	if useful {
		n.core.counter.useful.Add(1)
	}
}

// introduction records what a node says about itself in this namespace. It reports false
// if the message was dropped. Hello comes from nodes that say nothing too.
func (n *space) introduction(c Channel, m *nodewire.Message) bool {
	a, ok := n.core.announced(c, m)
	if !ok {
		return false
	}
	now := time.Now()
	n.core.members.meet(m.From, &a, now)
	if n.core.members.enter(m.From, n.nsp, now) {
		n.recounter.newcomer()
	}
	n.core.announcer().heard(m.From, &a)
	return true
}

// deliver delivers a broadcast. It reports whether it had a member here.
func (n *space) deliver(c Channel, m *nodewire.Message, b *adapter.Batch) bool {
	if !n.core.readable(c, m) {
		return false
	}
	if m.Ask {
		return n.deliverAsking(c, m)
	}
	if k, ok := n.local.(adapter.Keeper); ok {
		if count, kept := k.Keep(m.Event, m.Flags, m.Target, n.Members); kept {
			return count > 0
		}
	}
	if t := m.Target; len(t.Rooms) == 1 && len(t.Except) == 0 && len(n.Members(t)) == 0 {
		return false // most that come to all servers are for a room of others
	}
	p, err := n.local.Packet(m.Event, m.Flags, nil)
	if err != nil {
		n.core.drop("an event that no client can read", c, m.From)
		return false
	}
	p.Batch = b
	count, _ := n.Memory.Broadcast(p, m.Target)
	return count > 0
}

// A logSpace is a space as it handles entries.
type logSpace space

// entry implements entryHandler.
func (n *logSpace) entry(l *eventLog, e *Entry, m *nodewire.Message, b *adapter.Batch) {
	c := Channel{Class: ClassLog, Namespace: n.nsp}
	switch {
	case m.Kind == nodewire.KindLost:
		if l.follower != nil {
			l.follower.Lost(m.After)
		}
	case m.Kind != nodewire.KindBroadcast || m.Ask || l.follower == nil:
		(*space)(n).handle(c, m, b)
	case n.core.readable(c, m):
		if l.follower.Foreign(keptEvent(e, m), n.Members, b) > 0 {
			n.core.counter.useful.Add(1)
		}
		return
	}
	l.passed(e.Number)
}

// reply sends an answer to the sender of a request.
func (n *space) reply(m *nodewire.Message, answer *nodewire.Message) {
	answer.RequestID = m.RequestID
	if err := n.core.publish(Channel{Class: ClassNode, Namespace: n.nsp, Name: m.From}, answer); err != nil {
		n.core.log.Debug("an answer to another node was not sent", "nsp", n.nsp, "error", err)
	}
}

// acquire takes one of the places for answering requests.
func (n *space) acquire(places chan struct{}, c Channel, m *nodewire.Message) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		n.core.drop("too many requests are being answered", c, m.From)
		return false
	}
}

// answerFor runs fn with a context that ends with the request. The caller has acquired one of
// places, which is free again afterwards.
func (n *space) answerFor(places chan struct{}, m *nodewire.Message, fn func(ctx context.Context)) {
	timeout := m.Timeout
	if timeout == 0 {
		timeout = answerTimeout
	}
	if !n.core.start(func() {
		defer func() { <-places }()
		ctx, cancel := context.WithTimeout(n.core.ctx, timeout)
		defer cancel()
		fn(ctx)
	}) {
		<-places
	}
}

// deliverAsking delivers a broadcast with acknowledgements at once, then waits for them
// elsewhere. The number of clients is reported before the first acknowledgement, even if
// it is 0.
func (n *space) deliverAsking(c Channel, m *nodewire.Message) bool {
	if !n.acquire(n.core.answering, c, m) {
		n.reply(m, &nodewire.Message{Kind: nodewire.KindClientCount})
		return false
	}
	own := adapter.NewCall()
	p, err := n.local.Packet(m.Event, m.Flags, own)
	if err != nil {
		<-n.core.answering
		n.core.drop("an event that no client can read", c, m.From)
		n.reply(m, &nodewire.Message{Kind: nodewire.KindClientCount})
		return false
	}
	_ = n.Memory.BroadcastWithAck(n.core.ctx, p, m.Target)
	own.Seal()
	ids := own.Asked()
	n.reply(m, &nodewire.Message{Kind: nodewire.KindClientCount, Count: len(ids), IDs: ids})
	if len(ids) == 0 {
		n.local.End(p)
		<-n.core.answering
		return false
	}
	n.answerFor(n.core.answering, m, func(ctx context.Context) {
		defer n.local.End(p)
		for {
			a, ok := own.Next(ctx)
			if !ok {
				break
			}
			if e, err := n.local.EncodeArgs(a.Args); err == nil {
				n.reply(m, &nodewire.Message{Kind: nodewire.KindClientAnswer, Event: e, Socket: a.Socket})
			}
		}
		if m.Go && own.Err(ctx.Err()) != nil {
			n.reply(m, &nodewire.Message{Kind: nodewire.KindNoMoreAnswers})
		}
	})
	return true
}

// answerFetch answers FetchSockets, in parts for nodes in Go.
func (n *space) answerFetch(c Channel, m *nodewire.Message) {
	if !n.acquire(n.core.answering, c, m) {
		n.reply(m, &nodewire.Message{Kind: nodewire.KindSockets, Sockets: []adapter.MemberInfo{}})
		return
	}
	n.answerFor(n.core.answering, m, func(ctx context.Context) {
		answer := nodewire.Message{Kind: nodewire.KindSockets, Sockets: []adapter.MemberInfo{}}
		size := 0
		for _, one := range n.Members(m.Target) {
			info := n.local.Describe(one)
			bytes := len(nodewire.AppendSocket(nil, &info))
			if m.Go && size > 0 && size+bytes > n.core.opts.MaxMessage/4 {
				part := answer
				part.More = true
				n.reply(m, &part)
				answer.Part++
				answer.Sockets, size = []adapter.MemberInfo{}, 0
			}
			answer.Sockets, size = append(answer.Sockets, info), size+bytes
			if ctx.Err() != nil {
				return
			}
		}
		n.reply(m, &answer)
	})
}

// serverEvent runs the handlers of an event for servers. Those that ask for no answer run
// in order, the others beside them: they may wait for each other's nodes.
func (n *space) serverEvent(c Channel, m *nodewire.Message) {
	if !m.Ask {
		if !n.events.add(n.core.ctx, m.Event, n.core.start) {
			n.core.drop("too many events for servers wait for their handlers", c, m.From)
		}
		return
	}
	if !n.acquire(n.core.answering, c, m) {
		if m.Go {
			n.reply(m, &nodewire.Message{Kind: nodewire.KindNoMoreAnswers})
		}
		return
	}
	n.answerFor(n.core.answering, m, func(ctx context.Context) {
		n.local.HandleServerSideEmit(ctx, m.Event, func(e adapter.Payload) {
			n.reply(m, &nodewire.Message{Kind: nodewire.KindServerSideAnswer, Event: e})
		})
	})
}

// handOver ends the socket of a session whose client has come to another node.
func handOver(n *space, c Channel, m *nodewire.Message) {
	answer := func(err error) {
		if !m.Ask {
			return
		}
		count := 0
		if err != nil {
			count = 1
		}
		n.reply(m, &nodewire.Message{Kind: nodewire.KindHandedOver, Count: count})
	}
	if !n.acquire(n.core.handing, c, m) {
		answer(adapter.ErrTaken)
		return
	}
	n.answerFor(n.core.handing, m, func(ctx context.Context) {
		answer(n.core.holding.get().HandOver(ctx, n.nsp, m.Socket))
	})
}

// answerNames answers with the names of all rooms, or with the ids of sockets.
func (n *space) answerNames(m *nodewire.Message) {
	answer := &nodewire.Message{Kind: m.Kind, Rooms: []string{}, IDs: []string{}}
	if m.Kind == nodewire.KindAllRooms {
		answer.Rooms = n.interest.names()
	} else {
		t := m.Target
		if len(m.Rooms) > 0 {
			t.Rooms = m.Rooms
		}
		for _, one := range n.Members(t) {
			answer.IDs = append(answer.IDs, one.ID())
		}
	}
	n.reply(m, answer)
}

// operated answers an operation on one socket, if the socket is here.
func (n *space) operated(m *nodewire.Message) {
	if !m.Ask || len(m.Target.Rooms) != 1 {
		return
	}
	if _, ok := n.Member(m.Target.Rooms[0]); ok {
		n.reply(m, &nodewire.Message{Kind: nodewire.KindDone})
	}
}
