// SPDX-License-Identifier: MIT

// This file holds the files of the browser client behind handlers that compress.

package socketio_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"socketio/web/client/dist"
)

// A file is compressed only once: behind a handler that names an encoding, or announces
// that it uses Accept-Encoding, it is sent plain, without a length that would be wrong.
func TestClientFilesBehindCompression(t *testing.T) {
	s := newServer(t, nil)
	file, err := dist.FS.ReadFile("socket.io.min.js")
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		set   map[string]string
		coded bool
	}{
		"gzip named":         {map[string]string{"Content-Encoding": "gzip"}, true},
		"gzip named, Vary":   {map[string]string{"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, true},
		"br named":           {map[string]string{"Content-Encoding": "br"}, true},
		"zstd named":         {map[string]string{"Content-Encoding": "zstd"}, true},
		"two named":          {map[string]string{"Content-Encoding": "gzip, br"}, true},
		"Vary alone":         {map[string]string{"Vary": "Accept-Encoding"}, true},
		"Vary, other case":   {map[string]string{"Vary": "Origin, accept-encoding"}, true},
		"a length was there": {map[string]string{"Content-Encoding": "gzip", "Content-Length": "7"}, true},
		"identity named":     {map[string]string{"Content-Encoding": "identity"}, false},
		"Vary by others":     {map[string]string{"Vary": "Origin"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for name, value := range row.set {
					w.Header().Set(name, value)
				}
				s.ServeHTTP(w, r)
			})
			accept := []string{"Accept-Encoding", "gzip, br, zstd"}
			got := fetch(h, "GET", "/socket.io/socket.io.min.js", accept...)
			body, _ := io.ReadAll(got.Body)
			if plain := bytes.Equal(body, file); plain != row.coded || got.StatusCode != 200 {
				t.Fatalf("status %d, the file as it is: %v, want %v", got.StatusCode, plain, row.coded)
			}
			if n := strings.Count(strings.ToLower(strings.Join(got.Header["Vary"], ",")), "accept-encoding"); n != 1 {
				t.Errorf("Vary is %q", got.Header["Vary"])
			}
			if !row.coded {
				want(t, "the encoding", got.Header.Get("Content-Encoding"), "br")
				return
			}
			want(t, "the encoding is left alone", got.Header.Get("Content-Encoding"), row.set["Content-Encoding"])
			want(t, "the length", got.Header.Get("Content-Length"), "")
			tag := got.Header.Get("ETag")
			if !strings.HasPrefix(tag, `W/"`) {
				t.Errorf("ETag %q of bytes that somebody else makes is a strong one", tag)
			}
			same := fetch(h, "GET", "/socket.io/socket.io.min.js", append(accept, "If-None-Match", tag)...)
			if same.StatusCode != 304 || same.Header.Get("Content-Encoding") != "" {
				t.Errorf("with its tag: %d, encoding %q", same.StatusCode, same.Header.Get("Content-Encoding"))
			}
			head := fetch(h, "HEAD", "/socket.io/socket.io.min.js", accept...)
			if head.StatusCode != 200 || head.Header.Get("Content-Length") != "" || head.Header.Get("Content-Encoding") != row.set["Content-Encoding"] {
				t.Errorf("HEAD: %d %v", head.StatusCode, head.Header)
			}
			for _, refused := range []*http.Response{
				fetch(h, "GET", "/socket.io/none.js", accept...),
				fetch(h, "POST", "/socket.io/socket.io.min.js", accept...),
				fetch(h, "GET", "/socket.io/?EIO=4&transport=polling&sid=none", accept...),
				fetch(h, "GET", "/socket.io/?EIO=4&transport=polling", accept...),
			} {
				if refused.Header.Get("Content-Length") != "" || refused.Header.Get("Content-Encoding") != row.set["Content-Encoding"] {
					t.Errorf("status %d: %v", refused.StatusCode, refused.Header)
				}
			}
		})
	}
}

// A handler that compresses regardless of the inner handler's encoding, like the
// middleware of Echo.
func TestClientFilesCompressedOnce(t *testing.T) {
	s := newServer(t, nil)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		z := gzip.NewWriter(w)
		s.ServeHTTP(overruling{w, z}, r)
		z.Close()
	})
	for _, name := range []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.min.js.map"} {
		got := fetch(h, "GET", "/socket.io/"+name, "Accept-Encoding", "gzip, deflate, br")
		z, err := gzip.NewReader(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if file, _ := dist.FS.ReadFile(name); err != nil || !bytes.Equal(body, file) {
			t.Errorf("%s: inflated it is %d bytes, not the file (%v)", name, len(body), err)
		}
	}
}

type overruling struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (o overruling) Write(p []byte) (int, error) {
	o.Header().Del("Content-Length")
	o.Header().Set("Content-Encoding", "gzip")
	return o.z.Write(p)
}
