// SPDX-License-Identifier: MIT

// This file holds the conformance traps of emits and broadcasts, and of the files
// of the browser client, by the numbers of docs/conformance.md.

package socketio_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"reflect"
	"strings"
	"testing"

	"socketio"
	"socketio/web/client/dist"
)

func TestTrap31ArgumentsAreNotChanged(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "b")
		type photo struct {
			Name string `json:"name"`
			Data []byte `json:"data"`
		}
		args := func() []any {
			return []any{[]byte{1}, map[string]any{"deep": []any{[]byte{2}}}, &photo{"p", []byte{3}}, [][]byte{{4}}}
		}
		given := args()
		for range 2 {
			if err := w.io.To("a").Emit("e", given...); err != nil {
				t.Fatal(err)
			}
			if err := c.sockets["b"].Emit("e", given...); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(given, args()) {
			t.Errorf("the arguments have become %v", given)
		}
		for range 2 {
			for _, p := range c.peers {
				p.hears(`54-["e",{"_placeholder":true,"num":0},{"deep":[{"_placeholder":true,"num":1}]},`+
					`{"name":"p","data":{"_placeholder":true,"num":2}},[{"_placeholder":true,"num":3}]]`, []byte{1}, []byte{2}, []byte{3}, []byte{4})
			}
		}
	})
}

func TestTrap40BroadcastsAreValues(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "a", "b", "c")
		stored := w.io.To("a")
		_ = stored.To("b")
		_ = stored.Except("a")
		_ = stored.Volatile()
		c.hear("the stored one", stored.Emit, "a")
		c.hear("one made of it", stored.To("b").Emit, "a", "b")
		c.hear("another made of it", stored.In("c").Emit, "a", "c")
		c.hear("the stored one again", stored.Emit, "a")
		c.hear("nothing sticks to the server", w.io.Emit, "a", "b", "c")
		mine := c.sockets["a"].To("b")
		_ = mine.To("c")
		c.hear("that of a socket", mine.Emit, "b")
		c.hear("nothing sticks to the socket", c.sockets["a"].Broadcast().Emit, "b", "c")
	})
}

func TestTrap45VolatileDropsWhole(t *testing.T) {
	memory(t, nil, func(w *world) {
		sockets := make(chan *socketio.Socket, 1)
		w.io.OnConnection(func(s *socketio.Socket) { sockets <- s })
		p := w.join(polling)
		s := within(w, "the connection", sockets)
		w.settle()
		_ = s.Volatile().Emit("first", []byte{1})
		_ = s.Volatile().Emit("second", []byte{2}) // the poll has something to say already
		_ = s.Emit("third", []byte{3})
		p.hears(`51-["first",{"_placeholder":true,"num":0}]`, []byte{1}, `51-["third",{"_placeholder":true,"num":0}]`, []byte{3})
		p.hearsNothing()
	})
}

func TestTrap46EachSocketOnce(t *testing.T) {
	overBoth(t, nil, func(w *world, transport string) {
		c := newCrowd(w, transport, "abc", "b", "x")
		c.hear("three rooms", w.io.To("a").To("b", "c").Emit, "abc", "b")
		c.hear("a room and the own one", w.io.To("b", c.sockets["b"].ID()).Emit, "abc", "b")
		c.hear("from a socket", c.sockets["x"].To("a", "b", "b").Emit, "abc", "b")
		c.hear("from one of them", c.sockets["b"].To("a", "b", "c").Emit, "abc")
	})
}

func TestTrap51ClientFiles(t *testing.T) {
	s := newServer(t, &socketio.Options{CORS: &socketio.CORS{Origins: []string{"https://app.example"}}})
	const path = "/socket.io/socket.io.js"
	file, err := dist.FS.ReadFile("socket.io.js")
	if err != nil {
		t.Fatal(err)
	}
	plain := fetch(s, "GET", path, "Origin", "https://app.example")
	body, _ := io.ReadAll(plain.Body)
	if plain.StatusCode != 200 || !bytes.Equal(body, file) {
		t.Errorf("got %d and %d bytes", plain.StatusCode, len(body))
	}
	want(t, "the CORS header", plain.Header.Get("Access-Control-Allow-Origin"), "*")
	tag := plain.Header.Get("ETag")
	for _, match := range []string{tag, "W/" + tag} {
		want(t, "If-None-Match: "+match, fetch(s, "GET", path, "If-None-Match", match).StatusCode, 304)
	}
	packed := fetch(s, "GET", path, "Accept-Encoding", "gzip")
	want(t, "the encoding", packed.Header.Get("Content-Encoding"), "gzip")
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err = io.ReadAll(z); err != nil || !bytes.Equal(body, file) {
		t.Errorf("gzip holds %d bytes (%v), not the file", len(body), err)
	}
	for _, name := range []string{"unknown.js", "package.json.map", "%2e%2e%2f%2e%2e%2fgo.mod.js"} {
		resp := fetch(s, "GET", "/socket.io/"+name)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 404 || strings.Contains(string(body), "function") {
			t.Errorf("%s: got %d %.40s", name, resp.StatusCode, body)
		}
	}
}
