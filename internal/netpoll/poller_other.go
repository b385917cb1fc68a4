// SPDX-License-Identifier: MIT

//go:build !linux

// This file is for systems without the event-loop driver.

package netpoll

import "errors"

// NewPoller fails: event loops exist on Linux only.
func NewPoller(int) (Driver, error) {
	return nil, errors.New("netpoll: no event loops on this system")
}
