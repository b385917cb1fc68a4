// SPDX-License-Identifier: MIT

// This file holds the messages that wait to be sent.

package pgadapter

import "socketio/adapter/cluster"

// A message waits to be sent: a notification, or an entry of a log.
type message struct {
	channel string // of a notification
	space   string // of an entry
	token   uint64 // of an entry, or 0
	data    []byte
}

func (m message) size() int {
	const overhead = 64 // counted for each message beside its bytes
	return len(m.channel) + len(m.space) + len(m.data) + overhead
}

// A queue holds the messages that wait, in order.
type queue = cluster.Queue[message]

func newQueue(most int) *queue { return cluster.NewQueue(most, message.size, ErrQueueFull) }
