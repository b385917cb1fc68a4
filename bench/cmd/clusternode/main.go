// SPDX-License-Identifier: MIT

//go:build linux

// Command clusternode is this repository's server in a cluster on Redis, as the benchmark
// measures it. A client names the rooms that it joins, with commas between, by the event
// "join". The command "publish N" emits N events to the rooms that are elsewhere.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"socketio"
	"socketio/adapter/redisadapter"
	"socketio/bench/internal/control"
)

func main() {
	addr := flag.String("redis", "", "address of Redis")
	mode := flag.String("mode", "classic", `"classic" or "sharded"`)
	ln := control.Listen()

	redis := rueidis.ClientOption{InitAddress: []string{*addr}}
	cluster := redisadapter.Classic(redis, nil)
	if *mode == "sharded" {
		cluster = redisadapter.Sharded(redis, redisadapter.ModeSharded, nil)
	}
	io := socketio.NewServer(&socketio.Options{Cluster: cluster, PingInterval: 5 * time.Minute})
	io.On("join", func(s *socketio.Socket, rooms string) (bool, error) {
		return true, s.Join(strings.Split(rooms, ",")...)
	})
	go func() { control.Fatal(http.Serve(ln, io)) }() // ends with the process

	control.Serve(ln.Addr(), map[string]func(arg string) (string, error){
		"publish": func(arg string) (string, error) {
			n, err := strconv.Atoi(arg)
			for i := 0; i < n && err == nil; {
				switch err = io.To("elsewhere "+strconv.Itoa(i%100)).Emit("news", i, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"); {
				case err == nil:
					i++
				case errors.Is(err, redisadapter.ErrQueueFull): // as an application that can wait
					time.Sleep(time.Millisecond)
					err = nil
				}
			}
			return fmt.Sprint("ok ", n), err
		},
	})
}
