// SPDX-License-Identifier: MIT

// Testserver is the program the conformance suite runs: package socketio with
// the behaviour that conformance/README.md describes.
//
// This file reads the environment, listens, and ends on SIGTERM.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/parser/msgpack"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	opts, err := options()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	ln, err := net.Listen("tcp", "127.0.0.1:"+envOr("PORT", "0"))
	if err != nil {
		return err
	}
	io := socketio.NewServer(opts)
	register(io)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	engine := newEngine(opts)
	mux.Handle("/engine.io/", engine)
	web := &http.Server{Handler: mux}

	served := make(chan error, 1)
	go func() { served <- web.Serve(ln) }()
	fmt.Printf("listening %d\n", ln.Addr().(*net.TCPAddr).Port)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	if err := errors.Join(io.Close(), engine.Close()); err != nil {
		return err
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := web.Shutdown(last); err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func options() (*socketio.Options, error) {
	opts := &socketio.Options{Driver: engineio.Driver(os.Getenv("DRIVER"))}
	for _, d := range []struct {
		name string
		to   *time.Duration
	}{
		{"PING_INTERVAL", &opts.PingInterval},
		{"PING_TIMEOUT", &opts.PingTimeout},
		{"CONNECT_TIMEOUT", &opts.ConnectTimeout},
	} {
		text := os.Getenv(d.name)
		if text == "" {
			continue
		}
		v, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		*d.to = v
	}
	if text := os.Getenv("MAX_HTTP_BUFFER_SIZE"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("MAX_HTTP_BUFFER_SIZE: %w", err)
		}
		opts.MaxHTTPBufferSize = n
	}
	opts.AllowEIO3 = os.Getenv("ALLOW_EIO3") == "1"
	if text := os.Getenv("TRUSTED_PROXIES"); text != "" {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("TRUSTED_PROXIES: %w", err)
		}
		opts.TrustedProxies = []netip.Prefix{p}
	}
	if origin := os.Getenv("CORS_ORIGIN"); origin != "" {
		opts.CORS = &socketio.CORS{Origins: []string{origin}}
	}
	switch codec := os.Getenv("CODEC"); codec {
	case "":
	case "msgpack":
		opts.Codec = new(msgpack.Codec)
	default:
		return nil, fmt.Errorf("CODEC: no codec named %s", codec)
	}
	return opts, nil
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
