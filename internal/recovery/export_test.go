// SPDX-License-Identifier: MIT

// This file opens the package to its tests.

package recovery

import "time"

// Freeze is what a Line sees if the process was frozen until now.
func (l *Line) Freeze(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.items {
		l.items[i].since = l.items[i].since.Add(-d)
	}
	l.due = l.due.Add(-d)
	l.timer.Reset(max(0, time.Until(l.due)))
}
