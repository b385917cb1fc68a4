// SPDX-License-Identifier: MIT

// This file holds the tests of how the browser client is served.

package socketio_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"socketio"
	"socketio/web/client/dist"
)

// fetch serves one request without a network.
func fetch(h http.Handler, method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func newServer(t testing.TB, o *socketio.Options) *socketio.Server {
	s := socketio.NewServer(o)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestClientFiles(t *testing.T) {
	s := newServer(t, nil)
	const js, jsonType = "application/javascript; charset=utf-8", "application/json; charset=utf-8"
	tags := make(map[string]string)
	for name, contentType := range map[string]string{
		"socket.io.js": js, "socket.io.min.js": js, "socket.io.esm.min.js": js, "socket.io.msgpack.min.js": js,
		"socket.io.js.map": jsonType, "socket.io.min.js.map": jsonType, "socket.io.esm.min.js.map": jsonType,
		"socket.io.msgpack.min.js.map": jsonType,
	} {
		file, err := dist.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		path := "/socket.io/" + name + "?v=1"
		plain := fetch(s, "GET", path)
		body, _ := io.ReadAll(plain.Body)
		if plain.StatusCode != 200 || !bytes.Equal(body, file) {
			t.Errorf("%s: status %d, %d bytes", name, plain.StatusCode, len(body))
		}
		for header, value := range map[string]string{
			"Content-Type": contentType, "Content-Encoding": "", "Vary": "Accept-Encoding", "Cache-Control": "public, max-age=0",
			"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "",
		} {
			want(t, name+" "+header, plain.Header.Get(header), value)
		}
		size := len(file)
		for _, form := range []struct{ encoding, suffix string }{{"", ""}, {"gzip", ".gz"}, {"br", ".br"}} {
			what := name + " as " + cmp.Or(form.encoding, "it is")
			resp := fetch(s, "GET", path, "Accept-Encoding", form.encoding)
			body, _ := io.ReadAll(resp.Body)
			built, err := dist.FS.ReadFile(name + form.suffix)
			if err != nil || resp.StatusCode != 200 || !bytes.Equal(body, built) || len(body) > size {
				t.Errorf("%s: %d, %d bytes, not what was built: %d bytes (%v)", what, resp.StatusCode, len(body), len(built), err)
			}
			size = len(body) - 1 // the next one is smaller
			for header, value := range map[string]string{
				"Content-Type": contentType, "Content-Encoding": form.encoding, "Content-Length": strconv.Itoa(len(built)), "Vary": "Accept-Encoding",
			} {
				want(t, what+": "+header, resp.Header.Get(header), value)
			}
			tag := resp.Header.Get("ETag")
			if len(tag) < 12 || tags[tag] != "" {
				t.Errorf("%s: each form has an ETag of its own, not %q of %q", what, tag, tags[tag])
			}
			tags[tag] = what
			head := fetch(s, "HEAD", path, "Accept-Encoding", form.encoding)
			body, _ = io.ReadAll(head.Body)
			head.Header.Del("Date")
			if head.StatusCode != 200 || len(body) != 0 || !maps.EqualFunc(head.Header, resp.Header, slices.Equal) {
				t.Errorf("%s: HEAD is GET without the body, not %d %v", what, head.StatusCode, head.Header)
			}
		}
		// The build checks that the Brotli form decompresses to the file.
		zipped, _ := dist.FS.ReadFile(name + ".gz")
		z, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(z); err != nil || !bytes.Equal(body, file) {
			t.Errorf("%s.gz holds something else (%v)", name, err)
		}
	}
}

func TestClientFilesNotModified(t *testing.T) {
	s := newServer(t, nil)
	const path = "/socket.io/socket.io.js"
	tag := fetch(s, "GET", path).Header.Get("ETag")
	for match, status := range map[string]int{
		tag: 304, "W/" + tag: 304, "*": 304, `"other", ` + tag: 304, `W/"other",W/` + tag + ` , "x"`: 304,
		`"other"`: 200, strings.Trim(tag, `"`): 200, ``: 200,
	} {
		resp := fetch(s, "GET", path, "If-None-Match", match)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != status || (len(body) == 0) != (status == 304) {
			t.Errorf("If-None-Match %s: status %d, %d bytes", match, resp.StatusCode, len(body))
		}
		want(t, "the tag of "+match, resp.Header.Get("ETag"), tag)
		want(t, "Vary of "+match, resp.Header.Get("Vary"), "Accept-Encoding")
	}
	for _, encoding := range []string{"gzip", "br"} {
		packed := fetch(s, "GET", path, "Accept-Encoding", encoding).Header.Get("ETag")
		want(t, "the tag of another form", fetch(s, "GET", path, "If-None-Match", packed).StatusCode, 200)
		want(t, "the tag of the plain form", fetch(s, "GET", path, "If-None-Match", tag, "Accept-Encoding", encoding).StatusCode, 200)
		resp := fetch(s, "GET", path, "If-None-Match", packed, "Accept-Encoding", encoding)
		want(t, "its own tag", resp.StatusCode, 304)
		want(t, "a 304 repeats the tag", resp.Header.Get("ETag"), packed)
		want(t, "a 304 has no body to encode", resp.Header.Get("Content-Encoding"), "")
		want(t, "HEAD is conditional too", fetch(s, "HEAD", path, "If-None-Match", packed, "Accept-Encoding", encoding).StatusCode, 304)
	}
}

func TestClientFilesEncodings(t *testing.T) {
	s := newServer(t, nil)
	for accept, encoding := range map[string]string{
		"gzip, deflate, br": "br", "gzip, deflate, br, zstd": "br", "br": "br", "*": "br", "BR": "br", "gzip;q=0.5, br;q=0.5": "br", "gzip;q=0.5, *": "br",
		"br;q=0.001": "br", "br, identity": "br", "br;q=0.8, identity;q=0.5": "br",
		"gzip": "gzip", "GZIP": "gzip", "deflate, gzip;q=1.0, *;q=0.5": "gzip", "gzip;q=0.001": "gzip", "gzip; q=0.5": "gzip",
		"br;q=0.5, gzip": "gzip", "br;q=0, *": "gzip", "br;q=0,gzip;q=0.1": "gzip", "br;q=x, gzip": "gzip", "br ; Q=0.2 , gzip ; Q=0.3": "gzip",
		"": "", "identity": "", "deflate": "", "gzip;q=0": "", "gzip;q=0.000": "", "gzip; Q=0": "", "*;q=0": "", "gzip;q=0, br;q=0, *": "",
		"gzip;q=x": "", "gzip;q=2": "", "gzip;q=-1": "", "gzip;q=NaN": "", "x-gzip2": "", "brr": "", "identity, gzip;q=0.5, br;q=0.9": "",
	} {
		want(t, "the encoding for "+accept, fetch(s, "GET", "/socket.io.js", "Accept-Encoding", accept).Header.Get("Content-Encoding"), encoding)
	}
	want(t, "over two headers", fetch(s, "GET", "/socket.io.js", "Accept-Encoding", "gzip", "Accept-Encoding", "br").Header.Get("Content-Encoding"), "br")
}

// Cache headers of an outer handler are kept.
func TestClientFilesKeepVary(t *testing.T) {
	s := newServer(t, nil)
	around := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Origin")
		s.ServeHTTP(w, r)
	})
	resp := fetch(around, "GET", "/socket.io/socket.io.js")
	want(t, "Vary", strings.Join(resp.Header.Values("Vary"), ", "), "Origin, Accept-Encoding")
}

