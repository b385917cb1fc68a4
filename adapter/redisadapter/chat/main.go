// SPDX-License-Identifier: MIT

// Command chat is examples/chat on two servers, with Redis between them and nginx in front
// that sends each request to the next of them: no sticky sessions. It starts all of them and
// prints the address of nginx; everything ends with Ctrl-C. PORT chooses the port, as for
// the other chats. Without one of the servers the chat goes on, and no message is missing: kill
// it with the number that is printed. Its pages are recovered on the other one.
//
// This file holds the beginning, and a server; site.go holds the programs around it.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/redis/rueidis"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/engineio/forward"
	"socketio/examples/chat/room"
)

func main() {
	run := site
	if os.Getenv("CHAT_REDIS") != "" {
		run = server
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// server is one of the two servers. The environment says where Redis is, and the secret
// of the servers.
func server() error {
	secret, err := base64.RawStdEncoding.DecodeString(os.Getenv("CHAT_SECRET"))
	if err != nil {
		return fmt.Errorf("CHAT_SECRET: %w", err)
	}
	// What only the other server may reach has a port of its own.
	private, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	node := forward.New(&forward.Options{Secret: secret, URL: "http://" + private.Addr().String() + "/"})
	web := &http.Server{Handler: node, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = web.Serve(private) }() // ends with Close
	defer web.Close()

	redis := rueidis.ClientOption{InitAddress: []string{os.Getenv("CHAT_REDIS")}}
	opts := &socketio.Options{
		Cluster:  redisadapter.Streams(redis, &redisadapter.StreamsOptions{Cluster: cluster.Options{Announcer: node}}),
		Recovery: &socketio.Recovery{}, // a page that loses its server continues on the other
	}
	opts.Engine.Forward = node
	return room.RunWith(opts)
}

// newSecret returns a secret for CHAT_SECRET.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawStdEncoding.EncodeToString(b[:])
}

var errEnded = errors.New("it has ended")
