// SPDX-License-Identifier: MIT

// Conformtest is the program of the conformance suite, or with the argument "client" that of
// the browser client's scenarios, whose servers share a Redis, which it starts: see packages
// conformserver, clientserver and nodes. ENGINE is "classic", which is the default,
// "sharded" or "streams".
package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/redis/rueidis"

	"socketio/adapter/cluster"
	"socketio/adapter/redisadapter"
	"socketio/adapter/redisadapter/internal/redisserver"
	"socketio/internal/clientserver"
	"socketio/internal/conformserver"
	"socketio/internal/nodes"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// run runs the server that the first argument names.
func run() error {
	bus := nodes.Bus{Start: start, Connect: connect}
	if len(os.Args) == 2 && os.Args[1] == "client" {
		return clientserver.Run(bus)
	}
	return conformserver.Run(bus)
}

// start starts a Redis for all servers.
func start() (env []string, end func(), err error) {
	redis, addr, err := startRedis()
	if err != nil {
		return nil, nil, err
	}
	return []string{"REDIS_ADDR=" + addr}, func() {
		_ = redis.Process.Kill()
		_ = redis.Wait()
	}, nil
}

func connect(o *cluster.Options) *cluster.Cluster {
	to := rueidis.ClientOption{InitAddress: []string{os.Getenv("REDIS_ADDR")}}
	switch os.Getenv("ENGINE") {
	case "sharded":
		return redisadapter.Sharded(to, redisadapter.ModeSharded, &redisadapter.Options{Cluster: *o})
	case "streams":
		return redisadapter.Streams(to, &redisadapter.StreamsOptions{Cluster: *o})
	}
	return redisadapter.Classic(to, &redisadapter.Options{Cluster: *o})
}

// startRedis starts a server, and returns when it answers.
func startRedis() (cmd *exec.Cmd, addr string, err error) {
	for range 10 { // another program may take the port meanwhile
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			break
		}
		addr = l.Addr().String()
		_ = l.Close()
		_, port, _ := net.SplitHostPort(addr)
		if cmd, err = redisserver.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", ""); err != nil {
			break
		}
		cmd.Stderr, cmd.SysProcAttr = os.Stderr, nodes.EndWithUs()
		if err = cmd.Start(); err != nil {
			break
		}
		if err = answers(addr); err == nil {
			return cmd, addr, nil
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	return nil, "", fmt.Errorf("redis does not start: %w", cmp.Or(err, errors.New("no port is free")))
}

func answers(addr string) (err error) {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var nc net.Conn
		if nc, err = net.Dial("tcp", addr); err == nil {
			return nc.Close()
		}
	}
	return err
}
