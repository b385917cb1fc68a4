// SPDX-License-Identifier: MIT

//go:build npm

// This file runs the delivery suite of several servers: clients of npm, and the checker of
// what all have sent and received, while servers are killed, frozen and drained, and
// Postgres fails.

package pgadapter_test

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"socketio/adapter/cluster"
	"socketio/adapter/pgadapter/internal/pgtest"
	"socketio/internal/histserver"
)

// deliveryEnv has the mode, the prefix and the URL of Postgres of a server.
const deliveryEnv = "PGADAPTER_DELIVERY"

func init() {
	serveDelivery = func() (bool, error) {
		words := strings.Split(os.Getenv(deliveryEnv), ",")
		if len(words) != 3 {
			return false, nil
		}
		return true, histserver.ServeNode(func(c cluster.Options) *cluster.Cluster {
			config, err := pgx.ParseConfig(words[2])
			if err != nil {
				panic(err) // this program has made it
			}
			o := options(words[1])
			o.Cluster = c
			return modes[words[0]](config, o)
		})
	}
}

// ENGINE has the names of modes, separated by commas. Without it, Notify is run: recovery
// on other servers needs a machine that is not overloaded.
func TestDelivery(t *testing.T) {
	for mode := range modes {
		only := os.Getenv("ENGINE")
		if only == "" && mode == "outbox" || only != "" && !strings.Contains(","+only+",", ","+mode+",") {
			continue
		}
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := pgtest.Start(t)
			(&histserver.Engine{
				Name: mode, Logged: mode == "outbox",
				Env:    []string{deliveryEnv + "=" + mode + "," + newPrefix() + "," + server.URL("postgres", server.Addr())},
				Broker: server,
			}).Run(t)
		})
	}
}
