// SPDX-License-Identifier: MIT

// This file opens what the tests of this package must see.

package engineio

// Parked reports whether a GET waits for something to carry.
func (c *Conn) Parked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poll != nil && c.poll.get != nil
}

// Probed reports whether the session has a candidate for its next transport.
func (c *Conn) Probed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poll.candidate() != nil
}

// NewID makes a session id.
func NewID() string { return newID() }
