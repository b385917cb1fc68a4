// SPDX-License-Identifier: MIT

// Command example serves a page whose Socket.IO client comes over WebTransport. It
// makes its own certificate, which the page names by its hash, so no authority has
// to sign it and the browser needs no setting.
//
// It listens on 127.0.0.1:3000, TCP and UDP, or on the port in the environment
// variable PORT (0 takes a free one). The page needs the npm client, which speaks
// WebTransport: "npm install socket.io-client" in the working directory, or its
// dist directory in the environment variable CLIENT.
package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"embed"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/quic-go/quic-go/http3"

	"socketio"
	"socketio/engineio/webtransport"
)

//go:embed index.html
var page embed.FS

// A certificate that a page accepts by its hash may be valid for 14 days at most,
// and its key must be ECDSA.
const validity = 13 * 24 * time.Hour

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// run serves until the process is told to stop.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	tcp, udp, err := listen(cmp.Or(os.Getenv("PORT"), "3000"))
	if err != nil {
		return err
	}
	defer udp.Close()
	certificate, err := newCertificate()
	if err != nil {
		return err
	}

	io := socketio.NewServer(&socketio.Options{
		Transports: []string{"polling", "websocket", "webtransport"},
	})
	io.OnConnection(func(s *socketio.Socket) {
		s.On("echo", func(text string, data []byte) (string, []byte, string) {
			return text, data, s.Transport()
		})
	})

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.Handle("/client/", http.StripPrefix("/client/", http.FileServer(http.Dir(
		cmp.Or(os.Getenv("CLIENT"), "node_modules/socket.io-client/dist")))))
	mux.HandleFunc("/hash", func(w http.ResponseWriter, _ *http.Request) {
		hash := sha256.Sum256(certificate.Certificate[0])
		_, _ = w.Write(hash[:])
	})
	mux.Handle("/", http.FileServerFS(page))
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	h3 := &http3.Server{TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	wt := webtransport.NewServer(io, h3)
	streams := http.NewServeMux()
	streams.Handle("/socket.io/", wt)
	h3.Handler = streams

	// Both end when they are closed below, or when serving fails.
	failed := make(chan error, 2)
	go func() { failed <- web.Serve(tcp) }()
	go func() { failed <- wt.Serve(udp) }()
	fmt.Printf("http://%s\n", tcp.Addr())

	select {
	case err = <-failed:
	case <-ctx.Done():
		stop() // a second Ctrl-C ends the process at once
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = io.Shutdown(ctx) // it is closed all the same
	}
	_ = io.Close() // before what carries it
	_ = wt.Close()
	_ = web.Close()
	return err
}

// listen takes a port, for TCP and UDP.
func listen(port string) (net.Listener, net.PacketConn, error) {
	tcp, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return nil, nil, err
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		_ = tcp.Close()
		return nil, nil, err
	}
	return tcp, udp, nil
}

// newCertificate makes a certificate for 127.0.0.1 that is signed by nobody else.
func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(validity),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
