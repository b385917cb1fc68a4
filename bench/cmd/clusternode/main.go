// SPDX-License-Identifier: MIT

//go:build linux

// Command clusternode is this repository's server in a cluster on Redis or PostgreSQL, as
// the benchmark measures it. A client names the rooms that it joins, with commas between,
// by the event "join". The command "publish N" emits N events to the rooms that are
// elsewhere, "send N" to those of the measured server.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/rueidis"

	"socketio"
	"socketio/adapter/pgadapter"
	"socketio/adapter/redisadapter"
	"socketio/bench/internal/control"
)

func main() {
	addr := flag.String("redis", "", "address of Redis")
	url := flag.String("postgres", "", "URL of the database, for notify and outbox")
	mode := flag.String("mode", "classic", `"classic", "sharded", "streams", "notify" or "outbox"`)
	ln := control.Listen()

	opts := &socketio.Options{PingInterval: 5 * time.Minute}
	redis := rueidis.ClientOption{InitAddress: []string{*addr}}
	postgres, err := pgx.ParseConfig(*url)
	if err != nil {
		control.Fatal(err)
	}
	switch *mode {
	case "classic":
		opts.Cluster = redisadapter.Classic(redis, nil)
	case "sharded":
		opts.Cluster = redisadapter.Sharded(redis, redisadapter.ModeSharded, nil)
	case "streams":
		opts.Cluster, opts.Recovery = redisadapter.Streams(redis, nil), new(socketio.Recovery)
	case "notify":
		opts.Cluster = pgadapter.Notify(postgres, nil)
	case "outbox":
		opts.Cluster, opts.Recovery = pgadapter.Outbox(postgres, nil), new(socketio.Recovery)
	}
	io := socketio.NewServer(opts)
	io.On("join", func(s *socketio.Socket, rooms string) (bool, error) {
		return true, s.Join(strings.Split(rooms, ",")...)
	})
	go func() { control.Fatal(http.Serve(ln, io)) }() // ends with the process

	control.Serve(ln.Addr(), map[string]func(arg string) (string, error){
		"publish": func(arg string) (string, error) { return emit(io, "elsewhere ", arg) },
		"send":    func(arg string) (string, error) { return emit(io, "room ", arg) },
	})
}

// emit emits events to a hundred rooms.
func emit(io *socketio.Server, kind, count string) (string, error) {
	n, err := strconv.Atoi(count)
	for i := 0; i < n && err == nil; {
		switch err = io.To(kind+strconv.Itoa(i%100)).Emit("news", i, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"); {
		case err == nil:
			i++
		case errors.Is(err, redisadapter.ErrQueueFull), errors.Is(err, pgadapter.ErrQueueFull), errors.Is(err, socketio.ErrTooManyWaiting):
			time.Sleep(time.Millisecond) // as an application that can wait
			err = nil
		}
	}
	return fmt.Sprint("ok ", n), err
}
