// SPDX-License-Identifier: MIT

// This file holds the handler that load balancers ask.

package cluster

import (
	"fmt"
	"net/http"
)

// Ready returns a handler that answers 200 while the bus works, and 503 with the reason
// while the cluster is degraded or closed. A server whose cluster is degraded still
// serves its own clients: whether a balancer should avoid it is a question of the
// application. The handler does not wait for the network.
func (c *Cluster) Ready() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		err := c.node.health.err()
		if c.node.ctx.Err() != nil {
			err = ErrClosed
		}
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	})
}
