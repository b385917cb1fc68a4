// SPDX-License-Identifier: MIT

// This file tests requests as bytes, when they are believed, and the numbers used once.

package forward

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var testSecret = []byte("a secret of the tests, not of anybody else")

func sample(t testing.TB) *request {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	srv.Close()
	cert, err := x509.ParseCertificate(srv.TLS.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return &request{
		from: "aaaaaa", to: "bbbbbb", at: time.Now().UnixNano(), number: 7, method: "POST", uri: "/socket.io/?EIO=4&sid=b.c", host: "chat.example",
		remote: "192.0.2.1:1234", unix: true, admitted: true, length: -1, deadline: 5, header: http.Header{"Cookie": {"a=1", "b=\xff"}, "Empty": {""}, "None": {}},
		tls: &tls.ConnectionState{HandshakeComplete: true, Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256, ServerName: "chat.example", NegotiatedProtocol: "h2", DidResume: true,
			PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert}}},
	}
}

// A request is the same after its way; cut off anywhere, it is malformed.
func TestRequestsAsBytes(t *testing.T) {
	for _, q := range []*request{sample(t), {header: http.Header{}}} {
		raw := q.append(nil)
		got, err := parseRequest(raw)
		if err != nil || !reflect.DeepEqual(got, q) {
			t.Fatalf("%+v, %v, want %+v", got, err, q)
		}
		for n := range raw {
			if got, err := parseRequest(raw[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes: %+v", n, len(raw), got)
			}
		}
		if _, err := parseRequest(append(raw, 0)); err == nil {
			t.Fatal("a byte more")
		}
	}
	for _, raw := range []string{"", "\x02", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01" + strings.Repeat("\xff", 20)} {
		if _, err := parseRequest([]byte(raw)); !errors.Is(err, errFormat) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add(sample(f).append(nil))
	f.Add((&request{header: http.Header{"A": {"b"}}}).append(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		q, err := parseRequest(raw)
		if err != nil {
			return
		}
		again, err := parseRequest(q.append(nil))
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Fatalf("%+v, %v, want %+v", again, err, q)
		}
	})
}

// When a request is believed: signed, for this server, in time, once.
func TestAccept(t *testing.T) {
	n := New(&Options{Secret: testSecret, URL: "http://a/"})
	now := time.Now()
	try := func(change func(q *request), at time.Time) string {
		q := sample(t)
		q.to, q.at = n.tag, now.UnixNano()
		change(q)
		raw := q.append(nil)
		_, _, why := n.accept(base64.RawStdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(sign(n.keys.request, string(raw))), at)
		return why
	}
	for _, test := range []struct {
		name   string
		change func(q *request)
		after  time.Duration
		want   string
	}{
		{"good", func(q *request) { q.number = 1 }, 0, ""},
		{"again", func(q *request) { q.number = 1 }, 0, "repeated"},
		{"again, from another server", func(q *request) { q.number, q.from = 1, "cccccc" }, 0, ""},
		{"just in time", func(q *request) { q.number = 2 }, maxSkew, ""},
		{"late", func(q *request) { q.number = 3 }, maxSkew + 1, "time"},
		{"a fast clock", func(q *request) { q.number = 4 }, -maxSkew, ""},
		{"a clock too fast", func(q *request) { q.number = 5 }, -maxSkew - 1, "time"},
		{"for another server", func(q *request) { q.number, q.to = 6, "xxxxxx" }, 0, "another server"},
		{"without a number", func(q *request) { q.number = 0 }, 0, "repeated"},
	} {
		if got := try(test.change, now.Add(test.after)); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	raw := sample(t).append(nil)
	for name, mac := range map[string][]byte{
		"the key of bodies":        sign(n.keys.body, string(raw)),
		"the key of announcements": sign(n.keys.announcement, string(raw)),
		"the empty secret":         sign(newKeys(nil).request, string(raw)),
		"no signature":             nil,
	} {
		if _, _, why := n.accept(base64.RawStdEncoding.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(mac), now); why != "signature" {
			t.Errorf("%s: %q", name, why)
		}
	}
	if _, _, why := n.accept(strings.Repeat("A", 2*maxRequest), "", now); why != "signature" {
		t.Errorf("a long one: %q", why)
	}
}

// Numbers may come in any order within the window, each once; older ones do not count.
func TestWindow(t *testing.T) {
	w := new(window)
	for _, step := range []struct {
		number uint64
		want   bool
	}{
		{5, true}, {5, false}, {3, true}, {4, true}, {3, false}, {1, true},
		{windowBits, true}, {2, true}, {2, false}, {windowBits + 5, true}, {5, false}, {6, true},
		{10 * windowBits, true}, {9*windowBits + 1, true}, {9 * windowBits, false}, {10*windowBits - 7, true}, {10*windowBits - 7, false}, {windowBits, false},
	} {
		if got := w.take(step.number); got != step.want {
			t.Errorf("%d: %v, want %v", step.number, got, step.want)
		}
	}
	var all windows
	now := time.Now()
	for i := range maxWindows {
		all.take(fmt.Sprint(i), 1, now)
	}
	if all.take("more", 1, now.Add(2*maxSkew)) {
		t.Error("there are more windows than allowed")
	}
	if !all.take("more", 1, now.Add(2*maxSkew+1)) || len(all.tags) != 1 {
		t.Errorf("%d windows of servers that were not heard are left", len(all.tags))
	}
}

// A body comes out as it went in, however it is read, and only with its signature.
func TestBodies(t *testing.T) {
	k := newKeys(testSecret)
	for _, size := range []int{0, 1, 31, 32, 33, 63, 64, 65, 1000, 100_000} {
		body := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		signature := []byte(fmt.Sprint(size))
		wire, err := io.ReadAll(k.seal(bytes.NewReader(body), signature))
		if err != nil || len(wire) != size+macSize {
			t.Fatalf("%d bytes, %v", len(wire), err)
		}
		open := func(wire []byte, signature []byte, read func(io.Reader) io.Reader, piece int) ([]byte, error) {
			u := &unsealed{body: io.NopCloser(read(bytes.NewReader(wire))), mac: k.bodyMAC(signature), changed: func() {}}
			var all []byte
			p := make([]byte, piece)
			for {
				n, err := u.Read(p)
				all = append(all, p[:n]...)
				if err == io.EOF {
					return all, nil
				}
				if err != nil {
					return all, err
				}
			}
		}
		for name, read := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "with the end": iotest.DataErrReader,
		} {
			for _, piece := range []int{1, 7, 32, 33, 4096} {
				if got, err := open(wire, signature, read, piece); err != nil || !bytes.Equal(got, body) {
					t.Fatalf("%d bytes, %s, in pieces of %d: %d bytes, %v", size, name, piece, len(got), err)
				}
			}
		}
		whole := func(r io.Reader) io.Reader { return r }
		for _, bad := range [][]byte{wire[:len(wire)-1], append(bytes.Clone(wire), 0), wire[1:], {}} {
			if _, err := open(bad, signature, whole, 100); err != errChanged {
				t.Errorf("%d bytes, changed: %v", size, err)
			}
		}
		if _, err := open(wire, []byte("that of another request"), whole, 100); err != errChanged {
			t.Errorf("%d bytes, of another request: %v", size, err)
		}
	}
}

// A server that has answered a moment ago does not rest because of one connection that
// could not be opened; one that has not does, for a second.
func TestRests(t *testing.T) {
	p, now := new(peer), time.Now()
	p.answered.Store(now.UnixNano())
	if p.fail(now.Add(alive)); p.rests(now.Add(alive)) {
		t.Error("a server that has answered rests")
	}
	if p.fail(now.Add(alive + 1)); !p.rests(now.Add(alive + restTime)) {
		t.Error("a server that has not answered does not rest")
	}
	if p.rests(now.Add(alive + 1 + restTime)) {
		t.Error("it rests for longer than a second")
	}
}
