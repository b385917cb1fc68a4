// SPDX-License-Identifier: MIT

// Command serve runs one framework of the examples: serve gin. It prints its URL and
// ends with its standard input.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/gofiber/fiber/v3"

	"socketio"
	"socketio/examples/frameworks"
)

func main() {
	name := "net/http"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if err := run(name); err != nil {
		log.Fatal(err)
	}
}

func run(name string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	opts := new(socketio.Options)
	switch name {
	case "chi":
		opts.Handshake = frameworks.KeepUser
	case "fiber":
		opts.Handshake = frameworks.CopyUser
	}
	server := socketio.NewServer(opts)
	defer server.Close()
	frameworks.Register(server)

	var h http.Handler
	sessions := new(frameworks.Sessions)
	serve := func() error { return http.Serve(listener, h) }
	switch name {
	case "net/http":
		h = frameworks.NetHTTP(server)
	case "chi":
		h = frameworks.Chi(server, sessions)
	case "gin":
		h = frameworks.Gin(server)
	case "echo":
		h = frameworks.Echo(server)
	case "fiber":
		app := frameworks.Fiber(server, sessions)
		serve = func() error { return app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }
	default:
		return fmt.Errorf("%s: want net/http, chi, gin, echo or fiber", name)
	}
	// Ends with the process.
	failed := make(chan error, 1)
	go func() { failed <- serve() }()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		failed <- nil
	}()
	fmt.Println("http://" + listener.Addr().String())
	return <-failed
}
