// SPDX-License-Identifier: MIT

// This file holds the messages that wait to be sent.

package natsadapter

import (
	"github.com/nats-io/nats.go"

	"socketio/adapter/cluster"
)

// sizeOf is what a message counts for MaxQueue.
func sizeOf(m *nats.Msg) int {
	const overhead = 64
	n := overhead + len(m.Subject) + len(m.Reply) + len(m.Data)
	for key, values := range m.Header {
		for _, v := range values {
			n += len(key) + len(v)
		}
	}
	return n
}

// An outbox holds the messages that wait, in order.
type outbox = cluster.Queue[*nats.Msg]

func newOutbox(most int) *outbox { return cluster.NewQueue(most, sizeOf, ErrQueueFull) }

// poke makes the reader of a channel look again.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
