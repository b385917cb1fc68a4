// SPDX-License-Identifier: MIT

// This file holds how a session goes from one living node to another.

package cluster

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"socketio/adapter"
	"socketio/adapter/nodewire"
)

// A holding knows who has the sockets of this node.
type holding struct {
	holder atomic.Pointer[adapter.Holder]
}

func (h *holding) set(holder adapter.Holder) { h.holder.Store(&holder) }

// get returns the Holder, which may have nothing.
func (h *holding) get() adapter.Holder {
	if p := h.holder.Load(); p != nil {
		return *p
	}
	return nobody{}
}

// nobody is the Holder of a node without recovery.
type nobody struct{}

func (nobody) HandOver(context.Context, string, string) error { return nil }
func (nobody) Held() map[string][]string                      { return nil }
func (nobody) Taken(string, []string)                         {}

// maxHanding is the maximum number of sessions that a node hands over at once. The clients of
// others come again.
const maxHanding = 1024

// A handover awaits the answer of a node that has the socket of a session.
type handover struct {
	namespace, owner string

	once sync.Once
	done chan struct{} // closed when err is set
	err  error
}

// errSilentOwner says that a node will not answer.
var errSilentOwner = errors.New("cluster: the node that has the session does not answer")

func (h *handover) space() string { return h.namespace }

func (h *handover) end(err error) {
	h.once.Do(func() {
		h.err = err
		close(h.done)
	})
}

func (h *handover) answered(m *nodewire.Message) {
	if m.Kind == nodewire.KindHandedOver && m.Count > 0 {
		h.end(adapter.ErrTaken)
		return
	}
	h.end(nil)
}

func (h *handover) gone(uid string, _ error) {
	if uid == h.owner {
		h.end(errSilentOwner)
	}
}

func (*handover) recounted(int, map[string]string) {}

// askHandOver asks a node to end the socket of a session and to store it. It returns
// adapter.ErrTaken if that node can't, errSilentOwner if that node has gone, or the error of
// ctx or of the bus.
func (s *services) askHandOver(ctx context.Context, namespace, secret, owner string) error {
	h := &handover{namespace: namespace, owner: owner, done: make(chan struct{})}
	id := s.pending.add(h)
	defer s.pending.remove(id)
	if err := s.publish(nodeChannel(namespace, owner), &nodewire.Message{Kind: nodewire.KindHandOver, Socket: secret, Ask: true, RequestID: id}); err != nil {
		return err
	}
	select {
	case <-h.done:
		return h.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tellTaken tells a node that did not answer that its session was taken, if it lives.
func (s *services) tellTaken(namespace, secret, owner string) {
	_ = s.publish(nodeChannel(namespace, owner), &nodewire.Message{Kind: nodewire.KindHandOver, Socket: secret})
}

func nodeChannel(namespace, uid string) Channel {
	return Channel{Class: ClassNode, Namespace: namespace, Name: uid}
}
