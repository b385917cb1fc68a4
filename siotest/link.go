// SPDX-License-Identifier: MIT

// This file holds Link: the network of a client, and its faults.

package siotest

import (
	"context"
	"errors"
	"net"
	"time"

	"socketio/internal/durations"
	"socketio/internal/faultnet"
	"socketio/internal/memnet"
)

// A Direction is one way through a network, or both.
type Direction uint8

const (
	// Up is from the client to the server.
	Up Direction = 1 << iota
	// Down is from the server to the client.
	Down
	// Both is Up and Down.
	Both = Up | Down
)

// A Break is the way in which a cut ends a connection.
type Break uint8

const (
	// FIN ends it gracefully: both sides read the bytes that have left the link, then the
	// end. Bytes held by Delay or Stall are lost.
	FIN Break = iota
	// Reset resets it: both sides get an error instead of the end, in memory after the
	// bytes in transit, which may be lost over TCP.
	Reset
)

// A Link is the network between a client and the server. All connections of the client
// use it: one for WebSocket, several for polling. It forwards all bytes until a fault is
// set. A fault applies to later bytes, on open and on new connections.
//
// The same faults in the same order have the same effect, in memory to the byte. This
// does not apply to CutAfter over polling, since its connections race with each other.
// Over TCP, Stall and Split can't control the buffers of the kernel.
type Link struct {
	dialServer func(context.Context) (net.Conn, error)
	faults     *faultnet.Link
}

// errShut is returned by dial after the end of the test.
var errShut = errors.New("siotest: the test is over")

func newLink(dial func(context.Context) (net.Conn, error)) *Link {
	return &Link{dialServer: dial, faults: faultnet.NewLink(nil)}
}

// Drop makes the link discard all bytes, and hide the end of a connection from the other
// side. Lost bytes stay lost after Heal; new connections work.
func (l *Link) Drop(d Direction) { l.faults.Drop(faultnet.Direction(d)) }

// Stall holds bytes back until Heal. Once the buffers are full, the writer must wait.
// Stall(Down) simulates a client that does not read.
func (l *Link) Stall(d Direction) { l.faults.Stall(faultnet.Direction(d)) }

// Delay delays bytes and the end of a connection, keeping their order. Zero ends the
// delay for later bytes. Delay panics if delay is positive and below one millisecond,
// which indicates a missing unit: write 50*time.Millisecond, not 50.
func (l *Link) Delay(d Direction, delay time.Duration) {
	durations.Check("siotest: Link.Delay", delay, time.Millisecond)
	l.faults.Delay(faultnet.Direction(d), delay)
}

// Split limits each read of the receiver to n bytes. Zero ends the limit. Over TCP the
// server may still read several pieces at once.
func (l *Link) Split(d Direction, n int) { l.faults.Split(faultnet.Direction(d), n) }

// CutAfter cuts a connection after n more bytes have passed over all connections
// together. Several cuts can be set; each happens once.
func (l *Link) CutAfter(d Direction, n int, how Break) {
	l.faults.At(faultnet.Direction(d), faultnet.Point{More: n}, faultnet.Action(how))
}

// CutAt cuts the connection on which pattern passes next, after its last byte. The
// pattern is matched against the bytes on the wire: HTTP, and WebSocket frames, which are
// plain text because the clients of this package mask with the key zero. It cuts once.
// CutAt panics if pattern is empty.
func (l *Link) CutAt(d Direction, pattern string, how Break) {
	if pattern == "" {
		panic("siotest: CutAt without a pattern")
	}
	l.faults.At(faultnet.Direction(d), faultnet.Point{Pattern: pattern}, faultnet.Action(how))
}

// Heal ends all faults: stalled bytes continue, pending cuts are removed.
func (l *Link) Heal() { l.faults.Heal() }

// Cut cuts all connections that are open now, in both directions.
func (l *Link) Cut(how Break) { l.faults.Cut(faultnet.Action(how)) }

// dial opens a connection through the link.
func (l *Link) dial(ctx context.Context) (net.Conn, error) {
	server, err := l.dialServer(ctx)
	if err != nil {
		return nil, err
	}
	client, inner := memnet.Pipe(0)
	if l.faults.Carry(inner, server) != nil {
		return nil, errShut
	}
	return client, nil
}

// close ends the link and waits for its goroutines.
func (l *Link) close() { l.faults.Close() }
