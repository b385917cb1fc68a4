// SPDX-License-Identifier: MIT

// This file holds how the browser client is served.

package socketio

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"socketio/internal/coding"
	"socketio/web/client/dist"
)

// clientEncodings are the content codings the client is built in, the smallest
// first, and what each adds to a file's name.
var clientEncodings = [...]struct{ name, suffix string }{
	{"br", ".br"},
	{"gzip", ".gz"},
}

// clientFiles serves the files of the browser client. Each is read when it is
// first asked for.
type clientFiles struct {
	mu    sync.Mutex // guards the field below
	files map[string]*clientFile
}

// A clientFile is one file in all its forms.
type clientFile struct {
	contentType string
	plain       clientForm
	encoded     [len(clientEncodings)]clientForm
}

// A clientForm is a file as it is or compressed, and the strong ETag of that.
type clientForm struct {
	body []byte
	tag  string
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
	f := &clientFile{contentType: "application/javascript; charset=utf-8"}
	if strings.HasSuffix(name, ".map") {
		f.contentType = "application/json; charset=utf-8"
	}
	if !f.plain.read(name) { // FS names the files exactly: there are no paths to join
		return nil
	}
	for i, e := range clientEncodings {
		f.encoded[i].read(name + e.suffix)
	}
	if c.files == nil {
		c.files = make(map[string]*clientFile)
	}
	c.files[name] = f
	return f
}

// read reports whether there is a file of that name.
func (f *clientForm) read(name string) bool {
	body, err := dist.FS.ReadFile(name)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(body)
	*f = clientForm{body, `"` + hex.EncodeToString(sum[:12]) + `"`}
	return true
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
	form, encoding := f.choose(r.Header.Values("Accept-Encoding"))
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", form.tag)
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("X-Content-Type-Options", "nosniff")
	if o.CORS != nil {
		h.Set("Access-Control-Allow-Origin", "*") // a module is loaded from another origin by CORS; the files are public
	}
	if matchesTag(r.Header.Values("If-None-Match"), form.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(form.body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(form.body) // a client that is gone needs no file
	}
}

// choose returns the form the client prefers, by the values of Accept-Encoding.
// Of equals the smallest wins; the file as it is wins only where it is named with
// a higher weight than the others, or where nothing else is acceptable.
func (f *clientFile) choose(accept []string) (form *clientForm, encoding string) {
	form = &f.plain
	best, _ := coding.Named(accept, "identity")
	for i := len(clientEncodings) - 1; i >= 0; i-- {
		weight := coding.Weight(accept, clientEncodings[i].name)
		if weight > 0 && weight >= best && f.encoded[i].body != nil {
			form, encoding, best = &f.encoded[i], clientEncodings[i].name, weight
		}
	}
	return form, encoding
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
