// SPDX-License-Identifier: MIT

// This file opens what the tests of this package must set.

package webtransport

import "time"

// SetLinger sets how long each step of an orderly end may take. It must be called
// before the server serves.
func (s *Server) SetLinger(d time.Duration) { s.linger = d }
