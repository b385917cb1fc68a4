// SPDX-License-Identifier: MIT

// This file finds out whether a client still waits for the response to its request.

package forward

import (
	"context"
	"net/http"
	"time"

	"socketio/internal/lock"
)

// unsure is how long a request whose context has ended goes on if its client may have gone.
const unsure = time.Second

// A waiting client is that of a request on its way.
type waiting struct {
	ctx    context.Context // ends when the client has gone
	cancel context.CancelFunc
	remove func() bool
	done   chan struct{} // closed by stop

	mu      lock.Mutex // guards the field below
	stopped bool
}

// watch watches the client of a request until stop is called. The end of the request's own
// context does not mean that the client has gone: the HTTP server may end it for another
// reason, and a session whose poll is cut off would be lost.
func watch(w http.ResponseWriter, r *http.Request) *waiting {
	c := &waiting{done: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	c.remove = context.AfterFunc(r.Context(), func() {
		c.mu.Lock()
		if c.stopped { // then w must not be used any more
			c.mu.Unlock()
			return
		}
		gone := closeNotify(w)
		c.mu.Unlock()
		var late <-chan time.Time
		if gone == nil {
			timer := time.NewTimer(unsure)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-gone:
			c.cancel()
		case <-late:
			c.cancel()
		case <-c.done:
		}
	})
	return c
}

// stop ends the watch, before the handler returns.
func (c *waiting) stop() {
	c.remove()
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	close(c.done)
	c.cancel()
}

// closeNotify returns the channel of the HTTP server's writer that receives when the
// client's connection is lost, or nil if it is hidden.
func closeNotify(w http.ResponseWriter) <-chan bool {
	for {
		if n, ok := w.(interface{ CloseNotify() <-chan bool }); ok {
			return n.CloseNotify()
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}
