// SPDX-License-Identifier: MIT

// Conformtest is the program of the conformance suite whose servers share a Redis, which it
// starts: see package conformserver. ENGINE is "classic", which is the default, "sharded"
// or "streams".
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
	"socketio/internal/conformserver"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	redis, addr, err := startRedis()
	if err != nil {
		return err
	}
	defer func() {
		_ = redis.Process.Kill()
		_ = redis.Wait()
	}()
	to := rueidis.ClientOption{InitAddress: []string{addr}}
	return conformserver.Run(func(_ string, o *cluster.Options) *cluster.Cluster {
		switch os.Getenv("ENGINE") {
		case "sharded":
			return redisadapter.Sharded(to, redisadapter.ModeSharded, &redisadapter.Options{Cluster: *o})
		case "streams":
			return redisadapter.Streams(to, &redisadapter.StreamsOptions{Cluster: *o})
		}
		return redisadapter.Classic(to, &redisadapter.Options{Cluster: *o})
	})
}

// startRedis starts a server, and returns when it answers.
func startRedis() (cmd *exec.Cmd, addr string, err error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		path, err = exec.LookPath("redis-check-rdb") // the same program, which looks at the name it was called by
	}
	for range 10 { // another program may take the port meanwhile
		if err != nil {
			break
		}
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			break
		}
		addr = l.Addr().String()
		_ = l.Close()
		_, port, _ := net.SplitHostPort(addr)
		cmd = &exec.Cmd{Path: path, Args: []string{"redis-server", "--port", port, "--bind", "127.0.0.1", "--save", ""}, Stderr: os.Stderr, SysProcAttr: endWithUs()}
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
