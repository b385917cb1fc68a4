// SPDX-License-Identifier: MIT

// This file shows the loops of the epoll driver to its tests.

package netpoll

import "slices"

// LoopOf returns the number of the loop that has a connection of an Epoll.
func LoopOf(d Driver, c Conn) int { return slices.Index(d.(*Epoll).loops, c.(*epollConn).loop) }

// Connections returns how many connections each loop of an Epoll counts.
func Connections(d Driver) (counts []int) {
	for _, l := range d.(*Epoll).loops {
		counts = append(counts, int(l.conns.Load()))
	}
	return counts
}
