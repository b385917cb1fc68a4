// SPDX-License-Identifier: MIT

// This file serves the browser client.

package socketio

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"socketio/internal/coding"
	"socketio/web/client/dist"
)

// clientEncodings are the content codings of the files, smallest first, and their
// suffixes of file names.
var clientEncodings = [...]struct{ name, suffix string }{
	{"br", ".br"},
	{"gzip", ".gz"},
}

// Limits of Options.ClientFiles.
const (
	maxClientFiles = 256
	maxClientBytes = 32 << 20 // all files and their compressed forms
)

// clientFiles serves the files of the browser client. A request names one of them or
// none; paths are never joined.
type clientFiles struct {
	files map[string]*clientFile // by name; immutable once set
	own   bool                   // files come from Options.ClientFiles
	none  bool                   // Options.ClientFiles is NoClientFiles

	embed sync.Once // loads the embedded client on the first request
}

// A clientFile is one file in all its forms.
type clientFile struct {
	contentType string
	plain       clientForm
	encoded     [len(clientEncodings)]clientForm
}

// A clientForm is a file, plain or compressed, with its strong ETag.
type clientForm struct {
	body []byte
	tag  string
}

// read reads Options.ClientFiles. It panics if the files can't be served.
func (c *clientFiles) read(o *Options) {
	if o.ClientFiles == nil {
		return
	}
	if _, none := o.ClientFiles.(NoClientFiles); none {
		c.none = true
		return
	}
	files, err := readClientFiles(o.ClientFiles)
	if err != nil {
		panic("socketio: Options.ClientFiles: " + err.Error())
	}
	c.files, c.own = files, true
}

// has reports whether a request whose path ends in name is for a file, which need not
// exist. Engine.IO requests have no such names.
func (c *clientFiles) has(name string) bool {
	return strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".map") || c.own && c.files[name] != nil
}

func (c *clientFiles) get(name string) *clientFile {
	if !c.own {
		c.embed.Do(func() {
			files, err := readClientFiles(dist.FS)
			if err != nil {
				panic("socketio: the embedded client: " + err.Error())
			}
			c.files = files
		})
	}
	return c.files[name]
}

// readClientFiles reads the files at the root of fsys and their compressed forms, which
// have an additional suffix.
func readClientFiles(fsys fs.FS) (map[string]*clientFile, error) {
	bodies, err := readBodies(fsys)
	if err != nil {
		return nil, err
	}
	files := make(map[string]*clientFile, len(bodies))
	for name, body := range bodies {
		f := &clientFile{contentType: contentType(name), plain: newForm(body)}
		for i, e := range clientEncodings {
			if packed, ok := bodies[name+e.suffix]; ok {
				f.encoded[i] = newForm(packed)
			}
		}
		files[name] = f
	}
	for name := range bodies {
		for _, e := range clientEncodings {
			delete(files, name+e.suffix)
		}
	}
	return files, nil
}

func readBodies(fsys fs.FS) (map[string][]byte, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	bodies, room := make(map[string][]byte), int64(maxClientBytes)
	for _, e := range entries {
		info, err := fs.Stat(fsys, e.Name()) // follows links
		if err != nil {
			return nil, err
		}
		switch {
		case info.IsDir():
			continue
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%s is no file", e.Name())
		case len(bodies) == maxClientFiles:
			return nil, fmt.Errorf("more than %d files", maxClientFiles)
		}
		body, err := readUpTo(fsys, e.Name(), room)
		if err != nil {
			return nil, err
		}
		if room -= int64(len(body)); room < 0 {
			return nil, fmt.Errorf("more than %d bytes", maxClientBytes)
		}
		bodies[e.Name()] = body
	}
	if len(bodies) == 0 {
		return nil, errors.New("no file at the root; fs.Sub opens a folder")
	}
	return bodies, nil
}

// readUpTo reads a file. If it is longer than room, readUpTo returns at least room+1
// bytes of it.
func readUpTo(fsys fs.FS, name string, room int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(f, room+1))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return body, nil
}

func newForm(body []byte) clientForm {
	sum := sha256.Sum256(body)
	return clientForm{body, `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// contentType returns the media type for a file name. Package mime would depend on the
// system.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs", ".cjs":
		return "application/javascript; charset=utf-8"
	case ".map", ".json":
		return "application/json; charset=utf-8"
	case ".ts", ".txt", ".md":
		return "text/plain; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	}
	return "application/octet-stream"
}

func (c *clientFiles) serve(w http.ResponseWriter, r *http.Request, name string, o *Options) {
	var f *clientFile
	if !c.none {
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
	tag := form.tag
	coded := coding.Applied(h) // by an outer handler, which gets the plain file
	if coded {
		form, encoding, tag = &f.plain, "", "W/"+f.plain.tag
	}
	if !coding.Varies(h) {
		h.Add("Vary", "Accept-Encoding") // an outer handler may have set others
	}
	h.Set("ETag", tag)
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("X-Content-Type-Options", "nosniff")
	if o.CORS != nil {
		h.Set("Access-Control-Allow-Origin", "*") // modules are loaded from other origins by CORS; the files are public
	}
	if matchesTag(r.Header.Values("If-None-Match"), form.tag) {
		h.Del("Content-Encoding") // there is no content
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	h.Set("Content-Type", f.contentType)
	if coded {
		h.Del("Content-Length") // unknown
	} else {
		h.Set("Content-Length", strconv.Itoa(len(form.body)))
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(form.body) // the client may be gone
	}
}

// choose returns the form that the client prefers according to Accept-Encoding. Of forms
// with equal weight it returns the smallest. It returns the plain file only if that has a
// higher weight than the others, or nothing else is acceptable.
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

// matchesTag compares weakly, as If-None-Match requires.
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
