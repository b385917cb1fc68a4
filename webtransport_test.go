// SPDX-License-Identifier: MIT

// This file tests a client over WebTransport, on a stream that a test opens.

package socketio_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"socketio"
	"socketio/engineio"
	"socketio/internal/memnet"
	"socketio/internal/rawclient"
)

func TestServeStream(t *testing.T) {
	opts := &socketio.Options{Transports: []string{polling, websocket, engineio.WebTransport}}
	memory(t, opts, func(w *world) {
		w.io.On("e", func(s string) string { return s + "!" })
		client, server := memnet.Pipe(4096)
		defer client.Close()
		r := httptest.NewRequest(http.MethodConnect, "https://a.example/", nil)
		r.RequestURI, r.URL.Path, r.URL.RawQuery = "/socket.io/?EIO=4&transport=webtransport", "/socket.io/", "EIO=4&transport=webtransport"
		served := make(chan struct{})
		go func() {
			defer close(served)
			w.io.ServeStream(httptest.NewRecorder(), r, func(context.Context) (net.Conn, error) { return server, nil })
		}()
		client.SetDeadline(time.Now().Add(time.Minute))
		frames := rawclient.NewStream(client, client)
		for _, step := range []struct{ says, hears string }{{"0", `0{"sid":`}, {"40", `40{"sid":`}, {`421["e","a"]`, `431["a!"]`}} {
			if err := frames.Write(rawclient.Packet{Text: step.says}); err != nil {
				t.Fatal(err)
			}
			got, err := frames.Read()
			if err != nil || !strings.HasPrefix(got.Text, step.hears) {
				t.Fatalf("%s is answered with %q, %v; want %s", step.says, got.Text, err, step.hears)
			}
		}
		client.Close()
		within(w, "the end of ServeStream", served)
	})
}
