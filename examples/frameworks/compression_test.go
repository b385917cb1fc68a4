// SPDX-License-Identifier: MIT

// This file holds the test of the frameworks' own middlewares for compression around the
// server: nothing is encoded twice, or said to be encoded in another way than it is.

package frameworks_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	gingzip "github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	chirouter "github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/compress"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"

	"socketio"
	"socketio/engineio"
	"socketio/examples/frameworks"
)

// compressed are servers behind the middlewares, by name.
func compressed(t *testing.T) map[string]site {
	newServer := func() *socketio.Server {
		io := socketio.NewServer(&socketio.Options{Engine: engineio.Options{HTTPCompression: &engineio.HTTPCompression{Threshold: -1}}})
		frameworks.Register(io)
		return io
	}
	plain := func(mount func(*socketio.Server) http.Handler) site {
		io := newServer()
		return site{url: listen(t, io, mount(io)), server: io}
	}
	onEcho := func(config echomiddleware.GzipConfig) func(*socketio.Server) http.Handler {
		return func(io *socketio.Server) http.Handler {
			e := echo.New()
			e.Use(echomiddleware.GzipWithConfig(config))
			e.Any("/socket.io/*", echo.WrapHandler(io))
			return e
		}
	}
	return map[string]site{
		"Gin": plain(func(io *socketio.Server) http.Handler {
			router := gin.New()
			router.Use(gingzip.Gzip(gingzip.DefaultCompression))
			router.Any("/socket.io/*any", gin.WrapH(io))
			return router
		}),
		"Echo":                     plain(onEcho(echomiddleware.GzipConfig{})),
		"Echo, from 1024 bytes on": plain(onEcho(echomiddleware.GzipConfig{MinLength: 1024})),
		"chi": plain(func(io *socketio.Server) http.Handler {
			r := chirouter.NewRouter()
			r.Use(chimiddleware.Compress(5))
			r.Handle("/socket.io/*", io)
			return r
		}),
		"chi, all types": plain(func(io *socketio.Server) http.Handler {
			r := chirouter.NewRouter()
			r.Use(chimiddleware.Compress(5, "application/*", "text/*"))
			r.Handle("/socket.io/*", io)
			return r
		}),
		"Fiber": compressedFiber(t, newServer()),
	}
}

func compressedFiber(t *testing.T, io *socketio.Server) site {
	app := fiber.New()
	app.Use(compress.New())
	app.All("/socket.io/*", adaptor.HTTPHandler(io))
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
	return site{url: "http://" + listener.Addr().String(), server: io}
}

// decoded is the body of a response as a browser sees it.
func decoded(t *testing.T, resp *http.Response) []byte {
	t.Helper()
	var in io.Reader = resp.Body
	switch coding := resp.Header.Get("Content-Encoding"); coding {
	case "":
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		in = z
	case "br":
		in = brotli.NewReader(in)
	case "deflate":
		packed, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if in, err = zlib.NewReader(bytes.NewReader(packed)); err != nil { // some, and browsers, do without its header
			in = flate.NewReader(bytes.NewReader(packed))
		}
	default:
		t.Fatalf("Content-Encoding %q", coding)
	}
	body, err := io.ReadAll(in)
	if err != nil {
		t.Fatalf("the body is not in the encoding %q that is named: %v", resp.Header.Get("Content-Encoding"), err)
	}
	return body
}

func TestCompressionAround(t *testing.T) {
	for name, site := range compressed(t) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			for _, file := range []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.min.js.map", "socket.io.msgpack.min.js"} {
				var plain []byte
				for _, accept := range []string{"identity", "gzip", "gzip, deflate, br", "br", "deflate"} {
					resp := get(ctx, t, site.url+"/socket.io/"+file, accept)
					body := decoded(t, resp)
					if resp.StatusCode != http.StatusOK {
						t.Fatalf("%s: status %d", file, resp.StatusCode)
					}
					if plain == nil {
						plain = body
					}
					if !bytes.Equal(body, plain) {
						t.Errorf("%s for %q: %d bytes as %q, not the file", file, accept, len(body), resp.Header.Get("Content-Encoding"))
					}
				}
			}
			resp := get(ctx, t, site.url+"/socket.io/?EIO=4&transport=polling&sid=none", "gzip")
			if got := string(decoded(t, resp)); got != `{"code":1,"message":"Session ID unknown"}` || resp.StatusCode != 400 {
				t.Errorf("a refusal: %d %q", resp.StatusCode, got)
			}
			for _, kind := range []string{"polling", "websocket"} {
				t.Run(kind, func(t *testing.T) { exchange(t, site, kind) }) // net/http asks for gzip
			}
		})
	}
}

func get(ctx context.Context, t *testing.T, url, accept string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", accept)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}
