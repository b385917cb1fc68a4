// SPDX-License-Identifier: MIT

//go:build unix

// This file measures what it costs to save a session before each reply to a client that
// sends events again.

package diskstore_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"socketio"
	"socketio/adapter"
	"socketio/adapter/diskstore"
	"socketio/internal/rawclient"
)

// BenchmarkReply is a call of a client and its reply, with the CPU time of both sides: of a
// client that announces that it sends events again, whose replies are saved, and of one that
// does not. "go test -bench Reply" prints it.
func BenchmarkReply(b *testing.B) {
	for _, store := range []string{"memory", "disk", "disk and Sync"} {
		for _, auth := range []string{"", `{"retryNonce":"n"}`} {
			name := store + "/plain"
			if auth != "" {
				name = store + "/retries"
			}
			b.Run(name, func(b *testing.B) { replies(b, store, auth) })
		}
	}
}

func replies(b *testing.B, store, auth string) {
	var s adapter.Store
	if store != "memory" {
		disk, err := diskstore.Open(b.Context(), b.TempDir(), &diskstore.Options{Sync: store == "disk and Sync"})
		if err != nil {
			b.Fatal(err)
		}
		s = disk
	}
	io := socketio.NewServer(&socketio.Options{Recovery: &socketio.Recovery{Store: s}})
	io.On("q", func(_ *socketio.Socket, text string) string { return text })
	web := httptest.NewServer(io)
	defer web.Close()
	defer io.Close()
	client := &rawclient.Server{URL: web.URL + "/socket.io/", Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(web.URL, "http://"))
	}}
	c, err := client.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ask := func(packet string) {
		if err := c.Write(b.Context(), rawclient.Text(packet)...); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Read(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	ask("40" + auth)
	n, used := 0, cpu()
	for b.Loop() {
		ask(fmt.Sprintf(`42%d["q","hello"]`, n))
		n++
	}
	b.ReportMetric(float64((cpu()-used).Microseconds())/float64(n), "cpu-µs/op")
}

// cpu is the CPU time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
