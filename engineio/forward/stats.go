// SPDX-License-Identifier: MIT

// This file holds the counters.

package forward

import "sync/atomic"

// Stats are counters since the beginning, except Open.
type Stats struct {
	// Requests is the number of polls and POSTs that this server has forwarded.
	Requests uint64
	// Upgrades is the number of WebSockets that this server has forwarded.
	Upgrades uint64
	// Open is the number of WebSockets that this server forwards now.
	Open int
	// Failed is the number of requests for sessions of other servers that could not be
	// forwarded.
	Failed uint64
	// Received is the number of requests that other servers have forwarded to this one.
	Received uint64
	// Refused is the number of requests at the handler for other servers that were not
	// believed.
	Refused uint64
	// Announcements is the number of announcements that were not believed.
	Announcements uint64
}

type counter struct {
	requests, upgrades, failed, received, refused, announcements atomic.Uint64
	open                                                         atomic.Int64
}

// stats returns the values.
func (c *counter) stats() Stats {
	return Stats{
		Requests: c.requests.Load(), Upgrades: c.upgrades.Load(), Open: int(c.open.Load()), Failed: c.failed.Load(),
		Received: c.received.Load(), Refused: c.refused.Load(), Announcements: c.announcements.Load(),
	}
}
