// SPDX-License-Identifier: MIT

// This file holds the end of a Conn whose peer is slow, and the warning in the log.

package engineio

import "fmt"

// closeSlow closes the connection because its peer is slow, and logs a warning.
func closeSlow(c *Conn, why slowness, e ending) {
	rest, _ := c.endSlow(why, e)
	rest()
}

// endSlow is closeSlow without calls to the Handler, which rest does. It reports whether
// the connection was open.
func (c *Conn) endSlow(why slowness, e ending) (rest func(), ended bool) {
	e.code, e.text = closePolicy, "slow consumer"
	packets, bytes := c.Buffered()
	err := fmt.Errorf("%w: %s", ErrSlowConsumer, why.what)
	told, ended := c.end(ReasonTransportError, err, e)
	if !ended {
		return told, false
	}
	return func() {
		names := c.svc.names()
		c.svc.log.Warn("closed: "+names.peer+" reads too slowly; to allow more raise "+names.options+"."+why.option+", to send less see Overflow",
			"conn", c.number, "transport", c.Transport(), "packets", packets, "bytes", bytes, "max", why.max, "option", why.option)
		told()
	}, true
}