func TestClientFilesRefusals(t *testing.T) {
	s, none := newServer(t, nil), newServer(t, &socketio.Options{ClientFiles: socketio.NoClientFiles{}})
	for _, path := range []string{
		"/socket.io/other.js", "/socket.io/socket.io.msgpack.js", "/socket.io/.js", "/socket.io/dist.go.js", "/socket.io/..js",
		"/socket.io/..%2f..%2fsocket.io.min.jsx.js", "/socket.io/..%5csocket.io.js", "/socket.io/%2e%2e%5csocket.io.js", "/socket.io/SOCKET.IO.JS.map",
		"/socket.io/socket.io.js%00.js", "/socket.io/socket.io.node.mjs.map", "/socket.io/socket.io.js.br.js", "/socket.io/socket.io.min.js.gz.map",
	} {
		resp := fetch(s, "GET", path)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 404 || strings.Contains(string(body), "function") {
			t.Errorf("%s: status %d, %.40s", path, resp.StatusCode, body)
		}
	}
	for _, path := range []string{"/socket.io/", "/socket.io/dist.go", "/socket.io/socket.io.JS", "/socket.io/socket.io.js/"} {
		resp := fetch(s, "GET", path)
		body, _ := io.ReadAll(resp.Body)
		want(t, path, string(body), `{"code":0,"message":"Transport unknown"}`)
	}
	want(t, "disabled", fetch(none, "GET", "/socket.io/socket.io.js").StatusCode, 404)
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		resp := fetch(s, method, "/socket.io/socket.io.js")
		want(t, method, resp.StatusCode, 405)
		want(t, "Allow", resp.Header.Get("Allow"), "GET, HEAD")
	}
	open := newServer(t, &socketio.Options{CORS: &socketio.CORS{Origins: []string{"https://a.example"}}})
	want(t, "a module may be loaded from another origin", fetch(open, "GET", "/socket.io/socket.io.esm.min.js").Header.Get("Access-Control-Allow-Origin"), "*")
}

