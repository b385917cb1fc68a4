// SPDX-License-Identifier: MIT

// This file opens the package to its tests.

package recovery

import "time"

// Late makes the timer of a Line fire as if it were late.
func (l *Line) Late(by time.Duration) {
	l.mu.Lock()
	l.due = time.Now().Add(-by)
	l.mu.Unlock()
	l.expire()
}
