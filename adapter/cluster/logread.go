// SPDX-License-Identifier: MIT

// This file holds what the node reads from the logs of its namespaces.

package cluster

import (
	"time"

	"socketio/adapter"
)

var _ BatchLogReceiver = (*node)(nil)

// LogOpened implements LogReceiver.
func (n *node) LogOpened(namespace, epoch string, last uint64) {
	if l := n.eventLog(namespace); l != nil {
		l.opened(epoch, last)
	}
}

// Entry implements LogReceiver.
func (n *node) Entry(namespace string, e Entry) { n.EntryMany(nil, namespace, e) }

// EntryMany implements BatchLogReceiver.
func (n *node) EntryMany(b *adapter.Batch, namespace string, e Entry) {
	l, c := n.eventLog(namespace), Channel{Class: ClassLog, Namespace: namespace}
	if l == nil {
		return // the namespace has ended
	}
	if e.Token > 0 {
		n.counter.own.Add(1)
		l.own(e.Token, e.Number)
		return
	}
	n.checkLease()
	m, reason := n.decode(c, e.Data)
	switch {
	case m == nil:
		n.counter.received.Add(1)
		n.drop(reason, c, "")
	case m.From == n.uid: // appended before OpenLog, or settled since
		n.counter.own.Add(1)
	case n.fresh(c, m):
		n.members.touch(m.From, time.Now())
		l.foreign.entry(l, &e, m, b)
		l.read(e.Number, 0)
		return
	}
	l.passed(e.Number)
	l.read(e.Number, 0)
}

// Settled implements LogReceiver.
func (n *node) Settled(namespace string, token uint64) {
	if l := n.eventLog(namespace); l != nil {
		l.settled(token)
	}
}

// Gap implements LogReceiver.
func (n *node) Gap(namespace string, upTo uint64) {
	if l := n.eventLog(namespace); l != nil {
		l.gap(upTo)
	}
}
