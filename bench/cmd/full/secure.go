// SPDX-License-Identifier: MIT

//go:build linux

// This file holds the rows over TLS and with compression, for the record.

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"socketio/bench/internal/load"
	"socketio/bench/internal/results"
)

// secure measures a server of its own over TLS, or with compression.
func (b *bench) secure(s *subject, tls bool) (results.Sample, error) {
	dir, err := os.MkdirTemp("", "bench-tls-")
	if err != nil {
		return results.Sample{}, err
	}
	defer os.RemoveAll(dir)
	extra := []string{"-deflate=1"}
	if !s.spec.own {
		extra = []string{"-deflate", "1"}
	}
	if tls {
		file := filepath.Join(dir, "server.pem")
		if err := certificate(file); err != nil {
			return results.Sample{}, err
		}
		extra = []string{"-tls", file}
	}
	p, t, err := b.start(s.spec, extra...)
	if err != nil {
		return results.Sample{}, err
	}
	defer p.Stop()
	c, err := load.NewSecure(t, min(100, b.scaled(1000)), tls)
	if err != nil {
		return results.Sample{}, err
	}
	defer c.Leave()
	if _, err := c.Echo(20); err != nil { // warm up
		return results.Sample{}, err
	}
	c.Latency = load.Latency{}
	return b.charge(p, &c.Latency, b.slice, func() (int, error) { return c.Echo(20) })
}

// certificate writes a new certificate for 127.0.0.1 and its key to a file.
func certificate(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	return os.WriteFile(file, text, 0o600)
}
