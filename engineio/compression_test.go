// SPDX-License-Identifier: MIT

// This file holds the compression of polling responses, and messages that are
// never compressed.

package engineio_test

import (
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"testing"

	"socketio/engineio"
)

// inflate undoes a content coding.
func inflate(w *world, coding, body string) string {
	w.t.Helper()
	in, err := io.Reader(strings.NewReader(body)), error(nil)
	switch coding {
	case "gzip":
		in, err = gzip.NewReader(in)
	case "deflate":
		in, err = zlib.NewReader(in)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// pollWith makes one poll with an Accept-Encoding header.
func (p *pollPeer) pollWith(accept string) reply {
	p.r.t.Helper()
	got := p.r.get(p.query, "Accept-Encoding", accept)
	if got.err != nil || got.status != 200 || got.header.Get("Content-Length") != fmt.Sprint(len(got.body)) {
		p.r.t.Fatalf("the poll got %d %v (%v)", got.status, got.header, got.err)
	}
	return got
}

func TestPollingIsCompressedAsTheClientAccepts(t *testing.T) {
	everywhere(t, func(w *world) {
		r := w.serve(hosting{options: &engineio.Options{HTTPCompression: new(engineio.HTTPCompression)}})
		p := r.polling("Accept-Encoding", "gzip")
		if p.raw.header.Get("Content-Encoding") != "" {
			w.t.Error("the handshake is compressed")
		}
		text := strings.Repeat("a compressible text ", 100)
		for accept, want := range map[string]string{
			"gzip":                         "gzip",
			"deflate":                      "deflate",
			"gzip, deflate, br":            "gzip",
			"deflate, gzip":                "gzip",
			"deflate;q=0.9, gzip;q=0.8":    "deflate",
			"deflate;q=0.5, gzip;q=0.8":    "gzip",
			"*":                            "gzip",
			"gzip;q=0, *":                  "deflate",
			"gzip;q=0":                     "",
			"br":                           "",
			"":                             "",
			"identity, gzip;q=0.5":         "",
			"identity;q=0.5, gzip;q=0.5":   "gzip",
			"identity;q=0, deflate;q=0.01": "deflate",
		} {
			r.side(p.id()).say(text)
			got := p.pollWith(accept)
			if coding := got.header.Get("Content-Encoding"); coding != want {
				w.t.Errorf("%q was answered in %q, want %q", accept, coding, want)
			}
			if got.header.Get("Vary") != "Accept-Encoding" || got.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
				w.t.Errorf("%q: the headers are %v", accept, got.header)
			}
			if body := inflate(w, want, got.body); body != "4"+text {
				w.t.Errorf("%q: the body is %.50q", accept, body)
			}
			if want != "" && len(got.body) > 200 {
				w.t.Errorf("%q: %d bytes are left of %d", accept, len(got.body), len(text))
			}
		}
	})
}

func TestCompressionFromTheThresholdOn(t *testing.T) {
	t.Run("trap 20", func(t *testing.T) {
		inMemory(t, func(w *world) {
			for _, row := range []struct {
				options *engineio.HTTPCompression
				size    int // of the payload
				want    string
			}{
				{nil, 5000, ""},
				{&engineio.HTTPCompression{}, 1023, ""},
				{&engineio.HTTPCompression{}, 1024, "gzip"},
				{&engineio.HTTPCompression{Threshold: 100}, 99, ""},
				{&engineio.HTTPCompression{Threshold: 100}, 100, "gzip"},
				{&engineio.HTTPCompression{Threshold: -1}, 300, "gzip"},
				{&engineio.HTTPCompression{Threshold: -1}, 2, ""}, // it would grow
			} {
				r := w.serve(hosting{options: &engineio.Options{HTTPCompression: row.options}})
				p := r.polling()
				r.side(p.id()).say(strings.Repeat("a", row.size-1))
				if got := p.pollWith("gzip").header.Get("Content-Encoding"); got != row.want {
					t.Errorf("%d bytes with %+v: %q, want %q", row.size, row.options, got, row.want)
				}
			}
		})
	})
}

// Binary payloads of revision 3 are compressed too, and the initial packet.
func TestCompressedPayloads(t *testing.T) {
	inMemory(t, func(w *world) {
		big := make([]byte, 5000)
		r := w.serve(hosting{options: &engineio.Options{
			AllowEIO3: true, HTTPCompression: new(engineio.HTTPCompression), InitialPacket: engineio.BinaryMessage(big),
		}})
		got := r.get("EIO=3&transport=polling", "Accept-Encoding", "gzip")
		if body := inflate(w, got.header.Get("Content-Encoding"), got.body); !strings.HasSuffix(body, "\x04"+string(big)) {
			t.Errorf("the handshake is %d bytes", len(body))
		}
	})
}

func TestUncompressedMessages(t *testing.T) {
	t.Run("quirk 03", func(t *testing.T) {
		everywhere(t, func(w *world) {
			r := w.serve(hosting{options: &engineio.Options{
				HTTPCompression: new(engineio.HTTPCompression), PerMessageDeflate: new(engineio.PerMessageDeflate),
			}})
			text := strings.Repeat("a compressible text ", 100)
			m := engineio.TextMessage(text)
			plain := engineio.TextMessage(text).Uncompressed()

			p := r.polling()
			s := r.side(p.id())
			for _, row := range []struct {
				what     string
				messages []*engineio.Message
				want     string
			}{
				{"one that may not be", []*engineio.Message{plain}, ""},
				{"one that may", []*engineio.Message{m}, "gzip"},
				{"both", []*engineio.Message{plain, m}, "gzip"},
				{"bytes that may not be", []*engineio.Message{engineio.BinaryMessage(make([]byte, 5000)).Uncompressed()}, ""},
			} {
				for _, m := range row.messages {
					s.Send(m)
				}
				if got := p.pollWith("gzip").header.Get("Content-Encoding"); got != row.want {
					w.t.Errorf("%s: %q, want %q", row.what, got, row.want)
				}
			}

			c := r.deflating("EIO=4&transport=websocket")
			s = r.side(r.readOpen(c.next("the open packet")).SID)
			for range 2 {
				s.Send(plain)
				c.wantMessage("one that may not be", "4"+text, false)
				s.Send(m)
				c.wantMessage("one that may", "4"+text, true)
			}
		})
	})
}
