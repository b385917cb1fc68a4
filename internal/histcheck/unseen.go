// SPDX-License-Identifier: MIT

// This file finds what servers were killed too early to record.

package histcheck

// unseen finds the connections that servers were killed too early to record.
func (w *world) unseen() {
	w.unrecorded = make(map[string]string)
	if len(w.killed) == 0 {
		return
	}
	allowed := make(map[string]bool) // by a server that was killed
	seen := make(map[string]bool)
	for proc := range w.killed {
		for _, e := range w.h[proc] {
			allowed[e.Epoch] = allowed[e.Epoch] || e.Kind == Auth && e.Reason == ""
		}
	}
	for _, proc := range w.h.procs(true) {
		for _, e := range w.h[proc] {
			seen[e.Epoch] = seen[e.Epoch] || e.Kind == Conn
		}
	}
	for _, proc := range w.h.procs(false) {
		for _, e := range w.h[proc] {
			if e.Kind == Conn && allowed[e.Epoch] && !seen[e.Epoch] {
				w.unrecorded[e.Epoch] = e.Session
			}
		}
	}
}

// unseenSession reports whether a server was killed before it recorded a session.
func (w *world) unseenSession(id string) bool {
	for _, session := range w.unrecorded {
		if session == id {
			return true
		}
	}
	return false
}
