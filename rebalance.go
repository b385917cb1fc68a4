// SPDX-License-Identifier: MIT

// This file holds how clients are moved to other servers.

package socketio

import (
	"context"
	"math"
)

// Rebalance closes a random share of the connections, 0 to 1, so that their clients
// reconnect, possibly to a server that was added. It sends the queue of each connection
// first, closes perSecond connections each second, and returns how many it has closed. If
// ctx ends before, it returns the error of ctx.
//
// Clients reconnect by themselves. The load balancer chooses the server: with one that
// prefers the servers with the fewest connections, a share of 1/n fills the n-th server. If
// the servers share sessions, see Recovery, a client continues its session there and misses
// nothing; without recovery it gets a new socket, as after each lost connection. Events
// that a client was sending at that moment may be lost, unless it sends them again: option
// retries of the client. Sockets end with the reason "forced close" and the cause ErrMoved.
func (s *Server) Rebalance(ctx context.Context, share float64, perSecond int) (closed int, err error) {
	if !(share >= 0 && share <= 1) || perSecond <= 0 {
		panic("socketio: Rebalance: share must be from 0 to 1, and perSecond positive")
	}
	n := int(math.Round(share * float64(s.engine.Count())))
	return s.engine.CloseSome(ctx, n, perSecond)
}
