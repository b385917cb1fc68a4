// SPDX-License-Identifier: MIT

// This file holds the limits of a connection.

package engineio

import "time"

// limits are the bounds and times of a Conn.
type limits struct {
	pingInterval, pingTimeout time.Duration
	upgradeTimeout            time.Duration
	writeTimeout              time.Duration
	messageTimeout            time.Duration
	pauseTimeout              time.Duration

	maxPayload       int
	maxQueueBytes    int
	maxQueueMessages int
}
