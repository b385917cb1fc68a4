// SPDX-License-Identifier: MIT

// This file holds the messages that wait to be sent.

package redisadapter

import "socketio/adapter/cluster"

// A message waits to be published.
type message struct {
	channel string
	data    []byte
}

// overhead is counted for each message beside its bytes.
const overhead = 64

func (m message) size() int { return len(m.channel) + len(m.data) + overhead }

// An outbox holds the messages that wait, in order.
type outbox = cluster.Queue[message]

func newOutbox(most int) *outbox { return cluster.NewQueue(most, message.size, ErrQueueFull) }