// No spelling of a path leads outside the table of files.
func TestClientFilesTraversal(t *testing.T) {
	own := fstest.MapFS{"a.js": {Data: []byte("a")}, "secret/b.js": {Data: []byte("treasure")}}
	servers := map[string]*socketio.Server{"embedded": newServer(t, nil), "own": newServer(t, &socketio.Options{ClientFiles: own})}
	ups := []string{
		"..%2f", "%2e%2e%2f", "..%5c", "%2e%2e%5c", "..;%2f", "%252e%252e%252f", "..%252f", "..%c0%af", "%c0%ae%c0%ae%c0%af", "%e2%80%a5%2f",
		".%2f..%2f", "....%2f%2f", "secret%2f..%2f", "%2f", "%5c", "c:%5c", "c:%2f", "file:%2f%2f%2f", "%00", "..%00%2f",
		"~%2f", "%2f..%2f", "..%2f..%2f..%2f..%2f..%2f", "./..%2f", ".%00.%2f", "%2e.%2f", ".%2e%2f", "..%5c..%2f", "%u002e%u002e%u2215", "-%2f",
	}
	n := 0
	for _, up := range ups {
		for _, target := range []string{
			"etc%2fpasswd.js", "dist.go.js", "b.js%00.map", "secret%2fb.js.map", "socket.io.node.mjs.map", "%2e%2e%2fgo.mod%00.js", "socket.io.js%20.js",
		} {
			n++
			// The mux would clean the path; the server must handle any path.
			r := httptest.NewRequest("GET", "/socket.io/x", nil)
			var err error
			if r.URL.Path, err = url.PathUnescape(up + target); err != nil {
				r.URL.Path = up + target
			}
			r.URL.Path = "/socket.io/" + r.URL.Path
			for name, s := range servers {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if w.Code != 404 || strings.Contains(w.Body.String(), "treasure") {
					t.Errorf("%s: %q: status %d, %.40q", name, r.URL.Path, w.Code, w.Body)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("only %d spellings", n)
	}
}

func TestOwnClientFiles(t *testing.T) {
	file := func(data string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(data)} }
	files := fstest.MapFS{
		"app.js": file("plain app"), "app.js.br": file("br app"), "app.js.gz": file("gz app"),
		"only.mjs": file("only plain"), "only.mjs.map": file("{}"), "client.wasm": file("\x00asm"), "lone.gz": file("lone"),
		"client.d.ts": file("types"), "empty.js": file(""), "socket.io.js": file("mine"), "folder/in.js": file("hidden"), "LICENSE": file("MIT"),
	}
	s := newServer(t, &socketio.Options{ClientFiles: files, CORS: &socketio.CORS{Origins: []string{"https://a.example"}}})
	files["app.js"].Data = []byte("changed") // files are read once
	const js = "application/javascript; charset=utf-8"
	tags := make(map[string]bool)
	for _, tt := range []struct{ name, accept, body, encoding, contentType string }{
		{"app.js", "", "plain app", "", js},
		{"app.js", "gzip", "gz app", "gzip", js},
		{"app.js", "gzip, br", "br app", "br", js},
		{"only.mjs", "gzip, br", "only plain", "", js},
		{"only.mjs.map", "", "{}", "", "application/json; charset=utf-8"},
		{"client.wasm", "", "\x00asm", "", "application/wasm"},
		{"client.d.ts", "", "types", "", "text/plain; charset=utf-8"},
		{"lone.gz", "gzip", "lone", "", "application/octet-stream"},
		{"LICENSE", "", "MIT", "", "application/octet-stream"},
		{"empty.js", "", "", "", js},
		{"socket.io.js", "br", "mine", "", js},
	} {
		what := tt.name + " for " + tt.accept
		path := "/socket.io/" + tt.name
		resp := fetch(s, "GET", path, "Accept-Encoding", tt.accept)
		body, _ := io.ReadAll(resp.Body)
		want(t, what+": status", resp.StatusCode, 200)
		want(t, what, string(body), tt.body)
		tag := resp.Header.Get("ETag")
		if len(tag) < 12 || tags[tag] {
			t.Errorf("%s: an ETag of its own, not %q", what, tag)
		}
		tags[tag] = true
		for header, value := range map[string]string{
			"Content-Type": tt.contentType, "Content-Encoding": tt.encoding, "Content-Length": strconv.Itoa(len(tt.body)), "Vary": "Accept-Encoding",
			"Cache-Control": "public, max-age=0", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*",
		} {
			want(t, what+": "+header, resp.Header.Get(header), value)
		}
		head := fetch(s, "HEAD", path, "Accept-Encoding", tt.accept)
		body, _ = io.ReadAll(head.Body)
		want(t, what+": HEAD", head.StatusCode, 200)
		want(t, what+": the length HEAD tells", head.Header.Get("Content-Length"), strconv.Itoa(len(tt.body)))
		want(t, what+": the body of HEAD", len(body), 0)
		for _, match := range []string{tag, `"x", W/` + tag} {
			want(t, what+": "+match, fetch(s, "GET", path, "Accept-Encoding", tt.accept, "If-None-Match", match).StatusCode, 304)
		}
		want(t, what+": POST", fetch(s, "POST", path).StatusCode, 405)
	}
	for _, name := range []string{"socket.io.min.js", "in.js", "app.js.map", "other.js", "toString.js"} {
		want(t, name, fetch(s, "GET", "/socket.io/"+name).StatusCode, 404)
	}
	for _, name := range []string{"app.js.br", "app.js.gz", "folder", "license"} {
		want(t, name+" is not a file", fetch(s, "GET", "/socket.io/"+name).StatusCode, 400)
	}
	want(t, "a session", fetch(s, "GET", "/socket.io/?EIO=4&transport=polling").StatusCode, 200)
	want(t, "the embedded client of another server", fetch(newServer(t, nil), "GET", "/socket.io/socket.io.min.js").StatusCode, 200)
}

func TestBadClientFiles(t *testing.T) {
	many, large := fstest.MapFS{}, fstest.MapFS{}
	for i := range 257 {
		many[strconv.Itoa(i)+".js"] = &fstest.MapFile{}
	}
	for _, name := range []string{"a.js", "b.js", "c.js"} {
		large[name] = &fstest.MapFile{Data: make([]byte, 11<<20)}
	}
	for message, o := range map[string]*socketio.Options{
		"no file at the root; fs.Sub opens a folder": {ClientFiles: fstest.MapFS{"dist/a.js": {}}},
		"more than 256 files":                        {ClientFiles: many},
		"more than 33554432 bytes":                   {ClientFiles: large},
		"pipe.js is no file":                         {ClientFiles: fstest.MapFS{"pipe.js": {Mode: fs.ModeNamedPipe}}},
		"broken.js: on purpose":                      {ClientFiles: brokenFS{fstest.MapFS{"broken.js": {}}}},
		"no such file or directory":                  {ClientFiles: os.DirFS(filepath.Join(t.TempDir(), "none"))},
	} {
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "socketio: Options.ClientFiles") || !strings.Contains(got, message) {
					t.Errorf("want a panic about %q, not %s", message, got)
				}
			}()
			_ = socketio.NewServer(o).Close()
		}()
	}
}

