// SPDX-License-Identifier: MIT

package redisadapter_test

import (
	"log"

	"github.com/redis/rueidis"

	"socketio/adapter/redisadapter"
)

// A worker that is not a server of the cluster tells the clients in a room.
func ExampleNewEmitter() {
	redis, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}, DisableCache: true})
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	e := redisadapter.NewEmitter(redis, redisadapter.ModeClassic, nil)
	if err := e.To("orders").Emit("paid", map[string]any{"id": 17}); err != nil {
		log.Print("nobody was told: ", err)
	}
}
