// SPDX-License-Identifier: MIT

// This file holds one of several servers.

package conformserver

import (
	"context"
	"errors"
	"net/http"
	"os"

	"socketio"
	"socketio/internal/nodes"
)

func startNode(n *nodes.Node, opts *socketio.Options) (*nodes.Server, error) {
	cluster := n.Connect(opts)
	io := socketio.NewServer(opts)
	app := register(io, n.Notes, n)
	io.Engine().Use(header("X-Middleware", os.Getenv("MIDDLEWARE")))
	engine := newEngine(opts, n.Announced("/engine.io/"))
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.Handle("/engine.io/", engine)
	return &nodes.Server{
		Handler: mux,
		Strangers: func(ctx context.Context) int {
			strangers := n.Count - cluster.Nodes()
			for _, nsp := range app.namespaces {
				strangers += n.Count - 1
				for _, err := range nsp.ServerSideEmitWithAck(ctx, "settle") {
					if err == nil {
						strangers--
					}
				}
			}
			return strangers
		},
		End:   func(ctx context.Context) error { return errors.Join(io.Shutdown(ctx), engine.Shutdown(ctx)) },
		Close: func() error { return errors.Join(io.Close(), engine.Close()) },
	}, nil
}
