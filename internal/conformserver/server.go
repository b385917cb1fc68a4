// SPDX-License-Identifier: MIT

// This file reads the environment, listens, and ends on SIGTERM.

package conformserver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	stdio "io"
	"math/big"
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
	"socketio/internal/nodes"
	"socketio/parser/msgpack"
)

// Run is the program. With NODES, it is that many servers on a bus.
func Run(bus nodes.Bus) error {
	opts, err := options()
	if err != nil {
		return err
	}
	// Caught until the process ends: a parent may send SIGTERM and close the input, and the
	// signal may be the later one.
	signalled, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	ctx, end := context.WithCancel(signalled)
	defer end()
	if os.Getenv("WITH_PARENT") == "1" && !nodes.Started() { // the parent holds the other end of the input
		go func() {
			_, _ = stdio.Copy(stdio.Discard, os.Stdin)
			end()
		}()
	}
	if text := os.Getenv("NODES"); text != "" {
		count, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("NODES: %w", err)
		}
		return nodes.Run(ctx, count, bus, func(n *nodes.Node) (*nodes.Server, error) { return startNode(n, opts) })
	}
	ln, err := net.Listen("tcp", "127.0.0.1:"+envOr("PORT", "0"))
	if err != nil {
		return err
	}
	io := socketio.NewServer(opts)
	register(io, nodes.NewNotes(), nil)
	io.Engine().Use(header("X-Middleware", os.Getenv("MIDDLEWARE")))
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	engine := newEngine(opts, nil)
	mux.Handle("/engine.io/", engine)
	web := &http.Server{Handler: mux}

	served := make(chan error, 2)
	if os.Getenv("TLS") == "1" {
		own, err := certificate()
		if err != nil {
			return err
		}
		mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { // for a browser
			fmt.Fprint(w, `<!doctype html><link rel="icon" href="data:,"><script src="/socket.io/socket.io.js"></script>`)
		})
		web.TLSConfig = &tls.Config{Certificates: []tls.Certificate{own}}
		go func() { served <- web.ServeTLS(ln, "", "") }()
	} else {
		go func() { served <- web.Serve(ln) }()
	}
	if dir := os.Getenv("UNIX_SOCKETS"); dir != "" { // the same on a unix socket, named after the port
		local, err := net.Listen("unix", fmt.Sprintf("%s/%d", dir, ln.Addr().(*net.TCPAddr).Port))
		if err != nil {
			return err
		}
		go func() { served <- web.Serve(local) }()
	}
	fmt.Printf("listening %d\n", ln.Addr().(*net.TCPAddr).Port)

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	if err := errors.Join(io.Close(), engine.Close()); err != nil {
		return err
	}
	last, cancel := context.WithTimeout(context.Background(), 30*time.Second)
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
	opts := &socketio.Options{Engine: engineio.Options{
		Driver:         engineio.Driver(os.Getenv("DRIVER")),
		UpgradeTimeout: time.Minute, // a test machine may be busy
	}}
	var recovery socketio.Recovery
	for _, d := range []struct {
		name string
		to   *time.Duration
	}{
		{"RECOVERY", &recovery.Window},
		{"PING_INTERVAL", &opts.PingInterval},
		{"PING_TIMEOUT", &opts.PingTimeout},
		{"CONNECT_TIMEOUT", &opts.Limits.ConnectTimeout},
		{"BODY_TIMEOUT", &opts.Engine.BodyTimeout},
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
		opts.MaxPayload = n
	}
	if recovery.Window > 0 {
		opts.Recovery = &recovery
	}
	opts.AllowEIO3 = os.Getenv("ALLOW_EIO3") == "1"
	if text := os.Getenv("TRUSTED_PROXIES"); text == "unix" {
		opts.TrustedProxies = []netip.Prefix{engineio.UnixSocket}
	} else if text != "" {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("TRUSTED_PROXIES: %w", err)
		}
		opts.TrustedProxies = []netip.Prefix{p}
	}
	if origin := os.Getenv("CORS_ORIGIN"); origin != "" {
		opts.CORS = &socketio.CORS{Origins: []string{origin}, AllowCredentials: os.Getenv("CORS_CREDENTIALS") == "1"}
		if opts.CORS.AllowCredentials {
			opts.CORS.Methods, opts.CORS.AllowedHeaders = []string{"GET", "POST"}, []string{"content-type"}
		}
	}
	opts.Limits.KeepEmptyNamespaces = os.Getenv("KEEP_EMPTY_NAMESPACES") == "1"
	if os.Getenv("SERVE_CLIENT") == "0" {
		opts.ClientFiles = socketio.NoClientFiles{}
	}
	if name := os.Getenv("COOKIE"); name != "" {
		opts.Engine.Cookie = &engineio.Cookie{Name: name}
	}
	if os.Getenv("COMPRESSION") == "1" {
		opts.Engine.HTTPCompression = new(engineio.HTTPCompression)
		opts.Engine.PerMessageDeflate = new(engineio.PerMessageDeflate)
	}
	if token := os.Getenv("HANDSHAKE_TOKEN"); token != "" {
		opts.Handshake = func(r *http.Request) (context.Context, error) {
			if r.Header.Get("X-Token") != token {
				return nil, errors.New("a wrong token")
			}
			return r.Context(), nil
		}
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

// certificate makes a self-signed certificate.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// header returns an HTTP middleware that sets a header in every response, or
// nothing if value is empty.
func header(name, value string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if value != "" {
				w.Header().Set(name, value)
			}
			next.ServeHTTP(w, r)
		})
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
