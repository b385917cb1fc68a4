// SPDX-License-Identifier: MIT

// This file runs the program as systemd, a proxy and an operator do, in a process
// of its own.

package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"socketio/internal/leakcheck"
	"socketio/internal/tether"
	"socketio/internal/ws/wstest"
)

func TestMain(m *testing.M) {
	if os.Getenv("PRODUCTION") == "1" {
		main() // the test program is the program; see start
		return
	}
	leakcheck.Main(m)
}

const patience = time.Minute

// A process is the program at work.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	out   *bufio.Scanner
	where map[string]string // "listening tcp", "debug tcp" to an address
}

// start runs the program in a shell line, in which $0 is the program, and reads
// its first lines.
func start(t *testing.T, shell string, lines int, files ...*os.File) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command("sh", "-c", shell, self), where: make(map[string]string)}
	p.cmd.Env = append(os.Environ(), "PRODUCTION=1", "LISTEN_PID=", "LISTEN_FDS=")
	p.cmd.ExtraFiles = files
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tether.Start(t, p.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	p.out = bufio.NewScanner(out)
	for range lines {
		if !p.out.Scan() {
			t.Fatal("the program has ended early")
		}
		words := strings.Fields(p.out.Text())
		if len(words) != 3 {
			t.Fatalf("the program says %q", p.out.Text())
		}
		p.where[words[0]+" "+words[1]] = words[2]
	}
	return p
}

// ends tells the program to end, and expects that it does so in order.
func (p *process) ends() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the program ends with %v", err)
	}
}

func get(t *testing.T, client *http.Client, url string) (status int, body, proto string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Proto
}

// dialer returns a client whose connections all go to one place.
func dialer(t *testing.T, network, addr string) (*http.Client, func(context.Context) (net.Conn, error)) {
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}, dial
}

