// SPDX-License-Identifier: MIT

// This file holds the contract between a connection's driver and the protocol
// code above it.

package netpoll

import (
	"net"
	"time"
)

const (
	// BatchBytes is about how many bytes a Handler offers for one write: the last frame
	// may exceed it.
	BatchBytes = 64 << 10
	// BatchBuffers is how many slices one write may have (below IOV_MAX).
	BatchBuffers = 64
	// LingerTimeout is how long a connection that was shut down waits for the peer to
	// close its side while input is discarded. Without it a reset might overtake the last
	// bytes that were sent.
	LingerTimeout = 2 * time.Second
)

// A Handler is the protocol code above one connection. Feed and Ended are
// called by one goroutine at a time, in order. Next and Sent are called by the writer, also
// one at a time. None of them may block.
type Handler interface {
	// Feed takes bytes that were read. b is valid until return and may be
	// changed in place. It returns how many bytes it took. With more=false the
	// driver keeps the rest and reads no further until Resume; it then calls
	// Feed again, also when the rest is empty. With more=true all were taken.
	Feed(b []byte) (n int, more bool)

	// Room is called before a read, by the goroutine that calls Feed. It returns memory of
	// the Handler for the bytes, or nil: then the driver uses its own. Bytes that were read
	// there are passed to Feed as a slice of it. Like Feed it is not called during a pause or
	// after Shutdown.
	Room() []byte

	// Ended is called once, as the last method: with io.EOF after an orderly end of the
	// stream, net.ErrClosed after Conn.Close, otherwise the error.
	Ended(err error)

	// Next reports that the first sent bytes of the last batch have left. It appends
	// to bufs the slices to write next, at most BatchBuffers and about BatchBytes, and
	// returns it. The slices are not changed until Next or Sent has covered them.
	// Appending none releases the right to write: see Conn.Flush.
	Next(sent int, bufs [][]byte) [][]byte

	// Sent is called in place of Next when the driver can't write more for now, and with 0
	// after Next when it will write those slices later: it asks for them again.
	Sent(n int)
}

// A Handler may be a Warmer. A driver that has bytes for several connections calls Warm for
// all of them before it feeds the first, on the goroutine of Feed: the processor fetches the
// memory of several connections at the same time, instead of one after the other when they
// are fed.
type Warmer interface {
	// Warm reads from each part of memory that Feed and what follows will visit. It takes no
	// lock, so it reads only what does not change, and atomic values. The result has no
	// meaning: it depends on what was read, so that the compiler keeps the reads.
	Warm() int
}

// A Conn is one network connection under a driver. All methods may be called
// from any goroutine and do not block.
type Conn interface {
	// Start begins reading. early are bytes that were read before the
	// connection was taken over; they are fed first. It is called once.
	Start(early []byte)

	// Flush writes first, if it is not nil, and then the slices that Next offers until
	// it has no more. first is a batch of one slice, of at most BatchBytes, which Next
	// would offer now. The caller holds the right to write, which passes to the driver:
	// there is one writer at a time, and the Handler decides which goroutine has the
	// right.
	Flush(first []byte)

	// Resume continues reading after Feed has returned more=false.
	Resume()

	// Shutdown ends the sending side, discards input for at most
	// LingerTimeout, then closes. last says that the protocol lets the peer send nothing
	// more: then a driver may close at once if nothing has arrived.
	Shutdown(last bool)

	// Close closes at once. Unsent bytes are lost.
	Close()
}

// A Driver takes over connections.
type Driver interface {
	// Attach takes over nc, which belongs to the driver from now on unless Attach returns
	// an error: not every driver accepts every connection. Reading begins with
	// Conn.Start, which must be called.
	Attach(nc net.Conn, h Handler) (Conn, error)

	// Close waits for at most grace until all connections have ended, closes the
	// remaining ones, and returns when every goroutine of the driver has ended. Attach
	// must not be called after that.
	Close(grace time.Duration)
}

// A Driven is a connection that brings its own driver, which no other takes over. It is
// for simulations, whose connections are neither sockets nor goroutines.
type Driven interface {
	net.Conn

	// Drive attaches the connection, as Driver.Attach does. It does not fail.
	Drive(h Handler) Conn
}
