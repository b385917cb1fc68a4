// SPDX-License-Identifier: MIT

// This file tests the servers with certificates of their own fetching. No CA is
// asked: the certificate is in the cache, as after the first run.

package frameworks_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"socketio"
	"socketio/examples/frameworks"
)

func TestAutocert(t *testing.T) {
	const host = "chat.example.com"
	dir := t.TempDir()
	pool := cached(t, dir, host)
	sio := socketio.NewServer(nil)
	frameworks.Register(sio)
	secure, plain := frameworks.AutocertServers(frameworks.NetHTTP(sio), dir, host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- secure.ServeTLS(l, "", "") }()
	t.Cleanup(func() {
		_ = sio.Close()
		_ = secure.Close()
		<-ended
	})

	config := &tls.Config{RootCAs: pool}
	transport := &http.Transport{
		TLSClientConfig:   config,
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		},
	}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://" + host + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.Proto != "HTTP/2.0" || resp.StatusCode != 200 || !strings.HasPrefix(string(body), "0{") {
		t.Errorf("polling is answered %s %d %s", resp.Proto, resp.StatusCode, body)
	}
	one := transport.Clone()
	one.ForceAttemptHTTP2, one.TLSNextProto = false, map[string]func(string, *tls.Conn) http.RoundTripper{}
	one.TLSClientConfig = config.Clone()
	one.TLSClientConfig.NextProtos = []string{"http/1.1"}
	defer one.CloseIdleConnections()
	socket, _, err := websocket.Dial(t.Context(), "wss://"+host+"/socket.io/?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: &http.Client{Transport: one}})
	if err != nil {
		t.Fatal(err)
	}
	if _, first, err := socket.Read(t.Context()); err != nil || !bytes.HasPrefix(first, []byte("0{")) {
		t.Errorf("the WebSocket begins with %q, %v", first, err)
	}
	_ = socket.CloseNow()

	// For a name that is not ours no certificate is asked for.
	other := config.Clone()
	other.ServerName = "somebody.example.org"
	if c, err := tls.Dial("tcp", l.Addr().String(), other); err == nil {
		c.Close()
		t.Error("there is a certificate for another name")
	}
	w := httptest.NewRecorder()
	plain.Handler.ServeHTTP(w, httptest.NewRequest("GET", "http://"+host+"/page", nil))
	if got := w.Result().Header.Get("Location"); got != "https://"+host+"/page" {
		t.Errorf("port 80 sends on to %q", got)
	}
}

// cached puts a certificate where autocert keeps its own, and returns who trusts it.
func cached(t *testing.T, dir, host string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(80 * 24 * time.Hour), // renewed from 30 days on
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	text := append(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), chain...)
	if err := os.WriteFile(filepath.Join(dir, host), text, 0o600); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return pool
}
