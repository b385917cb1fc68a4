// SPDX-License-Identifier: MIT

// This file holds a server with TLS.

package redistest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// StartTLS is Start with a second port for connections with TLS. trusted trusts the server's
// certificate.
func StartTLS(t testing.TB, args ...string) (s *Server, addr string, trusted *tls.Config) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // it has a certificate for 127.0.0.1
	defer web.Close()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	own := web.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: own.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args = append(args, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	s = (&Server{t: t, args: args, dir: t.TempDir(), tls: true}).start()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return s, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.tlsPort)), &tls.Config{RootCAs: roots}
}
