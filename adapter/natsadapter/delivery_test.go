// SPDX-License-Identifier: MIT

//go:build npm

// This file runs the delivery suite of several servers: clients of npm, and the checker of
// what all have sent and received, while servers are killed, frozen and drained, and NATS
// fails.

package natsadapter_test

import (
	"os"
	"strings"
	"testing"

	"socketio/adapter/cluster"
	"socketio/adapter/natsadapter"
	"socketio/adapter/natsadapter/internal/natstest"
	"socketio/internal/histserver"
)

// deliveryEnv has the mode, the prefix and the address of NATS of a server.
const deliveryEnv = "NATSADAPTER_DELIVERY"

func init() {
	serveDelivery = func() (bool, error) {
		words := strings.Split(os.Getenv(deliveryEnv), ",")
		if len(words) != 3 {
			return false, nil
		}
		return true, histserver.ServeNode(func(o cluster.Options) *cluster.Cluster {
			return modes[words[0]](words[2], &natsadapter.Options{Prefix: words[1], Cluster: o})
		})
	}
}

// ENGINE has the names of modes, separated by commas; all without it.
func TestDelivery(t *testing.T) {
	for _, mode := range []string{"core", "JetStream"} {
		if only := os.Getenv("ENGINE"); only != "" && !strings.Contains(","+only+",", ","+mode+",") {
			continue
		}
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := natstest.Start(t, natstest.JetStream)
			(&histserver.Engine{
				Name: mode, Logged: mode == "JetStream",
				Env:    []string{deliveryEnv + "=" + mode + "," + newPrefix() + "," + server.URL()},
				Broker: server,
			}).Run(t)
		})
	}
}
