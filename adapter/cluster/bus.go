// SPDX-License-Identifier: MIT

// This file holds the contract of a bus.

package cluster

import (
	"context"

	"socketio/adapter"
)

// A Class says what a Channel is for.
type Class uint8

const (
	// ClassNodes carries heartbeats to all nodes. It has no namespace.
	ClassNodes Class = iota
	// ClassEvents carries broadcasts to all nodes of a namespace.
	ClassEvents
	// ClassRequests carries requests and operations to all nodes of a namespace.
	ClassRequests
	// ClassRoom carries broadcasts to the room Channel.Name.
	ClassRoom
	// ClassAnyRoom is subscribed to instead of ClassRoom by nodes that receive the broadcasts to all
	// rooms. Nothing is published to it; what is published to a ClassRoom is received as that.
	ClassAnyRoom
	// ClassNode carries answers to the node Channel.Name.
	ClassNode
	// ClassAnswers carries answers to all nodes of a namespace. Only servers in Node.js publish
	// to it, and only in the classic format.
	ClassAnswers
	// ClassLog stands for the log of a namespace, for a Codec and a seal. Nothing is
	// published to it, and nobody subscribes to it; see LogBus.Append.
	ClassLog
)

// A Channel is where messages are published. Buses give it a name of their own. Two
// classes of a namespace may share one name: a message is then received under either.
type Channel struct {
	Class     Class
	Namespace string
	Name      string // of a ClassRoom or a ClassNode
}

// A Bus carries messages between nodes. Messages that one node publishes are received in
// order, within the domain that Options.Ordering states, and at most once. A node also
// receives its own messages. All methods may be called from any goroutine.
type Bus interface {
	// Open connects the bus to r. It is called once, before all other methods, and must
	// not wait for the network. The bus then reconnects and subscribes again by itself.
	Open(r Receiver) error
	// Publish sends data to the subscribers of a channel. It does not wait for the
	// network. It returns an error if the bus is down, or if too much is waiting to be
	// sent. It may retain data, and does not call the Receiver.
	// A Queue holds what is waiting.
	Publish(c Channel, data []byte) error
	// Subscribe adds channels to those whose messages are received, and calls done once
	// when messages published from now on by any node will be received. While the bus is
	// down, it keeps the channels for later. done is called with an error if the bus is
	// closed before, or if it can't subscribe: the channels are then not subscribed, and
	// the node tries again. Subscribe does not wait, and may call done before it returns.
	Subscribe(channels []Channel, done func(error))
	// Unsubscribe is the reverse of Subscribe. Calls take effect in order.
	Unsubscribe(channels []Channel)
	// Reset makes a new connection for subscriptions, because messages do not arrive.
	// It does not wait.
	Reset()
	// Close sends what was published before, unless ctx ends. Afterwards no method of the
	// Receiver is called, and the goroutines of the bus have ended.
	Close(ctx context.Context) error
}

// A PeerCounter is a Bus that servers in Node.js may share. They do not announce
// themselves: requests await as many answers as a channel has subscribers.
type PeerCounter interface {
	// Subscribers returns how many nodes are subscribed to each of channels, including
	// this one. It asks the broker, and waits until ctx ends at most.
	Subscribers(ctx context.Context, channels []Channel) ([]int, error)
}

// A LossCounter is a Bus that loses messages which Publish or LogBus.Append has taken: when its
// connection breaks, when the broker refuses them, or when too much waits.
type LossCounter interface {
	// Lost returns how many. Some of them may have arrived.
	Lost() uint64
}

// A Receiver is the node that uses a Bus. Its methods do not block.
type Receiver interface {
	// Receive takes a message of a subscribed channel. The bus must not change data
	// afterwards. Messages of one domain of order come one at a time.
	Receive(c Channel, data []byte)
	// Down is called when the bus can't publish, or has lost a subscription.
	Down(err error)
	// Up is called when the bus works again: all channels are subscribed again.
	Up()
}

// A BatchReceiver is a Receiver that can send to a client what several messages cause in
// one write. The nodes of this package are BatchReceivers.
type BatchReceiver interface {
	Receiver
	// ReceiveMany is Receive, except that it may leave events in the queues of clients
	// until b.Flush. The bus calls that before it waits for more.
	ReceiveMany(b *adapter.Batch, c Channel, data []byte)
}
