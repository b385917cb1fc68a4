// SPDX-License-Identifier: MIT

// This file holds IDs, and Count, the number of acknowledgements awaited on a connection.

package ack

import "sync/atomic"

// IDs generates the ids of acknowledgements. The zero value is ready for use.
type IDs struct{ next atomic.Int64 }

// Next returns an id that was not returned before: 0, 1 and so on.
func (i *IDs) Next() int64 { return i.next.Add(1) - 1 }

// A Count is the number of acknowledgements awaited by the tables that share it, which
// are those of one connection. Only tables change it: each acknowledgement counts from
// Await until it is taken, given up or failed. The zero value is ready for use.
type Count struct{ n atomic.Int32 }

// Len returns the number of acknowledgements awaited.
func (c *Count) Len() int { return int(c.n.Load()) }

// begin adds one. It reports whether the count was zero before.
func (c *Count) begin() (changed bool) { return c.n.Add(1) == 1 }

// end subtracts n. It reports whether the count is now zero.
func (c *Count) end(n int) (changed bool) { return n > 0 && c.n.Add(-int32(n)) == 0 }
