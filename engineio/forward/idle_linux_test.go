// SPDX-License-Identifier: MIT

// This file measures what a forwarded WebSocket and a forwarded poll cost.

package forward_test

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"socketio/internal/rawclient"
)

// pair returns the two ends of a TCP connection, so that only the server between is measured.
func pair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if near, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

// An idle forwarded WebSocket needs no goroutine, and less than 4 KB, on the server that took it.
func TestIdleForwardedWebSockets(t *testing.T) {
	const count = 200
	w := serve(t, 2, nil)
	join := func() (client net.Conn, server net.Conn) {
		outer, client := pair(t)
		inner, server := pair(t)
		w.servers[1].node.Splice(outer, inner)
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		return client, server
	}
	var all []net.Conn
	keep := func(a, b net.Conn) { all = append(all, a, b) }
	keep(join()) // the loops begin
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	// The two ends of the test in this process cost about as much as those of the server did
	// before it took them over: they are measured first, and taken off.
	before, ends := memory(), 0
	for range count {
		a, b := pair(t)
		c, d := pair(t)
		all = append(all, a, b, c, d)
		ends++
	}
	perEnds := (memory() - before) / uint64(ends)
	goroutines := runtime.NumGoroutine()
	before = memory()
	for range count {
		keep(join())
	}
	each := int64(memory()-before)/count - int64(perEnds)/2
	if n := runtime.NumGoroutine() - goroutines; n > 5 {
		t.Errorf("%d goroutines for %d WebSockets", n, count)
	}
	if each > 4096 {
		t.Errorf("an idle forwarded WebSocket keeps %d bytes", each)
	}
	t.Logf("%d bytes for each", each)
	for _, c := range all {
		_ = c.Close()
	}
	until(t, "all are gone", func() bool { return w.servers[1].node.Stats().Open == 0 })
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkForwarding compares the CPU time of the whole process, client included, for an
// echo of 100 bytes, directly and by another server.
func BenchmarkForwarding(b *testing.B) {
	for _, transport := range []string{"polling", "websocket"} {
		for i, way := range []string{"direct", "forwarded"} {
			b.Run(transport+"/"+way, func(b *testing.B) {
				w := serve(b, 2, nil)
				c := w.polling(0)
				w.to(i)
				if transport == "websocket" {
					upgrade(b, c)
				}
				packet := rawclient.Text("40123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")
				echoes(b, c, packet...)
				start := cpu()
				b.ResetTimer()
				for range b.N {
					echoes(b, c, packet...)
				}
				b.StopTimer()
				b.ReportMetric(float64((cpu()-start).Microseconds())/float64(b.N), "cpu-us/op")
			})
		}
	}
}

// A forwarded poll that waits costs the servers a bounded number of goroutines and bytes
// more than a direct one.
func TestIdleForwardedPolls(t *testing.T) {
	const count = 100
	w := serve(t, 2, nil)
	park := func(i int) (bytes, goroutines int) {
		var all []*rawclient.Session
		for range count {
			all = append(all, w.polling(0))
		}
		w.to(i)
		before := w.servers[0].node.Stats().Received
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		used, running := m.HeapAlloc+m.StackInuse, runtime.NumGoroutine()
		done := make(chan struct{}, count)
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		var parked atomic.Int64
		for _, c := range all {
			go func() { // ends with its poll
				defer func() { done <- struct{}{} }()
				r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { parked.Add(1) }}),
					http.MethodGet, w.client.URL+"?"+w.client.Target("polling", c.Opened.SID), nil)
				if resp, err := client.Do(r); err == nil {
					_ = resp.Body.Close()
				}
			}()
		}
		until(t, "all polls are sent", func() bool { return parked.Load() == count })
		until(t, "all polls wait", func() bool {
			return i == 0 || w.servers[0].node.Stats().Received == before+count
		})
		runtime.GC()
		runtime.ReadMemStats(&m)
		bytes, goroutines = int(m.HeapAlloc+m.StackInuse)-int(used), runtime.NumGoroutine()-running
		w.to(0)
		for _, c := range all {
			if got := w.client.Post(t.Context(), c.Opened.SID, "4end"); got.Body != "ok" {
				t.Fatalf("%+v", got)
			}
		}
		for range all {
			<-done
		}
		return bytes / count, goroutines / count
	}
	park(0)
	direct, directly := park(0)
	forwarded, more := park(1)
	t.Logf("bytes: %d direct, %d forwarded; goroutines: %d direct, %d forwarded, clients included", direct, forwarded, directly, more)
	if forwarded-direct > 128<<10 || more-directly > 6 {
		t.Errorf("a forwarded poll costs %d bytes and %d goroutines more", forwarded-direct, more-directly)
	}
}
