// SPDX-License-Identifier: MIT

// This file opens what the tests of this package must set.

package webtransport

import "time"

// SetLinger sets the duration of each step of an orderly close. It must be called before
// the server serves.
func (s *Server) SetLinger(d time.Duration) { s.linger = d }
