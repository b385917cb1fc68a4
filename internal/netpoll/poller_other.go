// SPDX-License-Identifier: MIT

//go:build !linux

// This file says that there is no event-loop driver here.

package netpoll

import "errors"

// NewPoller fails: event loops exist on Linux only.
func NewPoller(int) (Driver, error) {
	return nil, errors.New("netpoll: no event loops on this system")
}
