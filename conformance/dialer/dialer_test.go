// SPDX-License-Identifier: MIT

//go:build npm

// Package dialer_test has engineio.Dialer, and examples/dialer, meet the npm servers. It
// needs Node and the packages of conformance/: make test-dialer.
package dialer_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socketio/engineio"
	"socketio/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// patience is how long anything may take.
const patience = 60 * time.Second

// serve starts the npm servers and returns their URL.
func serve(t *testing.T, pingInterval time.Duration) string {
	t.Helper()
	cmd := exec.Command("node", "server.mjs")
	cmd.Env = append(os.Environ(), fmt.Sprint("PING_INTERVAL=", pingInterval.Milliseconds()))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal("the npm servers do not start: ", err)
	}
	kill := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() }) // whatever happens
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error("the npm servers ended badly: ", err)
		}
		kill.Stop()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	port, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		t.Fatalf("the npm servers say %q (%v); are the packages installed? (npm ci in conformance/)", line, err)
	}
	return "http://127.0.0.1:" + port
}

// A peer is a connection to an npm server, and what has come over it.
type peer struct {
	*engineio.Conn
	t        *testing.T
	base     string
	messages chan string // bytes begin with "bytes "
	upgraded chan struct{}
	closed   chan engineio.CloseReason
}

func (p *peer) HandleMessage(binary bool, data []byte) {
	text := string(data)
	if binary {
		text = "bytes " + text
	}
	p.messages <- text
}
func (p *peer) HandleClose(reason engineio.CloseReason, _ error) { p.closed <- reason }
func (p *peer) HandleReadEnd()                                   {}
func (p *peer) HandleTimer()                                     {}
func (p *peer) HandleUpgrade()                                   { close(p.upgraded) }

func (p *peer) send(m *engineio.Message) {
	p.t.Helper()
	if err := p.Send(m); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) say(text string) {
	p.t.Helper()
	p.send(engineio.TextMessage(text))
}

func (p *peer) want(texts ...string) {
	p.t.Helper()
	for _, want := range texts {
		if got := await(p.t, "a message", p.messages); got != want {
			p.t.Fatalf("got %.80q (%d bytes), want %.80q (%d bytes)", got, len(got), want, len(want))
		}
	}
}

// asked is what the server answers about the connection.
func (p *peer) asked(path string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path+"sid="+url.QueryEscape(p.ID()), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return string(body)
}

func await[T any](t *testing.T, what string, c <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-c:
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
	}
	return value
}

// everyWay plays f over each transport, on each driver, with one server at that path.
func everyWay(t *testing.T, path string, pingInterval time.Duration, f func(t *testing.T, dial func() *peer)) {
	t.Parallel()
	base := serve(t, pingInterval)
	for _, driver := range []engineio.Driver{engineio.DriverAuto, engineio.DriverGoroutine} {
		for name, transports := range map[string][]string{"polling": {"polling"}, "websocket": {"websocket"}, "upgrade": {"polling", "websocket"}} {
			t.Run(fmt.Sprintf("%s %s", name, cmp.Or(string(driver), "auto")), func(t *testing.T) {
				d := engineio.NewDialer(&engineio.DialerOptions{Transports: transports, Driver: driver})
				t.Cleanup(func() { d.Close() })
				f(t, func() *peer {
					p := &peer{t: t, base: base, messages: make(chan string, 10000), upgraded: make(chan struct{}), closed: make(chan engineio.CloseReason, 1)}
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					_, err := d.Dial(ctx, base+path, func(c *engineio.Conn) engineio.Handler { p.Conn = c; return p })
					if err != nil {
						t.Fatal(err)
					}
					if name == "upgrade" {
						await(t, "the upgrade", p.upgraded)
					}
					if want := transports[len(transports)-1]; p.Transport() != want {
						t.Fatalf("the connection is on %s, want %s", p.Transport(), want)
					}
					return p
				})
			})
		}
	}
}

const calm = time.Hour // no ping between

// Texts and bytes come back from npm engine.io, in order.
func TestEngineEcho(t *testing.T) {
	everyWay(t, "/engine.io/", calm, func(t *testing.T, dial func() *peer) {
		p := dial()
		for i := range 200 {
			p.say(fmt.Sprint("€ ", i))
			p.send(engineio.BinaryMessage([]byte{byte(i), 0, 0x1e, 0xff}))
		}
		for i := range 200 {
			p.want(fmt.Sprint("€ ", i), "bytes "+string([]byte{byte(i), 0, 0x1e, 0xff}))
		}
	})
}