// A brokenFS lists its files and fails to read them.
type brokenFS struct{ fstest.MapFS }

func (f brokenFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return brokenFile{file}, err
}

type brokenFile struct{ fs.File }

func (brokenFile) Read([]byte) (int, error) { return 0, errors.New("on purpose") }

func TestClientFileResponses(t *testing.T) {
	t.Run("trap 51", func(t *testing.T) {
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
	})
}

func TestClientFilesAreProperHTTP(t *testing.T) {
	t.Run("quirk 30", func(t *testing.T) {
		mux := http.NewServeMux()
		mux.Handle("/socket.io/", newServer(t, nil))
		const path = "/socket.io/socket.io.min.js"
		tags := make(map[string]bool)
		for _, encoding := range []string{"identity", "gzip", "br"} {
			resp := fetch(mux, "GET", path, "Accept-Encoding", encoding)
			want(t, encoding+": the status", resp.StatusCode, 200)
			want(t, encoding+": Vary", resp.Header.Get("Vary"), "Accept-Encoding")
			tags[resp.Header.Get("ETag")] = true
		}
		want(t, "the number of ETags", len(tags), 3)
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			resp := fetch(mux, method, path)
			want(t, method, fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Allow")), "405 GET, HEAD")
		}
		want(t, "a path that only looks alike", fetch(mux, "GET", "/socket.ioXsocket.io.min.js").StatusCode, 404)
	})
}
