// SPDX-License-Identifier: MIT

// This file holds the tests of where a server is mounted.

package socketio_test

import (
	"net/http"
	"testing"
)

// The mux decides the prefix.
func TestMounting(t *testing.T) {
	s := newServer(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s)
	mux.Handle("/socket.io", s)
	mux.Handle("/deep/down/", http.StripPrefix("/deep/down", s))
	mux.Handle("/", http.NotFoundHandler())
	for _, prefix := range []string{"/socket.io/", "/deep/down/", "/deep/down/anything/"} {
		want(t, prefix+" client", fetch(mux, "GET", prefix+"socket.io.min.js").StatusCode, 200)
		want(t, prefix+" session", fetch(mux, "GET", prefix+"?EIO=4&transport=polling").StatusCode, 200)
	}
	want(t, "without the slash", fetch(mux, "GET", "/socket.io?EIO=4&transport=polling").StatusCode, 200)
	want(t, "elsewhere", fetch(mux, "GET", "/other/?EIO=4&transport=polling").StatusCode, 404)
	want(t, "a dirty path is the mux's to clean", fetch(mux, "GET", "/socket.io/../socket.io/socket.io.js").StatusCode, 307)
}

// engineioxide before 0.17.9 took every path that begins with its own. Here the
// pattern of the mux decides, in the form that the documentation shows.
func TestPathsThatOnlyBeginAlike(t *testing.T) {
	s := newServer(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s)
	for _, path := range []string{"/socket.io-admin", "/socket.io-admin/", "/socket.iox/", "/socket.io.js", "/engine.io-admin/", "/Socket.IO/", "/a/socket.io/"} {
		for _, method := range []string{"GET", "POST"} {
			want(t, method+" "+path, fetch(mux, method, path+"?EIO=4&transport=polling").StatusCode, 404)
		}
	}
	want(t, "its own path", fetch(mux, "GET", "/socket.io/?EIO=4&transport=polling").StatusCode, 200)
	want(t, "sessions", s.Engine().Count(), 1)
}
