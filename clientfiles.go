// SPDX-License-Identifier: MIT

// This file holds how the browser client is served.

package socketio

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"socketio/web/client/dist"
)

// clientFiles serves the files of the browser client. Each is prepared when it is
// first asked for.
type clientFiles struct {
	mu    sync.Mutex // guards the field below
	files map[string]*clientFile
}

// A clientFile is one file and its compressed form, each with a strong ETag.
type clientFile struct {
	contentType   string
	plain, zipped []byte
	tag           string
}

// isClientFile reports whether a path element can only mean a file of the
// client: Engine.IO requests have no such names.
func isClientFile(name string) bool {
	return strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".map")
}

func (c *clientFiles) get(name string) *clientFile {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.files[name]; f != nil {
		return f
	}
	plain, err := fs.ReadFile(dist.FS, name) // names the files exactly: there are no paths to join
	if err != nil {
		return nil
	}
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is valid
	_, _ = z.Write(plain)                                      // a Buffer does not fail
	_ = z.Close()
	sum := sha256.Sum256(plain)
	f := &clientFile{
		contentType: "application/javascript; charset=utf-8",
		plain:       plain,
		zipped:      zipped.Bytes(),
		tag:         hex.EncodeToString(sum[:12]),
	}
	if strings.HasSuffix(name, ".map") {
		f.contentType = "application/json; charset=utf-8"
	}
	if c.files == nil {
		c.files = make(map[string]*clientFile)
	}
	c.files[name] = f
	return f
}

func (c *clientFiles) serve(w http.ResponseWriter, r *http.Request, name string, o *Options) {
	var f *clientFile
	if !o.DisableClient {
		f = c.get(name)
	}
	if f == nil {
		http.Error(w, "no such file of the Socket.IO client", http.StatusNotFound)
		return
	}
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	body, tag := f.plain, `"`+f.tag+`"`
	h.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		body, tag = f.zipped, `"`+f.tag+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("X-Content-Type-Options", "nosniff")
	if o.CORS != nil {
		h.Set("Access-Control-Allow-Origin", "*") // a module is loaded from another origin by CORS; the files are public
	}
	if matchesTag(r.Header.Values("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a client that is gone needs no file
	}
}

// acceptsGzip reports whether gzip is acceptable: named, or covered by "*", with
// a weight above 0.
func acceptsGzip(headers []string) bool {
	any := false
	for _, h := range headers {
		for _, part := range strings.Split(h, ",") {
			coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
			coding = strings.TrimSpace(coding)
			_, q, weighed := strings.Cut(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
			weight, err := strconv.ParseFloat(q, 64)
			ok := !weighed || err == nil && weight > 0
			switch {
			case strings.EqualFold(coding, "gzip"):
				return ok
			case coding == "*":
				any = ok
			}
		}
	}
	return any
}

// matchesTag compares weakly, as If-None-Match asks.
func matchesTag(headers []string, tag string) bool {
	for _, h := range headers {
		for _, t := range strings.Split(h, ",") {
			t = strings.TrimPrefix(strings.TrimSpace(t), "W/")
			if t == tag || t == "*" {
				return true
			}
		}
	}
	return false
}
