// SPDX-License-Identifier: MIT

// This file holds backpressure: a connection is not read while its handlers are behind.

package socketio

// maxDeparted is the number of sockets that have left a connection and may still run
// handlers. Beyond it the connection is not read: a client must not run more handlers at
// once by leaving and joining again.
const maxDeparted = 16

// arrived counts an item that is added to an inbox. It reports whether the inboxes of the
// connection are full.
func (c *conn) arrived(it *item) (full bool) {
	o := &c.server.opts
	items, bytes := c.inboxItems.Add(1), c.inboxBytes.Add(int64(it.size))
	return int(items) >= o.MaxInboxPackets || bytes >= int64(o.MaxInboxBytes)
}

// taken counts items that have left an inbox.
func (c *conn) taken(items, bytes int) {
	c.inboxItems.Add(-int32(items))
	c.inboxBytes.Add(-int64(bytes))
}

// isPaused reports whether reading has stopped.
func (c *conn) isPaused() bool {
	return c.paused.Load()
}

// checkInboxes pauses or resumes reading, depending on the inboxes. Both happen under mu,
// so that the last decision takes effect.
func (c *conn) checkInboxes() {
	var stopped, resumed bool
	defer func() { // after mu is unlocked
		if stopped {
			c.server.opts.Logger.Debug("a connection is not read: its handlers are behind", "conn", c.eio.Number())
			c.server.watch.readingPaused(c.eio)
		} else if resumed {
			c.server.watch.readingResumed(c.eio)
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	factor := 1
	if c.awaited.Len() > 0 {
		factor = awaitFactor
	}
	o := &c.server.opts
	// A worker that takes an item after this checks again, see runner.Run; items taken
	// before are not in the counts.
	paused := c.paused.Swap(true)
	items, bytes := int(c.inboxItems.Load()), int(c.inboxBytes.Load())
	gone := c.slots.Leaving()
	for s := range c.slots.Leavers() { // few
		items += s.inbox.Calls()
	}
	full := c.decoding || gone >= factor*maxDeparted || items >= factor*o.MaxInboxPackets || bytes >= factor*o.MaxInboxBytes
	low := !c.decoding && gone <= factor*maxDeparted/2 && items <= factor*o.MaxInboxPackets/2 && bytes <= factor*o.MaxInboxBytes/2
	switch {
	case full && !paused:
		c.eio.Pause()
		stopped = true
	case paused && low:
		c.paused.Store(false)
		if c.pending {
			c.eio.SetTimer(c.server.opts.AttachmentTimeout)
		}
		c.eio.Resume()
		resumed = true
	case !paused:
		c.paused.Store(false)
	}
	if full && !c.decoding && c.awaited.Len() > 0 {
		for s := range c.slots.Members() {
			rareOf(s).acks.Fail(&c.awaited, s, ErrInboxFull)
		}
	}
}
