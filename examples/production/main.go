// SPDX-License-Identifier: MIT

// Command production is a server with everything around it that running one takes, and
// a handler for "echo" in place of an application: sockets from systemd, a unix socket
// or a port, TLS with HTTP/2, health and readiness, pprof out of reach of clients, and
// an orderly end. docs/deploy.md explains it; the files of deploy/ start it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"socketio"
	"socketio/engineio"
)

// settings are the flags.
type settings struct {
	addr, unix, debug string
	cert, key         string
	trusted           []netip.Prefix
	maxConnections    int
	delay, drain      time.Duration
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "production:", err)
		os.Exit(1)
	}
}

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("production", flag.ContinueOnError)
	f.StringVar(&s.addr, "addr", ":3000", "address to listen on, unless systemd passes sockets or -unix is set")
	f.StringVar(&s.unix, "unix", "", "path of a unix socket to listen on instead")
	f.StringVar(&s.debug, "debug", "", "address for pprof, such as 127.0.0.1:6060; none by default")
	f.StringVar(&s.cert, "cert", "", "certificate file; with -key the server speaks TLS and HTTP/2")
	f.StringVar(&s.key, "key", "", "key file")
	f.Func("trust", "network of proxies whose X-Forwarded headers count, such as 10.0.0.0/8, or unix; may be repeated", func(text string) error {
		if text == "unix" {
			s.trusted = append(s.trusted, engineio.UnixSocket)
			return nil
		}
		p, err := netip.ParsePrefix(text)
		s.trusted = append(s.trusted, p)
		return err
	})
	f.IntVar(&s.maxConnections, "max-connections", 0, "most clients at once, 0 for no bound; below the limit of descriptors")
	f.DurationVar(&s.delay, "delay", 0, "time from SIGTERM, when /readyz begins to fail, to the first closed client")
	f.DurationVar(&s.drain, "drain", 20*time.Second, "time to send queued messages and close all clients")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if (s.cert == "") != (s.key == "") {
		return s, errors.New("-cert and -key go together")
	}
	return s, nil
}

// run serves until the process is asked to end. It prints its address to out.
func run(args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listeners, err := listen(s)
	if err != nil {
		return err
	}
	sio := socketio.NewServer(&socketio.Options{MaxConnections: s.maxConnections, TrustedProxies: s.trusted})
	sio.OnConnection(func(c *socketio.Socket) {
		c.On("echo", func(text string) string { return text })
	})
	ready := new(atomic.Bool)
	ready.Store(true)
	web := &http.Server{
		Handler:           handler(sio, ready),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       3 * time.Minute,
	}
	debug, err := serveDebug(s.debug, out)
	if err != nil {
		return err
	}
	defer debug()

	// Each ends when Shutdown below is called, or when serving fails.
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		fmt.Fprintf(out, "listening %s %s\n", l.Addr().Network(), l.Addr())
		go func() { failed <- serve(web, l, s) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		stop() // a second signal ends the process at once
	}
	return shutdown(sio, web, ready, s)
}

func serve(web *http.Server, l net.Listener, s settings) error {
	if s.cert != "" {
		return web.ServeTLS(l, s.cert, s.key) // HTTP/2 and HTTP/1.1, as the client asks
	}
	return web.Serve(l)
}

// handler serves clients and load balancers.
func handler(sio *socketio.Server, ready *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", sio)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok") // the process answers: do not restart it
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(w, "ending", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready") // send it new clients
	})
	return mux
}

// serveDebug serves pprof on an address of its own, so that no client reaches it.
// The function ends it.
func serveDebug(addr string, out io.Writer) (end func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index) // heap, goroutine, allocs and so on
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(out, "debug %s %s\n", l.Addr().Network(), l.Addr())
	ended := make(chan struct{})
	go func() { // ends with Close below
		defer close(ended)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			slog.Warn("pprof is no longer served", "err", err)
		}
	}()
	return func() {
		_ = server.Close()
		<-ended
	}, nil
}

// shutdown ends in order: no new clients, then those that are here, then the HTTP
// server.
func shutdown(sio *socketio.Server, web *http.Server, ready *atomic.Bool, s settings) error {
	ready.Store(false)
	time.Sleep(s.delay) // until balancers have seen it
	limit, cancel := context.WithTimeout(context.Background(), s.drain)
	defer cancel()
	if err := errors.Join(sio.Shutdown(limit), web.Shutdown(limit)); err != nil {
		return fmt.Errorf("not everything has ended in time: %w", err)
	}
	return nil
}