// talks opens a session over polling and one over WebSocket, which it returns when
// it has joined and got an answer.
func talks(t *testing.T, network, addr string) *wstest.Client {
	t.Helper()
	client, dial := dialer(t, network, addr)
	if status, body, _ := get(t, client, "http://a/socket.io/?EIO=4&transport=polling"); status != 200 || !strings.HasPrefix(body, "0{") {
		t.Errorf("polling is answered %d %s", status, body)
	}
	c, resp, err := wstest.Dial(t.Context(), dial, "ws://a/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil || c == nil {
		t.Fatalf("no WebSocket: %v %v", resp, err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	for _, step := range []struct{ say, hear string }{{"", "0{"}, {"40", "40{"}, {`420["echo","hi"]`, `430["hi"]`}} {
		if step.say != "" {
			if err := c.WriteText(step.say); err != nil {
				t.Fatal(err)
			}
		}
		if _, got, err := c.ReadMessage(); err != nil || !strings.HasPrefix(string(got), step.hear) {
			t.Fatalf("after %q comes %q, %v; want %s", step.say, got, err, step.hear)
		}
	}
	return c
}

func TestPortHealthAndPprof(t *testing.T) {
	p := start(t, `exec "$0" -addr 127.0.0.1:0 -debug 127.0.0.1:0`, 2)
	addr, debug := p.where["listening tcp"], p.where["debug tcp"]
	talks(t, "tcp", addr).Close()
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	for url, want := range map[string]int{
		"http://" + addr + "/healthz":                             200,
		"http://" + addr + "/readyz":                              200,
		"http://" + addr + "/debug/pprof/heap":                    404, // no client reaches it
		"http://" + debug + "/debug/pprof/":                       200,
		"http://" + debug + "/debug/pprof/heap":                   200,
		"http://" + debug + "/debug/pprof/goroutine?debug=1":      200,
		"http://" + debug + "/debug/pprof/profile?seconds=1":      200,
		"http://" + debug + "/socket.io/?EIO=4&transport=polling": 404,
	} {
		if status, body, _ := get(t, client, url); status != want {
			t.Errorf("%s is answered %d %.100s, want %d", url, status, body, want)
		}
	}
	client.CloseIdleConnections()
	p.ends()
}

// As systemd does it: the sockets are open before the program, and stay open
// between two runs of it.
func TestSocketActivation(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	path := filepath.Join(t.TempDir(), "s")
	u, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g, err := u.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for range 2 {
		p := start(t, `LISTEN_PID=$$ LISTEN_FDS=2 exec "$0"`, 2, f, g)
		if got := p.where["listening tcp"]; got != l.Addr().String() {
			t.Errorf("it listens on %q, want the socket that was passed, %s", got, l.Addr())
		}
		talks(t, "tcp", l.Addr().String()).Close()
		talks(t, "unix", path).Close()
		p.ends()
		// Nobody runs: a client waits instead of being refused.
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatalf("between two runs: %v", err)
		}
		c.Close()
	}
}

func TestSocketsOfAnotherProcess(t *testing.T) {
	for env, want := range map[string]string{
		"1 1":                                   "", // for init, not for us
		fmt.Sprint(os.Getpid(), " 0"):           `LISTEN_FDS is "0", want the number of sockets`,
		fmt.Sprint(os.Getpid(), " x"):           `LISTEN_FDS is "x", want the number of sockets`,
		fmt.Sprint(os.Getpid(), " 1000000000x"): `LISTEN_FDS is "1000000000x", want the number of sockets`,
	} {
		pid, fds, _ := strings.Cut(env, " ")
		l, err := activated(func(name string) string {
			return map[string]string{"LISTEN_PID": pid, "LISTEN_FDS": fds}[name]
		})
		if len(l) > 0 || (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("with %q: %v, %v; want %q", env, l, err, want)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	shell := `exec "$0" -trust unix -unix ` + path
	p := start(t, shell, 1)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket is %v, %v; want it for the user and the group", info.Mode(), err)
	}
	talks(t, "unix", path).Close()
	if _, err := listen(settings{unix: path}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second program hears %v, want that it is in use", err)
	}
	_ = p.cmd.Process.Kill() // leaves the socket behind
	_ = p.cmd.Wait()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	p = start(t, shell, 1)
	talks(t, "unix", path).Close()
	p.ends()
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket is there after an orderly end")
	}
}

func TestHTTP2(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	p := start(t, `exec "$0" -addr 127.0.0.1:0 -cert `+dir+`/cert -key `+dir+`/key`, 1)
	config := &tls.Config{RootCAs: pool, ServerName: "localhost"}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	url := "https://" + p.where["listening tcp"] + "/socket.io/?EIO=4&transport=polling"
	status, body, proto := get(t, client, url)
	if status != 200 || proto != "HTTP/2.0" || !strings.HasPrefix(body, "0{") {
		t.Errorf("polling is answered %s %d %s, want HTTP/2.0 200", proto, status, body)
	}
	// A WebSocket asks for HTTP/1.1, as browsers do.
	dial := func(ctx context.Context) (net.Conn, error) {
		c := config.Clone()
		c.NextProtos = []string{"http/1.1"}
		return (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", p.where["listening tcp"])
	}
	c, resp, err := wstest.Dial(t.Context(), dial, "ws://localhost/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil || c == nil {
		t.Fatalf("no WebSocket: %v %v", resp, err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, got, err := c.ReadMessage(); err != nil || !strings.HasPrefix(string(got), "0{") {
		t.Errorf("the WebSocket begins with %q, %v", got, err)
	}
	c.Close()
	transport.CloseIdleConnections()
	p.ends()
}

// certificate writes one for localhost and returns who trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert}, "key": {Type: "PRIVATE KEY", Bytes: der}} {
		text := pem.EncodeToMemory(block)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		pool.AppendCertsFromPEM(text)
	}
	return pool
}

// On SIGTERM: not ready at once, clients go on until the delay is over, then they
// are told, and the program ends without an error.
func TestDrain(t *testing.T) {
	p := start(t, `exec "$0" -addr 127.0.0.1:0 -delay 1500ms -drain 20s`, 1)
	addr := p.where["listening tcp"]
	c := talks(t, "tcp", addr)
	client, _ := dialer(t, "tcp", addr)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for status := 0; status != http.StatusServiceUnavailable; {
		status, _, _ = get(t, client, "http://a/readyz")
	}
	if status, _, _ := get(t, client, "http://a/healthz"); status != 200 {
		t.Errorf("while it ends it is healthy, not %d: else it would be killed", status)
	}
	if err := c.WriteText(`421["echo","still here"]`); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.ReadMessage(); err != nil || string(got) != `431["still here"]` {
		t.Errorf("a client that is here hears %q, %v; want its answer", got, err)
	}
	_, got, err := c.ReadMessage()
	if err == nil || !strings.Contains(err.Error(), "1001") {
		t.Errorf("then it hears %q, %v; want the close code 1001", got, err)
	}
	c.Close()
	client.CloseIdleConnections()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the program ends with %v", err)
	}
}

func TestFlags(t *testing.T) {
	for args, want := range map[string]string{
		"-cert a":             "-cert and -key go together",
		"-trust everybody":    `invalid value "everybody" for flag -trust: *`,
		"-unix /nowhere/at/s": "listen unix /nowhere/at/s: *",
		"-addr nonsense":      "listen tcp: *",
	} {
		err := run(strings.Fields(args), io.Discard)
		prefix, _, _ := strings.Cut(want, "*")
		if err == nil || !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
