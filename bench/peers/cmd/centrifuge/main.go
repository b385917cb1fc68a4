// SPDX-License-Identifier: MIT

//go:build linux

// Command centrifuge is a server of github.com/centrifugal/centrifuge as the benchmark
// measures it. It speaks the JSON of its own protocol: an echo is a call (RPC) with its
// reply, a broadcast is published to a channel to which the server subscribes every client.
package main

import (
	"context"
	"flag"
	"net/http"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"

	"socketio/bench/internal/control"
)

func main() {
	_ = flag.Int("handlers", 6, "has no effect: handlers belong to the server")
	ping := flag.Int("ping", 25000, "milliseconds between two heartbeats")
	ln := control.Listen()

	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		control.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials:   &centrifuge.Credentials{UserID: "user"},
			Subscriptions: map[string]centrifuge.SubscribeOptions{"all": {}},
			PingPongConfig: &centrifuge.PingPongConfig{
				PingInterval: time.Duration(*ping) * time.Millisecond,
				PongTimeout:  time.Duration(*ping) * time.Millisecond / 2,
			},
		}, nil
	})
	node.OnConnect(func(c *centrifuge.Client) {
		c.OnRPC(func(e centrifuge.RPCEvent, answer centrifuge.RPCCallback) {
			var err error
			switch room, isRoom := strings.CutPrefix(e.Method, "room:"); {
			case e.Method == "bcast":
				_, err = node.Publish("all", e.Data)
			case isRoom:
				_, err = node.Publish(room, e.Data)
			case strings.HasPrefix(e.Method, "join:"):
				err = c.Subscribe(strings.TrimPrefix(e.Method, "join:"))
			}
			answer(centrifuge.RPCReply{Data: e.Data}, err)
		})
	})
	if err := node.Run(); err != nil {
		control.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{
		CheckOrigin: func(*http.Request) bool { return true },
	}))
	go func() { control.Fatal(http.Serve(ln, mux)) }() // ends with the process

	control.Serve(ln.Addr(), nil)
}
