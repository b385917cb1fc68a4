// SPDX-License-Identifier: MIT

// This file has a client lose its connection, in a cluster that keeps no log.

package clusterhost

import (
	"context"
	"encoding/json"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"socketio"
	"socketio/adapter/cluster"
	"socketio/internal/rawclient"
)

// ComesBack is row L17, with servers on two clusters: a client that loses its connection
// misses nothing if it comes back to its server, and begins anew on the other one.
func ComesBack(t testing.TB, home, other *cluster.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Limit)
	defer cancel()
	r := &returning{TB: t, ctx: ctx}
	first, at := serve(t, home)
	second, elsewhere := serve(t, other)
	Eventually(t, "two servers", func() bool { return home.Nodes() == 2 && other.Nodes() == 2 })
	emit := func(io *socketio.Server, event string) {
		t.Helper()
		if err := io.Emit(event, "a text"); err != nil {
			t.Error(err)
		}
	}
	r.comes(at)
	emit(second, "live")
	r.hears("live")
	pid := r.pid
	r.session.Close()
	emit(second, "missed")
	emit(first, "missed too")
	if r.comes(at); r.pid != pid || r.reason != "" {
		t.Errorf("on its server, it is not recovered: %q", r.reason)
	}
	heard := []string{r.next(), r.next()} // events of two servers have no order
	if all := strings.Join(heard, ","); all != "missed,missed too" && all != "missed too,missed" {
		t.Errorf("on its server, it hears %q", heard)
	}
	r.session.Close()
	if r.comes(elsewhere); r.pid == pid || r.reason != "other_node" {
		t.Errorf("on the other server, the reason is %q", r.reason)
	}
	emit(first, "new")
	for event := r.next(); event != "new"; event = r.next() {
		if event != "missed too" { // it may have been on its way to the other server
			t.Errorf("on the other server, it hears %q", event)
		}
	}
	r.session.Close()
}

// serve starts a server and returns its address.
func serve(t testing.TB, c *cluster.Cluster) (*socketio.Server, string) {
	io := socketio.NewServer(&socketio.Options{Cluster: c, Recovery: &socketio.Recovery{LocalOnly: true}})
	server := httptest.NewServer(io)
	t.Cleanup(func() {
		if err := io.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		server.Close()
	})
	return io, server.Listener.Addr().String()
}

// A returning client is on WebSocket, in the namespace "/".
type returning struct {
	testing.TB
	ctx         context.Context
	session     *rawclient.Session
	pid, offset string
	reason      string // why it was not recovered
}

// comes connects, with what it knows of the connection before.
func (r *returning) comes(addr string) {
	r.Helper()
	server := &rawclient.Server{URL: "http://" + addr + "/socket.io/", Dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}}
	session, err := server.Open(r.ctx)
	if err != nil {
		r.Fatal(err)
	}
	r.session = session
	r.Cleanup(session.Close)
	auth := "{}"
	if r.pid != "" {
		text, _ := json.Marshal(map[string]string{"pid": r.pid, "offset": r.offset}) // texts never fail
		auth = string(text)
	}
	if err := session.Write(r.ctx, rawclient.Text("40"+auth)...); err != nil {
		r.Fatal(err)
	}
	var reply struct{ PID, NotRecovered string }
	r.read("40", &reply)
	r.pid, r.reason = reply.PID, reply.NotRecovered
}

// read reads the next packet of a kind.
func (r *returning) read(kind string, into any) {
	r.Helper()
	for {
		p, err := r.session.Read(r.ctx)
		if err != nil {
			r.Fatal(err)
		}
		if text, ok := strings.CutPrefix(p.Text, kind); ok {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				r.Fatalf("%s: %v", p.Text, err)
			}
			return
		}
	}
}

// next returns the name of the next event.
func (r *returning) next() string {
	r.Helper()
	var args []string
	if r.read("42", &args); len(args) != 3 {
		r.Fatalf("the event %q has no position", args)
	}
	r.offset = args[2]
	return args[0]
}

func (r *returning) hears(event string) {
	r.Helper()
	if got := r.next(); got != event {
		r.Fatalf("the client hears %q, want %q", got, event)
	}
}