// A message as large as maxHttpBufferSize allows comes back; a larger one is an error of
// Send, and the connection goes on. Many at once are more than one POST may have.
func TestEngineLargePayload(t *testing.T) {
	everyWay(t, "/engine.io/", calm, func(t *testing.T, dial func() *peer) {
		p := dial()
		largest := strings.Repeat("x", 100_000-1) // and the type
		if err := p.Send(engineio.TextMessage(largest + "x")); !errors.Is(err, engineio.ErrTooLarge) {
			t.Errorf("one byte over maxHttpBufferSize: %v", err)
		}
		for range 5 {
			p.say(largest)
		}
		p.say("last")
		p.want(largest, largest, largest, largest, largest, "last")
		half := bytes.Repeat([]byte{0xfe}, 70_000)
		p.send(engineio.BinaryMessage(half))
		p.want("bytes " + string(half))
	})
}

// The server closes: what it sent before arrives.
func TestEngineServerCloses(t *testing.T) {
	everyWay(t, "/engine.io/", calm, func(t *testing.T, dial func() *peer) {
		p := dial()
		p.say("before")
		p.say("close")
		p.want("before")
		if got := await(t, "the end", p.closed); got != engineio.ReasonTransportClose {
			t.Errorf("closed for %q, want %q", got, engineio.ReasonTransportClose)
		}
	})
}

// Our Close reaches the server, after what was sent before it.
func TestEngineClientCloses(t *testing.T) {
	everyWay(t, "/engine.io/", calm, func(t *testing.T, dial func() *peer) {
		p := dial()
		p.say("before")
		p.want("before")
		p.Close()
		if got := await(t, "the end", p.closed); got != engineio.ReasonForcedClose {
			t.Errorf("closed for %q, want %q", got, engineio.ReasonForcedClose)
		}
		if got := p.asked("/closed?"); got != "transport close" {
			t.Errorf("npm engine.io closed for %q", got)
		}
	})
}

// The connection answers the pings of both servers.
func TestHeartbeat(t *testing.T) {
	for _, path := range []string{"/engine.io/", "/socket.io/"} {
		t.Run(strings.Trim(path, "/"), func(t *testing.T) {
			everyWay(t, path, 50*time.Millisecond, func(t *testing.T, dial func() *peer) {
				p := dial()
				p.asked("/heartbeats?n=5&")
				select {
				case reason := <-p.closed:
					t.Errorf("closed for %q", reason)
				default:
				}
			})
		})
	}
}

// npm socket.io over a Dialer: CONNECT, an event with an acknowledgement, attachments, a
// large payload, the end of the connection.
func TestSocketIO(t *testing.T) {
	everyWay(t, "/socket.io/", calm, func(t *testing.T, dial func() *peer) {
		p := dial()
		p.say("0")
		if got := await(t, "CONNECT", p.messages); !strings.HasPrefix(got, `0{"sid":"`) {
			t.Fatalf("got %q, want CONNECT", got)
		}
		p.say(`27["echo","€",1]`)
		p.want(`37["€",1]`)
		text := append(make([]byte, engineio.HeaderRoom), `51-8["echo",{"_placeholder":true,"num":0}]`...)
		p.send(engineio.NewMessage(text, [][]byte{{0, 1, 0xff}}))
		p.want(`61-8[{"_placeholder":true,"num":0}]`, "bytes \x00\x01\xff")
		large := strings.Repeat("x", 90_000)
		p.say(`29["echo","` + large + `"]`)
		p.want(`39["` + large + `"]`)
		p.Close()
		await(t, "the end", p.closed)
		if got := p.asked("/closed?"); got != "transport close" {
			t.Errorf("npm socket.io closed for %q", got)
		}
	})
}

// examples/dialer has its whole dialogue with npm socket.io.
func TestExample(t *testing.T) {
	t.Parallel()
	base := serve(t, calm)
	program := filepath.Join(t.TempDir(), "dialer")
	build := exec.Command("go", "build", "-race", "-o", program, "./examples/dialer")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, base+"/socket.io/").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := []string{
		`CONNECT {"sid":"..."}, 0 attachments`,
		`ACK ["hello gopher"], 0 attachments`,
		`BINARY_EVENT ["file",{"_placeholder":true,"num":0}], 1 attachments`,
		`EVENT ["question","how are you?"], 0 attachments`,
		`EVENT ["heard","fine"], 0 attachments`,
		`closed: forced close`,
	}
	if strings.HasPrefix(lines[0], `CONNECT {"sid":"`) {
		lines[0] = want[0]
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s", out)
	}
}
