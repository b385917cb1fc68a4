// SPDX-License-Identifier: MIT

// This file holds the test of the frameworks: each on a loopback listener, over
// polling and over WebSocket.

package frameworks_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	"socketio"
	"socketio/examples/frameworks"
)

// A site is a framework with a Socket.IO server in it, listening.
type site struct {
	url    string
	header http.Header // what a client has to send
	user   string      // who it then is
	server *socketio.Server
}

func sites(t *testing.T) map[string]site {
	plain := func(mount func(*socketio.Server) http.Handler) site {
		io := socketio.NewServer(nil)
		frameworks.Register(io)
		return site{url: listen(t, io, mount(io)), server: io}
	}
	return map[string]site{
		"net/http": plain(frameworks.NetHTTP),
		"Gin":      plain(frameworks.Gin),
		"Echo":     plain(frameworks.Echo),
		"chi":      chi(t),
		"Fiber":    fiberSite(t),
	}
}

func listen(t *testing.T, io *socketio.Server, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		_ = io.Close()
		server.Close()
	})
	return server.URL
}

func chi(t *testing.T) site {
	io := socketio.NewServer(&socketio.Options{Handshake: frameworks.KeepUser})
	frameworks.Register(io)
	return logIn(t, io, listen(t, io, frameworks.Chi(io, new(frameworks.Sessions))))
}

func fiberSite(t *testing.T) site {
	io := socketio.NewServer(&socketio.Options{Handshake: frameworks.CopyUser})
	frameworks.Register(io)
	app := frameworks.Fiber(io, new(frameworks.Sessions))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		_ = io.Close()
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return logIn(t, io, "http://"+listener.Addr().String())
}

// logIn logs in at a site that asks for it.
func logIn(t *testing.T, io *socketio.Server, at string) site {
	resp, err := http.PostForm(at+"/login", url.Values{"name": {"anna"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	header := make(http.Header)
	for _, cookie := range resp.Cookies() {
		header.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	return site{url: at, header: header, user: "anna", server: io}
}

func TestFrameworks(t *testing.T) {
	for name, site := range sites(t) {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{"polling", "websocket"} {
				t.Run(kind, func(t *testing.T) { exchange(t, site, kind) })
			}
			t.Run("another route", func(t *testing.T) {
				status, answer, err := request(t.Context(), "GET", site.url+"/hello", site.header, nil)
				if err != nil || status != http.StatusOK || !strings.HasPrefix(answer, "hello") {
					t.Errorf("%d %q (%v)", status, answer, err)
				}
			})
		})
	}
}

// exchange connects and tries an event with an acknowledgement, a long one, and
// one that the server sends while the client waits.
func exchange(t *testing.T, site site, kind string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := connect(ctx, t, kind, site.url, site.header)

	for packet, want := range map[string]string{
		`421["echo","hello"]`: `431["hello"]`,
		`422["echo",{"a":1}]`: `432[{"a":1}]`,
		`423["whoami"]`:       `433["` + site.user + `"]`,
		`424["echo","` + strings.Repeat("x", 30_000) + `"]`: `434["` + strings.Repeat("x", 30_000) + `"]`,
	} {
		c.send(packet)
		if got := c.receive(); got != want {
			t.Errorf("%.40s: got %.60q, want %.60q", packet, got, want)
		}
	}

	heard := make(chan string, 1)
	go func() {
		defer close(heard)
		heard <- c.receive() // on polling: a request that waits
	}()
	if err := site.server.Emit("news", 1); err != nil {
		t.Error(err)
	}
	if got := <-heard; got != `42["news",1]` {
		t.Errorf("got %q, want the news", got)
	}
}

// Who has not logged in gets the middleware's answer, on both transports.
func TestRefusedWithoutSession(t *testing.T) {
	for _, site := range []site{chi(t), fiberSite(t)} {
		refused(t, site)
	}
}

func refused(t *testing.T, site site) {
	for _, kind := range []string{"polling", "websocket"} {
		for name, header := range map[string]http.Header{
			"no cookie":    nil,
			"wrong cookie": {"Cookie": {"session=guess"}},
		} {
			status, answer, err := request(t.Context(), "GET", site.url+"/socket.io/?EIO=4&transport="+kind, header, nil)
			if err != nil || status != http.StatusUnauthorized {
				t.Errorf("%s, %s: %d %q (%v), want 401", kind, name, status, answer, err)
			}
		}
	}
}

// Every Go block of docs/frameworks.md stands in this module, word for word.
func TestDocsShowThisCode(t *testing.T) {
	var code strings.Builder
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	text, err := os.ReadFile("../../docs/frameworks.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```go\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("docs/frameworks.md has %d blocks of Go", len(blocks))
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if !strings.Contains(code.String(), block) {
			t.Errorf("not in this module:\n%s", block)
		}
	}
}
